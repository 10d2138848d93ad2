"""Verbs of reports, interfaces and drill sergeants, such as "initiate gait".

The keys of `FORMAL_VERBS` are pairs: a kind of movement ("go", "turn", ...) and a speed. A value holds the phrases that
say both, with semicolons between them.
"""

from flexrl.language.plan import Speed

FORMAL_VERBS: dict[tuple[str, Speed | None], str] = {
    ("go", None): (
        "gait; locomotion; walking; a bout of walking; walking gait; walk cycle; ambulation; translation; a "
        "translation; displacement; a displacement; make a translation; make a displacement; do a "
        "translation; displace yourself; displace; propel yourself forward; transport yourself; relocate "
        "yourself; reposition yourself; begin walking; begin moving; start moving; start motion; begin "
        "motion; commence; initiate gait; initiate motion; initiate movement; commence motion; move out; move "
        "it along; march it; step to it; get a step in; get some steps in; make strides; take strides; plant "
        "steps; do walking; do the walking; do marching; make walking; make a walk; have a stroll normally; "
        "have a little wander; have a walk about; have a potter forward; let your feet carry you; let your "
        "legs carry you; carry yourself forward; wend your way; thread your way; head along; bring yourself "
        "forward; walk normally; do a march; a forward walk; press forward; push forward; plow forward; forge "
        "forward; inch closer normally; come closer; come nearer; get closer; get nearer; come up"
    ),
    ("go", "slow"): (
        "slowly walk; do a slow walk; have a slow walk; go at a stroll; have a gentle walk; take a gentle "
        "walk; take a gentle stroll; have a leisurely stroll; take a leisurely stroll; go for a leisurely "
        "stroll; go for a gentle stroll; go for a gentle walk; a leisurely stroll; a gentle stroll; a "
        "leisurely walk; a gentle walk; go gently; go gingerly; step softly; tread softly; tread lightly; "
        "tread carefully; step carefully; step gingerly; mince; mince along; pootle; pootle along; bimble; "
        "bimble along; dodder; dodder along; perambulate slowly"
    ),
    ("go", "fast"): (
        "double time; double time it; quick time; quick time it; a quick walk; have a brisk walk; do a brisk "
        "walk; take a quick walk; go for a quick walk; a fast walk; do a fast walk; go briskly; step briskly; "
        "step smartly; step sharply; walk smartly; march smartly; stride briskly; stride quickly; walk like "
        "you are late; walk as if you are late; walk with a spring in your step; bowl along; crack on; crack "
        "along; rattle along; storm along; storm off; storm ahead; steam; speed forward; speed ahead; race "
        "walk; racewalk; fast march; quick stride"
    ),
    ("strafe", None): (
        "lateral translation; lateral displacement; lateral movement; lateral motion; sideways movement; "
        "sideways motion; sideways shift; do a sideways shift; a lateral step; a sideways step; lateral "
        "stepping; sidle off; slide yourself; slide along; slide across; glide sideways; step out; crabwalk; "
        "crab walk over; crab along; go crabwise; do a crab walk; sidewise step; step sidewise; move "
        "sidewise; do a sidewise step; side steps; do side stepping; do sidestepping; make side steps; make "
        "sidesteps; take side steps; take sidesteps; displace yourself sideways; displace yourself laterally; "
        "scoot yourself over; shove yourself over; hutch up; shuffle yourself over"
    ),
    ("back", None): (
        "backward gait; backward walk; a backward walk; a walk backward; a walk backwards; backward motion; "
        "backward movement; backward locomotion; backward translation; retrograde walking; walk in "
        "retrograde; take it back; bring it back; bring yourself back; back it on up; back on up; back that "
        "up; back yourself off; back right up; back right off; back right away; make a backward movement; put "
        "it into reverse; engage reverse; shift to reverse; go in retreat; take a retreat; retire; retire to "
        "the rear; go into retreat; step off back; give some ground; take yourself back; move yourself back; "
        "walk yourself back; get yourself back; get back; stand back; keep back"
    ),
    ("turn", None): (
        "turning; a turning; turning motion; turning movement; rotational movement; rotary motion; angular "
        "rotation; do an angular rotation; yawing; yaw rotation; a yaw rotation; do a yaw; slew; veer on the "
        "spot; heading change; do a heading change; make a heading change; an orientation change; re face; "
        "refacing; make your body turn; get turning; get yourself turning; get yourself turned; bring your "
        "body around; point your body; point your chest; aim your body; orient your body; direct yourself; "
        "have a turn; have a twirl; have a twist; give us a turn; give us a twirl; give us a spin; show us a "
        "turn; show us a twirl; show us a spin; make a pivot; make a swivel; make a twist; make a twirl; do "
        "the turn; make the turn; take the turn; square off; spin your whole body; rotate your whole self; "
        "turn your whole self; rotate your entire body; turn your entire body"
    ),
    ("run", None): (
        "running gait; a bout of running; do the running; make a running; go into a run; get to running; be "
        "running; have a little run; have a quick run normally; take up a run; take up running; pick up a "
        "run; hit a run"
    ),
    ("run", "slow"): (
        "jogging; jogging gait; a bout of jogging; a slow jog; slow jog; a steady jog; go into a jog; get to "
        "jogging; take up a jog; pick up a jog; have a little jog; have a light jog; have a gentle jog; do a "
        "slow jog; do a gentle jog; go for a little jog; go for a slow run; do a slow run; go for a gentle "
        "run; take a slow run; jog gently"
    ),
    ("run", "fast"): (
        "sprinting; a full speed sprint; a full out sprint; an all out sprint; go into a sprint; get to "
        "sprinting; do a fast run; go for a fast run; take a fast run; go full throttle; full throttle; full "
        "bore; full gas; give it everything; go like stink; go like the blazes; run like hell; run like mad; "
        "run like crazy; run for your life; run like you mean it; put the hammer down; put your foot down; "
        "put the pedal to the metal; pedal to the metal; give it some welly; make a mad dash; do a mad dash; "
        "a mad dash; run your heart out; go hell bent; kick it; step on the gas; hoof it quickly; bolt ahead; "
        "fly along; careen; career; barrel along; run at a sprint"
    ),
    ("jump", None): (
        "jumping; a jump up; vertical leaping; vertical jumping; do the jump; make the jump; do a jump up; do "
        "some jumping; do some jumps; do some hops; do some hopping; do a bit of jumping; have a little jump; "
        "have a little hop; take a little hop; do a little jump; do a little hop; a little jump; a little "
        "hop; a small jump; a small hop; a big jump; a high jump; a good jump; do a big jump; jump for me; "
        "jump straight up; leap straight up; bounce once; become airborne; leave the ground once; let us see "
        "a jump; let us have a jump; show us a jump; give us a jump; give us a hop; get off the ground; jump "
        "up high; jump up in the air; hop up in the air; leap up in the air; do one jump"
    ),
    ("stand", None): (
        "standing; a stand; quiet standing; quiet stance; static standing; stationary; be stationary; a "
        "standing rest; standing rest; a standing pause; maintain a standing posture; maintain a standing "
        "position; maintain an upright posture; maintain an upright stance; maintain your stance; maintain "
        "your posture; maintain your pose; maintain a still posture; maintain posture; maintain stance; hold "
        "your stance; hold a stance; hold a standing position; hold a standing pose; hold a still pose; hold "
        "the stance; hold stance; hold posture; keep your stance; keep your posture; keep a still posture; "
        "stop motion; stop gait; cease gait; terminate; terminate motion; terminate movement; terminate gait; "
        "end motion; end movement; halt motion; halt gait; suspend motion; suspend movement; dwell; stand in "
        "silence; stand without moving; remain without moving; stay without moving; remain upright; stay "
        "upright; remain standing still; stay standing still; keep standing still; keep yourself in place; "
        "keep in place; keep to your spot; keep where you are; hold where you are; do not go anywhere; remain "
        "on your spot; rest in place; pause in place; pause on the spot; stop on the spot; halt on the spot; "
        "halt in place; do the stop; make stop; make pause; make halt; take rest; take a halt; take pause; do "
        "a stop; do a pause; do a halt; do a wait; do a freeze; make a wait; have a wait; have a stop; have a "
        "stand; a freeze; a hold; a standing still; a spell of standing; do standing; a full stop; full stop; "
        "full halt; complete stop; complete halt; dead stop; dead halt; all stop; leave it there; leave it at "
        "that; stay frozen in place; strike a statue pose; be a tree; be still as a statue; play statue; play "
        "statues; turn to stone; turn into a statue; wait patiently; wait quietly; bide; bide a while; hold "
        "on there; hold on a sec; hold on a second; hang on a sec; wait a sec; wait a bit; wait a while; wait "
        "a moment; wait a little; catch a breath; take a breath; have a rest standing; rest standing; relax "
        "there; stand relaxed; park there; anchor yourself; root yourself; root yourself to the spot; do not "
        "do anything; do not take a step"
    ),
    ("stand-up", None): (
        "assume an upright stance; assume an upright position; assume a standing posture; assume a standing "
        "stance; take an upright position; take an upright stance; adopt a standing posture; adopt an upright "
        "stance; get into an upright position; get to an upright position; come to an upright position; move "
        "to an upright position; rise to an upright position; return to an upright stance; return to a "
        "standing posture; achieve a standing position; attain a standing position; reach a standing "
        "position; transition to an upright position; perform a stand up; execute a stand up; sit to stand; "
        "floor to stand; recover from the floor; recover from the ground; recover your stance; bring your "
        "body upright; bring your body up; bring your body to standing; raise your body; raise your body up; "
        "raise your body off the floor; lift your body up; lift your body off the floor; push your body up; "
        "make yourself stand; make yourself upright; stand yourself upright; get yourself standing; get "
        "yourself to standing; get to a stand; get into a stand; get those feet under you; get onto those "
        "feet; get on those feet; up on those feet; get up now; get up quickly now; get off your knees; rise "
        "off your knees; get up off your knees; get off your stomach; get off your belly; get off your side; "
        "up off your back; get up off your back; get off your back; off the floor; off the ground; up off "
        "that floor; get off that floor; get up off that floor; get off of the floor; get up off of the "
        "floor; off your backside; up and standing; get back up standing; to your feet; back to your feet; "
        "onto your feet; leave the ground and stand; up you pop; up you hop; up you go; upsadaisy; upsa "
        "daisy; oopsie daisy; be on your feet; be upright; be standing upright; go to standing; rise and "
        "stand; rise to attention; stand to your feet"
    ),
}
