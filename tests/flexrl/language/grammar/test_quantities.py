import pytest

from flexrl.language.quantities.find import find_quantity, normalise
from flexrl.language.quantities.numbers import number
from flexrl.language.quantities.units import unit


@pytest.mark.parametrize(
    ("clause", "kind", "amount", "text"),
    [
        ("walk two and a half metres", "metres", 2.5, "walk"),
        ("walk 17.5 m forward", "metres", 17.5, "walk forward"),
        ("Walk 17,5 m forward", "metres", 17.5, "walk forward"),
        ("walk 1,000 metres", "metres", 1000, "walk"),
        ("walk .5 m", "metres", 0.5, "walk"),
        ("walk ½ m", "metres", 0.5, "walk"),
        ("walk 2 1/2 yards", "metres", 2.29, "walk"),
        ("walk 2½ metres", "metres", 2.5, "walk"),
        ("walk point five metres", "metres", 0.5, "walk"),
        ("walk one point two metres", "metres", 1.2, "walk"),
        ("walk back 10ft", "metres", 3.05, "walk back"),
        ("walk 5 feet 6 inches", "metres", 1.68, "walk"),
        ("walk 3 metres and 50 centimetres", "metres", 3.5, "walk"),
        ("walk a metre and a half", "metres", 1.5, "walk"),
        ("walk three quarters of a metre", "metres", 0.75, "walk"),
        ("walk half a mile", "metres", 804.67, "walk"),
        ("walk a mile", "metres", 1609.34, "walk"),
        ("walk a yard", "metres", 0.91, "walk"),
        ("run about twenty-five yards", "metres", 22.86, "run"),
        ("walk one hundred metres", "metres", 100, "walk"),
        ("go forward for a distance of three metres", "metres", 3, "go forward"),
        ("go a further two metres", "metres", 2, "go"),
        ("walk two more metres", "metres", 2, "walk"),
        ("walk a few metres", "metres", 3, "walk"),
        ("walk a couple of metres", "metres", 2, "walk"),
        ("walk 0.2 km", "metres", 200, "walk"),
        ("walk 3 metrs", "metres", 3, "walk"),
        ("walk 3 meteres", "metres", 3, "walk"),
        ("walk thre metres", "metres", 3, "walk"),
        ("stand still for half a minute", "seconds", 30, "stand still"),
        ("wait for a minute", "seconds", 60, "wait"),
        ("wait one minute and thirty seconds", "seconds", 90, "wait"),
        ("run for 1min 30s", "seconds", 90, "run"),
        ("wait a second", "seconds", 1, "wait"),
        ("wait 5 secnods", "seconds", 5, "wait"),
        ("wait 5 seonds", "seconds", 5, "wait"),
        ("wait a couple seconds", "seconds", 2, "wait"),
        ("wait for a quarter of an hour", "seconds", 900, "wait"),
        ("turn left a hundred and twenty degrees", "degrees", 120, "turn left"),
        ("turn left 90", "degrees", 90, "turn left"),
        ("turn 45 to the left", "degrees", 45, "turn to the left"),
        ("turn right by about 45 degrees", "degrees", 45, "turn right"),
        ("turn right 30 deg", "degrees", 30, "turn right"),
        ("rotate 90° clockwise", "degrees", 90, "rotate clockwise"),
        ("turn through a right angle", "degrees", 90, "turn"),
        ("one hundred and eighty degrees left", "degrees", 180, "turn left"),
        ("turn 20 degress left", "degrees", 20, "turn left"),
        ("make a quarter turn to the left", "degrees", 90, "turn to the left"),
        ("half turn right", "degrees", 180, "turn right"),
        ("turn left half a turn", "degrees", 180, "turn left"),
        ("do a half-turn", "degrees", 180, "turn"),
        ("turn halfway round", "degrees", 180, "turn"),
        ("turn around", "degrees", 180, "turn around"),
        ("turn around to the right", "degrees", 180, "turn around to the right"),
        ("about-face", "degrees", 180, "about face"),
        ("face the other way", "degrees", 180, "turn around"),
        ("do a 180", "degrees", 180, "turn"),
        ("do a full turn to the right", "degrees", 360, "turn to the right"),
        ("spin all the way round", "degrees", 360, "spin"),
        ("two full turns", "degrees", 720, "turn"),
        ("turn 3/4 of a turn left", "degrees", 270, "turn left"),
        ("turn 3.14159 radians", "degrees", 180, "turn"),
        ("take a dozen steps", "steps", 12, "step"),
        ("take half a dozen steps back", "steps", 6, "step back"),
        ("take a step to the left", "steps", 1, "step to the left"),
        ("take three small steps to the left", "steps", 3, "small step to the left"),
        ("take a pace", "steps", 1, "step"),
        ("walk three steps", "steps", 3, "walk"),
        ("two steps back", "steps", 2, "step back"),
        ("take 4 quick steps back", "steps", 4, "quick step back"),
        ("walk forward one footstep", "steps", 1, "walk forward"),
    ],
)
def test_an_amount_is_found_and_taken_out(clause, kind, amount, text):
    found = find_quantity(clause)
    assert found.until is not None
    assert (found.until.kind, found.until.amount, found.text) == (kind, amount, text)
    assert (found.times, found.conflict) == (1, None)


