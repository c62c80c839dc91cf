"""Skin that yields to a probe: a dent in the shape of its face.

Without it a curved face either floats in gel at its ends or sinks into the body at its middle.
Along every scanline depth is stretched so that the skin comes to lie on the face; the push
fades out with depth, and beside the face. What cannot be brought onto the face lies in air.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import load_tissues
from insonate.anatomy.rays import RayMesh
from insonate.geometry import check_pose
from insonate.probe import Probe
from insonate.scene import Region, Scene

__all__ = ["MOST", "in_air", "press"]

#: How far a dent reaches down [mm]; a push of more than a third of it would fold the tissue.
REACH = 75.0
MOST = REACH / 3.0
#: How far the push goes beside the face undiminished, and over what it fades then [mm].
BESIDE, FADE = 3.0, 30.0
#: How far the skin comes to lie above the face [mm], so that nothing is left between.
SUNK = 0.15
_LINES, _ROWS = 41, 17


def in_air(scene: Scene) -> Scene:
    """The scene with air around it, which couples nothing: no echoes, no speckle."""
    air = dataclasses.replace(load_tissues()["air_bowel_gas"], echogenicity=-90.0, occupancy=0.0)
    regions = (Region(scene.regions[0].name, air), *scene.regions[1:])
    return dataclasses.replace(scene, regions=regions)


def press(scene: Scene, probe: Probe, pose: NDArray[np.float64], coupled: bool = False) -> Scene:
    """The scene with its skin pressed onto a probe's face, and air around.

    Args:
        scene: anatomy.
        probe: its face gives the shape.
        pose: probe to world, `(4, 4)` [mm].
        coupled: what surrounds the scene stays as it is, such as a bath of gel.
    """
    pose = check_pose(pose)
    scene = scene if coupled else in_air(scene)
    gap = _gap(scene, probe, pose)
    local = (scene.vertices - pose[:3, 3]) @ pose[:3, :3]
    near = np.flatnonzero(_weight(probe, local) > 0)
    moved = local.copy()
    moved[near] = _moved(probe, gap, local[near])
    vertices = (moved @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
    normals = scene.normals
    if normals is not None and len(near):
        normals = _turned(scene, normals, lambda p: _moved(probe, gap, p), near, pose, local)
    return dataclasses.replace(scene, vertices=vertices, normals=normals)


def _polar(
    probe: Probe, points: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position along the face [mm] and depth under it [mm] of points `(points, 3)`."""
    x, z = points[:, 0].astype(np.float64), points[:, 2].astype(np.float64)
    if probe.kind != "convex":
        return x, z
    radius = probe.arc_radius
    return radius * np.arctan2(x, z + radius), np.hypot(x, z + radius) - radius


