"""Export a run's policy to a small folder of its own: `python -m flexrl.export RUN --out FOLDER`.

`flexrl.evaluate`, `flexrl.skills`, `flexrl.render` and `--parent` accept the folder like a run's.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.warp_buffers import WarpBuffers

NUM_EPISODES = 256  # of the evaluation that is exported with the policy


@dataclass(frozen=True)
class ExportArguments:
    """Export a run's policy to a small folder of its own.

    Attributes:
      out: folder to create.
      step: checkpoint to use: `best`, `latest` or an iteration.
      warp: sizes of MJX-Warp's buffers for the evaluation, to replace the run's own if they are too small.
      workspace: folder that holds the runs.
    """

    out: Path
    step: str = "best"
    warp: WarpBuffers = WarpBuffers()
    workspace: str = "workspace"


def main(arguments: list[str]) -> None:
    """Parse the command line and export the policy."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(ExportArguments, arguments, "flexrl.export")
        export(run, options)


def export(run: str, options: ExportArguments) -> None:
    """Write the policy, its config, an evaluation of it, and what it was trained with. No path of this machine is kept.

    Raises:
      ConfigError: if there is no such run, it is an exported policy already, or the folder exists.
      CheckpointError: if the checkpoint is damaged.
    """
    from envs.places import require_free
    from flexrl.common.decoding import dump_yaml
    from flexrl.common.files import write_json, write_text
    from flexrl.config.run_config import encode, without_places
    from flexrl.engine.evaluator import Evaluator, final_key
    from flexrl.policies.playback import load_playback
    from flexrl.storage.policy_file import FILE, is_exported, save_policy
    from flexrl.storage.run_folder import find_run, read_config, read_metadata

    require_free(options.out)
    folder = find_run(run, options.workspace)
    if is_exported(folder):
        raise ConfigError(f"run: {folder} is an exported policy already; copy the folder")
    playback = load_playback(run, options.workspace, options.step, num_episodes=NUM_EPISODES, warp=options.warp)
    evaluation = Evaluator(playback.env, NUM_EPISODES)(playback.policy, final_key(0))
    options.out.mkdir()
    save_policy(options.out, playback.policy)
    trained = read_metadata(folder)
    record = {"step": playback.step, "evaluation": evaluation}
    record |= {name: trained.get(name) for name in ("parent", "git", "versions")}
    record |= {"data": trained["data"]} if trained.get("data") else {}
    write_json(options.out / "export.json", record)
    config = encode(without_places(read_config(playback.folder)))
    write_text(options.out / "config.yaml", dump_yaml(config))
    if _is_of_step(skills := folder / "skills.json", playback.step):
        shutil.copyfile(skills, options.out / "skills.json")
    print(f"{options.out}: iteration {playback.step}, {(options.out / FILE).stat().st_size / 1e6:.2f} MB")


def _is_of_step(skills: Path, step: int) -> bool:
    """Return whether `flexrl.skills` wrote this file about the policy of iteration `step`."""
    try:
        return json.loads(skills.read_bytes())["step"] == step
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
