"""Take a run's policy along, in a small folder of its own: `python -m flexrl.export RUN --out FOLDER`.

The folder can be evaluated, examined and drawn like a run's.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from flexrl.errors import ConfigError, exit_codes
from flexrl.warp_buffers import WarpBuffers

NUM_EPISODES = 256


@dataclass(frozen=True)
class ExportArguments:
    """What to export.

    Attributes:
      out: folder to make.
      step: checkpoint: `best`, `latest` or an iteration.
      warp: sizes of MJX-Warp's buffers, where the run's own are too small.
      workspace: folder that holds the runs.
    """

    out: Path
    step: str = "best"
    warp: WarpBuffers = WarpBuffers()
    workspace: str = "workspace"


def main(arguments: list[str]) -> None:
    """Parse and export."""
    with exit_codes():
        from flexrl.startup import prepare_jax

        prepare_jax()
        from flexrl.arguments import parse_tool

        run, options = parse_tool(ExportArguments, arguments, "flexrl.export")
        export(run, options)


def export(run: str, options: ExportArguments) -> None:
    """Write the policy, its config, an evaluation, and what it was trained with; no place on this machine.

    Raises:
      ConfigError: if the run is not there, or the folder is.
      CheckpointError: if the checkpoint is damaged.
    """
    from flexrl.config import encode, without_places
    from flexrl.decoding import dump_yaml
    from flexrl.evaluation import Evaluator, final_key
    from flexrl.files import write_json, write_text
    from flexrl.playback import load_playback
    from flexrl.policy_file import FILE, save_policy
    from flexrl.run_folder import read_config

    if options.out.exists():
        raise ConfigError(f"out: {options.out} is there already; name another folder")
    playback = load_playback(run, options.workspace, options.step, num_episodes=NUM_EPISODES, warp=options.warp)
    evaluation = Evaluator(playback.env, NUM_EPISODES)(playback.policy, final_key(0))
    options.out.mkdir(parents=True)
    save_policy(options.out, playback.policy)
    trained = json.loads((playback.folder / "metadata.json").read_text())
    record = {"step": playback.step, "evaluation": evaluation}
    record |= {name: trained[name] for name in ("parent", "git", "versions")}
    record |= {"data": trained["data"]} if trained.get("data") else {}
    write_json(options.out / "export.json", record)
    config = encode(without_places(read_config(playback.folder)))
    write_text(options.out / "config.yaml", dump_yaml(config))
    if (playback.folder / "skills.json").is_file():
        shutil.copyfile(playback.folder / "skills.json", options.out / "skills.json")
    print(f"{options.out}: iteration {playback.step}, {(options.out / FILE).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
