"""Where the ovaries find room beside the uterus."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.gynaecology.ovary import Ovary, placed
from insonate.anatomy.gynaecology.plan import GynaecologyPlan
from insonate.anatomy.implicit import Shape
from insonate.anatomy.implicit.program import distance, gradient
from insonate.errors import InputError
from insonate.geometry import rotation_about

__all__ = ["place_ovary"]

Vector = NDArray[np.float64]

#: Centre of the left ovary: the ovarian fossa [mm] (E); individual variation on each axis.
_FOSSA, _SPREAD = np.array([35.0, 68.0, 26.0]), np.array([2.0, 4.0, 5.0])
#: Large ovaries rise out of the pelvis: way for every mm that the radius exceeds the usual (E).
_RISE, _USUAL = np.array([-0.2, -0.35, 0.9]), 12.0
#: How far its axes may be turned [rad] (E).
_TURN = math.radians(25.0)
#: What is kept between an ovary and its neighbours [mm].
_CLEAR = 1.2
#: Rounds of pushing, and points on the surface that are looked at.
_ROUNDS, _POINTS = 30, 160
#: Where it is tried: lean forwards [degrees], and how much higher [mm]. A cyst lies behind its
#: ovary, in the pouch of Douglas, or if it is too large, in front and above (E).
_STARTS = tuple((0.0, float(rise)) for rise in range(0, 121, 12))
_CYST_STARTS = ((-80.0, 0.0), (-60.0, 6.0), *((35.0, rise) for _, rise in _STARTS))


def place_ovary(ovary: Ovary, plan: GynaecologyPlan, obstacles: Shape, room: Shape) -> Ovary:
    """The ovary in the fossa on its side, or as near to it as its neighbours allow.

    Args:
        ovary: around the origin.
        plan: whose it is.
        obstacles: what it must not touch.
        room: what it must not leave.

    Raises:
        InputError: it is too large for the pelvis.
    """
    side, draws = ovary.side, plan.draws
    mirror = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
    own = np.array([draws[f"{axis}_{side}"] for axis in "xyz"])
    large = max(0.0, float(np.prod(ovary.semi_axes)) ** (1.0 / 3.0) - _USUAL)
    for lean, rise in _STARTS if ovary.cyst is None else _CYST_STARTS:
        axes = rotation_about((1.0, 0.0, 0.0), math.radians(lean)) @ _turned(own * _TURN)
        surface = placed(ovary, np.zeros(3), axes).points(_sphere(_POINTS))
        start = (_FOSSA + own * _SPREAD + (large + rise) * _RISE) * mirror
        centre = _settled(start, surface, obstacles, room)
        if centre is not None:
            return placed(ovary, centre, axes)
    size = np.ptp(ovary.points(_sphere(_POINTS)), axis=0).max()
    raise InputError(
        f"follicles_{side}: the ovary, {size:.0f} mm large, finds no room beside the uterus; "
        "expected fewer or smaller follicles, cysts or fibroids"
    )


def _settled(start: Vector, surface: Vector, obstacles: Shape, room: Shape) -> Vector | None:
    """The nearest centre `(3,)` [mm] from which the surface touches nothing, if one is found."""
    centre = start
    for _ in range(_ROUNDS):
        out, inside = _push(obstacles, centre + surface, 1.0)
        back, beyond = _push(room, centre + surface, -1.0)
        if max(inside, beyond) <= 0.0:
            return centre
        centre = centre + out + back
    return None


def _push(shape: Shape, points: Vector, sign: float) -> tuple[Vector, float]:
    """The way out of a shape (or, if `sign` is -1, into it) and how far it still is [mm]."""
    short = _CLEAR - sign * distance(shape, points)
    at = int(np.argmax(short))
    if short[at] <= 0.0:
        return np.zeros(3), float(short[at])
    way = sign * gradient(shape, points[at : at + 1])[0]
    return (0.6 * short[at] + 0.1) * way, float(short[at])


def _turned(angles: Vector) -> Vector:
    """Axes `(3, 3)`: along is up, across is posterior, thick points to the pelvic wall."""
    turn = np.eye(3)
    for axis, angle in zip(np.eye(3), angles, strict=True):
        turn = turn @ rotation_about(axis, angle)
    return turn @ np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def _sphere(count: int) -> Vector:
    """Points on the unit sphere `(count, 3)`, evenly spread."""
    z = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    turn = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count)
    flat = np.sqrt(1.0 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
