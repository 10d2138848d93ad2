"""The common verbs that ask for a skill, such as "walk" and "stroll".

`VERBS` maps a kind of movement ("go", "turn", ...) and the speed that the verb says to its phrases, with semicolons
between them.
"""

from flexrl.language.plan import Speed

VERBS: dict[tuple[str, Speed | None], str] = {
    (
        "go",
        None,
    ): "walk; go; move; march; step; advance; proceed; travel; head; pace; stride; wander; hike; trek; tread; "
    "roam; "
    "tramp; ramble; progress; pad; continue; journey; come; footstep; make your way; make way; make headway; "
    "move along; walk "
    "on; walk along; go on; go along; keep on; carry on; press on; push on; head on; come on; come along; come "
    "forth; keep "
    "going; keep moving; keep it moving; set off; set out; head off; head out; move off; move out; move on; "
    "step off; step "
    "out; step forth; march on; go forth; start off; off you go; away you go; take a walk; go for a walk; have "
    "a walk; go "
    "walking; take a hike; get going; get moving; get walking; get yourself moving; get yourself going; do "
    "walk; slow to a "
    "walk; slow down to a walk; drop to a walk; drop back to a walk; take a stride; take a step; take a pace; "
    "take steps; make "
    "a step; make steps; put one foot in front of the other; put your best foot forward; use your legs; gain "
    "ground; close in; "
    "walk about; walk around a bit; get on with it; a walk; do a walk; stretch your legs; walk yourself; move "
    "yourself; approach",
    (
        "go",
        "slow",
    ): "stroll; amble; saunter; creep; tiptoe; mosey; plod; inch; dawdle; meander; sneak; toddle; trundle; "
    "trudge; pussyfoot; prowl; slink; shamble; ease; edge; dally; sashay; take a stroll; go for a stroll; have "
    "a stroll; a "
    "stroll; walk on tiptoe; walk on tiptoes; walk on your tiptoes; go on tiptoe; go on tiptoes; mosey on; "
    "mosey on over; inch "
    "along; creep along; plod along; amble along; stroll along; inch your way; ease your way; do a stroll; traipse",
    (
        "go",
        "fast",
    ): "hurry; power walk; speed walk; race walk; hustle; scurry; scuttle; bustle; rush; hasten; speed; quick "
    "march; "
    "hurry along; hurry on; hurry up; rush along; speed along; speed along on foot; step lively; get a move "
    "on; get a wiggle on; "
    "step on it; make haste; scamper; walk double time; powerwalk; speedwalk; hotfoot; pick up the pace; march "
    "on the double; "
    "go for a brisk walk; take a brisk walk; set off at a brisk walk",
    (
        "strafe",
        None,
    ): "strafe; sidestep; side step; side shuffle; slide; sidle; shift; crab walk; scoot; scooch; shimmy; budge; "
    "shuffle; move over; step over; slide over; scoot over; shift over; scooch over; budge over; get over; "
    "come over; go over; "
    "shuffle over; shuffle along; slip over; lateral step; side steps; take a side step; make a side step; "
    "make a sidestep; take a "
    "sidestep; translate; translate yourself; shift yourself; shift your body; move your body; move sideways; "
    "step aside; walk over; "
    "lateral shuffle; sideways step; sidewards step; walk crabwise; step across; move across; "
    "take a sideways step; take a step sideways; make a sideways step; crab; nudge yourself; side shuffle over",
    (
        "strafe",
        "slow",
    ): "edge over; ease over; ease yourself over; edge yourself over; inch yourself over; inch over; edge your way",
    ("strafe", "fast"): "dart sideways",
    (
        "back",
        None,
    ): "back up; back; retreat; back away; back off; reverse; withdraw; fall back; backtrack; backpedal; pull "
    "back; "
    "draw back; give ground; beat a retreat; go into reverse; back it up; put it in reverse; move in reverse; "
    "recede; back pedal; "
    "walk back to front; back yourself up; make a retreat; drop back; go to the back; go to back; step away "
    "backwards; recoil; "
    "go behind; step behind; walk behind; move behind; take a step back; take a step backward; take a step backwards",
    ("turn", None): "turn; rotate; spin; pivot; swivel; twist; revolve; face; swing; wheel; twirl; yaw; reorient; turn "
    "yourself; "
    "rotate yourself; spin yourself; pivot yourself; reorient yourself; rotate your body; turn your body; spin "
    "your body; turn "
    "your whole body; rotate your whole body; swivel your body; turn the whole body; twist your body; twist "
    "yourself; change "
    "direction; change heading; change your heading; change your direction; change your facing; change your "
    "orientation; adjust "
    "your heading; shift your heading; alter your heading; make a turn; do a turn; do a spin; do a twirl; do a "
    "pivot; give a "
    "twirl; give a spin; take a turn; a turn; a rotation; a spin; a pivot; rotation; do a rotation; make a "
    "rotation; perform a turn; perform a "
    "rotation; execute a turn; turn to face; turn and face; make a spin; do a swivel; gyrate; turn your hips; "
    "go round on the spot; "
    "turn your facing; rotate about your axis; rotate around your axis; spin on your axis; turn on your axis; "
    "orient yourself",
    ("turn", "slow"): "creep around; creep round; turn slowly; ease around; ease round",
    ("turn", "fast"): "whirl; whirl around; whip around; whip round; snap around; whip; snap round",
    (
        "run",
        None,
    ): "run; go for a run; go running; have a run; break into a run; go on a run; take a run; run along; run on; "
    "run off; "
    "do a run; start a run; speed up to a run; pick up into a run; begin a run; a run; keep on running; get "
    "running; run yourself",
    (
        "run",
        "slow",
    ): "jog; trot; lope; canter; go for a jog; go jogging; take a jog; have a jog; break into a jog; break into a "
    "trot; do a "
    "jog; do a light jog; do a trot; a jog; a trot; jog along; trot along; jog on; trot on; a light jog; go "
    "for a trot; move at a jogging "
    "pace; go at a jog; move at a jog; move at a trot; slow to a jog; slow down to a jog; drop to a jog; jog "
    "lightly; get jogging; go at a trot",
    (
        "run",
        "fast",
    ): "sprint; dash; bolt; race; charge; gallop; tear; zoom; dart; leg it; hotfoot it; hightail it; make a dash; "
    "make a "
    "sprint; do a sprint; do a dash; break into a sprint; go full sprint; go flat out; a sprint; a dash; race "
    "along; race off; dash off; "
    "bolt off; tear off; tear along; charge off; zoom along; zoom off; sprint off; sprint along; blast; blast "
    "off; full sprint; go for a sprint; "
    "peg it; take off running; take off at a run; speed up to a sprint; get sprinting; break into a full "
    "sprint; go all out; barrel; "
    "make like a sprinter; go like the wind; full sprint; all out sprint; a full sprint; run for it; make a "
    "run for it; pelt; burst",
    (
        "jump",
        None,
    ): "jump; hop; leap; bounce; spring; bound; do a jump; do a hop; a jump; a hop; a leap; take a jump; take a "
    "hop; take a leap; "
    "make a jump; make a hop; give a jump; give a hop; give a leap; perform a jump; perform a hop; do a leap; "
    "do jumps; jump up; hop "
    "up; leap up; spring up; bounce up; jump upwards; jump up and down; hop up and down; bounce up and down; "
    "do a bounce; a bounce; "
    "execute a jump; make a leap; get airborne; get some air; catch some air; bunny hop; vertical jump; do a "
    "vertical jump; jump into the sky; "
    "get both feet off the ground; get your feet off the ground; get both feet off the floor; leave the "
    "ground; do a bunny hop; bound upwards; jump around; hop around; hop about; jump about",
    (
        "stand",
        None,
    ): "stand; stop; wait; halt; freeze; pause; hold; stay; remain; rest; idle; cease; linger; loiter; tarry; "
    "stall; stand "
    "still; hold still; stay still; keep still; be still; remain still; sit tight; hang on; hold on; hold it; "
    "hold up; wait up; stand "
    "by; stand down; stand fast; stand firm; stand there; stand pat; stay put; stay there; stay here; stay "
    "where you are; remain where you are; stop where you "
    "are; stand where you are; wait where you are; stop there; wait there; wait here; stop right there; stay "
    "right there; hold right there; hold your "
    "position; hold position; hold steady; hold your ground; stand your ground; hold fire; stay in position; "
    "stop dead; stop short; stop cold; stop it; stop that; "
    "stop yourself; come to a stop; come to a halt; come to a standstill; come to rest; come to a rest; come "
    "to a full stop; come to a complete "
    "stop; come to a dead stop; slow to a stop; slow to a halt; slow down to a stop; roll to a stop; grind to "
    "a halt; draw to a halt; draw to a stop; make a stop; make a pause; make a halt; take a "
    "break; take a breather; take a rest; take a pause; have a rest; have a break; have a breather; a pause; a "
    "break; a rest; a stop; a halt; take five; "
    "do nothing; keep standing; remain standing; stay standing; remain motionless; stand motionless; stay "
    "motionless; be motionless; stand idle; remain in "
    "place; be quiet; chill; chill out; hit the brakes; put the brakes on; slam on the brakes; apply the "
    "brakes; brake; put on the brakes; keep your position; maintain your position; maintain position; keep "
    "position; "
    "stop dead in your tracks; stop in your tracks; freeze in your tracks; freeze in place; plant your feet; "
    "plant yourself; keep your feet planted; keep both feet planted; stand like a "
    "statue; be a statue; become still; go still; become motionless; cease all movement; cease all motion; "
    "cease movement; cease motion; stop all movement; stop all "
    "motion; halt all movement; stop moving; stop walking; stop running; stop turning; stop jumping; stop "
    "going; quit moving; quit walking; quit running; quit turning; quit "
    "jumping; quit it; cease moving; cease walking; cease running; stop spinning; quit spinning; stop "
    "rotating; finish moving; pull up; stand in place; stay on the spot; rest there; rest here; "
    "be at rest; remain at rest; stand at ease; at ease; stand at attention; stand to attention; give it; bide "
    "your time; kill time; stay idle; stay as you are; remain as you are; remain there; remain here; wait "
    "around; hang around; hang tight; stand around; hold there; freeze there; pause there; pause here; stay at "
    "your spot; stop at once",
    (
        "stand-up",
        None,
    ): "stand up; get up; rise; rise up; arise; get to your feet; get on your feet; get onto your feet; get back "
    "up; rise to your "
    "feet; stand back up; back on your feet; on your feet; get off the floor; get off the ground; get up off "
    "the floor; get up off the "
    "ground; pick yourself up; pick yourself up off the floor; pick yourself up off the ground; pick yourself "
    "back up; rise from the floor; rise from the ground; come to your feet; "
    "get up from the ground; get up from the floor; haul yourself up; haul yourself to your feet; return to "
    "your feet; stand up from the floor; stand up from the ground; get upright; get upright "
    "again; up you get; get back on your feet; get back to your feet; get back onto your feet; push yourself "
    "up; push yourself to your feet; get yourself up; stand yourself up; rise up again; stand up straight; "
    "stand up tall; stand upright; "
    "raise yourself; raise yourself up; get back to standing; get to standing; get standing; get into a "
    "standing position; assume a standing position; take a standing position; get vertical; become upright; "
    "lift yourself up; lift yourself off the floor; lift yourself off the ground; up on your feet; scramble to "
    "your feet; jump to your feet; climb to your feet; struggle to your feet; clamber to your feet; go from "
    "lying to standing; raise yourself to "
    "standing; push yourself up to standing; push yourself up off the floor; push yourself up off the ground; "
    "rise to standing; rise to a stand; come to a stand; come up to standing; come to standing; return to "
    "standing; return to a standing position; stand again; be upstanding; get your feet under you; get both "
    "feet under you; recover from your fall; recover to standing; get up again; stand up again; bring yourself "
    "upright; bring yourself up; upsy daisy; ups a daisy; get yourself upright; get yourself off the floor; "
    "get yourself off the ground; get yourself back up; get your body up; right yourself; stand up on your "
    "feet; stand on your feet; stand on your own two feet; stand on two feet; stand on both feet; stand back "
    "on your feet; hop up on your feet; get yourself on your feet; get yourself to your feet; up from the "
    "floor; up off the floor; up from the ground; up off the ground; stand up from there; rise off the floor; "
    "rise off the ground; get up from there; get up from lying",
    ("stand-up", "fast"): "leap to your feet; spring to your feet; jump to your feet; leap up onto your feet",
}
