"""The commands of this project that a stage may run, and a check of their flags before anything starts."""

import importlib
from collections.abc import Sequence

from flexrl.common.decoding import suggest
from flexrl.common.errors import ConfigError
from flexrl.common.flags import parse_tool, read_flags

COMMANDS = {  # by command, the dataclass of its flags; an empty text if the command checks its flags only when it runs
    "flexrl.collect": "flexrl.policies.collect_arguments:CollectArguments",
    "flexrl.dataset": "",
    "flexrl.evaluate": "flexrl.evaluate:EvaluateArguments",
    "flexrl.export": "flexrl.export:ExportArguments",
    "flexrl.html_report": "",
    "flexrl.instruct": "",
    "flexrl.language.train": "flexrl.language.train:TrainArguments",
    "flexrl.policies.states": "flexrl.policies.states:StatesArguments",
    "flexrl.render": "flexrl.render:RenderArguments",
    "flexrl.skills": "flexrl.skills:SkillsArguments",
}
WITHOUT_RUN = ("flexrl.language.train",)  # commands whose arguments do not begin with a run


def require_known(command: Sequence[str], origin: str) -> None:
    """Check, without running it, that a pipeline's stage may run a command and that the command accepts its arguments.

    `COMMANDS` lists the commands that a stage may run. Of some only the name is checked here: they check their flags
    when they run.

    Args:
      command: the command's name, such as `flexrl.render`, and its arguments. References to folders of stages, such as
        `<out>`, must already be replaced by paths.
      origin: the file and the field in which the command stands, for error messages.

    Raises:
      ConfigError: if `COMMANDS` does not have the command, or its arguments are wrong or contain `--help`. For a wrong
        flag the message names the flag, the value and the limit.
    """
    name, *arguments = command
    if name == "flexrl.train":
        raise ConfigError(f"{origin}: {name!r} is not a command of a stage; give the run's fields in train instead")
    if name not in COMMANDS:
        raise ConfigError(f"{origin}: {name!r} is not a command of a stage; {suggest(name, COMMANDS)}")
    if not COMMANDS[name]:
        return
    module, _, kind = COMMANDS[name].partition(":")
    flags = getattr(importlib.import_module(module), kind)
    if {"-h", "--help"} & set(arguments):
        raise ConfigError(f"{origin}: --help does nothing in a stage; leave it out")
    try:
        if name in WITHOUT_RUN:
            read_flags(flags, arguments, name, "", None)
        else:
            parse_tool(flags, arguments, name)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {name}: {error}") from None
