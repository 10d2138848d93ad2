import pytest

from flexrl.common.errors import ConfigError
from launch.plan.sweep_file import load_sweep
from launch.plan.variables import expanded
from tests.launch import sweeps

CONTENT = {"variables": {"steps": 960, "rates": [1e-4, 1e-3], "who": "me", "on": True, "part": 0.5}}


def used(**fields):
    """A content that uses each variable, and these fields."""
    every = {"x": ["${steps}", "${rates}", "${who}", "${on}", "${part}"]}
    return {**CONTENT, **every, **fields}


def test_a_reference_alone_keeps_the_type_of_its_value():
    assert expanded(used(), [], "f")["x"] == [960, [1e-4, 1e-3], "me", True, 0.5]
    found = expanded(used(y={"a": {"b": "${rates}"}}), [], "f")
    assert found["y"]["a"]["b"] == [1e-4, 1e-3] and "variables" not in found


def test_within_text_stand_text_and_whole_numbers():
    assert expanded(used(name="of-${who}-${steps}"), [], "f")["name"] == "of-me-960"
    with pytest.raises(ConfigError, match=r"f: name: \$\{part\} is 0.5, and only text and whole numbers"):
        expanded(used(name="of-${part}"), [], "f")


def test_a_setting_replaces_a_value_by_one_of_its_type():
    settings = ["steps=1_000", "rates=[1e-2]", "who=12", "on=false", "part=2"]
    found = expanded(used(), settings, "f")["x"]
    assert found == [1000, [1e-2], "12", False, 2.0]
    assert [type(value) for value in found] == [int, list, str, bool, float]


@pytest.mark.parametrize(
    ("content", "settings", "named"),
    [
        ({"x": "${steps}"}, [], "f: x: '${steps}' names no variable"),
        ({"a": {"b": ["${stpes}"]}, "variables": {"steps": 1}}, [], "f: a.b: '${stpes}' names no variable"),
        ({"x": "${steps", "variables": {"steps": 1}}, [], "names no variable"),
        ({"x": "${}", "variables": {"steps": 1}}, [], "names no variable"),
        ({"x": 1, "variables": {"steps": 1}}, [], "variables.steps: is used nowhere"),
        ({"variables": {"a": "${b}", "b": 1}}, [], "variables.a: '${b}' names another variable"),
        ({"variables": {"a": None}}, [], "variables.a: None must be"),
        ({"variables": {"a-b": 1}}, [], "'a-b' must be letters"),
        ({"variables": 3}, [], "variables: 3 must be a mapping"),
        ({"${a}": 1, "variables": {"a": "x"}}, [], "names of fields cannot be variables"),
        (used(), ["stpes=1"], "'stpes=1' must be NAME=VALUE; variables: steps, rates"),
        (used(), ["steps"], "must be NAME=VALUE"),
        (used(), ["steps=1.5"], "must be a whole number, as 960"),
        (used(), ["steps=true"], "must be a whole number"),
        (used(), ["steps=[1"], "must be a whole number"),
        (used(), ["on=1"], "must be a boolean"),
    ],
)
def test_what_is_not_in_order_is_refused_by_name(content, settings, named):
    with pytest.raises(ConfigError) as refused:
        expanded(content, settings, "f")
    assert named in str(refused.value) and "\n" not in str(refused.value)


def test_a_sweep_is_what_its_variables_say(tmp_path):
    variables = {"rates": [1e-4, 1e-3], "gpus": 0}
    fields = {"grid": {"algorithm.learning_rate": "${rates}"}, "resources": {"gpu": {"count": "${gpus}"}}}
    path = sweeps.write(tmp_path, variables=variables, **fields)
    assert load_sweep(path)[0].grid == {"algorithm.learning_rate": (1e-4, 1e-3)}
    sweep, _ = load_sweep(path, ["rates=[1e-2]", "gpus=2"])
    assert (sweep.grid["algorithm.learning_rate"], sweep.resources.gpu.count) == ((1e-2,), 2)
