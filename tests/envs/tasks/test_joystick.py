"""The joystick tasks: models, commands, rewards and falls."""

import copy
import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions, make_physics
from envs.robots import symmetry
from envs.robots.legged_robots import FEET, UNITREE_G1, foot_contacts, robot_model
from envs.tasks import joystick_rewards as rewards
from envs.tasks.joystick import G1Joystick, H1Joystick, Joystick, T1Joystick, pose_weight
from envs.tasks.joystick_config import JoystickConfig
from envs.worlds.vector import VecEnv

TASKS = {"g1": G1Joystick, "h1": H1Joystick, "t1": T1Joystick}
NUM_JOINTS = {"g1": 29, "h1": 19, "t1": 23}
MASS = {"g1": 33.341, "h1": 51.437, "t1": 31.614}  # kg, the sum of the files' inertials
CHUNK = 10  # MJX on JAX hangs on a CPU with two cores when too many worlds run at once
VELOCITY, GYRO, GRAVITY = slice(0, 3), slice(3, 6), slice(6, 9)


def make(name="t1", backend="native", **config):
    return TASKS[name](TASKS[name].Config(**config), PhysicsOptions(backend, max_worlds=CHUNK))


@pytest.fixture(scope="module")
def t1():
    return make("t1")


@functools.cache
def stepper(env: Joystick):
    return jax.jit(env.step)


def placed(env, *, height=0.0, tilt=0.0, velocity=(0.0, 0.0, 0.0)):
    """The first state, but standing without noise, raised by `height`, pitched by `tilt`, and moving."""
    qpos = env.model.key(env.robot.keyframe).qpos.copy()
    qpos[2] += height
    qpos[3:7] = [math.cos(tilt / 2), 0, math.sin(tilt / 2), 0]
    qvel = jnp.zeros(env.model.nv).at[:3].set(jnp.array(velocity))
    return env.reset(jax.random.key(0)).replace(physics=env.physics.reset(jnp.asarray(qpos, jnp.float32), qvel))


@pytest.mark.parametrize("name", TASKS)
def test_robots_have_their_sizes_and_masses(name):
    env = make(name)
    num_joints = NUM_JOINTS[name]
    assert (env.model.nq, env.model.nv, env.model.nu) == (7 + num_joints, 6 + num_joints, num_joints)
    assert env.model.body_mass.sum() == pytest.approx(MASS[name], abs=1e-3)
    spec = env.spec
    assert (spec.obs_size, spec.action_size, spec.goal_size) == (13 + 3 * num_joints, num_joints, 3)
    assert spec.control_period == pytest.approx(0.02)


def moved(env, seed):
    """A first state whose robot is in the air, bent and moving, with some last action and phase of the gait."""
    keys = jax.random.split(jax.random.key(seed), 4)
    state = env.reset(keys[0])
    qpos = state.physics["qpos"].at[2].add(2.0).at[7:].add(0.1 * jax.random.normal(keys[1], (env.model.nu,)))
    qvel = jax.random.normal(keys[2], (env.model.nv,))
    last_action = jax.random.uniform(keys[3], (env.model.nu,), minval=-1)
    physics = env.physics.reset(qpos, qvel)
    return state.replace(physics=physics, info=state.info | {"last_action": last_action, "cycle": jnp.array(0.7)})


def mirrored(env, state):
    joints = symmetry.hinges(env.model)
    qpos = (symmetry.VECTOR + symmetry.QUATERNION + joints)(state.physics["qpos"])
    qvel = (symmetry.VECTOR + symmetry.ANGULAR + joints)(state.physics["qvel"])
    info = state.info | {
        "last_action": env.mirror.action(state.info["last_action"]),
        "cycle": state.info["cycle"] + jnp.pi,  # the other foot's turn
        "air_time": symmetry.SWAP(state.info["air_time"]),
    }
    return state.replace(physics=env.physics.reset(qpos, qvel), goal=env.mirror.goal(state.goal), info=info)


