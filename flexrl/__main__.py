"""List flex-rl's commands and run one: `flexrl`, `flexrl train ...`; likewise `python -m flexrl`.

`flexrl NAME ...` does what `python -m` does with the module of that name. Modules are named by strings, because a
command must neither import another one nor wait for its imports.
"""

import difflib
import importlib.metadata
import runpy
import sys
from dataclasses import dataclass

from flexrl.common.errors import ConfigError, exit_codes


@dataclass(frozen=True)
class Command:
    """A command, the module that it runs, and what it does, in a line."""

    name: str
    module: str
    text: str


GROUPS = {
    "Train": (
        Command("train", "flexrl.train", "train a policy; resume a run; train several seeds in one program"),
        Command("sweep", "launch.sweep", "train many runs from one file, on this machine or on Kubernetes"),
        Command("pipeline", "launch.pipeline", "chain trainings and commands, and rerun only what changed"),
        Command("envs", "envs", "list, describe and draw the environments"),
    ),
    "Try a policy": (
        Command("render", "flexrl.render", "draw a video"),
        Command("serve", "flexrl.serve", "tell it in a browser, and watch it live"),
        Command("instruct", "flexrl.instruct", "tell a humanoid or a robot in words what to do"),
        Command("evaluate", "flexrl.evaluate", "measure returns in fresh episodes"),
        Command("skills", "flexrl.skills", "measure success and falls for each skill of humanoid-skills"),
        Command("states", "flexrl.policies.states", "record states of a policy, for another one to begin in"),
        Command("export", "flexrl.export", "write the policy alone, also for other programs"),
        Command("hub", "flexrl.hub", "share policies on the Hugging Face Hub"),
    ),
    "Look at runs": (
        Command("runs", "flexrl.runs", "list runs, show one, compare several"),
        Command("html_report", "flexrl.html_report", "write a report about a run, as one HTML file"),
        Command("track", "flexrl.track", "send a run's metrics to MLflow or Weights & Biases"),
    ),
    "Datasets": (
        Command("collect", "flexrl.collect", "record a policy's episodes as a dataset"),
        Command("dataset", "flexrl.dataset", "show, check, merge, import and export datasets"),
    ),
    "This machine": (Command("doctor", "flexrl.doctor", "check Python, JAX, GPU, MuJoCo, OpenGL, disk and memory"),),
}
COMMANDS = {command.name: command for group in GROUPS.values() for command in group}


def main() -> None:
    """Run the command that the command line names; without one, list all commands."""
    with exit_codes():
        name, *arguments = sys.argv[1:] or ["--help"]
        if name in ("-h", "--help"):
            print(overview())
        elif name == "--version":
            print(f"flexrl {importlib.metadata.version('flex-rl')}")
        else:
            sys.argv[1:] = arguments
            runpy.run_module(find(name).module, run_name="__main__", alter_sys=True)


def overview() -> str:
    """Return the list of all commands in their groups."""
    lines = ["usage: flexrl COMMAND ...", "", "Train MuJoCo humanoids with reinforcement learning in JAX."]
    for title, group in GROUPS.items():
        lines += ["", title, *(f"  {command.name:14}{command.text}" for command in group)]
    return "\n".join([*lines, "", "flexrl COMMAND --help says more; python -m flexrl.COMMAND does the same."])


def find(name: str) -> Command:
    """Return the command of this name.

    Raises:
      ConfigError: if there is none.
    """
    command = COMMANDS.get(name.replace("-", "_"))
    if command is None:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        likely = f"did you mean {close[0]!r}? " if close else ""
        raise ConfigError(f"command: {name!r} is unknown; {likely}known: {', '.join(COMMANDS)}")
    return command


if __name__ == "__main__":
    main()
