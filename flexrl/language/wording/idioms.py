"""Say the idioms of whole sentences plainly: short forms, scene setting, calls to begin, and ways of going over."""

import re

from flexrl.language.wording.moods import flags

_COUNT = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty)"
_UNIT = r"(?:m|met\w*|s|secs?|seconds?|min\w*|ft|feet|foot|yards?|cm|deg\w*|°|steps?|paces?|jumps?|hops?|times?|x)"
_GAIT = (
    r"(?:walk|run|jog|sprint|trot|stroll|march|dash|gallop|canter|amble|saunter|hop|jump|leap|bounce|spin|turn|rest"
    r"|pause|halt|power walk|speed walk|lope|tiptoe|creep)"
)
_ADJECTIVE = (
    r"(?:slow|gentle|light|quick|fast|brisk|steady|easy|short|long|full|leisurely|little|nice|good|slight|relaxed"
    r"|lazy|rapid|swift|final|normal|careful|quiet|big|small|hard|proper|flat[- ]out|all[- ]out|solid|simple)"
)
_START = r"(?:^|(?<=[.!?;:\n])|(?<=, )|(?<=then )|(?<=and )|(?<=so )|(?<=but ))\s*"
_MORE = r"(?: a (?:bit|little|touch)| much| even| way)?"
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
        (r"[,;]? (?:and |but )?(?:i |we )(?:do not|don't|didn't) mean ", ", not "),
        (
            r"\b(?:there(?:'s| is) )?no need (?:for you )?to (\w+)[,;] (\w+ing) (?:is|"
            r"will be|would be) (?:fine|ok|okay|enough)",
            r"\2",
        ),
        (r"[,;]? (?:but )?before (?:you )?(?:do|doing|you start|starting) (?:that|this|it|so),? ", ", but first "),
        (r"\bonly after ([^,.;]+?),? should you (?:start |begin )?", r"after \1, "),
        (r"\b(?:once|when|after) (?:upright|standing|up)(?: again)?,? ", "stand up, then "),
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
            r"^\W*(?:let|make|have|get|ask|tell) (?:the|our|this|your|a) \w+ (?:to )?(?=(?:walk|"
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
        # short forms
        (r"(?<=[a-z]) ?[*×✕] ?(?=\d)", " x"),
        (r"(?<=[a-z] )x (?=\d)", "x"),
        (r"\b(?:rot|rotn)\b", "rotate"),
        (r"(?<=turn )l\b|(?<=rotate )l\b|(?<=strafe )l\b|(?<=face )l\b|(?<=step )l\b|\bl(?= (?:turn|face)\b)", "left"),
        (r"(?<=turn )r\b|(?<=rotate )r\b|(?<=strafe )r\b|(?<=face )r\b|(?<=step )r\b|\br(?= (?:turn|face)\b)", "right"),
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
        (r"\b(?:klicks?|kliks?)\b", "kilometres"),
        (
            rf"\b(seconds?|minutes?|hours?|met(?:re|er)s?)(?:'s|') (?=(?:{_ADJECTIVE} )*(?:wait|break|{_GAIT})\b)",
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
        (r"\b(spin|turn|rotate|pivot|twirl) (?:round|around) once\b", r"\1 all the way around"),
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
            rf"{_START}(?:in|for|as|during|at)? ?(?:the |your |this |our )?(?:{_ORDINAL} "
            rf")?(?:scene|act|part|phase|stage"
            rf"|exercise|shot|take|round|drill|move|step|task|item|beat)(?: (?:\d+|{_COUNT}|{_ORDINAL}))?[,:]+ (?=\w)",
            " ",
        ),
        (
            rf"{_START}(?:on|at|upon) (?:my|the|your) (?:mark|signal|cue|whistle|command|word|go|bell|beep|count(?: of "
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
            rf"(?:to )?(?={_GAIT}\b|go\b|step\b|move\b|stand\b|stop\b|get\b|back\b|take\b|"
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
            r"\bfrom (?:lying(?: down)?|a lying position|the (?:floor|ground)|your back|"
            r"your position on the (?:floor|ground))[,:] (?=\w)",
            "",
        ),
        (
            r"(^|[.!?] *)(?:whoa|woah|wow|easy|steady|oi|hey)(?: there| now| boy)?[,!.…]+ "
            r"*(?=(?:stop|halt|freeze|wait|hold|pause|stand)\b)",
            r"\1",
        ),
        # ways of going over to a gait
        (
            rf"\b(?:break|ease|settle|launch|burst|go|move|transition|shift|slip|drop|slow|switch|change|speed|pick up|"
            rf"come|kick|get|wind|build|accelerate|decelerate|move up)(?: yourself| straight| gently| slowly| back)*"
            rf"(?: back| straight| up| down)* (?:over )?(?:in)?to (?:an? |your )?((?:{_ADJECTIVE},? (?:and )?)*)"
            rf"((?!rest|halt|turn|spin|pause|stop){_GAIT})\b",
            r"\1\2",
        ),
        (
            rf"\b(?:take|set|head|start|move|go|proceed|continue|carry on|advance|travel|"
            rf"be|keep going|come)(?: off| out|"
            rf" on| forward| forwards| ahead| away)? (?:at|with|on|for) an? ((?:{_ADJECTIVE},? (?:and )?)*)"
            rf"((?:sprint|run|jog|walk|trot|stroll|gallop|canter|dash|march|amble|saunter))\b(?! pace| speed)",
            r"\1\2",
        ),
        (
            rf",? (?:and |then )*(?:cool(?:ing)? down|warm(?:ing)? up|wind(?:ing)? down|recover(?:ing)?) (?:with|by) "
            rf"(?=(?:an? )?(?:{_ADJECTIVE} )*(?:\w+ing\b|{_GAIT}\b))",
            ", then ",
        ),
        (r"\bwalk it off\b", "walk"),
        (
            rf"{_START}(?:start|begin)(?: off| out)? (slow|slowly|fast|quick|quickly)(?=\s*(?:,|"
            rf"then|and then|before|;|\.))",
            r" walk \1",
        ),
        (
            rf"([.;!]) *(?:now |and |but |then |ok(?:ay)? )*(?:go |move |get |do it |"
            rf"a )?{_MORE} ?(slower|faster|quicker)(?: now)?(?=\s*(?:[.!;,]|$))",
            r", then \2",
        ),
        (
            r"\bslow (?:right |way |it |yourself )?down(?:,| and| then)+ (?=\w+)(?!stop|halt|stand|freeze|come|wait)",
            "slowly ",
        ),
        (
            r"\bspeed (?:right |way |it |yourself )?up(?:,| and| then)+ (?=\w+)(?!stop|halt|stand|freeze|come|wait)",
            "quickly ",
        ),
        (
            r"(^|[,;.!] ?)((?:forwards?|ahead|(?:\w+ ){1,3}(?:paces|steps)(?: forwards?|"
            r" backwards?| ahead)?))[,!.]+ march\b",
            r"\1march \2",
        ),
        (
            r"(^|[,;.!] ?)((?:(?:to the |diagonally )?(?:forwards?|ahead|backwards?|left|right)(?: and| to the)* ?)+), "
            r"go(?=[.!]*$)",
            r"\1go \2",
        ),
        (r"(^|[,;.!] ?)((?:by the |to the )?(?:left|right|rear|front)), (?:quick )?march\b", r"\1march \2"),
        (
            r"\b(?:slant|veer|angle|slope|drift|bear|cut)(?: off| across| over)? (?=(?:diagonally "
            r"|to the )?(?:back|forward|ahead|rear)\w*\b)",
            "walk diagonally ",
        ),
        (
            r"(?<=\w), (?:always |but |still )?(?:moving|going|heading|travelling|traveling|"
            r"stepping|walking) (?=(?:to the |straight )?"
            r"(?:forwards?|backwards?|back|ahead|slowly|quickly|fast|left|right|sideways|"
            r"diagonally)\b\W*(?:$|,|\.|and|then|for))",
            ", ",
        ),
        (
            r"(?<=back) to (?:where you (?:started|were|began|came from)|your (?:start(?:ing)?|"
            r"original) (?:point|position|place|spot))\b(?=[^.;,]*$)",
            "",
        ),
        (r"\bditto(?: but)?(?: going| to the| for)? (?=(?:left|right|back|forward)\w*\b)", "the same to the "),
        # order, negation and correction
        (
            rf"{_START}(?:under no circumstances|on no account|by no means|at no (?:point|"
            rf"time)|in no case)(?: should you| must you| may you| are you to| do you)? ",
            " don't ",
        ),
        (
            rf"{_START}(?:i|we) (?:don't|do not|didn't|did not|wouldn't|would not) (?:want|"
            rf"need|like|expect|ask|wish)(?: for)? (?:you|it|the robot)(?: to)? ",
            " don't ",
        ),
        (rf"{_START}(?:i|we)(?:'d| would) (?:rather|prefer(?: it if)?) you (?:didn't|did not|don't) ", " don't "),
        (
            rf"{_START}(?:never ?mind|forget(?: about)?|skip|no need for|leave out|enough "
            rf"with|enough of|drop) (?:the |all the |that |any )?(?=(?:{_GAIT}|\w+ing)\b)(?!(?:rope|"
            rf"every|morning|everything|thing|anything)\b)",
            " don't ",
        ),
        (rf"{_START}not (?:an? |the )(?={_GAIT}\b)", " don't "),
        (r",? (?:wh)?having first (?=\w+)", ", but first "),
        (r"(^|[.!?;,] *)last(?: up| thing)?[,:] (?=\w)", r"\1finally, "),
        (
            r",? (?:and |then )*(?:(?:to )?(?:wrap|round|top|cap|close|sign|polish|see)(?:ping|"
            r"ding|ping|ing)?(?: it| things| that| everything)? (?:up|off|out)"
            r"|closing|concluding|ending up|(?:for|as) (?:the|a|your) (?:finale|ending|"
            r"encore|closer))(?: with| by|,)+ (?=\w)",
            ", finally, ",
        ),
        (
            r"\b(?:i(?:'ve)? (?:just )?changed my mind|on reflection|i take (?:that|"
            r"it) back|silly me|my error|not that one|i was wrong|that's not right|let "
            r"me start over)\b",
            "scratch that",
        ),
    )
)


def without_idioms(text: str) -> str:
    """Return an instruction with its idioms said plainly; what they mean stays the same."""
    for pattern, said in IDIOMS:
        text = pattern.sub(said, text)
    return text
