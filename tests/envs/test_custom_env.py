"""A task in a user's file is found, checked and trained; a broken one is refused by task, field and shape."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from envs.errors import ConfigError
from envs.physics import PhysicsOptions
from envs.registry import BUILT_IN, env_names, env_type, make_env

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_env.py"


@pytest.fixture
def task(tmp_path):
    """A copy of the example outside the repository, with some text of it or of its MJCF replaced; returns its name."""

    def write(old="", new="", suffix=".py"):
        for file in (EXAMPLE, EXAMPLE.with_suffix(".xml")):
            text = file.read_text()
            assert file.suffix != suffix or old in text
            (tmp_path / f"mine{file.suffix}").write_text(text.replace(old, new) if file.suffix == suffix else text)
        return f"{tmp_path}/mine.py:PoleOnACart"

    return write


def build(name):
    return make_env(name, env_type(name).Config(), PhysicsOptions("native"))


def test_the_example_is_short():
    assert len(EXAMPLE.read_text().splitlines()) <= 75


def test_a_task_outside_the_repository_learns_with_the_unchanged_command(task, tmp_path):
    arguments = (
        f"--algo ppo --env {task()} --num-envs 16 --total-steps 61440 --num-evaluations 1 --evaluation-episodes 8 "
        f"--workspace {tmp_path} --name pole --no-video --algorithm.learning-rate 1e-3 --algorithm.policy-layers 32 "
        "--algorithm.value-layers 32"
    )
    command = [sys.executable, "-m", "flexrl.train", *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "pole" / "result.json").read_text())
    assert result["episode_length_mean"] > 300  # an untrained policy's pole falls after about 30 steps


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('return jnp.concatenate([physics["qpos"], physics["qvel"]])', 'return physics["qpos"][None]', "reset: obs"),
        ("reward=1.0 -", "reward=jnp.ones(2) -", r"step: reward has shape \(2,\).*expected shape \(\)"),
        ("reward=1.0 -", "reward=jnp.log(-1.0) -", "step: reward is not finite"),
        ("terminated=angle > self.config.max_angle", "terminated=angle", "step: terminated .* expected .* bool"),
        ('metrics={"angle": angle},\n        )', 'metrics={"tilt": angle},\n        )', "metrics has the keys"),
        ("goal=jnp.zeros(0)", "goal=jnp.zeros((2, 2))", r"reset: goal has shape \(2, 2\)"),
        ("    Config = PoleOnACartConfig\n", "", "Config must be a dataclass"),
        ("class PoleOnACart(MujocoTask)", "class PoleOnARail(MujocoTask)", "defines no 'PoleOnACart'"),
        ("    def reset(self", "    def restart(self", "defines no reset"),
        ("_observe(physics), goal=", 'physics["qpos"][0], goal=', r"reset: obs has shape \(\); expected .*\(size,\)"),
        ("episode_length = 500", "episode_length = 0", "episode_length: 0 must be .* at least 1"),
        ("episode_length = 500", "episode_length = 500.5", "episode_length: 500.5 must be a whole number"),
        (
            "terminated=angle > self",
            "privileged=jnp.zeros(2), terminated=angle > self",
            "privileged must come from reset and step",
        ),
    ],
)
def test_a_broken_task_is_refused_by_name_and_field(task, old, new, message):
    name = task(old, new)
    with pytest.raises(ConfigError, match=f"(?s)PoleOnACart.*{message}"):
        build(name)


@pytest.mark.parametrize("num_substeps", ["0", "2.5"])
def test_a_control_step_without_physics_steps_is_refused(task, num_substeps):
    with pytest.raises(ConfigError, match=f"^num_substeps: {num_substeps} must be .* at least 1$"):
        build(task("num_substeps=2", f"num_substeps={num_substeps}"))


MOTOR = '<motor joint="slide" gear="10" ctrlrange="-1 1"/>'
UNLIMITED = '<motor name="push" joint="slide" gear="10"/> <motor joint="hinge"/>'


@pytest.mark.parametrize(
    ("actuators", "message"),
    [
        (
            UNLIMITED,
            "^env: actuators of PoleOnACart without a control range, .*: push, number 1; .*ctrlrange in the MJCF",
        ),
        (MOTOR + UNLIMITED, "^env: actuators of PoleOnACart without a control range, .*: push, number 2; "),
        ("", "^env: the model of PoleOnACart has no actuators; give its MJCF at least one$"),
    ],
)
def test_actuators_that_no_action_reaches_are_refused_by_name(task, actuators, message):
    with pytest.raises(ConfigError, match=message):
        build(task(MOTOR, actuators, ".xml"))


def test_a_task_with_controls_of_its_own_needs_no_control_ranges(task, tmp_path):
    name = task(MOTOR, '<motor joint="slide"/>', ".xml")
    text = (tmp_path / "mine.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace("self.control(action)", "10 * action"))
    assert build(name).spec.action_size == 1


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ((MOTOR, UNLIMITED, ".xml"), "error: env: actuators of PoleOnACart without a control range"),
        (("episode_length = 500", "episode_length = 0"), "error: env .*:PoleOnACart: episode_length: 0 must be"),
    ],
)
def test_training_ends_with_one_line_and_the_code_for_bad_input(task, tmp_path, replaced, message):
    command = [sys.executable, "-m", "flexrl.train", "--env", task(*replaced), "--workspace", str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 65
    assert re.match(message, done.stderr) and done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_file_without_a_class_is_refused_with_the_tasks_in_it(task):
    path = task().rpartition(":")[0]
    for name in (path, f"{path}:Pole"):
        with pytest.raises(ConfigError, match=f"its tasks: {path}:PoleOnACart$"):
            env_type(name)


def test_a_class_that_training_could_not_use_is_refused_with_what_it_lacks(tmp_path):
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass Config: pass\nclass Own:\n    Config = Config\n"
        "    evaluated = reset = step = where = spec = model = None\n"
    )
    message = "Own has no reward_weights, fading, has_host_callback; derive it from envs.task.MujocoTask$"
    with pytest.raises(ConfigError, match=message):
        env_type(f"{tmp_path}/own.py:Own")


def test_a_file_without_a_task_and_one_that_is_no_python_are_refused(tmp_path):
    (tmp_path / "none.py").write_text("class Task:\n    pass\n")
    with pytest.raises(ConfigError, match="names a file without a class; it has no task; begin with"):
        env_type(str(tmp_path / "none.py"))
    (tmp_path / "wrong.py").write_text("class Task:\n    def (\n")
    with pytest.raises(ConfigError, match="wrong.py, line 2: invalid syntax"):
        env_type(f"{tmp_path}/wrong.py:Task")


def test_a_missing_file_is_refused():
    with pytest.raises(ConfigError, match="the file .*nowhere.py does not exist"):
        env_type("nowhere.py:Task")


def test_an_installed_package_can_bring_tasks(task, tmp_path, monkeypatch):
    task()
    package = tmp_path / "poles-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: poles\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        textwrap.dedent("""
        [flexrl.envs]
        pole = mine:PoleOnACart
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert "pole" in env_names()
    assert build("pole").spec.obs_size == 4


def test_names_of_a_near_miss_are_suggested():
    with pytest.raises(ConfigError, match="did you mean 'humanoid-goal'"):
        env_type("humanoid-gaol")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_environment_of_ours_is_there(name):
    task = env_type(name)
    assert task.Config() == task.Config() and task.__doc__


def test_the_command_line_describes_the_environments(task):
    for arguments, expected in ((["list"], "humanoid-skills"), (["show", task()], "control period  20 ms")):
        done = subprocess.run([sys.executable, "-m", "envs", *arguments], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0 and expected in done.stdout, done.stderr
    done = subprocess.run([sys.executable, "-m", "envs", "show", "cart"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 65 and "env: 'cart' is unknown" in done.stderr and "Traceback" not in done.stderr
