"""Signed distance to a triangle mesh, open or closed, sampled on a lattice.

The sign comes from the generalised winding number, which closes an open mesh where its rim
suggests; the distance is exact near the surface. Where the sign changes away from any
triangle (across a closed hole) the distance is that to the change of sign.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from insonate.anatomy import distance_kernels
from insonate.anatomy.distance_kernels import signed_kernel, unsigned_kernel
from insonate.anatomy.fields import Field, Grid, blur, fill_cavities

__all__ = ["distance_field", "mesh_field", "openness"]

#: Voxels a side of the blocks whose centre decides the sign where no surface is near.
BLOCK = 4
#: Distances are exact up to this many voxels from the surface.
BAND = 2.0


class _Surface:
    """A mesh that answers distance queries on all processor cores."""

    def __init__(self, vertices: NDArray[np.float32], faces: NDArray[np.int32]):
        flat = np.ascontiguousarray(faces, np.int32).ravel()
        self.points = wp.array(
            np.ascontiguousarray(vertices, np.float32), dtype=wp.vec3, device="cpu"
        )
        self.indices = wp.array(flat, dtype=wp.int32, device="cpu")
        self.mesh = wp.Mesh(points=self.points, indices=self.indices, support_winding_number=True)

    def query(self, kernel: Any, points: NDArray[np.float32], reach: float) -> NDArray[np.float32]:
        """Run `kernel` at points `(points, 3)` [mm]; distances up to `reach` [mm]."""
        if len(points) == 0:
            return np.zeros(0, np.float32)
        wp.load_module(distance_kernels, device="cpu")
        slices = np.array_split(np.ascontiguousarray(points, np.float32), os.cpu_count() or 1)

        def run(part: NDArray[np.float32]) -> NDArray[np.float32]:
            out = wp.zeros(len(part), dtype=float, device="cpu")
            at = wp.array(part, dtype=wp.vec3, device="cpu")
            inputs = [self.mesh.id, at, float(reach)]
            wp.launch(kernel, dim=len(part), inputs=inputs, outputs=[out], device="cpu")
            return np.asarray(out.numpy(), np.float32)

        with ThreadPoolExecutor(len(slices)) as pool:
            parts = list(pool.map(run, [s for s in slices if len(s)]))
        return np.concatenate(parts).astype(np.float32)


def openness(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> float:
    """Share of a surface that is missing: 0 when closed, 0.5 for half a sphere, 1 for a sheet.

    The vector areas of a closed surface cancel.
    """
    corners = vertices[faces].astype(np.float64)
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.linalg.norm(area, axis=1).sum()
    return float(np.linalg.norm(area.sum(axis=0)) / max(total, 1e-30))


def mesh_field(
    vertices: NDArray[np.float32],
    faces: NDArray[np.int32],
    grid: Grid,
    margin: float = 0.0,
    fill: bool = False,
) -> Field | None:
    """Field of the body inside a mesh, on the part of `grid` around it.

    Args:
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`; either orientation.
        grid: of the scene.
        margin: room to keep around the mesh for offsets outwards [mm].
        fill: enclosed cavities belong to the body.

    Returns:
        None when the mesh lies outside the grid.
    """
    room = margin + BAND * grid.spacing
    box = grid.around(vertices.min(axis=0), vertices.max(axis=0), room)
    if any(s.stop - s.start < 2 for s in box):
        return None
    local = grid.crop(box)
    values = _banded(_Surface(vertices, faces), local, room)
    if fill:
        filled = fill_cavities(values < 0)
        values = np.where(filled & (values >= 0), np.float32(-room), values)
    return Field(local, _mend_caps(values, local.spacing), box)


def distance_field(
    vertices: NDArray[np.float32],
    faces: NDArray[np.int32],
    grid: Grid,
    inside: NDArray[np.bool_],
    reach: float,
) -> NDArray[np.float32]:
    """Signed distance to a surface whose inside is known, exact up to `reach`.

    Args:
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`.
        grid: to sample on.
        inside: `(z, y, x)`.
        reach: distances are cut there [mm].

    Returns:
        `(z, y, x)` [mm], negative inside.
    """
    return _banded(_Surface(vertices, faces), grid, reach, inside)


def _banded(
    surface: _Surface, grid: Grid, room: float, inside: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Signed distance, exact up to `room` [mm] and cut there.

    Args:
        surface: closed or open.
        grid: to sample on.
        room: [mm].
        inside: `(z, y, x)`, if the sign is known already.
    """
    values = _signs(surface, grid) if inside is None else np.where(inside, -1.0, 1.0)
    values = (room * values).astype(np.float32)
    blocks = grid.coarse(BLOCK)
    radius = 0.5 * BLOCK * float(np.linalg.norm(grid.steps))
    centre = surface.query(unsigned_kernel, blocks.points(), room + radius)
    busy = _spread((centre < room + radius).reshape(blocks.shape), BLOCK, grid.shape)
    near = surface.query(unsigned_kernel, grid.points()[busy.ravel()], room)
    values[busy] = np.sign(values[busy]) * near
    return values


