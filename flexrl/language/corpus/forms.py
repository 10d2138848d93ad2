"""Change how words are said: verb forms, typing errors, errors of learners, and the other side."""

import random
import re

COMPOUND = ("power", "speed", "side", "crab")  # first words of verbs of two words


def mirror(text: str) -> str:
    """Return a text with left and right, and the senses of rotation, exchanged."""

    def other(match: re.Match[str]) -> str:
        if match["side"]:
            return {"left": "right", "right": "left"}[match["side"]] + (match["ending"] or "")
        return "counter clockwise" if match[0] == "clockwise" else "clockwise"

    sides = r"\b(?P<side>left|right)(?P<ending>wards?)?\b"
    return re.sub(rf"\b(?:counter|anti)[ -]?clockwise\b|\bclockwise\b|{sides}", other, text)


def gerund(verb: str) -> str:
    """Return the -ing form of a verb."""
    if verb in ("swivel", "travel"):
        return verb + "ling"
    if verb.endswith("ee") or verb in ("be", "tiptoe"):
        return verb + "ing"
    if verb.endswith("e"):
        return verb[:-1] + "ing"
    doubled = re.search(r"(?:^|[^aeiou])[aeiou][bdgmnpt]$", verb) and verb not in (
        "wander",
        "pivot",
        "gallop",
        "travel",
    )
    return verb + (verb[-1] if doubled else "") + "ing"


def third(verb: str) -> str:
    """Return the third person of a verb."""
    if verb.endswith(("sh", "ch", "ss", "o", "x")):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def broken(rng: random.Random, words: str) -> str:
    """Return words, in 8 % of the cases with an error of learners of English, such as a missing article."""
    kind = rng.random()
    if kind < 0.04:
        return re.sub(r"\b(?:the|your|a) ", "", words)
    if kind < 0.06:
        return re.sub(r"\bto (?:the|your)\b", "in the", words)
    if kind < 0.08:
        return re.sub(r"\b(left|right)$", r"\1 side", words)
    return words


def typed(rng: random.Random, words: str, share: float) -> str:
    """Return words, with one typing error in a share (0 to 1) of the cases; never in a word that says left or right."""
    if rng.random() >= share:
        return words
    parts = words.split(" ")
    long = [
        i
        for i, part in enumerate(parts)
        if re.fullmatch(r"[a-z]{5,}", part) and not re.match(r"left|right|.*wise", part)
    ]
    if not long:
        return words
    i = rng.choice(long)
    part, k = parts[i], rng.randrange(1, len(parts[i]) - 1)
    kinds = (
        part[:k] + part[k + 1] + part[k] + part[k + 2 :],
        part[:k] + part[k + 1 :],
        part[:k] + part[k] + part[k:],
        part[:k] + rng.choice("abcdefghijklmnopqrstuvwxyz") + part[k + 1 :],
    )
    parts[i] = rng.choice(kinds)
    return " ".join(parts)
