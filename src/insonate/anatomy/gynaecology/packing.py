"""Balls packed into an ellipsoid: how follicles share an ovary."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.implicit import ellipsoid
from insonate.anatomy.implicit.program import distance, gradient

__all__ = ["grow_around", "pack"]

Vector = NDArray[np.float64]

#: Rounds of pushing before a packing is given up.
_ROUNDS = 400
#: How much further apart than asked for balls are pushed, so that they get there soon [mm].
_EXCESS = 0.03
#: Tightest packing that is worth a trial: share that balls and gaps fill of what the largest
#: one leaves.
_TIGHTEST = 0.60
#: How much an ellipsoid that is too small grows in volume, and how much rounder it becomes.
_GROWTH, _ROUNDING = 1.06, 0.06
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


def pack(
    diameters: ArrayLike, semi_axes: ArrayLike, gap: float, wall: float, phase: float = 0.0
) -> Vector | None:
    """Centres of balls that neither touch each other nor the ellipsoid around them.

    They start on a golden spiral, small ones near the surface, and push each other apart.

    Args:
        diameters: `(balls,)` [mm].
        semi_axes: of the ellipsoid around the origin, `(3,)` [mm].
        gap: between two balls [mm].
        wall: between a ball and the surface [mm].
        phase: turns one packing into another [rad].

    Returns:
        `(balls, 3)` [mm], or None if no room was found for all.
    """
    radii = 0.5 * np.asarray(diameters, np.float64)
    semi = np.asarray(semi_axes, np.float64)
    if len(radii) and _too_tight(radii, semi, gap, wall):
        return None
    centres = _spiral(radii, semi, phase)
    around = ellipsoid((0.0, 0.0, 0.0), semi)
    for _ in range(_ROUNDS):
        inside = radii + wall + _EXCESS + distance(around, centres)
        push = -np.maximum(inside, 0.0)[:, None] * gradient(around, centres)
        overlap, apart = _overlaps(centres, radii, gap + _EXCESS)
        if max(inside.max(initial=-1.0), overlap.max(initial=-1.0)) < _EXCESS:
            return centres
        share = radii[None, :] ** 2 / (radii[:, None] ** 2 + radii[None, :] ** 2)
        push += ((np.maximum(overlap, 0.0) * share)[..., None] * apart).sum(axis=1)
        centres = centres + push
    return None


def _too_tight(radii: Vector, semi: Vector, gap: float, wall: float) -> bool:
    """Whether the largest ball, or the others beside it, have no chance."""
    cubes = np.sort((radii + 0.5 * gap) ** 3)
    beside = np.prod(semi) - cubes[-1]
    return bool(radii.max() + wall > semi.min() or cubes[:-1].sum() > _TIGHTEST * beside)


def _spiral(radii: Vector, semi: Vector, phase: float) -> Vector:
    """Directions of a golden spiral, as far out as a ball of the size can lie."""
    count = np.arange(len(radii))
    z = 1.0 - 2.0 * (count + 0.5) / max(1, len(radii))
    turn = _GOLDEN * count + phase
    flat = np.sqrt(1.0 - z**2)
    ways = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
    return ways * np.maximum(0.1 * semi, semi - radii[:, None])


def _overlaps(centres: Vector, radii: Vector, gap: float) -> tuple[Vector, Vector]:
    """How far pairs overlap `(balls, balls)` and unit vectors from the second to the first."""
    between = centres[:, None] - centres[None]
    length = np.linalg.norm(between, axis=-1)
    overlap = radii[:, None] + radii[None] + gap - length
    np.fill_diagonal(overlap, -1.0)
    return overlap, between / np.maximum(length, 1e-9)[..., None]


def grow_around(
    diameters: ArrayLike,
    semi_axes: ArrayLike,
    gap: float,
    wall: float,
    largest: float,
    phase: float = 0.0,
) -> tuple[Vector, Vector] | None:
    """The smallest of a series of growing ellipsoids into which all balls fit.

    Args:
        diameters: `(balls,)` [mm].
        semi_axes: of the smallest ellipsoid, `(3,)` [mm].
        gap: between two balls [mm].
        wall: between a ball and the surface [mm].
        largest: semi-axis that the ellipsoid may reach [mm].
        phase: turns one packing into another [rad].

    Returns:
        Semi-axes `(3,)` and centres `(balls, 3)` [mm]; None if it would grow too large.
    """
    semi = np.asarray(semi_axes, np.float64)
    while semi.max() <= largest:
        centres = pack(diameters, semi, gap, wall, phase)
        if centres is not None:
            return semi, centres
        mean = np.prod(semi) ** (1.0 / 3.0)
        semi = _GROWTH ** (1.0 / 3.0) * mean * (semi / mean) ** (1.0 - _ROUNDING)
    return None
