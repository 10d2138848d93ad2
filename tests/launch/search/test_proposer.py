import math
import statistics

import pytest

from flexrl.common.errors import ConfigError
from launch.plan.axes import describe, points
from launch.plan.draws import Draw, Random, Search
from launch.plan.sweep_file import Sweep
from launch.search import proposer
from launch.search.proposer import Outcome, Proposer

FIELDS = {
    "rate": Draw(log_uniform=(1e-5, 1e-1)),
    "discount": Draw(uniform=(0.9, 0.999)),
    "epochs": Draw(choice=(1, 2, 4, 8)),
}


def bowl(point):
    """The return of a point: 100 at its highest, with a rate of 1e-3, a discount of 0.98 and 4 epochs."""
    rate, epochs = math.log10(point["rate"]), math.log2(point["epochs"])
    return 100 - 20 * (rate + 3) ** 2 - 5e3 * (point["discount"] - 0.98) ** 2 - 5 * (epochs - 2) ** 2


def proposed(outcome_of, trials=20, parallel=4, seed=0, fields=FIELDS):
    """All points of a search, if the outcome of a point is so."""
    search = Proposer(Search("tpe", trials, parallel), Random(None, fields, seed))
    found = []
    while batch := search.ask():
        found += batch
        search.tell([outcome_of(point) for point in batch])
    return found


def test_the_same_seed_and_outcomes_give_the_same_points_and_others_give_others():
    def worse(point):
        return Outcome(-bowl(point))

    first = proposed(lambda point: Outcome(bowl(point)))
    assert proposed(lambda point: Outcome(bowl(point))) == first
    assert proposed(lambda point: Outcome(bowl(point)), seed=1)[0] != first[0]
    other = proposed(worse)
    assert other[:8] == first[:8] and other[12:] != first[12:]  # the first ten outcomes are waited for


def test_rounds_are_of_the_size_that_was_asked_for_and_the_last_has_the_rest():
    search = Proposer(Search("tpe", 10, 4), Random(None, FIELDS))
    sizes = []
    for _ in range(4):
        sizes.append(len(batch := search.ask()))
        search.tell([Outcome(bowl(point)) for point in batch])
    assert sizes == [4, 4, 2, 0]


def test_more_trials_keep_the_points_of_less_also_where_the_last_round_was_not_full():
    assert proposed(lambda point: Outcome(bowl(point)), trials=18)[:14] == proposed(
        lambda point: Outcome(bowl(point)), trials=14
    )


def test_values_stay_in_their_fields_and_have_six_digits():
    found = proposed(lambda point: Outcome(point["rate"] + point["discount"]), trials=40, parallel=1)  # to the edge
    assert all(1e-5 <= point["rate"] <= 1e-1 and 0.9 <= point["discount"] <= 0.999 for point in found)
    assert all(value == float(f"{value:.6g}") for point in found for value in (point["rate"], point["discount"]))
    assert {point["epochs"] for point in found} == {1, 2, 4, 8}


def test_no_point_is_proposed_twice_until_all_choices_are_through():
    fields = {"x": Draw(choice=("a", ["b"], None, 3)), "y": Draw(choice=(1, 2, 3, 4, 5))}
    found = proposed(lambda point: Outcome(float(point["x"] == "a")), trials=20, fields=fields)
    assert len({describe(point) for point in found}) == 20


def test_its_best_of_thirty_is_better_than_that_of_random_points_in_the_median_over_seeds():
    best, random_best = [], []
    for seed in range(25):
        best.append(max(map(bowl, proposed(lambda point: Outcome(bowl(point)), trials=30, seed=seed))))
        random_best.append(max(map(bowl, points(Sweep("s", random=Random(30, FIELDS, seed)), 0))))
    assert statistics.median(best) > statistics.median(random_best)


@pytest.mark.parametrize(
    "bad",
    [Outcome(), Outcome(math.nan), Outcome(-math.inf), Outcome(rungs={1: 1e6})],
    ids=["diverged", "nan", "infinite", "left behind"],
)
def test_what_diverged_or_was_left_behind_is_worse_than_any_that_came_to_its_end(bad):
    found = proposed(lambda point: bad if point["rate"] > 1e-3 else Outcome(-1e3), trials=40, parallel=1)
    late = [point["rate"] for point in found[20:]]
    assert sum(rate > 1e-3 for rate in late) <= 4


def test_of_those_left_behind_the_better_ones_count():
    def outcome(point):
        return Outcome(rungs={1: bowl(point)})

    late = [bowl(point) for point in proposed(outcome, trials=40, parallel=2)[20:]]
    assert statistics.median(late) > 60


def test_nothing_follows_from_what_failed_for_another_reason():
    found = proposed(lambda point: Outcome(is_known=False), trials=12, parallel=1)
    assert found == proposed(lambda point: Outcome(is_known=False), trials=12, parallel=4)


def test_without_optuna_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setattr(proposer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"search.sampler: tpe needs Optuna; pip install -e '.\[search\]'"):
        Proposer(Search("tpe", 4), Random(None, FIELDS))
