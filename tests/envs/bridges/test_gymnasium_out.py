"""Our environments as Gymnasium's: its own checker, its wrappers and vectors, and the same numbers as ours."""

import copy
import dataclasses
import functools
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import flexrl.gym  # noqa: F401
from envs.bridges.gymnasium_out import GymnasiumEnv
from envs.bridges.packing import Packing
from envs.bridges.registration import gymnasium_name, recorded_spec
from envs.built_in import BUILT_IN, EPISODE_LENGTH
from envs.view.gl import can_draw

NAME = "flexrl/HumanoidSkills-v0"
WALK = "flexrl/HumanoidWalk-v0"
HOPPER = "flexrl/Hopper-v5"
EXAMPLE = Path(__file__).parents[3] / "examples" / "custom_env.py"
PEERS = Path(__file__).parents[3] / ".venv-peers" / "bin" / "python"
UNBOUNDED = ".*A Box observation space m[a-z]* value is -?infinity"  # as observations of Gymnasium's MuJoCo tasks


@pytest.fixture(scope="module")
def worlds():
    """Three worlds of humanoid-walk."""
    return gymnasium.make_vec(WALK, num_envs=3)


@pytest.fixture(scope="module")
def hopper():
    """One world of Hopper-v5."""
    return gymnasium.make(HOPPER)


