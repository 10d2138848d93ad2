"""mujoco_warp without JAX goes where MJX-Warp goes, so that their speeds compare."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.parity import visited_states
from envs.physics import PhysicsOptions, PhysicsSpec, make_physics
from envs.robots.models import brax_humanoid

NUM_WORLDS = 4
LIMITS = (1.0, 2.0)


@pytest.mark.slow
def test_a_call_is_mjx_warps_steps_and_restarts_who_fell():
    from benchmarks.warp_alone import WarpSubject

    states = {name: rows[:NUM_WORLDS].astype(np.float32) for name, rows in visited_states().items()}
    states["qpos"][0, 2] = 0.5
    spec = PhysicsSpec(brax_humanoid().compile(), num_substeps=5)
    fresh = {"qpos": np.tile(spec.model.qpos0, (NUM_WORLDS, 1)), "qvel": np.zeros_like(states["qvel"])}
    subject = WarpSubject(spec, LIMITS, states, fresh, states["action"][None])
    physics = make_physics(spec, PhysicsOptions("mjx-warp", NUM_WORLDS))
    start = jax.jit(jax.vmap(physics.reset))(states["qpos"], states["qvel"])
    after = jax.jit(jax.vmap(physics.step))(start, jnp.asarray(states["action"]))["qpos"]
    expected = np.where((after[:, 2:3] >= LIMITS[0]) & (after[:, 2:3] <= LIMITS[1]), after, fresh["qpos"])
    assert subject.run(1) > 0
    np.testing.assert_allclose(subject.qpos, expected, atol=1e-3)
    np.testing.assert_allclose(subject.qpos[0], spec.model.qpos0, atol=1e-6)
