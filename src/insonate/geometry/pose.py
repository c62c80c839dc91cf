"""Rigid poses: 4x4 matrices that take probe coordinates to world coordinates, in mm.

Probe frame: x lateral, y elevation, z depth, right-handed, origin at the middle of the
active face. World: patient LPS (x to the left, y to the back, z to the head).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.errors import InputError

__all__ = ["check_pose", "look_at", "rotation_about"]

RIGID_TOLERANCE = 1e-4


def check_pose(pose: ArrayLike) -> NDArray[np.float64]:
    """Return `pose` as a float64 matrix `(4, 4)`.

    Raises:
        InputError: the matrix is not 4x4, not finite, or not rigid (a rotation without
            scale, shear or mirror, and a translation in mm).
    """
    matrix = np.asarray(pose, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise InputError(f"pose: expected a 4x4 probe-to-world matrix, got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise InputError("pose: expected finite numbers, found NaN or infinity")
    rotation = matrix[:3, :3]
    error = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
    if error > RIGID_TOLERANCE or not np.allclose(matrix[3], [0, 0, 0, 1], atol=RIGID_TOLERANCE):
        raise InputError(f"pose: expected a rigid matrix, but R^T R differs from 1 by {error:.2g}")
    if np.linalg.det(rotation) < 0:
        raise InputError("pose: expected a rotation, but the matrix mirrors (determinant -1)")
    return matrix


def rotation_about(axis: ArrayLike, angle: float) -> NDArray[np.float64]:
    """Rotation matrix `(3, 3)` by `angle` [rad] about `axis` `(3,)` (Rodrigues)."""
    a = np.asarray(axis, dtype=np.float64)
    a = a / np.linalg.norm(a)
    k = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * (k @ k)


def look_at(
    at: ArrayLike, aim: ArrayLike, roll: float = 0.0, lateral: ArrayLike = (1.0, 0.0, 0.0)
) -> NDArray[np.float64]:
    """Pose of a probe whose face is at `at` and whose central scanline points to `aim`.

    Args:
        at: middle of the active face, world, `(3,)` [mm].
        aim: a point on the central scanline, world, `(3,)` [mm].
        roll: turn about the central scanline [rad]; 0 keeps the image's x along `lateral`.
        lateral: world direction of the image's right, `(3,)`; the patient's left by default,
            which makes a probe on the belly show a transverse plane seen from the feet.

    Raises:
        InputError: `at` equals `aim`.
    """
    at, aim = np.asarray(at, dtype=np.float64), np.asarray(aim, dtype=np.float64)
    depth = aim - at
    length = np.linalg.norm(depth)
    if not length > 0:
        raise InputError("pose: 'at' and 'aim' are the same point, no direction to look in")
    z = depth / length
    hint = np.asarray(lateral, dtype=np.float64)
    x = hint - (hint @ z) * z
    if np.linalg.norm(x) < 1e-6:  # looking along the hint: any other axis will do
        hint = np.array([0.0, 0.0, 1.0])
        x = hint - (hint @ z) * z
    x = rotation_about(z, roll) @ (x / np.linalg.norm(x))
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = x, np.cross(z, x), z, at
    return pose
