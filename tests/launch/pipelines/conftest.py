import json

import pytest

from launch import pipeline
from launch.pipelines import known_commands
from launch.pipelines.pipeline_file import load_pipeline
from launch.pipelines.stages import load_stages
from tests.launch.pipelines import fake_stage

FAKE = fake_stage.__name__


def fake(name, *inputs, **words):
    """A stage that runs `fake_stage.py`."""
    how = [f"{word}={path}" for word, path in words.items()]
    return {"command": [FAKE, name, "<out>", *(f"<{each}>" for each in inputs), *how]}


@pytest.fixture
def fake_stages(monkeypatch):
    """Stages may run `tests/launch/pipelines/fake_stage.py`."""
    monkeypatch.setitem(known_commands.COMMANDS, FAKE, "")


@pytest.fixture
def write(tmp_path):
    """Write a pipeline's file."""

    def write(stages, **fields):
        path = tmp_path / "pipeline.yaml"
        path.write_text(json.dumps({"name": "chain", "stages": stages, **fields}))  # JSON is YAML, too
        return path

    return write


@pytest.fixture
def stages_of(tmp_path, write):
    """The stages of a pipeline's file by name."""

    def load(stages, overlay=None, **fields):
        path = write(stages, **fields)
        found = load_stages(load_pipeline(path, overlay), tmp_path / "workspace", str(path))
        return {stage.name: stage for stage in found}

    return load


@pytest.fixture
def command(tmp_path, capsys):
    """`launch.pipeline` on the pipeline's file in this process: exit code, standard output and error."""

    def run(name, *flags):
        try:
            place = ["--workspace", str(tmp_path / "workspace")]
            pipeline.main([name, str(tmp_path / "pipeline.yaml"), *place, *flags])
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run
