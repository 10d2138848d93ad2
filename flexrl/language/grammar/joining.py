"""Join words that stand alone to the clauses that they belong to: "turn left, half a turn", "10 degrees each"."""

import re
from dataclasses import replace

from flexrl.language.grammar.elision import Item
from flexrl.language.grammar.pieces import Piece
from flexrl.language.grammar.repetition import COVERED, MOVING
from flexrl.language.plan import Kind, Until
from flexrl.language.quantities.find import is_half_turn
from flexrl.language.wording.words import JUMPING, SIDES, STANDING, TURNING, directions, is_fragment

EACH = re.compile(
    r" ?\b(?:by )?(?:each|apiece)(?: (?:time|way|one|side|direction))?\b"
    r"| ?\b(?:both times|every time|in (?:each|either) direction)\b"
)
AT_GAIT = re.compile(
    r"^(?:at|in) (?:an?|the|full) (?:\w+ ){0,2}(?:walk|march|stroll|amble|saunter|creep|run|jog|trot|lope|canter"
    r"|sprint|dash|gallop)$"
)
_ACT = re.compile(r"^(?:\w+ly )?(?:turn|rotate|spin|pivot|swivel|make|do|take|perform|execute|give|face|then)\b")


def end_last(items: list[Item], until: Until, said: str) -> None:
    """Give the last clause and its repetitions an amount: "turn right twice, 45 degrees" turns 45 degrees each time."""
    begin = len(items) - 1
    while begin and items[begin - 1].said == items[-1].said and items[begin - 1].until is None:
        begin -= 1
    for i in range(begin, len(items)):
        items[i] = replace(items[i], until=until, said=f"{items[i].said}, {said}")


def end_each(items: list[Item], until: Until, said: str) -> bool:
    """Give an amount said of "each", such as "10 degrees each", to all clauses that have none and may end by it.

    Args:
      items: The clauses, which are changed in place.
      until: The amount.
      said: The user's words for it.

    Returns:
      Whether any clause got the amount.
    """
    found = [i for i, item in enumerate(items) if item.until is None and measures(item, until.kind)]
    for i in found:
        items[i] = replace(items[i], until=until, said=f"{items[i].said}, {said}")
    return bool(found)


def turned_so_far(previous: Item, words: str, text: str, until: Until) -> Item | None:
    """Join an angle to the turn before it, as in "turn left, a quarter turn", and return the turn with this angle.

    Args:
      previous: The clause before the angle.
      words: The words of the angle, such as "a quarter turn left".
      text: The same words, without the amount.
      until: The angle.

    Returns:
      The turn; None if the clause is no turn or has an amount already, or the angle asks for another turn: its words
      begin with a verb, as "turn 90 degrees" do, or say more than the angle and the same side.
    """
    before, own = set(previous.text.split()), set(text.split())
    has_amount = previous.until is not None and not is_half_turn(previous.text)  # "spin round" is half a turn unsaid
    if until.kind != "degrees" or has_amount or not before & TURNING or _ACT.match(words):
        return None
    sides = own & SIDES
    if own - SIDES - {"turn", "to", "the", "your", "clockwise", "counter"} or (sides and before & SIDES - sides):
        return None
    side = text if text.split()[:1] != ["turn"] else " ".join(text.split()[1:])
    joined = previous.text if sides <= before else f"{previous.text} {side}"
    return replace(previous, text=joined, until=until, said=f"{previous.said}, {words}")


def goes_on(piece: Piece, text: str, previous: Item | None) -> bool:
    """Return whether the verb of a piece says nothing new, as in "veer left, moving forward".

    That is so if the piece follows a comma, and is "moving", "going" or the like with one word of direction or
    speed. The clause before it must not name a direction of the same sort: forward or back, left or right.

    Args:
      piece: The piece.
      text: Its words, without amount.
      previous: The clause before it, if there is one.
    """
    if previous is None or not piece.comma or piece.sentence or not MOVING.match(piece.words):
        return False
    way, before = text.split()[1:], directions(previous.text.split())
    return is_fragment(way) and len(way) == 1 and not {*directions(way)} & {*before}


def is_insisted(previous: Item, item: Item) -> bool:
    """Return whether a clause only says the one before again, to insist on it, as in "back off, back off!".

    Jumps, turns and single words are never taken so: saying them twice asks for them twice.
    """
    if previous.text != item.text or previous.until is not None:
        return False
    words = set(item.text.split())
    return len(words) > 1 and not words & (JUMPING | TURNING | SIDES | {"again", "more", "step", "another"})


def completes(piece: Piece, previous: Item, item: Item) -> bool:
    """Return whether a clause without a direction brings the verb of a direction: "diagonally to the left, walk".

    Args:
      piece: The piece that has the clause.
      previous: The clause before, which is to be a direction without a verb.
      item: The clause.
    """
    words, before = set(item.text.split()), previous.text.split()
    one_amount = previous.until is None or item.until is None
    follows = piece.comma and piece.mark in ("comma", "and") and not piece.sentence
    if not (follows and one_amount and is_fragment(before)) or directions(item.text.split()):
        return False
    return "along" in directions(before) and not words & (STANDING | JUMPING | TURNING)


def is_covered(previous: Item | None, words: list[str]) -> bool:
    """Return whether words only say again what the clause before them does, as in "walk; after walking".

    The clause before must have no amount yet.
    """
    if previous is None or previous.until is not None or not words:
        return False
    before = previous.text.split()
    goes = words[0] in COVERED and is_fragment(words[1:]) and not set(before) & (STANDING | JUMPING | TURNING)
    return before[:1] == words[:1] or goes


def measures(item: Item, kind: Kind) -> bool:
    """Return whether an amount may follow the clause `item`: metres may follow "walk", and not "stand".

    `kind` is what the amount counts: seconds, metres, degrees or steps.
    """
    words = set(item.text.split())
    if words & JUMPING:
        return False
    if words & TURNING:
        return kind in ("degrees", "seconds")
    return kind == "seconds" if words & STANDING else kind != "degrees"