@pytest.mark.parametrize("name", TASKS)
def test_a_mirrored_robot_stays_mirrored(name, float64):
    """In the air, where the order of contacts has no say. Both sides of a robot differ by some mm and 60 g."""
    env = make(name)
    state = moved(env, 0)
    action = jax.random.uniform(jax.random.key(1), (env.model.nu,), minval=-1)
    after = stepper(env)(state, action)
    reflected = stepper(env)(mirrored(env, state), env.mirror.action(action))
    np.testing.assert_allclose(reflected.obs, env.mirror.obs(after.obs), atol=0.15)
    np.testing.assert_allclose(reflected.goal, env.mirror.goal(after.goal), atol=1e-9)
    np.testing.assert_allclose(reflected.reward, after.reward, atol=0.01)
    assert np.abs(np.asarray(after.obs - env.mirror.obs(after.obs))).max() > 1.0  # it is not its own image
    for name, size in (("obs", env.spec.obs_size), ("goal", 3), ("action", env.spec.action_size)):
        assert sorted(getattr(env.mirror, name).order) == list(range(size))


@pytest.mark.parametrize(("name", "own", "longer", "num"), [("g1", 0.002, 0.004, 5), ("h1", 0.004, 0.005, 4)])
def test_physics_steps_may_be_longer_while_training_and_are_the_robots_own_in_evaluations(name, own, longer, num):
    env = make(name, timestep=longer)
    assert (env.model.opt.timestep, env.physics.spec.num_substeps) == (longer, num)
    assert env.spec.control_period == pytest.approx(0.02)
    evaluated = TASKS[name](env.evaluated(env.config), PhysicsOptions("native"))
    assert evaluated.model.opt.timestep == own
    assert evaluated.spec.control_period == pytest.approx(0.02)


@pytest.mark.parametrize("timestep", [0.003, 0.0, -0.002, 0.04])
def test_a_physics_step_that_does_not_divide_the_control_step_is_refused(timestep):
    with pytest.raises(ValueError, match=f"timestep: {timestep} s must divide the control step of 0.02 s"):
        JoystickConfig(timestep=timestep)


@pytest.mark.parametrize("name", TASKS)
def test_200_random_steps_stay_finite_and_some_fall(name):
    env = make(name)
    worlds = 4

    @jax.jit
    def roll(key):
        key_reset, key_act = jax.random.split(key)
        first = jax.vmap(env.reset)(jax.random.split(key_reset, worlds))

        def step(state, key):
            action = jax.random.uniform(key, (worlds, env.spec.action_size), minval=-1, maxval=1)
            state = jax.vmap(env.step)(state, action)
            return state, (state.obs, state.reward, state.terminated, state.metrics)

        return jax.lax.scan(step, first, jax.random.split(key_act, 200))[1]

    obs, reward, terminated, metrics = jax.device_get(roll(jax.random.key(0)))
    assert all(np.isfinite(x).all() for x in (obs, reward, *metrics.values()))
    assert not terminated[0].any()
    assert terminated.any()
    assert reward[terminated].max() < -1  # a fall costs a hundred times a control period


def test_sticks_do_not_touch_anything():
    model = robot_model(UNITREE_G1)
    names = [model.sensor(i).name for i in range(model.nsensor)]
    assert [foot_contacts(names, foot) for foot in FEET] == [["left_foot_floor_found"], ["right_foot_floor_found"]]
    sticks = [i for i in range(model.ngeom) if not model.geom(i).name and model.geom_rgba[i, 3] == 1]
    assert len(sticks) > 20
    assert not model.geom_contype[sticks].any() and not model.geom_conaffinity[sticks].any()


@pytest.mark.parametrize(("tilt", "ends"), [(0.0, False), (0.9, False), (-0.9, False), (1.1, True), (-1.1, True)])
def test_ends_when_tilted_further_than_allowed(t1, tilt, ends):
    state = stepper(t1)(placed(t1, height=1.0, tilt=tilt), jnp.zeros(23))
    assert bool(state.terminated) == ends
    assert float(state.metrics["termination"]) == (-100 if ends else 0)
    assert float(state.metrics["alive"]) == (0 if ends else 0.25)


def test_action_moves_joint_targets_around_the_standing_pose(t1):
    standing = t1.model.key("home").qpos[7:]
    low, high = t1.model.actuator_ctrlrange.T
    np.testing.assert_allclose(t1.control(jnp.zeros(23)), standing, atol=1e-6)
    np.testing.assert_allclose(t1.control(jnp.full(23, 0.1)), np.clip(standing + 0.1, low, high), atol=1e-6)
    np.testing.assert_allclose(t1.control(jnp.full(23, 100.0)), high, atol=1e-6)


