"""Say as a command what a sentence says as a wish, a duty or a fact: "two jumps are what I need" is "two jumps"."""

import re

from flexrl.language.rewriting.measures import ANGLE, LENGTH, NUMBER, TIME
from flexrl.language.rewriting.moods import flags
from flexrl.language.wording.words import base_form

_I = r"(?:i|we|they|one|the (?:boss|director|coach|user|audience|crowd|teacher|doctor|script|judges?|operator))"
_WANT = (
    r"(?:(?:would|'d|will|'ll|do|just|only|really|simply|am|'m|are|'re) )*(?:want|need|wish|like|love|prefer"
    r"|expect|require"
    r"|ask|request|order|command|demand|desire|have in mind|call for|hope for|look for|seek|fancy|crave|am after"
    r"|'m after"
    r"|wants|needs|requires|asks|expects|asking|asking for|hoping for|looking for|after|wanting|requesting|expecting)"
)
_MUST = r"(?:shall|should|must|has to|have to|needs? to|is to|are to|ought to|will|is|are|can|may|might)"
_DONE = (
    r"(?:be )?(?:done|performed|made|taken|executed|carried out|completed|required|needed|wanted|requested|called for"
    r"|expected|in order|demanded|asked for|given|attempted|the order of the day)"
)
_GAITS = {
    "walked": "walk", "run": "run", "jogged": "jog", "sprinted": "sprint", "marched": "march", "strolled": "stroll",
    "waited": "wait", "covered": "cover", "travelled": "travel", "traveled": "travel", "paced": "pace",
    "traversed": "traverse", "rotated": "rotate", "turned": "turn",
}  # fmt: skip
_PLAN = (
    r"(?:protocol|plan|script|task|exercise|procedure|test|schedule|program|programme|routine|drill|order"
    r"|instruction|job"
    r"|sequence|choreography|recipe|assignment|experiment|session|workout|mission|next (?:step|move|item|thing"
    r"|part)|scene)"
)
_LEAD = r"^\W*(?:(?:ok|okay|alright|all right|right|so|well|now|yeah|and|but|then|please|today|here),? )*"
_SHOWN = (
    r"(?:subject|robot|participant|patient|humanoid|agent|character|figure|model|actor|player|dancer|athlete"
    r"|machine|unit|creature"
    r"|android|bot|participants|subjects|robots|actors|volunteer|trainee|performer)"
)

REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (
            rf"(?:,)? (?:is|are|that's|would be|will be|'s) (?:all |exactly |precisely |just |really )?(?:what"
            rf"|all|the thing"
            rf"|everything)(?: that)? {_I} ?{_WANT}(?: (?:from|of) you| you to do| to see| done| now| here)?\b",
            "",
        ),
        (
            r" (?:is|are) (?:exactly |just )?what (?:you|the robot) (?:should|must|need to|have to|are to|ought"
            r" to|will|shall)"
            r" (?:be doing|do)\b(?: now| next)?",
            "",
        ),
        (
            r",? (?:it |that |this )?(?:should|must|shall|ought to|has to|will|would) be(?: it)?(?=\s*(?:[,.;!]|$))",
            "",
        ),
        (
            rf"{_LEAD}(?:all|what|the (?:only )?thing|everything)(?: that)? {_I} ?{_WANT}(?: (?:from|of) you| you to"
            rf" do| to see| now)?"
            r" (?:now )?(?:is|are|would be)(?: for you to| to see you| that you| you to| to)? ",
            "",
        ),
        (
            rf"{_LEAD}(?:the|this|your|our|today's) (?:\w+ )?{_PLAN} (?:calls? for|requires|demands|prescribes"
            rf"|specifies|asks for"
            r"|wants|says|foresees|includes|has you|sees you|involves|reads|is|goes)(?: that you| you to| to|"
            r" you)?[,:]? ",
            "",
        ),
        (
            rf"\b(?:{_I}(?:'d| would|'ll| will)?) (?:like|want|need|love|prefer|have|expect|wish)(?: to have| to"
            rf" see)? you "
            r"(?:to (?:be|get) )?(?=(?:back )?(?:up )?(?:on|onto|to) your feet\b)",
            "get ",
        ),
        (
            rf"\b(?:{_I}(?:'d| would|'ll| will)?) (?:like|want|need|love|prefer|have|expect|wish)(?: to have| to"
            rf" see)? you "
            r"(?=(?:back )?(?:up|upright|standing)(?: again)?\s*(?:[,.;!]|$|and\b|then\b))",
            "get ",
        ),
        (
            r"\b(?:i|we)(?:'d| would) (?:rather|sooner|prefer(?: it)?(?: if)?|like it if) you (?!didn't|did not|don't)",
            "VERB ",
        ),
        (
            rf"\b(?:{_I}(?:'d| would|'ll| will)?) (?:like|want|need|love|prefer|have|expect|wish)(?: to have| to"
            rf" see)? you (?:to "
            r"be )?(?!to\b)(?=\w+(?:ing|ed)\b)",
            "VERB ",
        ),
        (r"\b(?:i|we)(?:'d| would|'ll| will) (?:have|see) you (?=[a-z]+\b)", ""),
        (
            r"\b(?:i|we)(?:'m| am|'re| are) (?:asking|looking|hoping|after|waiting|going)(?: here)?(?: for| to"
            r" need| to want)? (?=an?\b|two|three|four|\d|some)",
            "",
        ),
        (
            r"\b(?:i|we)(?:'d| would) (?:quite |really |rather )?(?:like|love|fancy|appreciate|prefer|enjoy)"
            r" (?=an?\b|two|three|four|five|\d|some|half)",
            "",
        ),
        (r"\b(?:it|that) would (?:please|delight|help|suit|thrill|amuse) (?:me|us)(?: \w+)? if you (?=\w+)", "VERB "),
        (
            r"\bwe (?:are|'re) (?:now )?(?:doing|going to do|taking|making|having)(?: now)? (?=an?\b|one|two"
            r"|three|four|\d|some|half)",
            "",
        ),
        (
            r"\b(?:it(?:'s| is)|that(?:'s| is)) (?:now |high |about )?time (?:now )?(?:for you |that you |you"
            r" )?(?:to )?",
            "",
        ),
        (
            r"\blet(?:'s| us) (?:now )?(?:get|have|see) you (?=(?:back )?(?:up|on|upright|off|out of|moving|going"
            r"|turned)\b)",
            "get ",
        ),
        (r"\blet there be ", ""),
        (
            r"\b(?:you'll|u'll|it'll|you'd better|you had better) (?:then |now |next |just |only )?(?:be"
            r" (?=\w+ing\b))?",
            "",
        ),
        (r"\bget yourself (?=(?:turned|rotated|spun|moved)\b)", "VERB "),
        (r"\b(?:see|make sure)(?: to it)? that you (?=\w)", ""),
        (r"\bbe so (?:kind|good|nice)(?: as)?(?: to| and)? ", ""),
        (
            rf"(?:^|(?<=[.!?;,] ))(?:the |our |this )?{_SHOWN} (?=(?:\w+ly )?(?!is\b|was\b|has\b|does\b"
            rf"|this\b)[a-z]+s\b)",
            "",
        ),
        (r"\b(?:by you|by the robot),? (?=\w)|,? by you(?=\s*[.!,]|$)", ""),
        (
            rf"(?:^|(?<=[.!?;,] )|(?<=then )|(?<=and ))(?:the |our |this |your |a )?{_SHOWN} (?:then )?(?:is|are) "
            r"(?:required |asked |expected |supposed |told )?to (?=[a-z]+\b)",
            "",
        ),
        (
            rf"(?:^|(?<=[.!?;,] )|(?<=then )|(?<=and ))(?:the |our |this |your |a )?{_SHOWN} (?:then )?"
            r"(?:shall|should|must|will|has to|needs to) (?:then )?(?=[a-z]+\b)",
            "",
        ),
        (rf"\bensure (?:that )?(?:the |our |this |your |a )?(?:{_SHOWN}|it|you) (?=[a-z]+s\b)", ""),
        (
            rf"(?<= )(?<!you )(?<!\bu )(?<!ya )(?<!\bit )(?:shall|should|must|will|has to|needs to|is to) (?:then"
            rf" )?(?=(?:{'|'.join(_GAITS.values())}|halt|stop|stand|jump|step|go)\b)",
            "",
        ),
        (
            rf"((?:an? |the )?(?:distance|stretch|total|length|period|duration) of )?({NUMBER} ?-?(?:{LENGTH}"
            rf"|{TIME}|{ANGLE})) (?:{_MUST} (?:to )?be|have been|has been) "
            rf"(?P<gait>{'|'.join(_GAITS)})\b",
            "GAIT",
        ),
        (rf" {_MUST} (?:to )?{_DONE}\b(?: now| next)?", ""),
        (
            r"\bthere (?:is|are|shall be|should be|must be|will be|has to be|needs to be) (?:to be )?(?=an?\b|one"
            r"|two|three|\d)",
            "",
        ),
        (
            rf"{_LEAD}(?:a )?(?:subject|participant|simon|master|boss|teacher|coach|the (?:captain|coach|boss"
            r"|director|sergeant)|captain"
            r"|sergeant|mother|mommy|mama|doctor) (?:says?|said|orders|commands|wants|tells you)(?: that you|"
            r" you)?(?: to)?:? ",
            "",
        ),
    )
)


def commanded(text: str) -> str:
    """Return an instruction with its wishes, duties and facts as commands.

    "Two jumps are what I need" is "two jumps".
    """
    for pattern, said in REWRITES:
        if said == "GAIT":
            text = pattern.sub(lambda match: f"{_GAITS[match['gait'].lower()]} {match[2]}", text)
        elif said == "VERB ":
            text = re.sub(rf"(?:{pattern.pattern})(\w+)", _with_base, text, flags=re.IGNORECASE)
        else:
            text = pattern.sub(said, text)
    return text


def _with_base(match: re.Match[str]) -> str:
    """Return the last group of a match, a verb such as "turned" after "get yourself", in its base form: "turn"."""
    return base_form(match[match.lastindex or 0].lower())
