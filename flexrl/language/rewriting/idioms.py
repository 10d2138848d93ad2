"""Say the idioms of whole sentences plainly: short forms, scene setting, calls to begin, and changes of gait."""

import re

from flexrl.language.rewriting.moods import flags
from flexrl.language.rewriting.transitions import ADJECTIVE, GAIT, START, TRANSITIONS

_COUNT = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty)"
_UNIT = r"(?:m|met\w*|s|secs?|seconds?|min\w*|ft|feet|foot|yards?|cm|deg\w*|°|steps?|paces?|jumps?|hops?|times?|x)"
_ORDINAL = r"(?:first|second|third|fourth|next|opening|last|final|following)"
_PRAISED = (
    r"(?:great|good|well|fine|amazing|brilliant|super|nice(?:ly)?|wonderful(?:ly)?|awesome|fantastic|perfect(?:ly)?"
    r"|excellent|beautiful(?:ly)?|the best|a star|a natural|a legend|so good|really (?:good|well))"
)
_ADDRESSED = (
    r"(?:soldier|soldiers|maggots?|recruits?|cadets?|troops?|trooper|sergeant|corporal|privates?|class|team|folks"
    r"|guys|lads?|ladies|gentlemen|everybody|everyone|kids?|children|champ|chief|dear|darling|love|sweetie|honey|mate"
    r"|mates|pal|buddy|dude|bro|bruv|fam|sis|man|boy|girl|partner|friend|robot|robo|robby|bot|humanoid|machine|droid"
    r"|android|tin man|big guy|big fella|fella|old man|old chap|old boy|player|dancers?|actors?|comrade|sir|ma'?am"
    r"|boss|captain|genius|silly|slowpoke|lazybones|sleepyhead|bestie|amigo|kiddo|hero|legend|star)"
)

_SIZE = (  # "make a robot turn" asks for a turn, "make a half turn" for half of one
    r"(?:half|full|quarter|third|complete|whole|single|quick|slow|short|long|big|small|little|brisk|gentle|light|sharp"
    r"|nice|good|fast|easy|lateral|sideways|tiny|high|swift|rapid|final|last|first|slight|left|right|proper|real)"
)

IDIOMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (
            r"^\W*(?:could|would|can|will) (?:you|u) (?:please |kindly |just |maybe |possibly |perhaps )*(?=\w)"
            r"(?!mind|manage|be\b|care|like|want)",
            "",
        ),
        (
            r"^\W*(?:the|this|your|our) (?:\w+ )?(?:exercise|routine|sequence|drill|plan|warm-?up|workout|scene|task|"
            r"program|set|session|mission|idea|challenge) (?:begins|starts|opens|kicks off|is|goes|consists|includes|"
            r"involves|requires)(?: with| by| of| to| like this| as follows| that you)?[,:]? ",
            "",
        ),
        (r",? (?:and |then )?(?:(?:it|the \w+) )?(?:ends|finishes|concludes|closes) (?:with|by) ", ", finally, "),
        # asides and corrections
        (
            r"(^|[,.!?;] *|\b(?:ok|okay|alright|right|yeah|hey|so) )(?:cool|go for it|"
            r"let's say|let me think|here's the thing"
            r"|you know the drill)[,.!:;]* +(?=\w)",
            r"\1",
        ),
        (r"[.!;] *no+(?: no+)*[.!]+ ", ", no wait, "),
        (r",? that is(?: to say)?, ", ", i mean, "),
        (r"[,;]? (?:and |but )?(?:i |we )(?:do not|don't|didn't) mean ", ", not "),
        (
            r"\b(?:there(?:'s| is) )?no need (?:for you )?to (\w+)[,;] (\w+ing) (?:is|"
            r"will be|would be) (?:fine|ok|okay|enough)",
            r"\2",
        ),
        (r"[,;]? (?:but )?before (?:you )?(?:do|doing|you start|starting) (?:that|this|it|so),? ", ", but first "),
        (r"\bonly after ([^,.;]+?),? should you (?:start |begin )?", r"after \1, "),
        (r"\b(?:once|when|after) (?:upright|standing|up)(?: again)?, ", "stand up, then "),
        (r"\bno more (?:walking|running|moving|turning|jumping|movement)\b", "stop"),
        (
            r"\bstop (walking|running|jogging|turning|spinning|moving|sprinting),?(?: "
            r"and| then)? (?=\w+ instead)",
            r"don't \1, ",
        ),
        (r"\bstop (?:whatever|what) (?:it is )?(?:you are|you're) doing\b", "stop"),
        (
            r"\b(?:increase|raise|quicken|lift) (?:your|the) (?:pace|speed|tempo)(?:,| and| then)+ (?=\w)",
            "quickly ",
        ),
        (r"\b(?:reduce|lower|drop|ease) (?:your|the) (?:pace|speed|tempo)(?:,| and| then)+ (?=\w)", "slowly "),
        (r"\b(?:make|take) a (?:bee ?line|straight line)\b", "go"),
        (r"\b(?:swap|flip|invert|change) (?:your )?directions?\b(?! to)", "turn around"),
        (r"\bby the (?:left|right), (?=(?:quick |slow )?march)", ""),
        (r"(^|[,;.!] ?)slow march\b", r"\1march slowly"),
        (rf"\bfor ({_COUNT}) (?:counts?|beats?)\b", r"for \1 seconds"),
        (
            rf"^\W*(?:let|make|have|get|ask|tell) (?:the|our|this|your|a) (?!{_SIZE}\b)\w+ (?:to )?(?=(?:walk|"
            r"run|jump|turn|step|go|move|stand|jog|stop|back|hop|march|rotate)\b)",
            "",
        ),
        (
            r",? (?:all |both )?nice and (?:controlled|steady|smooth|even|easy does "
            r"it|tidy|neat|tall|straight|balanced)\b",
            "",
        ),
        (r"^\W*try (?:out |doing )?(?:some )?(?=\w+ing\b)", ""),
        (r"\b(?:as )?quick as (?:a flash|lightning|you like),? (?=\w)", "quickly "),
        (r"\bwithout (?:moving|walking|stepping|going) (?:forwards?|ahead|anywhere|off the spot)", "on the spot"),
        (r"\b(once|twice|thrice|three times) in a row\b", r"\1"),
        (
            r"(?<!until )(?<!till )\bi(?:'d| would)? (?:say|suggest|vote|propose)(?: that| we| you)?,? "
            r"(?=\w+)(?!no\b)",
            "",
        ),
        (r"^\W*i said [^:;.]+[:;.]+ (?=\w)", ""),
        (r"^\W*(?:may|can|could|might) (?:i|we) (?:please )?(?:see|have|get|request|ask for) (?!you\b)", ""),
        (
            r"^\W*(?:(?:the|your) (?:\w+ )?(?:thing|job|task|goal|mission|duty|move|"
            r"objective|aim) (?:to do )?(?:now )?is"
            r" (?:now )?(?:to |for you to )?|(?:all|what) (?:i|we) (?:ask|want|need) is (?:that |for )?you (?:to )?)",
            "",
        ),
        (r"\b(?:kick|lead|open)(?:ing)? (?:things )?off (?:with|by) ", "first "),
        (r"\b(?:hop|jump|snap) to it[,:!.]+ (?=\w)", ""),
        (r"\bneither (\w+) nor (\w+)\b", r"don't \1, don't \2"),
        (r"\b(?:oops,? )?wrong (?:way|direction|one|side)\b", "scratch that"),
        (
            rf"\b{_COUNT}, (?:no|sorry|make that|or rather|i mean|er|no wait|correction)[, "
            rf"]+({_COUNT}),? (?={_UNIT}\b)",
            r"\1 ",
        ),
        (r"(?<=\w)(?:\.{2,}|,) *you know what,? ", ", scratch that, "),
        (r",? \bor (?:actually|better still|better|rather|no,? wait|no|wait|make (?:that|it))\b,?", ", actually"),
        (r"(?<=\w) following (?=an? |the |\d)", " after "),
        # short forms
        (r"(?<=[a-z]) ?[*×✕] ?(?=\d)", " x"),
        (r"(?<=[a-z] )x (?=\d)", "x"),
        (r"\b(?:rot|rotn)\b\.?", "rotate"),
        (r"\bon the diagonal\b", "diagonally"),
        (
            r"\b(?<=yaw )l\b|(?<=spin )l\b|(?<=pivot )l\b|(?<=go )l\b|(?<=move )l\b|(?<=walk )l\b|(?<=sidestep )l\b"
            r"|(?<=turn )l\b|(?<=rotate )l\b|(?<=strafe )l\b|(?<=face )l\b|(?<=step )l\b|\bl(?= (?:turn|face)\b)",
            "left",
        ),
        (
            r"\b(?<=yaw )r\b|(?<=spin )r\b|(?<=pivot )r\b|(?<=go )r\b|(?<=move )r\b|(?<=walk )r\b|(?<=sidestep )r\b"
            r"|(?<=turn )r\b|(?<=rotate )r\b|(?<=strafe )r\b|(?<=face )r\b|(?<=step )r\b|\br(?= (?:turn|face)\b)",
            "right",
        ),
        (r"(?<![\w'])l ?(?=(?:30|45|60|90|120|135|180|270|360)\b(?! ?(?:m|s|cm|ft)\b))", "turn left "),
        (r"(?<![\w'])r ?(?=(?:30|45|60|90|120|135|180|270|360)\b(?! ?(?:m|s|cm|ft)\b))", "turn right "),
        (r"^\W*(90|180|270|360)\W*$", r"turn \1 degrees"),
        (
            rf"\b(?:(?:do|pull|make|perform|throw|bust|take|execute|turn|spin|rotate|"
            rf"give (?:me|us)) )?(?:a |an |another |one )?"
            rf"((?:(?:quick|full|complete|slow|smooth|big|sharp|swift|fast|whole|clean|proper|little|nice|good) )+)"
            rf"(90|180|270|360|540|720)\b(?! ?-?{_UNIT}\b)",
            r"turn \1\2 degrees",
        ),
        (r"\b(?:to )?(?:the )?starboard(?: side)?\b", "to the right"),
        (r"\bto (?:the )?port(?: side)?\b", "to the left"),
        (r"\b(?:astern|abaft)\b", "backward"),
        (r"\b(?:sunwise|deasil)\b", "clockwise"),
        (r"\bwiddershins\b", "counterclockwise"),
        (r"\b(?:to |on |at )?the (left|right) oblique\b|\boblique (left|right)\b", r"diagonally forward \1\2"),
        (r"\boff the (?:floor|ground)(?: now)?,? (?:and )?up (?:with )?you(?: come| get| go| pop)?\b", "stand up"),
        (r"\bstay (?:just |exactly )?(?:as|where|like) you are\b", "stand still"),
        (r"\b(?:settle|sink|lapse|fall|ease) into (?:a )?(?:stillness|standstill|stand ?still)\b", "stand still"),
        (r"\bup you (?:get|come|go|pop),? (?:and )?on(?:to)? your feet\b", "stand up"),
        (r"\bstop dead\b", "stop"),
        (r"\btake off (?=(?:runn|walk|jogg)ing\b)", "start "),
        (r"\b(stand|stood|stay|wait|keep) (?:quiet|silent|calm)(?:ly)?\b", r"\1 still"),
        (r"\bfrom where you (?:lie|are lying|fell|are)(?: down)?\b", "from the floor"),
        (r"\b(?:a )?beat of (?=(?:\d|an?\b|one|two|three|four|five|half))", "wait for "),
        (
            r"\b(?:nudge|shift|change|adjust|swing|alter|correct|bring|rotate) your (?:heading|course|bearing|facing"
            r"|orientation|nose)(?= )",
            "turn",
        ),
        (
            r"(\b(?:turn|rotat|pivot|spin|swivel|degree|circle)[^,.;]*), (?:turn|pivot|rotat|spinn|swivell?)ing"
            r"(?: on the spot| in place| where you (?:are|stand))(?=\s*(?:[,.;!]|$|and\b|then\b))",
            r"\1",
        ),
        (r"\b(?:klicks?|kliks?)\b", "kilometres"),
        (
            rf"\b(seconds?|minutes?|hours?|met(?:re|er)s?)(?:'s|') (?=(?:{ADJECTIVE} )*(?:wait|break|{GAIT})\b)",
            r"\1 ",
        ),
        (rf"(?<!on )(?<!at )(?<!upon )\b(?:for )?(?:a|the) (?:slow |full )?count of ({_COUNT})\b", r"for \1 seconds"),
        (
            rf"\b(wait|hold|pause|stay|stand|freeze|rest)((?: \w+)?) (?:for )?({_COUNT}) (?:counts?|beats?)\b",
            r"\1\2 for \3 seconds",
        ),
        (rf"\bfor an? ({_COUNT})[- ]count\b", r"for \1 seconds"),
        (rf"\b({_COUNT}) (?:reps|repetitions|rounds|sets|cycles|iterations|goes)\b(?: of)?", r"\1 times"),
        (
            r",? ?\b(?:one after (?:the other|another)|in succession|back to back|consecutively|in quick succession)\b",
            "",
        ),
        (
            r"\b(spin|turn|rotate|twirl|pivot|revolve)(?: around| round)?((?: \w+ly)?) (?:in )?(\w+) (?:full |complete "
            r"|whole )?circles\b",
            r"\1\2 \3 full turns",
        ),
        (r"\b(?:a|one)[ -]eighth of a(?: full)? turn\b", "45 degrees"),
        (r"\b(spin) (?:round|around) once\b", r"\1 all the way around"),
        (r"\b(?:take|make|do) two (left|right)s?(?= *(?:$|[,.;!]|then|and))", r"turn \1 twice"),
        (r"\b(?:take|make|do) three (left|right)s?(?= *(?:$|[,.;!]|then|and))", r"turn \1 three times"),
        (
            r"\b(move|step|come|walk|go) up (?=(?:\d|a couple|a few|two|three|four|five|six|seven|eight|nine|ten)\b)",
            r"\1 forward ",
        ),
        (
            rf"[,;.]? ?(?:and |about |for )*\b((?:about |around )?(?:a couple of|a few|{_COUNT}) (?:\w+ )?{_UNIT}) "
            r"(?:should|ought to|will|would|is|are|'ll)(?: be)? (?:do|enough|plenty|suffice|fine|good|ok(?:ay)?|all"
            r"|sufficient|great|perfect)(?: it| nicely| the trick)?\b",
            r" \1",
        ),
        (
            r"\bat (?:45|forty[- ]five) degrees (?=(?:to the )?(?:front|forward|back|rear)\w*[- ](?:left|right))",
            "diagonally ",
        ),
        # who is spoken to, and what only sets the scene
        (rf", (?:you (?:\w+ )?)?(?:my )?(?:good |dear |little |old )?{_ADDRESSED}(?=\s*[.!,;]|\s*$)", ""),
        (
            rf"^\W*(?:ok(?:ay)? |alright |right |hey |now |listen (?:up )?|come on )?(?:my "
            rf")?(?:dear |little )?{_ADDRESSED}[,:!.]+ (?=\w)",
            "",
        ),
        (r"(?<=at ease) soldiers?\b|(?<=stand easy) soldiers?\b", ""),
        (
            rf"{START}(?:in|for|as|during|at)? ?(?:the |your |this |our )?(?:{_ORDINAL} "
            rf")?(?:scene|act|part|phase|stage"
            rf"|exercise|shot|take|round|drill|move|step|task|item)(?: (?:\d+|{_COUNT}|{_ORDINAL}))?"
            r"(?:[,:]+ | (?=you ))(?=\w)",
            " ",
        ),
        (
            rf"{START}(?:on|at|upon) (?:my|the|your) (?:mark|signal|cue|whistle|command|word|go|bell|beep|count(?: of "
            rf"\w+)?)[,:]? (?=\w)",
            " ",
        ),
        (r"(^|[.!?]+ *)(?:and|lights|camera|cue|ready|places|\W)*action[!:,.]+ *(?=\w)", r"\1"),
        (rf"^\W*(?:(?:and )?{_COUNT}[,.…]+ +){{1,}}(?:(?:and )?{_COUNT}|and)?[,.:;!…]+ *(?=[a-z])(?!{_COUNT}\b)", ""),
        (rf"^\W*(?:{_COUNT} ){{2,}}(?:and )?(?=(?:go|run|walk|jump)\b)", ""),
        (rf"\byou(?:'re| are) (?:doing |going |looking )?(?:just |really |so )?{_PRAISED}[,.!;]+ *", ""),
        (
            r"(^|[,.!?;] *)(?:you(?:'ve)? got this|you can do (?:it|this)|(?:i )?believe "
            r"in you|here (?:goes|we go)|you "
            r"know what|guess what|tell you what|i(?:'ll| will) tell you what|i have an idea|i(?:'ve)? got an idea|"
            r"change of pace|new plan|heads up|pay attention|wakey[ ,-]*wakey|rise and shine|up and at (?:'em|them)|"
            r"show (?:me|us) what you(?:'ve)? (?:got|can do)|let's (?:see|show) what you(?:'ve)? (?:got|can do)|"
            r"let's see some (?:speed|action|movement)|put some distance behind you|off we go|let's go|are you "
            r"ready|no time to (?:lose|waste)|we(?:'re| are) late|nothing (?:fancy|special|crazy)|simple(?: as that)?"
            r"|easy(?: peasy| enough| one)|quick one|just (?:this|for fun)|my turn|your turn|you there|dead simple|"
            r"bear with me|long story short|in short|in other words|to (?:sum|put it) "
            r"\w+)(?: for you| here| now)?[,.!:;-]+ *(?=\w)",
            r"\1",
        ),
        (
            rf"^\W*(?:make|have|let|get) (?:him|her|it|them|this (?:guy|thing|one|robot)) "
            rf"(?:to )?(?={GAIT}\b|go\b|step\b|move\b|stand\b|stop\b|get\b|back\b|take\b|"
            rf"wait\b)",
            "",
        ),
        (
            r"\bif (?:it|that) (?:isn't|is not|is n't|wouldn't be|won't be|would not "
            r"be|doesn't|does not) (?:be )?(?:too |"
            r"to )?(?:much )?(?:of )?(?:an? )?(?:trouble|bother|problem|hassle|inconvenience|imposition|bother you)"
            r"(?: for you| to you)?,? ?",
            "",
        ),
        (
            r"\bif you(?:'d| would|'ll| will|'re| are| could|'d please)? (?:just |please "
            r"|kindly )?(?:be )?(?:so |very )?(?:kind|good|nice|obliging)(?: enough)?(?: "
            r"as)?(?: to)?,? ?",
            "",
        ),
        (
            r"\bi (?:wonder|was wondering) (?:if|whether) you(?:'d| might| could| would|"
            r" can| may)?(?: be able to| mind| like to| care to)? ",
            "",
        ),
        (
            r"(?:^|(?<=[.!?;,] ))from (?:lying(?: down)?|a lying position|the (?:floor|ground)|your back|"
            r"your position on the (?:floor|ground))[,:] (?=\w)",
            "",
        ),
        (
            r"(^|[.!?] *)(?:whoa|woah|wow|easy|steady|oi|hey)(?: there| now| boy)?[,!.…]+ "
            r"*(?=(?:stop|halt|freeze|wait|hold|pause|stand)\b)",
            r"\1",
        ),
    )
)


def without_idioms(text: str) -> str:
    """Return an instruction with its idioms said in plain words that mean the same: "break into a jog" is "jog"."""
    for pattern, said in (*IDIOMS, *TRANSITIONS):
        text = pattern.sub(said, text)
    return text