def test_observation_is_sensors_joints_last_action_and_phase(t1):
    action = jnp.linspace(-0.1, 0.1, 23)
    before = placed(t1, height=1.0, tilt=0.3, velocity=(1.0, 0.5, 0.0)).replace(goal=jnp.ones(3))
    obs = np.asarray(stepper(t1)(before, action).obs)
    # pitched forward by 0.3 rad, the robot sees 1 m/s forward as cos forward and sin up; gravity pulls less than 20 ms
    np.testing.assert_allclose(obs[VELOCITY], [math.cos(0.3), 0.5, math.sin(0.3)], atol=0.2)
    np.testing.assert_allclose(obs[GRAVITY], [math.sin(0.3), 0, -math.cos(0.3)], atol=0.05)
    np.testing.assert_array_equal(obs[9 + 2 * 23 : 9 + 3 * 23], action)
    phase = 2 * math.pi * 0.02 * float(before.info["gait_frequency"])  # of the left foot; the right is opposite
    expected = [math.cos(phase), -math.cos(phase), math.sin(phase), -math.sin(phase)]
    np.testing.assert_allclose(obs[-4:], expected, atol=1e-6)


def test_a_critic_may_see_height_torques_feet_and_gait(t1):
    before = placed(t1, height=0.5, tilt=0.3, velocity=(1.0, 0.5, 0.0))
    state = stepper(t1)(before, jnp.full(23, 0.2))
    height, torque, foot_height, foot_velocity, touches, air_time, frequency = np.split(
        np.asarray(state.privileged), np.cumsum([1, 23, 2, 6, 2, 2])
    )
    assert t1.spec.privileged_size == state.privileged.size == 14 + 23
    np.testing.assert_array_equal(height, state.physics["qpos"][2:3])
    np.testing.assert_array_equal(torque, state.physics["qfrc_actuator"][6:])
    assert np.abs(torque).max() > 1
    # pitched forward about its root, it has both feet behind and above where they stood, and lower than the root
    assert np.all((foot_height > 0.5) & (foot_height < 0.7))
    # the robot sees itself move by the cosine forward and by the sine up
    expected = [[math.cos(0.3), 0.5, math.sin(0.3)]] * 2
    np.testing.assert_allclose(foot_velocity.reshape(2, 3).mean(axis=0), expected[0], atol=0.5)
    np.testing.assert_array_equal([touches, air_time], [[0, 0], state.info["air_time"]])
    assert frequency == state.info["gait_frequency"]
    standing = stepper(t1)(placed(t1), jnp.zeros(23)).privileged
    np.testing.assert_array_equal(standing[32:34], [1, 1])
    assert before.privileged.shape == state.privileged.shape


def test_feet_touch_the_floor_where_they_stand(t1):
    lifted, standing = (stepper(t1)(placed(t1, height=height), jnp.zeros(23)) for height in (0.5, 0.0))
    np.testing.assert_allclose(lifted.info["air_time"], [0.02, 0.02])
    np.testing.assert_array_equal(standing.info["air_time"], [0, 0])
    np.testing.assert_allclose(stepper(t1)(lifted, jnp.zeros(23)).info["air_time"], [0.04, 0.04])


def test_gait_and_action_rate_go_on_from_the_step_before(t1):
    before = placed(t1, height=1.0).replace(goal=jnp.ones(3))
    first = stepper(t1)(before, jnp.full(23, 0.3))
    second = stepper(t1)(first, jnp.full(23, 0.3))
    assert float(first.metrics["action_rate"]) == pytest.approx(-0.01 * 23 * 0.09, rel=1e-5)
    assert float(second.metrics["action_rate"]) == 0
    cycle = 2 * 2 * math.pi * 0.02 * float(before.info["gait_frequency"])
    assert float(second.info["cycle"]) == pytest.approx(cycle, rel=1e-5)


def test_reward_is_the_weighted_terms_for_one_control_period(t1):
    state = stepper(t1)(placed(t1, tilt=0.2, velocity=(0.3, -0.2, 0.0)), jnp.full(23, 0.3))
    command = state.goal
    velocity, gyro, gravity = (np.asarray(state.obs)[which] for which in (VELOCITY, GYRO, GRAVITY))
    config = t1.config
    expected = {
        "tracking_velocity": 1.0 * math.exp(-np.sum((command[:2] - velocity[:2]) ** 2) / 0.25),
        "tracking_yaw_rate": 0.5 * math.exp(-((command[2] - gyro[2]) ** 2) / 0.25),
        "orientation": -1.0 * (gravity[0] ** 2 + gravity[1] ** 2),
        "rocking": -0.15 * (gyro[0] ** 2 + gyro[1] ** 2),
        "action_rate": -0.01 * 23 * 0.3**2,
    }
    for name, value in expected.items():
        assert float(state.metrics[name]) == pytest.approx(value, rel=1e-4), name
    terms = [name.removesuffix("_weight") for name in vars(config) if name.endswith("_weight")]
    assert float(state.reward) == pytest.approx(0.02 * sum(float(state.metrics[name]) for name in terms), rel=1e-5)