def test_one_import_names_them_all_and_is_cheap():
    code = (
        "import flexrl.gym, gymnasium, sys\n"
        f"assert set({[gymnasium_name(name) for name in BUILT_IN]}) <= set(gymnasium.registry)\n"
        "print(sorted({'jax', 'mujoco', 'flax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def approve(name, monkeypatch):
    """Gymnasium's own check, in which a warning is an error."""
    monkeypatch.delenv("MUJOCO_GL", raising=False)  # another test's choice
    env = gymnasium.make(gymnasium_name(name), render_mode="rgb_array" if can_draw() else None).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", UNBOUNDED)
        check_env(env, skip_render_check=not can_draw())
    env.close()
    assert env.env.spec.episode_length == gymnasium.spec(gymnasium_name(name)).max_episode_steps


def test_gymnasium_approves(monkeypatch):
    approve("humanoid-walk", monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_gymnasium_approves_of_each(name, monkeypatch):
    approve(name, monkeypatch)


@pytest.mark.skipif(not can_draw(), reason="no GL library")
def test_an_image_is_drawn_in_a_script_that_chooses_no_library_and_closes_nothing(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    code = (
        "import gymnasium, flexrl.gym\n"
        f"env = gymnasium.make({HOPPER!r}, render_mode='rgb_array'); env.reset(seed=0)\n"
        "image = env.render(); print(image.shape, image.std() > 10)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0 and "Error" not in done.stderr, done.stderr
    assert done.stdout == "(480, 480, 3) True\n"


def ends(env, num_steps):
    """Which of so many steps with zero actions were truncated."""
    env.reset(seed=0)
    return np.array([env.step(np.zeros(env.action_space.shape))[3] for _ in range(num_steps)])


def test_an_episode_ends_at_its_time_limit_and_not_before():
    env = gymnasium.make(HOPPER, terminate_when_unhealthy=False)
    assert env.spec.max_episode_steps == EPISODE_LENGTH
    np.testing.assert_array_equal(np.flatnonzero(ends(env, EPISODE_LENGTH)), [EPISODE_LENGTH - 1])


def test_another_time_limit_or_none_holds_for_one_world():
    env = gymnasium.make(HOPPER, terminate_when_unhealthy=False, max_episode_steps=3)
    assert env.spec.max_episode_steps == 3
    assert ends(env, 3).tolist() == [False, False, True]
    env = gymnasium.make(HOPPER, terminate_when_unhealthy=False, max_episode_steps=-1)
    assert env.spec.max_episode_steps is None
    assert not ends(env, EPISODE_LENGTH + 1).any()


def test_a_time_limit_holds_for_many_worlds():
    env = gymnasium.make_vec(HOPPER, 2, terminate_when_unhealthy=False, max_episode_steps=3)
    assert env.spec.max_episode_steps == gymnasium.make_vec(env.spec).spec.max_episode_steps == 3
    assert ends(env, 6).tolist() == [[False] * 2, [False] * 2, [True] * 2] * 2
    assert gymnasium.make_vec(HOPPER, 2).spec.max_episode_steps == EPISODE_LENGTH


def test_without_a_time_limit_no_world_is_cut():
    env = gymnasium.make_vec(HOPPER, 1, terminate_when_unhealthy=False, max_episode_steps=-1)
    assert env.spec.max_episode_steps is None
    assert not ends(env, EPISODE_LENGTH + 1).any()


def test_packed_numbers_keep_their_bits():
    tree = {
        "key": np.array([0, 2**32 - 1], np.uint32),  # as a floating number it would not be finite
        "position": np.array([[0.5, np.nan]], np.float32),
        "variant": np.int32(-1),
        "ended": np.array([True, False]),
        "rng": jax.random.key(1),
    }
    packing = Packing(jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tree)))
    packed = jax.jit(packing.pack)(tree)
    assert packed["float32"].shape == (5,) and len(packed) == 3
    np.testing.assert_array_equal(packing.floats(packed)["float32"], [0.5, np.nan])
    back = jax.jit(packing.unpack)(packed)
    for name in ("key", "position", "variant", "ended"):
        np.testing.assert_array_equal(back[name], tree[name])
        assert back[name].dtype == tree[name].dtype
    assert (jax.random.key_data(back["rng"]) == jax.random.key_data(tree["rng"])).all()


def test_config_fields_are_arguments():
    for skills in (("run",), ["run"]):
        config = gymnasium.make(NAME, skills=skills, rewards={"ctrl": -0.5}).unwrapped.env.config
        assert config.skills == ("run",) and dataclasses.replace(config.rewards, ctrl=-0.2) == type(config)().rewards
        assert config.rewards.ctrl == -0.5
    with pytest.raises(ValueError, match="^humanoid-skills: rewards.control: is not a field$"):
        gymnasium.make(NAME, rewards={"control": 1.0})
    with pytest.raises(ValueError, match="skills: "):
        gymnasium.make(NAME, skills=("fly",))


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"episode_length": "x"}, "^humanoid-walk: episode_length: is not a field; .*known: forward_weight, "),
        ({"forward_wieght": 1.0}, "^humanoid-walk: forward_wieght: is not a field; did you mean 'forward_weight'"),
        ({"forward_weight": "x"}, "^humanoid-walk: forward_weight: 'x' input should be a valid number$"),
        ({"min_height": 3.0}, "min_height"),
        ({"physics": "gpu"}, "^physics: 'gpu' is unknown; use auto or one of native"),
        ({"render_mode": "ansi"}, "^render_mode: 'ansi' "),
    ],
)
@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")
def test_an_argument_that_cannot_be_used_is_refused_in_one_line(make, arguments, message):
    with pytest.raises(ValueError, match=message) as refusal:
        make(WALK, **arguments)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("steps", [0, -2, "x", 2.5, True])
def test_many_worlds_refuse_a_bad_time_limit(steps):
    with pytest.raises(ValueError, match=f"^max_episode_steps: {steps!r} must be an integer of at least 1, or -1"):
        gymnasium.make_vec(WALK, 2, max_episode_steps=steps)


@pytest.mark.parametrize("num_envs", [0, -1, 2.0])
def test_a_bad_number_of_worlds_is_refused(num_envs):
    with pytest.raises(ValueError, match=f"^num_envs: {num_envs!r} must be an integer of at least 1$"):
        gymnasium.make_vec(WALK, num_envs)


def test_numbers_of_numpy_and_configs_are_taken():
    rewards = gymnasium.make(NAME).unwrapped.env.config.rewards
    config = gymnasium.make(NAME, reset_noise=np.float32(0.5), rewards=rewards).unwrapped.env.config
    assert config.reset_noise == 0.5 and config.rewards == rewards


