"""Start a run from the networks and statistics of another run or of an exported policy (`--parent`)."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from envs.physics import resolve_backend
from envs.types import EnvSpec
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject, PyTree
from flexrl.config.run_config import RunConfig
from flexrl.engine.factory import make_algorithm, make_env, make_evaluation_env, make_policy, policy_template
from flexrl.policies.playback import load_exported
from flexrl.storage.checkpoint import Checkpoints, Leaves, leaves_of, shapes_of, tree_of
from flexrl.storage.policy_file import digest, exported_step, is_exported
from flexrl.storage.run_folder import find_run, read_config

POLICY = "params.policy."
VALUE = "params.value."
STATISTICS = ("normalizer.", "privileged.", "returns.")  # prefixes of statistics that the networks were trained with
READERS = ("layers.0.kernel", "embed_obs.kernel", "embed_goal.kernel")  # the layers that read observation and goal
INHERITED = ("params.", *STATISTICS)  # prefixes in a train state; optimizer and counters start fresh

Shape = tuple[tuple[int, ...], str]  # shape and dtype of an array
Shapes = dict[str, Shape]


@dataclass(frozen=True)
class Parent:
    """A run or an exported policy from which another run starts.

    Attributes:
      folder: folder of the run or of the exported policy.
      step: the iteration at which the arrays were saved.
      config: the config that the parent was trained with.
      spec: sizes of the environment that the parent was trained in.
      leaves: the parent's arrays by name; an exported policy has no value network.
    """

    folder: Path
    step: int
    config: RunConfig
    spec: EnvSpec
    leaves: Leaves


@dataclass(frozen=True)
class Inheritance:
    """The arrays that a new run takes from its parent.

    Attributes:
      parent: the run or exported policy that the new run starts from.
      leaves: the arrays that are taken, by name in the train state.
      fresh: by name of each array that is not taken, why the parent's array does not fit or is missing.
    """

    parent: Parent
    leaves: Leaves
    fresh: dict[str, str]

    @property
    def record(self) -> JsonObject:
        """What `metadata.json` says of the parent: `name`, `step`, `config_hash`, and `sha256` of the arrays taken."""
        return {
            "name": self.parent.folder.resolve().name,
            "step": self.parent.step,
            "config_hash": _recorded_hash(self.parent),
            "sha256": digest(self.leaves),
        }

    def into(self, train: PyTree) -> PyTree:
        """Return the fresh train state `train` with the arrays that are taken from the parent in place of its own."""
        return tree_of(train, leaves_of(train) | self.leaves)

    def summary(self) -> str:
        """Return lines that say which arrays were taken, and why others were not."""
        lines = [f"begins from {self.parent.folder}, iteration {self.parent.step}: took {len(self.leaves)} arrays"]
        return "\n".join(lines + [f"starts fresh: {name}, {reason}" for name, reason in self.fresh.items()])


def pin(parent: str, workspace: str) -> str:
    """Resolve a parent `RUN[:STEP]` to `RUN:ITERATION`, which names the same policy even if RUN is trained further.

    Args:
      parent: a run's or an exported policy's folder, or a run's name in the workspace; the step is `best` by default.
      workspace: folder that holds the runs. A parent in it is returned by name, any other one by absolute path.

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
    """Load the parent of a new run, which is the run or exported policy that it starts from.

    Take from it every array of networks and statistics that has the same name, shape and dtype in both runs.

    Raises:
      ConfigError: if the parent is missing, or its policy does not fit.
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
    """Return the parent's arrays (`offered`) of which the new run has one of the same name, shape and dtype (`wanted`).

    Statistics of one kind, such as the mean and the variance of observations, are taken together or not at all.
    """
    shapes = shapes_of(offered)
    unfit = {name for name, shape in wanted.items() if shapes.get(name) != shape}
    partial = tuple(prefix for prefix in STATISTICS if any(name.startswith(prefix) for name in unfit))
    return {name: offered[name] for name in wanted if name not in unfit and not name.startswith(partial)}


def _require_symmetry(parent: Parent, config: RunConfig) -> None:
    """Refuse a parent with symmetric networks if this run's networks are not symmetric.

    Symmetric networks mirror observations and actions. Without that, their arrays mean something else.

    Raises:
      ConfigError: naming the flag that makes this run's networks symmetric.
    """
    is_symmetric = [each.algorithm.symmetric for each in (parent.config, config)]
    if is_symmetric == [True, False]:
        raise ConfigError(f"parent: {parent.folder}:{parent.step} has symmetric networks; add --algorithm.symmetric")


def _require_same_scale(parent: Parent, config: RunConfig) -> None:
    """Refuse a parent whose networks read normalised observations where this run's read raw ones, or the reverse.

    Raises:
      ConfigError: naming the flag that makes this run read the same.
    """
    parents, ours = (each.algorithm.normalize_observations for each in (parent.config, config))
    if parents != ours:
        raise ConfigError(
            f"parent: {parent.folder}:{parent.step} has normalize_observations {parents}, and this run {ours}; add "
            f"--algorithm.{'' if parents else 'no-'}normalize-observations"
        )


def _require_fit(parent: Parent, spec: EnvSpec, wanted: Shapes, taken: Leaves) -> None:
    """Refuse a parent whose policy cannot read the new run's observations and goals.

    The observations of both environments must have the same size. Also, each layer of the policy that reads an
    observation or a goal must be among the arrays taken from the parent. The goal encoder is exempt: it may be new.

    Args:
      parent: the run or exported policy that the new run starts from.
      spec: sizes of the new run's environment.
      wanted: shapes of the new run's arrays, by name.
      taken: the arrays that are taken from the parent, by name.

    Raises:
      ConfigError: naming the sizes of observation and goal in both runs.
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
        return "because other arrays of the same statistics do not fit"
    there = "the parent has nothing of that name" if offered is None else f"the parent's is {offered[0]} {offered[1]}"
    return f"shape {wanted[0]} {wanted[1]}, {there}"


def _recorded_hash(parent: Parent) -> str:
    """Return the config hash that the parent's folder records. Newer code with more fields may compute another hash."""
    path = parent.folder / "metadata.json"
    return json.loads(path.read_text())["config_hash"] if path.is_file() else parent.config.hash()
