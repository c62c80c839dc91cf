"""Painter's labels on a lattice, block by block: most blocks lie wholly inside one part."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from insonate.anatomy.implicit.distance_kernels import STACK, evaluate

__all__ = ["BLOCK", "label_blocks"]

#: Voxels a side.
BLOCK = 8
#: Bound on the slope of a distance: blends, tapers and sweeps are not quite distances.
STEEP = 1.4


@njit(cache=True)
def _gap(boxes, p: int, x: float, y: float, z: float) -> float:
    """Distance from a point to the box around part `p`."""
    dx = max(boxes[p, 0] - x, max(x - boxes[p, 3], 0.0))
    dy = max(boxes[p, 1] - y, max(y - boxes[p, 4], 0.0))
    dz = max(boxes[p, 2] - z, max(z - boxes[p, 5], 0.0))
    return math.sqrt(dx * dx + dy * dy + dz * dz)


@njit(cache=True)
def _busy(program, boxes, swell, x, y, z, radius, stack, active):
    """Parts whose surface may cut a ball, highest first, and the label if none does."""
    code, value, primitives, tables, start = program
    count = 0
    for p in range(len(boxes) - 1, -1, -1):
        if _gap(boxes, p, x, y, z) > radius + swell[p]:
            continue
        d = evaluate(code, value, primitives, tables, start, p, x, y, z, stack) - swell[p]
        if d > STEEP * radius:
            continue
        if d < -STEEP * radius:
            return count, p + 1
        active[count] = p
        count += 1
    return count, 0


@njit(cache=True, nogil=True)
def label_blocks(
    code, value, primitives, tables, start, boxes, swell, origin, spacing, labels, first, last
):
    """Fill `labels` `(z, y, x)` in blocks `first` to `last`: 1 + the highest part, 0 for none.

    Args:
        code: of the program, as `value`, `primitives`, `tables`, `start`.
        value: see `Program`.
        primitives: see `Program`.
        tables: see `Program`.
        start: see `Program`.
        boxes: around the parts `(parts, 6)` [mm].
        swell: by how much parts are grown for labelling `(parts,)` [mm].
        origin: centre of voxel 0 `(3,)` [mm].
        spacing: of the lattice [mm].
        labels: to fill.
        first: block.
        last: block, not included.
    """
    program = (code, value, primitives, tables, start)
    nz, ny, nx = labels.shape
    by, bx = (ny + BLOCK - 1) // BLOCK, (nx + BLOCK - 1) // BLOCK
    radius = 0.5 * (BLOCK - 1) * spacing * math.sqrt(3.0)
    stack, active = np.zeros(STACK), np.empty(len(boxes), np.int64)
    middle = 0.5 * (BLOCK - 1) * spacing
    for block in range(first, last):
        k, j, i = block // (by * bx) * BLOCK, block // bx % by * BLOCK, block % bx * BLOCK
        x0 = origin[0] + i * spacing
        y0 = origin[1] + j * spacing
        z0 = origin[2] + k * spacing
        count, base = _busy(
            program, boxes, swell, x0 + middle, y0 + middle, z0 + middle, radius, stack, active
        )
        for kk in range(min(BLOCK, nz - k)):
            for jj in range(min(BLOCK, ny - j)):
                for ii in range(min(BLOCK, nx - i)):
                    label = base
                    for n in range(count):
                        p = active[n]
                        d = evaluate(
                            code, value, primitives, tables, start, p,
                            x0 + ii * spacing, y0 + jj * spacing, z0 + kk * spacing, stack,
                        )  # fmt: skip
                        if d < swell[p]:
                            label = p + 1
                            break
                    labels[k + kk, j + jj, i + ii] = label
