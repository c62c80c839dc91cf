"""The surface net of a label lattice: a vertex in every cell whose corners differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import net_kernels
from insonate.anatomy.implicit.threads import in_threads

__all__ = ["crossings"]


def crossings(
    labels: NDArray[np.uint16],
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """The net between all labels.

    Args:
        labels: `(z, y, x)`, the same on the whole border.

    Returns:
        Vertices `(vertices, 3)` as x, y, z [voxels]; the labels that meet at each, highest first,
        then -1 `(vertices, 4)`; corners of the quads `(quads, 4)`, whose normals point from the
        high to the low label; low and high label of the quads `(quads, 2)`.
    """
    vertices, owners, cells = _vertices(labels)
    quads, pairs = _quads(labels, cells)
    return vertices, owners, quads, pairs


def _vertices(
    labels: NDArray[np.uint16],
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Vertices [voxels], their labels, and the number of the vertex in every cell."""
    nz, ny, nx = (n - 1 for n in labels.shape)
    cells, counts = np.empty((nz, ny, nx), np.int32), np.zeros(nz, np.int64)
    in_threads(lambda a, b: net_kernels.count_cells(labels, cells, counts, a, b), nz, least=1)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    vertices = np.empty((offsets[-1], 3))
    owners = np.empty((offsets[-1], net_kernels.OWNERS), np.int32)
    in_threads(
        lambda a, b: net_kernels.fill_cells(labels, cells, offsets, vertices, owners, a, b),
        nz,
        least=1,
    )
    return vertices, owners, cells


def _quads(
    labels: NDArray[np.uint16], cells: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Corners of the quads, and the low and high label at their sides."""
    none, nobody = np.empty((0, 4), np.int32), np.empty((0, 2), np.int32)
    quads, pairs = [], []
    for axis in range(3):
        count = net_kernels.cross_edges(labels, cells, axis, none, nobody)
        quads.append(np.empty((count, 4), np.int32))
        pairs.append(np.empty((count, 2), np.int32))
        net_kernels.cross_edges(labels, cells, axis, quads[-1], pairs[-1])
    return np.concatenate(quads), np.concatenate(pairs)
