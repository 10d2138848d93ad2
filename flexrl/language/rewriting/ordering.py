"""Say plainly in which order things are to be done, where a sentence says it in a roundabout way."""

import re

from flexrl.language.rewriting.moods import flags

_DONE = (
    r"(?:(?:all )?(?:done|over|complete|completed|finished|made|taken|performed|executed|behind you|out of the"
    r" way|passed"
    r"|elapsed|gone by|gone|up|through|under your belt|accomplished|achieved|over with|done with|covered|in the bag"
    r"))"
)
_WHEN = (
    r"(?:once|when|after|as soon as|the (?:moment|instant|second|minute)(?: that)?|immediately after|right"
    r" after|directly)"
)
_IS = r"(?:is|are|has been|have been|has|have|'s|was|were|will be|gets|get)"
_ONE = r"(?:an?|the|your|one|two|three|four|five|six|seven|eight|nine|ten|some|half|\d+)\b"
_MANNER = r"(\w+ly|fast)"
_THING = r"(?:the |your |that |those |these |this |an? |all )?[^,.;:]{2,60}?"

REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        # "after X, Y"
        (
            rf"\b{_WHEN} (?=(?:\w+ ){{1,4}}(?:have|has) been (?:walked|run|jogged|sprinted|waited|marched"
            rf"|strolled|covered)\b)",
            "after ",
        ),
        (
            r"\b(?:only |but only |and only )?(?:once|when|after|as soon as|not until|not before) (you[^,.;]{3,60}?),? "
            r"(?:may|can|should|must|do|shall|will|are) you (?:to )?(?:then )?(?:start |begin |go on )?(?:to )?(?=\w)",
            r"after \1, ",
        ),
        (rf"\bwith ({_THING}) {_DONE},? (?:you (?:may|can|should) )?(?=\w)", r"after \1, "),
        (
            rf"\b{_WHEN} (?!you\b|that\b|this\b|it\b)({_THING}) {_IS} {_DONE}(?: with)?(?: by you)?(?=\s*(?:[,.;]"
            rf"|$|then\b))",
            r"after \1",
        ),
        (
            rf"\b{_WHEN} (?!you\b|that\b|this\b|it\b)({_THING}) {_IS} {_DONE}(?: with)? (?!with\b)(?=\w)",
            r"after \1, ",
        ),
        (r"\b(?:the (?:moment|instant|second|minute)) (?:that )?(?=you\b)", "as soon as "),
        (r"^\W*following (?=(?:an?|the|your|those|these|that|this|two|three|\d+)\b[^,]*, )", "after "),
        (r"\b(?:directly|straight) (?=you(?:'ve| have))", "as soon as "),
        (
            r"\b(after|once you(?:'ve| have)) ([^,.;]{3,50}?),? (?:there )?(?:comes?|follows?|is to follow) "
            r"(?=an?\b|the\b|your\b|one\b|two\b|three\b|four\b|five\b|six\b|\d|some\b|half\b)",
            r"\1 \2, ",
        ),
        # "X, but not before Y"
        (r",? (?:and |but )?(?:not|never) (?:before|until|till) (?:then |that )(?=\w)", ", then "),
        (
            r",? (?:and |but )?(?:not|never) (?:before|until|till)(?: first)? (?=(?:you\b|an?\b|the\b|\w+ing\b|\d"
            r"|having\b))",
            " only after ",
        ),
        # "do not X until Y"
        (
            r"(?:\bplease )?\b(?:don't|do not|dont|never|you (?:should|must|may|can|are) ?n[o']t(?: to)?)"
            r" (?:you )?(?:start |begin |dare |even think of |think about "
            r"|try to )?(?:to )?(?!move|budge|stir|stop|go\b|halt|quit|pause)([^,.;]{3,50}?),? (?:until|till"
            r"|before|unless) "
            r"(?=you(?:'ve| have|ve)\b|having\b|you (?:first |do |make |take |wait |did |finish|complete))",
            r"\1 after ",
        ),
        (
            r"(?:\bplease )?\b(?:don't|do not|dont|never) (?:stop|halt|quit|pause|rest)(?: (?:walking|moving"
            r"|going|running))?"
            r"(?: until| till| before) (?=you(?:'ve| have|ve)\b)",
            "stop after ",
        ),
        (
            r"(^|[.;!,] *)no (\w+ing)((?: \w+){0,2}?) (?:until|till|before|unless) (?=you(?:'ve| have|ve)\b)",
            r"\1\2\3 after ",
        ),
        (
            rf"\b(?:but |and )?only (?:{_WHEN}) ([^,.;]{{3,60}}?),? (?:may|can|should|must|do|shall|will|are) you"
            rf" (?:to )?"
            r"(?:then )?(?=\w)",
            r"after \1, ",
        ),
        (
            rf"(?:^|(?<=[.!?;] ))([^,.;]{{3,50}}?) (?:should |must |shall |will |is to |are to )?(?:follows?"
            rf"|comes? after"
            rf"|is preceded by|are preceded by|be preceded by) (?={_ONE})([^,.;]+)",
            r"\2, then \1",
        ),
        (
            rf"(?:^|(?<=[.!?;] ))(?:have |let |make )?([^,.;]{{3,50}}?) (?:should |must |shall |will |is to |are to )?"
            rf"(?:precedes?|comes? before) (?={_ONE})([^,.;]+)",
            r"\1, then \2",
        ),
        (rf"\b(?:precede|preface) ((?:the|your|a|an|that) [^,.;]+?) (?:with|by) (?={_ONE})([^,.;]+)", r"\2, then \1"),
        (rf"\bfollow ((?:the|your|a|an|that) [^,.;]+?) (?:with|by) (?={_ONE})([^,.;]+)", r"\1, then \2"),
        # what the end of a sentence says about the things before it
        (rf"^(.*?\w),? (?:and then|then|and) (.*?\w), both (?:of them )?{_MANNER}\W*$", r"\3 \1, then \3 \2"),
        (rf"^(.*?\w),? (?:and then|then|and) (.*?\w), {_MANNER} both times\W*$", r"\3 \1, then \3 \2"),
        (rf", (?:with )?the latter {_MANNER}(?=\s*[.!]*\s*$)", r" \1"),
        (rf"^(.*?\w),? (and|then|and then) (.*?\w), the former {_MANNER}\W*$", r"\4 \1 \2 \3"),
        (rf"\b(\w+) (?:twice|two times),? with ({_ONE}[^,.;]{{3,50}}?) in between\b", r"\1, then \2, then \1"),
        (
            rf"(?:\bdo |\bmake )?\b(?:two|2) (jump|hop|leap)s,? with ({_ONE}[^,.;]{{3,50}}?) in between\b",
            r"\1, then \2, then \1",
        ),
        (
            rf",? with ({_ONE}[^,.;]{{3,50}}?) (?:afterwards?|after that|at the end|to finish)(?=\s*(?:[,.;!]|$))",
            r", then \1",
        ),
        (
            r"^\W*(?:end|finish|conclude) (?:with|by) ([^,.;]{3,50}?),? (?:and|but) (?:start|begin|open) (?:with|by)"
            r" ([^.;]+)",
            r"\2, then \1",
        ),
        # first, second, last
        (
            r"(?:^|(?<=[.!?;] ))([^,.;]{3,50}?) (?:is|are|should be|will be|comes?) (?:the |your )?first(?: thing"
            r"| step| move"
            r"| action| task)?(?: to do)?[,;] (?:and |then |with )*([^,.;]{3,50}?)(?: is| are| comes| should be|"
            r" will be)? (?:the "
            r"|your )?(?:second|next|last|final)(?: thing| step| move| action| task| one)?(?=\s*(?:[.;!]|$))",
            r"\1, then \2",
        ),
        (
            r"(?:^|(?<=[.!?;] ))([^,.;]{3,50}?) (?:comes?|goes|is(?: to be)?|are) last[,;]? (?:and |but |while |with )?"
            r"([^,.;]{3,50}?) (?:comes? |goes |is |are )?first\b",
            r"\2, then \1",
        ),
        (
            r"(?:^|(?<=[.!?;] ))([^,.;]{3,50}?) (?:comes?|goes|is(?: to be)?|are) first[,;]? (?:and |then |and then |"
            r"followed by )*([^,.;]{3,50}?)(?: (?:comes? |goes |is |are )?(?:second|next|last|after(?:wards)?"
            r"|after that))?"
            r"(?=\s*(?:[.;!]|$))",
            r"\1, then \2",
        ),
        (
            r"(?:^|(?<=[.!?;] ))(?:your|the) (?:last|final|closing) (?:act|action|move|step|thing|task)(?: \w+"
            r" \w+)? (?:is|will be"
            r"|shall be|should be)(?: to)? ([^,.;]{3,50}?)[,;] (?:and )?(?:your|the) (?:first|opening)(?: one|"
            r" \w+)?(?:,| is"
            r"| will be| should be)(?: to)? ([^.;]+)",
            r"\2, then \1",
        ),
        (
            r"\b(?:your|the) (?:first|opening|initial) (?:act|action|move|step|thing|task|job)(?: you (?:do"
            r"|should do|must do))?"
            r",? (?:is|will be|shall be|should be|must be)(?: to| that you)? (?=\w)",
            "first ",
        ),
        (
            r"\b(?:your|the) (?:second|third|next|following|subsequent) (?:act|action|move|step|thing|task|job|one)?"
            r"(?: you (?:do|should do|must do))?,? ?(?:is|will be|shall be|should be|must be)(?: to| that you)? (?=\w)",
            "then ",
        ),
        (
            r"\b(?:your|the) (?:last|final|closing|concluding) (?:act|action|move|step|thing|task|job)"
            r"(?: you (?:do|should do|must do))?,? (?:is|will be|shall be|should be|must be)(?: to| that you)? (?=\w)",
            "finally ",
        ),
        (r"[,;] (?:and |but )?before (?:it|that|this|then),? (?:you )?(?:should |must |do )?(?=\w)", ", but first "),
        (
            r"\bbefore ((?:the|your|any|an?) [^,.;]{3,40}?) (?:there )?(?:has to be|must be|should be|is to be"
            r"|will be|comes?"
            r"|has to come|must come|should come|needs to be) (?=\w)",
            r"before \1, ",
        ),
        (r"\bonce you(?:'ve| have)? (?:get|got|gotten) (?:that|this|it|those|these) done\b", "then"),
        (r"\b(before|after) (?:we|i) (?=\w)", r"\1 you "),
        (r"\bafter (?:those|these),? ", "then "),
        (r",? (?:and )?(?:when|once) (?:those|these|that|they) (?:are|is) (?:up|over|done),? ", ", then "),
        (r",? (?:and )?after which (?:it|he|she|they|you) (?:shall|should|must|will|is to|has to) ", ", then "),
        (r"\b(before|prior to) any (?=\w)", r"\1 "),
        (r"(?<=\w),? (?:right |straight |directly )?after (?:it|that|this)(?=\s*(?:[,.;!]|$|and\b|then\b))", ""),
        (
            r"\b(before|after) ((?:the|your|that) \w+),? (?:i|we)(?:'d| would)? (?:like|want|need|have) "
            r"(?=an?\b|one\b|two\b|three\b|\d|some\b)",
            r"\1 \2, ",
        ),
        (
            r"(^|[.;] *)in (?=(?:about )?(?:\d|two|three|four|five|six|seven|eight|nine|ten|twenty|a )[\w .]*"
            r" (?:met\w+|m|feet|ft|yards?|steps?|paces?|seconds?|s)\b,)",
            r"\1after ",
        ),
    )
)


def ordered(text: str) -> str:
    """Return an instruction in which plain words say the order of what is to be done.

    "With two jumps done, walk" is "after two jumps, walk".
    """
    for pattern, said in REWRITES:
        text = pattern.sub(said, text)
    return text
