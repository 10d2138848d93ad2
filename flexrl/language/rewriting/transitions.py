"""Patterns that say a change of gait, an order, a prohibition or a correction in plain words.

"break into a jog" is "jog", "under no circumstances" is "don't", and "I changed my mind" is "scratch that".
"""

import re

from flexrl.language.rewriting.moods import flags

GAIT = (
    r"(?:walk|run|jog|sprint|trot|stroll|march|dash|gallop|canter|amble|saunter|hop|jump|leap|bounce|spin|turn|rest"
    r"|pause|halt|power walk|speed walk|lope|tiptoe|creep)"
)
ADJECTIVE = (
    r"(?:slow|gentle|light|quick|fast|brisk|steady|easy|short|long|full|leisurely|little|nice|good|slight|relaxed"
    r"|lazy|rapid|swift|final|normal|careful|quiet|big|small|hard|proper|flat[- ]out|all[- ]out|solid|simple)"
)
START = r"(?:^|(?<=[.!?;:\n])|(?<=, )|(?<=then )|(?<=and )|(?<=so )|(?<=but ))\s*"
_MORE = r"(?: a (?:bit|little|touch)| much| even| way)?"

TRANSITIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        # ways of going over to a gait
        (
            rf"\b(?:break|ease|settle|launch|burst|go|move|transition|shift|slip|drop|slow|switch|change|speed|pick up|"
            rf"come|kick|get|wind|build|accelerate|decelerate|move up)(?: yourself| straight| gently| slowly| back)*"
            rf"(?: back| straight| up| down)* (?:over )?(?:in)?to (?:an? |your )?((?:{ADJECTIVE},? (?:and )?)*)"
            rf"((?!rest|halt|turn|spin|pause|stop){GAIT})\b",
            r"\1\2",
        ),
        (
            rf"\b(?:take|set|head|start|move|go|proceed|continue|carry on|advance|travel|"
            rf"be|keep going|come)(?: off| out|"
            rf" on| forward| forwards| ahead| away)? (?:at|with|on|for) an? ((?:{ADJECTIVE},? (?:and )?)*)"
            rf"((?:sprint|run|jog|walk|trot|stroll|gallop|canter|dash|march|amble|saunter))\b(?! pace| speed)",
            r"\1\2",
        ),
        (
            rf",? (?:and |then )*(?:cool(?:ing)? down|warm(?:ing)? up|wind(?:ing)? down|recover(?:ing)?) (?:with|by) "
            rf"(?=(?:an? )?(?:{ADJECTIVE} )*(?:\w+ing\b|{GAIT}\b))",
            ", then ",
        ),
        (r"\bwalk it off\b", "walk"),
        (
            rf"{START}(?:start|begin)(?: off| out)? (slow|slowly|fast|quick|quickly)(?=\s*(?:,|"
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
            r"(?<=back) to (?:where you (?:started|were|began|came from)|your (?:start(?:ing)?|"
            r"original) (?:point|position|place|spot))\b(?=[^.;,]*$)",
            "",
        ),
        (r"\bditto(?: but)?(?: going| to the| for)? (?=(?:left|right|back|forward)\w*\b)", "the same to the "),
        (r"\b(double|quick)[ -]time[,!.]+ march\b", r"march \1 time"),
        # order, negation and correction
        (
            r"\b(left|right|forwards?|backwards?|back|ahead) (?:no+|nope) (?=(?:left|right|forwards?|backwards?|back"
            r"|ahead|\d)\b)",
            r"\1, no wait, ",
        ),
        (
            rf"{START}(?:abort|cancel|call off|scrap|nix|ditch|belay|delete|quit|end|lose) (?:the |that |your |all )?"
            rf"(?={GAIT}(?:ning|ping|ing)?(?:,|;|\.| and\b| then\b))",
            " don't ",
        ),
        (
            rf"[,.;] (?:hmm+,? |no,? |uh,? |um,? |actually,? )*(?:you(?:'d| had) )?better(?: to)? (?={GAIT}\b|stop"
            rf"|go|step)",
            ", no wait, ",
        ),
        (
            r"(?<=\w),? (?:no+|nope|nah),? (?:just|instead|rather|better|it should be|let's|only)(?: make (?:it"
            r"|that))?,? "
            r"(?=\w)",
            ", no wait, ",
        ),
        (
            rf"{START}(?:under no circumstances|on no account|by no means|at no (?:point|"
            rf"time)|in no case)(?: should you| must you| may you| are you to| do you)? ",
            " don't ",
        ),
        (
            rf"{START}(?:i|we) (?:don't|do not|didn't|did not|wouldn't|would not) (?:want|"
            rf"need|like|expect|ask|wish)(?: for)? (?:you|it|the robot)(?: to)? ",
            " don't ",
        ),
        (rf"{START}(?:i|we)(?:'d| would) (?:rather|prefer(?: it if)?) you (?:didn't|did not|don't) ", " don't "),
        (
            rf"{START}(?:never ?mind|forget(?: (?:what|everything|all|anything) i (?:said|told you))?(?: about)?"
            rf"|skip|no need for|leave out|enough "
            rf"with|enough of|drop) (?:the |all the |that |any )?(?=(?:{GAIT}|\w+ing)\b)(?!(?:rope|"
            rf"every|morning|everything|thing|anything)\b)",
            " don't ",
        ),
        (rf"{START}not (?:an? |the )(?={GAIT}\b)", " don't "),
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
