"""The beating heart: how its walls move over one cycle.

The ventricles shorten and narrow while the valves' plane descends towards the apex and the
atria fill; then the other way round. The motion is a smooth field on points, full on the
chambers' walls and gone a short way outside, so that a mesh can follow it without folding.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.fetus.heart import (
    LEFT_ATRIUM,
    LEFT_VENTRICLE,
    RIGHT_ATRIUM,
    RIGHT_VENTRICLE,
)
from insonate.anatomy.fetus.heart_frame import heart_frame
from insonate.anatomy.fetus.plan import Plan

__all__ = ["atrial_filling", "heart_displacement", "ventricular_contraction"]

Vector = NDArray[np.float64]

#: Share of their width that the ventricles lose in systole, and that the atria gain (E).
_NARROWING, _FILLING = 0.30, 0.12
#: How far the valves' plane descends, in units of the heart's frame (E).
_DESCENT = 0.075
#: How far apex and base turn against each other at most [rad] (E).
_TWIST = math.radians(8.0)
#: Beyond the cavities the motion fades over this length: 6 mm at 22 weeks, in units.
_FADE = 6.0 / 23.6
#: The walls move towards and from the lines at this r: the septa move less than the free walls.
_STILL_R = 0.10
#: How strictly a wall between two chambers follows the nearer one.
_SHARPNESS = 2
#: Contraction of the ventricles at these phases: systole, early filling, rest, atrial kick (M).
_VENTRICLES = ((0.0, 0.0), (0.36, 1.0), (0.60, 0.35), (0.82, 0.25), (1.0, 0.0))
#: Filling of the atria at these phases, relative to the end of diastole.
_ATRIA = ((0.0, 0.0), (0.40, 1.0), (0.62, 0.55), (0.82, 0.60), (1.0, 0.0))
#: Apex, valves' plane and back wall of the atria along a, in units.
_APEX_A, _VALVES_A, _BACK_A = 0.66, 0.045, -0.31


def ventricular_contraction(phase: ArrayLike) -> Vector:
    """Share, 0 to 1, of their contraction at `phase` of the cycle (any unit: 1 is a cycle)."""
    return _eased(phase, _VENTRICLES)


def atrial_filling(phase: ArrayLike) -> Vector:
    """Share, 0 to 1, of the atria's filling at `phase` of the cycle (any unit: 1 is a cycle)."""
    return _eased(phase, _ATRIA)


def heart_displacement(plan: Plan, points: ArrayLike, phase: float) -> Vector:
    """Displacement `(points, 3)` of points at `phase` of the cycle, relative to end-diastole.

    Args:
        plan: of the fetus.
        points: at rest in the fetal frame, `(points, 3)` [mm].
        phase: of the heart's cycle; 0 is the end of diastole, and so is 1.
    """
    at = np.asarray(points, np.float64).reshape(-1, 3)
    moved = np.zeros_like(at)
    frame = heart_frame(plan)
    near = np.flatnonzero(np.abs(at - frame.point(0.15, 0.0, 0.0)).max(axis=1) < frame.unit)
    place = frame.local(at[near])
    shift = _displacement(place, phase % 1.0)
    moved[near] = shift @ frame.matrix[:3, :3].T * frame.unit
    return moved


def _displacement(place: Vector, phase: float) -> Vector:
    """The same in the heart's own coordinates (a, r, z)."""
    contraction = float(ventricular_contraction(phase))
    narrow = _NARROWING * contraction
    widen = _FILLING * float(atrial_filling(phase))
    chambers = (
        (LEFT_VENTRICLE, -_STILL_R, -narrow),
        (RIGHT_VENTRICLE, _STILL_R, -narrow),
        (LEFT_ATRIUM, -_STILL_R, widen),
        (RIGHT_ATRIUM, _STILL_R, widen),
    )
    shift, weight, beyond = np.zeros_like(place), np.zeros(len(place)), np.ones(len(place))
    for (centre, radii), still, change in chambers:
        near, level = _nearness(place, centre, radii)
        share = near**_SHARPNESS
        away = place[:, 1:] - np.array([still, centre[2]])
        shift[:, 1:] += (share * change / np.maximum(level, 1.0))[:, None] * away
        weight += share
        beyond *= 1.0 - near
    within = 1.0 - beyond
    shift *= (within / np.maximum(weight, 1e-12))[:, None]
    shift[:, 0] += within * _DESCENT * contraction * _descent(place[:, 0])
    return shift + within[:, None] * _twist(place, contraction)


def _nearness(place: Vector, centre: ArrayLike, radii: ArrayLike) -> tuple[Vector, Vector]:
    """1 inside an ellipsoid, 0 from `_FADE` outside of it on; and 1 at its surface, 0 inside."""
    radii = np.asarray(radii)
    scaled = (place - np.asarray(centre)) / radii
    level = np.linalg.norm(scaled, axis=1)
    # first-order distance: (level - 1) over the length of its slope
    slope = np.linalg.norm(scaled / radii, axis=1) / np.maximum(level, 1e-9)
    outside = np.maximum(level - 1.0, 0.0) / np.maximum(slope, 1e-9)
    return 1.0 - _smooth(outside / _FADE), level


def _descent(a: Vector) -> Vector:
    """1 at the valves' plane, 0 at the apex and at the back of the atria."""
    towards = np.where(
        a > _VALVES_A, (_APEX_A - a) / (_APEX_A - _VALVES_A), (a - _BACK_A) / (_VALVES_A - _BACK_A)
    )
    return _smooth(towards)


def _twist(place: Vector, contraction: float) -> Vector:
    """Turn about the long axis: the apex one way, the base a little the other."""
    share = _smooth((place[:, 0] - _BACK_A) / (_APEX_A - _BACK_A))
    angle = _TWIST * contraction * (share - 0.3 * (1.0 - share))
    r, z = place[:, 1] + 0.02, place[:, 2]
    cos, sin = np.cos(angle) - 1.0, np.sin(angle)
    return np.stack([np.zeros_like(r), cos * r - sin * z, sin * r + cos * z], axis=1)


def _smooth(x: Vector) -> Vector:
    """0 below 0, 1 above 1, with a continuous second derivative."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (x * (6.0 * x - 15.0) + 10.0)


def _eased(phase: ArrayLike, knots: tuple[tuple[float, float], ...]) -> Vector:
    """Knots joined by smooth steps, repeated for every cycle."""
    at, value = np.array(knots).T
    x = np.mod(np.asarray(phase, np.float64), 1.0)
    i = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 2)
    return value[i] + (value[i + 1] - value[i]) * _smooth((x - at[i]) / (at[i + 1] - at[i]))
