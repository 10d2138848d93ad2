"""Rotations between the frames of a floating body.

A quaternion (4,) is (w, x, y, z) as in MuJoCo, of length one: the rotation from the body's frame to the world's.
"""

import jax.numpy as jnp
from jax import Array


def rotated(quaternion: Array, vector: Array) -> Array:
    """Rotate a vector (3,) from the body's frame to the world's frame."""
    w, axis = quaternion[0], quaternion[1:]
    cross = 2 * jnp.cross(axis, vector)
    return vector + w * cross + jnp.cross(axis, cross)


def rotated_back(quaternion: Array, vector: Array) -> Array:
    """Rotate a vector (3,) from the world's frame to the body's frame."""
    return rotated(quaternion * jnp.array([1.0, -1.0, -1.0, -1.0]), vector)


def heading_of(quaternion: Array) -> Array:
    """Return the horizontal unit vector (2,) along the body's x axis; arbitrary if that axis is vertical."""
    forward = rotated(quaternion, jnp.array([1.0, 0.0, 0.0]))[:2]
    return (forward + jnp.array([1e-6, 0.0])) / jnp.sqrt(jnp.square(forward).sum() + 1e-12)


def turned_back(heading: Array, vector: Array) -> Array:
    """Turn a horizontal vector (2,) from the world's frame to the frame (forward, left) of a heading (2,)."""
    forward = heading[0] * vector[0] + heading[1] * vector[1]
    left = heading[0] * vector[1] - heading[1] * vector[0]
    return jnp.stack([forward, left])
