"""Domain randomization of the simulated model: a pool of model variants, made once at the start of a run.

Every reset draws one of the variants. Recomputing a model's inertial constants at every reset would cost more than half
of a native step, and MJX cannot do it at all.
"""

import copy

import mujoco
import numpy as np

from envs.physics.options import Randomization


def model_variants(model: mujoco.MjModel, randomization: Randomization) -> list[mujoco.MjModel]:
    """Return the models that worlds run on: `model` alone, or a pool of randomized copies of it."""
    if not randomization.varies_model:
        return [model]
    rng = np.random.default_rng(randomization.seed)
    return [_variant(model, randomization, rng) for _ in range(randomization.num_variants)]


def _variant(model: mujoco.MjModel, randomization: Randomization, rng: np.random.Generator) -> mujoco.MjModel:
    variant = copy.copy(model)
    if randomization.friction is not None:
        factor = rng.uniform(*randomization.friction)
        variant.geom_friction[:, 0] *= factor
        variant.pair_friction[:, :2] *= factor  # explicit pairs have their own friction, in two directions
    if randomization.mass is not None:
        factor = rng.uniform(*randomization.mass, size=model.nbody)
        variant.body_mass *= factor
        variant.body_inertia *= factor[:, None]
    if randomization.com_offset is not None and model.nbody > 1:
        variant.body_ipos[1] += rng.uniform(*randomization.com_offset, size=3)
    if randomization.gain is not None:
        factor = rng.uniform(*randomization.gain, size=model.nu)[:, None]
        variant.actuator_gainprm *= factor
        variant.actuator_biasprm *= factor
    mujoco.mj_setConst(variant, mujoco.MjData(variant))
    return variant


def varied_fields(model: mujoco.MjModel, variants: list[mujoco.MjModel]) -> dict[str, np.ndarray]:
    """Return the fields in which the V variants differ from the model, by name, each stacked to shape (V, ...)."""
    names = [name for name in dir(model) if isinstance(getattr(model, name, None), np.ndarray)]
    stacked = {name: np.stack([getattr(variant, name) for variant in variants]) for name in names}
    return {name: x for name, x in stacked.items() if (x != getattr(model, name)).any()}
