"""Gaits as nouns: "at a jog" says the skill and the speed."""

from collections.abc import Iterator

from flexrl.language.plan import Speed
from flexrl.language.wording.manner import ADJECTIVES

GAITS: dict[str, tuple[str, Speed | None]] = {
    **dict.fromkeys(("walk", "march"), ("go", None)),
    **dict.fromkeys(("stroll", "amble", "saunter", "creep"), ("go", "slow")),
    **dict.fromkeys(("power walk", "speed walk"), ("go", "fast")),
    "run": ("run", None),
    **dict.fromkeys(("jog", "trot", "lope", "canter"), ("run", "slow")),
    **dict.fromkeys(("sprint", "dash", "gallop"), ("run", "fast")),
}
WALKED = "walk run jog sprint stroll march hike trot dash tiptoe creep saunter amble race".split()


def at_gaits() -> Iterator[tuple[str, str, Speed | None]]:
    """Yield phrases that say how to cover a distance by naming a gait, such as "at a jog" and "at an easy run".

    Yields:
      The phrase; the kind of movement, "go" or "run"; and the speed that the phrase says, None for the usual one.
    """
    for gait, (family, usual) in GAITS.items():
        for pace, adjectives in ADJECTIVES.items():
            speed: Speed | None = pace or usual
            for adjective in adjectives.split():
                article = "an" if adjective[0] in "aeiou" else "a"
                yield f"at {article} {adjective} {gait}", family, speed
        for at in ("at a", "at the", "in a", "at full"):
            yield f"{at} {gait}", family, usual
