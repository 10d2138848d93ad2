import re
from collections import Counter

import pytest

from flexrl.language.corpus import lexicon
from flexrl.language.corpus.clauses import clause_examples
from flexrl.language.corpus.forms import mirror
from flexrl.language.corpus.instructions import instructions
from flexrl.language.corpus.types import HELD_OUT_TEMPLATES, LABELS, UNSUPPORTED
from flexrl.language.grammar.clauses import split
from flexrl.language.plan import Plan, Refusal


@pytest.fixture(scope="module")
def train():
    return clause_examples("train", 800)


@pytest.fixture(scope="module")
def tests():
    return {name: clause_examples(name, 40) for name in ("S0", "S1", "S2")}


def test_a_seed_gives_the_same_corpus_and_another_seed_another():
    assert clause_examples("train", 50, seed=1) == clause_examples("train", 50, seed=1)
    assert clause_examples("train", 50, seed=1) != clause_examples("train", 50, seed=2)


def test_every_label_and_speed_occurs(train):
    assert {example.skill for example in train} == set(LABELS)
    assert {example.speed for example in train} == {None, "slow", "fast"}


def test_a_fifth_is_unsupported(train, tests):
    assert sum(example.skill == UNSUPPORTED for example in train) >= 0.2 * len(train)
    assert all(any(example.skill == UNSUPPORTED for example in examples) for examples in tests.values())


def test_left_and_right_are_balanced(train):
    count = Counter(example.skill for example in train)
    for skill in ("strafe-{}", "walk-forward-{}", "walk-backward-{}"):
        assert abs(count[skill.format("left")] - count[skill.format("right")]) <= 1


def test_a_side_is_never_the_other(train, tests):
    for example in [*train, *(example for examples in tests.values() for example in examples)]:
        side = example.skill.rsplit("-", 1)[-1]
        words = set(re.findall(r"[a-z]+", example.text.replace("hand", "")))
        if side in ("left", "right"):
            other = {"left": "right", "right": "left"}[side]
            assert not {other, f"{other}ward", f"{other}wards"} & words, example


def test_texts_are_different_and_what_clauses_gives(train):
    assert len({example.text for example in train}) == len(train)
    again = [split(example.text).clauses for example in train]
    same = sum(len(parts) >= 1 and parts[0].text == example.text for example, parts in zip(train, again, strict=True))
    assert same > 0.97 * len(train)


def test_training_has_no_held_out_word_or_template(train, tests):
    for example in [*train, *tests["S0"]]:
        assert not set(example.text.split()) & lexicon.HELD_OUT
        assert example.template not in HELD_OUT_TEMPLATES
    assert all(example.template in HELD_OUT_TEMPLATES for example in tests["S1"])


def test_the_splits_are_apart(train, tests):
    texts = {example.text for example in train}
    for examples in tests.values():
        assert not texts & {example.text for example in examples}


@pytest.mark.parametrize("name", ["train", "S0", "S1", "S2", "S4"])
def test_instructions_have_plans_and_refusals(name):
    made = instructions(name, 150)
    assert len({instruction.text for instruction in made}) == 150
    refused = sum(isinstance(instruction.answer, Refusal) for instruction in made)
    assert 15 <= refused <= 60
    assert made == instructions(name, 150)


def test_long_instructions_have_three_or_four_clauses():
    plans = [made.answer for made in instructions("S4", 100) if isinstance(made.answer, Plan)]
    assert {len(plan.segments) for plan in plans} == {3, 4}


@pytest.mark.parametrize(("name", "least"), [("S0", 0.97), ("S1", 0.9), ("S2", 0.95), ("S4", 0.95)])
def test_instructions_are_split_as_their_plans(name, least):
    right = total = 0
    for made in instructions(name, 200, seed=3):
        if isinstance(made.answer, Plan):
            reading = split(made.text)
            amounts = [clause.until for clause in reading.clauses]
            right += amounts == [segment.until for segment in made.answer.segments] and not reading.impossible
            total += 1
    assert right >= least * total


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("turn left", "turn right"),
        ("step rightwards", "step leftwards"),
        ("turn counter clockwise then right", "turn clockwise then left"),
        ("turn clockwise", "turn counter clockwise"),
        ("walk", "walk"),
    ],
)
def test_a_text_is_mirrored(text, other):
    assert mirror(text) == other


def test_wrong_splits_and_counts_are_named():
    with pytest.raises(ValueError, match="split: 'S4' has no clauses"):
        clause_examples("S4", 1)


def test_every_phrase_is_filled_in(train):
    assert not any("{" in example.text or "}" in example.text for example in train)
