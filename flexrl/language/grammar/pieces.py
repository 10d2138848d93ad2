"""Cut an instruction into pieces, and bring them into the order in which they are to be done.

The instruction is marked: one-character codes stand in place of order words and punctuation (`grammar.marks`).
"""

import itertools
import re
from dataclasses import dataclass, replace

from flexrl.language.grammar.order_words import MARKS, SCRATCH, Mark
from flexrl.language.quantities.find import find_quantity, normalise
from flexrl.language.quantities.numbers import number
from flexrl.language.quantities.units import UNITS
from flexrl.language.wording.words import ADVERBS, DIRECTIONS, NOT_BEFORE_VERB, VERBS, base_form, is_adverb, is_fragment

_UNTIL_END = re.compile(r"\b(?:have|has|are|is) (?:passed|elapsed|over|up|gone by|gone|done|covered)\b")
_KEEP = re.compile(r"^(?:start|begin|keep|continue|keep on|carry on|go on|resume|commence|go) (?=\w+ing\b)")
AFTER_DIRECTION = frozenset("go move do make keep come start take".split())  # verbs that begin a clause only there
_EDGES = re.compile(
    r"^(?:second|third|fourth|of|and|but|so|or|the robot|robot|you|u|by|with|to(?! (?:the|your|my)\b))\b ?"
    r"|\b ?(?:and|but|so)$"
)


@dataclass(frozen=True)
class Piece:
    """Words between two marks; a mark is the meaning of an order word or of punctuation.

    Attributes:
      mark: The mark before the words, such as "then".
      words: The words, in lower case.
      said: The same words as the user wrote them.
      comma: Whether a comma, or the end of a sentence, stands before the words.
      sentence: Whether a sentence begins with the words.
      run_on: Whether a verb without a mark begins them, as "jump" in "walk forward jump".
      negated: Whether "do not" or the like stands before the words, in addition to the mark.
    """

    mark: Mark
    words: str
    said: str
    comma: bool
    sentence: bool
    run_on: bool = False
    negated: bool = False


def cut(marked: str, instruction: str) -> list[Piece]:
    """Cut an instruction into pieces at its order words and punctuation.

    Where several of these stand together, the one that says most counts: ", and then" is "then".

    Args:
      marked: The instruction with codes in place of order words and punctuation, from `marks.mark_up`.
      instruction: The instruction, of the same length.
    """
    strength: list[Mark] = ["start", "sentence", "comma", "and", "then", "not", "first", "before", "after", "correct"]
    pieces: list[Piece] = []
    mark: Mark = "start"
    comma = sentence = True
    negated = False
    end = 0
    for part in re.finditer(r"[\x01-\x08\x0e]|[^\x01-\x08\x0e]+", marked):
        code = MARKS.get(part[0])
        if code is not None:
            if code == "correct" and not pieces:
                continue
            mark = max(mark, code, key=strength.index)
            comma |= code in ("comma", "sentence")
            sentence |= code == "sentence"
            negated |= code == "not"
            continue
        words = _UNTIL_END.sub("", part[0]) if _UNTIL_END.search(part[0]) else part[0]
        words = " ".join(words.split())
        if not re.search(r"\w", words):
            continue
        for index, (start, stop) in enumerate(_run_on(part[0])):
            start += len(part[0][start:stop]) - len(part[0][start:stop].lstrip())
            stop = start + len(part[0][start:stop].rstrip())
            said = " ".join(instruction[part.start() + start : part.start() + stop].split()).strip(" ,.;:!?-")
            words = " ".join(_UNTIL_END.sub("", part[0][start:stop]).split())
            first = not index
            pieces.append(
                Piece(
                    mark if first else "and",
                    words,
                    said,
                    comma and first,
                    sentence and first,
                    not first,
                    negated and first,
                )
            )
        mark, comma, sentence, negated, end = "and", False, False, False, part.end()
    if mark == "correct" and pieces and re.search(SCRATCH, instruction[end:].lower()):
        pieces.append(Piece("correct", "", "", True, False))
    return pieces


def _run_on(part: str) -> list[tuple[int, int]]:
    """Return where clauses begin and end (characters) in words without punctuation: at each verb after the first."""
    found = list(re.finditer(r"[\w'-]+", part))
    starts = [0]
    for before, here in itertools.pairwise(found):
        if before[0].lower() in DIRECTIONS and _measured(part[starts[-1] : here.start()], part[here.start() :]):
            starts.append(here.start())
            continue
        if here[0].lower() not in VERBS or before[0].lower() in NOT_BEFORE_VERB or before[0].isdigit():
            begins = here[0] in VERBS and before[0] in ("left", "right")
            begins |= here[0] in AFTER_DIRECTION and before[0] in DIRECTIONS | set(UNITS)
            if not (begins and _complete(part[starts[-1] : before.end()])):
                continue
        if before[0].lower() in ("degree", "deg") and here[0].lower() == "turn":
            continue
        if before[0].endswith("ing") or is_adverb(before[0]) and here is found[1]:
            continue
        if all(
            word[0] in ADVERBS or is_fragment([word[0]]) for word in found if starts[-1] <= word.start() < here.start()
        ):
            continue
        if re.search(
            r"\b(?:a|an|one|another|full|half|quarter)\b(?: +[\w-]+){0,2} *$", part[starts[-1] : here.start()]
        ):
            continue
        starts.append(here.start())
    return list(zip(starts, [*starts[1:], len(part)], strict=True))


