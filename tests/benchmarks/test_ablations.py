"""The table of what PPO's options do."""

import io
import json

import pytest
from rich.console import Console

from benchmarks import ablations
from benchmarks.ablations import BASE, AblationsConfig
from flexrl.cli.arguments import parse


@pytest.mark.parametrize("flags", ablations.VARIANTS.values())
def test_every_variant_is_one_of_its_own(flags):
    found = parse(["--env", "humanoid-walk", *flags.split()]).config
    assert (found.hash() == parse(["--env", "humanoid-walk"]).config.hash()) == (flags == "")


def test_an_unknown_variant_is_refused_by_name():
    with pytest.raises(ValueError, match="variants: \\['luck'\\] are unknown"):
        AblationsConfig(variants=("luck",))


def test_the_table_tells_final_returns_and_means_of_curves():
    curves = [[(10, 100.0), (20, 900.0)], [(10, 200.0), (20, 400.0)]]
    out = io.StringIO()
    Console(file=out, width=120).print(ablations.table([{"variant": "one", "curves": curves, "final": [700.0, 380.0]}]))
    assert ["one", "540", "700,", "380", "400"] in [line.split() for line in out.getvalue().splitlines()]


@pytest.mark.slow
def test_each_variant_learns_from_each_seed_and_is_drawn(tmp_path):
    names = (BASE, "clipped values")
    config = AblationsConfig(
        total_steps=8192, num_seeds=2, num_evaluations=2, variants=names, workspace=tmp_path, out=tmp_path / "f.json"
    )
    ablations.main(config)
    report = json.loads((tmp_path / "f.json").read_text())
    assert str(tmp_path) not in json.dumps(report)
    assert [each["variant"] for each in report["results"]] == list(names)
    finals = [value for each in report["results"] for value in each["final"]]
    results = [json.loads(path.read_text())["return_mean"] for path in sorted(tmp_path.glob("*/seed-*/result.json"))]
    assert sorted(finals) == sorted(results) and all(each["commits"] for each in report["results"])
    curves = [curve for each in report["results"] for curve in each["curves"]]
    assert [steps for steps, _ in curves[0]] == [4096, 8192]
    assert len({curve[-1][1] for curve in curves}) == 4 and (tmp_path / "f.png").exists()