def test_feet_that_slip_cost_and_feet_that_land_earn(t1):
    before = placed(t1, velocity=(1.0, 0.0, 0.0))
    landing = before.replace(goal=jnp.array([0.5, 0.0, 0.0]), info=before.info | {"air_time": jnp.array([0.4, 0.0])})
    state = stepper(t1)(landing, jnp.zeros(23))
    # both soles slide at up to 1 m/s, at -0.25 per m^2/s^2
    assert -0.5 <= float(state.metrics["feet_slip"]) < -0.05
    # the left foot lands after 0.42 s, 0.22 s above the minimum, at 2 per second
    assert float(state.metrics["feet_air_time"]) == pytest.approx(0.44, rel=1e-5)
    told_to_stand = stepper(t1)(landing.replace(goal=jnp.zeros(3)), jnp.zeros(23))
    assert float(told_to_stand.metrics["feet_air_time"]) == 0


def test_joints_near_their_limits_and_torques_cost():
    env = make("t1", torque_weight=-0.5, energy_weight=-2.0)
    before = placed(env, height=1.0)
    low, high = env.model.jnt_range[1:].T
    qpos = before.physics["qpos"].at[7:].set(high)
    state = stepper(env)(before.replace(physics=env.physics.reset(qpos, jnp.zeros(29))), jnp.zeros(23))
    qpos, qvel, torque = (np.asarray(state.physics[name]) for name in ("qpos", "qvel", "qfrc_actuator"))
    soft_high, soft_low = high - 0.025 * (high - low), low + 0.025 * (high - low)
    beyond = np.maximum(qpos[7:] - soft_high, 0).sum() + np.maximum(soft_low - qpos[7:], 0).sum()
    assert beyond > 0.1
    assert float(state.metrics["joint_limits"]) == pytest.approx(-beyond, rel=1e-3)
    assert float(state.metrics["torque"]) == pytest.approx(-0.5 * np.abs(torque[6:]).sum(), rel=1e-5)
    assert float(state.metrics["energy"]) == pytest.approx(-2.0 * np.abs(qvel[6:] * torque[6:]).sum(), rel=1e-5)


def test_commands_change_after_their_interval_and_the_step_is_judged_by_the_old_one():
    env = make("t1", command_interval=0.06)
    state = placed(env)
    goals = [np.asarray(state.goal)]
    for _ in range(6):
        state = stepper(env)(state, jnp.zeros(23))
        judged = np.linalg.norm(goals[-1][:2] - np.asarray(state.obs)[:2])
        assert float(state.metrics["velocity_error"]) == pytest.approx(judged, rel=1e-4)
        goals.append(np.asarray(state.goal))
    changed = [bool((a != b).any()) for a, b in zip(goals, goals[1:], strict=False)]
    assert changed == [False, False, True, False, False, True]


def test_commands_fill_their_ranges_and_some_ask_to_stand(t1):
    goal = np.asarray(jax.jit(jax.vmap(t1.reset))(jax.random.split(jax.random.key(1), 1000)).goal)
    stands = ~goal.any(axis=1)
    assert 0.06 < stands.mean() < 0.14
    high = np.array([1.0, 0.8, 1.0])
    assert np.all(np.abs(goal) <= high)
    assert np.all(goal.max(axis=0) > 0.95 * high) and np.all(goal.min(axis=0) < -0.95 * high)


def test_worlds_restart_after_a_fall(t1):
    env = VecEnv(t1, 2)
    fresh = jax.jit(env.fresh)(jax.random.key(0))
    state = jax.jit(env.init)(jax.random.key(1))
    fallen = jax.tree.map(lambda x: jnp.stack([x, x]), placed(t1, height=1.0, tilt=2.0))
    state, transition = jax.jit(env.step)(state.replace(env=fallen), jnp.zeros((2, 23)), fresh)
    assert transition.terminated.all()
    np.testing.assert_array_equal(state.env.physics["qpos"], fresh.physics["qpos"])
    np.testing.assert_array_equal(state.env.info["key"], fresh.info["key"])


