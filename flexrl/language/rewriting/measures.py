"""Say amounts plainly: "a one-eighty" is 180 degrees, "until two metres" is for two metres."""

import re

from flexrl.language.rewriting.moods import flags

ONES = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety"
NUMBER = rf"(?:\d[\d.,/]*|an?|half|a couple of|a few|(?:{ONES})(?:[ -](?:{ONES}|hundred|and a half))?|(?:a )?hundred)"
LENGTH = (
    r"(?:m|met(?:re|er)s?|feet|foot|ft|yards?|cm|centimet(?:re|er)s?|inch(?:es)?|miles?|km|kilomet(?:re|er)s?"
    r"|steps?|paces?|footsteps?|strides?)"
)
TIME = r"(?:s|secs?|seconds?|min|mins|minutes?|hours?|moments?)"
ANGLE = r"(?:degrees?|deg|°|radians?|(?:full |half |quarter )?turns?)"
AMOUNT = rf"{NUMBER} ?-?(?:more )?(?:{LENGTH}|{TIME}|{ANGLE})\b"
VERB = (
    r"(?:walk|turn|run|jump|stop|go|stand|wait|step|move|rotate|spin|hop|jog|sprint|strafe|back|face|get|pivot"
    r"|march|stroll|sidestep|start|keep|take|make|do|slow|quick|don't|please|halt|freeze|head|leap|pause|hold|stay"
    r"|continue|creep|dash|shuffle|slide)"
)

