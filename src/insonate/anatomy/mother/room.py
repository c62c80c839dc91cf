"""The room that organs leave each other: carving, marching, volumes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.implicit import Shape, capsule, subtract
from insonate.anatomy.implicit.program import distance

__all__ = ["GAP", "carve", "cones", "front", "mirrored", "reach", "volume"]

#: What neighbours that are meshed separately keep between them [mm].
GAP = 0.7


def carve(shape: Shape, *others: Shape | None, gap: float = GAP, blend: float = 0.0) -> Shape:
    """The shape where it yields to others.

    Args:
        shape: what is carved.
        others: what it keeps away from; None is nothing.
        gap: how far it keeps away [mm].
        blend: over which the new edges are rounded [mm].
    """
    grown = [other.offset(gap) for other in others if other is not None]
    return subtract(shape, *grown, blend=blend) if grown else shape


def cones(points: ArrayLike, radii: ArrayLike) -> list[Shape]:
    """The pieces of a bent tube, for a union with others that the kernels can skip piecewise.

    Args:
        points: `(points, 3)` [mm].
        radii: one number, or `(points,)` [mm].
    """
    at = np.asarray(points, np.float64)
    r = np.broadcast_to(np.asarray(radii, np.float64), len(at))
    return [capsule(at[i], at[i + 1], r[i], r[i + 1]) for i in range(len(at) - 1)]


def mirrored(points: ArrayLike, side: float) -> NDArray[np.float64]:
    """Points `(..., 3)` [mm] of the left side, or of the right one if `side` is -1."""
    return np.asarray(points, np.float64) * np.array([side, 1.0, 1.0])


def front(shape: Shape, heights: ArrayLike) -> NDArray[np.float64]:
    """Where the shape begins on the midline: y [mm] at every height z `(heights,)` [mm].

    Infinite where it is not met.
    """
    z, y = np.asarray(heights, np.float64), np.arange(-220.0, 160.0, 1.0)
    points = np.stack(np.broadcast_arrays(0.0, y[None, :], z[:, None]), axis=-1)
    inside = distance(shape, points.reshape(-1, 3)).reshape(len(z), len(y)) < 0.0
    return np.where(inside.any(axis=1), y[np.argmax(inside, axis=1)], np.inf)


def reach(shape: Shape, start: ArrayLike, way: ArrayLike, longest: float = 600.0) -> float:
    """How far from `start` `(3,)` along `way` `(3,)` the shape has its last surface [mm].

    Zero if the line never meets the shape.
    """
    start, way = np.asarray(start, np.float64), np.asarray(way, np.float64)
    low, high = 0.0, longest
    for step in (2.0, 0.05, 0.001):
        at = np.arange(high, low - step, -step)
        inside = np.flatnonzero(distance(shape, start + at[:, None] * way) < 0.0)
        if not len(inside):
            return 0.0
        low, high = at[inside[0]], at[inside[0]] + step
    return float(low)


def volume(shape: Shape, spacing: float) -> float:
    """Volume [ml] by sampling on a grid of `spacing` [mm]; cells on the surface count in part."""
    low, high = shape.bounds()
    axes = [
        np.arange(a - spacing, b + 2.0 * spacing, spacing) for a, b in zip(low, high, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    share = np.clip(0.5 - distance(shape, points) / spacing, 0.0, 1.0)
    return float(share.sum()) * spacing**3 / 1000.0
