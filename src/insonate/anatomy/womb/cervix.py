"""The cervix: its canal, its mucosa, and the funnel that fluid opens in a short one.

Uterine frame: x left, y posterior, z to the fundus, origin at the internal os [mm].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import (
    Group,
    Part,
    Shape,
    capsule,
    ellipsoid,
    half_space,
    intersect,
    subtract,
    sweep,
    union,
)

__all__ = ["Cervix"]

Vector = NDArray[np.float64]

#: Mucosa and canal: half-width and half-depth (E: 3-5 mm of mucosa a side, lumen 1-2) [mm].
_MUCOSA, _CANAL = (7.0, 4.4), (4.0, 0.9)
#: The canal ends this far inside the cervix; it takes up where the wall of the cavity ends [mm].
_END, _BELOW_CAVITY = 1.0, 3.4
#: What the mucosa keeps from the wall above [mm].
_BELOW = 0.5
#: Radius of the funnel's tip, and its opening over its length, 5 to 20 mm (M) [mm].
_TIP, _OPENING = 1.2, 0.8


@dataclass(frozen=True)
class Cervix:
    """A cervix.

    Attributes:
        axis: from the external to the internal os `(3,)`.
        length: from os to os [mm].
        closed: of the part without fluid [mm].
        radius: of the whole [mm].
        cyst: diameter of a Nabothian cyst, 0 for none [mm].
    """

    axis: Vector
    length: float
    closed: float
    radius: float
    cyst: float = 0.0

    @property
    def external_os(self) -> Vector:
        """Lower end, `(3,)` [mm]."""
        return -self.length * self.axis

    @property
    def closed_end(self) -> Vector:
        """Upper end of the closed part, where the fluid begins, `(3,)` [mm]."""
        return (self.closed - self.length) * self.axis

    @property
    def funnel_width(self) -> float:
        """How far the internal os is open [mm]."""
        deep = self.length - self.closed
        return float(np.clip(_OPENING * deep, 5.0, 20.0)) if deep > 2.0 * _TIP else 0.0

    @property
    def funnel(self) -> Shape | None:
        """What the cavity takes of the cervix; None if that is closed."""
        if self.funnel_width == 0.0:
            return None
        half = 0.5 * self.funnel_width
        return capsule(half * self.axis, self.closed_end + _TIP * self.axis, half, _TIP)

    @property
    def shape(self) -> Shape:
        """The whole, up to the internal os: a barrel with a rounded portio."""
        low, high = self.external_os, 8.0 * self.axis
        barrel = union(
            capsule(low + self.radius * self.axis, high, self.radius),
            ellipsoid(0.45 * low, _barrel(self.radius, self.length), _axes(self.axis)),
            blend=4.0,
        )
        return intersect(barrel, half_space(1.0 * self.axis, self.axis), blend=3.0)

    def groups(self, cavity: Shape) -> tuple[Group, ...]:
        """Mucosa and canal, inside the cervix.

        Args:
            cavity: what lies above, such as a placenta that bulges over the os; both end there.
        """
        mucosa = subtract(self._spindle(_MUCOSA, 0.0, 2.0), cavity.offset(_BELOW), blend=1.0)
        canal = subtract(self._spindle(_CANAL, 0.5, 1.0), cavity.offset(_BELOW + 0.5), blend=0.5)
        parts = [Part("cervical_mucosa", mucosa), Part("cervical_canal", canal, 2.0 * _CANAL[1])]
        if self.cyst > 0.0:
            side = _axes(self.axis) @ np.array([0.0, 0.62 * self.radius, 0.0])
            at = self.external_os + 0.35 * self.closed * self.axis - side
            parts.append(Part("nabothian_cyst", ellipsoid(at, np.full(3, 0.5 * self.cyst))))
        return (Group("cervical_canal", "cervix", tuple(parts), 0.6),)

    def _spindle(self, half: tuple[float, float], shorter: float, cap: float) -> Shape:
        """A flat tube along the canal, widest in the middle; `shorter` and `cap` in mm."""
        start = _END + shorter + cap
        end = self.closed - _BELOW_CAVITY - shorter - cap
        share = np.linspace(0.0, 1.0, 7)
        bow = 0.8 * np.sin(math.pi * share)  # a canal is never quite straight
        axes = _axes(self.axis)
        along = start + max(end - start, 1.0) * share
        centres = self.external_os + along[:, None] * self.axis + bow[:, None] * axes[:, 1]
        swell = 0.75 + 0.25 * np.sin(math.pi * share)
        return sweep(centres, np.tile(axes, (7, 1, 1)), swell[:, None] * np.array(half), (cap, cap))


def _barrel(radius: float, length: float) -> Vector:
    return np.array([radius + 1.5, radius + 0.5, 0.42 * length])


def _axes(axis: Vector) -> Vector:
    """Columns left, posterior and along the `axis`, `(3, 3)`."""
    left = np.array([1.0, 0.0, 0.0])
    return np.stack([left, np.cross(axis, left), axis], axis=1)