def _signs(surface: _Surface, grid: Grid, block: int = BLOCK) -> NDArray[np.int8]:
    """-1 inside and 1 outside, `(z, y, x)`.

    Block centres decide for their voxels, except where a surface or a change of sign is near:
    there smaller blocks do, down to single voxels.
    """
    sign = np.ones(grid.shape, np.int8)
    todo = np.ones(grid.shape, bool)
    while block >= 1:
        blocks = grid.coarse(block)
        wanted = _any_in_blocks(todo, block)
        points = blocks.points()[wanted.ravel()]
        centre = np.full(blocks.shape, np.inf, np.float32)
        centre[wanted] = surface.query(signed_kernel, points, 1e5)
        if block == 1:
            sign[todo] = np.where(centre[todo] < 0, -1, 1)
            return sign
        coarse = np.where(wanted, np.where(centre < 0, -1, 1), 0).astype(np.int8)
        radius = 0.5 * block * float(np.linalg.norm(grid.steps))
        unsure = wanted & ((np.abs(centre) < radius) | _mixed(coarse))
        known = _spread(coarse, block, grid.shape)
        sign[todo] = known[todo]
        todo &= _spread(unsure, block, grid.shape)
        block //= 2
    return sign


def _spread(blocks: NDArray, factor: int, shape: tuple[int, int, int]) -> NDArray:
    """A value per block as a value per voxel."""
    for axis in range(3):
        blocks = np.repeat(blocks, factor, axis=axis)
    return blocks[: shape[0], : shape[1], : shape[2]]


def _any_in_blocks(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """Blocks with any voxel of the mask."""
    pad = [(0, -n % factor) for n in mask.shape]
    z, y, x = (n // factor for n in np.add(mask.shape, [p[1] for p in pad]))
    blocks = np.pad(mask, pad).reshape(z, factor, y, factor, x, factor)
    return np.asarray(blocks.any(axis=(1, 3, 5)), bool)


def _mixed(sign: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Blocks that have a neighbour, also a diagonal one, of the other sign (0 is unknown)."""
    low, high = np.pad(sign, 1, mode="edge"), np.pad(sign, 1, mode="edge")
    for axis in range(3):
        n = low.shape[axis]
        for array, pick in ((low, np.minimum), (high, np.maximum)):
            middle = np.take(array, range(1, n - 1), axis=axis)
            lower = np.take(array, range(n - 2), axis=axis)
            upper = np.take(array, range(2, n), axis=axis)
            reduced = pick(pick(middle, lower), upper)
            if array is low:
                low = reduced
            else:
                high = reduced
    return low * high < 0


def _mend_caps(values: NDArray[np.float32], spacing: float) -> NDArray[np.float32]:
    """Replace distances where the sign jumps although no triangle is near (a closed hole)."""
    jump = np.zeros(values.shape, bool)
    for axis in range(3):
        ahead = np.take(values, range(1, values.shape[axis]), axis=axis)
        here = np.take(values, range(values.shape[axis] - 1), axis=axis)
        found = ((here < 0) != (ahead < 0)) & (np.abs(here) + np.abs(ahead) > 2.0 * spacing)
        pad = [(0, 0)] * 3
        pad[axis] = (0, 1)
        jump |= np.pad(found, pad)
        pad[axis] = (1, 0)
        jump |= np.pad(found, pad)
    if not jump.any():
        return values
    sigma = 1.5
    near = blur(jump.astype(np.float32), 1.0) > 0.01
    soft = (0.5 - blur((values < 0).astype(np.float32), sigma)) * sigma * spacing * 2.5066
    keep_sign = np.where(values < 0, np.minimum(soft, -1e-3), np.maximum(soft, 1e-3))
    return np.where(near, keep_sign, values).astype(np.float32)
