"""Draw clauses of each skill, and clauses that no skill can do, from the lexicon."""

import random
import re
from dataclasses import replace

from flexrl.language.corpus import lexicon
from flexrl.language.corpus.forms import COMPOUND, gerund, third
from flexrl.language.corpus.types import HELD_OUT_TEMPLATES, UNSUPPORTED, Said, Split
from flexrl.language.plan import Speed, Until


def draw(rng: random.Random, family: str, side: str, split: Split) -> Said:
    """Draw a random clause of a family.

    Args:
      rng: Source of all random choices.
      family: "unsupported", or a key of `corpus.clauses.FAMILIES`, such as "turn".
      side: "left" or "right", for the families that have a side.
      split: "S1" uses the held-out word orders, any other split the usual ones.
    """
    if family == UNSUPPORTED:
        return _unsupported(rng, side, split)
    if family == "stand":
        words = rng.choice(lexicon.STAND)
        tails = lexicon.STAND_TAILS if len(words.split()) < 4 else ("",)
        return Said(f"{words} {rng.choice(tails)}".strip(), "stand", None, "plain")
    if family == "stand-up":
        return _with_speed(rng, Said(rng.choice(lexicon.STAND_UP), "stand-up", None, "plain"), 0.15)
    if family == "jump":
        speed = rng.choice((None, None, None, None, None, "slow", "fast"))
        words = rng.choice(lexicon.JUMP[speed])
        clause = Said(words, "jump", speed, "plain")
        if len(words.split()) < 3 and rng.random() < 0.4:
            clause = replace(clause, words=f"{words} {rng.choice(lexicon.JUMP_TAILS)}")
        return clause if speed else _with_speed(rng, clause, 0.4)
    if family == "run":
        speed = rng.choice((None, None, "slow", "fast"))
        ways = [way for way in lexicon.FORWARD if "front" not in way]
        return _joined(rng, rng.choice(lexicon.RUN[speed]), rng.choice(["", *ways]), "run", speed, split)
    if family == "turn":
        return _turn(rng, side, split)
    if family == "strafe":
        speed = rng.choice((None, None, None, "slow", "fast"))
        way = rng.choice(lexicon.STRAFE_WAYS).format(side=side)
        verb = rng.choice(lexicon.STRAFE[speed])
        if "sideways" in verb or "lateral" in verb:
            way = way.replace("sideways ", "")
        return _joined(rng, verb, way, f"strafe-{side}", speed, split)
    along = "backward" if "backward" in family else "forward"
    speed = rng.choice((None, None, None, "slow", "fast"))
    if family.endswith("-side"):
        way = rng.choice(lexicon.DIAGONAL_WAYS)
        way = way.format(side=side, along=rng.choice(lexicon.ALONG[along]), corner=rng.choice(lexicon.CORNERS[along]))
        return _joined(rng, rng.choice(lexicon.WALK[speed]), way, f"walk-{along}-{side}", speed, split)
    if along == "forward" and rng.random() < 0.25:
        return _with_speed(rng, Said(rng.choice(lexicon.BARE_WALK), family, None, "plain"), 0.5)
    if along == "backward" and rng.random() < 0.35:
        clause = Said(rng.choice(lexicon.RETREAT[speed]), family, speed, "plain")
        return clause if speed else _with_speed(rng, clause, 0.5)
    way = rng.choice(lexicon.FORWARD if along == "forward" else lexicon.BACKWARD)
    return _joined(rng, rng.choice(lexicon.WALK[speed]), way, family, speed, split)


def _turn(rng: random.Random, side: str, split: Split) -> Said:
    """Draw a random clause that asks to turn on the spot, such as "spin around to the left".

    Args:
      rng: Source of all random choices.
      side: "left" or "right". Some clauses name no side; these mean a turn to the left.
      split: "S1" uses the held-out word orders where there is a choice, any other split the usual ones.
    """
    kind = rng.random()
    if kind < 0.12:
        return _with_speed(rng, Said(rng.choice(lexicon.BARE_TURNS), "turn-left", None, "plain"), 0.4)
    if kind < 0.22:
        words, skill = rng.choice(lexicon.HALF_TURNS), "turn-left"
        if rng.random() < 0.5:
            words, skill = f"{words} to the {side}", f"turn-{side}"
        return _with_speed(rng, Said(words, skill, None, "plain", Until("degrees", 180.0)), 0.4)
    rotation = rng.randrange(len(lexicon.ROTATIONS["left"]))
    names = {"side": side, "turn": lexicon.ROTATIONS[side][rotation]}
    if kind < 0.4:
        return _with_speed(rng, Said(rng.choice(lexicon.TURNS).format(**names), f"turn-{side}", None, "noun"), 0.4)
    speed = rng.choice((None, None, None, "slow", "fast"))
    way = rng.choice(lexicon.TURN_WAYS).format(**names)
    return _joined(rng, rng.choice(lexicon.TURN[speed]), way, f"turn-{side}", speed, split)


