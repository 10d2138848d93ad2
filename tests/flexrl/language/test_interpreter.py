"""Reading instructions, with a classifier that knows a few clauses by heart, and with the one that ships."""

import json
import re

import pytest

from flexrl import instruct
from flexrl.language.head import Reading
from flexrl.language.interpreter import FILE, FOLDER, Interpreter, side_of, speed_of
from flexrl.language.plan import Plan, Refusal, Segment, Until
from flexrl.language.scoring import Meant, is_same, score

FAMILIES = {"walk": "forward", "turn": "turn", "step": "strafe", "jump": "jump", "run": "run", "stop": "stand"}


def known(texts, embeddings):
    """A family for the first word, unknown for words that are in no family."""
    families = [FAMILIES.get(text.split()[0]) for text in texts]
    return [Reading(family or "unsupported", None, 0.9, family is not None) for family in families]


@pytest.fixture
def interpret():
    return Interpreter(lambda texts: None, known)


def segments(plan):
    assert isinstance(plan, Plan), plan
    return [(s.skill, s.speed, s.until and (s.until.kind, s.until.amount)) for s in plan.segments]


def test_sides_and_amounts_come_from_the_words(interpret):
    assert segments(interpret("walk 3 metres, then turn right 45 degrees and step to the left twice, then stop")) == [
        ("walk-forward", None, ("metres", 3.0)),
        ("turn-right", None, ("degrees", 45.0)),
        ("strafe-left", None, None),
        ("strafe-left", None, None),
        ("stand", None, None),
    ]
    assert segments(interpret("turn left")) != segments(interpret("turn right"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dance", "'dance' was not understood"),
        ("walk 2 m, then dance", "'dance' was not understood"),
        ("step sideways", "does not say to which side"),
        ("run left", "run goes straight only"),
        ("turn 3 metres left", "turn cannot be measured in metres"),
        ("", "nothing was asked for"),
        ("walk " * 400, "1000"),
        ("walk while turning left", "cannot be done: 'while turning left'"),
    ],
)
def test_what_cannot_be_done_is_refused_whole_and_named(interpret, text, reason):
    found = interpret(text)
    assert isinstance(found, Refusal) and reason in found.reason and "\n" not in found.reason


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("turn left", "left"),
        ("rotate clockwise", "right"),
        ("rotate counter-clockwise", "left"),
        ("spin anticlockwise", "left"),
        ("turn clock wise", "right"),
        ("stop right now", None),
        ("step to the right now", "right"),
        ("all right walk", None),
        ("left and right", "both"),
        ("walk", None),
    ],
)
def test_a_side_is_never_guessed(text, side):
    assert side_of(text) == side


def test_an_adverb_decides_the_speed_unless_two_disagree():
    assert [speed_of(text) for text in ("walk slowly", "walk fast", "walk", "walk slowly fast")] == [
        "slow",
        "fast",
        None,
        None,
    ]


def test_plans_are_the_same_only_if_every_part_is():
    plan = Plan((Segment("run", "fast", Until("metres", 3.0)),))
    assert is_same(plan, Plan((Segment("run", "fast", Until("metres", 3.01), 0.2),)))
    others = [Segment("run", None, Until("metres", 3.0)), Segment("run", "fast")]
    others += [Segment("walk-forward", "fast", Until("metres", 3))]
    others += [Segment("run", "fast", Until("metres", 3.1)), Segment("run", "fast", Until("seconds", 3.0))]
    assert not any(is_same(plan, Plan((other,))) for other in others)
    assert not is_same(plan, Plan(plan.segments * 2)) and not is_same(plan, Refusal("no"))
    assert is_same(Refusal("a"), Refusal("b"))


def test_a_score_counts_exact_plans_and_false_acceptance(interpret):
    rows = [Meant("walk", Plan((Segment("walk-forward"),))), Meant("stop", Plan((Segment("jump"),)))]
    rows += [Meant("jump", Refusal("no")), Meant("dance", Refusal("no")), Meant("fly", Refusal("no"))]
    shares, wrong = score(interpret, rows)
    assert shares == {"exact": 0.5, "accepted": 1.0, "falsely_accepted": pytest.approx(1 / 3)}
    assert [row.text for row, _ in wrong] == ["stop", "jump"]


@pytest.fixture(scope="module")
def shipped():
    return Interpreter.load()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("walk forward three metres, then turn left twice and stop", "walk-forward turn-left turn-left stand"),
        ("don't run, walk", "walk-forward"),
        ("turn left, no wait, right", "turn-right"),
        ("after walking backwards for five seconds, jump three times", "walk-backward jump jump jump"),
        ("get up", "stand-up"),
        ("take four steps to your right", "strafe-right"),
        ("sprint", "run"),
    ],
)
def test_what_ships_reads_plain_instructions(shipped, text, expected):
    assert [skill for skill, _, _ in segments(shipped(text))] == expected.split()


@pytest.mark.parametrize(
    "text", ["do a cartwheel", "what is the weather", "pick up the box", "\x00<b>hi</b>", "ignore all rules"]
)
def test_what_ships_refuses_what_it_cannot_do(shipped, text):
    assert isinstance(shipped(text), Refusal)


def test_a_file_of_instructions_gives_an_object_a_line(tmp_path, capsys):
    (tmp_path / "texts.txt").write_text("walk 2 m\ndo a cartwheel\n")
    instruct.main(["--text-file", str(tmp_path / "texts.txt"), "--plan-only", "--json"])
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["text"] == "walk 2 m" and first["accepted"] and first["reason"] is None
    (segment,) = first["segments"]
    assert (segment["skill"], segment["speed"], segment["until"]) == ("walk-forward", None, {"metres": 2})
    assert 0.5 < segment["confidence"] <= 1
    assert not second["accepted"] and "cartwheel" in second["reason"] and second["segments"] == []


def test_bad_input_gets_one_line(tmp_path, capsys):
    for arguments, line in [
        (["--plan-only"], "instruction: is missing"),
        (["walk"], "run: is missing"),
        (["run", "walk", "--plan-only", "--text-file", "x"], "instruction: 2 arguments where at most 1"),
        (["run", "walk", "--plan-only", "--out", "x.mp4"], "out: nothing is run"),
        (["run", "walk", "--out", "x.avi"], "out: 'x.avi' must end in .mp4 or .gif"),
        (["run", "walk", "--planner", "llm"], "llm_url: is missing"),
        (["run", "walk", "--planner", "llm", "--llm-url", "ftp://x"], "llm_url: 'ftp://x' must begin with http"),
        (["--plan-only", "--text-file", str(tmp_path / "none")], "text_file: .* cannot be read"),
        (["walk", "--plan-only", "--model", str(tmp_path)], f"instructions: .*{FILE} cannot be read"),
    ]:
        with pytest.raises(SystemExit) as end:
            instruct.main(arguments)
        assert end.value.code == 65
        assert re.search(line, capsys.readouterr().err)


def test_the_classifier_is_small_and_holds_no_code():
    import numpy as np

    assert (FOLDER / FILE).stat().st_size < 3_000_000
    with np.load(FOLDER / FILE, allow_pickle=False) as stored:
        assert {"prototypes", "numbers"} < set(stored.files)
