"""The cavity of the uterus: a pear whose wall yields to the fetus and to the placenta.

Uterine frame: x left, y posterior, z to the fundus, origin at the internal os [mm].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.implicit import Shape, capsule, ellipsoid, intersect, subtract, union
from insonate.anatomy.womb.norms import by_week
from insonate.anatomy.womb.position import Placement

__all__ = [
    "BEND",
    "CLEARANCE",
    "DECIDUA",
    "NECK_HEIGHT",
    "NECK_RADIUS",
    "Pear",
    "Room",
    "clinging",
    "dented",
    "neck",
    "usual_radii",
    "yielding",
]

Vector = NDArray[np.float64]

#: Decidua, chorion and amnion (E: 1-2) [mm].
DECIDUA = 1.5
#: The wall keeps this distance from the fetus, and bends around it over this [mm].
CLEARANCE, BEND = 1.8, 9.0
#: The body begins this high over the internal os; the way there is a funnel of this radius [mm].
NECK_HEIGHT, NECK_RADIUS = 6.0, 2.5
#: Room at either end of the fetus [mm].
_ENDS = 5.0
#: The smallest pear holds this much of the fetus' half extent across its long axis.
_GIRTH = 0.8


@dataclass(frozen=True)
class Pear:
    """An ellipsoid that tapers to the internal os.

    Attributes:
        centre: of the ellipsoid `(3,)` [mm].
        radii: its semi-axes `(3,)` [mm].
    """

    centre: Vector
    radii: Vector

    @cached_property
    def shape(self) -> Shape:
        """Body and neck."""
        x, y, z = self.centre
        height = NECK_HEIGHT + 0.45 * float(self.radii[2])
        wide = 0.45 * float(self.radii[:2].min())
        lean = height / z
        neck = capsule((0, 0, NECK_RADIUS), (lean * x, lean * y, height), NECK_RADIUS, wide)
        return union(ellipsoid(self.centre, self.radii), neck, blend=12.0)

    @property
    def top(self) -> Vector:
        """The fundus, `(3,)` [mm]."""
        return self.wall((0.0, 0.0, 1.0))

    def wall(self, direction: ArrayLike) -> Vector:
        """Point `(3,)` [mm] of the wall; `direction` `(3,)` is measured in semi-axes."""
        way = np.asarray(direction, np.float64)
        return self.centre + self.radii * way / np.linalg.norm(way)

    def normal(self, direction: ArrayLike) -> Vector:
        """Outward unit normal `(3,)` at `wall(direction)`, `direction` `(3,)` in semi-axes."""
        way = np.asarray(direction, np.float64) / self.radii
        return way / np.linalg.norm(way)


@dataclass(frozen=True)
class Room:
    """Pears of all sizes around one fetus.

    Attributes:
        usual: semi-axes at this age `(3,)` [mm].
        placement: of the fetus.
        crown: how much of the placenta's thickness the fundus has to hold [mm].
        bulge: how far the placenta bulges the wall to the back [mm].
    """

    usual: Vector
    placement: Placement
    crown: float = 0.0
    bulge: float = 0.0

    def pear(self, scale: float) -> Pear:
        """The pear of `scale` times the usual size; it is as long as the fetus at least."""
        half = self.placement.half
        least = _GIRTH * half
        least[self.placement.long_axis] = half[self.placement.long_axis] + _ENDS
        radii = np.maximum(scale * self.usual, least)
        radii[2] += 0.5 * self.crown
        height = max(self.placement.centre[2], NECK_HEIGHT + radii[2])
        # the spine is behind: what is deeper than usual makes the axis lie farther in front
        forward = max(0.0, float(radii[1] - self.usual[1])) + self.bulge
        return Pear(np.array([0.0, -forward, height]), radii)


def usual_radii(weeks: float, long_axis: int) -> Vector:
    """Semi-axes `(3,)` [mm] of a cavity at `weeks`, its longest along `long_axis` (0 or 2)."""
    wall = DECIDUA + by_week("myometrium", weeks)
    outer = [by_week(f"uterus_{side}", weeks) for side in ("width", "depth", "length")]
    radii = 0.5 * np.array(outer) - wall
    return radii if long_axis == 2 else radii[[2, 1, 0]] * [1.0, 1.0, 1.1]


def yielding(wall: Shape, fetus: Shape | None) -> Shape:
    """The sac: `wall`, pushed outwards where the `fetus` would come too near."""
    return wall if fetus is None else union(wall, fetus.offset(CLEARANCE), blend=BEND)


def clinging(wall: Shape, sheath: Shape, gap: float) -> Shape:
    """The `wall` where there is little fluid: no farther than `gap` [mm] from the `sheath`."""
    return intersect(wall, sheath.offset(gap), blend=12.0)


def neck(end: ArrayLike) -> Shape:
    """The way from `end` `(3,)` [mm] to the internal os; it stays open whatever bulges."""
    return capsule((0, 0, NECK_RADIUS), end, NECK_RADIUS, 4.0)


def dented(wall: Shape, dents: Sequence[tuple[Shape, float]]) -> Shape:
    """The wall with what bulges into it: pairs of a shape and the blend of its edge [mm]."""
    for dent, blend in dents:
        wall = subtract(wall, dent, blend=blend)
    return wall
