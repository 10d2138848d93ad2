"""The model card of a policy on the Hugging Face Hub: its metadata, what it was measured to do, and how to run it."""

import json
from pathlib import Path

from flexrl.common.decoding import dump_yaml, load_yaml
from flexrl.common.types import JsonObject


def card(folder: Path, repository: str) -> str:
    """Return the card of an exported policy, in Markdown with metadata in YAML before it.

    A `README.md` in the folder stays, below the generated part; metadata of its own is replaced.

    Args:
      folder: folder of the exported policy.
      repository: `USER/NAME` on the Hub.
    """
    config = load_yaml(folder / "config.yaml")
    record: JsonObject = json.loads((folder / "export.json").read_bytes())
    evaluation = record.get("evaluation") or {}
    head = dump_yaml(_metadata(config, evaluation, repository))
    name = repository.partition("/")[2]
    lines = [
        f"---\n{head}---\n",
        f"# {name}\n",
        f"A policy for `{config['env']}`, trained by `{config['algo']}` with flex-rl, of iteration {record['step']}.\n",
        "    pip install flex-rl",
        f"    python -m flexrl.hub pull {repository} --out {name}",
        f"    python -m flexrl.render {name}\n",
        *_measured(evaluation),
        *_skills(folder / "skills.json"),
    ]
    readme = folder / "README.md"
    if readme.is_file():
        lines.append(_without_metadata(readme.read_text(encoding="utf-8")))
    return "\n".join(lines).rstrip() + "\n"


def _metadata(config: JsonObject, evaluation: JsonObject, repository: str) -> JsonObject:
    content: JsonObject = {
        "library_name": "flex-rl",
        "pipeline_tag": "reinforcement-learning",
        "tags": ["reinforcement-learning", "mujoco", "jax", "flex-rl", str(config["env"]), str(config["algo"])],
    }
    if "return_mean" in evaluation:
        content["model-index"] = [
            {
                "name": repository,
                "results": [
                    {
                        "task": {"type": "reinforcement-learning", "name": "reinforcement-learning"},
                        "dataset": {"name": str(config["env"]), "type": str(config["env"])},
                        "metrics": [{"type": "mean_reward", "name": "return", "value": _return(evaluation)}],
                    }
                ],
            }
        ]
    return content


def _return(evaluation: JsonObject) -> str:
    return f"{evaluation['return_mean']:.1f} +/- {evaluation['return_std']:.1f}"


def _measured(evaluation: JsonObject) -> list[str]:
    if "return_mean" not in evaluation:
        return []
    return [
        f"Return over {evaluation['num_episodes']} episodes: {_return(evaluation)} (standard deviation). "
        f"Mean length: {evaluation['episode_length_mean']:.0f} control steps.\n"
    ]


def _skills(path: Path) -> list[str]:
    if not path.is_file():
        return []
    skills = json.loads(path.read_bytes())["skills"]
    rows = [
        f"| {name} | {row['success']:.2f} | {row['velocity_error']:.2f} | {row['falls']:.2f} |"
        for name, row in skills.items()
    ]
    return ["| skill | success | velocity error (m/s) | falls |", "|---|---|---|---|", *rows, ""]


def _without_metadata(text: str) -> str:
    if text.startswith("---\n") and "\n---\n" in text[4:]:
        return text[4:].partition("\n---\n")[2].lstrip()
    return text