def _measured(part: str, rest: str) -> bool:
    """Return whether an amount begins after words that have one already: "2 m forward" before "3 steps back".

    Args:
      part: The words.
      rest: The words after them.
    """
    words = normalise(rest).split()
    return number(words, 0) is not None and all(find_quantity(x).until is not None for x in (part, rest))


def _complete(part: str) -> bool:
    """Return whether words without punctuation are a whole clause, after which a verb begins another one.

    "Turn left" is. "Left" alone is not, and neither are words with "the", "a", "make", "do" or "take": "make a left"
    may go on with "turn".
    """
    words = normalise(part).split()
    acts = not is_fragment([word for word in find_quantity(part).text.split() if word in words])
    return len(words) > 1 and acts and not set(words) & {"a", "an", "make", "do", "the", "take"}


def in_order(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces in the order in which they are to be done: "turn before you walk" turns first."""
    done: list[Piece] = []
    i = 0
    while i < len(pieces):
        piece = pieces[i]
        following = pieces[i + 1] if i + 1 < len(pieces) else None
        if piece.mark == "before" and (not done or piece.sentence):
            main = _main_after(pieces, i)
            j = main
            while j < len(pieces) and (j == main or (pieces[j].mark in ("and", "not") and not pieces[j].sentence)):
                j += 1
            moved = [replace(x, mark="then" if k == 0 else x.mark) for k, x in enumerate(pieces[main:j])]
            done += moved
            for x in [replace(piece, mark="then", words=base(piece.words)), *pieces[i + 1 : main]]:
                again = _said_again(x, pieces, j)  # "before turning, walk, then turn left" turns once
                done += [x] if again is None else pieces[j : again + 1]
                j = j if again is None else again + 1
            i = j
            continue
        if piece.mark == "before":
            done.append(replace(piece, mark="then", words=base(piece.words)))
        elif piece.mark == "after":
            now = replace(piece, mark="then", words=base(piece.words))
            leads = following is not None and (
                following.run_on or (following.comma and following.mark in ("comma", "then", "and", "not"))
            )
            if not done or piece.sentence or leads or (piece.comma and following is not None and not leads):
                done.append(replace(now, mark="after"))
            else:
                k = len(done) - 1
                while k and done[k].mark == "and" and not done[k].comma:
                    k -= 1
                if find_quantity(piece.words).text in ("", "step"):
                    k = len(done) - 1
                    now = replace(now, mark="after")
                done[k:] = [now, *(replace(x, mark="then" if x is done[k] else x.mark) for x in done[k:])]
        elif piece.mark == "first":
            k = len(done) - 1
            while k > 0 and not done[k].sentence:
                k -= 1
            done[max(k, 0) :] = [replace(piece, mark="then", words=base(piece.words)), *done[max(k, 0) :]]
        else:
            done.append(piece)
        i += 1
    return done


def _said_again(earlier: Piece, pieces: list[Piece], i: int) -> int | None:
    """Return the index of the piece, from `i` on, that says an earlier piece of one word again: "turn left" for "turn".

    Only pieces that are done one after the other are looked through. Return None if none of them does.
    """
    word = base(earlier.words)
    for j in range(i, len(pieces)):
        if " " in word or pieces[j].mark not in ("then", "and", "comma"):
            return None
        if f"{pieces[j].words} ".startswith(f"{word} "):
            return j
    return None


def _main_after(pieces: list[Piece], i: int) -> int:
    """Return the index of the piece that is to be done before the piece `i`, which "before" introduces.

    "And" joins pieces to the one that is introduced, if a comma follows: "before you turn and walk, stand" stands.
    """
    j = i + 1
    while j < len(pieces) and pieces[j].mark == "and" and not (pieces[j].comma or pieces[j].run_on):
        j += 1
    return j if j < len(pieces) and pieces[j].comma and not pieces[j].sentence else i + 1


def base(words: str) -> str:
    """Return words such as "having walked two metres" with their first verb in its base form."""
    words = re.sub(
        r"^(?:you|u|it|having|have|'ve|has|finished|finishing|done|completed|completing|had) (?=\w+(?:ing|ed|un)\b)",
        "",
        words,
    )
    words = re.sub(r"^(?:you|u|have|'ve|having|had) ", "", words)
    parts = words.split()
    for i, part in enumerate(parts):
        if base_form(part) != part:
            return " ".join([*parts[:i], base_form(part), *parts[i + 1 :]])
        if part not in ADVERBS:
            break
    return words


def tidy(text: str) -> str:
    """Return words without "and" or the like at the ends, "start walking" as "walk", a first verb in its base form."""
    before = None
    while before != text:
        before, text = text, _EDGES.sub("", text).strip()
    text = _KEEP.sub("", text)
    parts = text.split()
    if parts and (parts[0].endswith("ing") or (parts[0].endswith("ed") and base_form(parts[0]) in VERBS)):
        parts[0] = base_form(parts[0])
    elif len(parts) > 1 and parts[0] in ADVERBS and parts[1].endswith("ing"):
        parts[1] = base_form(parts[1])
    return " ".join(parts)
