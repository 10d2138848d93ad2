"""Say an instruction in plainer words before it is read: asides go, idioms become the words that they stand for."""

import re

from flexrl.language.rewriting.addresses import without_addresses
from flexrl.language.rewriting.asides import CONDITIONS, LABEL, POLITE, PRAISE, TAILS
from flexrl.language.rewriting.idioms import without_idioms
from flexrl.language.rewriting.loose_ends import tied_up
from flexrl.language.rewriting.measures import MEASURES, VERB
from flexrl.language.rewriting.moods import flags
from flexrl.language.rewriting.notation import spelled_out
from flexrl.language.rewriting.ordering import ordered
from flexrl.language.rewriting.remarks import without_remarks
from flexrl.language.rewriting.wishes import commanded
from flexrl.language.wording.words import base_form

_START = r"(?:^|(?<=[.!?;:\n])|(?<=, )|(?<=then )|(?<=and ))\s*"
_YOU = r"(?:you|u|ya|the robot|it)"
_GOOD = (
    r"(?:great|nice|lovely|good|cool|awesome|wonderful|appreciated|fantastic|helpful|best|super|kind|ideal|perfect"
    r"|ok|okay|possible|grateful|happy|glad|delighted|obliged|pleased|thankful|thrilled)"
)

_HURRY = (
    r"(?:hurry(?: up)?|get a (?:wiggle|move|shift) on|step on it|floor it|chop chop|step lively|look lively|look "
    r"sharp|make haste|make it snappy|be quick(?: about it)?|on the double|double quick|don't dawdle|don't dilly "
    r"dally|no dawdling|quick(?: quick)?|get cracking|faster faster|move it|shake a leg|put your foot down|full speed"
    r"|at full speed|top speed|be fast)"
)
_EASY = (
    r"(?:slowly does it|easy does it|steady as she goes|take it (?:nice and |really )?(?:easy|slow|slowly)|take "
    r"(?:things|this) (?:easy|slow|slowly)|no (?:rush|hurry)|there(?:'s| is) no (?:rush|hurry)|there's no need to "
    r"(?:hurry|rush)|no need to (?:hurry|rush)|take (?:all )?your time|nice and (?:easy|slow|slowly)|careful(?: "
    r"now)?|be careful|be (?:slow|gentle)(?: about it)?|easy now|easy|gently now|not so fast|don't (?:hurry|rush)"
    r"|without (?:hurrying|rushing))"
)
_BODY = (
    r"(?:man|woman|person|human|guy|figure|character|humanoid|robot|agent|subject|bot|body|actor|boy|girl|child"
    r"|model|avatar|android|patient|performer|dancer|player|soldier|student|participant|athlete|individual|client"
    r"|unit|machine|creature|droid|pedestrian|runner|walker|hero|heroine|lady|gentleman|stuntman|mannequin|puppet|protagonist)"
)

REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (r"[“”]", '"'),
        (
            r"\b((?:forwards?|ahead|backwards?|left|right) and (?:to the )?(?:forwards?|backwards?|back|left"
            r"|right)) (?:at once"
            r"|together)\b",
            r"\1 at the same time",
        ),
        (r",? both (?:at once|together|at the same time)\b", " at the same time"),
        (
            r"\b((?:turn|spin|rotate|pivot|swivel)\b[^,.;]*), (?:(?:going|turning|rotating|spinning|moving) )"
            r"(?:to (?:the|your) )?(left|right|(?:counter|anti)?-?clockwise)\b",
            r"\1 \2",
        ),
        (r"\b(jump|hop|leap)s?, (?:straight|right|directly) up\b", r"\1"),
        (rf"(?<=[a-z]) (?:ok|okay|alright),? (?:and )?now,? (?={VERB}\b)", ", then "),
        (
            r"\b((?:back|rear|front|forward)(?:wards?)?[- ](?:left|right)) diagonal (walk|stroll|march)\b",
            r"\2 diagonally \1",
        ),
        (rf"\b(?:have|let|make|get) (?:it|him|her) (?:to )?(?={VERB}\b)", ""),
        (
            r"\b(?:with|in) (?:some |great |all |much |a |a lot of |the utmost )?(?:hurry|haste|rush|speed"
            r"|urgency)\b(?! up)",
            "quickly",
        ),
        (rf"\b(then|and|,) to (?={VERB}\b)", r"\1 "),
        (
            r"\b(up|off|away|back|forwards?|left|right|on|floor|ground|feet) with you(?=\s*(?:[,.!;]|$|and\b|then\b))",
            r"\1",
        ),
        (
            r"\bfrom (?:the |a |an |your )?(?:supine|prone|lying|reclined|reclining|horizontal|fallen|floor"
            r"|ground|laying"
            r"|flat)(?: |-)(?:down )?(?:position|posture|pose|state)(?: on (?:the )?(?:floor|ground))?",
            "from the floor",
        ),
        (r"\b(full|complete|whole|entire|half|quarter) rounds?\b(?! of)", r"\1 turn"),
        (r"\bput one foot in front of the other\b", "walk forward"),
        # structure
        (r"\bthen (?:speed up|go faster|get faster|move faster|faster|accelerate)\b", "then quickly"),
        (r"\bthen (?:slow down|go slower|get slower|move slower|slower|decelerate)(?! to)\b", "then slowly"),
        (
            r",? (?:(?:and |then )+|(?:and )?(?:once|when|after) you(?:'ve| have)? )land(?:ed)?(?: softly| safely|"
            r" gently| on (?:both|your) feet)?\b",
            "",
        ),
        (r"^\W*(?:(?:on your marks?|ready|get ready)\W+)?(?:(?:get )?(?:set|steady)\W+)(?=go\b)", ""),
        (r"^\W*(?:ready\W+|(?:5\W+)?(?:4\W+)?3\W+2\W+1\W+)(?=[a-z])", ""),
        (
            r",? ?\b(?:at (?:which|that|this) point|whereupon|upon which|with (?:that|this)(?: being)? (?:done"
            r"|finished|complete|completed)|(?:with )?(?:that|this) (?:being )?done|once (?:finished|complete"
            r"|completed)|when (?:finished|complete|completed)|upon completion|on completion|having done (?:that"
            r"|this|so))\b,?",
            ", then",
        ),
        (
            r"(?<!rather )(?<!more )(?<!less )(?<!other )\bthan (?=(?:stop|turn|walk|run|jump|go|stand|wait|step"
            r"|move|rotate|spin)\b)",
            "then ",
        ),
        (rf"\bn (?=(?:then|{VERB})\b)", "and "),
        (
            r"\bbefore (?:doing )?anything else\b|\bfirst things first\b|\bfirst and foremost\b|\bas (?:a|the"
            r"|your) first (?:step|move|thing)\b|\bto kick (?:things )?off\b",
            "first",
        ),
        (r"\b(?:again and again|over and over(?: again)?)(?=\s*[.!]*$)", ", again, again"),
        (r"(?:^|(?<=\s))[a-e]\)\s", ". "),
        (r"\b(?:ccw|acw)\b", "counterclockwise"),
        (r"\bcw\b", "clockwise"),
        (r"\bno (?:movement|moving|motion)(?: at all)?\b", "don't move"),
        (r"\b(on|onto|to) (?:its|his|her|their) feet\b", r"\1 your feet"),
        (
            r"\bdo (?:both of |all of )?(?:those|these|the|that) (?:two |three |whole |entire |same )?"
            r"(?:things|moves|steps|sequence|routine) (?:once more|a second time|one more time)\b",
            "do that whole sequence again",
        ),
        (r",? \b(?:all of a sudden|out of nowhere|out of the blue),?", ""),
        (r"\blet(?:'s| us) (?:try|have|do) (?=an?\b|half\b|one\b|two\b|three\b|four\b|five\b|six\b|ten\b|\d)", ""),
        (r"\bshow (?:me|us) how (?:\w+ly )?you (?:can )?(?=\w)", ""),
        (r"\bbut ((?:\w+ ){1,8}?)first(?=\s*(?:[.,!;]|$))", r"but first \1"),
        (r" / ", ", "),
        (r"\b(?:oh|ah|oops|whoops|um+|uh|hmm+|er+m?|ugh),? (?:no,? )?wait\b,?", "no wait,"),
        (
            r", (?:no,? |wait,? |hang on,? |hold on,? |sorry,? |oops,? )*([^,.;]+?),? i mean(?:t)?(?=\s*(?:[.,;!]"
            r"|$))",
            r", no wait, \1",
        ),
        (r"\b(?:scrap|nix|belay|skip|lose) that\b", "scratch that"),
        (r"(^|[;,.:!] ?)instead(?! of),? ", r"\1"),
        (r",? \binstead\b(?! of)", ""),
        (r"\bwhatever (?:you do|happens),? ", ""),
        (r"\b(?:one foot (?:after|in front of) the other|one step at a time|step by step|foot by foot),? (?=\w)", ""),
        (r"\bplant your feet(?: firmly)?,? and (?=\w)", ""),
        (
            r"\b(?:make|give (?:me|us)|leave) (?:some |me some |a bit of |a little )?(?:room|space)(?: on your "
            r"(?:left|right)(?: side)?)?[,:.] *(?=\w)",
            "",
        ),
        (
            r"\byou(?:'ve| have)? (?:just )?(?:fell|fallen|tripped)(?: over| down| on the (?:floor"
            r"|ground))?[,.;!]*(?: so| and)? *(?=\w)",
            "",
        ),
        (r"\byou(?:'re| are) (?:lying )?(?:on the (?:floor|ground)|lying down|down)[,.;!]+(?: so| and)? *(?=\w)", ""),
        (
            r"\b(?:once|when|after|as soon as) (?:you(?:'re| are)|you) (?:back )?(?:up on your feet|up|standing|upright"
            r"|on your feet)(?: again)?,? ",
            "stand up, then ",
        ),
        (r"\b(?:get )?up and at (?:'?em|them)\b", "get up"),
        (rf"{_START}{_HURRY}(?:,|:|!+|;| and)+ (?!please)(?=[a-z])", " quickly "),
        (rf"{_START}{_EASY}(?:,|:|!+|;| and)+ (?!please)(?=[a-z])", " slowly "),
        (rf"(?:,|;|:| and| but)+ {_EASY}(?=\s*(?:[.!,;]|$))", " slowly"),
        (rf"(?:,|;|:| and| but)+ {_HURRY}(?=\s*(?:[.!]|$))", " quickly"),
        (r"\bas (?:quick|fast|quickly) as (?:possible|you (?:possibly )?can|you are able)\b", "at full speed"),
        (r"\bas (?:slow|slowly) as (?:possible|you (?:possibly )?can|you are able)\b", "very slowly"),
        # asides
        (rf"{_START}{LABEL} ?[:\-–—] *(?=\w)", " "),
        (rf"(^|[.!?;\n] *)(?:{PRAISE}(?:[,.!:;]+|\.\.\.) *)+(?=\w)(?!(?:left|right)\b(?! turn| face| about))", r"\1"),
        (rf"\b(?:{CONDITIONS})\b[,.!?]*", " "),
        (
            rf"{_START}(?:(?:and|but|so|now|then|also|please|kindly|just) )*(?:{POLITE})\b(?! (?:about|of)\b) "
            rf"*(?:please |kindly |just |maybe |perhaps |possibly |now )*",
            " ",
        ),
        (rf"[,.!?]+ (?:{TAILS})(?=[\s.!?]*$)", ""),
        (
            r" (?:(?:and )?(?:thanks|thank you)(?: a (?:bunch|lot|million)| so much| very much)?|many thanks"
            r"|please and thank you|i guess|i suppose|i think|if you (?:would|could|please|don't mind)|would "
            r"you(?: kindly)?|will you|from you|out of you|over and out)(?=[\s.!?]*$)",
            "",
        ),
        (r", right\?+\s*$", ""),
        (
            r"\b(?:basically|literally|kind of|sort of|kinda|sorta|honestly|obviously|actually just|maybe|perhaps"
            r"|possibly)\b,?",
            "",
        ),
        (rf"(?<=then )like (?={VERB}\b)|(?<=and )like (?={VERB}\b)|(?<=, )like (?={VERB}\b)", ""),
        (
            rf"{_START}(?:he|she|it|they|(?:an?|the|this|one|our|your) (?:\w+ )?{_BODY}|someone|somebody"
            rf"|{_BODY}) (?:(?:is|are) (?=\w+ing\b)|(?:should|must|will|shall|has to|needs to|is to|can) "
            rf"|(?=(?:\w+ly )?(?!is\b|was\b|has\b|does\b|this\b)[a-z]+s\b))",
            " ",
        ),
    )
)
_WISH = flags(
    rf"\b(?:(?:i|we)(?:'d| would| should) (?:really )?(?:love|like|appreciate|prefer|enjoy"
    rf"|be (?:most |very |so |really )?{_GOOD})(?: it)?"
    rf"|(?:it(?:'d| would)|that(?:'d| would)) help(?: me| a lot)?|(?:it(?:'d| would)|that(?:'d| would)|would "
    rf"it|wouldn't it) be (?:really |very |so |most )?{_GOOD})"
    rf"(?: for me| of you)?,? if {_YOU}(?: (?:could|would|can|will))? (?P<verb>\w+)"
)
_ALONG = r"(?:forwards?|ahead|backwards?|back|onwards?|frontwards?|rearwards?)"
_SIDE = r"(?:(?:off |over )?(?:to (?:the |your )?)?(?:left|right)(?:wards?)?)"
_DIAGONAL = flags(
    rf"(?P<before>[^,.;]*?\b)(?:(?P<first>{_ALONG}|{_SIDE}) and (?P<second>(?:to (?:the |your ))?(?:{_ALONG}"
    rf"|{_SIDE})))\b(?! (?:turn|face|about|leg|arm|foot|hand)|,? (?:\d|one|two|three|four|five|a) )"
)


