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
    quads: NDArray[np.int32]
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
        labels: `(z, y, x)`, at most 65535; 0 is the background, higher ones are painted over
            lower ones.
        grid: of the labels.
    """
    from insonate.anatomy.implicit.net import crossings  # numba: a second of import

    index, _, quads, pairs = crossings(np.pad(labels, 1).astype(np.uint16))
    if np.linalg.det(grid.axes) < 0:
        quads = quads[:, ::-1]
    vertices = grid.to_world(index - 1.0)
    return Net(vertices, quads, pairs[:, 0], pairs[:, 1], np.floor(index) - 0.5)


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
    quads: NDArray[np.integer], junction: NDArray[np.bool_]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Directed edges of the quads; a junction listens to junctions only."""
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    ends = np.concatenate([ends, ends[:, ::-1]])
    keep = ~junction[ends[:, 0]] | junction[ends[:, 1]]
    return ends[keep, 0], ends[keep, 1]


def _relaxed(
    vertices: NDArray[np.float64], neighbours: tuple[NDArray[np.integer], NDArray[np.integer]]
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
