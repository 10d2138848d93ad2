import pytest

from flexrl.language.rewriting.moods import asks_or_states
from flexrl.language.rewriting.rephrase import rephrased


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Could I trouble you to walk ahead", "walk ahead"),
        ("I'd be grateful if you walked two metres", "walk two metres"),
        ("when you're ready, walk forward", "walk forward"),
        ("well done! now jump", "now jump"),
        ("command: walk forward", "walk forward"),
        ("you fell over. get up.", "get up."),
        ("do a one-eighty", "turn 180 degrees"),
        ("walk half a dozen steps", "walk 6 steps"),
        ("three seconds later, turn left", "after three seconds, turn left"),
        ("walk until 3 metres", "walk for 3 metres"),
        ("go 2 m, then back the same distance", "go 2 m, then back 2 m"),
        ("make a three-quarter turn", "make a 270 degree turn"),
        ("turn left, but walk two metres first", "turn left, but first walk two metres"),
        ("walk forward and to the left", "walk forward to the left"),
        ("turn left and forward", "turn left and forward"),
        ("Do not run; instead, walk", "Do not run; walk"),
        ("hurry up and walk", "quickly walk"),
        ("take it nice and easy and wander ahead", "slowly wander ahead"),
        ("instead of running, walk", "instead of running, walk"),
        ("turn left, right, left", "turn left, right, left"),
        ("Rosie, step back", "step back"),
        ("Move back, my sweet.", "Move back."),
        ("omg! stop", "stop"),
        ("nine paces back, march", "march nine paces back"),
        ("45 degrees to the left, rotate", "rotate 45 degrees to the left"),
        ("twenty seconds, rest", "rest twenty seconds"),
        ("four metres ahead, turn", "four metres ahead, turn"),
        ("jog the final thirty feet", "jog for thirty feet"),
        ("step to the left of 20 cm", "step to the left 20 cm"),
        ("once you feel able, hop", "hop"),
        ("march on, with no pausing", "march on"),
        ("don't march, no stopping", "don't march"),
        ("walk, no running", "walk, no running"),
        ("do not quit jogging until you have done 4 m", "keep jogging until you have done 4 m"),
        ("two leaps with a break of 3 seconds in between", "leap, wait for 3 seconds, leap"),
        ("stand up sleepyhead and hop", "stand up and hop"),
        ("spring to your feet", "stand up"),
        ("hop before you do anything else, then rest", "hop, then rest"),
        ("march like a guard", "march like a guard"),
        ("do these steps in order: hop, rest", "hop, rest"),
        ("do these twice: hop, rest", "do these twice: hop, rest"),
        ("stay as still as a post", "stay still"),
        ("walk like a crab", "walk like a crab"),
        ("back off, say two metres", "back off, two metres"),
        ("edge left, ten inches should do", "edge left, ten inches"),
        ("walk and stop once you have gone 5 m", "walk, stop after 5 m"),
        ("walk and don't stop once you have gone 5 m", "walk and don't stop once you have gone 5 m"),
        ("walk and stop once you have reached the wall", "walk and stop once you have reached the wall"),
        ("first we hop, then we rest", "first hop, then rest"),
        ("make a full turn to the left", "make a full turn to the left"),
        ("seq: jump, then stop", "jump, then stop"),
        ("For trial four, jump", "jump"),
        ("gait=run dist=4 speed=slow", "run 4 metres slow"),
        ("turn_right(30)", "turn right 30"),
        ("(1) jump (2) stop", ". jump . stop"),
        ("jump period then stop period", "jump. then stop."),
        ("one step back is what I want", "one step back"),
        ("A distance of 6 m shall be jogged", "jog 6 m"),
        ("I want you facing left", "face left"),
        ("The plan calls for a left turn", "a left turn"),
        ("Simon says hop", "hop"),
        ("don't jump until you have turned left", "jump after you have turned left"),
        ("with two jumps behind you, stop", "after two jumps, stop"),
        ("The ground is icy, so step back", "step back"),
        ("Jump because everyone is watching", "Jump"),
        ("two jumps, no more, no fewer", "two jumps"),
        ("walk for as long as 6 seconds", "walk for 6 seconds"),
        ("I had meant to say jump, but now turn left", "turn left"),
        ("ten seconds is how long you should wait", "wait ten seconds"),
        ("Let a jump precede a left turn", "a jump, then a left turn"),
        ("a left turn follows a short walk", "a short walk, then a left turn"),
        ("forward and backward at once", "forward and backward at the same time"),
        ("abort run; stop", "don't run; stop"),
        ("jumping comes last, a left turn comes first", "a left turn, then jumping"),
        ("run, but not before you've waited a minute", "run only after you've waited a minute"),
    ],
)
def test_asides_go_and_idioms_become_plain(text, plain):
    assert rephrased(text) == plain


@pytest.mark.parametrize("text", ["what is the time", "why did you stop", "she turned around", "I like walking"])
def test_questions_and_statements_are_told_apart(text):
    assert asks_or_states(rephrased(text))


@pytest.mark.parametrize(
    "text", ["walk", "how about a walk", "why don't you turn left", "a man walks slowly", "can you run?"]
)
def test_what_is_to_be_done_is_neither(text):
    assert asks_or_states(rephrased(text)) is None