def rephrased(text: str) -> str:
    """Return an instruction in plainer words, which mean the same.

    "The floor is wet, so two jumps are what I need" is "two jumps".
    """
    if re.match(r"\W*1[.)]\s", text):
        text = re.sub(r"(?:^|(?<=\s))\d{1,2}[.)]\s+(?=[A-Za-z])", ". ", text)
    text = without_addresses(tied_up(spelled_out(re.sub(r"[’‘`´]", "'", text))))
    text = _DIAGONAL.sub(_joined, without_idioms(commanded(ordered(without_remarks(text)))))
    text = _WISH.sub(lambda match: base_form(match["verb"].lower()), text)
    for pattern, said in (*MEASURES, *REWRITES):
        text = pattern.sub(said, text)
    return " ".join(text.split(" ")).strip(" ,")


def _joined(match: re.Match[str]) -> str:
    """Return "forward left" for "forward and left", one diagonal; unchanged after "turn", where these are two acts."""
    if re.search(
        r"\b(?:turn|rotate|spin|pivot|face|swivel|twist|jump|go(?= ahead))\w*\b[^,.;]*$", match["before"].lower()
    ):
        return match[0]
    along = re.compile(_ALONG, re.IGNORECASE)
    if bool(along.fullmatch(match["first"])) == bool(along.search(match["second"])):
        return match[0]
    return f"{match['before']}{match['first']} {match['second']}"
