"""Label lattices to triangles: surface nets, then vertices moved onto the exact surfaces.

Every body is a field; bodies are painted in order, so the interface of two labels is always a
piece of the later one's zero surface. Vertices of the net are projected onto it, which removes
the staircase that a smoothing of the net alone would leave as rings in the image.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fields import Field, Grid

__all__ = ["Net", "fit", "surface_net"]

ROUNDS = 3
RELAXATION = 0.5
#: Vertices keep within this distance of the middle of their cell, along each axis [voxels]:
#: a net whose vertices stay in their cells does not fold over itself.
LEASH = 0.5


@dataclass(frozen=True)
class Net:
    """Triangles between labels.

    Attributes:
        vertices: `(vertices, 3)` world [mm].
        quads: `(quads, 4)` vertex indices; the normal points from `back` to `front`.
        front: the lower label of every quad, `(quads,)`.
        back: the higher label, painted over the lower one, `(quads,)`.
        cells: middle of each vertex's lattice cell, (x, y, z) index, `(vertices, 3)`.
    """

    vertices: NDArray[np.float64]
    quads: NDArray[np.int64]
    front: NDArray[np.int32]
    back: NDArray[np.int32]
    cells: NDArray[np.float64]

    def triangles(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Faces `(faces, 3)`, quads cut along their shorter diagonal, and pairs `(faces, 2)`."""
        corners = self.vertices[self.quads]
        first = np.linalg.norm(corners[:, 0] - corners[:, 2], axis=1)
        second = np.linalg.norm(corners[:, 1] - corners[:, 3], axis=1)
        order = np.where((first <= second)[:, None], [[0, 1, 2, 0, 2, 3]], [[0, 1, 3, 1, 2, 3]])
        faces = np.take_along_axis(self.quads, order, axis=1).reshape(-1, 3)
        pairs = np.repeat(np.stack([self.front, self.back], axis=1), 2, axis=0)
        return faces.astype(np.int32), pairs.astype(np.int32)


def surface_net(labels: NDArray[np.integer], grid: Grid) -> Net:
    """The surfaces between all labels of a lattice, closed at its border by label 0.

    Args:
        labels: `(z, y, x)`; 0 is the background, higher ones are painted over lower ones.
        grid: of the labels.
    """
    padded = np.pad(labels, 1)
    parts = [_crossings(padded, axis) for axis in range(3)]
    cells = np.concatenate([part[0] for part in parts])
    middle = np.concatenate([part[1] for part in parts])
    front = np.concatenate([part[2] for part in parts])
    back = np.concatenate([part[3] for part in parts])
    used, quads = np.unique(cells, return_inverse=True)
    quads = quads.reshape(-1, 4)
    index = _mean_at(quads, middle, len(used))  # (z, y, x) in the padded lattice
    if np.linalg.det(grid.axes) < 0:
        quads = quads[:, ::-1]
    vertices = grid.to_world(index[:, ::-1] - 1.0)
    corner = np.stack(np.unravel_index(used, padded.shape), axis=1)
    middle = (
        corner[:, ::-1].astype(np.float64) - 0.5
    )  # of the cell, in the lattice without its padding
    return Net(vertices, quads, front.astype(np.int32), back.astype(np.int32), middle)


def _crossings(
    labels: NDArray[np.integer], axis: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.integer], NDArray[np.integer]]:
    """Lattice edges along `axis` whose ends differ: four cells, middle, low and high label."""
    ahead = np.take(labels, range(1, labels.shape[axis]), axis=axis)
    here = np.take(labels, range(labels.shape[axis] - 1), axis=axis)
    at = np.argwhere(here != ahead)
    a, b = here[tuple(at.T)], ahead[tuple(at.T)]
    # Axes are stored z, y, x: going down the list is a right-handed turn about x, y, z.
    u, v = (axis - 1) % 3, (axis - 2) % 3
    around = []
    for du, dv in ((0, 0), (-1, 0), (-1, -1), (0, -1)):
        cell = at.copy()
        cell[:, u] += du
        cell[:, v] += dv
        around.append(np.ravel_multi_index(tuple(cell.T), labels.shape))
    cells = np.stack(around, axis=1)
    cells = np.where((a < b)[:, None], cells[:, ::-1], cells)  # normal from high to low
    middle = at.astype(np.float64)
    middle[:, axis] += 0.5
    return cells, middle, np.minimum(a, b), np.maximum(a, b)


