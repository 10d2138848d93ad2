"""Patterns of words that repeat earlier clauses ("again"), ask to stand still, or continue the clause before."""

import re

STILL = re.compile(
    r"^(?:(?:move|budge|stir|step|moving|leave)(?: (?:at all|completely|please|until|a muscle|an inch|a bit"
    r"|anywhere|your feet|your spot|there"
    r"|away|yet|now|any ?more|any further|for|from) ?.*)?|do (?:anything|a thing).*|take (?:a|another|any)? ?steps?"
    r"|any movement.*|(?:go|walk) anywhere.*|go)$"
)
AGAIN = re.compile(
    r"^(?:(?:do |make |take |give me |perform |and )?(?:an? (?:second|third|fourth|further)|another|one more)(?:"
    r" one| time| of (?:those|these"
    r"|them|that))?|(?:and )?(?:once )?(?:again|once more|more|another|another one|one more|once again|another time"
    r"|one more time|one more go)"
    r"|(?:do|repeat) (?:the )?(?:last|previous|same) (?:one|step|move|action|thing"
    r"|part)(?: again)?(?: once more)?|same again"
    r"|repeat the last (?:step|move|part|action)|the same(?: thing)?(?: again)?)$"
)
ALL_AGAIN = re.compile(
    r"^(?:(?:do|repeat|perform|run through|go through|redo|run|replay|reprise|and)? ?(?:it all|all(?: of)?"
    r" (?:that|this|it)|everything|(?:the|that|this) (?:whole|entire"
    r"|full|complete|same) (?:thing|sequence|lot|routine|set|series|pattern|shebang|cycle|combo|combination"
    r"|exercise|process)"
    r"|(?:the|this|that|those|these) (?:sequence|routine|pattern|series|cycle|set|combination|combo|exercise"
    r"|drill|procedure|moves"
    r"|steps|actions|movements|lot))(?: through| over)?(?: again)?(?: more)?(?: once more)?|all (?:over )?again"
    r"|from the top"
    r"|all of (?:that|it|this)"
    r"|the whole (?:thing|sequence)(?: again)?|repeat (?:from the (?:start|beginning|top)))$"
)
THAT_AGAIN = re.compile(
    r"^(?:(?:do|repeat|perform|redo|make|of|for) (?:that|this|it|these|those|them|so|both|the same|same)(?:"
    r" all)?(?: over)?(?: again| more"
    r"| once more)?|repeat(?: again| more)?"
    r"|and repeat|do (?:exactly |just )?the (?:exact )?same(?: thing)?(?: (?:all )?over)?(?: again| once more)?"
    r"|(?:then )?repeat (?:the )?(?:above|process|both steps|these steps|those steps)|do so(?: again)?"
    r"|(?:that|this|it|these|those|the same|same)(?: again| over| once more)?(?: over)?|(?:do )?both|(?:and"
    r" )?over(?: again)?)$"
)
FOLLOWING = re.compile(r"^(?:do |repeat |perform )?(?:the following|this|these|the next steps?|as follows)$|^repeat$")
SAME_TO = re.compile(
    r"^(?:and )?(?:do |repeat )?(?:the same|that|it|this)(?: thing)?(?: again)?(?: but)? ?(?P<way>(?:to |on |in "
    r"|towards |toward )?(?:the |your )?"
    r"(?:other (?:side|way|direction)|opposite (?:side|way|direction)|left(?: side)?|right(?: side)?|backwards?"
    r"|forwards?|back))$"
)


MORE = ("", "more", "take more", "do more", "go more", "make more", "add more", "give me more")  # before "two more"
SMALL = frozenset("little small tiny short long big large more".split())  # of steps, beside their number
COVERED = frozenset(
    "go cover travel move do complete take reach make finish walk".split()
)  # as in "once you have gone 2 m"
MOVING = re.compile(r"^(?:moving|going|heading|travelling|traveling|stepping|walking) ")