@pytest.mark.parametrize("action", [np.zeros(2), np.zeros(4), np.zeros((1, 3)), 0.0])
def test_an_action_of_another_shape_is_refused(hopper, action):
    hopper.reset(seed=0)
    with pytest.raises(ValueError, match=r"^action: has shape \(.*\) and must have \(3,\)$"):
        hopper.step(action)


@pytest.mark.parametrize("shape", [(17,), (2, 17), (3, 16)])
def test_actions_of_another_shape_are_refused(worlds, shape):
    worlds.reset(seed=0)
    with pytest.raises(ValueError, match=r"^action: has shape \(.*\) and must have \(3, 17\)$"):
        worlds.step(np.zeros(shape))


def test_stepping_and_drawing_come_after_a_reset(worlds):
    env = gymnasium.make(HOPPER, render_mode="rgb_array").unwrapped
    for call in (env.render, lambda: env.step(np.zeros(3)), lambda: copy.deepcopy(worlds).step(np.zeros((3, 17)))):
        with pytest.raises(ResetNeeded):
            call()


def test_seeds_decide_an_episode(hopper):
    first, again, other = (hopper.reset(seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


slow = functools.partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", ["Ant-v5", slow("humanoid-goal"), slow("g1-joystick")])
def test_one_world_steps_as_the_environment_itself(name):
    """Whatever a task carries: goals, integers, what is privileged, forces."""
    env = gymnasium.make(gymnasium_name(name))
    ours, step = env.unwrapped.env, jax.jit(env.unwrapped.env.step)
    observation, _ = env.reset(seed=3)
    key = jax.random.key(int(np.random.default_rng(3).integers(2**32)))
    state = jax.jit(ours.reset)(key)
    actions = np.random.default_rng(0).uniform(-0.3, 0.3, (6, ours.spec.action_size)).astype(np.float32)
    for action in actions:
        np.testing.assert_allclose(observation, np.concatenate([state.obs, state.goal]), rtol=1e-4, atol=1e-4)
        state = step(state, action)
        observation, reward, terminated, truncated, info = env.step(action)
        assert reward == pytest.approx(float(state.reward), rel=1e-4, abs=1e-4)
        assert (terminated, truncated) == (bool(state.terminated), False)
        assert info == pytest.approx({name: float(x) for name, x in state.metrics.items()}, rel=1e-3, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brax:inverted_pendulum", "playground:CartpoleBalance", f"{EXAMPLE}:PoleOnACart"])
def test_environments_without_an_id_step_too(name):
    env = GymnasiumEnv(name)
    action = np.full(env.action_space.shape, 0.1)
    assert env.reset(seed=0)[0] in env.observation_space
    first, again = ([env.reset(seed=0), *(env.step(action) for _ in range(3))][-1] for _ in range(2))
    assert first[0] in env.observation_space and np.isfinite(first[1]) and not first[2]
    np.testing.assert_array_equal(first[0], again[0])


def test_many_worlds_step_as_the_environment_itself(worlds):
    env = worlds.unwrapped.env
    worlds.reset(seed=0)
    before = worlds.unwrapped.states
    actions = np.random.default_rng(0).uniform(-1, 1, (3, 17)).astype(np.float32)
    obs, reward, terminated, truncated, info = worlds.step(actions)
    expected = jax.jit(jax.vmap(env.step))(before, actions)
    np.testing.assert_array_equal(obs, expected.obs)
    np.testing.assert_array_equal(reward, expected.reward)
    np.testing.assert_array_equal(info["forward_velocity"], expected.metrics["forward_velocity"])
    assert not terminated.any() and not truncated.any()


def test_worlds_restart_within_the_step_each_from_a_new_state(worlds):
    worlds.reset(seed=0)
    rng = np.random.default_rng(0)
    restarts, first_states = 0, set()
    for _ in range(150):
        obs, _, terminated, truncated, info = worlds.step(rng.uniform(-1, 1, (3, 17)).astype(np.float32))
        done = terminated | truncated
        assert ("final_obs" in info) == done.any()
        for i in np.flatnonzero(done):
            assert info["_final_obs"][i] and info["final_obs"][i][0] < 1.0 < obs[i][0]  # it fell, and stands again
            restarts += 1
            first_states.add(obs[i].tobytes())
    assert restarts > 5 and len(first_states) == restarts


def form(value):
    """Types and shapes of what a step returned, all the way down."""
    if isinstance(value, dict):
        return {name: form(x) for name, x in value.items()}
    if isinstance(value, (tuple, list)):
        return [form(x) for x in value]
    if isinstance(value, np.ndarray):
        return [form(x) for x in value] if value.dtype == object else (value.dtype, value.shape)
    return type(value)


def test_info_is_that_of_gymnasiums_own_vector_with_the_same_autoreset():
    """Steps in which nobody, one world and all worlds end; what is where, and where it is not."""
    ours = gymnasium.make_vec(HOPPER, 2)
    mode = ours.metadata["autoreset_mode"]
    assert mode is AutoresetMode.SAME_STEP
    theirs = gymnasium.make_vec(HOPPER, 2, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    seen = {}
    for env in (ours, theirs):
        env.reset(seed=0)
        forms, rng = {}, np.random.default_rng(0)
        for _ in range(2000):
            returned = env.step(rng.uniform(-1, 1, (2, 3)).astype(np.float32))
            done, info = returned[2] | returned[3], returned[4]
            for name, values in ((n, x) for n, x in info.items() if n in info.get("final_info", {}) and n[0] != "_"):
                assert not values[done].any() and (info[f"_{name}"] == ~done).all()
                assert not info["final_info"][name][~done].any() and (info["final_info"][f"_{name}"] == done).all()
                assert info["final_info"]["reward_survive"][done].shape == (done.sum(),)
            forms[tuple(done)] = form(returned)
        seen[env] = forms
    assert len(seen[theirs]) == 4 and seen[ours] == seen[theirs]
    ours.close(), theirs.close()


def test_what_a_world_told_at_its_end_is_its_last_steps(worlds):
    worlds.reset(seed=0)
    rng, step = np.random.default_rng(0), jax.jit(jax.vmap(worlds.unwrapped.env.step))
    for _ in range(100):
        before, actions = worlds.unwrapped.states, rng.uniform(-1, 1, (3, 17)).astype(np.float32)
        _, reward, terminated, _, info = worlds.step(actions)
        if terminated.any():
            expected = step(before, actions)
            np.testing.assert_array_equal(info["final_obs"][terminated][0], expected.obs[terminated][0])
            np.testing.assert_array_equal(reward, expected.reward)
            for name, values in expected.metrics.items():
                told = info["final_info"][name] + info.get(name, 0.0)
                np.testing.assert_array_equal(told, np.asarray(values, np.float64))
            return
    pytest.fail("no world ended")


def test_a_world_that_is_not_finite_ends_alike_alone_and_among_many(worlds, mujoco_log_elsewhere):
    env = gymnasium.make(WALK)
    env.reset(seed=0), worlds.reset(seed=0)
    actions = np.zeros((3, 17), np.float32)
    actions[1] = np.nan
    observation, reward, terminated, truncated, info = env.step(actions[1])
    _, rewards, terminations, truncations, infos = worlds.step(actions)
    np.testing.assert_array_equal(observation, infos["final_obs"][1])
    assert reward == rewards[1] == 0 and terminated and not truncated and not observation.any()
    assert terminations.tolist() == [False, True, False] and not truncations.any()
    assert info == {name: infos["final_info"][name][1] for name in info} == dict.fromkeys(info, 0.0)
    assert np.isfinite(env.reset()[0]).all() and not env.step(actions[0])[2]


def test_a_pickled_environment_is_a_fresh_one_with_the_same_arguments():
    env = gymnasium.make(HOPPER, reset_noise_scale=0.1)
    env.reset(seed=0)
    many = gymnasium.make_vec(HOPPER, 2, max_episode_steps=7, frame_skip=2)
    for restored in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert restored.unwrapped.env.config.reset_noise_scale == 0.1
        np.testing.assert_array_equal(restored.reset(seed=5)[0], env.reset(seed=5)[0])
    restored = pickle.loads(pickle.dumps(many))
    assert (restored.num_envs, restored.max_episode_steps, restored.env.config.frame_skip) == (2, 7, 2)
    np.testing.assert_array_equal(restored.reset(seed=5)[0], many.reset(seed=5)[0])


VECTOR = """
import sys, gymnasium, flexrl.gym
if __name__ == "__main__":
    env = gymnasium.make_vec("flexrl/Hopper-v5", 2, vectorization_mode="async", vector_kwargs={!r})
    try:
        env.reset(seed=0)
    except RuntimeError as error:
        sys.exit(str(error))
    print([x.shape for x in env.step(env.action_space.sample())[:4]])
    env.close()
"""


def in_processes(tmp_path, **vector_kwargs):
    """Step worlds that live in a process each."""
    (tmp_path / "vector.py").write_text(VECTOR.format(vector_kwargs))
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", f"import sys, runpy; sys.path.insert(0, {root!r}); sys.argv = ['vector.py']; "]
    command[-1] += f"runpy.run_path({str(tmp_path / 'vector.py')!r}, run_name='__main__')"
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=root)


def test_worlds_in_forked_processes_are_refused_at_once(tmp_path):
    done = in_processes(tmp_path, context="fork")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "flexrl: worlds cannot run in a process forked from one that uses JAX;"
    )


@pytest.mark.slow
def test_worlds_in_spawned_processes_step(tmp_path):
    done = in_processes(tmp_path, context="spawn")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[(2, 11), (2,), (2,), (2,)]\n"


@pytest.mark.slow
def test_stable_baselines3_approves_and_trains():
    if not PEERS.exists():
        pytest.skip("make peers installs Stable-Baselines3 in an environment of its own")
    code = (
        "import gymnasium, flexrl.gym\n"
        "from stable_baselines3 import PPO\n"
        "from stable_baselines3.common.env_checker import check_env\n"
        f"check_env(gymnasium.make({NAME!r}).unwrapped)\n"
        "env = gymnasium.make('flexrl/HumanoidWalk-v0')\n"
        "model = PPO('MlpPolicy', env, n_steps=512, seed=0, device='cpu')\n"
        "before = model.policy.action_net.weight.detach().clone()\n"
        "model.learn(1024)\n"
        "assert (model.policy.action_net.weight != before).any()\n"
        "print(len(model.ep_info_buffer), 'episodes')"
    )
    done = subprocess.run([PEERS, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-2]) > 5


def test_a_goal_may_be_observed_apart():
    together, apart = (gymnasium.make(NAME, goal_apart=goal_apart) for goal_apart in (False, True))
    action = np.full(17, 0.1, np.float32)
    for flat, parts in zip(*([env.reset(seed=3)[0], env.step(action)[0]] for env in (together, apart)), strict=True):
        assert parts in apart.observation_space and parts["desired_goal"].size
        np.testing.assert_array_equal(np.concatenate([parts["observation"], parts["desired_goal"]]), flat)
    without = gymnasium.make("flexrl/HumanoidWalk-v0", goal_apart=True)
    assert without.reset(seed=0)[0] in without.observation_space and without.observation_space.shape == (45,)


def test_the_record_of_an_environment_has_an_id_that_gymnasium_takes():
    for name in ("humanoid-walk", "Hopper-v5", "brax:ant", "playground:CartpoleBalance", "some/where/task.py:MyTask"):
        record = recorded_spec(name, {"name": "field", "size": [1, 2]}, 50)
        spec = gymnasium.envs.registration.EnvSpec.from_json(record)
        assert spec.kwargs == {"name": name, "size": [1, 2], "goal_apart": True} and spec.max_episode_steps == 50
        assert name not in BUILT_IN or spec.id == gymnasium_name(name)
