"""Compare ways of reading instructions, by the share of each set that they read exactly.

    python -m benchmarks.language_methods

`regex` cuts at "then", "and" and punctuation, and looks for a verb, a side, a number and a unit in each part. `nearest
instruction` takes the plan of the training instruction whose embedding is nearest. `nearest clause` reads clauses,
amounts and sides by the grammar, and takes each clause's skill from the nearest of the training clauses. `classifier`
does the same, but lets the shipped classifier name the skill. `ours` is the whole interpreter: it reads a clause by its
vocabulary, and only a clause with unknown words by the classifier. A column shows what share of the instructions of a
test set are read exactly, among those that can be done. The last column, `false`, shows what share of those that cannot
be done are read as a plan, over all sets. No instruction is printed.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.common.tables import print_table
from flexrl.language.corpus.clauses import clause_examples
from flexrl.language.corpus.instructions import instructions
from flexrl.language.encoder import Encoder
from flexrl.language.grammar.clauses import split
from flexrl.language.head import Head, Reading, family_of
from flexrl.language.interpreter import FILE, FOLDER, Interpreter
from flexrl.language.plan import Kind, Plan, Refusal, Segment, Speed, Until
from flexrl.language.scoring import Meant, is_same, read_meant

SETS = Path(__file__).parent / "language"
Answer = Plan | Refusal
Read = Callable[[Sequence[str]], list[Answer]]

VERBS = (  # skills without a side, the first that fits counts
    (r"\b(?:stop|halt|wait|freez|stand still|stay)", "stand"),
    (r"\b(?:stand up|get up|rise)", "stand-up"),
    (r"\b(?:jump|hop|leap)", "jump"),
    (r"\b(?:turn|rotat|spin|pivot)", "turn"),
    (r"\b(?:run|jog|sprint)", "run"),
    (r"\b(?:strafe|sidestep|sideways)", "strafe"),
    (r"\b(?:back|reverse)", "walk-backward"),
    (r"\b(?:step|go|mov)\w*\b.*\b(?:left|right)", "strafe"),
    (r"\b(?:walk|go|mov|step|forward|ahead)", "walk-forward"),
)
PACES: tuple[tuple[str, Speed], ...] = (
    (r"\b(?:slow|slowly|gently|jog)\b", "slow"),
    (r"\b(?:fast|quick|quickly|sprint)\b", "fast"),
)
UNITS: tuple[tuple[str, Kind, float], ...] = (
    (r"s|sec|secs|seconds?", "seconds", 1.0),
    (r"minutes?|min", "seconds", 60.0),
    (r"m|met(?:er|re)s?", "metres", 1.0),
    (r"f(?:ee|oo)t", "metres", 0.3048),
    (r"degrees?|deg", "degrees", 1.0),
    (r"steps?|paces?", "steps", 1.0),
)
NUMBERS = {word: i for i, word in enumerate("zero one two three four five six seven eight nine ten".split())}


def main() -> None:
    """Parse the command line, and print a row for each way of reading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instructions", type=int, default=4000, help="training instructions to be near to")
    parser.add_argument("--clauses", type=int, default=20_000, help="training clauses to be near to")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    prepare_jax()
    sets = {file.stem: read_meant(file) for file in sorted(SETS.rglob("*.jsonl"))}
    encoder = Encoder()
    texts = [row.text for rows in sets.values() for row in rows]
    learnt = instructions("train", options.instructions, options.seed)
    by_nearest, by_head = nearest_clause(encoder, options.clauses, options.seed), Head.load(FOLDER / FILE)
    hidden = words_of(texts)
    ways: dict[str, Read] = {
        "regex": lambda texts: [by_regex(text) for text in texts],
        "nearest instruction": NearestInstruction(encoder, [Meant(x.text, x.answer) for x in learnt]),
        "nearest clause": Interpreter(encoder, by_nearest, hidden).read,
        "classifier": Interpreter(encoder, by_head, hidden).read,
        "ours": Interpreter.load().read,
    }
    names = [name for name, rows in sets.items() if any(isinstance(row.answer, Plan) for row in rows)]
    table = [[way, *(f"{x:.3f}" for x in shares(read, sets, names))] for way, read in ways.items()]
    print_table(["", *names, "false"], table)


def shares(read: Read, sets: dict[str, list[Meant]], names: Sequence[str]) -> list[float]:
    """Return how well a way of reading instructions does.

    Args:
      read: the way of reading: returns a plan or a refusal for each text.
      sets: test sets by name; each instruction comes with the plan that it means, or a refusal if it cannot be done.
      names: the sets to report.

    Returns:
      For each named set the share of its plans that are read exactly. Last, over all sets, the share of instructions
      that cannot be done for which a plan is read.
    """
    rows = [row for each in sets.values() for row in each]
    answers = dict(zip((row.text for row in rows), read([row.text for row in rows]), strict=True))
    found = []
    for name in names:
        plans = [row for row in sets[name] if isinstance(row.answer, Plan)]
        found.append(sum(is_same(answers[row.text], row.answer) for row in plans) / len(plans))
    refusals = [row for row in rows if isinstance(row.answer, Refusal)]
    return [*found, sum(isinstance(answers[row.text], Plan) for row in refusals) / len(refusals)]


