"""Provides the finished runs that a benchmark needs: starts them, resumes them, or finds them finished."""

import json
import subprocess
import sys
from pathlib import Path

from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.training.members import member_configs


def commits_of(runs: list[Path]) -> list[str]:
    """Return the commits of flex-rl with which these runs were started, sorted and without repeats.

    A "+" at the end of a commit says that files differed from it.
    """
    states = [
        json.loads((run / "metadata.json").read_text())["git"] or {"commit": "unknown", "changed": False}
        for run in runs
    ]
    return sorted({state["commit"] + ("+" if state["changed"] else "") for state in states})


def finished_runs(flags: list[str]) -> list[Path]:
    """Finish the runs that these flags of `flexrl.train` describe, and return their folders, one for each seed.

    Runs that were interrupted are resumed; runs that are finished already are not trained again.

    Raises:
      ConfigError: if a folder holds a run of other settings.
    """
    config = parse(flags).config
    members = member_configs(config)
    if not all((member.folder / "result.json").exists() for member in members):
        begun = (config.folder / "config.yaml").exists()
        arguments = ["--resume", str(config.folder)] if begun else flags
        subprocess.run([sys.executable, "-m", "flexrl.train", *arguments], check=True, stdout=subprocess.DEVNULL)
    for member in members:
        if json.loads((member.folder / "result.json").read_text())["config_hash"] != member.hash():
            raise ConfigError(f"{member.folder}: is a run of other settings; name another --workspace, or remove it")
    return [member.folder for member in members]
