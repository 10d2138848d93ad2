"""Build clauses from the pieces into which an instruction is cut at punctuation and at "then", "and" or "before".

Repetition, negation, corrections and words that were left out are resolved here.
"""

import re
from dataclasses import replace

from flexrl.language.grammar.elision import Item, correct, taken_back_from, with_verb
from flexrl.language.grammar.joining import (
    AT_GAIT,
    EACH,
    completes,
    end_each,
    end_last,
    goes_on,
    is_covered,
    is_insisted,
    measures,
    turned_so_far,
)
from flexrl.language.grammar.pieces import Piece, base, tidy
from flexrl.language.grammar.repeating import Clauses
from flexrl.language.grammar.repetition import MORE, SMALL, STILL
from flexrl.language.plan import MAX_SEGMENTS, Kind, Until
from flexrl.language.quantities.find import find_quantity
from flexrl.language.wording.sense import said_pace
from flexrl.language.wording.words import ADVERBS, FAST, JUMPING, SLOW, STANDING, TURNING, directions, is_fragment


class Builder(Clauses):
    """Builds the clauses of an instruction: `add` takes its pieces one after another, `result` returns the clauses."""

    def result(self) -> tuple[list[Item], list[str]]:
        """Finish the last clauses after all pieces have been added, and return the clauses and what is impossible.

        Returns:
          The clauses in the order to be done, at most `MAX_SEGMENTS`; and a list of the words that no plan can carry
          out, and of reasons such as "nothing to do". If this list is not empty, the instruction is to be refused.
        """
        self._close_sentence()
        if not self.items and AT_GAIT.match(self.loose):
            text, self.loose = self.loose, ""
            self._append(Item(text, None, text, True, self.sentence, True), 1)
        if self.times > 1:
            self._repeat(self.times_from, self.times)
        if not self.items and not self.impossible:
            self.impossible.append("nothing is left to do" if self.last else "nothing to do")
        if len(self.items) > MAX_SEGMENTS:
            self.impossible.append(f"more than {MAX_SEGMENTS} actions")
            del self.items[MAX_SEGMENTS:]
        return self.items, list(dict.fromkeys(self.impossible))

    def add(self, piece: Piece, following: list[Piece]) -> None:
        """Add the clauses of one piece of the instruction, or change the clauses before it as the piece asks.

        Args:
          piece: The piece.
          following: The pieces after it, which tell how far back a correction reaches.
        """
        if piece.sentence and self.items:
            self.sentence += 1
            self._close_sentence()
        quantity = find_quantity(EACH.sub("", piece.words))
        text = tidy(quantity.text)
        if quantity.conflict:
            self.impossible.append(quantity.conflict)
        corrected = self._take_back(piece, following, text, quantity.until) if piece.mark == "correct" else None
        self.unmeasured = None
        if piece.negated:
            self._negate(piece, text, quantity.until)
            return
        if not text and not quantity.counted and quantity.until is None and quantity.bare is None:
            return
        if piece.mark == "correct" and corrected is not None and not text and quantity.until is None:
            if self._recounts(corrected, quantity.times if quantity.counted else quantity.bare):
                return
        if self._repeats(piece, text, quantity.times, quantity.counted):
            return
        until = quantity.until
        if until is None and quantity.bare is not None:
            earlier = corrected or self.last
            if text in MORE and re.search(r"\bmore\b", piece.words):
                earlier = next((item for item in reversed(self.items) if item.until is not None), earlier)
                text = earlier.text if earlier is not None else text
            kind = earlier.until.kind if earlier is not None and earlier.until is not None else None
            kind = kind or self._kind_elsewhere(text, following)
            if kind is not None:
                until = Until(kind, quantity.bare)
                text = re.sub(r" more$", "", text)
            else:
                self.unmeasured = f"{piece.said}: {quantity.bare:g} of what"
                self.impossible.append(self.unmeasured)
        self._place(piece, text, until, quantity.times, corrected)

    def _kind_elsewhere(self, text: str, following: list[Piece]) -> Kind | None:
        """Return what a number without a unit counts, as in "run for five seconds, then stand still for three".

        It is what the other amounts of the instruction measure, if they all measure the same, and the clause may end
        by it.

        Args:
          text: The words of the clause, without the number.
          following: The pieces after it.
        """
        later = [find_quantity(piece.words).until for piece in following if piece.mark == "then"]
        amounts = [item.until for item in self.items] + later
        kinds: set[Kind] = {amount.kind for amount in amounts if amount is not None}
        clause = Item(text, None, text, True, self.sentence, True)
        only: Kind | None = next(iter(kinds)) if len(kinds) == 1 else None
        return only if text and only is not None and measures(clause, only) else None

    def _negate(self, piece: Piece, text: str, until: Until | None) -> None:
        """Take in a piece that says what not to do, mostly by adding no clause.

        "Do not move" adds a clause that stands still, "do not hurry" makes the clause before slower, and "without
        stopping for ten metres" gives it the amount. Later words may take over the verb of what is forbidden.

        Args:
          piece: The piece, after "do not" or the like.
          text: Its words, without amounts.
          until: Its amount, or None.
        """
        text = tidy(base(text))
        if STILL.match(text):
            until = until if until is not None and until.kind == "seconds" else None
            if self.items and set(self.items[-1].text.split()) & STANDING:
                if until is not None and self.items[-1].until is None:
                    self.items[-1] = replace(self.items[-1], until=until)
                return
            self._append(Item("stand still", until, piece.said, piece.comma, self.sentence, False), 1)
            return
        words = text.split()
        if words[:1] in (["hurry"], ["rush"]) or (set(words) & FAST and is_fragment(words)):
            self._attach_speed("slowly")
        elif set(words) & SLOW and is_fragment(words):
            self._attach_speed("quickly")
        elif text in ("stop", "pause", "rest", "halt", "wait") and self.items and self.items[-1].until is None:
            self.items[-1] = replace(self.items[-1], until=until)  # "walk without stopping for ten metres"
        elif text:
            if is_fragment(words) and self.last is not None:
                text = with_verb(self.last, text)
            self.last = Item(text, until, piece.said, piece.comma, self.sentence, False, negated=True)

    def _attach_speed(self, word: str) -> None:
        if self.items:
            self.items[-1] = replace(self.items[-1], text=f"{self.items[-1].text} {word}")
        else:
            self.loose = f"{self.loose} {word}".strip()

    def _close_sentence(self) -> None:
        """Give speed words that were a sentence of their own to the clause before them: "Go back. Slowly."."""
        if self.loose and self.loose_after and self.items:
            self.items[-1] = replace(self.items[-1], text=f"{self.items[-1].text} {self.loose}")
            self.loose = ""
        self.loose_after = False

    def _take_back(self, piece: Piece, following: list[Piece], text: str, until: Until | None) -> Item | None:
        """Remove the clause that a correction takes back, and return it; None if there is no clause yet.

        That is the last clause. If the correction says several clauses again, all of these are removed, and the first
        is returned. "No, hop just once" removes all clauses of the last sentence.

        Args:
          piece: The correction.
          following: The pieces after it.
          text: The words of the correction, without amounts.
          until: Its amount, or None.
        """
        if self.unmeasured is not None:
            self.impossible.remove(self.unmeasured)
        if not self.items:
            self.loose = ""
            return None
        del self.items[taken_back_from(self.items, text, until, [x.words for x in following]) + 1 :]
        taken = self.items.pop()
        anew = piece.sentence or re.match(r"(?:just|only)\b", piece.said.lower())
        if anew and not is_fragment(text.split()):
            while (
                self.items
                and self.items[-1].sentence == taken.sentence
                and anew
                and re.search(r"\bjust\b", piece.said.lower())
            ):
                self.items.pop()
        self.last = taken
        return taken

    def _place(self, piece: Piece, text: str, until: Until | None, times: int, corrected: Item | None) -> None:
        """Add the words of a piece as a clause; or join them to another clause, if they are no clause of their own.

        Words that say only a speed, a direction, a gait or an amount are joined.

        Args:
          piece: The piece.
          text: Its words, without amount and count.
          until: Its amount, or None.
          times: How often the clause is added.
          corrected: The clause that was taken back for these words, or None.
        """
        text = re.sub(r"(?<=\w) (?:(?:once )?again|once more)$", "", text)
        if AT_GAIT.match(text) and until is None:
            self._place_gait(piece, text)
            return
        if goes_on(piece, text, self.items[-1] if self.items else None):
            text = " ".join(text.split()[1:])  # "veer left, moving forward"
        paced = text if is_fragment(text.split()) else said_pace(text)
        if paced is None:
            return
        text = paced
        words = text.split()
        axes = directions(words)
        item = Item(
            text, until, piece.said, piece.comma, self.sentence, piece.comma and piece.mark in ("then", "start")
        )
        if corrected is not None:
            self._append(correct(corrected, item, axes), times)
            return
        previous = self.items[-1] if self.items else None
        if until is not None and self._join_amount(piece, item, until, times):
            return
        if previous is not None and piece.comma and piece.mark != "then" and is_insisted(previous, item):
            self.items.pop()
        if not words or not is_fragment(words):
            if previous is not None and times == 1 and completes(piece, previous, item):
                until = previous.until or until
                said = f"{previous.said}, {piece.said}"
                self.items[-1] = self.last = replace(previous, text=f"{text} {previous.text}", until=until, said=said)
                return
            self._append(item, times)
            return
        if not axes:
            self._place_speed(piece, item, previous, times)
            return
        self._place_direction(piece, item, previous, axes, times)

    def _join_amount(self, piece: Piece, item: Item, until: Until, times: int) -> bool:
        """Join an amount to the clause before it, or keep it for the next, if its words are no clause of their own.

        Return whether that was done. "Walk forward, two metres", "turn left, a quarter turn" and "walk, then stop after
        two metres" are joined. Two amounts of one clause are impossible.

        Args:
          piece: The piece that has the amount.
          item: Its words without the amount, and the amount.
          until: The amount.
          times: How often a clause is added, if one is.
        """
        previous, words = self.items[-1] if self.items else None, item.text.split()
        if (
            (is_fragment(words) or words == ["step"])
            and EACH.search(piece.words)
            and end_each(self.items, until, piece.said)
        ):
            self.last = self.items[-1]
            return True
        follows = piece.mark in ("comma", "and", "sentence")
        if previous is not None and words and piece.comma and follows:
            whole = turned_so_far(previous, piece.words, item.text, until)
            if whole is not None:
                self.items[-1] = self.last = whole
                return True
        is_open = previous is not None and previous.until is None
        is_step = words[-1:] == ["step"] and set(words[:-1]) <= SMALL
        is_alone = not words or (is_step and not re.match(r"(?:take|step|make|go|walk|move|do)\b", piece.words))
        if piece.mark == "after" and (is_alone or is_covered(previous, words)):
            self._after_amount(item, until, previous)
            return True
        if is_alone and is_open and follows:
            end_last(self.items, until, piece.said)
            self.last = self.items[-1]
            return True
        if words:
            return False
        if previous is not None and piece.mark in ("comma", "and"):
            self.impossible.append(f"{previous.said} and {piece.said}")
        elif previous is not None and piece.mark == "then":
            self._append(replace(previous, until=until, said=piece.said), times)
        else:
            self.amount = until
        return True

    def _place_gait(self, piece: Piece, text: str) -> None:
        """Join a gait, such as "at a jog", to the clause before it or to the one after it.

        It belongs to the clause before it after a comma or "and", as in "walk on, at a jog", unless that clause stands,
        jumps or turns. Else it is kept for the next clause that is added.
        """
        previous = self.items[-1] if self.items else None
        joins = previous is not None and not piece.sentence and piece.mark in ("comma", "and")
        if previous is not None and joins and not set(previous.text.split()) & (STANDING | JUMPING | TURNING):
            self.items[-1] = self.last = replace(previous, text=f"{previous.text} {text}")
            return
        self.loose = f"{self.loose} {text}".strip()
        self.loose_after = previous is not None and piece.sentence

    def _place_speed(self, piece: Piece, item: Item, previous: Item | None, times: int) -> None:
        """Join words that say a speed, such as "slowly", to the clause that they belong to.

        At the beginning of a sentence, or if the body stands before, they are kept for the next clause. After "then",
        as in "walk, then quickly", they add the clause before once more with the new speed. Else that clause gets them.

        Args:
          piece: The piece that has the words.
          item: The words and their amount.
          previous: The clause before them, or None.
          times: How often a clause is added, if one is.
        """
        if previous is None or piece.sentence or set(previous.text.split()) & STANDING:
            self.loose = f"{self.loose} {item.text}".strip()
            self.loose_after = piece.sentence and previous is not None and not set(previous.text.split()) & STANDING
            self.amount = item.until or self.amount
        elif (piece.mark == "then" or (previous.until and item.until)) and set(item.text.split()) & ADVERBS:
            slowless = " ".join(word for word in previous.text.split() if word not in SLOW | FAST)
            self._append(replace(item, text=f"{slowless} {item.text}"), times)
        else:
            self.items[-1] = replace(previous, text=f"{previous.text} {item.text}", until=previous.until or item.until)
            self.last = self.items[-1]

    def _place_direction(self, piece: Piece, item: Item, previous: Item | None, axes: list[str], times: int) -> None:
        """Join words that say a direction to the clause before them, or add them as a clause with that clause's verb.

        They are joined if that clause has no direction yet ("walk, to the left"), or if both make a diagonal ("walk
        forward and left"). Else "walk forward, then left" adds the clause "walk left".

        Args:
          piece: The piece that has the words.
          item: The words and their amount.
          previous: The clause before them, or None.
          axes: What each of their directions is: "along" (forward, back), "across" (sides) or "around" (rotation).
          times: How often a clause is added, if one is.
        """
        if self.last is not None and self.last.negated and piece.mark == "and" and not piece.comma:
            if {*directions(self.last.text.split()), *axes} == {"along", "across"}:
                return  # "do not walk back and to the left"
        earlier = previous or self.last
        if earlier is None:
            self._append(item, times)
            return
        words = earlier.text.split()
        before = directions(words)
        moves = not set(words) & (STANDING | TURNING | JUMPING)
        if previous is not None and piece.mark == "and" and not piece.comma and previous.until is None and moves:
            if len(set(before)) == len(set(axes)) == 1 and {before[0], axes[0]} == {"along", "across"}:
                self.items[-1] = replace(
                    previous,
                    text=f"{previous.text} and {item.text}",
                    until=item.until,
                    said=f"{previous.said} and {piece.said}",
                )
                self.last = self.items[-1]
                return
        joined = (
            piece.comma and piece.mark in ("comma", "and") and (previous is None or not (previous.until and item.until))
        )
        slanted = bool({"diagonal", "diagonally", "angle"} & set(words)) and {*before} | {*axes} == {"along", "across"}
        if (
            previous is not None
            and joined
            and (not before or slanted and len(set(before)) == 1)
            and not set(words) & (STANDING | JUMPING | {"up", "upright", "rise"})
        ):
            self.items[-1] = replace(
                previous,
                text=f"{previous.text} {item.text}",
                until=previous.until or item.until,
                said=f"{previous.said}, {piece.said}",
            )
            self.last = self.items[-1]
            return
        self._append(replace(item, text=with_verb(earlier, item.text)), times)

    def _after_amount(self, item: Item, until: Until, previous: Item | None) -> None:
        """Make an amount such as "after two metres" the end of the clause before it.

        If there is no such clause, or it has an amount, add a clause that waits the seconds or walks the distance.

        Args:
          item: The words of the amount, as a clause.
          until: The amount.
          previous: The clause before it, or None.
        """
        if previous is not None and previous.until is None:
            self.items[-1] = replace(previous, until=until)
            return
        if until.kind == "degrees":
            self.impossible.append(item.said)
            return
        self._append(replace(item, text="wait" if until.kind == "seconds" else "walk"), 1)
