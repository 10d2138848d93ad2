"""Leave out reasons, remarks and limits, which change nothing: "the floor is wet, so walk" is "walk"."""

import re

from flexrl.language.rewriting.measures import ANGLE, LENGTH, NUMBER, TIME, VERB
from flexrl.language.rewriting.moods import flags
from flexrl.language.wording.words import DIRECTIONS, JUMPING, STANDING, TURNING, VERBS

_LEAD = r"^\W*(?:(?:ok|okay|alright|all right|right|well|so|now|oh|hey|and|but|look|listen|sorry),? )*"
_COMMANDED = (
    r"(?! ?(?:going to|gonna|to\b|doing|taking|making|got to|required|asked|supposed|allowed|what|where|how|now doing))"
)
_STATE = (
    r"(?:'s|'re|'m|'ve| is| are| am| was| were| has| have| had| looks?| seems?| feels?| gets?| can't| cannot|"
    r" isn't| aren't)"
)
_SUBJECT = (
    r"(?:i|we|he|she|it|they|you|this|that|there|here|everyone|everybody|someone|somebody|no ?one|nobody|people"
    r"|time|things"
    r"|(?:the|my|your|our|a|an|his|her|their|these|those|some)(?: \w+){1,3}?)"
)
_FACT = rf"{_SUBJECT}{_STATE}{_COMMANDED}\b(?![^,.;!]*\b(?:\d|what i|where i)\b)[^,.;:!?]{{0,60}}"
_SCENE = (  # remarks on what is going on, which need no "so"
    rf"(?=(?:you|we|there|they|everyone|everybody|people|somebody|someone|nobody|time|the (?:floor|ground|crowd"
    rf"|audience|clock"
    rf"|show|time|way|road|path|coast|area|room|space|others?|camera|light|stage|race|game|music)|it(?:'s| is|"
    rf" was| looks)"
    rf" (?:late|getting|time|your|ok|okay|fine|safe|clear|dangerous|slippery|wet|all|too|a bit|only|not|important"
    rf"|simple|easy"
    rf"|very|really|no|going|just|now|my|been))\b){_FACT}"
)
_PRAISED = (
    "grand|great|nice|lovely|good|perfect|wonderful|ideal|fab|fabulous|fantastic|brilliant|super|superb|awesome"
    "|fine|swell|ace"
    "|cool|appreciated|much appreciated|helpful|best|magic|marvellous|splendid|smashing|a treat|a help|kind"
)
_NOT_MORE = (
    r"(?:no|not) (?:more|less|fewer|further|farther|longer|faster|slower|quicker|one more|(?:a|one|another)"
    r" (?:step|inch|metre"
    r"|meter|second|jump|hop|degree|bit) (?:more|further|less|longer)|a bit (?:more|less))"
)
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        # reasons
        (rf"{_LEAD}(?:because|since|as|given that|seeing (?:as|that)|now that) {_FACT}, (?:so )?(?=\w)", ""),
        (
            rf"{_LEAD}(?:just |simply )?(?:so as|as|in order) to [^,.;]{{3,50}}, (?={VERB}\b)",
            "",
        ),
        (
            rf"{_LEAD}(?:just |simply )?to (?:warm (?:up|yourself)|stretch|cool (?:down|off)|get (?:warm|going|started"
            r"|ready)|loosen up|limber up|finish(?: off| up)?|end|conclude|begin|start|open|close|relax|unwind)\b"
            r"[^,.;]{0,30}, (?=\w)",
            "",
        ),
        (
            r",? that (?:you(?:'ve| have|'re| are)?|i|we)(?:'ve| have)? (?:still )?(?:owe|promised?|need|want|like"
            r"|left|due|asked|wanted|needed)(?: me| us| for| to (?:do|take|make)| to)?(?=\s*(?:[,.;!]|$|and\b|then\b))",
            "",
        ),
        (
            r",? (?:is|are|will be|would be) (?:the|your) (?:turn|walk|run|jump|angle|distance|move|step)s? "
            r"(?:to (?:make|take|do|cover)|(?:that )?you (?:should|must|need to|have to|are to|ought to) (?:make|take"
            r"|do|cover))\b",
            "",
        ),
        (rf"{_LEAD}(?:i(?:'ve| have) )?(?:just )?changed my mind(?: about| on)?[^,.;]*[,.;]+ (?:so )?(?=\w)", ""),
        (rf"{_LEAD}{_FACT}(?:,|;|\.| -| –| —)+ (?:and )?(?:so|therefore|thus|hence|that's why) ,?(?=\w)", ""),
        (rf"{_LEAD}(?:{_SCENE}(?:[,;.!]+|\.\.\.| -| –| —) )+(?:so )?(?=[a-z]\w* )", ""),
        (rf",? (?:because|cause|cuz|since|seeing (?:as|that)|given that) {_FACT}(?=\s*[.!]*\s*$|[,:])", ""),
        (rf"(?<=\w)[,.;!]+ {_SCENE}(?=\s*[.!]*\s*$)", ""),
        (
            r"^\W*(?:so that|so|that) (?:i|we|they|he|she|everyone|everybody) (?:can|could|may|might|will|do|see)\b"
            r"[^,.;]*, ",
            "",
        ),
        (
            rf"{_LEAD}(?:the|my|our|his|her|their|this|that|an?) \w+(?: \w+)? (?:needs?|wants?|takes?|likes?|won't"
            r"|doesn't|don't|didn't)\b[^,.;\d]{0,50}, so (?=\w)",
            "",
        ),
        (
            rf"{_LEAD}(?:(?:the|my|your|our) )?(?:mum|mom|mummy|dad|daddy|nan|granny|teacher|coach|boss|doctor|director"
            r"|captain|sergeant|trainer|simon) (?:says?|said|wants you)(?: to|,| that you (?:should|must|are to))? "
            r"(?=\w)",
            "",
        ),
        (r",? so that (?:you|we|i|it|they|nobody|no one|everyone)\b(?![^,.;]*\bfac)[^,.;\d]*(?=\s*[.!]*\s*$)", ""),
        (
            r",? so (?:that )?(?:you|we|i|it|they|nobody|no one|everyone) (?:don't|do not|won't|can|can't|doesn't"
            r"|will|could|may"
            r"|know|see)\b[^,.;]*(?=\s*[.!]*\s*$)",
            "",
        ),
        # what was meant before
        (
            r"^\W*i (?:(?:had|was|would have|have|'d) )?(?:first |originally |initially )?(?:meant|wanted|going"
            r"|intended|planned|about"
            r"|thought|said|asked) [^.;]*?[,;] but (?:now |then |actually |instead |on reflection,? |on second"
            r" thoughts?,? )*",
            "",
        ),
        (
            r"[,.]? (?:and |but |then )?if (?:that|it|you|this)\b[^,.]{0,30}(?:\.\.+|…|-+|,) ?(?:oh,? |no,? |ah,? )?"
            r"(?:never ?mind|forget it|scratch that)",
            ", scratch that",
        ),
        (
            r",? (?:please )?\b(?:change|switch|alter|replace|swap|make|turn) (?:that|the|this) (?:(?:last|final"
            r"|previous) "
            r"(?:one|step|bit|part|thing|move|action|command)?|one|step|bit|part|command) ?(?:to|into|with|by|for"
            r"|be)?(?: be)?,? (?=\w)",
            ", scratch that, ",
        ),
        (rf"{_LEAD}from the (?:top|start|beginning|get-go)(?:,? please)?[,:.;!]+ ?(?=\w)", ""),
        (
            rf"(?<=\w),? (?:and )?(?:that|it|this)(?:'d| would|'ll| will| should)? be (?:really |very |so |just "
            rf"|absolutely )?"
            rf"(?:{_PRAISED})(?: of you| for now| for me)?(?=\s*[.!]*\s*$)",
            "",
        ),
        (
            rf"{_LEAD}(?:take it away|here goes(?: nothing)?|off you go(?= *[:;]|, {VERB}\b)|the following|as follows"
            rf"|over to you|your turn|you're"
            r" up|you're on|give it some gas|make it happen|get to work|get cracking|look alive|here's the plan|the"
            r" plan|same again"
            r"|one more thing|listen carefully|pay attention|do it like this|nothing fancy|very simple"
            r"|simple)[,:.!;]+ ?(?=\w)",
            "",
        ),
        (
            rf"({NUMBER} ?-?(?:{LENGTH}|{TIME}|{ANGLE})\b[^,.;!]*)[,.;!]+ (?:and )?(?:now )?go(?:,? go)*(?=[.!]*\s*$)",
            r"\1",
        ),
        (rf"{_LEAD}take it from the (?:top|start|beginning)[,:.!;]+ ?(?=\w)", ""),
        (rf"{_LEAD}(?:let's|let us|we'll|time to) (?:warm|cool|loosen|limber) (?:up|down|off)[,:.!;]+ ?(?=\w)", ""),
        (r"\b(?:let's|let us|we'll|we will|you'll) (?:begin|start|open|kick off) (?:off )?(?:with|by) ", "first "),
        (r",? meaning (?=\w+ly\b)", " "),
        (r"\bneedn't\b", "don't"),
        # limits
        (
            r",? (?:at (?:the )?(?:very )?(?:most|least)|at (?:a )?max(?:imum)?|tops)(?=\s*(?:[,.;!]|$|and\b|then\b))",
            "",
        ),
        (
            rf",? (?:and |but )?\b{_NOT_MORE}(?:,? (?:and |or |but )?{_NOT_MORE})*(?: than (?:that"
            rf"|this))?(?=\s*(?:[,.;!]|$))",
            "",
        ),
        (
            r",? (?:and |but )?(?:then )?(?:nothing (?:more|else|but that|further)|only that|that only|just"
            r" that)(?=\s*(?:[,.;!]|$))",
            "",
        ),
        (
            r",? (?:and |but )?that(?:'s| is|'ll be| will be)(?: really| just)? (?:all|it|everything|the lot"
            r"|enough|plenty"
            r"|sufficient)(?: \w+'\w+| \w+){0,6}(?=\s*[.!]*\s*$)",
            "",
        ),
        (
            r"\bfor as long as (?=(?:about )?(?:\d|an?\b|one|two|three|four|five|six|seven|eight|nine|ten|twenty"
            r"|thirty|half))",
            "for ",
        ),
        (
            r"\b(?:for|over|during) (?:the|a) (?:whole |full |entire |total )?(?:duration|course|period|space"
            r"|span|stretch|length"
            r"|distance|time|total|spell|interval) of (?=(?:about |exactly )?(?:\d|an?\b|one|two|three|four|five"
            r"|six|seven|eight"
            r"|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|half))",
            "for ",
        ),
        (
            r",? (?:which|that|it|this)(?: one)? (?:should|must|shall|will|is to|ought to|has to|needs to|can"
            r"|lasts?|takes?)(?: (?:last|be"
            r"|take|go on|cover|measure|continue))?(?: for)? (?=(?:about |exactly )?(?:\d|an?\b|one|two|three"
            r"|four|five|six|seven"
            r"|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|half)\w* ?\w*)",
            " for ",
        ),
        (
            r"(?:,| and)+ an? ((?:\w+ly )?(?:quick|slow|fast|brisk|gentle|swift|rapid|careful|small|big|little"
            r"|tiny)) one\b,?",
            r" \1",
        ),
    )
)


_THING = r"(?!(?:i|he|she|they)\b|it(?:'s| is) \w+ing\b)"  # "I am hungry" and "it is raining" are chat
_OPENING_FACT = flags(rf"{_LEAD}({_THING}{_FACT})[,.;:!]+ (?=[a-z])")
_CLOSING_FACT = flags(rf"(?<=\w)(?:[,.;!]+| -+)(?: because| since| as)? ({_THING}{_FACT})(?=\s*[.!]*\s*$)")
_MOVES = VERBS | DIRECTIONS | STANDING | TURNING | JUMPING


def without_remarks(text: str) -> str:
    """Return an instruction without reasons ("the floor is wet, so"), other remarks, and limits (", no more").

    Facts before or after what is to be done go, too, if they name no movement: "tiptoe, the baby is asleep".
    """
    for pattern, said in REWRITES:
        text = pattern.sub(said, text)
    for pattern in (_OPENING_FACT, _CLOSING_FACT):
        text = pattern.sub(lambda match: match[0] if _MOVES & {*re.findall(r"[a-z]+", match[1].lower())} else "", text)
    return text