MEASURES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (r"\b(\d+):(\d\d) ?(?:min\w*|m)\b", r"\1 minutes and \2 seconds"),
        (r"\b(?:pi|π) (?:radians?|rad)\b|\bπ\b(?= ?rad)", "180 degrees"),
        (r"\b(?:half pi|pi over two|pi/2) (?:radians?|rad)\b", "90 degrees"),
        (r"\bone[ -]eighty\b", "180"),
        (r"\bthree[ -]sixty\b", "360"),
        (r"\btwo[ -]seventy\b", "270"),
        (r"\bfive[ -]forty\b", "540"),
        (r"\bseven[ -]twenty\b", "720"),
        (r"\bone[ -]twenty\b", "120"),
        *(
            (rf"\b(?:a|one) {part} of an? ({LENGTH}|{TIME}|turn|rotation|revolution|circle)\b", rf"{share} \1s")
            for part, share in (("fifth", "0.2"), ("eighth", "0.125"), ("tenth", "0.1"))
        ),
        *(
            (rf"\b{count} (quarter|half)[ -]turns((?: to the| to your)? (?:left|right))?", rf"\1 turn\2 {times}")
            for count, times in (("(?:two|2)", "twice"), ("(?:three|3)", "three times"), ("(?:four|4)", "four times"))
        ),
        (
            rf"\b({NUMBER}) ({LENGTH}|{ANGLE})((?: to the)?(?: left| right)?,? (?:and|then|and then) (?:to the )?"
            rf"(?:left|right|forwards?|back|backwards?|ahead) by (?:{NUMBER}))(?=\s*(?:[,.;!]|$))",
            r"\1 \2\3 \2",
        ),
        (
            r"\b(?:do|pull|make|perform|throw|bust) (?:a|an) (\d+)\b(?! ?-?(?:deg|°|sec|m\b|met|min|s\b|f|y|step"
            r"|pace))",
            r"turn \1 degrees",
        ),
        (r"\b(?:a |the )?half(?:[ -]an?)?[ -]dozen\b", "6"),
        (r"\ba score of\b", "20"),
        (r"\b(?:complete|full|whole|entire) (?=\d+ degrees\b)", ""),
        (rf"\b(?:and )?do (?:it|that|this|so) for (?={NUMBER} )", "for "),
        (rf"^\W*({AMOUNT}) (each|apiece)(?: time)?: (.*?)[.!]*$", r"\3, \1 \2"),
        (
            rf"\b({NUMBER} (?:{LENGTH}|jumps?|hops?))((?: \w+){{0,3}}?,? (?:and|then|and then)) as many"
            r"(?: (?:steps|paces|jumps|hops|metres))?\b",
            r"\1\2 \1",
        ),
        (rf"\b(?:make|do|take|give) (?:me|us) (?={NUMBER} (?:{LENGTH})\b)", "take "),
        (rf"\b(?:all of|a full|no less than) (?={NUMBER} ?-?(?:{LENGTH}|{TIME}|{ANGLE})\b)", ""),
        (rf"\b({NUMBER} ?-?(?:{LENGTH}|{TIME}|degrees?)) of it\b", r"\1"),
        (rf"\bwhile ({NUMBER} {TIME}) (?:go(?:es)?|pass(?:es)?|elapses?|ticks?|tick)(?: by| past| away)?\b", r"for \1"),
        (
            r"\b(?:for )?as long as (?:it takes|you need) (?:you )?to (?:cover|do|go|walk|run|complete|make|travel) "
            rf"(?={NUMBER} )",
            "for ",
        ),
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
            rf"\b(?:no|not) (?:more|less|further|longer) than (?={NUMBER})|\b(?:at (?:most|least)|a (?:maximum"
            rf"|minimum|total) of) (?={NUMBER})",
            "",
        ),
        (rf"\bfor the next (?={NUMBER})", "for "),
        (rf"\b(?:until|till|til|up ?to) (?={AMOUNT})", "for "),
        (rf"\b(?:during|along|within) (?={AMOUNT})", "for "),
        (rf"({NUMBER} {TIME}) (?:later|afterwards|after that|thereafter)\b", r"after \1"),
        (rf"(^|[,;.] *|\bthen )in ({NUMBER} {TIME})\b", r"\1after \2"),
        (rf"(^|[,;.] *|\bthen |\band )(?:at|upon|on reaching|at the) ({NUMBER} {LENGTH})( mark)?\b", r"\1after \2"),
        (
            rf"({AMOUNT})(.*?)\b(?:for |by )?the same (?:distance|amount|length|time|duration|angle|number of "
            rf"\w+)\b",
            r"\1\2\1",
        ),
        (rf"({AMOUNT})(.*?)\bfor (?:another|one more)(?=\s*(?:[,.;!]|$))", r"\1\2for \1"),
        (
            rf"({AMOUNT}) (?:is|are) how (?:long|far|much)(?: \w+)? (?:you(?: should| must| have to| need to| ought"
            rf" to| are to| will)?"
            r"|i want you|to)(?: to)? ([^,.;]+)",
            r"\2 \1",
        ),
        (
            rf"\byou(?:'ve| have)? (?:got )?({AMOUNT})(?: in which)? to ([^,.;]+?)(?=[,.;!]|$| then\b| and\b)",
            r"\2 for \1",
        ),
        (r"(?<=[a-z]s)' worth\b", " worth"),
        (r"\b4 (?=an?\b|the\b|half\b|one\b|two\b|three\b|five\b|ten\b|\d)", "for "),
        (r"\b(able|want|need|going) 2 (?=[a-z])", r"\1 to "),
        (r"\br u\b", "are you"),
        (r"\btwice more\b", "two more times"),
        (r"\bthrice more\b", "three more times"),
        (rf"\blike (?=(?:about |maybe )?{NUMBER} ?(?:{LENGTH}|{TIME}|{ANGLE})\b)", ""),
        (
            rf"\b{NUMBER}(?: {LENGTH}| {TIME}| {ANGLE})?, ?(?:no|oops|sorry|no wait|wait no|make that|i "
            rf"mean)[, ]+({NUMBER} ?(?:{LENGTH}|{TIME}|{ANGLE}))\b",
            r"\1",
        ),
        (
            rf"\b{NUMBER} ({LENGTH}|{TIME}|{ANGLE}), ?(?:no|oops|sorry|no wait|wait no|make that|i mean)[, "
            rf"]+({NUMBER})(?=\s*(?:[.,!]|$))",
            r"\2 \1",
        ),
        (
            rf"\b({NUMBER}) {LENGTH}, ?(?:no|oops|sorry|no wait|make that|i mean|actually|correction)[, ]+({LENGTH})"
            r"(?=\s*(?:[.,!]|$))",
            r"\1 \2",
        ),
        (rf"\bafter ({AMOUNT}) of (\w+ing),? (?={VERB}\b)", r"after \2 \1, "),
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
            r"\b(slow|careful|unhurried|leisurely|gentle|steady|quick|fast|short|long|small|big|light|brisk), "
            r"(?=(?:slow|careful|gentle|steady|quick|small|big)\b)",
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
            for i, word in enumerate(ONES.split("|")[:6], start=1)
            for part, more in (("half", 5), ("quarter", 25), ("three[ -]quarters?", 75))
        ),
        (r"\b(\d+\.\d+) (?:turn|circle|spin|rotation|revolution)\b", r"\1 turns"),
        (r"\bno (left|right) turns?\b", r"don't turn \1"),
        (
            rf"\b((?:don't|do not|never) (?:\w+ (?:to the )?(?:left|right|forwards?|backwards?)|(?:stop|walk|run"
            rf"|turn|jump|move|go|wait|stand|jog|sprint|hop|rush|hurry))) (?!back\b)(?={VERB}\b)",
            r"\1, ",
        ),
        (r"\bthree[- ]quarters?(?: of a)?[- ]turn\b", "270 degree turn"),
        (r"\b(spin|turn|rotate|pivot) once (?:around|round)\b", r"\1 all the way around"),
        (rf"(^|[.;](?!\d) *|\bthen,? )(for (?:about )?{AMOUNT}), ({VERB}\b[^,.;]*)", r"\1\3 \2"),
        *(
            (rf"(?:\b(?:take|do|make) )?\b({NUMBER}) {gait}n?ing (steps|paces|strides)\b", rf"{gait} \1 \2")
            for gait in ("walk", "run", "march")
        ),
        (rf"\bspend ({AMOUNT}) (?=(?:\w+ly )?\w+ing\b)", r"for \1 "),
        (rf"\bgive it ({NUMBER} {TIME})\b", r"wait \1"),
        (r"\b(?:a|the) (?:complete|full|whole|entire) (?=(?:\d{2,3}|three hundred|one hundred|ninety)\b)", ""),
        (r"\b(slow|fast|quick)[ -]paced\b", r"\1"),
        (r"\b(?:normal|regular|steady|average|usual)(?:ly)?[ -]paced\b", "normal"),
    )
)
