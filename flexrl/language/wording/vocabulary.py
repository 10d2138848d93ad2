"""The known phrases, by which a clause is read: what each of them says of the skill, the direction or the speed.

`phrase_table()` maps each phrase, as words with single spaces, to a `Meaning`. A verb's kind of meaning is what it
does: "go", "strafe", "back", "turn", "run", "jump", "stand" or "stand-up". The other kinds: "way", a direction;
"speed"; "turning", a sense of rotation; "place", such as "on the spot" or "in the air"; "plain", which changes nothing;
"bad" and "particle", which no skill can do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

from flexrl.language.plan import Speed
from flexrl.language.wording.formal_verbs import FORMAL_VERBS
from flexrl.language.wording.gaits import WALKED, at_gaits
from flexrl.language.wording.other_words import BAD, PARTICLES, THINGS
from flexrl.language.wording.rare_verbs import RARE_VERBS
from flexrl.language.wording.verbs import VERBS


@dataclass(frozen=True)
class Meaning:
    """What a phrase says.

    Attributes:
      kind: for a verb, what it does: "go", "strafe", "back", "turn", "run", "jump", "stand" or "stand-up"; else "way"
        (a direction), "speed", "turning" (a sense of rotation), "place", "plain" (changes nothing), "bad" or "particle"
        (no skill can do it), or "unknown".
      value: the direction, the sense of rotation ("left" or "right") or the place; for an unknown word the word before
        it; else empty.
      speed: the speed that the phrase says, or None.
    """

    kind: str
    value: str = ""
    speed: Speed | None = None


WAYS = {
    "forward": "forward; forwards; ahead; in direction of front; in the direction of front; "
    "in a forwards direction; in the "
    "forwards direction; straight in front of you; right in front of you; the "
    "way you face; in the way you are facing; to where "
    "you are facing; towards where you are facing; in your facing direction; in your current direction; in the same "
    "direction; in the same direction as before; onward;  onwards; straight "
    "ahead; straight on; straight forward; straight "
    "onward; forth; in "
    "front; in front of you; in front of yourself; to the front; to front; to your front; towards the front; "
    "toward the front; up front; up ahead; directly ahead; right "
    "ahead; dead ahead; in the direction you are facing; in the direction you're facing; where you are facing; "
    "the way you are facing; the way you're facing; in "
    "the direction of your face; in direction forward; in forward direction; in the forward direction; in a "
    "forward direction; to forward; in forward; front; the front; in the front; your front; up forward; down "
    "the line; frontward; frontwards; straight in front",
    "backward": "backward; backwards; back; rearward; in direction of back; in the direction "
    "of back; in the direction of your back; "
    "back the way you came; back where you came from; the way you came; in "
    "a backwards direction; in the backwards direction; "
    "rearwards; astern; aft; backside first; with your back first; back first; "
    " rearwards; in reverse; to the rear; to the back; to your rear; "
    "to "
    "your back; to "
    "back; towards the back; towards your back; towards the rear; toward your back; toward the rear; behind; "
    "behind you; to behind; in the "
    "backward direction; in a backward direction; in backward direction; in backward; rear; the rear; the "
    "back; your back; in the back; in the reverse direction; in reverse gear; straight back; straight "
    "backward; straight backwards; rear ways; to the behind",
    "sideways": "sideways; laterally; sidewards; to the side; to one side; side; sideward; to side",
    "diagonal": "diagonally; diagonal; on a diagonal; on the diagonal; at an angle; in a diagonal; on a slant; "
    "slanting; "
    "in diagonal; obliquely; along a diagonal; at a diagonal; off at an angle",
    "straight": "straight; in a straight line; in straight line; in a line; in a direct line; directly",
    "around": "around; round; about; right around; right round; back around; on your axis; around your axis; "
    "about your "
    "axis; around on the spot; around in place; on your own axis",
}
PLACES = {
    "spot": "on the spot; in place; on your spot; at the spot; in your place; in the same place; on one spot; on this "
    "spot; on that spot; in one place",
    "air": "up; upward; upwards; high; into the air; in the air; off the ground; off the floor; straight up; "
    "vertically; up high; up in the air; up into the "
    "air; off your feet; into the sky; for joy; up and down; as high as you can; as high as possible; as high "
    "as you possibly can; really high; very high; high up; mid air",
    "": "standing in place; standing still; standing at the same place; standing in the same place; standing on"
    " the spot; "
    "standing where you are; without leaving the spot; without leaving your spot; without leaving your place; "
    "where you are; where you stand; there; here; right there; right here; right where you are; in position; "
    "without moving; with both feet; on both feet; still; on your heel; on your heels; on the balls of your feet; "
    "motionless; like a statue; on your feet; in your tracks; tight; from the ground; from the floor; "
    "off both feet",
}
SPEEDS: dict[Speed, str] = {
    "slow": "slow; slowly; slower; gently; leisurely; carefully; cautiously; calmly; softly; lazily; unhurriedly; "
    "sluggishly; gradually; at a slow pace; at a leisurely pace; at a "
    "gentle pace; at a relaxed pace; at a snail's pace; at snail's pace; at a slow speed; at low speed; at a "
    "crawl; at half speed; in slow motion; in slow mo; nice and slow; nice and easy; nice and slowly; slow and "
    "steady; at "
    "an easy pace; at a slow and steady pace; with slow steps; with slow careful steps; with careful steps; "
    "with gentle steps; with small slow steps; with slow small steps; with slow speed; with low speed; at slow "
    "speed; "
    "in slow speed; in a slow pace; at slow pace; in a slow way; in a slow manner; as slowly as you can; as "
    "slowly as possible; as slow as you can; as slow as possible; in no hurry; in no rush; without hurry; "
    "without "
    "haste; without rushing; without hurrying; easy; at your leisure; at a comfortable pace; ploddingly; "
    "taking your time; take your time; with velocity slow; with caution; with care; at an unhurried pace; at a "
    "careful pace; unhurried; gentle; careful; sedately; timidly; gingerly; at a "
    "walking pace slowly; at reduced speed; at a lower speed; at a low speed; slowly slowly; warily; "
    "stealthily; at a sluggish pace; at a slow rate; at a slow tempo; slow like a snail; like a snail; like a "
    "tortoise; like a turtle; at walking pace slowly; at quarter speed; tentatively; languidly; lightly and "
    "slowly; ever so slowly; little by little; bit by bit; inch by inch; at a pedestrian pace; at a sedate pace",
    "fast": "fast; faster; quickly; quick; quicker; briskly; brisk; rapidly; rapid; swiftly; swift; speedily; "
    "hurriedly; hastily; promptly; fastly; at a fast pace; at a quick pace; at a brisk pace; at a rapid pace; "
    "at a good clip; at a fast "
    "clip; at high speed; at full speed; at top speed; at maximum speed; at max speed; at a high speed; at "
    "speed; at pace; at a pace; at double speed; double quick; double time; on the double; at the double; as "
    "fast as "
    "you can; as fast as possible; as fast as you possibly can; as quickly as you can; as quickly as possible; "
    "as quick as possible; as quick as you can; in a hurry; in haste; with haste; with speed; with fast steps; "
    "with quick steps; with fast speed; with high speed; with purpose quickly; in a rush; "
    "flat out; full tilt; at full tilt; full pelt; at full pelt; full speed; top speed; all out; like the "
    "wind; like crazy; like mad; like hell; like lightning; like a bullet; like a shot; for your life; for "
    "dear life; like your life depends on it; as if your life depended on it; hard and fast; chop chop; "
    "in quick time; quick time; with full speed; at great speed; at a fast speed; at a quick speed; "
    "in a fast way; in a quick manner; in a fast pace; in fast speed; with urgency; with vigour; with vigor; "
    "vigorously; energetically; urgently; at a clip; at a rate of knots; lickety split; pronto; at your "
    "fastest; at your top speed; your fastest; at your maximum speed; at warp speed; as fast as your legs can "
    "carry you; as fast as your legs will carry you; as fast as you are able; with all your might; with all "
    "speed; at breakneck speed; super fast; really fast; maximum speed; max speed; at an "
    "increased speed; at increased speed; with a quick pace; with a brisk pace; with a fast pace; with brisk "
    "steps; like a cheetah; like a rocket; like the devil; like a maniac; as though your life depends on it; "
    "at a hurried pace; at lightning speed; in double time; at twice the speed; at a faster pace; at a quicker "
    "pace; at a higher speed; hell for leather; posthaste; fleetly; nimbly and quickly",
}
PLAIN = (
    "a; an; the; some; bit; a bit; a little; little; a tad; a touch; a smidge; a little bit; a bit more; a "
    "little more; slightly; more; some more; further; yourself; your body; normally; "
    "at a normal pace; at normal pace; at a normal speed; at normal speed; at your usual pace; at your usual "
    "speed; at your normal pace; at a steady pace; at an even pace; at a regular pace; at a moderate pace; at "
    "moderate speed; at your own pace; at an ordinary pace; at a constant pace; at the usual pace; with normal "
    "speed; in a normal way; at "
    "average speed; at a medium pace; at medium speed; for a bit; for a while; for a moment; for a little "
    "while; for a short while; for some time; for a short time; for a little; a while; awhile; a moment; a few "
    "moments; for a few moments; for a "
    "sec; for now; a short way; a short distance; some distance; a little way; a bit of; do some; do a bit of; "
    "do; very; really; quite; so; rather; pretty; fairly; extremely; super; incredibly; nice; nicely; good; "
    "please; now; then; just; also; too; smoothly; "
    "steadily; steady; directly; immediately; simply; again; once; sharply; sharp; hard; small; big; large; "
    "long; short; tiny; huge; giant; full; single; simple; body; whole; whole body; with small steps; with big "
    "steps; with large steps; with short steps; with long steps; by small steps; in small steps; with light "
    "steps; lightly; "
    "baby; normal; ordinary; regular; usual; and; by; for; to; perform; execute; make; take; give; gimme; "
    "have; your; you; completely; all the way; the way; way; freely; confidently; with confidence; properly; "
    "neatly; carefree; happily; casually; naturally; cheerfully; like a normal person; with purpose; "
    "purposefully; with determination; proudly; by foot; on foot; tidily; along; only; exactly; precisely; "
    "one; self; proper; cleanly; sideway; place; no; any; still; direction; heading; clear; crisp; "
    "of; humanoid; robot; as you were; give me; give us; for me; let me see; show me; a pace; movement; "
    "motion; quarter; half; per; somewhat; marginally; gingerly done; in the usual way; today; for me; my "
    "friend; moderately; in stride; ever; both; boldly; quietly; in silence; "
    "silently; calmly; calm; tall; without a sound; "
    "without making a sound; without making a noise; without noise; light; "
    "a wee bit; wee; a wee; lil; lil bit; a lil; a lil bit; "
    "tiny bit; a tiny bit; a smidgen; a hair; a fraction; a notch; ever so "
    "slightly; ever so; a good bit; a fair bit; quite a "
    "bit; a while longer; for a while longer; for a bit longer; a bit longer; "
    "for a spell; for a jiffy; for a tick; a tick; a "
    "jiffy; for a second or so; for a short spell; for as long as you like; until further notice; indefinitely; "
    "forever; for ever; with your head up; head up; chin up; with your back "
    "straight; back straight; upright; with both legs; with good posture; in "
    "one go; "
    "in one motion; in a controlled manner; as normal; like normal; like usual; "
    "as you normally do; as you normally would; as "
    "usual; as you please; as you like; as you wish; at will; without stopping; "
    "nonstop; non stop; without a break; without "
    "pausing; continuously; the whole time; from there; from here; out; in your own time; again and again; "
    "altogether; in total; in all; overall; further along; further on; a ways; a "
    "short ways; a little ways; a little distance; a small distance; a bit of a way; some way; a few"
)


BEFORE_SIDE = (  # what may stand before "left" and "right"; the first is nothing
    "; to; to the; to your; to its; to my; towards; towards the; towards your; toward the; toward your; in "
    "the; in; on the; on your; on; over to the; over to your; off to the; off to your; at the; at; the; your; "
    "into the; out to the; across to the; over; at your; to a; a; onto the; to the far; for the; for; toward"
)
AFTER_SIDE = (  # what may stand behind them
    "; side; hand side; direction; way; hand direction; sides; face; hand way; "
    "flank; hand; side of you; of you; of yourself"
)
SENSES = {  # of rotation
    "right": "clockwise; clock wise; cw",
    "left": "counterclockwise; counter clockwise; anticlockwise; anti clockwise; counter clock wise; anti clock wise; "
    "ccw; acw; contraclockwise",
}
SENSE_FRAMES = (
    "{}; in a {} direction; in the {} direction; in {} direction; in a {} way; in a {} sense; in the {} sense; in {}"
)


def _phrases(text: str) -> Iterator[str]:
    return (" ".join(phrase.split()) for phrase in text.split(";") if text)


def _risings() -> Iterator[str]:
    """Yield ways of rising from the floor: "pull yourself up off the ground"."""
    verbs = (
        "pull",
        "push",
        "lift",
        "raise",
        "pick",
        "haul",
        "get",
        "hoist",
        "drag",
        "heave",
        "bring",
        "stand",
        "prop",
        "help",
    )
    ends = (
        "up",
        "back up",
        "upright",
        "up again",
        "to your feet",
        "back to your feet",
        "on your feet",
        "onto your feet",
        "to standing",
        "up to standing",
        "to a standing position",
        "back to standing",
        "up to a standing position",
    )
    ends += tuple(
        f"{up}{off} the {floor}"
        for up in ("up ", "")
        for off in ("off", "from", "off of")
        for floor in ("floor", "ground")
    )
    yield from (f"{verb} yourself {end}" for verb, end in product(verbs, ends))


def _without_articles(table: dict[str, Meaning]) -> Iterator[tuple[str, Meaning]]:
    """Yield a copy without articles of each phrase that has some, with the phrase's meaning.

    "From the floor" gives "from floor". Phrases that would leave one word only, or that name no skill, direction, speed
    or place, are not copied.
    """
    for phrase, meaning in table.items():
        words = phrase.split()
        bare = [word for word in words if word not in ("the", "a", "an")]
        if len(words) > len(bare) > 1 and meaning.kind not in ("bad", "particle", "plain"):
            yield " ".join(bare), meaning


def _sides() -> Iterator[tuple[str, Meaning]]:
    """Yield phrases that name a side ("to your left") or a sense of rotation ("clockwise"), each with its meaning."""
    for side in ("left", "right"):
        meaning = Meaning("way", side)
        for before, after in product(_phrases(BEFORE_SIDE), _phrases(AFTER_SIDE)):
            yield " ".join(f"{before} {side} {after}".split()), meaning
        for way, end in product(("to the ", "in the ", "in a "), ("", "s", " direction")):
            yield f"{way}{side}ward{end}", meaning
        for end in ("", "s", " direction"):
            yield f"{side}ward{end}", meaning
    for sense, words in SENSES.items():
        for word, frame in product(_phrases(words), _phrases(SENSE_FRAMES)):
            yield frame.format(word), Meaning("turning", sense)


@cache
def phrase_table(rare: bool = True) -> dict[str, Meaning]:
    """Return each known phrase and what it means.

    With `rare`, the table has the rarer verbs, too, and the names of things around the body, such as "river".
    """
    table = {phrase: Meaning("bad") for phrase in (*_phrases(BAD), *_phrases(THINGS if rare else ""))}
    table |= {phrase: Meaning("particle") for phrase in _phrases(PARTICLES)}
    table |= {phrase: Meaning("plain") for phrase in _phrases(PLAIN)}
    table |= {phrase: Meaning("place", where) for where, text in PLACES.items() for phrase in _phrases(text)}
    for speed, text in SPEEDS.items():
        table |= {phrase: Meaning("speed", speed=speed) for phrase in _phrases(text)}
    for way, text in WAYS.items():
        table |= {phrase: Meaning("way", way) for phrase in _phrases(text)}
    for (family, speed), text in (
        *(FORMAL_VERBS.items() if rare else ()),
        *(RARE_VERBS.items() if rare else ()),
        *VERBS.items(),
    ):
        table |= {phrase: Meaning(family, speed=speed) for phrase in _phrases(text)}
    table |= {phrase: Meaning("stand-up") for phrase in _risings()}
    table |= {phrase: Meaning(family, speed=speed) for phrase, family, speed in at_gaits()}
    table = {f"{verb} it": table[verb] for verb in WALKED if table[verb].kind in ("go", "run")} | table
    table = dict(_without_articles(table)) | table
    return table | dict(_sides())
