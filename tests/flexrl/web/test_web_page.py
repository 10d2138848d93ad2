"""The static page in a real browser: its policy, its observation and its physics are ours, and it can be driven."""

import contextlib
import functools
import http.server
import math
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.common.networks import ACTIVATIONS
from benchmarks.served import CHROMIUM, ROOT, browser
from envs.robots import feeling_humanoid as body
from envs.tasks.humanoid_skills import clock
from envs.tasks.humanoid_skills.goals import nominal_goal
from envs.types import Observation
from flexrl import export
from flexrl.policies.playback import load_playback
from flexrl.policies.portable import portable
from flexrl.web.mujoco_wasm import PACKAGE
from flexrl.web.network import network_of
from tests.flexrl.policies.made import KINDS, make_policy_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, to test the page"),
    pytest.mark.skipif(not (ROOT / PACKAGE).is_dir(), reason="NO MUJOCO FOR BROWSERS: `make web-mujoco`"),
]
PATIENCE = 60_000  # ms, on a machine that is busy
SIMULATION = "flexrl.simulation"
NUM_STEPS = 60
MADE = [("mlp", "elu"), ("bc", "relu"), ("symmetric", "tanh"), ("symmetric", "swish")]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hosted(policy, place):
    """Export a pretrained policy by the command, and host the folder below a path, as on a project's page."""
    arguments = ["--format", "web", "--out", str(place / "page"), "--mujoco", str(ROOT / PACKAGE)]
    export.main([str(ROOT / "pretrained" / policy), *arguments])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(place)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/page/"
    server.shutdown()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with hosted("humanoid-skills", tmp_path_factory.mktemp("host")) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    pytest.importorskip("playwright", reason="NO PLAYWRIGHT: `make browser`, to test the page")
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def opened(chromium, address):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE)
    problems = []
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith(address) or problems.append(request.url))
    page.goto(address)
    page.wait_for_function("globalThis.flexrl !== undefined")
    yield page
    assert problems == []


@pytest.fixture
def page(opened):
    """The page with a body that stands at the origin, at the usual speed."""
    opened.evaluate("document.activeElement.blur()")
    if opened.inner_text("#pause") == "Go on":  # a test that failed left it so
        opened.click("#pause")
    opened.fill("#speed", "100")
    opened.click("#reset")
    return opened


@pytest.fixture(scope="module")
def recorded():
    """Over time, what the pretrained policy saw and did in native physics while it walked: one world, NumPy arrays."""
    playback = load_playback(str(ROOT / "pretrained" / "humanoid-skills"), "workspace", "best", physics="native")
    env, policy = playback.env, playback.policy
    goal = jnp.asarray(nominal_goal("walk-forward"))
    step, observe = jax.jit(env.step), jax.jit(body.observe)

    @jax.jit
    def act(obs):
        seen = Observation(obs[None], goal[None], jnp.zeros(1), jnp.zeros(1, bool))
        return policy.act(policy.init_carry(1), seen, jax.random.key(0))[1][0]

    state, last, rows = jax.jit(env.reset)(jax.random.key(4)), jnp.zeros(env.spec.action_size), []
    for _ in range(NUM_STEPS):
        obs = observe(state.physics, last)
        np.testing.assert_array_equal(obs, state.obs)
        fields = {name: state.physics[name] for name in ("qpos", "qvel", "sensordata")}
        action = act(obs)
        rows.append(fields | {"last": last, "obs": obs, "action": action})
        state, last = step(state, action), action
    rows = [{name: np.asarray(value, np.float64) for name, value in row.items()} for row in rows]
    assert {tuple(row["obs"][44:46]) for row in rows} >= {(1, 0), (0, 1)}  # it walks: each foot bears it in turn
    return rows


def lists(row, *names):
    return [row[name].tolist() for name in names]


def value(page, name):
    return page.evaluate(f"{SIMULATION}.{name}")


def after(page, seconds):
    """Wait until the body has lived for so long; a busy machine takes longer than that."""
    page.wait_for_function(f"{SIMULATION}.seconds > {value(page, 'seconds') + seconds}")


def place(page):
    """Where the torso is (m), and its heading (rad)."""
    x, y, _, w, *axis = page.evaluate(f"Array.from({SIMULATION}.data.qpos.slice(0, 7))")
    return np.array([x, y]), math.atan2(2 * (w * axis[2] + axis[0] * axis[1]), 1 - 2 * (axis[1] ** 2 + axis[2] ** 2))


