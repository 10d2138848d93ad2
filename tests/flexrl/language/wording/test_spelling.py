import pytest

from flexrl.language.wording.spelling import corrected, distance


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("wlak forwrad slwoly", "walk forward slowly"),
        ("tunr rihgt 90 degreees", "turn right 90 degrees"),
        ("stpo and wiat", "stop and wait"),
        ("Jmup quikly", "jump quickly"),
        ("setp to the lfet", "step to the left"),
        ("spritn 10 m", "sprint 10 m"),
        ("wlk b4 u jmp den stp", "walk before u jump then stop"),
    ],
)
def test_typing_errors_are_corrected(wrong, right):
    assert corrected(wrong) == right


@pytest.mark.parametrize(
    "text",
    [
        "talk to the light",
        "the food is soft",
        "a charger",
        "dance, waltz and bump",
        "torn stems",
        "kjhg fdsa",
        "chalk",
        "precede a trick",
    ],
)
def test_words_of_their_own_stay(text):
    assert corrected(text) == text


@pytest.mark.parametrize("word", ["left", "right", "light", "lift", "fight", "bright"])
def test_no_word_becomes_a_side(word):
    assert corrected(word) == word


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [("walk", "walk", 0), ("wlak", "walk", 1), ("wak", "walk", 1), ("walkk", "walk", 1), ("talks", "walk", 2)],
)
def test_a_swap_is_one_edit(a, b, edits):
    assert distance(a, b, 2) == edits
    assert distance(a, b, 0) == min(edits, 1)
