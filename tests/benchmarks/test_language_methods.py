"""Ways of reading instructions that the interpreter is compared with."""

import numpy as np
import pytest

from benchmarks.language_methods import NearestClause, NearestInstruction, by_regex, shares, words_of
from flexrl.language.head import Reading
from flexrl.language.interpreter import Interpreter
from flexrl.language.plan import Plan, Refusal, Segment, Until
from flexrl.language.scoring import Meant

WALK, TURN = Plan((Segment("walk-forward"),)), Plan((Segment("turn-left"),))


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("Walk forward three metres, then turn left.", [("walk-forward", None, "metres", 3.0), ("turn-left", None)]),
        ("jog for 2 minutes and stop", [("run", "slow", "seconds", 120.0), ("stand", None)]),
        ("turn right 45 degrees", [("turn-right", None, "degrees", 45.0)]),
        ("take two quick steps back", [("walk-backward", "fast")]),
        ("walk backward 10 feet", [("walk-backward", None, "metres", 3.05)]),
        ("the robot turns right as you can see", [("turn-right", None)]),  # no "a s", a second
        ("jump twice", [("jump", None), ("jump", None)]),
        ("jump 3 metres", [("jump", None)]),
    ],
)
def test_keywords_make_plans(text, segments):
    assert by_regex(text) == Plan(tuple(Segment(x[0], x[1], Until(*x[2:]) if x[2:] else None) for x in segments))


def test_keywords_refuse_only_what_has_none():
    assert isinstance(by_regex("sing a song"), Refusal)
    assert isinstance(by_regex("walk to the door"), Plan)


def test_the_nearest_embedding_decides():
    embedding = {"go on": [1.0, 0.0], "go": [0.8, 0.6], "round you go": [0.0, 1.0]}

    def encode(texts):
        return np.array([embedding[text] for text in texts])

    whole = NearestInstruction(encode, [Meant("go on", WALK), Meant("round you go", TURN)])
    assert whole(["go", "round you go"]) == [WALK, TURN]
    readings = [Reading("forward", None, 1.0, True), Reading("turn", None, 1.0, True)]
    clauses = NearestClause(encode(["go on", "round you go"]), readings)
    interpreter = Interpreter(encode, clauses, words_of(["go"]))
    assert interpreter("go") == WALK


def test_shares_count_plans_by_set_and_refusals_over_all():
    sets = {
        "a": [Meant("one", WALK), Meant("two", TURN)],
        "b": [Meant("three", TURN), Meant("four", Refusal("no")), Meant("five", Refusal("no"))],
    }
    found = {"one": WALK, "two": WALK, "three": TURN, "four": WALK, "five": Refusal("?")}
    assert shares(lambda texts: [found[text] for text in texts], sets, ["a", "b"]) == [0.5, 1.0, 0.5]
