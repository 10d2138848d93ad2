"""Read phrases of manner by their parts: "at a very relaxed pace", "with quick little steps", "confidently"."""

import re
from functools import cache

from flexrl.language.plan import Speed

ADJECTIVES: dict[Speed | None, str] = {
    "slow": "slow leisurely relaxed gentle careful cautious unhurried easy calm lazy "
    "sluggish sedate comfortable slower "
    "reduced low lower snail's tortoise's slowed gradual languid plodding dawdling strolling tentative wary lazier",
    "fast": "fast quick rapid brisk swift speedy hurried hasty energetic vigorous urgent lively high top full maximum "
    "max breakneck blistering furious faster quicker frantic cracking zippy snappy lightning breathless rushed",
    None: "normal regular usual steady even constant moderate ordinary natural standard default medium average "
    "controlled smooth casual typical consistent reasonable sensible uniform confident purposeful measured "
    "deliberate neat orderly upright straightforward light soft quiet silent firm bold proud tiny small little short "
    "long big large wide giant huge baby even tidy solid strong good decent stealthy",
}
INTENSITY = "very really rather quite pretty fairly super extremely somewhat nice and more most reasonably good so"
NOUNS = (
    "pace speed rate tempo velocity rhythm clip manner way fashion style gait steps step strides stride footsteps "
    "paces time movement movements motion motions tread cadence walk mode setting footfalls"
)
QUALITIES = (  # after "with"
    "confidence purpose determination ease grace style pride poise dignity precision control swagger conviction "
    "composure balance intent intention focus resolve attitude both feet"
)
HURRIED = (
    "hurry rush hustle swiftness promptness quickness rapidity velocity zeal zest zip pep verve vim haste speed"
    " urgency gusto vigour vigor energy enthusiasm alacrity"
)
RESTRAINED = (
    "gentleness slowness calm calmness prudence deliberation delicacy tenderness wariness moderation leisure care"
    " caution patience restraint"
)
NO_ADVERBS = frozenset(
    "apply supply reply rely multiply assembly family belly jelly lonely silly ugly italy early imply comply "
    "holly jolly monopoly anomaly homily butterfly dragonfly firefly bully gully tally rally ally hourly daily "
    "weekly monthly yearly drunkenly wobbly curly lovely friendly elderly heavenly likely unlikely "
    "endlessly simultaneously circularly continually upsidely diagonally only melancholy".split()
)


def _any(words: str) -> str:
    return "|".join(map(re.escape, words.split()))


@cache
def _pattern() -> re.Pattern[str]:
    adjective = _any(" ".join(ADJECTIVES.values()))
    return re.compile(
        rf"(?:at|with|in|using|keeping|by|taking|maintaining|making|keep)(?: (?:a|an|the|your|your own|its own"
        rf"|some|just))?"
        rf"(?: (?:{_any(INTENSITY)}))*(?P<adjectives>(?: (?:{adjective}|{_any('and')}))+) (?:{_any(NOUNS)})"
    )


def manner_of(phrase: str) -> tuple[Speed | None] | None:
    """Return the speed of a phrase of manner, in a tuple: (None,) if it says none. Return None for other phrases."""
    if " " not in phrase:
        is_adverb = phrase.endswith("ly") and len(phrase) > 5 and phrase not in NO_ADVERBS
        return (None,) if is_adverb else None
    match = _pattern().fullmatch(phrase)
    if match is not None:
        words = set(match["adjectives"].split())
        said: list[Speed] = [pace for pace in ("slow", "fast") if words & set(ADJECTIVES[pace].split())]
        return (said[0],) if len(said) == 1 else (None,) if not said else None
    match = re.fullmatch(r"with(?: (?:some|great|much|all|a lot of|a bit of|plenty of|extreme|real))* (\w+)", phrase)
    if match is None:
        return None
    if match[1] in HURRIED.split():
        return ("fast",)
    if match[1] in RESTRAINED.split():
        return ("slow",)
    return (None,) if match[1] in QUALITIES.split() else None