def test_the_observation_of_recorded_states_is_ours(page, recorded):
    code = """async (rows) => {
      const { observe } = await import("./humanoid_skills.js");
      return rows.map(([qpos, qvel, sensordata, last]) => observe({ qpos, qvel, sensordata }, last));
    }"""
    found = page.evaluate(code, [lists(row, "qpos", "qvel", "sensordata", "last") for row in recorded])
    np.testing.assert_allclose(found, [row["obs"] for row in recorded], rtol=0, atol=1e-4)


def test_the_action_of_recorded_observations_is_ours(page, recorded):
    goal = nominal_goal("walk-forward").tolist()
    code = f"([rows, goal]) => rows.map((row) => {SIMULATION}.policy.act(row, goal))"
    found = page.evaluate(code, [[row["obs"].tolist() for row in recorded], goal])
    assert np.abs([row["action"] for row in recorded]).max() > 0.3
    np.testing.assert_allclose(found, [row["action"] for row in recorded], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("kind", "activation"), MADE)
def test_actions_with_goal_encoder_symmetry_and_return_are_ours(page, tmp_path, monkeypatch, kind, activation):
    layers = KINDS[kind]["algorithm"] | {"activation": activation}
    monkeypatch.setitem(KINDS, kind, KINDS[kind] | {"algorithm": layers})
    playback = load_playback(str(make_policy_folder(tmp_path / kind, kind)), "workspace", "best")
    policy, spec, rng = playback.policy, playback.env.spec, np.random.default_rng(1)
    obs = (4 * rng.normal(size=(9, spec.obs_size))).astype(np.float32)  # some of it is clipped
    goal = rng.normal(size=(9, spec.goal_size)).astype(np.float32)
    seen = Observation(jnp.asarray(obs), jnp.asarray(goal), jnp.zeros(9), jnp.zeros(9, bool))
    expected = policy.act(policy.init_carry(9), seen, jax.random.key(0))[1]
    network, weights = network_of(policy, portable(policy, spec))
    code = """async ([network, weights, obs, goal]) => {
      const { Policy } = await import("./policy.js");
      const policy = new Policy(network, new Float32Array(weights));
      return obs.map((row, i) => Array.from(policy.act(row, goal[i])));
    }"""
    found = page.evaluate(code, [network, weights.tolist(), obs.tolist(), goal.tolist()])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_physics_moves_the_model_as_ours_does(page, recorded):
    first, *later = recorded[10:31]
    code = f"""([qpos, qvel, actions]) => {{
      const simulation = {SIMULATION};
      simulation.data.qpos.set(qpos);
      simulation.data.qvel.set(qvel);
      actions.forEach((action) => simulation.step(action));
      return [Array.from(simulation.data.qpos), Array.from(simulation.data.qvel)];
    }}"""
    actions = [row["action"].tolist() for row in [first, *later][:-1]]
    qpos, qvel = page.evaluate(code, [*lists(first, "qpos", "qvel"), actions])
    assert np.abs(later[-1]["qpos"] - first["qpos"]).max() > 0.1
    np.testing.assert_allclose(qpos, later[-1]["qpos"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(qvel, later[-1]["qvel"], rtol=0, atol=1e-3)


def test_every_activation_is_compared():
    assert {activation for _, activation in MADE} == ACTIVATIONS.keys()


def test_it_stands_until_a_button_makes_it_walk_and_turn(page):
    after(page, 1.5)
    assert np.linalg.norm(place(page)[0]) < 0.3 and value(page, "skill") == "stand-still"
    page.click("[data-skill=walk-forward]")
    after(page, 1.5)
    begin, heading = place(page)
    after(page, 3)
    end, _ = place(page)
    assert value(page, "motion.forward") > 0.6
    assert (end - begin) @ [math.cos(heading), math.sin(heading)] > 2
    page.click("[data-skill=turn-left]")
    after(page, 1.5)
    assert 0.4 < value(page, "motion.turn") < 1.2 and abs(value(page, "motion.forward")) < 0.4
    page.click("[data-skill=turn-right]")
    after(page, 1.5)
    assert value(page, "motion.turn") < -0.4
    assert value(page, "numFalls") == 0


def test_keys_ask_for_skills_and_arrows_drive(page):
    page.keyboard.press("2")
    assert value(page, "skill") == "walk-forward"
    page.wait_for_selector("[data-skill=walk-forward][aria-pressed=true]")
    page.keyboard.down("Shift")
    page.keyboard.down("ArrowUp")
    assert value(page, "skill") == "run"
    after(page, 3)
    assert value(page, "motion.forward") > 2
    page.keyboard.up("ArrowUp")
    page.keyboard.up("Shift")
    after(page, 3)
    assert value(page, "skill") == "stand-still" and abs(value(page, "motion.forward")) < 0.3


def test_the_slider_makes_it_slower(page):
    page.click("[data-skill=run]")
    page.fill("#speed", "50")
    after(page, 4)
    begin = place(page)[0]
    after(page, 2)
    assert 0.8 < np.linalg.norm(place(page)[0] - begin) / 2 < 2.2
    assert page.inner_text("#percent") == "50 %"


def test_pushes_by_button_and_by_dragging_move_it_and_it_recovers(page):
    after(page, 1)
    for drag in (False, True):
        page.click("#reset")
        page.click("#pause")
        page.wait_for_timeout(300)
        if drag:
            at = "flexrl.view.bodies[1].position.clone().project(flexrl.view.camera)"
            x, y = page.evaluate(f"[({at}.x + 1) / 2 * innerWidth, (1 - {at}.y) / 2 * innerHeight]")
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 100, y, steps=3)
            page.wait_for_selector("#overlay")  # the arrow is drawn
            page.mouse.up()
        else:
            page.click("#push")
        velocity = np.array(page.evaluate(f"Array.from({SIMULATION}.data.qvel.slice(0, 2))"))
        right = page.evaluate("flexrl.view.direction") - math.pi / 2
        expected = [math.cos(right), math.sin(right)] if drag else [-math.sin(right), math.cos(right)]
        assert 0.6 < np.linalg.norm(velocity) < 1.3 and velocity @ expected > 0.6
        page.click("#pause")
        after(page, 4)
        assert value(page, "numFalls") == 0 and value(page, "motion.height") > 1.2
        assert math.hypot(value(page, "motion.forward"), value(page, "motion.left")) < 0.3


def test_a_fallen_body_is_put_back(page):
    page.evaluate(f"{SIMULATION}.data.qvel[2] = 0; {SIMULATION}.data.qvel.set([6, 0, 0, 0, 9, 0])")
    page.wait_for_function(f"{SIMULATION}.numFalls > 0")
    page.wait_for_selector("#notice:has-text('it fell')")
    page.evaluate(f"{SIMULATION}.numFalls = 0")


def test_a_policy_with_a_clock_sees_ours_and_walks(chromium, tmp_path):
    with hosted("natural-skills", tmp_path) as found:
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(found)
        page.wait_for_function("globalThis.flexrl !== undefined")
        told = {"strides": clock.STRIDES, "strides_per_metre": clock.STRIDES_PER_METRE}
        later = """async ([phase, forward, left, period, told]) => {
          const { laterPhase } = await import("./humanoid_skills.js");
          return laterPhase(phase, { forward, left }, period, told);
        }"""
        for phase in (0.0, 3.0, 6.2):
            ours = clock.later(jnp.array(phase), jnp.array([0.8, -0.3]), 0.15)
            assert page.evaluate(later, [phase, 0.8, -0.3, 0.15, told]) == pytest.approx(float(ours), abs=1e-5)
        page.click("[data-skill=walk-forward]")
        after(page, 3)
        phase = value(page, "phase")
        shown = page.evaluate(f"{SIMULATION}.observe().slice(-2)")
        assert phase > 0 and np.hypot(*shown) == pytest.approx(1.0, abs=1e-6)
        assert value(page, "motion.forward") > 0.5 and value(page, "numFalls") == 0


@pytest.mark.parametrize("size", [(1280, 800), (390, 780)])
def test_everything_fits_on_a_desk_and_on_a_phone(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for name in ("[data-skill=run]", "#speed", "#pad", "#pause", "#reset", "#policy"):
        box = page.locator(name).first.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], name
        assert box["y"] >= 0 and box["y"] + box["height"] <= size[1], name
    page.set_viewport_size({"width": 1280, "height": 800})
