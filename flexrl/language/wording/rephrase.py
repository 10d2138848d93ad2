"""Say an instruction in plainer words before it is read: asides go, idioms become the words that they stand for."""

import re

from flexrl.language.wording.asides import CONDITIONS, LABEL, POLITE, PRAISE, TAILS
from flexrl.language.wording.idioms import without_idioms
from flexrl.language.wording.moods import flags
from flexrl.language.wording.words import base_form

_ONES = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety"
_NUMBER = rf"(?:\d[\d.,/]*|an?|half|a couple of|a few|(?:{_ONES})(?:[ -](?:{_ONES}|hundred|and a half))?|a hundred)"
_LENGTH = (
    r"(?:m|met(?:re|er)s?|feet|foot|ft|yards?|cm|centimet(?:re|er)s?|inch(?:es)?|miles?|km|kilomet(?:re|er)s?"
    r"|steps?|paces?|footsteps?|strides?)"
)
_TIME = r"(?:s|secs?|seconds?|min|mins|minutes?|hours?|moments?)"
_ANGLE = r"(?:degrees?|deg|°|radians?|(?:full |half |quarter )?turns?)"
_AMOUNT = rf"{_NUMBER} ?-?(?:more )?(?:{_LENGTH}|{_TIME}|{_ANGLE})\b"
_START = r"(?:^|(?<=[.!?;:\n])|(?<=, )|(?<=then )|(?<=and ))\s*"
_YOU = r"(?:you|u|ya|the robot|it)"
_GOOD = (
    r"(?:great|nice|lovely|good|cool|awesome|wonderful|appreciated|fantastic|helpful|best|super|kind|ideal|perfect"
    r"|ok|okay|possible|grateful|happy|glad|delighted|obliged|pleased|thankful|thrilled)"
)
_VERB = (
    r"(?:walk|turn|run|jump|stop|go|stand|wait|step|move|rotate|spin|hop|jog|sprint|strafe|back|face|get|pivot"
    r"|march|stroll|sidestep|start|keep|take|make|do|slow|quick|don't|please|halt|freeze|head|leap|pause|hold|stay"
    r"|continue|creep|dash|shuffle|slide)"
)

_HURRY = (
    r"(?:hurry(?: up)?|get a (?:wiggle|move|shift) on|step on it|floor it|chop chop|step lively|look lively|look "
    r"sharp|make haste|make it snappy|be quick(?: about it)?|on the double|double quick|don't dawdle|don't dilly "
    r"dally|no dawdling|quick(?: quick)?|get cracking|faster faster|shake a leg|put your foot down|full speed|at "
    r"full speed|top speed|be fast)"
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
    r"|pedestrian|runner|walker|hero|heroine|lady|gentleman|stuntman|mannequin|puppet|protagonist)"
)

REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (r"[“”]", '"'),
        (r"\bput one foot in front of the other\b", "walk forward"),
        # amounts
        (r"\b(\d+):(\d\d) ?(?:min\w*|m)\b", r"\1 minutes and \2 seconds"),
        (r"\b(?:pi|π) (?:radians?|rad)\b|\bπ\b(?= ?rad)", "180 degrees"),
        (r"\b(?:half pi|pi over two|pi/2) (?:radians?|rad)\b", "90 degrees"),
        (r"\bone[ -]eighty\b", "180"),
        (r"\bthree[ -]sixty\b", "360"),
        (r"\btwo[ -]seventy\b", "270"),
        (r"\bfive[ -]forty\b", "540"),
        (r"\bseven[ -]twenty\b", "720"),
        (r"\bone[ -]twenty\b", "120"),
        (
            r"\b(?:do|pull|make|perform|throw|bust) (?:a|an) (\d+)\b(?! ?-?(?:deg|°|sec|m\b|met|min|s\b|f|y|step"
            r"|pace))",
            r"turn \1 degrees",
        ),
        (r"\b(?:a |the )?half(?:[ -]an?)?[ -]dozen\b", "6"),
        (r"\b(?:a )?couple(?: of)? dozen\b", "24"),
        (r"\b(?:a|one) dozen\b", "12"),
        (r"\btwo dozen\b", "24"),
        (r"\b(?:a|one) turn and a half\b", "1.5 turns"),
        (r"\ban? (?:eighth|8th)(?: of)? (?:a )?(?:full )?turn\b", "45 degrees"),
        (r"\ban? sixth(?: of)? (?:a )?(?:full )?turn\b", "60 degrees"),
        (
            r"\b(spin|turn|rotate|pivot|revolve|twirl)((?: \w+ly)?(?: around)?) (?:in )?(?:a|one) (?:(?:full"
            r"|complete|whole|single) )?circle\b",
            r"\1\2 a full turn",
        ),
        (
            r"\bgo (?:all the way|right|fully|completely|the whole way) (?:around|round)(?: once)?,?",
            "turn all the way around",
        ),
        (
            r"\b(?:at right angles|by a right angle|a right angle|ninety)(?: to)?(?: the)? (left|right)\b",
            r"90 degrees to the \1",
        ),
        (r",? ?\b(?:give or take(?: a (?:bit|few|little))?|more or less|or thereabouts|or so)\b", ""),
        (
            rf"\b(?:no|not) (?:more|less|further|longer) than (?={_NUMBER})|\b(?:at (?:most|least)|a (?:maximum"
            rf"|minimum|total) of) (?={_NUMBER})",
            "",
        ),
        (rf"\bfor the next (?={_NUMBER})", "for "),
        (rf"\b(?:until|till|til|up ?to) (?={_AMOUNT})", "for "),
        (rf"\b(?:during|along|within) (?={_AMOUNT})", "for "),
        (rf"({_NUMBER} {_TIME}) (?:later|afterwards|after that|thereafter)\b", r"after \1"),
        (rf"(^|[,;.] *|\bthen )in ({_NUMBER} {_TIME})\b", r"\1after \2"),
        (rf"(^|[,;.] *|\bthen |\band )(?:at|upon|on reaching|at the) ({_NUMBER} {_LENGTH})( mark)?\b", r"\1after \2"),
        (
            rf"({_AMOUNT})(.*?)\b(?:for |by )?the same (?:distance|amount|length|time|duration|angle|number of "
            rf"\w+)\b",
            r"\1\2\1",
        ),
        (r",? ?\b(?:by )?each(?: time| way| one)?(?=\s*(?:[,.;!]|$))", ""),
        (r"\btwice more\b", "two more times"),
        (r"\bthrice more\b", "three more times"),
        (rf"\blike (?=(?:about |maybe )?{_NUMBER} ?(?:{_LENGTH}|{_TIME}|{_ANGLE})\b)", ""),
        (
            rf"\b{_NUMBER}(?: {_LENGTH}| {_TIME}| {_ANGLE})?, ?(?:no|oops|sorry|no wait|wait no|make that|i "
            rf"mean)[, ]+({_NUMBER} ?(?:{_LENGTH}|{_TIME}|{_ANGLE}))\b",
            r"\1",
        ),
        (
            rf"\b{_NUMBER} ({_LENGTH}|{_TIME}|{_ANGLE}), ?(?:no|oops|sorry|no wait|wait no|make that|i mean)[, "
            rf"]+({_NUMBER})(?=\s*(?:[.,!]|$))",
            r"\2 \1",
        ),
        (rf"\bafter ({_AMOUNT}) of (\w+ing),? (?={_VERB}\b)", r"after \2 \1, "),
        (
            r"\b(?:(?:to|towards?|at|in|into) (?:the |your )?)?(?:front|forward)[ -](left|right)(?: corner| side| "
            r"direction)?\b",
            r"forward \1",
        ),
        (
            r"\b(?:(?:to|towards?|at|in|into) (?:the |your )?)(?:back|rear|backward)[ -](left|right)(?: corner| "
            r"side| direction)?\b|\brear[ -](left|right)\b",
            r"backward \1\2",
        ),
        (
            r"\b(?:until|till|so that|so|such that) you(?:'re| are)? (?:facing|face|looking|look) (?:in )?(?:the )?"
            r"(?:(?:other|opposite) (?:way|direction)|backwards?|behind you|way you came)\b",
            "180 degrees",
        ),
        (
            r"\b(slow|careful|gentle|steady|quick|fast|short|long|small|big|light|brisk), (?=(?:slow|careful"
            r"|gentle|steady|quick|small|big)\b)",
            r"\1 ",
        ),
        (r"\bpick up (?:the |your )?(?:pace|speed|tempo)(?:,| and|,? then)+ (?=\w)", "quickly "),
        (r"\bpick up (?:the |your )?(?:pace|speed|tempo)\b", "quickly"),
        (
            r"\bas (?:quick|fast|quickly|hard) as (?:your|humanly|the|possible|able)\b(?: (?:legs?|feet|body"
            r"|possible|you|can|could|will|allows?|carry|let|lets|go|able|manage|robot)\b)*",
            "at full speed",
        ),
        (r"\btake a (?:moment|second|beat|sec|minute)\b(?! (?:break|rest|pause))", "pause for a moment"),
        (
            r"(^|[.!?;] *)(?:(?:that(?:'s| is) )?enough(?: of that)?|company|squad|troops|everyone|that will do"
            r"|that'll do)[,.!]* (?=\w)",
            r"\1",
        ),
        (r"(?:for |by )?the same (?:distance|amount)\b(?! of)", ""),
        *(
            (
                rf"\b(?:{word}|{i}) and (?:an? |one )?{part} (?=(?:turn|rotation|revolution|spin|circle)s?\b)",
                f"{i}.{more} ",
            )
            for i, word in enumerate(_ONES.split("|")[:6], start=1)
            for part, more in (("half", 5), ("quarter", 25), ("three[ -]quarters?", 75))
        ),
        (r"\b(\d+\.\d+) (?:turn|circle|spin|rotation|revolution)\b", r"\1 turns"),
        (r"\bno (left|right) turns?\b", r"don't turn \1"),
        (rf"\b((?:don't|do not|never) \w+ (?:to the )?(?:left|right|forwards?|backwards?)) (?={_VERB}\b)", r"\1, "),
        (r"\bthree[- ]quarters?(?: of a)?[- ]turn\b", "270 degree turn"),
        (r"\b(spin|turn|rotate|pivot) once (?:around|round)\b", r"\1 all the way around"),
        # structure
        (r"\bthen (?:speed up|go faster|get faster|move faster|faster|accelerate)\b", "then quickly"),
        (r"\bthen (?:slow down|go slower|get slower|move slower|slower|decelerate)(?! to)\b", "then slowly"),
        (r",? (?:and |then )+land(?: softly| safely| gently| on (?:both|your) feet)?\b", ""),
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
        (rf"\bn (?=(?:then|{_VERB})\b)", "and "),
        (
            r"\bbefore (?:doing )?anything else\b|\bfirst things first\b|\bfirst and foremost\b|\bas (?:a|the"
            r"|your) first (?:step|move|thing)\b|\bto kick (?:things )?off\b",
            "first",
        ),
        (r"\b(?:again and again|over and over(?: again)?)(?=\s*[.!]*$)", ", again, again"),
        (r"(?:^|(?<=\s))[a-e]\)\s", ". "),
        (r"\b(?:ccw|acw)\b", "counterclockwise"),
        (r"\bcw\b", "clockwise"),
        (r"\bno (?:movement|moving|motion)(?: at all)?\b", "stand still"),
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
            r"\b(?:once|when|after|as soon as) (?:you(?:'re| are)|you) (?:back )?(?:up|standing|upright|on your "
            r"feet)(?: again)?,? ",
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
        (rf"(?<=then )like (?={_VERB}\b)|(?<=and )like (?={_VERB}\b)|(?<=, )like (?={_VERB}\b)", ""),
        (
            rf"{_START}(?:he|she|it|they|(?:an?|the|this|one|our|your) (?:\w+ )?{_BODY}|someone|somebody"
            rf"|{_BODY}) (?:(?:is|are) (?=\w+ing\b)|(?:should|must|will|shall|has to|needs to|is to|can) "
            rf"|(?=(?:\w+ly )?(?!is\b|was\b|has\b|does\b|this\b)[a-z]+s\b))",
            " ",
        ),
    )
)
_WISH = flags(
    rf"\b(?:(?:i|we)(?:'d| would) (?:really )?(?:love|like|appreciate|prefer|enjoy|be {_GOOD})(?: it)?"
    rf"|(?:it(?:'d| would)|that(?:'d| would)) help(?: me| a lot)?|(?:it(?:'d| would)|that(?:'d| would)|would "
    rf"it|wouldn't it) be (?:really |very |so |most )?{_GOOD})"
    rf"(?: for me| of you)?,? if {_YOU}(?: (?:could|would|can|will))? (?P<verb>\w+)"
)
_ALONG = r"(?:forwards?|ahead|backwards?|back|onwards?|frontwards?|rearwards?)"
_SIDE = r"(?:(?:off |over )?(?:to (?:the |your )?)?(?:left|right))"
_DIAGONAL = flags(
    rf"(?P<before>[^,.;]*?\b)(?:(?P<first>{_ALONG}|{_SIDE}) and (?P<second>(?:to (?:the |your ))?(?:{_ALONG}"
    rf"|{_SIDE})))\b(?! (?:turn|face|about|leg|arm|foot|hand)|,? (?:\d|one|two|three|four|five|a) )"
)


def rephrased(text: str) -> str:
    """Return an instruction in plainer words, which mean the same."""
    if re.match(r"\W*1[.)]\s", text):
        text = re.sub(r"(?:^|(?<=\s))\d{1,2}[.)]\s+(?=[A-Za-z])", ". ", text)
    text = _DIAGONAL.sub(_joined, without_idioms(re.sub(r"[’‘`´]", "'", text)))
    text = _WISH.sub(lambda match: base_form(match["verb"].lower()), text)
    for pattern, said in REWRITES:
        text = pattern.sub(said, text)
    return " ".join(text.split(" ")).strip(" ,")


def _joined(match: re.Match[str]) -> str:
    """Return "forward left" for "forward and left", as "and" parts no diagonal; after a turn it parts two actions."""
    if re.search(
        r"\b(?:turn|rotate|spin|pivot|face|swivel|twist|jump|go(?= ahead))\w*\b[^,.;]*$", match["before"].lower()
    ):
        return match[0]
    along = re.compile(_ALONG, re.IGNORECASE)
    if bool(along.fullmatch(match["first"])) == bool(along.search(match["second"])):
        return match[0]
    return f"{match['before']}{match['first']} {match['second']}"
