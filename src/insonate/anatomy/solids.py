"""Closed analytic surfaces as triangles: box, sphere, cylinder, trough.

Vertices are doubled along creases, so that every vertex has one normal and the normals of
curved surfaces are exact, however coarse the triangles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Solid", "box", "cylinder", "sphere", "trough"]


@dataclass(frozen=True)
class Solid:
    """A closed triangulated surface, its faces wound so that normals point outwards.

    Attributes:
        vertices: `(vertices, 3)` [mm].
        faces: vertex indices, `(faces, 3)`.
        normals: exact outward unit normals, `(vertices, 3)`.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]


def _solid(vertices: NDArray, faces: NDArray, normals: NDArray) -> Solid:
    """A solid from arrays of any float, winding turned to agree with the normals."""
    corners = vertices[faces]
    winding = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("fc,fc->f", winding, normals[faces].sum(axis=1)) < 0
    turned = np.where(inward[:, None], faces[:, ::-1], faces)
    return Solid(vertices.astype(np.float32), turned.astype(np.int32), normals.astype(np.float32))


def box(low: ArrayLike, high: ArrayLike) -> Solid:
    """A box between two corners, `(3,)` each [mm]: 12 triangles."""
    ends = np.stack([np.asarray(low, np.float64), np.asarray(high, np.float64)])
    vertices, normals = [], []
    for axis in range(3):
        for side in (0, 1):
            corners = np.empty((4, 3))
            corners[:, axis] = ends[side, axis]
            corners[:, axis - 2] = ends[[0, 1, 1, 0], axis - 2]
            corners[:, axis - 1] = ends[[0, 0, 1, 1], axis - 1]
            vertices.append(corners)
            normals.append(np.tile((2.0 * side - 1.0) * np.eye(3)[axis], (4, 1)))
    quads = 4 * np.arange(6)[:, None, None] + [[0, 1, 2], [0, 2, 3]]
    return _solid(np.concatenate(vertices), quads.reshape(-1, 3), np.concatenate(normals))


def sphere(centre: ArrayLike, radius: float, subdivisions: int = 4) -> Solid:
    """An icosphere; at 4 subdivisions 5120 triangles, at most 0.1 % of the radius too flat.

    Args:
        centre: `(3,)` [mm].
        radius: [mm].
        subdivisions: every one splits each triangle of an icosahedron into four.
    """
    points, faces = _icosahedron()
    for _ in range(subdivisions):
        points, faces = _split(points, faces)
    return _solid(np.asarray(centre, np.float64) + radius * points, faces, points)


def _icosahedron() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    flat = np.array([[a, b * golden, 0.0] for a in (-1, 1) for b in (-1, 1)])
    points = np.concatenate([np.roll(flat, shift, axis=1) for shift in range(3)])
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    near = apart < 2.1  # the edge is 2
    faces = [
        (i, j, k)
        for i in range(12)
        for j in range(i + 1, 12)
        for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    return points / np.linalg.norm(points[0]), np.array(faces)


def _split(
    points: NDArray[np.float64], faces: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Halve every edge and push the new vertices onto the unit sphere."""
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, where = np.unique(edges, axis=0, return_inverse=True)
    middle = points[unique].sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    m = len(points) + where.reshape(-1, 3)
    a, b, c = faces.T
    ab, bc, ca = m.T
    quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    split = np.concatenate([np.stack(quarter, axis=1) for quarter in quarters])
    return np.concatenate([points, middle]), split


def cylinder(
    centre: ArrayLike, radius: float, length: float, axis: int = 2, segments: int = 128
) -> Solid:
    """A cylinder with flat caps.

    Args:
        centre: `(3,)` [mm].
        radius: [mm].
        length: along the axis [mm].
        axis: world axis that it lies along: 0, 1 or 2.
        segments: around; 128 make the wall at most 0.03 % of the radius too flat.
    """
    angle = 2.0 * np.pi * np.arange(segments) / segments
    ring = np.zeros((segments, 3))
    ring[:, axis - 2], ring[:, axis - 1] = np.cos(angle), np.sin(angle)
    along = np.eye(3)[axis]
    ends = [ring * radius + side * length / 2.0 * along for side in (-1.0, 1.0)]
    hubs = [side * length / 2.0 * along[None] for side in (-1.0, 1.0)]
    vertices = np.concatenate([*ends, *ends, *hubs])
    caps = [np.tile(side * along, (segments, 1)) for side in (-1.0, 1.0)]
    normals = np.concatenate([ring, ring, *caps, -along[None], along[None]])
    i = np.arange(segments)
    j, n = (i + 1) % segments, segments
    hub = np.full(n, 4 * n)
    triangles = [(i, j, n + j), (i, n + j, n + i), (2 * n + i, 2 * n + j, hub)]
    triangles += [(3 * n + i, 3 * n + j, hub + 1)]
    faces = np.concatenate([np.stack(triangle, axis=1) for triangle in triangles])
    return _solid(np.asarray(centre, np.float64) + vertices, faces, normals)


def trough(
    centre: ArrayLike, radius: float, top: float, length: float, segments: int = 256
) -> Solid:
    """The part below (y > `top`) of a cylinder along world z, such as a wall under a probe.

    Args:
        centre: of the cylinder, `(3,)` [mm].
        radius: [mm].
        top: y of the flat top, less than `radius` from the centre [mm].
        length: along z [mm].
        segments: of the arc.
    """
    x, y, z = np.asarray(centre, np.float64)
    reach = np.arccos((top - y) / radius)
    angle = np.linspace(-reach, reach, segments + 1)
    radial = np.stack([np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=1)
    half = np.array([0.0, 0.0, length / 2.0])
    ends = [radius * radial - half, radius * radial + half]
    lid = np.concatenate(ends)[[0, segments, segments + 1, 2 * segments + 1]]
    axis = np.eye(3)
    normals = [radial, radial, *(np.tile(s * axis[2], (segments + 1, 1)) for s in (-1.0, 1.0))]
    vertices = np.concatenate([*ends, *ends, lid]) + np.array([x, y, z])
    i, n = np.arange(segments), segments + 1
    hub = np.full(segments - 1, 2 * n)
    triangles = [(i, i + 1, n + i + 1), (i, n + i + 1, n + i)]
    triangles += [
        (hub, hub + i[1:], hub + i[1:] + 1),
        (hub + n, hub + n + i[1:], hub + n + i[1:] + 1),
    ]
    faces = np.concatenate([np.stack(t, axis=1) for t in triangles])
    lid_faces = 4 * n + np.array([[0, 1, 3], [0, 3, 2]])
    normals = np.concatenate([*normals, np.tile(-axis[1], (4, 1))])
    return _solid(vertices, np.concatenate([faces, lid_faces]), normals)
