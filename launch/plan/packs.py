"""Packs: trials that one program trains together, as they differ only in seed and numbers that need no recompiling."""

from flexrl.common.errors import ConfigError
from launch.plan.trials import Trial

Pack = list[Trial]


def packed(trials: list[Trial], size: int) -> list[Pack]:
    """Group trials into packs (trials that one program trains) of at most `size`, in the order of their first trials.

    A trial that no other trial can share a program with is a pack of its own.

    Raises:
      ConfigError: if the size is below 1.
    """
    if size < 1:
        raise ConfigError(f"pack: {size} must be at least 1")
    if size == 1:
        return [[trial] for trial in trials]
    from flexrl.training.members import program_of  # imported late: it imports JAX

    packs: list[Pack] = []
    room: dict[str, Pack] = {}  # the pack of each program that was begun last
    for trial in trials:
        program = program_of(trial.config)
        pack = room.get(program) if program else None
        if pack is None or len(pack) == size:
            pack = []
            packs.append(pack)
            if program:
                room[program] = pack
        pack.append(trial)
    return packs
