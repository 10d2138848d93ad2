"""The words from which the corpus is generated: phrases for each skill and speed, and for what no skill can do.

Phrases are written in one string, with semicolons between them. `{side}` stands for left or right, and `{turn}` for the
matching sense of rotation.
"""

from collections.abc import Mapping

from flexrl.language.plan import Speed


def phrases(text: str) -> tuple[str, ...]:
    """Split a text at its semicolons into phrases."""
    return tuple(phrase.strip() for phrase in text.split(";"))


WALK: Mapping[Speed | None, tuple[str, ...]] = {
    None: phrases(
        "walk; go; move; march; step; advance; proceed; travel; head; pace; stride; wander; hike; trek; tread; walk "
        "on; keep going; carry on walking; move along; press on; roam; make your way"
    ),
    "slow": phrases(
        "stroll; amble; saunter; creep; tiptoe; mosey; plod; inch; dawdle; meander; sneak; toddle; shuffle slowly; "
        "take a stroll; go for a stroll; walk on tiptoe; trundle"
    ),
    "fast": phrases(
        "hurry; power walk; speed walk; hustle; scurry; scuttle; bustle; rush; walk with haste; hasten; march briskly; "
        "walk in a hurry; speed along on foot"
    ),
}
BARE_WALK = phrases(
    "walk; go; move ahead; advance; come; proceed; march; start walking; get going; get moving; set off; go for a "
    "walk; take a walk; carry on; keep walking; walk on; come on; come forward"
)
FORWARD = phrases(
    "forward; forwards; ahead; straight ahead; straight; straight on; onward; onwards; in front of you; to the front; "
    "straight forward; directly ahead; up ahead; forward in a straight line"
)
BACKWARD = phrases(
    "backward; backwards; back; in reverse; rearward; to the rear; straight back; back a bit; towards your back; in a "
    "backward direction; backward in a straight line"
)
RETREAT: Mapping[Speed | None, tuple[str, ...]] = {
    None: phrases(
        "back up; retreat; back away; reverse; back off; withdraw; fall back; backtrack; step back; take a step back; "
        "move away backward; go into reverse; backpedal"
    ),
    "slow": phrases("ease back; inch back; creep back; tiptoe backwards"),
    "fast": phrases("hurry back; scurry backward; rush backwards"),
}
STRAFE: Mapping[Speed | None, tuple[str, ...]] = {
    None: phrases(
        "step; move; walk; go; strafe; sidestep; side step; shuffle; shuffle sideways; slide; sidle; shift; crab walk; "
        "scoot; step sideways; move sideways; walk sideways; go sideways; make a sidestep; travel sideways; move over; "
        "step over; move laterally; side shuffle; take a step; take a side step"
    ),
    "slow": phrases("edge; inch; creep sideways; tiptoe; stroll; ease over; amble"),
    "fast": phrases("hurry; scurry; rush sideways; scuttle; hustle"),
}
STRAFE_WAYS = phrases(
    "{side}; to the {side}; to your {side}; {side}ward; {side}wards; sideways to the {side}; to {side}; towards the "
    "{side}; over to the {side}; to the {side} side; to your {side} side; toward your {side}; in the {side} direction; "
    "off to the {side}; on the {side} side; to the {side} hand side"
)
DIAGONAL_WAYS = phrases(
    "{along} and to the {side}; {along} {side}; diagonally {along} and {side}; {along} and {side}; diagonally {along} "
    "to the {side}; diagonally {along} {side}; {along} to the {side}; {side} and {along}; {along} on a diagonal to the "
    "{side}; at an angle {along} and {side}; to the {side} and {along}; to the {corner} {side}; diagonally to the "
    "{corner} {side}; towards the {corner} {side}; {along} slanting to the {side}"
)
CORNERS = {"forward": ("front", "forward"), "backward": ("back", "rear")}
ALONG = {
    "forward": ("forward", "forwards", "ahead", "onward"),
    "backward": ("backward", "backwards", "back", "rearward"),
}
TURN: Mapping[Speed | None, tuple[str, ...]] = {
    None: phrases(
        "turn; rotate; spin; pivot; swivel; face; swing; revolve; wheel; twirl; turn yourself; rotate your body; turn "
        "your body; rotate on the spot; turn in place; spin in place; rotate in place; pivot on the spot; "
        "turn on the spot; change direction; turn to face"
    ),
    "slow": phrases("turn slowly; ease around; rotate gently; creep around"),
    "fast": phrases("whirl; turn quickly; spin fast; whip around; snap around"),
}
TURN_WAYS = phrases(
    "{side}; to the {side}; to your {side}; {side}ward; {side}wards; towards the {side}; {turn}; to {side}; to the "
    "{side} side; to your {side} hand side; in the {turn} direction"
)
TURNS = phrases(
    "make a {side} turn; do a {side} turn; take a {side}; hang a {side}; take a {side} turn; a {side} turn; make a "
    "turn to the {side}; a turn to the {side}; do a spin to the {side}; a rotation to the {side}; perform a {side} "
    "turn; make a {side}; do a {turn} turn; execute a {side} turn"
)
BARE_TURNS = phrases("turn; rotate; spin; pivot; turn on the spot; spin in place; revolve; rotate in place; swivel")
HALF_TURNS = phrases(
    "turn around; about face; do an about face; about turn; do a u turn; make a u turn; spin around; face the other "
    "way; turn to face the opposite direction; turn round; turn back around; turn halfway round"
)
ROTATIONS = {
    "left": phrases("counter clockwise; counterclockwise; anticlockwise; anti clockwise; counter-clockwise"),
    "right": phrases("clockwise; clock wise; clockwise; clockwise; clockwise"),
}
RUN: Mapping[Speed | None, tuple[str, ...]] = {
    None: phrases("run; break into a run; start running; go for a run; go running; run along; keep running; run on"),
    "slow": phrases(
        "jog; trot; lope; go for a jog; go jogging; break into a jog; start jogging; jog along; run slowly; jog "
        "lightly; run at a slow pace; run gently; do a light jog; have a jog"
    ),
    "fast": phrases(
        "sprint; dash; bolt; race; charge; run as fast as you can; run at full speed; gallop; run flat out; run at top "
        "speed; break into a sprint; run quickly; run fast; go full sprint; run like the wind; tear; run for your "
        "life; do a sprint; rush at full speed; run full tilt; run as quickly as you can"
    ),
}
JUMP: Mapping[Speed | None, tuple[str, ...]] = {
    None: phrases(
        "jump; hop; leap; bounce; spring; jump up; jump in place; jump on the spot; do a jump; a jump; leap into the "
        "air; hop up and down; leap up; jump as high as you can; take a leap; spring up; a hop; jump straight up; hop "
        "on the spot; do a hop; perform a jump; jump into the air; jump up and down; bounce up and down; make a jump; "
        "jump high; leap off the ground; do a little hop; give a jump; bound upwards; hop in place; spring into the "
        "air; jump vertically; make a vertical jump"
    ),
    "slow": phrases("jump slowly; hop gently; bounce gently"),
    "fast": phrases("jump quickly; hop fast; jump rapidly"),
}
STAND = phrases(
    "stand; stand still; stop; wait; halt; freeze; pause; hold still; stay; stay put; keep still; stay where you are; "
    "hold your position; remain still; come to a stop; come to a halt; stop walking; stop moving; cease moving; rest; "
    "idle; do nothing; stand there; be still; stand in place; do not move; remain in place; stay still; stand "
    "motionless; take a break; stop right there; stop where you are; hold; stay in place; wait there; hold position; "
    "remain standing; remain motionless; stand idle; stop running; stop turning; stand quietly; stay at your spot; "
    "hang on; keep standing; remain where you are; come to rest; make a stop; make a pause; take a pause; a pause; "
    "hold it there; stand fast"
)
STAND_UP = phrases(
    "stand up; get up; rise; rise up; get to your feet; get on your feet; get back up; rise to your feet; stand back "
    "up; get off the floor; get up off the ground; pick yourself up; rise from the floor; arise; come to your feet; "
    "get up from the ground; haul yourself up; return to your feet; get up from the floor; stand up from the floor; "
    "get upright again; lift yourself off the floor; rise from the ground; up you get; get back on your feet; push "
    "yourself up to standing; get yourself up; stand yourself up; rise up again; stand up straight; go from lying to "
    "standing; raise yourself to standing; get back to standing"
)
STAND_TAILS = (
    "",
    "",
    "for a while",
    "for a moment",
    "for a bit",
    "there",
    "completely",
    "a little",
    "a bit",
    "a moment",
)
STAND_TAILS += ("for now", "for a short time", "on the spot", "in place", "for some time", "quietly", "awhile")
JUMP_TAILS = phrases(
    "high; in the air; up; upwards; on both feet; off the floor; for joy; on the spot; in place; once; a bit"
)
SLOWLY = phrases(
    "slowly; slow; gently; leisurely; at a slow pace; at a leisurely pace; nice and slow; very slowly; with slow "
    "steps; at low speed; in slow motion; unhurriedly; really slowly; as slowly as you can; at a snail's pace; at a "
    "gentle pace; rather slowly; quite slowly; at a relaxed pace; sluggishly"
)
QUICKLY = phrases(
    "quickly; fast; briskly; rapidly; swiftly; at a fast pace; at high speed; as fast as you can; at a brisk pace; "
    "hurriedly; speedily; quick; in a hurry; with quick steps; at top speed; really fast; very quickly; as quickly as "
    "possible; in haste; at full speed; quite fast; at pace"
)
PLAINLY = phrases(
    "at a normal pace; normally; at your usual speed; at a steady pace; for a while; a bit; a little; for a bit; at "
    "normal speed; some more; at a moderate pace; a little bit; a short way; a little more"
)
OBJECTS = phrases(
    "ball; cup; chair; table; book; door; window; bag; apple; bottle; phone; lamp; hammer; pen; plate; brick; crate; "
    "rope; stick; key; cone; sofa; bench; stone; bucket; ladder; basket; coin; hat; blanket; toy; car; parcel; spoon; "
    "laptop; umbrella; sword"
)
PLACES = phrases(
    "door; wall; kitchen; window; corner; shop; garden; stairs; exit; car; tree; bedroom; hall; street; station; park; "
    "river; bridge; table; sofa; elevator; office; red; line; starting; point; goal; charger; beach; fridge; gate; "
    "fence; house; school; mirror"
)
PARTS = phrases("arm; hand; leg; foot; head; knee; elbow; shoulder; wrist; hips; fingers")
MOVES = phrases(
    "cartwheel; backflip; somersault; handstand; dance; push; up; sit; squat; lunge; split; headstand; pirouette; "
    "twerk; front flip; salto; barrel roll; moonwalk; burpee; karate kick; plank; bow; curtsy; star jump; high five; "
    "pull up; waltz; tango; roundhouse kick; jumping jack; spin kick; forward roll; tap dance"
)
NEAR = phrases(
    "sit down; sit; kneel; kneel down; crawl; crawl forward; crouch; squat down; lie down; roll over; duck; lie on the "
    "floor; go to sleep; wave; wave hello; clap; clap your hands; nod; shake your head; bow; dance; run backward; run "
    "backwards; run sideways; run to the {side}; run {side}; sprint backward; jog backwards; run in reverse; jog to "
    "the {side}; sprint to the {side}; jog sideways; dash {side}; run diagonally {side}; jump forward; jump backward; "
    "jump to the {side}; jump {side}; hop forward; hop to the {side}; leap ahead; leap over it; hop backwards; jump "
    "sideways; leap forward; hop on one leg; jump on one foot; jump down; long jump; do a long jump; jump off; jump "
    "rope; skip; skip rope; skip forward; hop on your {side} foot; walk in a circle; walk in circles; run in circles; "
    "walk in a figure eight; walk in a zigzag; zigzag forward; walk in a square; walk around in a triangle; run in a "
    "circle; walk a spiral; walk in an s shape; circle around; walk on your hands; walk on all fours; walk on your "
    "knees; walk on your heels; walk like a crab; limp; walk like an old man; walk like a zombie; walk like a duck; "
    "march like a soldier; goose step; run like a dog; stand on one leg; stand on your {side} leg; stand on your head; "
    "stand on your toes; balance on one foot; lean; lean to the {side}; lean forward; bend over; bend to the {side}; "
    "bend your knees; lower yourself; slide down; turn your head {side}; look {side}; look up; look behind you; look "
    "to your {side}; tilt your head; look down; raise your {side} arm; lift your {side} leg; kick; kick with your "
    "{side} foot; punch; throw a punch; climb; climb up; swim; fly; ski; skate; cycle; ride a bike; drive; float; "
    "dive; fall over; fall; fall down; drop to the floor; drop dead; faint; stumble; trip; stretch; yawn; do yoga; do "
    "the splits; follow me; come to me; come here; go home; go away; go outside; go upstairs; leave the room; chase "
    "me; go downstairs; walk upstairs; walk downhill; step over the {object}; walk around the {object}; return home; "
    "wait for me; stop at the {place}; face the {place}; turn towards the {place}; walk past the {object}; hide; sit "
    "on the {object}; kick the {object}; walk the dog; jump over the {object}; stand next to the {object}; stand on "
    "the {object}; stand behind the {object}; jump onto the {object}; climb onto the {object}; hug me; spin the "
    "{object}; turn the {object}; turn the {object} to the {side}; move the {object} to the {side}; lift off; walk "
    "with the {object}; pick up the {object}; grab the {object}; put down the {object}; throw the {object}; catch the "
    "{object}; push the {object}; pull the {object}; carry the {object}; bring me the {object}; salute; open the "
    "{object}; close the {object}; touch the {object}; hold the {object}; drop the {object}; shake hands; lift the "
    "{object}; hand me the {object}; look at the {object}; point at the {object}; find the {object}; go to the "
    "{place}; walk to the {place}; run to the {place}; head for the {place}; walk towards the {place}; move to the "
    "{place}; go through the {place}; walk along the {place}; run around the {place}; go into the {place}; return to "
    "the {place}; approach the {place}; wait at the {place}; leave the {place}; march to the {place}; move your "
    "{part}; raise your {part}; lower your {part}; shake your {part}; lift your {side} {part}; sneeze; swing your "
    "{part}; wiggle your {part}; bend your {side} {part}; touch your {part}; rotate your {part}; grin; scratch your "
    "{part}; stretch out your {side} {part}; put your {part} up; turn your {part}; twist your {part}; do a {move}; "
    "perform a {move}; do some {move}s; show me a {move}; try a {move}; make a {move}; a {move}; turn on the lights; "
    "turn off the tv; turn up the volume; turn the page; turn down the heat; turn it off; run the program; run a test; "
    "run the dishwasher; run a bath; run for president; step on the gas; run it; back up the files; jump to the next "
    "song; stop the music; stop the car; pause the video; halt the process; wait on the customers; rise and shine; "
    "stand for election; walk me through the report; move the meeting; move in; spin the wheel; rotate the picture; "
    "rotate the image by ninety; march in the parade; stand guard; stand trial; walk at double speed of a car; walk on "
    "water; walk the plank; walk out on me; run out of time; run an errand; jump in a spiral; spin in the air; do a "
    "spin jump; twist and shout; hop like a bunny; jump like a frog; gesture; smile; laugh; sing; talk; shout; "
    "whisper; cry; eat; drink; think; sleep; breathe; cook; work; study; play; fight; attack; defend; shoot; aim; "
    "write; draw; paint; read; listen; obey"
)
TOPICS = phrases(
    "weather; news; football; score; capital; of; france; time; price; gold; recipe; for; soup; meaning; life; "
    "traffic; stock market; next bus; distance to the moon; best film; tallest mountain; war; president; economy; "
    "chess; quantum physics; your name; my schedule; the exchange rate; cat videos; homework; taxes; the alphabet; "
    "dinner; history of rome; climate change; a good book; python code; jazz"
)
FAR = phrases(
    "what is {topic}; what is the {topic}; tell me about {topic}; who invented {topic}; how does {topic} work; where "
    "can i find {topic}; why is {topic} important; do you like {topic}; explain {topic}; search for {topic}; when is "
    "{topic}; how much is {topic}; show me {topic}; i hate {topic}; i love {topic}; play {topic}; write a poem about "
    "{topic}; give me the {topic}; remind me about {topic}; is {topic} good; read me the {topic}; how are you; what "
    "time is it; tell me a joke; good morning; good night; who are you; what can you do; what is your name; are you a "
    "robot; i am tired; i am hungry; that was great; well done; you are funny; order a pizza; buy some milk; call my "
    "mother; set an alarm; translate this; send an email; book a flight; what is two plus two; how old are you; do you "
    "sleep; can robots think; sing a song; open the browser; yes; how far can you walk; how fast can you run; what is "
    "walking; why do people jump; who taught you to walk; did you turn left; where is the left side; is running "
    "healthy; i like walking; he ran yesterday; maybe; my leg hurts; you walked too far; the turn was late; it is "
    "raining; the robot fell; nobody moves like you; the {object} is red; where is my {object}; i bought a {object}; "
    "how heavy is the {object}; the {place} is closed; delete the {object}; paint the {object} blue; sell the "
    "{object}; wash the {object}; draw a {object}; no idea; {object} {place} {object}; {place} {topic}; {object}; the "
    "{place}; {topic}; {object} {topic} {place}; {noise}; {noise} {noise}; {noise} {object} {noise}; {noise} {noise} "
    "{noise}; {noise} {topic}"
)
HELD_OUT = frozenset(  # words of split S2: no training text has one of them
    phrases(
        "anti; anticlockwise; arise; backpedal; bolt; bound; cartwheel; cease; clap; climb; crab; crouch; gallop; "
        "halt; hang; hasten; haul; idle; kneel; laterally; leap; limp; lope; meander; moonwalk; mosey; motionless; "
        "onward; onwards; proceed; rearward; remain; retreat; revolve; saunter; scoot; scuttle; sidle; slanting; "
        "sluggishly; spring; stride; swiftly; swim; swivel; tread; trek; unhurriedly; whirl; withdraw; zigzag"
    )
)
