import json

import pytest

from flexrl.language.plan import MEASURES, SKILLS, Plan, Refusal, Segment, Until, from_json, to_json

GOOD = {
    "text": "walk two and a half metres, then turn left",
    "accepted": True,
    "segments": [
        {"skill": "walk-forward", "speed": None, "until": {"metres": 2.5}, "confidence": 0.9},
        {"skill": "turn-left", "speed": "slow", "until": {"degrees": 90}, "confidence": 1.0},
    ],
    "reason": None,
}
REFUSED = {"text": "do a cartwheel", "accepted": False, "segments": [], "reason": "cartwheel"}


@pytest.mark.parametrize("content", [GOOD, REFUSED])
def test_a_plan_survives_json(content):
    assert to_json(*from_json(json.loads(json.dumps(content)))) == content


def test_a_plan_is_read():
    assert from_json(GOOD) == (
        GOOD["text"],
        Plan(
            (
                Segment("walk-forward", None, Until("metres", 2.5), 0.9),
                Segment("turn-left", "slow", Until("degrees", 90)),
            )
        ),
    )
    assert from_json(REFUSED) == ("do a cartwheel", Refusal("cartwheel"))


@pytest.mark.parametrize("skill", SKILLS)
def test_every_skill_is_known(skill):
    kinds = MEASURES.get(skill, MEASURES[skill.split("-")[0]])
    for until in (None, *({kind: 3} for kind in kinds)):
        content = GOOD | {"segments": [{"skill": skill, "speed": "fast", "until": until, "confidence": 1.0}]}
        assert to_json(*from_json(content)) == content


@pytest.mark.parametrize(
    ("skill", "kind"), [("stand", "metres"), ("turn-left", "steps"), ("jump", "seconds"), ("run", "degrees")]
)
def test_a_skill_ends_only_by_what_can_be_measured_of_it(skill, kind):
    with pytest.raises(ValueError, match=f"until: {skill} cannot end by {kind}; give"):
        Segment(skill, None, Until(kind, 3))


def segment(**changes):
    return GOOD | {"segments": [{"skill": "run", "speed": None, "until": None} | changes]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "plan: .* must be an object"),
        (GOOD | {"extra": 1}, "unknown key 'extra'"),
        ({"text": "walk"}, "key 'accepted' is missing"),
        (GOOD | {"text": 3}, "text: 3"),
        (GOOD | {"accepted": 1}, "accepted: 1"),
        (GOOD | {"segments": {}}, "segments: {}"),
        (GOOD | {"segments": []}, "segments: 0 of them"),
        (GOOD | {"segments": segment()["segments"] * 33}, "segments: 33 of them; a plan has 1 to 32"),
        (GOOD | {"reason": "x"}, "reason: 'x' must be null"),
        (REFUSED | {"reason": None}, "reason: None"),
        (REFUSED | {"reason": " "}, "reason: is empty"),
        (REFUSED | {"segments": GOOD["segments"]}, "segments: 2 of them; a refused"),
        (GOOD | {"segments": ["run"]}, r"segments\[0\]: 'run' must be an object"),
        (segment(skill="fly"), r"segments\[0\].skill: unknown 'fly'"),
        (segment(speed="normal"), r"speed: unknown 'normal'"),
        (segment(colour="red"), "unknown key 'colour'"),
        (segment(confidence=2), r"segments\[0\].confidence: 2 must be between 0 and 1"),
        (segment(until=5), r"until: 5 must be null or have one key"),
        (segment(until={}), r"until: \{\} must be"),
        (segment(until={"metres": 1, "steps": 2}), "must be null or have one key"),
        (segment(until={"feet": 1}), "until: unknown key 'feet'"),
        (segment(until={"metres": "2"}), "until.metres: '2' is not a number"),
        (segment(until={"metres": True}), "until.metres: True is not a number"),
        (segment(until={"metres": 0}), "until.metres: 0 must be above 0"),
        (segment(until={"seconds": -1}), "until.seconds: -1 must be above 0"),
        (segment(until={"seconds": float("nan")}), "until.seconds: nan"),
        (segment(until={"seconds": 1e9}), "at most 7200"),
        (segment(until={"steps": 1.5}), "until.steps: 1.5 must be a whole number"),
    ],
)
def test_a_wrong_plan_is_named_in_one_line(content, message):
    with pytest.raises(ValueError, match=message) as caught:
        from_json(content)
    assert "\n" not in str(caught.value)


def test_confidence_may_be_left_out():
    (found,) = from_json(segment())[1].segments
    assert found.confidence == 1.0


def test_confidence_is_between_zero_and_one():
    assert Segment("run", confidence=0.3).confidence == 0.3
    with pytest.raises(ValueError, match="confidence: 1.1"):
        Segment("run", confidence=1.1)
