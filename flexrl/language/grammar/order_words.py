"""Words that say in which order clauses are to be done, what not to do, and what is taken back."""

from typing import Literal

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

SCRATCH = (
    r"(?:scratch|strike|forget|cancel|ignore|delete|undo|disregard|drop) (?:that|it|this|all that|all of that"
    r"|everything)"
    r"(?: last (?:part|bit|one))?|never ?mind(?: that)?"
)
CORRECTIONS = (
    rf"(?:(?:(?:no+|nope|nah|oh),? )*(?:(?:no+|nope|nah)(?: no+)* (?:wait|sorry|hold on|hang on|not that|stop"
    rf" that)|(?:wait|hold on"
    rf"|hang on),? (?:no+|sorry|actually)"
    rf"|(?:i'?m |so )?sorry|i mean(?:t)?(?: to say)?|i wanted to say|or rather|actually|correction|(?:wh)?oo?ps"
    rf"|{SCRATCH}|my (?:mistake|bad|fault|apologies)"
    r"|on second thoughts?|change of plans?|make (?:that|it)(?= (?:\w+ ?){1,4})|that(?:'s| is|s) wrong|wrong|i misspoke"
    r"|let me (?:rephrase|correct)(?: that| myself)?|apologies|pardon(?: me)?|excuse me|not that|no+ no+"
    r"|better yet|rather(?=,)|even"
    r" better|better still"
    r"|(?<=,) ?(?:no,? )?better(?= (?:\w+ing|walk|run|jog|turn|jump|stop|go|step|sprint|stand|wait|make|do|take|to)\b)"
    r"|(?:i )?misspoke|my error|slip of the tongue|disregard|cancel|let's say|i should say|i should have said"
    r"|that should be"
    r"|strike that|as you were|erm,? no|err,? no|no(?: wait)? i (?:mean|meant)|what i mean(?:t)? (?:is|was)|i"
    r" meant to say))"
)
THEN = (
    r"(?:(?:and |but )?(?:then|after that|after this|after which|afterwards?|next|subsequently|thereafter|finally"
    r"|lastly|at last"
    r"|eventually|ultimately|next up|moving on|and to end"
    r"|at the end|in the end|to finish(?: up| off)?|last of all|later(?: on)?|following that|thereupon"
    r"|secondly|thirdly)"
    r"(?: on)?(?: (?:next|finally|afterwards?))?"
    r"|(?:and |then )?(?:followed|succeeded|followed up) (?:by|with)"
    r"|(?:and |then )?(?:finish(?:ing)?|end(?:ing)?|conclude)(?: up| off"
    r"| it)? (?:with|by|on)"
    r"|(?:and )?(?:once|when|after|as soon as) (?:that|this|it|that one|you|u)?(?:'s| is|'re| are|s| has been|'ve"
    r"| have|ve)?"
    r" ?(?:done|finished|completed|complete|finish|through|over|ready)(?: with)?(?: (?:that|this|it|doing that"
    r"|doing so))?(?! \w+ing\b)"
    r"|(?:and )?(?:once|when|after) you(?:'ve| have|ve)? (?:done|did|finished|completed) (?:that|this|it|so)"
    r"|(?<!one\s)(?<!a\s)(?<!half\s)(?<!1\s)(?<!next\s)second(?=,)|third(?=,)|fourth(?=,)"
    r"|(?:and after(?: you| u)?|(?<=,) after)(?= (?:walk|turn|run|jump|stop|go|stand|spin|rotate|step|move|wait)\b))"
)
_SOON = (  # "right after" is no side, and "turn right after" is one
    r"(?:(?<!turn\s)(?<!rotate\s)(?<!spin\s)(?<!step\s)(?<!the\s)(?<!your\s)(?<!face\s)(?<!go\s)(?<!move\s)"
    r"(?<!to\s)right |straight |immediately |just |directly )?"
)
AFTER = (
    r"(?:(?:but |and )?(?:only "
    rf")?{_SOON}"
    r"(?:after|once|when|as soon as|upon|following) (?:you|u)(?: have|'ve|ve| had|'re| are|re)?(?: (?:done"
    r"|finished|completed))?(?: with)?"
    r"(?! (?:see|hear|feel|notice|want|like|reach|get|arrive|can|find|meet|hit|touch|think|bump|sense|smell"
    r"|become|look)\b)"
    r"|(?:but |and )?(?:only "
    rf")?{_SOON}"
    r"(?:preceded by|after|upon|having(?= \w+(?:ed|ne|en|un|de)\b))"
    r"(?: having| finishing| completing)?(?! (?:a )?(?:while|bit)\b)"
    r"|(?:once|when|after) (?:done|finished)(?= \w+ing\b))"
)
BEFORE = rf"(?:(?:but |and )?{_SOON}(?:before|prior to) ?(?:you|u)?(?= \w))"
FIRST = (
    r"(?:,? ?but first(?: of all)?|,? ?(?:but |and )?before (?:that|this|it|doing that|doing so)"
    r"|,? ?but (?:start|begin) (?:by|with))"
)
OPENING = (
    r"(?:first(?:ly)?(?: of all| off)?|to begin(?: with)?|to start(?: with| off)?|in the first place"
    r"|(?:start|begin)(?: off| out)? (?:by|with)|initially|step (?:\d+|one|two|three|four|five) ?:?|number (?:one"
    r"|two|three))"
)
NOT = (
    r"(?:(?:and |but )?(?:please )?(?:do ?n'?t|do not|dont|never|must ?n'?t|must not|should ?n'?t|should not"
    r"|you are not to|avoid|refrain from|cannot"
    r"|no need to|there is no need to)(?: ever| you dare)?"
    r"|(?:but |and )?(?:without|with no|instead of|in place of|rather than|in lieu of)(?: any)?"
    r"|(?:but |and )?not(?! (?:sure|that)\b)|(?:and |but )?no(?= (?:\w+ing|turns?|jumps?|hurry|rush|stops?)\b))"
)
