"""Rarer verbs that ask for a skill, such as "perambulate".

`RARE_VERBS` maps a kind of movement ("go", "turn", ...) and the speed that the verb says to its phrases, with
semicolons between them.
"""

from flexrl.language.plan import Speed

RARE_VERBS: dict[tuple[str, Speed | None], str] = {
    (
        "go",
        None,
    ): "cover; ambulate; go for it; perambulate; forge ahead; forge on; push on; push "
    "ahead; push forward; plow on; plough on; "
    "plow ahead; plough ahead; strut; swagger; stomp; stamp; clomp; parade; "
    "troop; file; venture; venture forth; venture "
    "out; roll out; hit the road; walk it; move it; carry yourself; bring yourself; "
    "take yourself; move your feet; move "
    "those feet; move those legs; move your legs; move that body; move your "
    "butt; move your ass; move your behind; get your butt moving; get your "
    "ass moving; get your feet moving; get your legs moving; walk around; walk "
    "round; wander around; wander about; "
    "wander on; ramble; ramble on; ramble along; move around; move about; roam "
    "around; roam about; go for a wander; have a "
    "wander; take a wander; go for a ramble; go for a hike; go for a short "
    "walk; have a little walk; do a bit of walking; "
    "do some walking; get walking; be on your way; go on your way; get on your "
    "way; carry on your way; continue on your "
    "way; continue on; continue along; proceed along; proceed on; make progress; "
    "make some progress; march along; step it "
    "out; stride out; stride along; step along; pace along; pace out; advance "
    "on; move closer; come closer; come nearer; "
    "draw nearer; walk your way; work your way; shuffle on; pass; push off; walk away; march "
    "away; step away; wander off; walk off; march off; set forth; footslog; tramp along; trek on; hike along; "
    "keep at it; keep it up; keep it going; keep on going; keep right on; keep "
    "on moving; keep on walking; resume; resume "
    "walking; resume your walk; proceed to walk; do a walk; take to walking; start off walking; begin your walk; start "
    "your walk; walk some; a wander; a hike; a march; a step; steps; paces; "
    "strides; footsteps; locomote; mush; glide; glide along; "
    "move yourself along; get along; bring it; foot it; hoof it; be off; be "
    "going; journey on; traverse; cover ground; cover "
    "distance; cover a distance; walk a distance; go a distance; travel a distance; move a distance",
    (
        "go",
        "slow",
    ): "mooch; mooch along; mooch about; mooch on; lumber; lumber along; potter; potter along; dilly dally; "
    "lollygag; slouch; slog; drag your feet; drag yourself; schlep; shlep; dawdle along; crawl along on foot; bumble "
    "along; drift; drift along; inch on; pad softly; tiptoe along; tip toe; "
    "tippy toe; tiptoe on; go tiptoe; walk tiptoe; "
    "sneak along; sneak up; creep up; creep on; creep along; walk stealthily; "
    "move stealthily; a saunter; an amble; a wee "
    "stroll; take an amble; have an amble; go for an amble; go for a saunter; "
    "take a saunter; stroll on; stroll around; "
    "stroll about; saunter along; saunter on; saunter around; trudge on; trudge "
    "along; toddle along; toddle off; trundle "
    "along; trundle on; meander along; meander on; plod on; edge along; edge "
    "your way; ease along; take it slow; take a "
    "leisurely walk; take a slow walk; go for a slow walk; take slow steps; creep your way; "
    "sneak your way; tiptoe your way; amble on; walk as if on eggshells; walk "
    "on eggshells; go slow; go slowly; slow walk; "
    "take a constitutional; traipse along; stalk; skulk; sneak about; sneak "
    "around; loiter along; go easy; slow walk; a slow walk; a slow stroll",
    (
        "go",
        "fast",
    ): "nip; nip along; pop along quickly; beetle; beetle along; scoot along; scamper along; scurry along; "
    "hustle along; hustle on; bustle along; rush on; get a shift on; march double time; march double quick; march on "
    "the double; walk it fast; make tracks; trip along quickly; quick step; quickstep; quick walk; walk apace; "
    "hasten on; hasten along; hotfoot along; fast walk; brisk walk; go fast; go quick; go quickly; go faster; step "
    "quickly; take quick steps; move fast; move quickly; shake a leg; power along; power on; power forward; "
    "power walk it; steam ahead; steam along; romp; whisk along; breeze along "
    "quickly; zip; zip along; whizz; whizz along; "
    "scuttle along; a brisk walk; a power walk; take a power walk; go for a "
    "power walk; do a power walk; get a wriggle on",
    ("strafe", None): "side step it; lateral shift; shift laterally; step laterally; walk laterally; move laterally; "
    "sidle along; sidle over; sashay sideways; wriggle over; wiggle over; nudge "
    "over; nudge; bump over; hop over sideways; "
    "budge up; shove over; squeeze over; shunt; shunt over; jog over sideways; "
    "sway over; traverse sideways; crab step; crab "
    "shuffle; crab it; sideslip; side slip; side walk; sidewalk; side stepping; do a sidestep; do a side step; do "
    "sidesteps; do side steps; do a lateral step; do a lateral shuffle; step sidewards; step out sideways; shuffle "
    "sidewards; walk like this sideways; move to one side; sidestep over; lurch sideways; move across sideways",
    ("strafe", "slow"): "sneak sideways; tiptoe sideways; creep sideways; inch sideways; edge sideways; edge across; "
    "inch across; ease across; ease sideways; drift sideways; drift over; drift across; edge",
    ("strafe", "fast"): "scurry sideways; scuttle sideways; scuttle over; scurry over; hurry over; rush over; "
    "dart over; dart across; hustle over; skitter sideways; nip over; zip over; hop to it sideways",
    ("back", None): "backstep; back step; do a backstep; step backwards; walk in reverse; go in reverse; travel in "
    "reverse; shift into reverse; put yourself in reverse; reverse up; reverse yourself; "
    "back out; back away from there; back off a bit; pull away backwards; shrink back; edge back; "
    "rewind; pace backwards; pace back; shuffle back; stride back; march back; "
    "step on back; walk on back; draw away backwards; "
    "take a couple of steps back; take steps back; take steps backwards; take a stride back; take a pace back; "
    "make a step back; give way backwards; go the other way backwards; go rearward; "
    "go astern; back pedal; do a retreat",
    ("back", "slow"): "edge back; ease back; inch back; creep back; sneak back; ease yourself back; tiptoe back; edge "
    "backwards; ease off backwards; drift back",
    (
        "back",
        "fast",
    ): "scurry back; hurry back; rush back; scuttle back; dart back; hustle back; jump back quickly on foot",
    (
        "turn",
        None,
    ): "turn about; wheel about; wheel around; wheel round; twist around; twist round; angle yourself; aim "
    "yourself; point yourself; redirect yourself; turn your torso and feet; shift your orientation; do a swivel; do a "
    "twist; take a spin; have a spin; a swivel; a twist; a twirl; pivot about; "
    "swing around; swing round; swing yourself; "
    "swing your body; swing yourself around; swivel yourself; swivel around; "
    "revolve around; twirl yourself; turn and turn; "
    "turn a bit; rotate in position; spin about; spin yourself round; spin yourself around; turn your back around; "
    "turn yourself about; turn yourself round; bring yourself around; bring yourself round; come around; come round; "
    "re orient; re orient yourself; realign; realign yourself; align yourself; twizzle; corkscrew around; go round and "
    "round; turn round and round; spin round and round; spin and spin; keep "
    "spinning; keep turning; spin like a top; turn like a "
    "top; spin like a spinning top; spin like a wheel; rotate like a top; whirligig; do a rotation; do a revolution; "
    "a revolution; execute a pivot; execute a spin; execute a turn; perform a pivot; perform a spin; turn face; "
    "change the direction you are facing; change the way you are facing; change which way you are facing",
    ("turn", "fast"): "spin out fast; snap; snap turn; whip yourself around; whip yourself round; whip your body "
    "around; whirl about; whirl yourself around; spin like crazy; spin like mad; jerk around; wheel sharply",
    ("run", None): "go on the run; pound along; get into a run; do some running; do a bit of running; get your run on; "
    "go running; run around; run about; a wee run; running; take to running; resume running; start off running",
    (
        "run",
        "slow",
    ): "light jog; a light jog; a gentle jog; an easy jog; jogtrot; jog trot; dogtrot; go for an easy run; go "
    "for a gentle jog; go for a light jog; do a light jog; do an easy jog; "
    "do some jogging; do a bit of jogging; trot off; "
    "jog off; off you trot; off you jog; have a trot; go for a wee jog; an "
    "easy run; a gentle run; gentle run; easy run; "
    "jog around; jog about; trot around; light run; a slow run; slow run; trundle "
    "at a jog; go at an easy run; a canter",
    (
        "run",
        "fast",
    ): "skedaddle; scarper; hare; hare off; hare along; bomb along; bomb it; book it; haul ass; haul it; gun "
    "it; floor it on foot; run hard; go hard; rocket; rocket off; rocket along; streak; streak along; streak off; "
    "hurtle; hurtle along; hurtle off; career along; career off; make a dash for it; make a break for it; make a bolt "
    "for it; bolt for it; dash for it; sprint for it; dash along; dart off; dart along; dart away; zoom away; sprint "
    "away; dash away; bolt away; race away; speed off; speed away; tear away; "
    "shoot off; shoot forward; shoot along; take "
    "off fast; take off like a rocket; take off like a shot; run your fastest; "
    "run your socks off; run your heart out; run "
    "full out; run all out; run wild fast; break into a dash; break into a gallop; gallop along; gallop off; "
    "flee; bust it; hoof it fast; belt; belt along; belt off; belt it; pelt along; pelt off; charge along; charge on; "
    "charge away; blitz; zoom; put on a burst of speed; put on a sprint; go "
    "at a sprint; go at a full sprint; do a full "
    "sprint; do a flat out run; do a full speed run; a full speed run; a flat out run; a fast run; fast run; "
    "quick run; a quick run; go like a rocket; go like lightning; go like the clappers; go hell for leather; "
    "leg it out; sprint like mad; sprint your heart out; run like the clappers; "
    "flat out sprint; a flat out sprint; hightail",
    (
        "jump",
        None,
    ): "vault; vault upwards; pop up; pop into the air; launch yourself; launch yourself up; launch yourself "
    "upwards; launch yourself upward; launch yourself into the air; propel "
    "yourself; propel yourself up; propel yourself "
    "upwards; propel yourself into the air; throw yourself into the air; push "
    "off the ground; push off the floor; spring "
    "off the ground; spring off the floor; go airborne; become airborne; lift "
    "off the ground; lift both feet off the ground; "
    "lift both feet off the floor; leave the floor; get off the ground with "
    "both feet; boing; boing up; bunny hop; bunny "
    "hops; a bunny hop; a bounce; a vertical jump; a vertical leap; do a vertical "
    "leap; vertical leap; try a jump; try a "
    "hop; try a leap; have a jump; have a hop; have a bounce; take a bounce; get jumping; get hopping; jump about; "
    "get some height; get some air time; get a bit of air; get some airtime; get air; catch air; grab some air; jumps; "
    "hops; leaps; bounces; bob up; skyrocket up; hop skywards; jump skyward; "
    "jump skywards; leap skyward; leap skywards; "
    "make a little hop; make a small jump; do a bunny hop; do bunny hops; do "
    "a spring; a spring; jump to it; prance up; "
    "make a hop; make a bounce; perform a leap; perform a hop; execute a leap; "
    "execute a hop; let me see a jump; bounce on the spot",
    ("stand", None): "hold your horses; come to attention; snap to attention; stand easy; park yourself; park it; stay "
    "rooted; stay rooted to the spot; stand rooted to the spot; be rooted to "
    "the spot; remain rooted to the spot; freeze "
    "up; do not budge; hold fast; catch your breath; settle; settle down; be patient; wait it out; sit this one out; "
    "stand like a rock; stand like a tree; stand like a post; stand still as "
    "a statue; stay still as a statue; stand as "
    "still as a statue; be as still as a statue; freeze like a statue; freeze "
    "as a statue; stay frozen; remain frozen; be "
    "frozen; lock in place; whoa; woah; stahp; knock it off; leave off; stop "
    "all that; hit pause; hit stop; press pause; "
    "push pause; cut the engine; kill the engine; cool your heels; cool your "
    "jets; stay at attention; stay at ease; keep "
    "at ease; hang fire; hang back; rest easy; rest up; rest your legs; rest your feet; give it a rest; have a little "
    "rest; take a little rest; take a short rest; take a quick break; take "
    "a short break; take a short pause; take a little "
    "break; take a brief pause; take a brief rest; take a pit stop; make a "
    "pit stop; have a short rest; have a quick rest; have a "
    "short break; have a pause; come to a pause; come to a stand still; come "
    "to standstill; come to an end; come to a sudden "
    "stop; come to a sudden halt; come to an abrupt stop; come to an abrupt "
    "halt; come to a gentle stop; come to a gentle "
    "halt; come to a dead halt; come to a complete halt; come to a full halt; "
    "come to a complete standstill; come to a total "
    "stop; bring yourself to a stop; bring yourself to a halt; bring yourself "
    "to a standstill; bring it to a stop; pull to a "
    "stop; screech to a halt; skid to a halt; skid to a stop; draw up; wind "
    "up standing; end up standing still; keep quite "
    "still; keep very still; remain stationary; stay stationary; be stationary; "
    "hold stationary; keep stationary; become "
    "stationary; stand stationary; stay immobile; remain immobile; be immobile; "
    "stay unmoving; remain unmoving; hold that; "
    "hold that position; hold this position; hold that pose; hold the pose; "
    "hold your pose; keep that pose; keep that position; keep your "
    "pose; maintain that position; hold yourself still; keep yourself still; "
    "stay like that; stay just like that; remain "
    "like that; stand like that; stay that way; keep like that; hold like that; "
    "wait like that; stay as is; remain as is; "
    "stay exactly where you are; remain exactly where you are; stay in your "
    "spot; remain on the spot; wait on the spot; "
    "stand on the spot; hold on the spot; remain in position; wait in position; "
    "stop in position; keep both feet on the "
    "ground; keep your feet on the ground; keep your feet still; cease and desist; desist; stop it there; stop "
    "there and then; stop everything; stop all motion; stop what you are doing; "
    "stop what you're doing; stop walking; be done; "
    "that's it stop; end; end it; end there; finish there; finish; stand; wait; take it easy standing; stand about; "
    "stand by there; wait by; take a time out; timeout; time out; have a timeout; "
    "take a timeout; take ten; slam the brakes; "
    "stomp on the brakes; hit the brake; break off; break off moving; give "
    "your legs a rest; give your feet a rest; let "
    "yourself rest; just be; just be still; a rest; a wait; a stop; a pause; "
    "a standstill; a halt; a break; a breather; don't budge; "
    "hold up there; hold up a second; wait up there; hang about; hang loose; "
    "stick around; stay on your feet; remain on your feet; "
    "keep standing there; stand there quietly; stand your ground there; stay "
    "planted; remain planted; stay parked; stand down now",
    (
        "stand-up",
        None,
    ): "up you come; come up; find your feet; regain your feet; get back upright; up; up up; get up off "
    "your backside; get up off your butt; get up off your bum; get off your backside; get off your butt; get off your "
    "bum; get off your behind; get off your rear; get off your arse; get off "
    "your ass; get up off your arse; get up off "
    "your ass; get up off your behind; straighten up; straighten yourself up; "
    "straighten out upright; stand tall; stand up "
    "nice and tall; stand nice and tall; peel yourself off the floor; peel "
    "yourself off the ground; drag yourself upright; "
    "get yourself vertical; become vertical; go vertical; go upright; come "
    "upright; come up to your feet; come up onto your "
    "feet; come up on your feet; come onto your feet; rise up onto your feet; "
    "rise up to your feet; rise onto your feet; "
    "rise up from the floor; rise up off the floor; rise up from the ground; "
    "rise up off the ground; rise to full height; "
    "rise to your full height; stand to your full height; draw yourself up; stand up off the floor; stand up off the "
    "ground; stand back up again; get back up again; get back up on your feet; "
    "get back up off the floor; get back up off "
    "the ground; get back up to your feet; get right back up; leave the floor "
    "and stand; leap up from the floor; get to a "
    "stand; get to a standing position; get to a standing posture; go to a standing position; go to standing; move to "
    "standing; move to a standing position; move into a standing position; move to a stand; transition to standing; "
    "transition to a standing position; transition into standing; transition "
    "from lying to standing; come into standing; "
    "come to a standing position; come into a standing position; come back to standing; come back up; come back up to "
    "standing; bring yourself to standing; bring yourself to your feet; bring "
    "yourself back up; bring yourself to a standing "
    "position; bring yourself up to standing; assume an upright position; assume an upright posture; adopt a standing "
    "position; return to an upright position; return to upright; go from lying down to standing; go from the floor to "
    "standing; go from floor to standing; up on your two feet; up onto your "
    "feet; up to your feet; get up on your two feet; "
    "get up onto your feet; get up and stand; stand yourself back up; rouse yourself; roll up to standing; "
    "pop up to your feet; pop to your feet; pop up onto your feet; pop back "
    "up; spring up onto your feet; jump up to your feet; hop to "
    "your feet; hop up to your feet; hop onto your feet; get up out of there; "
    "get up straight; do a stand up; do a get up; stand up please; "
    "upsidaisy; oopsy daisy; alley oop; rise up tall; rise up straight; push "
    "up to standing; push up to a stand; push up from the floor; "
    "recover; recover your footing; regain your footing; regain your balance "
    "standing; get your feet back under you; stand up now",
    ("stand-up", "slow"): "ease up to standing; ease yourself up; ease yourself up to standing; ease yourself to your "
    "feet; ease to your feet; rise slowly; ease yourself upright; ease yourself up off the floor; creak to your feet",
    (
        "stand-up",
        "fast",
    ): "bounce to your feet; bound to your feet; snap to your feet; leap up to your feet; spring up to "
    "your feet; jump up onto your feet; shoot to your feet; shoot up to your feet; bolt upright; hop to it and stand",
}