def _cartesian(
    probe: Probe, along: NDArray[np.float64], depth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The inverse of `_polar`: x and z [mm]."""
    if probe.kind != "convex":
        return along, depth
    radius = probe.arc_radius
    return (depth + radius) * np.sin(along / radius), (depth + radius) * np.cos(
        along / radius
    ) - radius


def _half(probe: Probe) -> tuple[float, float]:
    """Half the length of the face, and half its height, with what is pushed beside it [mm]."""
    length = probe.radius * probe.field_of_view if probe.kind == "convex" else probe.width
    return 0.5 * length + BESIDE, 0.5 * probe.elevation_height + BESIDE


def _weight(probe: Probe, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """1 under the face, falling smoothly to 0 beside it, `(points,)`."""
    along, depth = _polar(probe, points)
    half, height = _half(probe)
    beside = np.maximum(np.abs(along) - half, 0.0)
    across = np.maximum(np.abs(points[:, 1].astype(np.float64)) - height, 0.0)
    t = np.clip(1.0 - np.hypot(beside, across) / FADE, 0.0, 1.0)
    inside = (depth > -2.0 * MOST) & (depth < REACH)
    return np.where(inside, t * t * (3.0 - 2.0 * t), 0.0)


def _gap(scene: Scene, probe: Probe, pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth of the skin under the face on a table of positions, `(lines, rows)` [mm].

    Negative where the face would be inside the body. Where no skin is met nothing is pushed.
    """
    half, height = _half(probe)
    along = np.linspace(-half - FADE, half + FADE, _LINES)
    row = np.linspace(-height - FADE, height + FADE, _ROWS)
    a, y = (v.ravel() for v in np.meshgrid(along, row, indexing="ij"))
    ends = []
    for depth in (-2.0 * MOST, 0.0):
        x, z = _cartesian(probe, a, np.full(a.shape, depth))
        ends.append(np.stack([x, y, z], axis=1) @ pose[:3, :3].T + pose[:3, 3])
    way = ends[1] - ends[0]
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    distance = _first_hit(scene, ends[0], way) - 2.0 * MOST
    distance = np.where(np.isfinite(distance), distance + SUNK, 0.0)
    table = np.clip(distance, -MOST, MOST).reshape(_LINES, _ROWS)
    return np.maximum(_smooth(table), table)  # smoothed, yet nowhere short of the face


def _smooth(table: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis in (0, 1):
        padded = np.concatenate([table.take([0], axis), table, table.take([-1], axis)], axis=axis)
        n = padded.shape[axis]
        sides = padded.take(range(n - 2), axis) + padded.take(range(2, n), axis)
        table = 0.5 * table + 0.25 * sides
    return table


def _first_hit(
    scene: Scene, origins: NDArray[np.float64], directions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance to the scene's outer surface, infinite where there is none, `(rays,)` [mm]."""
    faces = scene.faces[(scene.pairs == 0).any(axis=1)]
    return RayMesh(scene.vertices, faces).first_hit(origins, directions, 4.0 * MOST)[0]


def _moved(
    probe: Probe, gap: NDArray[np.float64], points: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Where points `(points, 3)` in the probe frame come to lie [mm]."""
    along, depth = _polar(probe, points)
    skin = _lookup(probe, gap, along, points[:, 1].astype(np.float64))
    below = np.clip((depth - skin) / (REACH - skin), 0.0, 1.0)
    push = skin * (1.0 - below) ** 2 * _weight(probe, points)
    x, z = _cartesian(probe, along, depth - push)
    return np.stack([x, points[:, 1].astype(np.float64), z], axis=1)


def _lookup(
    probe: Probe,
    table: NDArray[np.float64],
    along: NDArray[np.float64],
    row: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Bilinear interpolation of the table of gaps [mm]."""
    half, height = _half(probe)
    u = np.clip((along + half + FADE) / (2 * (half + FADE)), 0, 1) * (_LINES - 1)
    v = np.clip((row + height + FADE) / (2 * (height + FADE)), 0, 1) * (_ROWS - 1)
    i = np.minimum(u.astype(int), _LINES - 2)
    j = np.minimum(v.astype(int), _ROWS - 2)
    a, b = u - i, v - j
    low = table[i, j] * (1 - a) + table[i + 1, j] * a
    high = table[i, j + 1] * (1 - a) + table[i + 1, j + 1] * a
    return low * (1 - b) + high * b


def _turned(
    scene: Scene,
    normals: NDArray[np.float32],
    move: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    near: NDArray[np.int64],
    pose: NDArray[np.float64],
    local: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Normals after the push: they follow the inverse transpose of its Jacobian."""
    touched = np.zeros(len(scene.vertices), bool)
    touched[near] = True
    faces = np.flatnonzero(touched[scene.faces].any(axis=1))
    used, where = np.unique(scene.faces[faces], return_inverse=True)
    at, step = local[used].astype(np.float64), 0.2
    jacobian = np.empty((len(used), 3, 3))
    for axis in range(3):
        shift = np.zeros(3)
        shift[axis] = step
        jacobian[:, :, axis] = (move(at + shift) - move(at - shift)) / (2 * step)
    inverse = np.linalg.inv(jacobian).transpose(0, 2, 1)[where.reshape(-1, 3)]
    own = normals[faces] @ pose[:3, :3]
    own = np.einsum("fcij,fcj->fci", inverse, own) @ pose[:3, :3].T
    own /= np.maximum(np.linalg.norm(own, axis=-1, keepdims=True), 1e-12)
    out = normals.copy()
    out[faces] = own
    return out.astype(np.float32)