def words_of(texts: Sequence[str]) -> frozenset[str]:
    """Return all words that the clauses of some texts contain.

    An interpreter whose vocabulary lacks these words leaves every clause of the texts to its classifier.
    """
    return frozenset(word for text in texts for clause in split(text).clauses for word in clause.text.split())


def by_regex(text: str) -> Answer:
    """Read an instruction by regular expressions; return its plan, or a refusal if no verb is known.

    The text is cut at "then", "and" and punctuation. A part with a known verb becomes a segment of the plan; a side, a
    number and a unit are looked for in it, too.
    """
    parts = [part for part in re.split(r"\bthen\b|\band\b|[,.;!]", text.lower()) if part.strip()]
    segments = [segment for part in parts for segment in _by_regex(part)]
    return Plan(tuple(segments[:32])) if segments else Refusal("no word is known")


def _by_regex(part: str) -> list[Segment]:
    verb = next((skill for pattern, skill in VERBS if re.search(pattern, part)), None)
    if verb is None:
        return []
    side = "left" if "left" in part else "right" if "right" in part else None
    if verb in ("turn", "strafe"):
        verb = f"{verb}-{side or 'left'}"
    elif verb.startswith("walk") and side:
        verb = f"{verb}-{side}"
    paces: list[Speed] = [pace for pattern, pace in PACES if re.search(pattern, part)]
    pace: Speed | None = paces[0] if paces and verb != "stand" else None
    try:
        segment = Segment(verb, pace, _amount(part))
    except ValueError:  # an amount that this skill cannot have
        segment = Segment(verb, pace)
    return [segment] * (2 if "twice" in part else 1)


def _amount(part: str) -> Until | None:
    for pattern, kind, factor in UNITS:
        match = re.search(rf"\b(?:(\d+(?:\.\d+)?) ?|({'|'.join(NUMBERS)}|an?) )(?:{pattern})\b", part)
        if match:
            number = match[1] or match[2]
            return Until(
                kind, round(factor * (1 if number in ("a", "an") else NUMBERS.get(number) or float(number)), 2)
            )
    return None


class NearestInstruction:
    """Reads an instruction by its sentence embedding: takes the plan, or refusal, of the nearest known instruction."""

    def __init__(self, encoder: Encoder, known: Sequence[Meant]) -> None:
        """Embed the known instructions, each with its plan or refusal."""
        self._encoder, self._known = encoder, known
        self._embeddings = encoder([row.text for row in known])

    def __call__(self, texts: Sequence[str]) -> list[Answer]:
        """Return for each text the plan, or refusal, of the known instruction whose embedding is nearest."""
        nearest = (self._encoder(texts) @ self._embeddings.T).argmax(axis=1)
        return [self._known[i].answer for i in nearest]


class NearestClause:
    """A classifier of clauses that takes skill and speed from the known clause whose embedding is nearest.

    It can replace the trained classifier, `flexrl.language.head.Head`. Like that, it names a skill by its family, which
    leaves out the side: `turn` for turning left and turning right.
    """

    def __init__(self, embeddings_BE: np.ndarray, readings: Sequence[Reading]) -> None:
        """Keep B known clauses: their embeddings (B, E), and the skill family and speed that each of them means."""
        self._embeddings, self._readings = embeddings_BE, readings

    def __call__(
        self, texts: Sequence[str], embeddings_BE: np.ndarray, possible: Sequence[frozenset[str]] | None = None
    ) -> list[Reading]:
        """Return for each of B embeddings (B, E) the skill family and speed of the known clause nearest to it.

        `texts` and `possible` are there because the trained classifier takes them, and are ignored.
        """
        return [self._readings[i] for i in (embeddings_BE @ self._embeddings.T).argmax(axis=1)]


def nearest_clause(encoder: Encoder, count: int, seed: int) -> NearestClause:
    """Return a classifier that takes skill family and speed from the nearest of `count` generated training clauses."""
    examples = clause_examples("train", count, seed)
    families = [family_of(example.skill) for example in examples]
    readings = [
        Reading(family, example.speed, 1.0, family != "unsupported")
        for family, example in zip(families, examples, strict=True)
    ]
    return NearestClause(encoder([example.text for example in examples]), readings)


if __name__ == "__main__":
    with exit_codes():
        main()
