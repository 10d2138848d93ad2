"""Tie up loose ends: words around a clear request that say nothing, and a verb that stands behind its amount."""

import re

from flexrl.language.rewriting.measures import AMOUNT, LENGTH, NUMBER, TIME, VERB
from flexrl.language.rewriting.moods import flags

_NAME = (
    r"(?:bot|robot|robo|droid|android|humanoid|sleepyhead|lazybones|slowpoke|slow coach|buddy|buddy boy|pal|mate|champ"
    r"|chum|sweetie|sweetheart|honey|darling|dear|my friend|sir|soldier|sunshine|big guy|big fella|tin man|little one"
    r"|young man|old chap|old boy|bro|dude|kiddo|superstar)"
)
_END = r"(?=\s*(?:[.,!;]|$|and\b|then\b))"
_ALONG = r"(?:forwards?|ahead|onwards?|backwards?|back|left|right|sideways|sidewards|side)"
_WAY = (
    r"(?:straight|diagonally|slowly|quickly|briskly|gently|for|to|on|the|your|towards?|at|a|normal|pace|about|around"
    rf"|exactly|roughly|more|another|{_ALONG})"
)
_LAST = r"(?=\s*(?:[.!;]|$|,? (?:and )?then\b))"
_MOVE = (
    r"(walk|go|run|jog|sprint|march|move|step|stroll|trot|advance|proceed|head|travel|strafe|shuffle|slide|sidestep"
    rf"|retreat){_LAST}"
)
_REST = rf"(wait|stand still|stand|rest|pause|stay|hold){_LAST}"
_TURN = rf"(turn|rotate|spin|pivot|swivel|face){_LAST}"
_READY = r"(?:ready|able|up (?:to|for) it|comfortable|like it|well enough|rested|steady|fit|confident|prepared)"
_DO = rf"(?:{VERB}|rest|trot|swivel|retreat|advance|proceed|travel|rise|amble|saunter|bounce|relax|gallop|twirl)"
_UNIT = rf"(?:{LENGTH}|{TIME}|degrees?|deg|°)"
_FIGURE = (
    r"(?:soldier|guard|sentry|sentinel|statue|rock|stone|post|lamp ?post|pillar|mannequin|pro|professional|person|human"
    r"|gentleman|lady|champion)"
)
_ORDINAL = r"(?:first|second|third|fourth|fifth|next|last|final)"
_IN_ORDER = r"(?: (?:in (?:this |that |the given )?(?:order|sequence|turn)|one after the other))?"
_PAUSE = r"(?:pause|rest|break|wait|breather|gap)"
_FEEL = r"you(?: feel|'re feeling| are feeling|'re| are| get| think you(?:'re| are))"
_TWO = r"\b(?:two|2|a pair of) (?:small |big |little |high )?(jump|hop|leap)s"
_BETWEEN = r" (?:in )?between(?: (?:them|each|the two|jumps|hops))?"
_ADJECTIVE = r"(?:last|final|first|next|remaining|initial|opening|closing|same|following|said|required|full|whole)"

REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (r"\blil'?(?= )", "little"),
        (r"\b(an?|one|half a|\d+) min(?=\s*(?:[.,!;]|$|and\b|then\b))", r"\1 minutes"),
        (r"\bever so (?=\w)", "very "),
        (r":\s*\.\s*(?=\w)", ": "),
        (r"\+ ?(?=(?:left|right|forwards?|backwards?)\b)", ""),
        # whom an instruction speaks to, without a comma
        (rf"^\W*(?:(?:hey|yo|oi|ok|okay|hi|hello|now|so|alright),? )?{_NAME} (?={VERB}\b)", ""),
        (rf"^\W*come on,? (?:{_NAME},? )?(?={VERB}\b)(?!please)", ""),
        (rf"\b(up|still|on|off|down|there|now) {_NAME}{_END}", r"\1"),
        (r"^\W*(?:go[, !]+){2,}(?:go)?(?:[!.,] *)(?=\w)", ""),
        (
            rf"(^|[.,;!] |\b(?:and|then|first|next|lastly|finally) )(?:we|i)(?: shall| will|'ll)? (?={_DO}\b)",
            r"\1",
        ),
        (
            rf"\b(?:when(?:ever)?|once|as soon as|if) {_FEEL} (?:quite |fully |all )?{_READY}[, ]*",
            "",
        ),
        (
            r",? (?:and |but )?(?:with )?no (?:stopping|pausing|resting|slacking|breaks|rests)(?=\s*(?:[.,!;]|$))",
            "",
        ),
        (r"(?<=\w), land(?:ing)?(?: softly| safely| gently)?(?=\s*(?:,|and\b|then\b))", ""),
        (
            r",? (?:before|prior to) (?:you (?:go|do|move)|going|doing|moving) (?:any (?:further|farther)"
            r"|anything(?: else)?)(?=\s*(?:[,.;!]|$|then\b|and\b))",
            "",
        ),
        (
            r"^\W*(?:please )?(?:do|perform|execute|carry out|complete) (?:the following|these|this)"
            rf"(?: (?:things|steps|actions|moves))?{_IN_ORDER}:",
            "",
        ),
        (rf"\b(?:your|the|my) {_ORDINAL}(?: (?:move|step|task|action|thing|job|order))?: ", ". "),
        (rf"\bas (?:still|motionless|immobile) as an? {_FIGURE}\b", "still"),
        # amounts
        (
            rf", (?:let's |let us )?(?:say|call it|shall we say|something like),? (?=(?:about )?{NUMBER} ?-?{_UNIT})",
            ", ",
        ),
        (
            rf"({NUMBER} ?-?{_UNIT}) (?:(?:will|should|would|ought to) (?:do|suffice|be (?:enough|fine|plenty))"
            r"|is (?:enough|fine|plenty|sufficient))(?: it| nicely| for now)?(?=\s*(?:[,.;!]|$))",
            r"\1",
        ),
        (
            r"\b(an? (?:\w+ )?(?:walk|run|jog|turn|jump|stroll|hop|march)) (?:will|would|'ll) (?:do|suffice|be (?:fine"
            r"|enough|plenty))(?: nicely| just fine| for now)?\b",
            r"\1",
        ),
        (
            rf"(?<=\w )(?:for )?(?:the|a) (?:length|distance|space|span|stretch) of (?=(?:about )?{NUMBER} ?-?{_UNIT})",
            "for ",
        ),
        (
            r"(?<!not)(?<!n't)(?<!never),? (?:and |then )*(stop|halt) (?:when|once|as soon as) "
            r"you(?:'ve| have)? (?:gone|walked|done|run|taken|covered|travelled|moved|made|completed)(?: for)? "
            rf"(?=(?:about )?{NUMBER} ?-?{_UNIT})",
            r", \1 after ",
        ),
        (
            rf"\b(?:an?|one) ((?:\w+ )?step)(?=(?: (?:to|the|your|{_ALONG}))* of {NUMBER} ?-?(?:m|c|f|inch|yard))",
            r"\1",
        ),
        (rf"\b(?:for )?the (?:very )?{_ADJECTIVE} (?={NUMBER} ?-?(?:{LENGTH}|{TIME})\b)", "for "),
        (rf"\b({_ALONG}|direction) of (?={NUMBER} ?-?(?:{LENGTH}|{TIME}|degrees?|deg|°))", r"\1 "),
        (
            r"\b(turn|rotation|pivot|spin|face) (?:by|on|at) the (left|right)\b(?! (?:foot|leg|heel|hand|arm))",
            r"\1 to the \2",
        ),
        (r"\beasy (?=(?:jog|run|walk|trot|stroll)\b)", "slow "),
        (
            rf"{_TWO},? with (?:an? )?{_PAUSE} of ({AMOUNT}){_BETWEEN}",
            r"\1, wait for \2, \1",
        ),
        (
            rf"{_TWO},? with (?:an? )?({AMOUNT}) {_PAUSE}{_BETWEEN}",
            r"\1, wait for \2, \1",
        ),
        # order
        (
            r"\b(?:up)?on (?:finishing|completion|completing (?:that|this|it)|having finished)(?: (?:that|this))?(?=,)",
            "then",
        ),
        (r"\b(?:do not|don't|never) (?:stop|quit|cease) (\w+ing),? (?:before|until|till) (?=you)", r"keep \1 until "),
        (r"\breturn (?=(?:for )?[^,.;]*\bto (?:the|your) (?:left|right)\b)", "go "),
        (
            r"\b(?:pop|scramble|clamber|stagger|struggle|hop|spring|leap|jump) (?:back )?(?:up )?(?:on)?to your feet\b",
            "stand up",
        ),
        (r"\b(?:pop|scramble|clamber|stagger|struggle) (?:back )?up(?: off| from) the (?:ground|floor)\b", "stand up"),
        *(
            (
                rf"(^|[.;!](?!\d) *|\bthen )(?=[^,.;]*{NUMBER} ?-?{unit}\b)"
                rf"((?:(?:{NUMBER} ?-?{unit}|{_WAY}) ?)+), {verb}",
                r"\1\3 \2",
            )
            for unit, verb in ((LENGTH, _MOVE), (TIME, _MOVE), (TIME, _REST), (r"(?:degrees?|deg|°)", _TURN))
        ),
    )
)


def tied_up(text: str) -> str:
    """Return an instruction without words that ask for nothing, and with each verb before its amount.

    "If you feel ready, walk" is "walk", and "two metres forward, walk" is "walk two metres forward".
    """
    for pattern, said in REWRITES:
        text = pattern.sub(said, text)
    return text
