"""Train MuJoCo humanoids with reinforcement learning in JAX, and use what was trained, from Python.

    import flexrl
    policy = flexrl.load("pretrained/humanoid-skills")
    action = policy(observation, goal="walk-forward")

`import flexrl` itself imports nothing: JAX and MuJoCo come with the first call.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gymnasium

    from flexrl.cli.fitting import Run
    from flexrl.config.run_config import RunConfig
    from flexrl.policies.acting import LoadedPolicy

__all__ = ["fit", "load", "make"]


def load(run: str | Path, *, step: str | int = "best", workspace: str = "workspace", seed: int = 0) -> "LoadedPolicy":
    """Load a trained policy, which acts on NumPy arrays.

    Args:
      run: a run's folder or its name, or the folder of an exported policy, such as `pretrained/humanoid-skills`.
      step: checkpoint to use: `best`, `latest` or an iteration.
      workspace: folder that holds the runs.
      seed: random seed of sampled actions; deterministic actions need none.

    Raises:
      ConfigError: if there is no such run or step.
      CheckpointError: if the checkpoint is damaged.
    """
    from flexrl.common.jax_setup import prepare_jax

    prepare_jax()
    from flexrl.policies.acting import LoadedPolicy
    from flexrl.policies.playback import load_playback

    return LoadedPolicy(load_playback(str(run), workspace, str(step)), seed)


def make(env: str = "humanoid-walk", **options: Any) -> "gymnasium.Env":
    """Make an environment with Gymnasium's interface, whose episodes are truncated at the environment's time limit.

    Args:
      env: name of an environment, as `python -m envs list` prints it; `brax:NAME`, `playground:NAME`,
        `path/to/file.py:Class`, or `path/to/robot.xml`.
      options: `render_mode="rgb_array"`, and fields of the task's config.

    Raises:
      ConfigError: naming the environment or option that cannot be used.
    """
    from flexrl.common.jax_setup import prepare_jax

    prepare_jax()
    from envs.bridges.making import make_gymnasium

    return make_gymnasium(env, options)


def fit(config: "Mapping[str, object] | RunConfig | str | Path | None" = None, **fields: object) -> "Run":
    """Train a run in this process, and return it. An interruption saves the run.

    If the folder of the run's name already holds a run with this config, that run is continued or, if it is finished,
    returned. So a notebook that names its runs can be run again from its top.

    Args:
      config: fields of the run, nested as in a config file; or the path of a config file.
      fields: further fields, which override those of `config`, as `env="humanoid-walk"` or `total_steps=2_000_000`.

    Raises:
      ConfigError: naming the field, the value and the limit; or if the folder holds a run with another config.
      Diverged: if the run has diverged.
    """
    from flexrl.common.jax_setup import prepare_jax

    prepare_jax()
    from flexrl.cli.fitting import fit

    return fit(config, fields)
