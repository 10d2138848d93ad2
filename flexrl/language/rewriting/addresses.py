"""Leave out parts of an instruction that change nothing: names ("Anna, "), labels ("Task: ") and exclamations."""

import re
from collections.abc import Sequence
from functools import cache

from flexrl.language.quantities.numbers import NUMBERS
from flexrl.language.quantities.units import UNITS
from flexrl.language.rewriting.moods import flags
from flexrl.language.wording.vocabulary import phrase_table
from flexrl.language.wording.words import base_form

NAMES = (
    "mister missus miss mr mrs ms ma'am madam sir hon honey hun sweetie sweetheart sweetums sugar sunshine lovely"
    " love luv"
    " lovie ducky duckie petal poppet pet dearie dear darling darlin babe baby cutie angel treasure precious"
    " muffin pumpkin"
    " champ champion chief chap chum cobber mate matey pal buddy bud budster bro bruh bruv brother sister sis cuz"
    " fam homie"
    " dude dawg fella fellow fellas lad laddie lads lass lassie boyo kid kiddo kiddie junior sonny son daughter"
    " cowboy cowgirl"
    " tiger tigger slugger sport sunbeam superstar star hero legend genius einstein maestro professor doc boss"
    " guv guvnor"
    " captain cap skipper sarge sergeant soldier private corporal cadet recruit trooper rookie marine sailor"
    " comrade amigo"
    " amiga compadre senor monsieur friend friendo bestie gorgeous handsome beautiful gentlemen ladies folks"
    " everyone everybody"
    " y'all team squad gang people class troops bot robot robo robbie robby robotto droid android humanoid"
    " machine automaton"
    " clanker tin-man tinman metalhead bucket jarvis alexa siri cortana google atlas optimus asimo bumblebee hal marvin"
    " mister-robot roboto walker jumper runner sprinter stranger partner pardner lazybones slowpoke sleepyhead"
    " dummy silly"
    " silly-billy goofball clumsy twinkletoes trouper young-man old-man old-chap old-boy old-bean old-sport"
    " good-sir my-lord"
).split()
EXCLAMATIONS = (
    "omg omfg lol lmao rofl haha hahaha hehe yalla vamos andale avanti allez hop-hop hup oi oy ahoy yo hiya heya"
    " howdy aloha"
    " hola bonjour ciao salut hello hey hi greetings gosh golly gee jeez sheesh blimey crikey yikes wow wowza"
    " whoa woah ooh"
    " oooh aha ahem ah oh ugh meh phew bah argh grr hmph pfft tut psst shh ta-da tada voila bingo bravo hooray"
    " hurray hurrah"
    " yay yippee woohoo yes yeah yep yup yah aye ya yass affirmative roger roger-that copy copy-that righto"
    " rightio right-o"
    " righty-ho right-ho okey-dokey okie-dokie okie okey oki k kk ok okay alrighty alright aight ight nah-nah"
    " bruh ngl tbh imo"
    " imho fr rn btw fyi ty tysm thx thanx thnx cheers ta tia please pls plz pretty-please gracias danke merci"
    " bitte prego"
    " amen goodness heavens mercy man boy brother damn dammit darn dang heck hell sheesh well look listen see"
    " anyway anyhow"
    " now so alors eh huh innit mkay capisce savvy comprende understood bosh sorted simples go-on come-on cmon"
    " c'mon goodie"
    " goody all-right alrighty-then great super nice cool sweet awesome brilliant perfect splendid marvellous"
    " excellent lovely fine good"
    " right-then"
    " ok-then well-then now-then mind mind-you you-see you-know please-and-thank-you thank-you thanks oh-well"
    " oh-boy oh-dear"
    " oh-my my-my dear-me my-goodness good-grief for-goodness-sake for-pete's-sake for-goodness'-sake no-worries"
    " all-good"
    " pronto presto stat asap as-it-were so-to-speak if-you-please if-you-will no-slacking no-excuses no-cheating"
    " no-messing"
    " no-more-no-less no-questions-asked no-arguments no-buts no-nonsense no-funny-business no-dawdling no-fuss no-less"
).split()
LABEL_NOUNS = (
    "cmd|command|commands|seq|sequence|task|tasks|trial|condition|test|baseline|protocol|drill|experiment|phase"
    "|script|mission"
    "|plan|goal|goals|instruction|instructions|prompt|input|order|orders|todo|to-?do|note|memo|objective|brief|briefing"
    "|assignment|exercise|routine|workout|set|round|level|scenario|scene|request|agenda|programme"
    "|program|checklist"
    "|message|msg|update|directive|choreography|warm-?up|cool-?down|stage direction|job|query|attempt"
    "|run-?through|part|step"
    "|move|act|action|take|shot|stage|item|block|section|option|case|episode|session|measurement|recording"
    "|subject|homework"
    "|challenge|dare|game|quest|lesson|recipe|procedure|steps|actions|moves|today's? \\w+|next up|new one"
    "|thing|bit|number|rep|lap time|position|instruction set"
)
_BEGIN = r"(?:^|(?<=[.!?;\n])|(?<=, )|(?<=then )|(?<=so ))\s*"


def _words(names: Sequence[str]) -> str:
    """Return a pattern that matches any of these names; a hyphen in them matches a hyphen, a space or nothing."""
    return "|".join(re.escape(name).replace(r"\-", "[ -]?") for name in sorted(names, key=len, reverse=True))


