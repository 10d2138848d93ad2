"""Frames of a floating body; quaternions are (w, x, y, z) as in MuJoCo."""

import jax.numpy as jnp
from jax import Array


def rotated(quaternion: Array, vector: Array) -> Array:
    """A vector (3,) of the body's frame, in the world's frame."""
    w, axis = quaternion[0], quaternion[1:]
    cross = 2 * jnp.cross(axis, vector)
    return vector + w * cross + jnp.cross(axis, cross)


def rotated_back(quaternion: Array, vector: Array) -> Array:
    """A vector (3,) of the world's frame, in the body's frame."""
    return rotated(quaternion * jnp.array([1.0, -1.0, -1.0, -1.0]), vector)


def heading_of(quaternion: Array) -> Array:
    """The horizontal direction (2,) of the body's x axis, of length 1; arbitrary where that axis is vertical."""
    forward = rotated(quaternion, jnp.array([1.0, 0.0, 0.0]))[:2]
    return (forward + jnp.array([1e-6, 0.0])) / jnp.sqrt(jnp.square(forward).sum() + 1e-12)


def turned_back(heading: Array, vector: Array) -> Array:
    """A horizontal vector (2,) of the world's frame, as (forward, left) of a heading (2,)."""
    forward = heading[0] * vector[0] + heading[1] * vector[1]
    left = heading[0] * vector[1] - heading[1] * vector[0]
    return jnp.stack([forward, left])
