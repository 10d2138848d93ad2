"""Make the pages about every config field from the dataclasses: the Markdown text of each page's address."""

import dataclasses
import functools
import inspect
import json
from pathlib import Path

import yaml

from algos.registry import ALGORITHMS
from docs.hooks.commands import prose
from docs.hooks.fields import REQUIRED, Field, fields_of, table
from envs.built_in import BUILT_IN
from envs.registry import env_type
from flexrl.config.presets import FALLBACK_PRESET, FALLBACK_PRESETS, PRESETS
from flexrl.config.run_config import RunConfig
from launch.plan.sweep_file import Sweep

PICTURES = Path(__file__).parents[1] / "envs"


@functools.cache
def config_pages() -> dict[str, str]:
    """Return the pages of the reference of fields, by their address in the site."""
    return {
        "reference/config.md": _run(),
        "reference/algorithms.md": _algorithms(),
        "reference/environments.md": _environments(),
        "reference/presets.md": _presets(),
        "reference/sweep-file.md": _sweep(),
    }


def _run() -> str:
    return (
        "# Config of a run\n\nThese fields stand at the top of a config file (`--config FILE.yaml`). Each is a flag of "
        "`python -m flexrl.train` too, with dashes: `early_stop.max_minutes` is `--early-stop.max-minutes`. A switch "
        "that is true or false is turned off by `no-`: `--no-video`. The fields under `algorithm` are listed for "
        "[each algorithm](algorithms.md), those under `task` for [each environment](environments.md), and defaults "
        "that depend on both on the page of [presets](presets.md).\n\n"
        + table([_by_preset(field) for field in fields_of(RunConfig, without=("algorithm", "task"))])
    )


def _by_preset(field: Field) -> Field:
    """Return a field of a run; where it has no default of its own, a preset has one."""
    return dataclasses.replace(field, default="preset") if field.default == REQUIRED else field


def _algorithms() -> str:
    parts = [
        "# Fields of algorithms\n\nEach is a key under `algorithm` in a config file, and a flag `--algorithm.NAME`.\n"
    ]
    for name, entry in ALGORITHMS.items():
        parts.append(f"## {name}\n\n{_summary(entry.config)}\n\n{table(fields_of(entry.config, prefix='algorithm.'))}")
    return "\n".join(parts)


def _environments() -> str:
    parts = [
        "# Fields of environments\n\nEach is a key under `task` in a config file, and a flag `--task.NAME`. "
        "`python -m envs show NAME` also prints sizes and metrics.\n"
    ]
    for name in BUILT_IN:
        task = env_type(name)
        picture = f"![{name}](../envs/{name}.png)\n\n" if (PICTURES / f"{name}.png").exists() else ""
        fields = fields_of(task.Config, prefix="task.")
        parts.append(f"## {name}\n\n{picture}{_summary(task)}\n\n{table(fields) if fields else 'It has no fields.'}\n")
    return "\n".join(parts)


def _presets() -> str:
    parts = [
        "# Presets\n\nA preset is the defaults of a run that depend on algorithm, environment and profile "
        "(`flexrl/config/presets.py`). A config file and flags override it. The values for `gpu` are unmeasured.\n"
    ]
    for (algo, env, profile), content in PRESETS.items():
        parts.append(f"## {algo}, {env}, {profile}\n\n{_yaml(content)}")
    for (algo, profile), content in FALLBACK_PRESETS.items():
        parts.append(f"## {algo}, other environments, {profile}\n\n{_yaml(content)}")
    parts.append(f"## Everything else\n\n{_yaml(FALLBACK_PRESET)}")
    return "\n".join(parts)


def _sweep() -> str:
    return (
        f"# File of a sweep\n\n{_summary(Sweep)}\n\n`python -m launch.sweep` reads it; [sweeps](../sweeps.md) says "
        "what it does with it. `FIELD` stands for the dotted name of any field of a run.\n\n" + table(fields_of(Sweep))
    )


def _summary(kind: type) -> str:
    return prose((inspect.getdoc(kind) or "").partition("Attributes:")[0])


def _yaml(content: object) -> str:
    plain = json.loads(json.dumps(content))
    text = yaml.safe_dump(plain, sort_keys=False, default_flow_style=None)
    return f"```yaml\n{text}```\n"
