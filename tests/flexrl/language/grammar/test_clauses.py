import pytest

from flexrl.language.grammar.clauses import MAX_CHARACTERS, clean, split

UNITS = {"s": "seconds", "m": "metres", "d": "degrees", "p": "steps"}


def plain(text):
    """Clauses as in "walk 2m | turn left": each amount is a number with the first letter of its kind; p for paces."""
    letters = {kind: letter for letter, kind in UNITS.items()}

    def amount(until):
        return "" if until is None else f" {until.amount:g}{letters[until.kind]}"

    return " | ".join(clause.text + amount(clause.until) for clause in split(text).clauses)


CASES = {
    "amounts and speeds in a roundabout place": """
        do one slow full turn to the left = turn slow to the left 360d
        one complete clockwise revolution = turn clockwise 360d
        start by turning around, and after that go straight ahead = turn around 180d | go straight ahead
        hold still for one second, then get up = hold still 1s | get up
        four running steps = run 4p
        walk for ten seconds and then, for two minutes, walk backwards = walk 10s | walk backwards 120s
        turn around slowly, going to the right = turn around slowly right 180d
        come forward, three little steps = come forward 3p
        go left, then spend a minute walking slowly backwards = go left | walk slowly backwards 60s
        turn right until you have gone through ninety degrees = turn right 90d
        be still. Next, eight metres backwards = be still | go backwards 8m
        speed: slow, action: walk forward, duration: 12 s = slow walk forward 12s
    """,
    "words left out of amounts and of directions": """
        strafe left for 3.5 seconds, hold = strafe left 3.5s | hold
        turn left, walk three paces, and walk three more = turn left | walk 3p | walk 3p
        before you run for five seconds, stand still for three = stand still 3s | run 5s
        before you turn right and jog for ten seconds, stand = stand | turn right | jog 10s
        go forward, then back, four steps each time = go forward 4p | go back 4p
        two seconds each: walk forward, step left = walk forward 2s | step left 2s
        three steps forward and as many back = step forward 3p | step back 3p
        diagonally forward to the left, walk = walk diagonally forward to the left
        swivel around, a full turn = swivel around 360d
        take one step to the left, and a step backward after it = step to the left 1p | step backward 1p
        swivel on the spot, three quarters of a turn, anticlockwise = swivel on the spot anticlockwise 270d
        keep still while fifteen seconds go by = keep still 15s
        run for as long as it takes to cover sixty metres = run 60m
        just to stretch your legs, amble for a score of steps = amble 20p
        step left and then right, both slowly = slowly step left | step slowly right
    """,
    "remarks and people that it speaks of": """
        tiptoe forward, the baby's sleeping = tiptoe forward
        and turn to your left, that's my girl = turn to your left
        the character is to stand still = stand still
        having walked back for two metres, the machine must turn right = walk back 2m | turn right
        please make it go backwards, then have it stop = go backwards | stop
        come on bro sprint!! = sprint
        stop okay now go = stop | go
        go ahead and then turn left = go ahead | turn left
        before the jump I want a full turn = turn 360d | the jump
        take a ten second pause, no moving = take a pause 10s
        quickly, I mean slowly, turn to the left = slowly turn to the left
    """,
    "order": """
        walk two metres then turn left = walk 2m | turn left
        walk two metres, turn left, jump = walk 2m | turn left | jump
        after walking two metres, turn left = walk 2m | turn left
        after walking two metres turn left = walk 2m | turn left
        once you have walked 3 metres, jump = walk 3m | jump
        as soon as you have turned left, run = turn left | run
        when you are finished walking, turn right = walk | turn right
        turn left before you jump = turn left | jump
        before turning left, walk two metres = walk 2m | turn left
        before you walk, turn left and jump = turn left | jump | walk
        before turning and jumping, walk, then turn left = walk | turn left | jump
        before jumping and turning, walk, then turn left = walk | jump | turn left
        before jumping, walk, then turn left, then jump = walk | turn left | jump
        jump after turning right = turn right | jump
        after a jump, turn left = a jump | turn left
        first walk, then run = walk | run
        walk. Then stop. = walk | stop
        turn left by 90 degrees followed by a jump = turn left 90d | a jump
        turn left, but first walk two metres = walk 2m | turn left
        walk forward. Before that, jump. = jump | walk forward
        walk, finally stop = walk | stop
        start by walking two metres, then jump = walk 2m | jump
        begin with a jump and end with a turn to the left = a jump | a turn to the left
        first, jump; second, turn left; third, stop = jump | turn left | stop
        1. walk 2. turn left 3. jump = walk | turn left | jump
        walk forward -> turn left -> stop = walk forward | turn left | stop
        walk forward... then stop = walk forward | stop
        walk two metres — turn left — stop = walk 2m | turn left | stop
        run, then once you're done, jump = run | jump
        walk forward two meter and after you turn right = walk forward 2m | turn right
        go forward 2 meter, after turn left = go forward 2m | turn left
        after 10 seconds of walking, stop = walk 10s | stop
        walk forward turn left jump = walk forward | turn left | jump
        turn left turn right = turn left | turn right
    """,
    "elision": """
        turn left and then right = turn left | turn right
        turn left, right, left = turn left | turn right | turn left
        walk two metres forward, three backward = walk forward 2m | walk backward 3m
        walk forward and backward = walk forward | walk backward
        walk forward and to the left = walk forward to the left
        walk backward and to the right for two metres = walk backward to the right 2m
        walk forward two metres and left three metres = walk forward 2m | walk left 3m
        move left and right = move left | move right
        step to the left and then to the right = step to the left | step to the right
        turn 90 degrees to the left and 45 degrees to the right = turn to the left 90d | turn to the right 45d
        take two steps forward and one step back = step forward 2p | step back 1p
        two steps forward, one back = step forward 2p | step back 1p
        go 2 m forward then 1 m to the right = go forward 2m | go to the right 1m
        walk slowly, then quickly = walk slowly | walk quickly
        turn slowly to the left and then quickly to the right = turn slowly to the left | turn quickly to the right
        turn left 90 degrees, then do the same to the right = turn left 90d | turn to the right 90d
    """,
    "joined": """
        walk forward, slowly = walk forward slowly
        slowly and carefully walk forward = slowly carefully walk forward
        walk forward (slowly) = walk forward slowly
        walk forward, two metres = walk forward 2m
        for five seconds, walk = walk 5s
        walk forward and then after five seconds turn left = walk forward 5s | turn left
        turn left after two metres = walk 2m | turn left
        after five seconds, walk = wait 5s | walk
        walk until you have gone two metres, then stop = walk 2m | stop
        walk for one minute and thirty seconds = walk 90s
        walk two metres and a half turn left = walk 2m | turn left 180d
        jump up and down = jump up and down
        walk forward, take your time = walk forward slowly
        at a slow pace, walk to the right = at a slow pace walk to the right
        rotate to your right, a quarter turn = rotate to your right 90d
        spin, 45 degrees to the left = spin to the left 45d
        turn left and turn right, 30 degrees each = turn left 30d | turn right 30d
        1 step forward 2 steps back = step forward 1p | step back 2p
        three metres ahead 90 degrees right one metre back = ahead 3m | turn right 90d | walk back 1m
        step left. Two paces. Gently. = step left gently 2p
        at a jog, please, cover fifty metres = at a jog cover 50m
        at a sprint: 60 m = at a sprint 60m
        do two jump then stop = jump | jump | stop
        three sidesteps to the left and two to the right = sidestep to the left 3p | sidestep to the right 2p
        take four backward steps = backward step 4p
    """,
    "repetition": """
        walk 2 m and turn right, twice = walk 2m | turn right | walk 2m | turn right
        turn left twice = turn left | turn left
        jump three times, then stop = jump | jump | jump | stop
        jump, again, and again = jump | jump | jump
        jump. Once more. Again. = jump | jump | jump
        walk two metres, then do that again = walk 2m | walk 2m
        walk 2 m. Turn right. Repeat. = walk 2m | turn right | walk 2m | turn right
        turn left. Do that three times. = turn left | turn left | turn left
        twice: jump = jump | jump
        walk two metres and turn left, then do the whole thing again = walk 2m | turn left | walk 2m | turn left
        do the following twice: jump and turn left = jump | turn left | jump | turn left
        step left, step right, twice = step left | step right | step left | step right
        stop, then walk 2 m and turn right, twice = stop | walk 2m | turn right | walk 2m | turn right
        jump. Turn left, twice. = jump | turn left | turn left
        turn left then right, twice = turn left | turn right | turn left | turn right
        jump and jump again = jump | jump
        make three jumps and turn left = jump | jump | jump | turn left
        back off, back off! five feet! = back off 1.52m
        jump, then do another = jump | jump
        turn left and hop, then that whole routine one more time = turn left | hop | turn left | hop
    """,
    "correction": """
        turn left, no wait, right = turn right
        turn right. No wait, left. = turn left
        turn left – no – right = turn right
        turn left, actually turn right = turn right
        walk, sorry, run = run
        walk two metres, no, 3 = walk 3m
        walk two metres, make that three = walk 3m
        walk two metres forward, I mean backward = walk backward 2m
        walk forward and turn left, scratch that, turn right = walk forward | turn right
        walk 2 metres. Actually, just jump. = jump
        turn left and jump, rather, turn right = turn left | turn right
        sorry, walk forward = walk forward
        turn right, err, no, left = turn left
        two jumps and a turn left; sorry, one jump and a turn left = jump | a turn left
        walk two steps and then stop, or rather, five steps and then stop = walk 5p | stop
        go back four no make that six steps = go back 6p
        hop twice, no, three times = hop | hop | hop
        walk for ten seconds then turn no just stop = walk 10s | stop
        no, don't walk. Run. = run
        actually, walk forward = walk forward
    """,
    "negation": """
        don't run, walk = walk
        don't run but walk = walk
        do not move = stand still
        don’t move for five seconds = stand still 5s
        stop and don't move = stop
        walk, but do not turn = walk
        walk, don't run = walk
        walk forward without turning = walk forward
        walk without stopping for ten metres = walk 10m
        walk instead of running = walk
        instead of running, walk = walk
        run rather than walk = run
        turn left, not right = turn left
        don't turn left, turn right = turn right
        not left but turn right = turn right
        walk forward, but not too fast = walk forward slowly
        don't forget to jump = jump
        walk forward without turning, then jump = walk forward | jump
    """,
    "politeness": """
        Please could you walk forward slowly, and then turn around? = walk forward slowly | turn around 180d
        I would like you to take three steps to your left please = step to your left 3p
        robot, can you please just turn to the right? thanks! = turn to the right
        would you mind turning left = turn left
        if you don't mind, walk forward = walk forward
        hey robot, run! = run
        keep walking for ten seconds = walk 10s
        WALK FORWARD NOW = walk forward
        run as fast as you can = run at full speed
        walk forward adn turn left = walk forward | turn left
        walk forward thne stop = walk forward | stop
        walk forward,then turn left,then stop = walk forward | turn left | stop
    """,
}


