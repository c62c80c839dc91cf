"""Signed distance fields on lattices: what bodies, shapes and label volumes become.

A field is negative inside. Only its neighbourhood of zero has to be a distance, in mm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Field", "Grid", "SurfaceField", "blur", "fill_cavities"]

#: Gives signed distances `(points,)` [mm] at points `(points, 3)` [mm].
SurfaceField = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Grid:
    """A lattice of voxel centres in the world.

    Attributes:
        origin: centre of voxel (0, 0, 0), `(3,)` [mm].
        axes: columns are the steps along the indices x, y, z, `(3, 3)` [mm].
        shape: voxels along `(z, y, x)`.
    """

    origin: NDArray[np.float64]
    axes: NDArray[np.float64]
    shape: tuple[int, int, int]

    @classmethod
    def box(cls, low: ArrayLike, high: ArrayLike, spacing: float) -> Grid:
        """Isotropic lattice over the box from `low` to `high`, `(3,)` each [mm]."""
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        count = np.maximum(np.ceil((high - low) / spacing).astype(int) + 1, 2)
        return cls(low, np.eye(3) * spacing, (int(count[2]), int(count[1]), int(count[0])))

    @property
    def steps(self) -> NDArray[np.float64]:
        """Spacing along x, y, z `(3,)` [mm]."""
        return np.linalg.norm(self.axes, axis=0)

    @property
    def spacing(self) -> float:
        """Largest spacing [mm]."""
        return float(self.steps.max())

    def points(self) -> NDArray[np.float32]:
        """World position of every voxel, `(z * y * x, 3)` [mm]."""
        out = np.empty((*self.shape, 3), np.float32)
        x, y, z = (np.arange(n, dtype=np.float64) for n in self.shape[::-1])
        for k in range(3):
            row = self.origin[k] + self.axes[k, 0] * x
            plane = (row + self.axes[k, 1] * y[:, None]).astype(np.float32)
            out[..., k] = plane + (self.axes[k, 2] * z).astype(np.float32)[:, None, None]
        return out.reshape(-1, 3)

    def to_world(self, index: NDArray[np.floating]) -> NDArray[np.float64]:
        """World position `(..., 3)` [mm] of (x, y, z) indices `(..., 3)`."""
        return index @ self.axes.T + self.origin

    def to_index(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(x, y, z) indices `(..., 3)` of world positions `(..., 3)` [mm]."""
        return (np.asarray(points, np.float64) - self.origin) @ np.linalg.inv(self.axes).T

    def around(self, low: ArrayLike, high: ArrayLike, margin: float) -> tuple[slice, slice, slice]:
        """Slices `(z, y, x)` of the voxels within `margin` mm of a world box; may be empty."""
        low, high = np.asarray(low) - margin, np.asarray(high) + margin
        corners = np.stack(np.meshgrid(*np.stack([low, high], axis=1), indexing="ij"), axis=-1)
        index = self.to_index(corners.reshape(-1, 3))
        count = np.array(self.shape[::-1])
        first = np.clip(np.floor(index.min(axis=0)).astype(int), 0, count)
        last = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, first, count)
        x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        return z, y, x

    def crop(self, box: tuple[slice, slice, slice]) -> Grid:
        """The part of this lattice inside `box`."""
        start = np.array([box[2].start, box[1].start, box[0].start], np.float64)
        shape = tuple(s.stop - s.start for s in box)
        return Grid(self.to_world(start), self.axes, shape)  # type: ignore[arg-type]

    def coarse(self, factor: int) -> Grid:
        """Centres of blocks of `factor` voxels a side, covering this lattice."""
        shape = tuple(-(-n // factor) for n in self.shape)
        start = np.full(3, (factor - 1) / 2.0)
        return Grid(self.to_world(start), self.axes * factor, shape)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Field:
    """A sampled field.

    Attributes:
        grid: where it is sampled.
        values: `(z, y, x)` [mm], negative inside; beyond the grid its border values hold on.
        box: slices of a larger grid that `grid` is a crop of, if any.
    """

    grid: Grid
    values: NDArray[np.float32]
    box: tuple[slice, slice, slice] | None = None

    def sample(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Trilinear interpolation at `points` `(points, 3)` [mm]."""
        count = np.array(self.grid.shape[::-1])
        index = np.clip(self.grid.to_index(points), 0.0, count - 1.0)
        low = np.minimum(index.astype(np.int64), np.maximum(count - 2, 0))
        w: NDArray[np.float32] = (index - low).astype(np.float32)
        _, ny, nx = self.grid.shape
        flat = self.values.ravel()
        base = low[:, 0] + nx * (low[:, 1] + ny * low[:, 2])
        up = [min(1, n - 1) * s for n, s in zip(count, (1, nx, nx * ny), strict=True)]

        def row(start: NDArray[np.int64]) -> NDArray[np.float32]:
            here, ahead = flat[start], flat[start + up[0]]
            return (here + (ahead - here) * w[:, 0]).astype(np.float32)

        near = row(base) * (1 - w[:, 1]) + row(base + up[1]) * w[:, 1]
        far = row(base + up[2]) * (1 - w[:, 1]) + row(base + up[2] + up[1]) * w[:, 1]
        return (near * (1 - w[:, 2]) + far * w[:, 2]).astype(np.float32)

    def gradient(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Slope at `points` `(points, 3)`, by central differences over one voxel."""
        step = 0.5 * self.grid.spacing
        points = np.asarray(points, np.float32)
        slope = np.empty(points.shape, np.float32)
        for axis in range(3):
            shift = np.zeros(3, np.float32)
            shift[axis] = step
            slope[:, axis] = (self.sample(points + shift) - self.sample(points - shift)) / (
                2 * step
            )
        return slope


def blur(values: NDArray[np.float32], sigma: ArrayLike) -> NDArray[np.float32]:
    """Gaussian smoothing; the border is repeated.

    Args:
        values: `(z, y, x)`.
        sigma: along x, y, z `(3,)`, or one number [voxels].
    """
    sigmas = np.broadcast_to(np.asarray(sigma, np.float64), 3)[::-1]
    out = np.asarray(values, np.float32)
    for axis, s in enumerate(sigmas):
        if s > 0.05 and out.shape[axis] > 1:
            out = _blur_axis(out, float(s), axis)
    return out


def _blur_axis(values: NDArray[np.float32], sigma: float, axis: int) -> NDArray[np.float32]:
    reach = max(1, int(np.ceil(3.0 * sigma)))
    offsets = np.arange(-reach, reach + 1)
    taps = np.exp(-0.5 * (offsets / sigma) ** 2)
    taps /= taps.sum()
    pad = [(0, 0)] * 3
    pad[axis] = (reach, reach)
    padded = np.pad(values, pad, mode="edge")
    out = np.zeros_like(values)
    size = values.shape[axis]
    for k, tap in enumerate(taps.astype(np.float32)):
        window = [slice(None)] * 3
        window[axis] = slice(k, k + size)
        out += tap * padded[tuple(window)]
    return out


def fill_cavities(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask with every hole that cannot be reached from the border filled.

    The outside is grown from the border by sweeps along the axes, so it takes as many
    rounds as the way around corners is long.
    """
    free = ~np.pad(mask, 1)
    outside = np.zeros_like(free)
    outside[0] = outside[-1] = True
    outside[:, 0] = outside[:, -1] = True
    outside[:, :, 0] = outside[:, :, -1] = True
    count = 0
    while (now := int(outside.sum())) != count:
        count = now
        for axis in range(3):
            for direction in (1, -1):
                _sweep(outside, free, axis, direction)
    return ~outside[1:-1, 1:-1, 1:-1]


def _sweep(outside: NDArray[np.bool_], free: NDArray[np.bool_], axis: int, direction: int) -> None:
    """Carry `outside` along one axis through free voxels, in place."""
    reached, open_ = np.moveaxis(outside, axis, 0), np.moveaxis(free, axis, 0)
    order = range(1, len(reached)) if direction > 0 else range(len(reached) - 2, -1, -1)
    for i in order:
        reached[i] |= reached[i - direction] & open_[i]
