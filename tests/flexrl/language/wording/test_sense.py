import pytest

from flexrl.language.head import FAMILIES
from flexrl.language.wording.sense import Sense, compatible, sense_of
from flexrl.language.wording.vocabulary import phrase_table


@pytest.mark.parametrize(
    ("text", "kind", "family", "speed"),
    [
        ("walk", None, "forward", None),
        ("walk backwards slowly", None, "backward", "slow"),
        ("move back to the left", None, "backward", None),
        ("walk to the left", None, "strafe", None),
        ("half to the left", "metres", "strafe", None),
        ("to the left", "degrees", "turn", None),
        ("take a left", None, "turn", None),
        ("take a hard right at top speed", None, "turn", "fast"),
        ("sprint ahead", None, "run", "fast"),
        ("go at an easy jog", "metres", "run", "slow"),
        ("get up from floor", None, "stand-up", None),
        ("jog it", "metres", "run", "slow"),
        ("perform a lateral displacement to the left", "metres", "strafe", None),
        ("maintain an upright stance", "seconds", "stand", None),
        ("jog", None, "run", "slow"),
        ("jump on the spot", None, "jump", None),
        ("stop in your tracks", None, "stand", None),
        ("pull yourself up off the ground", None, "stand-up", None),
        ("step", "steps", "forward", None),
        ("run backwards", None, "unsupported", None),
        ("jump over", None, "unsupported", None),
        ("turn your head", None, "unsupported", None),
        ("walk to the door", None, "unsupported", None),
        ("turn in the air", None, "unsupported", None),
        ("", None, None, None),
        ("gallivant to the left", None, None, None),
    ],
)
def test_known_words_say_skill_and_speed(text, kind, family, speed):
    assert sense_of(text, kind) == (None if family is None else Sense(family, speed))


def test_a_word_that_is_hidden_is_not_known():
    assert sense_of("saunter ahead", None) == Sense("forward", "slow")
    assert sense_of("sauntering ahead", None, frozenset({"saunter"})) is None


@pytest.mark.parametrize(
    ("text", "kind", "families"),
    [
        ("gallivant to the left", "metres", {"strafe"}),
        ("gallivant clockwise", None, {"turn"}),
        ("gallivant", "degrees", {"turn"}),
        ("gallivant backwards", "steps", {"backward", "strafe"}),
    ],
)
def test_ways_and_amounts_leave_few_families_possible(text, kind, families):
    assert compatible(text, kind) == families


def test_every_phrase_is_plain_lower_case():
    assert all(phrase == " ".join(phrase.lower().split()) != "" for phrase in phrase_table())
    assert compatible("", None) <= set(FAMILIES)