@pytest.mark.parametrize(
    ("clause", "times", "text"),
    [
        ("jump three times", 3, "jump"),
        ("jump twice", 2, "jump"),
        ("jump thrice", 3, "jump"),
        ("turn once", 1, "turn"),
        ("walk 3x", 3, "walk"),
        ("jump x4", 4, "jump"),
        ("jump a couple of times", 2, "jump"),
        ("jump 3 tiems", 3, "jump"),
        ("do five jumps", 5, "jump"),
        ("two hops", 2, "hop"),
        ("make three left turns", 3, "turn left"),
        ("jump two times in a row", 2, "jump"),
    ],
)
def test_a_count_is_found_and_taken_out(clause, times, text):
    found = find_quantity(clause)
    assert (found.until, found.times, found.text) == (None, times, text)


@pytest.mark.parametrize(
    "clause",
    [
        "walk forward",
        "walk a bit",
        "walk for a while",
        "step to the left",
        "turn right",
        "turn to the right",
        "stand up",
        "rise to your feet",
        "stand on two feet",
        "walk in a circle",
        "make a left turn",
        "hop on one leg",
        "a second jump",
        "do a jump",
    ],
)
def test_no_amount_leaves_the_clause_as_it_is(clause):
    found = find_quantity(clause)
    assert (found.until, found.times, found.text) == (None, 1, clause)


def test_a_number_without_unit_is_kept_apart():
    found = find_quantity("three backward")
    assert (found.bare, found.until, found.text) == (3, None, "backward")


@pytest.mark.parametrize("clause", ["walk 2 metres for 5 seconds", "walk -3 metres", "walk 0 metres"])
def test_amounts_that_cannot_be_are_named(clause):
    assert find_quantity(clause).conflict


def test_a_count_and_an_amount():
    found = find_quantity("walk two metres three times")
    assert found.until is not None
    assert (found.until.amount, found.times, found.text) == (2, 3, "walk")


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("  Walk,  FORWARD! ", "walk forward"),
        ("counter-clockwise", "counter clockwise"),
        ("don’t walk", "don't walk"),
        ("2.5m.", "2.5 m"),
        ("90°", "90 degrees"),
    ],
)
def test_text_is_normalised(text, normalised):
    assert normalise(text) == normalised
    assert normalise(normalised) == normalised


@pytest.mark.parametrize(("word", "known"), [("meterz", True), ("setps", True), ("yard", True), ("food", False)])
def test_units_are_known_within_one_letter(word, known):
    assert (unit(word) is not None) == known


@pytest.mark.parametrize(
    ("words", "value"),
    [("forty five", 45), ("a hundred and twenty", 120), ("two hundred", 200), ("one thousand five hundred", 1500)],
)
def test_numbers_in_words(words, value):
    assert number(words.split(), 0) == (value, len(words.split()))
