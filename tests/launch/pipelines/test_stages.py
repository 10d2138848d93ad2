import json
import re
from pathlib import Path

import pytest

from envs.tasks.humanoid_skills.goals import SKILL_NAMES
from flexrl.config.run_config import decode
from launch.pipelines.pipeline_file import load_pipeline
from launch.pipelines.stages import load_stages
from launch.stage import read
from tests.launch.pipelines.conftest import fake
from tests.launch.sweeps import TINY

EXAMPLES = Path(__file__).parents[3] / "examples"
EXAMPLE = EXAMPLES / "three_phases.yaml"
CHAIN = {"e": fake("e", "b", "d"), "a": {"train": TINY}, "b": fake("b", "a"), "c": {"train": TINY}, "d": fake("d", "c")}


def keys(stages):
    return {name: stage.key for name, stage in stages.items()}


pytestmark = pytest.mark.usefixtures("fake_stages")


def test_stages_follow_what_they_need_and_else_stand_as_in_the_file(stages_of):
    stages = stages_of(CHAIN)
    assert list(stages) == ["a", "b", "c", "d", "e"]
    assert {name: list(stage.inputs) for name, stage in stages.items()} == {
        **{"a": [], "b": ["a"], "c": [], "d": ["c"], "e": ["b", "d"]}
    }


def test_a_change_changes_the_keys_of_a_stage_and_of_what_follows_from_it(stages_of):
    before = keys(stages_of(CHAIN))
    assert keys(stages_of(CHAIN)) == before
    after = keys(stages_of({**CHAIN, "a": {"train": {**TINY, "seed": 1}}}))
    assert {name for name in before if after[name] != before[name]} == {"a", "b", "e"}
    after = keys(stages_of({**CHAIN, "d": fake("other", "c")}))
    assert {name for name in before if after[name] != before[name]} == {"d", "e"}


def test_what_is_no_part_of_a_computation_is_no_part_of_a_key(stages_of):
    before = keys(stages_of(CHAIN))
    others = {"retries": 5, "cluster": {"image": "x", "volume_claim": "y"}, "resources": {"cpu": "8"}}
    assert keys(stages_of({**CHAIN, "a": {"train": {**TINY, "video": True}}}, **others)) == before


def test_a_file_that_a_stage_reads_counts_by_its_content(stages_of, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    found = []
    for text in ("one", "two"):
        (folder / "text").write_text(text)
        stages = {"a": fake("a"), "b": {"command": [*fake("b", "a")["command"], f"{folder}/"]}}
        stages["c"] = {"train": {**TINY, "parent": f"{folder}:12"}}
        found.append(keys(stages_of(stages)))
        from launch.pipelines.stages import _digest

        _digest.cache_clear()  # of this process; a command reads files once
    first, second = found
    assert first["a"] == second["a"] and first["b"] != second["b"] and first["c"] != second["c"]


def test_references_become_paths_and_nothing_else_of_a_run_changes(stages_of, tmp_path):
    stages = stages_of(
        {
            "a": {"train": TINY},
            "b": fake("b", "a"),
            "c": {"train": {**TINY, "parent": "<a>:latest"}},
            "d": fake("d", "b"),
        }
    )
    place = tmp_path / "workspace" / "chain"
    a, b, c, d = stages.values()
    assert b.resolved(b.command)[2:] == [str(b.folder / "out"), str(a.folder)]
    assert d.resolved(d.command)[3:] == [str(place / f"b-{b.key}" / "out")]
    assert c.resolved(c.train)["parent"] == f"{a.folder}:latest"
    config = decode(c.resolved(c.train), "test")
    assert config.physics == "native" and config.total_steps == TINY["total_steps"]


def test_a_stage_travels_as_text_that_no_template_engine_would_change(stages_of):
    words = "${HOME} $(HOME) {{ ds }} {%x%} {#y#} {{{a"
    (stage,) = stages_of({"a": {"command": [*fake("a")["command"], f"needs={words.replace('${HOME} ', '')}"]}}).values()
    text = stage.text()
    assert not re.search(r"\$|\{\{|\{%|\{#", text)
    assert read([text]) == stage
    assert json.loads(text)["command"][-1].endswith("{{{a")


@pytest.mark.parametrize("overlay", [None, "toy"])
def test_the_example_is_the_whole_mission(overlay, tmp_path, monkeypatch):
    monkeypatch.chdir(EXAMPLE.parents[1])
    stages = {x.name: x for x in load_stages(load_pipeline(EXAMPLE, overlay), tmp_path, str(EXAMPLE))}
    trained = {name: (stage.train["algo"], stage.train["env"]) for name, stage in stages.items() if stage.train}
    assert trained == {
        "skills": ("ppo", "humanoid-skills"),
        "goals": ("ppo", "humanoid-goal"),
        "clone": ("bc", "humanoid-goal"),
        "transformer": ("dt", "humanoid-goal"),
    }
    assert list(stages["instructions"].inputs) == ["policy", "words"]
    assert {list(stages[name].inputs)[0] for name in ("clone", "transformer")} == {"dataset"}


@pytest.mark.parametrize("overlay", [None, "toy"])
def test_the_whole_body_is_taught_by_its_specialists(overlay, tmp_path, monkeypatch):
    monkeypatch.chdir(EXAMPLES.parent)
    file = EXAMPLES / "whole_body.yaml"
    stages = {x.name: x for x in load_stages(load_pipeline(file, overlay), tmp_path, str(file))}
    config = decode(stages["together"].resolved(stages["together"].train), "together")
    specialists = (f"jump={stages['jump'].output}", f"stand-up={stages['getup'].output}")
    assert config.algorithm.teachers == ("pretrained/humanoid-skills", *specialists)
    assert set(config.task.skills) == set(SKILL_NAMES) and config.parent == "pretrained/humanoid-skills"


@pytest.mark.parametrize("overlay", [None, "toy"])
def test_who_walks_naturally_is_taught_the_rest(overlay, tmp_path, monkeypatch):
    monkeypatch.chdir(EXAMPLES.parent)
    file = EXAMPLES / "natural_skills.yaml"
    stages = {x.name: x for x in load_stages(load_pipeline(file, overlay), tmp_path, str(file))}
    legs = ("gait", "begun", "taught", "practice", "caught", "practised", "calm", "last")
    gait, *later = (decode(stages[x].resolved(stages[x].train), x) for x in legs)
    assert gait.parent is None and not gait.algorithm.teachers
    assert gait.task.start_states == f"{stages['fast'].output}/states.npz"
    assert [each.parent for each in later] == [f"{stages[x].output}:latest" for x in legs[:-1]]
    for each in later:
        assert set(each.task.skills) == set(SKILL_NAMES)
        assert "jump=pretrained/whole-body" in each.algorithm.teachers
    familiar = f"familiar={stages['taught'].output}:latest"
    taught_by_itself = [familiar in each.algorithm.teachers for each in later]
    assert taught_by_itself == [False, False, False, True, True, True, False]
    assert all(each.task.gait_clock and each.task.gait.needs_clock for each in (gait, *later))
