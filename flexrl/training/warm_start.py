"""A run that begins from the networks and statistics of another."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.physics import resolve_backend
from envs.types import EnvSpec
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import RunConfig
from flexrl.engine.factory import make_algorithm, make_env, make_evaluation_env, make_policy, policy_template
from flexrl.policies.playback import load_exported
from flexrl.storage.checkpoint import Checkpoints, Leaves, leaves_of, shapes_of, tree_of
from flexrl.storage.policy_file import digest, exported_step, is_exported
from flexrl.storage.run_folder import find_run, read_config

POLICY = "params.policy."
VALUE = "params.value."
STATISTICS = ("normalizer.", "privileged.", "returns.")  # that networks were trained with
READERS = ("layers.0.kernel", "embed_obs.kernel", "embed_goal.kernel")  # first to see observation and goal
INHERITED = ("params.", *STATISTICS)  # names in a train state; optimizer and counters start fresh

Shape = tuple[tuple[int, ...], str]  # and dtype
Shapes = dict[str, Shape]


@dataclass(frozen=True)
class Parent:
    """What a run or an exported policy offers.

    Attributes:
      folder: where it was found.
      step: iteration that the arrays are of.
      config: what it was trained with.
      spec: sizes of its environment.
      leaves: arrays by name; of an exported policy, without a value network.
    """

    folder: Path
    step: int
    config: RunConfig
    spec: EnvSpec
    leaves: Leaves


@dataclass(frozen=True)
class Inheritance:
    """What a new run takes from its parent.

    Attributes:
      parent: the giver.
      leaves: arrays that are taken, by name in the train state.
      fresh: names of arrays that could have been taken and do not fit, with the reason.
    """

    parent: Parent
    leaves: Leaves
    fresh: dict[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """For `metadata.json`: the giver, and the SHA-256 of what was taken."""
        return {
            "name": self.parent.folder.resolve().name,
            "step": self.parent.step,
            "config_hash": _recorded_hash(self.parent),
            "sha256": digest(self.leaves),
        }

    def into(self, train: Any) -> Any:
        """A fresh train state, with what is taken in its place."""
        return tree_of(train, leaves_of(train) | self.leaves)

    def summary(self) -> str:
        """What was taken and what was not, for reading."""
        lines = [f"begins from {self.parent.folder}, iteration {self.parent.step}: took {len(self.leaves)} arrays"]
        return "\n".join(lines + [f"starts fresh: {name}, {reason}" for name, reason in self.fresh.items()])


def pin(parent: str, workspace: str) -> str:
    """`RUN:ITERATION` for a `RUN[:STEP]`, so that a run means the same parent for good.

    Args:
      parent: a run's or an exported policy's folder, or a run's name in the workspace; the step is `best` by default.
      workspace: folder that holds the runs; the parent is named by its folder's name there, else by its whole path.

    Raises:
      ConfigError: if there is no such run or step.
      CheckpointError: if the checkpoint is damaged.
    """
    run, colon, step = parent.rpartition(":")
    if not colon:
        run, step = parent, "best"
    try:
        folder = find_run(run, workspace)
        number = _step_number(folder, step)
    except ConfigError as error:
        raise ConfigError(f"parent: {parent}: {error}") from None
    place = folder.resolve()
    return f"{place.name if place.parent == Path(workspace).resolve() else place}:{number}"


def _step_number(folder: Path, step: str) -> int:
    if is_exported(folder):
        return exported_step(folder, step)
    checkpoints = Checkpoints(folder)
    return checkpoints.intact(checkpoints.find(step))[0]


def inherit(config: RunConfig) -> Inheritance:
    """What a run of this config takes from its parent: every array of the same name, shape and dtype.

    Raises:
      ConfigError: if the parent is not there, or its policy does not fit.
      CheckpointError: if its checkpoint is damaged.
    """
    assert config.parent is not None
    try:
        parent = _load(config.parent, config.workspace)
    except ConfigError as error:
        raise ConfigError(f"parent: {config.parent}: {error}") from None
    env = make_env(config)
    template = policy_template(make_algorithm(config, env))["train"]
    wanted = {name: shape for name, shape in shapes_of(template).items() if name.startswith(INHERITED)}
    offered = shapes_of(parent.leaves)
    taken = _fitting(parent.leaves, wanted)
    _require_fit(parent, env.spec, wanted, taken)
    _require_symmetry(parent, config)
    _require_same_scale(parent, config)
    if is_exported(parent.folder):
        fresh = {"the value network": "for an exported policy comes without one"}
        wanted = {name: shape for name, shape in wanted.items() if not name.startswith(VALUE)}
    else:
        fresh = {}
    fresh |= {name: _difference(shape, offered.get(name)) for name, shape in wanted.items() if name not in taken}
    return Inheritance(parent, taken, fresh)


def _load(place: str, workspace: str) -> Parent:
    run, _, step = place.rpartition(":")
    folder = find_run(run, workspace)
    config = read_config(folder)
    env = make_evaluation_env(dataclasses.replace(config, physics=resolve_backend("auto")), num_worlds=1)
    algorithm = make_algorithm(config, env)
    if is_exported(folder):
        policy, leaves = load_exported(folder, algorithm), {}
        number = exported_step(folder, step)
    else:
        checkpoints = Checkpoints(folder)
        number, restored = checkpoints.restore(policy_template(algorithm), checkpoints.find(step))
        policy, leaves = make_policy(algorithm, restored), leaves_of(restored["train"])
    acting = {name.replace("params.", POLICY, 1): leaf for name, leaf in leaves_of(policy).items()}
    return Parent(folder, number, config, env.spec, leaves | acting)


def _fitting(offered: Leaves, wanted: Shapes) -> Leaves:
    """Arrays of the same name, shape and dtype; statistics only if all of their numbers fit."""
    shapes = shapes_of(offered)
    unfit = {name for name, shape in wanted.items() if shapes.get(name) != shape}
    partial = tuple(prefix for prefix in STATISTICS if any(name.startswith(prefix) for name in unfit))
    return {name: offered[name] for name in wanted if name not in unfit and not name.startswith(partial)}


def _require_symmetry(parent: Parent, config: RunConfig) -> None:
    """Refuse half of a symmetric parent: its arrays mean something else without their mirror image.

    Raises:
      ConfigError: with the way out.
    """
    is_symmetric = [each.algorithm.symmetric for each in (parent.config, config)]
    if is_symmetric == [True, False]:
        raise ConfigError(f"parent: {parent.folder}:{parent.step} has symmetric networks; add --algorithm.symmetric")


def _require_same_scale(parent: Parent, config: RunConfig) -> None:
    """Refuse a parent whose networks read normalised observations where this run's read raw ones, or the reverse.

    Raises:
      ConfigError: with the way out.
    """
    parents, ours = (each.algorithm.normalize_observations for each in (parent.config, config))
    if parents != ours:
        raise ConfigError(
            f"parent: {parent.folder}:{parent.step} has normalize_observations {parents}, and this run {ours}; add "
            f"--algorithm.{'' if parents else 'no-'}normalize-observations"
        )


def _require_fit(parent: Parent, spec: EnvSpec, wanted: Shapes, taken: Leaves) -> None:
    """Refuse a parent whose policy would not see what it was trained to see.

    Raises:
      ConfigError: with both sizes.
    """
    layers = [name for name in wanted if name.startswith(POLICY) and "goal_encoder" not in name]
    readers = [name for name in layers if ".cell." in name] or [n for n in layers if n.endswith(READERS)]
    unfit = [name for name in readers if name not in taken]
    same_observation = spec.obs_size == parent.spec.obs_size
    if same_observation and not unfit:
        return
    name = (unfit or readers)[0]
    offered = parent.leaves[name].shape if name in parent.leaves else None
    ways = [
        "choose an environment of the parent's sizes",
        f"the networks in {parent.folder / 'config.yaml'}",
        *(["a goal encoder (--algorithm.goal-layers) as wide as the parent's goal"] if same_observation else []),
        "or leave --parent out",
    ]
    raise ConfigError(
        f"parent: {parent.folder}:{parent.step} reads {_sizes(parent.spec)} by {name} of shape {offered}, but this run "
        f"reads {_sizes(spec)} by one of shape {wanted[name][0]}; {', '.join(ways)}"
    )


def _sizes(spec: EnvSpec) -> str:
    return f"{spec.obs_size} observations and {spec.goal_size} numbers of goal"


def _difference(wanted: Shape, offered: Shape | None) -> str:
    if wanted == offered:
        return "as the statistics that it belongs to"
    there = "the parent has nothing of that name" if offered is None else f"the parent's is {offered[0]} {offered[1]}"
    return f"shape {wanted[0]} {wanted[1]}, {there}"


def _recorded_hash(parent: Parent) -> str:
    """As the parent's run recorded it, which newer code with more fields would not compute again."""
    path = parent.folder / "metadata.json"
    return json.loads(path.read_text())["config_hash"] if path.is_file() else parent.config.hash()
