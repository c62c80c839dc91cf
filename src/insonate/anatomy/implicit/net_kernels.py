"""Surface nets of a label lattice, and the projection of their vertices onto exact surfaces."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from insonate.anatomy.implicit.distance_kernels import STACK, evaluate, slope

__all__ = [
    "OWNERS",
    "corner_normals",
    "count_cells",
    "cross_edges",
    "fill_cells",
    "project",
    "relaxed",
]

#: Labels kept for a vertex: the highest of its cell.
OWNERS = 4
#: A vertex that ends further from its surfaces than this follows the highest alone [mm].
LOST = 0.02
#: What it may then go farther, and the steps that it has: rims of parts thinner than the lattice
#: lie far from where they were labelled.
FAR, FAR_STEPS = 2.5, 48
#: A surface passes through a cell if it is this near to its middle, over the leash.
NEAR = 1.2
_DONE = 5e-4


@njit(cache=True, nogil=True)
def count_cells(labels, cells, counts, first, last):
    """Number the cells of slabs `first` to `last` whose eight labels differ, slab by slab.

    Args:
        labels: `(z, y, x)`.
        cells: number within its slab of every busy cell, else -1 `(z - 1, y - 1, x - 1)`; filled.
        counts: busy cells a slab `(z - 1,)`; filled.
        first: slab.
        last: slab, not included.
    """
    for k in range(first, last):
        n = 0
        for j in range(cells.shape[1]):
            for i in range(cells.shape[2]):
                a = labels[k, j, i]
                same = (
                    a == labels[k, j, i + 1]
                    and a == labels[k, j + 1, i]
                    and a == labels[k, j + 1, i + 1]
                    and a == labels[k + 1, j, i]
                    and a == labels[k + 1, j, i + 1]
                    and a == labels[k + 1, j + 1, i]
                    and a == labels[k + 1, j + 1, i + 1]
                )
                if same:
                    cells[k, j, i] = -1
                else:
                    cells[k, j, i] = n
                    n += 1
        counts[k] = n


@njit(cache=True)
def _corners(labels, k, j, i, eight):
    for n in range(8):
        eight[n] = labels[k + (n >> 2), j + (n >> 1 & 1), i + (n & 1)]


@njit(cache=True)
def _middle(eight, out):
    """Mean of the middles of the edges whose labels differ, in the cell `(3,)` as x, y, z."""
    out[:] = 0.0
    count = 0
    for n in range(8):
        for axis in range(3):
            bit = 1 << axis
            if n & bit or eight[n] == eight[n | bit]:
                continue
            count += 1
            for other in range(3):
                out[other] += 0.5 if other == axis else float(n >> other & 1)
    out /= count


@njit(cache=True)
def _highest(eight, out):
    """The different labels, highest first; the rest -1."""
    limit = 2**30
    for m in range(len(out)):
        best = -1
        for n in range(8):
            if best < eight[n] < limit:
                best = eight[n]
        out[m] = best
        limit = best


@njit(cache=True, nogil=True)
def fill_cells(labels, cells, offsets, vertices, owners, first, last):
    """Vertices [voxels, x y z] and labels of busy cells in slabs `first` to `last`.

    Args:
        labels: `(z, y, x)`.
        cells: from `count_cells`; made numbers of vertices.
        offsets: number of the first vertex of every slab.
        vertices: `(vertices, 3)`; filled.
        owners: `(vertices, OWNERS)`; filled.
        first: slab.
        last: slab, not included.
    """
    eight = np.empty(8, np.int64)
    for k in range(first, last):
        for j in range(cells.shape[1]):
            for i in range(cells.shape[2]):
                if cells[k, j, i] < 0:
                    continue
                n = cells[k, j, i] + offsets[k]
                cells[k, j, i] = n
                _corners(labels, k, j, i, eight)
                _middle(eight, vertices[n])
                vertices[n, 0] += i
                vertices[n, 1] += j
                vertices[n, 2] += k
                _highest(eight, owners[n])


@njit(cache=True, nogil=True)
def cross_edges(labels, cells, axis, quads, pairs):
    """Quads around the lattice edges along `axis` whose ends differ; returns their number.

    Args:
        labels: `(z, y, x)`, the same on the whole border.
        cells: numbers of vertices.
        axis: 0, 1, 2 for x, y, z.
        quads: `(quads, 4)`, normals from the high to the low label; filled if it has room.
        pairs: low and high label `(quads, 2)`; filled if it has room.
    """
    nz, ny, nx = labels.shape
    dx, dy, dz = int(axis == 0), int(axis == 1), int(axis == 2)
    count = 0
    for k in range(nz - dz):
        for j in range(ny - dy):
            for i in range(nx - dx):
                a, b = labels[k, j, i], labels[k + dz, j + dy, i + dx]
                if a == b:
                    continue
                if count < len(quads):
                    for n in range(4):
                        # (-1, -1), (0, -1), (0, 0), (-1, 0): right-handed about the axis
                        m = n if a > b else 3 - n
                        u, v = -int(m == 0 or m == 3), -int(m < 2)
                        if axis == 0:
                            quads[count, n] = cells[k + v, j + u, i]
                        elif axis == 1:
                            quads[count, n] = cells[k + u, j, i + v]
                        else:
                            quads[count, n] = cells[k, j + v, i + u]
                    pairs[count, 0] = min(a, b)
                    pairs[count, 1] = max(a, b)
                count += 1
    return count


@njit(cache=True)
def _step(residual, slopes, count, out):
    """Least motion that brings `count` residuals to zero (:eq:`projection`)."""
    matrix = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            for k in range(3):
                matrix[i, j] += slopes[i, k] * slopes[j, k]
        matrix[i, i] += 1e-2 if count > 1 else 1e-6
    weights = _solved(matrix, residual, count)
    for k in range(3):
        out[k] = 0.0
        for i in range(count):
            out[k] -= slopes[i, k] * weights[i]


@njit(cache=True)
def _solved(matrix, right, count):
    """Solution of a small positive definite system, by elimination."""
    x = right[:count].copy()
    for i in range(count):
        for j in range(i + 1, count):
            f = matrix[j, i] / matrix[i, i]
            x[j] -= f * x[i]
            for k in range(i, count):
                matrix[j, k] -= f * matrix[i, k]
    for i in range(count - 1, -1, -1):
        for j in range(i + 1, count):
            x[i] -= matrix[i, j] * x[j]
        x[i] /= matrix[i, i]
    return x


@njit(cache=True)
def _settle(program, owners, count, steps, at, leash, low, stack, residual, slopes, move):
    """Newton steps of one vertex onto `count` surfaces; returns its largest residual.

    A single step is not checked: it is one of several rounds.
    """
    code, value, primitives, tables, start = program
    worst = 0.0
    for step in range(steps + 1):
        worst = 0.0
        for n in range(count):
            residual[n] = evaluate(
                code, value, primitives, tables, start, owners[n] - 1,
                at[0], at[1], at[2], stack,
            )  # fmt: skip
            worst = max(worst, abs(residual[n]))
        if worst < _DONE or step == steps:
            break
        for n in range(count):
            slope(
                code, value, primitives, tables, start, owners[n] - 1,
                at[0], at[1], at[2], residual[n], stack, slopes[n],
            )  # fmt: skip
        _step(residual, slopes, count, move)
        for k in range(3):
            at[k] = min(max(at[k] + move[k], low[k] - leash), low[k] + leash)
        if steps == 1:
            return 0.0
    return worst


@njit(cache=True, nogil=True)
def project(
    code, value, primitives, tables, start, owners, cells, leash, steps, vertices, first, last
):
    """Move vertices `first` to `last` onto the surfaces that meet there.

    A vertex between labels a < b lies on the surface of b; where three or four labels meet it
    lies on the surfaces of all but the lowest. Where these have no common point it follows those
    that pass through its cell, or the highest of them.

    Args:
        code: of the program, as `value`, `primitives`, `tables`, `start`.
        value: see `Program`.
        primitives: see `Program`.
        tables: see `Program`.
        start: see `Program`.
        owners: labels, highest first `(vertices, OWNERS)`.
        cells: where every vertex started `(vertices, 3)` [mm].
        leash: how far each may go from there along every axis `(vertices,)` [mm].
        steps: of Newton's method.
        vertices: `(vertices, 3)` [mm]; moved.
        first: vertex.
        last: vertex, not included.
    """
    program = (code, value, primitives, tables, start)
    stack, move = np.zeros(STACK), np.empty(3)
    residual, slopes = np.empty(3), np.empty((3, 3))
    near = np.empty(3, owners.dtype)
    for v in range(first, last):
        near[:] = owners[v, :3]
        count = 1
        while count < 3 and owners[v, count + 1] >= 0:
            count += 1
        at, middle, reach = vertices[v], cells[v], leash[v]
        rest = _settle(
            program, near, count, steps, at, reach, middle, stack, residual, slopes, move
        )
        if count > 1 and rest > LOST:
            count = _passing(program, owners[v], count, middle, NEAR * reach, stack, near)
            rest = _settle(
                program, near, count, steps, at, reach, middle, stack, residual, slopes, move
            )
        if count > 1 and rest > LOST:
            rest = _settle(
                program, near, 1, steps, at, reach, middle, stack, residual, slopes, move
            )
        if rest > LOST and steps > 1:  # a single step need not arrive
            _settle(
                program, near, 1, FAR_STEPS, at, FAR * reach, middle,
                stack, residual, slopes, move,
            )  # fmt: skip


@njit(cache=True)
def _passing(program, owners, count, middle, reach, stack, near):
    """Which surfaces pass through a cell: at least the nearest; into `near`, highest first.

    Parts that are grown for labelling claim vertices of surfaces that they do not reach.
    """
    code, value, primitives, tables, start = program
    found, least, nearest = 0, 1e9, owners[0]
    for n in range(count):
        d = abs(
            evaluate(
                code, value, primitives, tables, start, owners[n] - 1,
                middle[0], middle[1], middle[2], stack,
            )
        )  # fmt: skip
        if d < least:
            least, nearest = d, owners[n]
        if d < reach:
            near[found] = owners[n]
            found += 1
    if found == 0:
        near[0] = nearest
        found = 1
    return found


@njit(cache=True, nogil=True)
def corner_normals(code, value, primitives, tables, start, owners, vertices, normals, first, last):
    """Unit slopes of the surfaces at vertices `first` to `last`, `(vertices, 3, 3)`.

    Args:
        code: of the program, as `value`, `primitives`, `tables`, `start`.
        value: see `Program`.
        primitives: see `Program`.
        tables: see `Program`.
        start: see `Program`.
        owners: labels, highest first `(vertices, OWNERS)`.
        vertices: `(vertices, 3)` [mm].
        normals: one for each of the three highest labels; filled.
        first: vertex.
        last: vertex, not included.
    """
    stack, out = np.zeros(STACK), np.empty(3)
    for v in range(first, last):
        for n in range(3):
            if n > 0 and owners[v, n + 1] < 0:
                break
            here = evaluate(
                code, value, primitives, tables, start, owners[v, n] - 1,
                vertices[v, 0], vertices[v, 1], vertices[v, 2], stack,
            )  # fmt: skip
            slope(
                code, value, primitives, tables, start, owners[v, n] - 1,
                vertices[v, 0], vertices[v, 1], vertices[v, 2], here, stack, out,
            )  # fmt: skip
            length = math.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
            for k in range(3):
                normals[v, n, k] = out[k] / max(length, 1e-12)


@njit(cache=True, nogil=True)
def relaxed(vertices, quads, junction, share):
    """Vertices moved by `share` towards the mean of their neighbours, `(vertices, 3)`.

    Args:
        vertices: `(vertices, 3)`.
        quads: `(quads, 4)`, whose sides join neighbours.
        junction: vertices on more than one surface `(vertices,)`; they listen to one another
            only, so that the curve that they lie on stays where it is.
        share: 0 to 1.
    """
    total = np.zeros_like(vertices)
    count = np.zeros(len(vertices))
    for q in range(len(quads)):
        for n in range(4):
            a, b = quads[q, n], quads[q, (n + 1) % 4]
            for to, source in ((a, b), (b, a)):
                if junction[to] and not junction[source]:
                    continue
                count[to] += 1.0
                for k in range(3):
                    total[to, k] += vertices[source, k]
    out = vertices.copy()
    for v in range(len(vertices)):
        if count[v] > 0.0:
            for k in range(3):
                out[v, k] += share * (total[v, k] / count[v] - vertices[v, k])
    return out