@pytest.mark.parametrize(
    ("text", "clauses"),
    [line.strip().rsplit(" = ", 1) for lines in CASES.values() for line in lines.strip().splitlines()],
)
def test_an_instruction_is_split(text, clauses):
    assert plain(text) == clauses
    assert split(text).impossible == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("walk while turning", "while turning"),
        ("wave as you walk", "as you walk"),
        ("walk until you see the wall", "until you see the"),
        ("wait until I say go", "until I say go"),
        ("walk at 2 m/s", "m/s"),
        ("walk two metres per second", "metres per second"),
        ("walk at 5 km/h", "km/h"),
        ("turn left or right", "or right"),
        ("if you fall, stand up", "if you fall"),
        ("when the light turns green, walk", "when the light turns"),
        ("walk forward and backward at the same time", "at the same time"),
        ("walk two metres for five seconds", "two metres and for five seconds"),
        ("walk -2 metres", "minus 2 metres"),
        ("jump a hundred times", "more than 32 actions"),
        ("please don't jump", "nothing is left to do"),
        ("jump, never mind", "nothing is left to do"),
        ("", "nothing to do"),
        ("?!", "nothing to do"),
    ],
)
def test_what_no_plan_can_do_is_named(text, words):
    assert words in split(text).impossible


@pytest.mark.parametrize("text", ["walk for a while", "walk as fast as you can", "if possible, walk", "turn at once"])
def test_what_only_looks_impossible_is_let_pass(text):
    assert split(text).impossible == ()