def test_tracking_is_the_exponential_of_squared_errors():
    command = jnp.array([1.0, -0.5, 0.2])
    assert float(rewards.tracking_velocity(command, jnp.array([1.0, -0.5, 9.0]), 0.25)) == 1
    # errors of 0.3 and 0.4 m/s: exp(-(0.09 + 0.16) / 0.25) = exp(-1)
    assert float(rewards.tracking_velocity(command, jnp.array([0.7, -0.1, 0.0]), 0.25)) == pytest.approx(math.exp(-1))
    # an error of 0.5 rad/s: exp(-0.25 / 0.5)
    assert float(rewards.tracking_yaw_rate(command, jnp.array([5.0, 5.0, 0.7]), 0.5)) == pytest.approx(math.exp(-0.5))


def test_orientation_is_the_squared_sine_of_the_tilt():
    assert float(rewards.orientation(jnp.array([0.0, 0.0, -1.0]))) == 0
    # tilted by 30 degrees about any axis: 0.5 squared
    gravity = jnp.array([0.3, 0.4, -math.sqrt(0.75)])
    assert float(rewards.orientation(gravity)) == pytest.approx(0.25)


def test_costs_of_motion():
    assert float(rewards.rocking(jnp.array([1.0, -2.0, 7.0]))) == 5
    assert float(rewards.torque(jnp.array([3.0, -4.0]))) == 7
    assert float(rewards.energy(jnp.array([2.0, -1.0]), jnp.array([3.0, 4.0]))) == 10
    assert float(rewards.action_rate(jnp.array([1.0, 0.0]), jnp.array([0.0, 2.0]))) == 5
    default, weight = jnp.array([0.0, 1.0]), jnp.array([1.0, 0.5])
    assert float(rewards.pose(jnp.array([2.0, 3.0]), default, weight)) == 4 + 0.5 * 4
    low, high = jnp.array([-1.0, -1.0, -1.0]), jnp.array([1.0, 1.0, 1.0])
    assert float(rewards.joint_limits(jnp.array([-1.5, 0.0, 1.25]), low, high)) == 0.75


def test_foot_terms():
    both, left = jnp.array([True, True]), jnp.array([True, False])
    # 0.3 s is 0.1 s above the minimum; 0.9 s counts as 0.5 s, 0.3 s above it
    assert float(rewards.feet_air_time(jnp.array([0.3, 0.9]), both)) == pytest.approx(0.4)
    assert float(rewards.feet_air_time(jnp.array([0.3, 0.9]), left)) == pytest.approx(0.1)
    velocity = jnp.array([[1.0, 2.0, 9.0], [3.0, 0.0, 0.0]])
    assert float(rewards.feet_slip(velocity, left)) == 5
    # smoothstep: nothing at the ends of a cycle, half after a quarter, all in the middle
    phase = jnp.array([-jnp.pi, -jnp.pi / 2, 0.0, jnp.pi / 2, jnp.pi])
    np.testing.assert_allclose(rewards.swing(phase, 0.2), [0, 0.1, 0.2, 0.1, 0], atol=1e-7)
    height = jnp.array([0.1, 0.1])  # the left is right, the right 0.1 m too high: exp(-0.01 / 0.01)
    assert float(rewards.feet_phase(height, jnp.array([-jnp.pi / 2, jnp.pi]), 0.2)) == pytest.approx(math.exp(-1))


