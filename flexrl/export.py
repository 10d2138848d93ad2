"""Export a run's policy to a small folder of its own: `python -m flexrl.export RUN --out FOLDER`.

In the format `policy`, `flexrl.evaluate`, `flexrl.skills`, `flexrl.render`, `flexrl.load` and `--parent` accept the
folder like a run's. In the formats `onnx` and `stablehlo` it is for other programs, and in the format `web` it is a
folder of static files that runs the policy in a browser (docs/export.md).
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.warp_buffers import WarpBuffers

if TYPE_CHECKING:
    from flexrl.policies.playback import Playback

NUM_EPISODES = 256  # of the evaluation that is exported with the policy


@dataclass(frozen=True)
class ExportArguments:
    """Export a run's policy to a small folder of its own.

    Attributes:
      out: folder to create.
      format: `policy` for the commands of flex-rl; `onnx` or `stablehlo` for other programs, as one function that also
        normalises observations, encodes goals, updates the memory and applies the left-right symmetry; `web` for a page
        on which a policy of humanoid-skills runs in the browser, which any web server can host.
      step: checkpoint to use: `best`, `latest` or an iteration.
      mujoco: folder of the npm package @mujoco/mujoco, for `web`; null for node_modules/@mujoco/mujoco.
      warp: sizes of MJX-Warp's buffers for the evaluation, to replace the run's own if they are too small.
      workspace: folder that holds the runs.
    """

    out: Path
    format: Literal["policy", "onnx", "stablehlo", "web"] = "policy"
    step: str = "best"
    mujoco: Path | None = None
    warp: WarpBuffers = WarpBuffers()
    workspace: str = "workspace"


def main(arguments: list[str]) -> None:
    """Run `flexrl.export` with a command line: write the policy of a run to a new folder, which `--out` names."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(ExportArguments, arguments, "flexrl.export")
        export(run, options)


def export(run: str, options: ExportArguments) -> None:
    """Write the policy of a run to the new folder `options.out`, and print the folder's size.

    A failed export leaves no folder behind.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: `format` is `policy`, `onnx`, `stablehlo` or `web`; the other fields name the checkpoint and the places.

    Raises:
      ConfigError: if there is no such run; if the folder `options.out` exists; if the format is `policy` and `run` is
        an exported policy already; or if the format cannot hold this policy.
      CheckpointError: if the checkpoint is damaged.
    """
    from envs.places import require_free
    from flexrl.common.tables import say
    from flexrl.policies.playback import load_playback
    from flexrl.storage.policy_file import is_exported
    from flexrl.storage.run_folder import find_run

    require_free(options.out)
    folder = find_run(run, options.workspace)
    is_policy = options.format == "policy"
    if is_policy and is_exported(folder):
        raise ConfigError(
            f"run: {folder} is an exported policy already; copy the folder, or choose --format onnx, stablehlo or web"
        )
    num_episodes = NUM_EPISODES if is_policy else 1
    playback = load_playback(run, options.workspace, options.step, num_episodes=num_episodes, warp=options.warp)
    say(f"exporting iteration {playback.step} of {playback.folder} as {options.format}")
    if options.format == "policy":
        _write_policy(playback, options.out)
    elif options.format == "web":
        from flexrl.web.folder import write_web

        write_web(playback, options.out, options.mujoco)
    else:
        _write_function(playback, options)
    size = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file())
    print(f"{options.out}: iteration {playback.step}, {size / 1e6:.2f} MB")


def _write_policy(playback: "Playback", out: Path) -> None:
    """Write the policy's arrays, its config, an evaluation of it, and what it was trained with.

    No path of this machine is kept.
    """
    from flexrl.common.decoding import dump_yaml
    from flexrl.common.files import new_folder, write_json, write_text
    from flexrl.config.run_config import encode, without_places
    from flexrl.engine.evaluator import Evaluator, final_key
    from flexrl.storage.policy_file import save_policy
    from flexrl.storage.run_folder import read_config, read_metadata
    from flexrl.storage.run_model import copy_model

    evaluation = Evaluator(playback.env, NUM_EPISODES)(playback.policy, final_key(0))
    trained = read_metadata(playback.folder)
    record = {"step": playback.step, "evaluation": evaluation}
    record |= {name: trained.get(name) for name in ("parent", "git", "versions")}
    record |= {"data": trained["data"]} if trained.get("data") else {}
    with new_folder(out) as folder:
        save_policy(folder, playback.policy)
        write_json(folder / "export.json", record)
        write_text(folder / "config.yaml", dump_yaml(encode(without_places(read_config(playback.folder)))))
        copy_model(playback.folder, folder)
        if _is_of_step(skills := playback.folder / "skills.json", playback.step):
            shutil.copyfile(skills, folder / "skills.json")


def _write_function(playback: "Playback", options: ExportArguments) -> None:
    """Write the policy as a file for other programs, in ONNX or StableHLO, and `policy.json`, which describes it."""
    from flexrl.common.files import new_folder, write_json
    from flexrl.policies.onnx_graph import onnx_model
    from flexrl.policies.portable import description, portable, stablehlo

    function = portable(playback.policy, playback.env.spec)
    content = onnx_model(function) if options.format == "onnx" else stablehlo(function)
    name = f"policy.{options.format}"
    with new_folder(options.out) as folder:
        (folder / name).write_bytes(content)
        write_json(folder / "policy.json", description(playback, function) | {"file": name})


def _is_of_step(skills: Path, step: int) -> bool:
    """Return whether the file `skills`, a report of `flexrl.skills`, is about the policy of iteration `step`.

    If the file is missing or damaged, return False.
    """
    try:
        return json.loads(skills.read_bytes())["step"] == step
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