def test_the_users_own_words_are_kept():
    assert [clause.said for clause in split("Walk 2 m, please; then Turn LEFT!").clauses] == ["Walk 2 m", "Turn LEFT"]


def test_repeats_are_cut_to_what_a_plan_may_hold():
    assert len(split("walk and turn left, 9999 times").clauses) == 32


def test_a_long_instruction_is_an_error():
    with pytest.raises(ValueError, match=f"give at most {MAX_CHARACTERS}"):
        split("walk " * MAX_CHARACTERS)


@pytest.mark.parametrize("text", ["Please walk FORWARD slowly!", "turn left 90 degrees", "could you do a cartwheel?"])
def test_a_clean_clause_stays_as_it_is(text):
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    "text", ["\x00\x01\x02", "İ" * 50, "then " * 30, "and, and, then", "no wait", "twice", "again", "90°", "'", "after"]
)
def test_odd_text_raises_nothing(text):
    split(text)


@pytest.mark.parametrize(
    "text", ["walk  2  m   and   then turn  left", "walk 2 m,\n turn left", "walk 2 m\tthen\tturn left"]
)
def test_white_space_does_not_matter(text):
    assert plain(text) == "walk 2m | turn left"


def test_pieces_of_any_length_are_read_in_little_time():
    assert split("turn left and then " * 50).clauses
