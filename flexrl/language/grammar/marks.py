"""Mark the structure of an instruction: codes of one character in place of order words and punctuation."""

import re

from flexrl.language.grammar.order_words import AFTER, BEFORE, CODES, CORRECTIONS, FIRST, NOT, OPENING, THEN, Mark
from flexrl.language.quantities.find import find_quantity
from flexrl.language.wording.fillers import FILLER

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
    r"(?:and )?(?:do it|do so|do this) (?=slowly|quickly|gently|briskly|carefully|calmly|fast)": "",
}
_UNTIL_AMOUNT = re.compile(
    r"\b(?:until|till|til|til you) (?:(?:you|u|it)(?: have|'ve|ve| has| had)? (?:walk|go|gone|cover|travel|mov"
    r"|turn|rotat|run"
    r"|ran|tak|took|do|did|done|wait|complet|spun|ma[dk]|pass|jump|step|strafe|back|advanc|reach|hit|hav|been|clock|log|get|got|manag|count|made|jog|sprint|march|stroll|creep|hop|stood|stand|paus)\w*"
    r"|(?=[\w./-]+ \w+ (?:have|has|are|is) ))"
    r"(?: for| up| through| at least| about| a total of)?"
)
_IMPOSSIBLE = re.compile(
    r"(?<!a )(?<!little )(?<!short )(?<!long )\b(?:while|whilst)\b(?: \w+){0,2}"
    r"|\bat the same (?:time|moment)\b|\bsimultaneously\b|\ball at once\b|\bboth at once\b|\bmeanwhile\b|\bmeantime\b"
    r"|\bconcurrently\b|\bin parallel\b|\bas (?:you|it|he|she|we|i|they|the \w+) (?!can\b|could\b|like\b|wish\b"
    r"|please\b"
    r"|want\b|are able\b|possibly\b|were\b|did\b|do\b|normally\b|usually\b)\w+"
    r"|\b(?:until|till|til)\b(?: \w+){0,3}|\bunless\b(?: \w+){0,3}|\bwhenever\b(?: \w+){0,3}|\bin case\b"
    r"|\bprovided that\b"
    r"|\bas long as\b|\bdepending on\b|\bduring\b(?: \w+){0,2}|\bif\b(?: \w+){0,3}|\bevery (?=\w)\w+(?: \w+)?"
    r"|\beach time (?:you|i|he|she|they|it|the|we)\b"
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


def _blank(match: re.Match[str], code: str = " ") -> str:
    return code + " " * (len(match[0]) - 1)


def mark_up(instruction: str) -> tuple[str, list[str]]:
    """Return the instruction with control characters in place of order words and punctuation, and the impossible words.

    The text is in lower case and keeps its length, so that positions in it hold in the instruction, too. Impossible
    words, such as "while", ask for what no plan can have.
    """
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
    text = re.sub(r"^\s*(?:no+|nope|nah|naw)(?=\s*[,\x01]| (?:do ?n'?t|stop)\b)", _blank, text)
    text = re.sub(r"-+>|=+>|[→>➔]", lambda m: _blank(m, CODES["then"]), text)
    text = _UNTIL_AMOUNT.sub(lambda m: "for".ljust(len(m[0])), text) if _until_amount(text) else text
    text = _NUMBERS_OR.sub(lambda m: m[0].replace(" or ", "    ") if _both_numbers(m) else m[0], text)
    text = re.sub(r"\b(?:or so|or thereabouts|more or less|as (?:soon|quick\w*) as possible)\b", _blank, text)
    for phrase, word in _EASY.items():
        text = re.sub(rf"\b(?:{phrase})", lambda m, word=word: word.ljust(len(m[0])), text)
    text = FILLER.sub(_blank, _protect_too(text))
    impossible = []
    phrases: dict[Mark, str] = {"first": FIRST, "then": THEN, "after": AFTER, "before": BEFORE}
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
    text = _substitute(text, OPENING, "comma")
    text = _substitute(text, r"(?<=[\x01-\x08]) *rather(?= *\x02)", "correct")
    text = _substitute(text, CORRECTIONS.replace(r",?", r"[\x02 ]?").replace(r"(?=,)", r"(?= *\x02)"), "correct")
    text = re.sub(r"(?<=[\x01-\x08]) *(?:no+|nope|nah)(?= *[\x02\x05])", lambda m: _blank(m, CODES["correct"]), text)
    text = re.sub(
        r"(?<=[\x01-\x08]) *(?:nope|nah|no)(?= +(?!need\b|more\b|further\b|\w+ing\b|turn|jump|hurry|rush|stop)\w)",
        lambda m: _blank(m, CODES["correct"]),
        text,
    )
    text = _substitute(text, NOT, "not")
    text = _substitute(text, r"(?:\b(?:and|but|plus|yet)\b|[&+])", "and", bounded=False)
    return text, impossible


def _substitute(text: str, phrase: str, mark: Mark, bounded: bool = True) -> str:
    """Replace each match of a pattern in a text by the code of a mark and spaces, so that the text keeps its length.

    Args:
      text: The text.
      phrase: The pattern; a space in it matches any number of spaces.
      mark: The mark, such as "then", whose code of one character is put.
      bounded: Whether the pattern matches whole words only.
    """
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