def _mean_at(
    quads: NDArray[np.int64], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Mean over the quads around each vertex of a value per quad, `(count, 3)`."""
    corner = quads.ravel()
    total = np.bincount(corner, minlength=count)
    spread = np.repeat(values, 4, axis=0)
    sums = [np.bincount(corner, weights=spread[:, i], minlength=count) for i in range(3)]
    return np.stack(sums, axis=1) / np.maximum(total, 1)[:, None]


def fit(net: Net, fields: Sequence[Field | None], grid: Grid) -> tuple[Net, NDArray[np.float32]]:
    """Move the vertices of a net onto the surfaces of its fields.

    Args:
        net: from `surface_net`.
        fields: by label; None (as for label 0) is never the owner of a surface.
        grid: of the net.

    Returns:
        The net, and normals `(faces, 3, 3)` at the corners of its triangles.
    """
    owners, junction = _owners(net)
    vertices = net.vertices
    neighbours = _neighbours(net.quads, junction)
    for round_ in range(ROUNDS):
        vertices = _relaxed(vertices, neighbours)
        for _ in range(2 if round_ == ROUNDS - 1 else 1):
            vertices = _projected(vertices, owners, fields)
        index = grid.to_index(vertices)
        vertices = grid.to_world(np.clip(index, net.cells - LEASH, net.cells + LEASH))
    fitted = dataclasses.replace(net, vertices=vertices)
    return fitted, _normals(fitted, fields)


def _owners(net: Net) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Highest and next owner of a surface at each vertex `(vertices, 2)`; which are junctions."""
    count = len(net.vertices)
    corner, back = net.quads.ravel(), np.repeat(net.back, 4)
    first = np.full(count, -1, np.int32)
    np.maximum.at(first, corner, back)
    second = np.full(count, -1, np.int32)
    lower = back < first[corner]
    np.maximum.at(second, corner[lower], back[lower])
    lows = np.repeat(net.front, 4)
    least, most = np.full(count, 2**30, np.int32), np.full(count, -1, np.int32)
    np.minimum.at(least, corner, lows)
    np.maximum.at(most, corner, lows)
    return np.stack([first, second], axis=1), (second >= 0) | (least != most)


def _neighbours(
    quads: NDArray[np.int64], junction: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Directed edges of the quads; a junction listens to junctions only."""
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    ends = np.concatenate([ends, ends[:, ::-1]])
    keep = ~junction[ends[:, 0]] | junction[ends[:, 1]]
    return ends[keep, 0], ends[keep, 1]


def _relaxed(
    vertices: NDArray[np.float64], neighbours: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.float64]:
    to, source = neighbours
    count = np.bincount(to, minlength=len(vertices))
    sums = [np.bincount(to, weights=vertices[source, i], minlength=len(vertices)) for i in range(3)]
    mean = np.stack(sums, axis=1) / np.maximum(count, 1)[:, None]
    moved = vertices + RELAXATION * (mean - vertices)
    return np.where(count[:, None] > 0, moved, vertices)


def _projected(
    vertices: NDArray[np.float64], owners: NDArray[np.int32], fields: Sequence[Field | None]
) -> NDArray[np.float64]:
    """One Newton step onto the second owner's surface, then one onto the first's."""
    out = vertices.copy()
    for column in (1, 0):
        for label in np.unique(owners[:, column]):
            field = fields[label] if label >= 0 else None
            if field is None:
                continue
            at = np.flatnonzero(owners[:, column] == label)
            value, slope = field.sample(out[at]), field.gradient(out[at])
            steep = np.maximum((slope**2).sum(axis=1), 0.05)
            out[at] -= (value / steep)[:, None] * slope
    return out


def _normals(net: Net, fields: Sequence[Field | None]) -> NDArray[np.float32]:
    """Field slopes at the corners; the facet's own normal where they disagree."""
    faces, pairs = net.triangles()
    corners = net.vertices[faces]
    facet = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facet /= np.maximum(np.linalg.norm(facet, axis=1, keepdims=True), 1e-20)
    normals = np.repeat(facet[:, None, :], 3, axis=1).astype(np.float32)
    for label in np.unique(pairs[:, 1]):
        field = fields[label]
        if field is None:
            continue
        at = np.flatnonzero(pairs[:, 1] == label)
        used, where = np.unique(faces[at], return_inverse=True)
        slope = field.gradient(net.vertices[used])
        length = np.linalg.norm(slope, axis=1, keepdims=True)
        unit = (slope / np.maximum(length, 1e-12))[where.reshape(-1, 3)]
        agrees = np.einsum("fcx,fx->fc", unit, facet[at]) > 0.7
        normals[at] = np.where(agrees[..., None], unit, normals[at])
    return normals
