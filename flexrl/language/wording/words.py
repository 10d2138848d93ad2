"""Closed word classes of English instructions: directions, speeds, politeness, and the base form of verbs."""

import re

FORWARD = frozenset("front forward forwards ahead onward onwards straight forwad foward forwrad".split())
BACKWARD = frozenset("rear backward backwards back rearward rearwards backwads bakward bacward backwrd".split())
SIDES = frozenset("left right leftward leftwards rightward rightwards lef rigth rihgt letf leftt".split())
ROTATION = frozenset("clockwise counterclockwise anticlockwise counter anti".split())
DIRECTIONS = FORWARD | BACKWARD | SIDES | ROTATION
SLOW = frozenset("slow slowly gently leisurely carefully cautiously calmly softly steadily slower lazily".split())
FAST = frozenset("fast quickly quick briskly rapidly swiftly speedily hurriedly faster quicker hastily".split())
LOOSE = frozenset(  # words that neither make a clause nor change it
    "to the your my its his of a an in on at towards toward side hand direction directly diagonally sideways bit little"
    " very really quite nice and pace speed normal usual way more some now it be so right fairly super nicely more"
    " as you can possible possibly like as far steady brisk gentle high low full maximum top leisurely short while for"
    " around round about too haste hurry steps snail's relaxed moderate motion up front rear angle diagonal slanting"
    " straight hands low brisk with rather".split()
)
ADVERBS = SLOW | FAST | frozenset("again normally smoothly quietly immediately nicely".split())
STANDING = frozenset("stop wait stand halt freeze pause stay hold remain rest stopping waiting standing".split())
TURNING = frozenset("turn rotate spin pivot swivel twist revolve face swing wheel whirl twirl".split())
JUMPING = frozenset("jump hop leap bounce spring".split())
VERBS = frozenset(  # begin a new clause where punctuation is missing
    "walk run jump sprint jog turn rotate spin pivot stop wait halt freeze strafe sidestep hop leap swivel dash pause"
    " march stroll".split()
)
NOT_BEFORE_VERB = frozenset(  # before one of those verbs, the verb is a noun or part of a phrase
    "to a an the and or not don't dont never go power of your my you left right quarter half full u about no complete"
    " three-quarter whole quick slow small little big brisk long short single one two three four five six start begin"
    " keep continue stop please can will should must start's speed let's could would with by i make do take come short"
    " high for good gentle leisurely stand standing running jumping turning broad star tap moon another last first next"
    ""
    " all-out flat-out full crab speed power powers speeds side race crabs light slight sharp tight wide "
    "second third casual bunny".split()
)

_IRREGULAR = {
    **{"changing": "change", "loping": "lope", "arranging": "arrange", "hoping": "hope", "ranging": "range"},
    **{
        word: word for word in ("spring", "string", "during", "nothing", "anything", "everything", "morning", "evening")
    },
    **{"going": "go", "went": "go", "gone": "go", "ran": "run", "stood": "stand", "took": "take", "taken": "take"},
    **{"made": "make", "making": "make", "taking": "take", "done": "do", "doing": "do", "being": "be", "got": "get"},
    **{"gotten": "get", "swung": "swing", "spun": "spin", "crept": "creep", "leapt": "leap", "sprang": "spring"},
    **{"striding": "stride", "strode": "stride", "rising": "rise", "risen": "rise", "rose": "rise", "come": "come"},
    **{"came": "come", "coming": "come", "dying": "die", "held": "hold", "kept": "keep", "did": "do", "been": "be"},
    **{"swivelling": "swivel", "swivelled": "swivel", "travelling": "travel", "travelled": "travel", "run": "run"},
    **{"hiking": "hike", "swaying": "sway", "using": "use", "seeing": "see", "tiptoeing": "tiptoe", "skating": "skate"},
    **{
        "sitting": "sit",
        "sat": "sit",
        "bringing": "bring",
        "swinging": "swing",
        "springing": "spring",
        "paced": "pace",
    },
    **{"hustling": "hustle", "tiring": "tire", "shuffled": "shuffle", "strafed": "strafe", "strafing": "strafe"},
    **{
        "wading": "wade",
        "sliding": "slide",
        "slid": "slide",
        "gliding": "glide",
        "parading": "parade",
        "skipped": "skip",
    },
    **{"completed": "complete", "completing": "complete", "having": "have", "hopping": "hop", "hopped": "hop"},
    **{"sidestepping": "sidestep", "facing": "face", "faced": "face", "hiked": "hike", "strolled": "stroll"},
}
_WITH_E = re.compile(r"(?:[^aeioul]l|[cvsuz]|dg|[^aeiou]at|ot?at|[aeiou]at|arg|erg|ung|nk?g|uid|ap|id|ak|ok|ik)$")
_WITHOUT_E = re.compile(
    r"(?:eat|oat|oak|eak|eek|ook|ss|us[^e]|x|ss|ress|ing|oap|eap|lunk|crawl|whirl|twirl|ps|ks|rawl|url)$"
)


def base_form(word: str) -> str:
    """Return the base form of a verb in -ing or -ed, for example "walk" of "walking"; other words as they are."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
    elif word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    elif word.endswith("ed") and len(word) > 4:
        stem = word[:-2]
    else:
        return word
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    return stem + "e" if _WITH_E.search(stem) and not _WITHOUT_E.search(stem) else stem


def is_fragment(words: list[str]) -> bool:
    """Return whether words name only a direction, a speed or nothing, so that they are no clause of their own."""
    if words[:1] in (["pace"], ["hurry"]):
        return False
    return all(word in DIRECTIONS or word in LOOSE or is_adverb(word) for word in words)


def is_adverb(word: str) -> bool:
    """Return whether a word says how, not what: a known adverb, or a longer word in -ly."""
    return word in ADVERBS or (word.endswith("ly") and len(word) > 6)


def directions(words: list[str]) -> list[str]:
    """Return the axes of direction words, in order: "along" (forward, back), "across" (sides), "around" (rotation)."""
    axes = []
    for i, word in enumerate(words):
        if word in FORWARD or word in BACKWARD:
            axes.append("along")
        elif word in SIDES and not (word == "right" and words[i + 1 : i + 2] in (["now"], ["away"], ["after"])):
            axes.append("across")
        elif word in ROTATION:
            axes.append("around")
    return axes