def _unsupported(rng: random.Random, side: str, split: Split) -> Said:
    """Draw a random clause that no skill can do: most are close to the skills, about a quarter are not.

    Args:
      rng: Source of all random choices.
      side: "left" or "right", for the clauses that name a side.
      split: "S1" says most of those close to the skills as "do some jumping"; any other split never does.
    """
    near = rng.random() < 0.72
    words = rng.choice(lexicon.NEAR if near else lexicon.FAR)
    words = re.sub(r"\{noise\}", lambda _: _noise(rng), words)
    names = {"object": lexicon.OBJECTS, "place": lexicon.PLACES, "part": lexicon.PARTS, "move": lexicon.MOVES}
    names["topic"] = lexicon.TOPICS
    words = words.format(side=side, **{name: rng.choice(values) for name, values in names.items()})
    if split == "S1" and near and not re.match(r"an? ", words):
        first, *rest = words.split()
        return Said(" ".join(("do some", gerund(first), *rest)), UNSUPPORTED, None, "noun-form", verb=False)
    if near and rng.random() < 0.25:
        words = f"{words} {rng.choice(lexicon.SLOWLY + lexicon.QUICKLY)}"
    return Said(words, UNSUPPORTED, None, "near" if near else "far", verb=near)


def _noise(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))


def _with_speed(rng: random.Random, clause: Said, share: float) -> Said:
    """Add words such as "slowly" or "normally" to a clause in a share (0 to 1) of the cases, and set its speed."""
    if rng.random() >= share:
        return clause
    speed = rng.choice(("slow", "fast", None))
    words = {"slow": lexicon.SLOWLY, "fast": lexicon.QUICKLY, None: lexicon.PLAINLY}[speed]
    return replace(clause, words=f"{clause.words} {rng.choice(words)}", speed=speed)


def _joined(rng: random.Random, verb: str, way: str, skill: str, speed: Speed | None, split: Split) -> Said:
    """Join a verb, a direction and, at times, words of speed to a clause, in a random word order.

    Args:
      rng: Source of all random choices.
      verb: Words such as "walk".
      way: Words of direction, such as "to the left"; may be empty.
      skill: The skill that the clause means.
      speed: The speed that the verb says. If None, words of speed may be added that say one.
      split: "S1" uses the held-out word orders if there is a direction, any other split the usual ones.
    """
    adverb = ""
    if speed is None and rng.random() < 0.5:
        speed = rng.choice(("slow", "fast", None))
        adverb = rng.choice({"slow": lexicon.SLOWLY, "fast": lexicon.QUICKLY, None: lexicon.PLAINLY}[speed])
    elif speed is not None and rng.random() < 0.15:
        adverb = rng.choice(lexicon.SLOWLY if speed == "slow" else lexicon.QUICKLY)
    single = adverb if " " not in adverb and adverb not in ("slow", "fast", "quick", "") else ""
    first, *rest = verb.split()
    orders: dict[str, tuple[str, ...]] = {
        "verb-way-speed": (verb, way, adverb),
        "verb-speed-way": (verb, adverb, way),
        "progressive": (gerund(first), *rest, way, adverb),
        "third-person": ("the robot", *(verb.split() if first in COMPOUND else (third(first), *rest)), way, adverb),
        "make": ("make", verb, way, adverb),
        "way-verb-speed": (way, verb, adverb),
        "noun-form": ("do some", gerund(first), *rest, way, adverb),
        "way-first": (way, adverb, verb),
        "yourself": (first, "yourself", *rest, way, adverb),
        "speed-comma": (f"{adverb},", verb, way) if adverb else (way, verb),
    }
    if single:
        orders["speed-verb-way"] = (adverb, verb, way)
    weights = {
        "verb-way-speed": 8,
        "verb-speed-way": 3,
        "speed-verb-way": 3,
        "progressive": 1,
        "third-person": 1,
        "make": 0.5,
    }
    names = [name for name in orders if (name in HELD_OUT_TEMPLATES) == (split == "S1" and bool(way))]
    name = rng.choices(names, [weights.get(name, 2) for name in names])[0]
    return Said(" ".join(part for part in orders[name] if part), skill, speed, name, verb=name.startswith("verb"))