def test_walking_joints_may_leave_the_standing_pose():
    names = ("left_hip_pitch_joint", "Left_Hip_Pitch", "right_knee", "Left_Shoulder_Pitch", "left_hip_roll")
    assert [pose_weight(name) for name in names] == [0.01, 0.01, 0.01, 0.1, 1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forward_velocity", (1.0, -1.0)),
        ("gait_frequency", (0.0, 1.0)),
        ("action_scale", 0.0),
        ("command_interval", -1.0),
        ("tracking_sigma", 0.0),
        ("max_tilt", 0.0),
        ("foot_height", -0.1),
        ("reset_pose_noise", -0.1),
        ("reset_velocity_noise", -0.1),
        ("stand_probability", 1.5),
    ],
)
def test_config_refuses_a_bad_value_by_name(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        JoystickConfig(**{name: value})


def with_converged_solver(name, backend, **config):
    """The task, but its solver may iterate until it converges; stopped early, MJX and MuJoCo stop elsewhere."""
    env = make(name, backend, **config)
    model = copy.copy(env.model)
    model.opt.iterations, model.opt.ls_iterations = 100, 50
    env.physics = make_physics(
        dataclasses.replace(env.physics.spec, model=model), PhysicsOptions(backend, max_worlds=CHUNK)
    )
    return env


# MJX puts a box on a plane on those corners alone that lie about as deep as the deepest, so G1 must land and stay flat;
# and it turns the friction directions of H1's capsules otherwise once they stand up.
@pytest.mark.slow
@pytest.mark.parametrize(("name", "noise", "reach"), [("g1", 0.02, 0.05), ("h1", 0.1, 0.5), ("t1", 0.5, 0.5)])
def test_mjx_on_jax_equals_native_in_float64(float64, name, noise, reach):
    config = {"reset_pose_noise": noise, "reset_velocity_noise": noise}
    native, mjx = (with_converged_solver(name, backend, **config) for backend in ("native", "mjx-jax"))

    @jax.jit
    def visited(key):
        """States of ten worlds on native physics under random actions, and what each led to."""
        key_reset, key_act = jax.random.split(key)
        first = jax.vmap(native.reset)(jax.random.split(key_reset, CHUNK))

        def step(state, key):
            action = jax.random.uniform(key, (CHUNK, native.spec.action_size), minval=-reach, maxval=reach)
            start = jax.vmap(restarted, (None, 0))(native, state)
            after = jax.vmap(native.step)(start, action)
            return after, (state.replace(physics=(state.physics["qpos"], state.physics["qvel"])), action, seen(after))

        return jax.lax.scan(step, first, jax.random.split(key_act, 25))[1]

    def restarted(env, state):
        return state.replace(physics=env.physics.reset(state.physics["qpos"], state.physics["qvel"]))

    def seen(state):
        return jnp.concatenate([state.obs, state.reward[:, None], state.physics["qpos"]], axis=1)

    @jax.jit
    def on_mjx(state, action):
        state = state.replace(physics=jax.vmap(mjx.physics.reset)(*state.physics))
        return seen(jax.vmap(mjx.step)(state, action))

    states, actions, expected = jax.tree.map(lambda x: x[10:], visited(jax.random.key(0)))  # landed
    errors = []
    for i in range(len(actions)):
        actual = on_mjx(*jax.tree.map(lambda x: x[i], (states, actions)))  # noqa: B023
        errors.append(np.abs(actual - expected[i]).max(axis=1) / np.maximum(np.abs(expected[i]).max(axis=1), 1))
    error = np.concatenate(errors)
    print(f"{name}: median {np.median(error):.1e}, 90 % {np.quantile(error, 0.9):.1e}, largest {error.max():.1e}")
    assert np.quantile(error, 0.9) <= 1e-10
    assert error.max() <= 1e-5


def test_a_gantry_holds_the_pelvis_upright_at_its_height_and_drags_it_at_the_commanded_velocity(t1):
    """The forces on the pelvis of a robot that looks to the left (y), leans, sinks and moves."""
    env = t1.reweighted({"support": jnp.asarray(0.5)})
    leans = 0.1  # rad, forward
    c, s, sine, cosine = math.sqrt(0.5), math.sqrt(0.5), math.sin(leans / 2), math.cos(leans / 2)
    turned = jnp.array([c * cosine, -s * sine, c * sine, s * cosine])  # the heading, after the tilt about the body's y
    physics = env.reset(jax.random.key(0)).physics
    qpos = physics["qpos"].at[2].add(env._standing_qpos[2] - physics["qpos"][2] - 0.05).at[3:7].set(turned)
    qvel = jnp.zeros(env.model.nv).at[:6].set(jnp.array([0.1, 0.2, -0.3, 0.0, 1.0, 0.5]))
    state = env.start(jax.random.key(0), qpos, qvel)
    supported = env._supported(state, jnp.array([0.6, -0.1, 0.0]))
    # forward is y, and left is -x: the errors are 0.6 - 0.2 forward, and -0.1 + 0.1 to the left
    expected = [0.0, 300 * 0.4, 1000 * 0.05 + 100 * 0.3, 0.0, -300 * math.sin(leans) - 5 * 1.0, 0.0]
    force = env.physics.component(supported.internal, "qfrc_applied")
    np.testing.assert_allclose(force[:6], 0.5 * np.array(expected), rtol=1e-3, atol=0.05)
    assert not np.any(force[6:])


def test_evaluations_support_nobody():
    config = JoystickConfig(support=0.7)
    assert G1Joystick.evaluated(config).support == 0.0
