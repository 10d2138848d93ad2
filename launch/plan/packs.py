"""Trials that differ in seed and traced numbers only, to be trained together by one program."""

from flexrl.common.errors import ConfigError
from launch.plan.trials import Trial

Pack = list[Trial]


def packed(trials: list[Trial], size: int) -> list[Pack]:
    """Trials in packs of at most `size`, in the order of their first trials; what fits no other is alone.

    Raises:
      ConfigError: if the size is none.
    """
    if size < 1:
        raise ConfigError(f"pack: {size} must be at least 1")
    if size == 1:
        return [[trial] for trial in trials]
    from flexrl.training.members import program_of  # brings JAX

    packs: list[Pack] = []
    room: dict[str, Pack] = {}  # by program, the pack that is not full
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
