"""The clauses of an instruction that have been built so far, and the ways of repeating them."""

import re
from dataclasses import replace

from flexrl.language.grammar.elision import Item, opposite, with_verb
from flexrl.language.grammar.pieces import Piece
from flexrl.language.grammar.repetition import AGAIN, ALL_AGAIN, FOLLOWING, SAME_TO, THAT_AGAIN
from flexrl.language.plan import MAX_SEGMENTS, Until


class Clauses:
    """The clauses of an instruction so far, while it is read from its beginning to its end.

    Holds the clauses in the order to be done (`items`), words that no plan can carry out (`impossible`), and a speed,
    an amount or a count that was said before the clause that it belongs to.
    """

    def __init__(self, impossible: list[str]) -> None:
        """Start without clauses.

        Args:
          impossible: Words found so far that no plan can carry out. Further ones are added to this list.
        """
        self.items: list[Item] = []
        self.impossible = impossible
        self.last: Item | None = None  # the clause that the next may leave words out of; also a negated one
        self.sentence = 0
        self.loose = ""  # speed words before the clause that they belong to
        self.loose_after = False  # whether these words were a sentence of their own
        self.amount: Until | None = None  # an amount before the clause that it belongs to
        self.times = 1  # a count before the clauses that it belongs to
        self.times_from = 0
        self.unmeasured: str | None = None  # a number without a unit in the piece before

    def _repeats(self, piece: Piece, text: str, times: int, counted: bool) -> bool:
        """Repeat earlier clauses if a piece asks only for that, as "do that again" does.

        "The same to the right" adds the last clause with that direction. "Three times:", before any clause, is kept for
        the clauses that follow.

        Args:
          piece: The piece.
          text: The words of the piece without amount and count.
          times: The count that the piece says; 1 if it says none.
          counted: Whether the piece says a count.

        Returns:
          Whether the piece asks only for a repetition, and so is dealt with.
        """
        if match := SAME_TO.match(text):
            if self.last is not None:
                way = match["way"]
                if re.search(r"other|opposite", way):
                    way = opposite(self.last.text)
                new = replace(self.last, text=with_verb(self.last, way), said=piece.said, negated=False)
                self._append(replace(new, comma=piece.comma, sentence=self.sentence), times)
                return True
            return False
        if not self.items:
            if (counted and not text) or (counted and FOLLOWING.match(text)):
                self.times, self.times_from = self.times * times, 0
                return True
            return bool(FOLLOWING.match(text)) and text != "repeat"
        if counted and not text:
            begin = len(self.items) - 1
            if piece.comma and not piece.mark == "then":
                sentence = self.items[-1].sentence
                while begin and not self.items[begin].opens and self.items[begin - 1].sentence == sentence:
                    begin -= 1
            self._repeat(begin, times if not re.search(r"\bmore\b", piece.words) else times + 1)
            return True
        if AGAIN.match(text):
            more = times if counted else 1
            self._repeat(len(self.items) - 1, 1 + more)
            return True
        for pattern, whole in ((ALL_AGAIN, True), (THAT_AGAIN, False)):
            if pattern.match(text):
                total = times if counted and times > 1 and not re.search(r"\bmore\b", piece.words) else times + 1
                sentence = self.items[-1].sentence
                begin = 0
                if not (whole or (piece.sentence and text == "repeat")):
                    begin = next(i for i, item in enumerate(self.items) if item.sentence == sentence)
                self._repeat(begin, total)
                return True
        return False

    def _recounts(self, taken: Item, count: float | None) -> bool:
        """Add a clause again that a correction took back, with the correction's count: "jump twice; no, three times".

        Args:
          taken: The clause that was taken back.
          count: How often it is to be done, or None.

        Returns:
          Whether it was added. It is not if there is no count, or if the clause has an amount.
        """
        if count is None or taken.until is not None:
            return False
        while self.items and (self.items[-1].text, self.items[-1].said) == (taken.text, taken.said):
            self.items.pop()
        self._append(taken, max(1, round(count)))
        return True

    def _repeat(self, begin: int, total: int) -> None:
        group = self.items[begin:]
        self.items += group * min(total - 1, MAX_SEGMENTS + 1)

    def _append(self, item: Item, times: int) -> None:
        """Add a clause `times` times, with the speed words and the amount that were said before it."""
        if self.loose:
            item = replace(item, text=f"{self.loose} {item.text}")
        if self.amount is not None and item.until is None:
            item = replace(item, until=self.amount)
        self.loose, self.amount = "", None
        self.last = item
        self.items += [item] + [replace(item, comma=False)] * min(times - 1, MAX_SEGMENTS + 1)
