import json

import pytest

from flexrl.common.errors import ConfigError
from launch.attempt.trial_folder import folder_of
from launch.plan.states import Progress
from launch.plan.sweep_file import Gpu, Resources, amount, load_sweep
from launch.show.cost import Prices, Rate, hours_left, load_prices, told
from tests.launch import sweeps

PRICES = Prices("EUR", "today", "a friend", Rate(1.0, 0.5), Rate(0.1, 0.05), {"nvidia-l4": Rate(10.0, 4.0)})


@pytest.mark.parametrize(
    ("text", "number"), [("2", 2), ("500m", 0.5), ("1.5", 1.5), ("4Gi", 4 * 2**30), ("1k", 1000), ("512Mi", 2**29)]
)
def test_quantities_are_the_numbers_that_kubernetes_means(text, number):
    assert amount(text) == number


def test_an_hour_is_cores_and_memory_and_accelerators_spot_or_on_demand():
    assert PRICES.hourly(Resources(cpu="500m", memory="2Gi")) == pytest.approx(0.5 + 0.2)
    gpus = Resources(Gpu(2, "nvidia-l4"), "4", "10Gi")
    assert PRICES.hourly(gpus) == pytest.approx(2 * 10 + 4 + 1)
    assert PRICES.hourly(Resources(gpus.gpu, "4", "10Gi", spot=True)) == pytest.approx(2 * 4 + 2 + 0.5)
    assert PRICES.hourly(Resources(Gpu(1, "moon"))) is None and PRICES.hourly(Resources(Gpu(1))) is None


def planned(folder, states=(), given=None, **fields):
    trials = sweeps.trials(folder, **fields)
    progress = {trial.key: Progress() for trial in trials}
    progress |= dict(zip(progress, states, strict=False))
    return load_sweep(folder / "sweep.yaml")[0], hours_left(
        load_sweep(folder / "sweep.yaml")[0], progress, trials, given
    )


def test_hours_are_given_measured_or_limited_and_it_is_said_which(tmp_path):
    limit = {"seeds": 4, "time_limit_minutes": 90.0}
    assert planned(tmp_path, seeds=4)[1] is None
    hours = planned(tmp_path, **limit)[1]
    assert hours.total == 4 * 1.5 and hours.basis == "at most, by time_limit_minutes 90"
    hours = planned(tmp_path, [Progress("done", 1, 0, 720.0), Progress("failed")], **limit)[1]
    assert hours.total == pytest.approx(3 * 0.2) and hours.basis == "by the steps a second of 1 done trials"
    hours = planned(tmp_path, [Progress("done", 1, 0, 720.0)], given=2.0, **limit)[1]
    assert hours.total == 3 * 2.0 and "--hours" in hours.basis


def test_a_trial_of_twice_the_steps_takes_twice_as_long(tmp_path):
    axes = {"grid": {"total_steps": [320, 640]}}
    assert planned(tmp_path, [Progress("done", 1, 0, 360.0)], **axes)[1].total == pytest.approx(0.2)


def test_a_result_tells_the_seconds_where_the_attempts_are_not_known(tmp_path):
    trial = sweeps.trials(tmp_path, seeds=2)[0]
    folder_of(trial).prepare(trial)
    result = {"config_hash": trial.config_hash, "return_mean": 1.0, "timing": {"seconds": 1800.0}}
    (trial.folder / "result.json").write_text(json.dumps(result))
    assert planned(tmp_path, [Progress("done")], seeds=2)[1].total == pytest.approx(0.5)


def test_the_line_names_hours_price_date_and_source_or_what_is_missing(tmp_path):
    gpus = {"resources": {"gpu": {"count": 2, "kind": "nvidia-l4"}, "cpu": "4", "memory": "10Gi"}}
    sweep, hours = planned(tmp_path, given=3.0, seeds=2, **gpus)
    line = told(sweep, hours, PRICES)
    assert line.startswith("12 GPU-hours left (3 each, as given by --hours); 150 EUR on demand (25 an hour of a trial)")
    assert line.endswith("by prices of today: a friend")
    assert "hours: unknown" in told(sweep, None, PRICES)
    sweep, hours = planned(tmp_path, given=3.0, resources={"gpu": {"count": 1, "kind": "moon"}})
    assert "3 GPU-hours" in told(sweep, hours, PRICES) and "moon is not in the table, known: nvidia-l4" in told(
        sweep, hours, PRICES
    )
    sweep, hours = planned(tmp_path, given=3.0, resources={"cpu": "500m"})
    assert told(sweep, hours, PRICES).startswith("1.5 CPU-hours")


def test_a_table_is_read_strictly_and_ours_is_one(tmp_path):
    ours = load_prices(None)
    assert ours.date and ours.source and all(rate.spot < rate.on_demand for rate in ours.gpu.values())
    path = tmp_path / "prices.yaml"
    content = {"currency": "EUR", "date": "x", "source": "y", "gpu": {}}
    rate = {"on_demand": 1, "spot": 1}
    path.write_text(json.dumps({**content, "cpu": rate, "memory": rate}))
    assert load_prices(path).cpu == Rate(1.0, 1.0)
    path.write_text(json.dumps({**content, "cpu": rate, "memory": {"on_demand": -1, "spot": 0}}))
    with pytest.raises(ConfigError, match="prices.yaml: on_demand: -1"):
        load_prices(path)
    with pytest.raises(ConfigError, match="hours: 0"):
        planned(tmp_path, given=0.0)
