import pytest

from flexrl.common.errors import ConfigError
from launch.plan import decoder, plan_store
from launch.plan.trials import load_trials
from tests.launch import sweeps

GRID = {"algorithm.learning_rate": [1e-4, 1e-3], "num_envs": [8, 16]}


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """Where plans are kept, also of small sweeps."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(plan_store, "LEAST", 1)
    return tmp_path / "cache" / "flexrl" / "plans"


@pytest.fixture
def decoded(monkeypatch):
    """What was decoded so far."""
    decoded = []
    with_defaults = decoder.with_defaults
    monkeypatch.setattr(decoder, "with_defaults", lambda *it: decoded.append(it) or with_defaults(*it))
    return decoded


def told(found):
    return [(t.number, t.key, t.values, t.config_hash, t.num_steps, t.folder, t.content()) for t in found]


def test_the_second_time_the_same_trials_are_there_without_decoding(tmp_path, store, decoded):
    first = told(sweeps.trials(tmp_path, grid=GRID))
    decoded.clear()
    again = sweeps.trials(tmp_path, grid=GRID)
    assert len(list(store.iterdir())) == 1 and not decoded
    assert told(again) == first
    assert len(decoded) == 4  # for what they contain


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff", b'{"0": 1}\n[]', None])
def test_a_damaged_plan_is_made_anew(tmp_path, store, decoded, damage):
    first = told(sweeps.trials(tmp_path, grid=GRID))
    (plan,) = store.iterdir()
    whole = plan.read_bytes()
    plan.write_bytes(whole[:-20] if damage is None else damage)
    decoded.clear()
    assert told(sweeps.trials(tmp_path, grid=GRID)) == first
    assert plan.read_bytes() == whole


def test_another_sweep_base_workspace_or_code_is_never_answered_by_the_old_plan(tmp_path, store, monkeypatch):
    (tmp_path / "base.yaml").write_text("num_envs: 8\n")
    fields = {"base": "base.yaml", "grid": {"seed": [1, 2]}}

    def keys(**more):
        return {trial.key for trial in sweeps.trials(tmp_path, **{**fields, **more})}

    first = keys()
    assert keys(grid={"seed": [1, 3]}) != first
    (tmp_path / "base.yaml").write_text("num_envs: 16\n")
    assert not keys() & first
    assert not keys(resources={"gpu": {"count": 1}}) & first
    number = len(list(store.iterdir()))
    monkeypatch.setattr(plan_store, "_code", lambda: "another")
    keys()
    assert len(list(store.iterdir())) == number + 1
    assert load_trials(tmp_path / "sweep.yaml", tmp_path / "elsewhere")[1][0].folder.parts[-3] == "elsewhere"


def test_the_version_of_the_code_is_its_text(tmp_path, monkeypatch):
    for room in plan_store.ROOMS:
        (tmp_path / room).mkdir()
    monkeypatch.setattr(plan_store, "__file__", str(tmp_path / "launch" / "plan" / "plan_store.py"))
    file = tmp_path / "algos" / "ppo.py"
    seen = set()
    for text in ("a", "b", "a"):
        file.write_text(text)
        plan_store._code.cache_clear()
        seen.add(plan_store._code())
    plan_store._code.cache_clear()
    assert len(seen) == 2


def test_what_follows_from_other_files_is_not_kept(tmp_path, store, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task.py").write_text("from envs.tasks.humanoid_walk import HumanoidWalk as Mine\n")
    base = {name: value for name, value in sweeps.TINY.items()}
    sweeps.trials(tmp_path, base={**base, "env": "task.py:Mine"})
    sweeps.trials(tmp_path, grid={"env": ["humanoid-walk", "task.py:Mine"]})
    with pytest.raises(ConfigError, match="nobody"):
        sweeps.trials(tmp_path, base={**base, "parent": "nobody"})
    with pytest.raises(ConfigError, match="num_envs: 0"):
        sweeps.trials(tmp_path, grid={"num_envs": [8, 0]})
    assert not store.exists()


def test_the_newest_plans_are_kept_and_a_store_that_cannot_be_written_to_is_left_alone(tmp_path, store, monkeypatch):
    monkeypatch.setattr(plan_store, "KEPT", 2)
    for seed in range(4):
        sweeps.trials(tmp_path, seeds=[seed])
    assert len(list(store.iterdir())) == 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "sweep.yaml"))
    assert len(sweeps.trials(tmp_path, seeds=2)) == 2
