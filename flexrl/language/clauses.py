"""Split an instruction into its clauses, in the order in which they are to be done.

`split("Walk 2 m, then turn left")` returns a `Reading` with the clauses "walk" (until 2 metres) and "turn left". It
handles order words, negation, corrections, repetition, and words left out. What a clause means is not decided here:
a classifier reads `Clause.text`. Structures that no plan can have, such as "while", are named in
`Reading.impossible`.
"""

import itertools
import re
from dataclasses import dataclass, replace
from typing import Literal

from flexrl.language.plan import MAX_SEGMENTS, Until
from flexrl.language.quantities import find_quantity, normalise
from flexrl.language.words import (
    ADVERBS,
    BACKWARD,
    DIRECTIONS,
    FAST,
    FILLER,
    FORWARD,
    JUMPING,
    NOT_BEFORE_VERB,
    SIDES,
    SLOW,
    STANDING,
    TURNING,
    VERBS,
    base_form,
    directions,
    is_adverb,
    is_fragment,
)

Mark = Literal["start", "sentence", "comma", "and", "then", "correct", "after", "before", "first", "not"]
MARKS: dict[str, Mark] = {
    "\x01": "sentence",
    "\x02": "comma",
    "\x03": "and",
    "\x04": "then",
    "\x05": "correct",
    "\x06": "after",
    "\x07": "before",
    "\x08": "first",
    "\x0e": "not",
}
CODES: dict[Mark, str] = {mark: code for code, mark in MARKS.items()}
MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Clause:
    """One thing to do.

    Attributes:
      text: The normalised words that a classifier reads, with speed words and without amounts and politeness.
      until: The amount that the clause names, or None.
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


_AND_PROTECTED = re.compile(
    r"\b(?:up and down|back and forth|to and fro|in and out|out and about|nice and \w+|again and again|over and over"
    r"|left and right (?=arm|leg|hand|foot)|round and round|around and around|good and \w+|(?:hundred|thousand) and"
    r"|and (?:a half|half|a quarter|three quarters)(?! (?:a )?turns?\b)|hands and knees|bit by bit"
    r"|(?:minutes?|mins?|min) and (?=[\w.-]+(?: [\w-]+)? (?:seconds?|secs?|s)\b)"
    r"|(?:hours?|hrs?) and (?=[\w.-]+(?: [\w-]+)? (?:minutes?|mins?)\b)"
    r"|(?:foot|feet|ft) and (?=[\w.-]+(?: [\w-]+)? (?:inch|inches)\b)"
    r"|(?:met(?:re|er)s?|m) and (?=[\w.-]+(?: [\w-]+)? (?:centi\w+|cm)\b))"
)
_TYPOS = {
    "thne": "then",
    "tehn": "then",
    "hten": "then",
    "adn ": "and ",
    "nad ": "and ",
    "anf ": "and ",
    "abd ": "and ",
}
_EASY = {
    r"take (?:it|things) (?:slow|slowly|easy)|take your time": "slowly",
    r"make it (?:quick|fast|snappy)": "quickly",
}
_EASY |= {
    r"(?:and )?be quick(?: about it)?": "quickly",
    r"(?:and )?(?:do it|do so|do this) (?=slowly|quickly|gently)": "",
}
_UNTIL_AMOUNT = re.compile(
    r"\b(?:until|till|til|til you) (?:(?:you|u|it)(?: have|'ve|ve| has| had)? (?:walk|go|gone|cover|travel|mov"
    r"|turn|rotat|run"
    r"|ran|tak|took|do|did|done|wait|complet|spun|ma[dk]|pass|jump|step|strafe|back|advanc|reach)\w*"
    r"|(?=[\w./-]+ \w+ (?:have|has|are|is) ))"
    r"(?: for| up| at least| about| a total of)?"
)
_UNTIL_END = re.compile(r"\b(?:have|has|are|is) (?:passed|elapsed|over|up|gone by|gone|done|covered)\b")
_IMPOSSIBLE = re.compile(
    r"(?<!a )(?<!little )(?<!short )(?<!long )\b(?:while|whilst)\b(?: \w+){0,2}"
    r"|\bat the same (?:time|moment)\b|\bsimultaneously\b|\ball at once\b|\bboth at once\b|\bmeanwhile\b|\bmeantime\b"
    r"|\bconcurrently\b|\bin parallel\b|\bas (?:you|it|he|she|we|i|they|the \w+) (?!can\b|could\b|like\b|wish\b"
    r"|please\b"
    r"|want\b|are able\b|possibly\b|were\b|did\b|do\b|normally\b|usually\b)\w+"
    r"|\b(?:until|till|til)\b(?: \w+){0,3}|\bunless\b(?: \w+){0,3}|\bwhenever\b(?: \w+){0,3}|\bin case\b"
    r"|\bprovided that\b"
    r"|\bas long as\b|\bdepending on\b|\bduring\b(?: \w+){0,2}|\bif\b(?: \w+){0,3}|\bevery (?=\w)\w+(?: \w+)?"
    r"|\beach time\b"
    r"|\bas soon as\b(?: \w+){0,3}|\bwhen\b(?: \w+){0,3}|\bonce (?:the|it|he|she|they|there|someone|i"
    r"|we)\b(?: \w+){0,2}"
    r"|\beither\b|\b(?:m/s|km/h|kmh|mph|kph|mps|m/sec|ft/s|rpm|deg/s)\b|\b(?:[\w]+) ?/ ?(?:s|sec|second|h|hr|hour"
    r"|min)\b"
    r"|\b\w+ (?:per|an?|each) (?:second|sec|hour|minute|min)\b(?! of)"
    r"|(?<!\bmore )\bor\b(?! (?:so|rather|something|thereabouts|less|two)\b)(?: \w+){0,2}"
)
_NUMBERS_OR = re.compile(r"\b(\w+) or (\w+)(?= \w+)")
_PER_FINE = re.compile(
    r"\b(?:for|wait|pause|stop|stand|still|half|quarter|than|in|about|just|after|rest|stay|hold|freeze|of)\b"
)
_SCRATCH = (
    r"(?:scratch|strike|forget|cancel|ignore|delete|undo|disregard|drop) (?:that|it|this|all that|all of that"
    r"|everything)"
    r"(?: last (?:part|bit|one))?|never ?mind(?: that)?"
)
_CORRECTIONS = (
    rf"(?:(?:no+|nope|nah)(?: no+)* (?:wait|sorry|hold on|hang on|not that|stop that)|(?:wait|hold on"
    rf"|hang on),? (?:no+|sorry|actually)"
    rf"|(?:i'?m |so )?sorry|i mean(?:t)?(?: to say)?|i wanted to say|or rather|actually|correction|(?:wh)?oo?ps"
    rf"|{_SCRATCH}|my (?:mistake|bad|fault|apologies)"
    r"|on second thoughts?|change of plans?|make (?:that|it)(?= (?:\w+ ?){1,4})|that(?:'s| is|s) wrong|wrong|i misspoke"
    r"|let me (?:rephrase|correct)(?: that| myself)?|apologies|pardon(?: me)?|excuse me|not that|no+ no+"
    r"|better yet|rather(?=,))"
)
_THEN = (
    r"(?:(?:and |but )?(?:then|after that|after this|after which|afterwards?|next|subsequently|thereafter|finally"
    r"|lastly|at last"
    r"|eventually|at the end|in the end|to finish(?: up| off)?|last of all|later(?: on)?|following that|thereupon"
    r"|secondly|thirdly)"
    r"(?: on)?(?: (?:next|finally|afterwards?))?"
    r"|(?:and |then )?(?:followed|succeeded) by|(?:and |then )?(?:finish(?:ing)?|end(?:ing)?|conclude)(?: up| off"
    r"| it)? (?:with|by|on)"
    r"|(?:and )?(?:once|when|after|as soon as) (?:that|this|it|that one|you|u)?(?:'s| is|'re| are|s| has been|'ve"
    r"| have|ve)?"
    r" ?(?:done|finished|completed|complete|finish|through|over|ready)(?: with)?(?: (?:that|this|it|doing that"
    r"|doing so))?(?! \w+ing\b)"
    r"|(?:and )?(?:once|when|after) you(?:'ve| have|ve)? (?:done|did|finished|completed) (?:that|this|it|so)"
    r"|second(?=,)|third(?=,)|fourth(?=,)"
    r"|(?:and after(?: you| u)?|(?<=,) after)(?= (?:walk|turn|run|jump|stop|go|stand|spin|rotate|step|move|wait)\b))"
)
_AFTER = (
    r"(?:(?:but |and )?(?:only )?(?:right |straight |immediately |just |directly )?"
    r"(?:after|once|when|as soon as|upon|following) (?:you|u)(?: have|'ve|ve| had|'re| are|re)?(?: (?:done"
    r"|finished|completed))?(?: with)?"
    r"(?! (?:see|hear|feel|notice|want|like|reach|get|arrive|can|find|meet|hit|touch|think|bump|sense|smell"
    r"|become|look)\b)"
    r"|(?:but |and )?(?:only )?(?:right |straight |immediately |just |directly )?"
    r"(?:after|upon|having(?= \w+(?:ed|ne|en|un|de)\b))"
    r"(?: having| finishing| completing)?(?! (?:a )?(?:while|bit)\b)"
    r"|(?:once|when|after) (?:done|finished)(?= \w+ing\b))"
)
_BEFORE = r"(?:(?:but |and )?(?:right |just )?(?:before|prior to) ?(?:you|u)?(?= \w))"
_FIRST = (
    r"(?:,? ?but first(?: of all)?|,? ?(?:but |and )?before (?:that|this|it|doing that|doing so)"
    r"|,? ?but (?:start|begin) (?:by|with))"
)
_OPENING = (
    r"(?:first(?:ly)?(?: of all| off)?|to begin(?: with)?|to start(?: with| off)?|in the first place"
    r"|(?:start|begin)(?: off| out)? (?:by|with)|initially|step (?:\d+|one|two|three|four|five) ?:?|number (?:one"
    r"|two|three))"
)
_NOT = (
    r"(?:(?:and |but )?(?:please )?(?:do ?n'?t|do not|dont|never|must ?n'?t|must not|should ?n'?t|should not"
    r"|you are not to|avoid|refrain from|quit|cannot"
    r"|no need to|there is no need to)(?: ever| you dare)?"
    r"|(?:but |and )?(?:without|with no|instead of|in place of|rather than|in lieu of)(?: any)?"
    r"|(?:but |and )?not(?! (?:sure|that)\b)|(?:and |but )?no(?= (?:\w+ing|turns?|jumps?|hurry|rush|stops?)\b))"
)
_STILL = re.compile(
    r"^(?:(?:move|budge|stir|step|moving|leave)(?: (?:at all|a muscle|an inch|a bit|anywhere|your feet|your spot|there"
    r"|away|yet|now|any ?more|any further|for|from) ?.*)?|do (?:anything|a thing).*|take (?:a|another|any)? ?steps?"
    r"|any movement.*|(?:go|walk) anywhere.*|go)$"
)
_AGAIN = re.compile(
    r"^(?:(?:and )?(?:once )?(?:again|once more|more|another|another one|one more|once again|another time"
    r"|one more time|one more go)"
    r"|(?:do|repeat) (?:the )?(?:last|previous|same) (?:one|step|move|action|thing"
    r"|part)(?: again)?(?: once more)?|same again"
    r"|repeat the last (?:step|move|part|action)|the same(?: thing)?(?: again)?|do the same(?: thing)?(?: again)?)$"
)
_ALL_AGAIN = re.compile(
    r"^(?:(?:do|repeat|perform|run through) (?:it all|all(?: of)? (?:that|this|it)|everything|the (?:whole|entire"
    r"|full) (?:thing|sequence|lot|routine)"
    r"|(?:the|this|that) (?:sequence|routine))(?: over)?(?: again)?(?: more)?|all (?:over )?again|from the top"
    r"|all of (?:that|it|this)"
    r"|the whole (?:thing|sequence)(?: again)?|repeat (?:from the (?:start|beginning|top)))$"
)
_THAT_AGAIN = re.compile(
    r"^(?:(?:do|repeat|perform) (?:that|this|it|these|those|them|so|both)(?: all)?(?: over)?(?: again| more"
    r"| once more)?|repeat(?: again| more)?"
    r"|and repeat|(?:then )?repeat (?:the )?(?:above|process|both steps|these steps|those steps)|do so(?: again)?"
    r"|that again|(?:do )?both)$"
)
_FOLLOWING = re.compile(r"^(?:do |repeat |perform )?(?:the following|this|these|the next steps?|as follows)$|^repeat$")
_SAME_TO = re.compile(
    r"^(?:and )?(?:do |repeat )?(?:the same|that|it|this)(?: thing)?(?: again)?(?: but)? ?(?P<way>(?:to |on |in "
    r"|towards |toward )?(?:the |your )?"
    r"(?:other (?:side|way|direction)|opposite (?:side|way|direction)|left(?: side)?|right(?: side)?|backwards?"
    r"|forwards?|back))$"
)
_KEEP = re.compile(r"^(?:start|begin|keep|continue|keep on|carry on|go on|resume|commence|go) (?=\w+ing\b)")
_EDGES = re.compile(
    r"^(?:second|third|fourth|of|and|but|so|or|the robot|robot|you|u|by|with|to(?! (?:the|your|my)\b))\b ?"
    r"|\b ?(?:and|but|so)$"
)


@dataclass(frozen=True)
class _Piece:
    """Words between two marks.

    Attributes:
      mark: What stands before the words.
      words: The words, in lower case.
      said: The same words as the user wrote them.
      comma: Whether a comma, or the end of a sentence, stands before the words.
      sentence: Whether a sentence begins with the words.
      run_on: Whether only a verb, and no mark, begins the words.
      negated: Whether "do not" or the like stands before the words, beside the mark.
    """

    mark: Mark
    words: str
    said: str
    comma: bool
    sentence: bool
    run_on: bool = False
    negated: bool = False


@dataclass(frozen=True)
class _Item:
    """A clause under construction, and where it stands in the instruction."""

    text: str
    until: Until | None
    said: str
    comma: bool
    sentence: int
    opens: bool  # a sentence, or a part of one that begins with "then" after a comma
    negated: bool = False


def split(instruction: str) -> Reading:
    """Return the clauses of an instruction, and the words that no plan can do.

    Raises:
      ValueError: If the instruction is longer than `MAX_CHARACTERS`.
    """
    if len(instruction) > MAX_CHARACTERS:
        raise ValueError(f"instruction: {len(instruction)} characters; give at most {MAX_CHARACTERS}")
    marked, impossible = _marked(instruction)
    builder = _Builder(impossible)
    for piece in _in_order(_pieces(marked, instruction)):
        builder.add(piece)
    return builder.reading()


def clean(text: str) -> str:
    """Return a clause as the classifier reads it; the same text for `split(text).clauses[0].text` of one clause."""
    reading = split(text)
    return reading.clauses[0].text if len(reading.clauses) == 1 else normalise(text)


def _blank(match: re.Match[str], code: str = " ") -> str:
    return code + " " * (len(match[0]) - 1)


def _marked(instruction: str) -> tuple[str, list[str]]:
    """Return the instruction in lower case with codes for its structure, of the same length, and impossible words."""
    text = "".join(c.lower() if len(c.lower()) == 1 else c for c in instruction)
    text = text.translate(
        str.maketrans({"’": "'", "‘": "'", "`": "'", "“": " ", "”": " ", '"': " ", "\t": " ", "\xa0": " "})
    )
    text = re.sub(r"(?<=\d)[ ]*\"", _blank, text)
    for wrong, right in _TYPOS.items():
        text = re.sub(rf"\b{wrong}\b" if wrong[-1] != " " else rf"\b{wrong}", right, text)
    text = re.sub(
        r"(?:^|(?<=[\n.;,]))\s*(?:\d{1,2}[.)](?!\d)|[-*•](?= ))", lambda m: _blank(m, CODES["sentence"]), text
    )
    text = re.sub(
        r"[\n;!?]|\.+(?!\d)(?=\s|$|[A-Za-z])",
        lambda m: _blank(m, CODES["comma" if len(m[0]) > 1 else "sentence"]),
        text,
    )
    text = re.sub(r"^\s*no+(?=\s*[,\x01])", _blank, text)
    text = re.sub(r"-+>|=+>|[→>➔]", lambda m: _blank(m, CODES["then"]), text)
    text = _UNTIL_AMOUNT.sub(lambda m: "for".ljust(len(m[0])), text) if _until_amount(text) else text
    text = _NUMBERS_OR.sub(lambda m: m[0].replace(" or ", "    ") if _both_numbers(m) else m[0], text)
    text = re.sub(r"\b(?:or so|or thereabouts|more or less|as (?:soon|quick\w*) as possible)\b", _blank, text)
    for phrase, word in _EASY.items():
        text = re.sub(rf"\b(?:{phrase})", lambda m, word=word: word.ljust(len(m[0])), text)
    text = FILLER.sub(_blank, _protect_too(text))
    impossible = []
    phrases: dict[Mark, str] = {"first": _FIRST, "then": _THEN, "after": _AFTER, "before": _BEFORE}
    for mark, phrase in phrases.items():
        text = _substitute(text, phrase, mark)
    for match in _IMPOSSIBLE.finditer(text):
        said = " ".join(match[0].split())
        if re.search(r" (?:per|an?|each) \w+$", said) and " per " not in said and _PER_FINE.match(said):
            continue
        impossible.append(" ".join(instruction[match.start() : match.end()].split()))
    text = _AND_PROTECTED.sub(lambda m: m[0].upper(), text)
    text = re.sub(r"(?<=\d)-(?=[a-z])", " ", text)
    text = re.sub(r"(?<!\d),|,(?!\d)| -+ |[—–:()\[\]]|(?<=\w)-- ?", lambda m: _blank(m, CODES["comma"]), text)
    text = _substitute(text, _OPENING, "comma")
    text = _substitute(text, r"(?<=[\x01-\x08]) *rather(?= *\x02)", "correct")
    text = _substitute(text, _CORRECTIONS.replace(r",?", r"[\x02 ]?").replace(r"(?=,)", r"(?= *\x02)"), "correct")
    text = re.sub(r"(?<=[\x01-\x08]) *(?:no+|nope|nah)(?= *[\x02\x05])", lambda m: _blank(m, CODES["correct"]), text)
    text = re.sub(
        r"(?<=[\x01-\x08]) *(?:nope|nah|no)(?= +(?!need\b|more\b|further\b|\w+ing\b|turn|jump|hurry|rush|stop)\w)",
        lambda m: _blank(m, CODES["correct"]),
        text,
    )
    text = _substitute(text, _NOT, "not")
    text = _substitute(text, r"(?:\b(?:and|but|plus|yet)\b|[&+])", "and", bounded=False)
    return text, impossible


def _substitute(text: str, phrase: str, mark: Mark, bounded: bool = True) -> str:
    """Put a code in place of each match of a phrase, and spaces in place of the rest of the match."""
    spaced = re.sub(r" (?![?*+])", " +", phrase)
    pattern = re.compile(rf"(?<![\w'-])(?:{spaced})(?![\w'])" if bounded else spaced)
    return pattern.sub(lambda m: _blank(m, CODES[mark]), text)


def _protect_too(text: str) -> str:
    return re.sub(r"\btoo (?=\w+ +(?:met|step|sec|deg|feet|m\b))", "two ", text)


def _until_amount(text: str) -> bool:
    """Return whether "until" is followed by an amount, as in "until you have walked two metres"."""
    match = _UNTIL_AMOUNT.search(text)
    if match is None:
        return False
    rest = re.split(r"[,\x01-\x08]|\bthen\b|\band (?!a\b)", text[match.end() :])[0]
    return find_quantity(rest).until is not None


def _both_numbers(match: re.Match[str]) -> bool:
    """Return whether "X or Y" joins two numbers, as in "two or three metres"."""
    return (
        find_quantity(f"{match[1]} metres").until is not None and find_quantity(f"{match[2]} metres").until is not None
    )


def _pieces(marked: str, instruction: str) -> list[_Piece]:
    """Cut a marked instruction at its codes; where several stand together, the strongest counts."""
    strength: list[Mark] = ["start", "sentence", "comma", "and", "then", "not", "first", "before", "after", "correct"]
    pieces: list[_Piece] = []
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
                _Piece(
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
    if mark == "correct" and pieces and re.search(_SCRATCH, instruction[end:].lower()):
        pieces.append(_Piece("correct", "", "", True, False))
    return pieces


def _run_on(part: str) -> list[tuple[int, int]]:
    """Return where clauses begin and end in words without punctuation: at each verb of `VERBS` after the first."""
    found = list(re.finditer(r"[\w'-]+", part))
    starts = [0]
    for before, here in itertools.pairwise(found):
        if here[0].lower() not in VERBS or before[0].lower() in NOT_BEFORE_VERB or before[0].isdigit():
            if not (here[0] in VERBS and before[0] in ("left", "right") and _complete(part[starts[-1] : before.end()])):
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


def _complete(part: str) -> bool:
    """Return whether words are a clause that ends in a side, as "turn left" does and "make a left" does not."""
    words = normalise(part).split()
    return len(words) > 1 and not set(words) & {"a", "an", "make", "do", "the", "take"}


def _in_order(pieces: list[_Piece]) -> list[_Piece]:
    """Return the pieces in the order of their doing, with the marks "after", "before" and "first" resolved."""
    done: list[_Piece] = []
    i = 0
    while i < len(pieces):
        piece = pieces[i]
        following = pieces[i + 1] if i + 1 < len(pieces) else None
        if piece.mark == "before" and (not done or piece.sentence):
            j = i + 1
            while j < len(pieces) and (j == i + 1 or (pieces[j].mark in ("and", "not") and not pieces[j].sentence)):
                j += 1
            moved = [replace(x, mark="then" if k == 0 else x.mark) for k, x in enumerate(pieces[i + 1 : j])]
            done += [*moved, replace(piece, mark="then", words=_base(piece.words))]
            i = j
            continue
        if piece.mark == "before":
            done.append(replace(piece, mark="then", words=_base(piece.words)))
        elif piece.mark == "after":
            now = replace(piece, mark="then", words=_base(piece.words))
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
            done[max(k, 0) :] = [replace(piece, mark="then", words=_base(piece.words)), *done[max(k, 0) :]]
        else:
            done.append(piece)
        i += 1
    return done


def _base(words: str) -> str:
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


def _tidy(text: str) -> str:
    """Return words without loose ends, "start walking" as "walk", and a first verb in -ing in its base form."""
    before = None
    while before != text:
        before, text = text, _EDGES.sub("", text).strip()
    text = _KEEP.sub("", text)
    parts = text.split()
    if parts and parts[0].endswith("ing") and base_form(parts[0]) != parts[0]:
        parts[0] = base_form(parts[0])
    elif len(parts) > 1 and parts[0] in ADVERBS and parts[1].endswith("ing"):
        parts[1] = base_form(parts[1])
    return " ".join(parts)


class _Builder:
    """Build the clauses of an instruction from its pieces, one after another."""

    def __init__(self, impossible: list[str]) -> None:
        """Begin with the impossible words that are known already."""
        self.items: list[_Item] = []
        self.impossible = impossible
        self.last: _Item | None = None  # the clause that the next may leave words out of; also a negated one
        self.sentence = 0
        self.loose = ""  # speed words before the clause that they belong to
        self.amount: Until | None = None  # an amount before the clause that it belongs to
        self.times = 1  # a count before the clauses that it belongs to
        self.times_from = 0

    def reading(self) -> Reading:
        """Return what has been built."""
        if self.times > 1:
            self._repeat(self.times_from, self.times)
        if not self.items and not self.impossible:
            self.impossible.append("nothing is left to do" if self.last else "nothing to do")
        if len(self.items) > MAX_SEGMENTS:
            self.impossible.append(f"more than {MAX_SEGMENTS} actions")
            del self.items[MAX_SEGMENTS:]
        clauses = tuple(Clause(item.text, item.until, item.said) for item in self.items)
        return Reading(clauses, tuple(dict.fromkeys(self.impossible)))

    def add(self, piece: _Piece) -> None:
        """Add the words of one piece."""
        if piece.sentence and self.items:
            self.sentence += 1
        quantity = find_quantity(piece.words)
        text = _tidy(quantity.text)
        if quantity.conflict:
            self.impossible.append(quantity.conflict)
        corrected = self._take_back(piece, text) if piece.mark == "correct" else None
        if piece.negated:
            self._negate(piece, text, quantity.until)
            return
        if not text and not quantity.counted and quantity.until is None and quantity.bare is None:
            return
        if self._repeats(piece, text, quantity.times, quantity.counted):
            return
        until = quantity.until
        if until is None and quantity.bare is not None and is_fragment(text.split()):
            earlier = corrected or self.last
            if earlier is not None and earlier.until is not None:
                until = Until(earlier.until.kind, quantity.bare)
        self._place(piece, text, until, quantity.times, corrected)

    def _negate(self, piece: _Piece, text: str, until: Until | None) -> None:
        """Leave out what is not to be done; "do not move" is standing still."""
        text = _tidy(_base(text))
        if _STILL.match(text):
            if self.items and set(self.items[-1].text.split()) & STANDING:
                if until is not None and self.items[-1].until is None:
                    self.items[-1] = replace(self.items[-1], until=until)
                return
            self._append(_Item("stand still", until, piece.said, piece.comma, self.sentence, False), 1)
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
                text = self._with_verb(self.last, text)
            self.last = _Item(text, until, piece.said, piece.comma, self.sentence, False, negated=True)

    def _attach_speed(self, word: str) -> None:
        if self.items:
            self.items[-1] = replace(self.items[-1], text=f"{self.items[-1].text} {word}")
        else:
            self.loose = f"{self.loose} {word}".strip()

    def _take_back(self, piece: _Piece, text: str) -> _Item | None:
        """Take back the clause before a correction, or the sentence before one that begins anew; return the clause."""
        if not self.items:
            return None
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

    def _repeats(self, piece: _Piece, text: str, times: int, counted: bool) -> bool:
        """Repeat earlier clauses if a piece says only that; return whether it does."""
        if match := _SAME_TO.match(text):
            if self.last is not None:
                way = match["way"]
                if re.search(r"other|opposite", way):
                    way = _opposite(self.last.text)
                new = replace(self.last, text=self._with_verb(self.last, way), said=piece.said, negated=False)
                self._append(replace(new, comma=piece.comma, sentence=self.sentence), times)
                return True
            return False
        if not self.items:
            if (counted and not text) or (counted and _FOLLOWING.match(text)):
                self.times, self.times_from = self.times * times, 0
                return True
            return bool(_FOLLOWING.match(text)) and text != "repeat"
        if counted and not text:
            begin = len(self.items) - 1
            if piece.comma and not piece.mark == "then":
                sentence = self.items[-1].sentence
                while begin and not self.items[begin].opens and self.items[begin - 1].sentence == sentence:
                    begin -= 1
            self._repeat(begin, times if not re.search(r"\bmore\b", piece.words) else times + 1)
            return True
        if _AGAIN.match(text):
            more = times if counted else 1
            self._repeat(len(self.items) - 1, 1 + more)
            return True
        for pattern, whole in ((_ALL_AGAIN, True), (_THAT_AGAIN, False)):
            if pattern.match(text):
                total = times if counted and times > 1 and not re.search(r"\bmore\b", piece.words) else times + 1
                sentence = self.items[-1].sentence
                begin = 0
                if not (whole or (piece.sentence and text == "repeat")):
                    begin = next(i for i, item in enumerate(self.items) if item.sentence == sentence)
                self._repeat(begin, total)
                return True
        return False

    def _repeat(self, begin: int, total: int) -> None:
        group = self.items[begin:]
        self.items += group * min(total - 1, MAX_SEGMENTS + 1)

    def _place(self, piece: _Piece, text: str, until: Until | None, times: int, corrected: _Item | None) -> None:
        """Add a clause, or join words that are no clause of their own to the clause that they belong to."""
        text = re.sub(r"(?<=\w) (?:(?:once )?again|once more)$", "", text)
        words = text.split()
        axes = directions(words)
        item = _Item(
            text, until, piece.said, piece.comma, self.sentence, piece.comma and piece.mark in ("then", "start")
        )
        if corrected is not None:
            self._append(self._corrected(corrected, item, axes), times)
            return
        previous = self.items[-1] if self.items else None
        only_amount = not words or (
            text == "step" and until is not None and not re.match(r"(?:take|step|make)", piece.words)
        )
        if piece.mark == "after" and until is not None and only_amount:
            self._after_amount(item, until, previous)
            return
        if only_amount and until is not None:
            if previous is not None and previous.until is None and piece.mark in ("comma", "and", "sentence"):
                self.items[-1] = replace(previous, until=until, said=f"{previous.said}, {piece.said}")
                self.last = self.items[-1]
                return
            if previous is not None and piece.mark in ("comma", "and") and not words:
                self.impossible.append(f"{previous.said} and {piece.said}")
                return
            if not words:
                if previous is not None and piece.mark == "then":
                    self._append(replace(previous, until=until, said=piece.said), times)
                    return
                self.amount = until
                return
        if not words or not is_fragment(words):
            self._append(item, times)
            return
        if not axes:
            self._place_speed(piece, item, previous, times)
            return
        self._place_direction(piece, item, previous, axes, times)

    def _place_speed(self, piece: _Piece, item: _Item, previous: _Item | None, times: int) -> None:
        """Join speed words to the clause before them, or keep them for the clause after them."""
        if previous is None or piece.sentence:
            self.loose = f"{self.loose} {item.text}".strip()
            self.amount = item.until or self.amount
        elif piece.mark == "then" and set(item.text.split()) & ADVERBS:
            slowless = " ".join(word for word in previous.text.split() if word not in SLOW | FAST)
            self._append(replace(item, text=f"{slowless} {item.text}"), times)
        else:
            self.items[-1] = replace(previous, text=f"{previous.text} {item.text}", until=previous.until or item.until)
            self.last = self.items[-1]

    def _place_direction(self, piece: _Piece, item: _Item, previous: _Item | None, axes: list[str], times: int) -> None:
        """Join a direction to the clause before it, or make it a clause with that clause's verb."""
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
        if previous is not None and piece.mark == "comma" and not before and not set(words) & (STANDING | JUMPING):
            self.items[-1] = replace(
                previous,
                text=f"{previous.text} {item.text}",
                until=previous.until or item.until,
                said=f"{previous.said}, {piece.said}",
            )
            self.last = self.items[-1]
            return
        self._append(replace(item, text=self._with_verb(earlier, item.text)), times)

    def _after_amount(self, item: _Item, until: Until, previous: _Item | None) -> None:
        """Let an amount as in "after two metres" end the clause before it, or wait or walk for so long."""
        if previous is not None and previous.until is None:
            self.items[-1] = replace(previous, until=until)
            return
        if until.kind == "degrees":
            self.impossible.append(item.said)
            return
        self._append(replace(item, text="wait" if until.kind == "seconds" else "walk"), 1)

    def _corrected(self, old: _Item, new: _Item, axes: list[str]) -> _Item:
        """Return the clause that a correction makes of an earlier one."""
        words = new.text.split()
        if not words:
            return replace(old, until=new.until or old.until, said=new.said)
        if is_fragment(words):
            if axes:
                return replace(new, text=self._with_verb(old, new.text), until=new.until or old.until, comma=old.comma)
            kept = " ".join(word for word in old.text.split() if word not in SLOW | FAST)
            return replace(new, text=f"{kept} {new.text}", until=new.until or old.until, comma=old.comma)
        until = new.until
        if until is None and len(words) == 1 and not set(words) & (STANDING | JUMPING):
            until = old.until
            if until is not None and (until.kind == "degrees") != bool(set(words) & TURNING):
                until = None
        if len(words) == 1 and words[0] in TURNING and set(old.text.split()) & TURNING and directions(old.text.split()):
            new = replace(new, text=self._swapped_verb(old, words[0]))
        return replace(new, until=until, comma=old.comma)

    @staticmethod
    def _swapped_verb(old: _Item, verb: str) -> str:
        return " ".join([verb, *old.text.split()[1:]])

    @staticmethod
    def _with_verb(earlier: _Item, text: str) -> str:
        """Return a direction with the verb of an earlier clause: "turn" for "turn left" and "right"."""
        words, own = earlier.text.split(), text.split()
        if set(words) & (STANDING | JUMPING) or (set(words) & TURNING and set(own) & (FORWARD | BACKWARD)):
            return f"{'walk' if set(words) & TURNING else 'go'} {text}"
        if is_fragment(words):
            return text
        drop = DIRECTIONS | (SLOW | FAST if set(own) & (SLOW | FAST) else frozenset())
        stem: list[str] = []
        for word in words:
            if word in drop:
                while stem and stem[-1] in ("to", "the", "your", "my", "towards", "toward", "and", "on", "in"):
                    stem.pop()
            elif stem and word == "side" or word == "and":
                continue
            else:
                stem.append(word)
        return " ".join([*stem, text])

    def _append(self, item: _Item, times: int) -> None:
        """Add a clause so many times, with the speed words and the amount that stood before it."""
        if self.loose:
            item = replace(item, text=f"{self.loose} {item.text}")
        if self.amount is not None and item.until is None:
            item = replace(item, until=self.amount)
        self.loose, self.amount = "", None
        self.last = item
        self.items += [item] + [replace(item, comma=False)] * min(times - 1, MAX_SEGMENTS + 1)


def _opposite(text: str) -> str:
    """Return the direction opposite to the one that a text names."""
    words = set(text.split())
    if words & SIDES:
        return "left" if words & {"right", "rightward", "rightwards"} else "right"
    if "clockwise" in words:
        return "clockwise" if words & {"counter", "anti"} else "counter clockwise"
    return "forward" if words & BACKWARD else "backward"
