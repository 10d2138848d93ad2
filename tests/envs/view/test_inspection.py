"""What previews show: episodes that end as the task says, one after the other."""

import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.view.inspection import _random_episodes


@pytest.mark.parametrize(("name", "lowest", "standing"), [("Hopper-v5", 0.7, 1.25), ("g1-joystick", 0.3, 0.755)])
def test_a_world_that_fell_starts_anew(name, lowest, standing):
    env = make_env(name, env_type(name).Config(), PhysicsOptions("native"))
    root = env.model.jnt_qposadr[0] + (2 if env.model.jnt_type[0] == 0 else 1)
    height = _random_episodes(env, 150)[:, root]
    assert height.min() > lowest
    starts = np.flatnonzero(np.abs(height - standing) < 0.01)
    assert starts[0] == 0 and starts[-1] > 30  # an episode later