_MINE = (  # what "my" may stand before that is no person
    r"(?!(?:mistake|bad|fault|error|apolog\w+|left|right|turn|goodness|word|god|arm|leg|hand|head|back|front|side"
    r"|way|signal"
    r"|mark|cue|command|count|order|task|plan)s?\b)"
)
_ORDINALS = "first|second|third|fourth|fifth|sixth|next|last|final|other"
_PET = (
    rf"(?:(?:my|you|ye|oh|o|old|young|little|big|good|dear|sweet|clever|silly|lovely|great|mighty|noble|brave|me"
    rf"|mister|miss"
    rf"|mr|hey|okay|ok|all right|alright|right|well|now|come on|come now|there|thanks|thank you|please),?"
    rf" )*(?:{_words(NAMES)}|my (?:dear |good |lovely |sweet |old |little"
    rf" )*{_MINE}\w+)"
)
_ADDRESS = rf"(?:{_PET}|(?:oh,? |well,? )?(?:{_words(EXCLAMATIONS)}))"
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (
            rf"{_BEGIN}(?:(?:for|in|on|as|during|now|new|next|okay|ok|this|the|your|our|my|first|second|third"
            rf"|last|final|turning"
            rf"|walking|standing|running|balance|gait|motion|movement|stepping|jumping|quick|short|simple|main"
            rf"|practice|baseline"
            rf"|control|warm-up|actual) ?)*(?:{LABEL_NOUNS})(?: ?#?(?:\d+|[a-d]|one|two|three|four|five|six|seven"
            rf"|eight|nine|ten))?"
            rf"(?: is(?: as follows| simple| this)?| as follows|, should you accept it)?\s*: *(?=\w)",
            " ",
        ),
        (
            rf"{_BEGIN}(?:(?:for|in|on|as|now|next|this|the|your|our) )*(?:trial|test|condition|exercise|task"
            rf"|phase|drill|stage"
            rf"|experiment|session|subject|scenario|participant|attempt|item|(?:{_ORDINALS}) (?:thing|step|move"
            rf"|part|action|task"
            rf"|command|one|item|instruction))(?: (?:\d+|[a-d]|one|two|three|four|five|six))?, *(?=\w)",
            " ",
        ),
        (rf"(^|[.!?;] *)(?:(?:{_ADDRESS})[,.!:;…]+ *)+(?=\w)", r"\1"),
        (rf", (?:{_ADDRESS})(?=\s*[,.!?;:]+ *\w)", ","),
    )
)
_TAIL = re.compile(rf"(?:,|[.!?]) *(?:{_ADDRESS})(?=\s*[.!?]*\s*$)", re.IGNORECASE)
_BARE = flags(
    r"^\W*(?:(?:omg|omfg|lol|lmao|haha|yo|hey|oi|wow|whoa|yikes|gosh|ugh|btw|fyi|ngl|tbh|bruh|dude|bro|aight|oh"
    r"|ah|ooh|yalla|ok|okay"
    r"|alright|so|um+|uh+|er+m?|hm+)[, ]+)+(?!wait|no\b|sorry|actually)(?=\w)(?=\w+ \w)"
)
_HESITATION = flags(r"(?<=\w) (?:u+m+|u+h+|e+r+m?|e+h+m|h+m+|mm+) (?!wait|no\b|sorry|actually|make|scratch)(?=\w)")
_CHAT = flags(
    r"(?<=\w) (?:lol|lmao|haha|k|kk|thx|ty|tysm|thanx|thnx|bro|bruh|fam|dude|mate|pls|plz|rn|fr|ok|okay|yo"
    r"|man)(?=\s*[.!]*\s*$)"
)
_HAILED = flags(
    r"^\W*(?:(?:hey|hi|hello|ok|okay|yo|oi|dear|listen|so|now|right|please),? )?([A-Za-z][\w'-]*)[,!:] +(?!then\b"
    r"|and\b)(?=\w)"
)
_NAMED = re.compile(r", ([A-Z][a-z]+(?: [A-Z][a-z]+)?)(?=\s*[.!?]*\s*$)")
_GREETED = flags(r"^\W*(?:hey|hi|hello|ok|okay|yo|oi) ([a-z][\w'-]+) (?=\w)")


def without_addresses(text: str) -> str:
    """Return an instruction without names ("Anna, "), exclamations ("Wow, ") and labels ("Task: ")."""
    for pattern, said in REWRITES:
        text = pattern.sub(said, text)
    text = _CHAT.sub("", _TAIL.sub("", _BARE.sub("", _HESITATION.sub(" ", text))))
    for pattern in (_HAILED, _NAMED, _GREETED):
        text = pattern.sub(lambda match: match[0] if _means_something(match[1]) else " ", text, count=1)
    return text


def _means_something(name: str) -> bool:
    """Return whether a text that may be a name has a known word, a number word or a unit, and so is no name.

    "Walk" in "Walk, robot" means something and is kept; "Anna" in "Anna, walk" means nothing and is left out.
    """
    words = {word for said in re.split(r"[\s-]", name.lower()) for word in (said, base_form(said), said.rstrip("s"))}
    return bool(words & (_known_words() | NUMBERS.keys() | UNITS.keys()))


@cache
def _known_words() -> frozenset[str]:
    order = (
        "first then next last lastly finally before after once when not no never again twice thrice stop instead also"
    )
    known = {word for phrase in phrase_table() for word in phrase.split()}
    return frozenset(
        known | set(order.split()) | {"secondly", "thirdly", "firstly", "afterwards", "repeat", "sorry", "wait"}
    )
