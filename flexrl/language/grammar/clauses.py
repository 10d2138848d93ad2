"""Split an instruction into its clauses, in the order in which they are to be done.

`split("Walk 2 m, then turn left")` returns a `Reading` with the clauses "walk" (until 2 metres) and "turn left". It
handles order words, negation, corrections, repetition, and words left out. What a clause means is not decided here:
a classifier reads `Clause.text`. Structures that no plan can have, such as "while", are named in
`Reading.impossible`.
"""

import re
from dataclasses import dataclass

from flexrl.language.grammar.builder import Builder
from flexrl.language.grammar.marks import mark_up
from flexrl.language.grammar.pieces import cut, in_order
from flexrl.language.plan import Until
from flexrl.language.quantities.find import normalise
from flexrl.language.rewriting.moods import asks_or_states
from flexrl.language.rewriting.rephrase import rephrased
from flexrl.language.wording.spelling import corrected

MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Clause:
    """One thing to do.

    Attributes:
      text: The normalised words that a classifier reads, with speed words and without amounts and politeness.
      until: The amount after which the clause ends, or None.
      said: The user's own words, for messages.
    """

    text: str
    until: Until | None
    said: str


@dataclass(frozen=True)
class Reading:
    """The clauses of an instruction.

    Attributes:
      clauses: What is to be done, in its order; repeated clauses are written out.
      impossible: Words that name a structure which no plan can have; the instruction is to be refused if there are any.
    """

    clauses: tuple[Clause, ...]
    impossible: tuple[str, ...] = ()


def split(instruction: str) -> Reading:
    """Return the clauses of an instruction, and the words that no plan can do.

    Raises:
      ValueError: If the instruction is longer than `MAX_CHARACTERS`.
    """
    if len(instruction) > MAX_CHARACTERS:
        raise ValueError(f"instruction: {len(instruction)} characters; give at most {MAX_CHARACTERS}")
    said = rephrased(corrected(instruction))
    marked, impossible = mark_up(said)
    if match := re.search(r"[{}$\\|]|</?\w[^<>]{,40}>?", said):
        impossible.append(match[0])
    if (told := asks_or_states(said)) is not None:
        impossible.append(told)
    builder = Builder(impossible)
    pieces = in_order(cut(marked, said))
    for i, piece in enumerate(pieces, start=1):
        builder.add(piece, pieces[i:])
    items, impossible = builder.result()
    return Reading(tuple(Clause(item.text, item.until, item.said) for item in items), tuple(impossible))


def clean(text: str) -> str:
    """Return the text of one clause in the form that the classifier reads: without amounts and politeness.

    A text that has no clause or several is only put in lower case, without punctuation.
    """
    reading = split(text)
    return reading.clauses[0].text if len(reading.clauses) == 1 else normalise(text)
