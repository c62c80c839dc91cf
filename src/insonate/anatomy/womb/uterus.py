"""The wall of the uterus: decidua, myometrium, a contraction, fibroids.

Uterine frame: x left, y posterior, z to the fundus, origin at the internal os [mm].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Group, Part, Shape, ellipsoid, intersect, sphere, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.womb.cavity import DECIDUA, Pear
from insonate.anatomy.womb.norms import by_week

__all__ = ["DIRECTIONS", "RIM", "Contraction", "Fibroid", "fibroids", "serosa", "uterus_group"]

Vector = NDArray[np.float64]

#: The lining lies in this much myometrium, whatever else is near; both together are as thin as
#: this at the tip of a funnel in the cervix [mm].
RIM, _NARROWEST = 0.8, 4.0
#: Capsule of a fibroid, and the myometrium that covers it at least (E) [mm].
_CAPSULE, _COVER = 1.2, 1.4
#: The fundus is thicker than the body by this (E) [mm].
_FUNDUS = 2.5
#: A wall that follows the fetus is thickened by this at most (E).
_THICKEST = 1.8
#: Wall sites, in semi-axes, that a probe sees and that no bone is behind.
DIRECTIONS = np.array(
    [
        (0.6, -0.75, 0.3),
        (-0.6, -0.75, 0.3),
        (0.9, -0.2, 0.5),
        (-0.9, -0.2, 0.5),
        (0.4, -0.3, 0.85),
        (-0.4, -0.3, 0.85),
        (0.0, -0.9, 0.45),
        (0.8, 0.45, 0.4),
        (-0.8, 0.45, 0.4),
        (0.75, -0.6, -0.25),
        (-0.75, -0.6, -0.25),
        (0.0, 0.8, 0.6),
    ]
)


@dataclass(frozen=True)
class Contraction:
    """A focal contraction of the myometrium: it bulges into the cavity.

    Attributes:
        direction: of its middle, in semi-axes of the pear `(3,)`.
        thickness: how far it bulges [mm].
    """

    direction: Vector
    thickness: float

    def shape(self, pear: Pear) -> Shape:
        """It, on the wall of that pear."""
        normal = pear.normal(self.direction)
        axes = np.linalg.svd(normal[None])[2].T[:, [1, 2, 0]]
        wide = 1.1 * self.thickness + 12.0
        return ellipsoid(pear.wall(self.direction), (wide, wide, self.thickness), axes)


@dataclass(frozen=True)
class Fibroid:
    """A fibroid in the wall.

    Attributes:
        centre: `(3,)` [mm].
        diameter: without its capsule [mm].
    """

    centre: Vector
    diameter: float

    @property
    def shape(self) -> Shape:
        """The fibroid without its capsule."""
        return sphere(self.centre, 0.5 * self.diameter)


def fibroids(
    diameters: Sequence[float], pear: Pear, lining: Shape, keep_off: Vector, first: int
) -> tuple[Fibroid, ...]:
    """Fibroids in the wall, as near to the cavity as they can be without bending it.

    Args:
        diameters: of those to place, the largest first [mm].
        pear: the cavity.
        lining: surface of the decidua.
        keep_off: a point that they avoid, the middle of the placenta `(3,)` [mm].
        first: which of the remaining sites the first one takes.
    """
    away = [float(np.linalg.norm(pear.wall(way) - keep_off)) for way in DIRECTIONS]
    sites = list(DIRECTIONS[np.argsort(away)[::-1][:8]])
    found: list[Fibroid] = []
    for diameter in diameters:
        for turn in range(len(sites)):
            way = sites[(first + turn) % len(sites)]
            fibroid = Fibroid(_outside(pear, way, lining, diameter), diameter)
            if all(_apart(fibroid, other) for other in found):
                found.append(fibroid)
                break
    return tuple(found)


def _outside(pear: Pear, way: Vector, lining: Shape, diameter: float) -> Vector:
    """The first point along the normal where a fibroid clears the lining, `(3,)` [mm]."""
    need = 0.5 * diameter + _CAPSULE + RIM + 0.4
    reach = np.arange(0.0, 3.0 * need + 60.0, 0.5)
    points = pear.wall(way) + reach[:, None] * pear.normal(way)
    near = np.flatnonzero(distance(lining, points) < need)
    return points[min(near[-1] + 1 if len(near) else 0, len(points) - 1)]


def _apart(one: Fibroid, other: Fibroid) -> bool:
    gap = float(np.linalg.norm(one.centre - other.centre))
    return gap > 0.5 * (one.diameter + other.diameter) + 2.0 * (_CAPSULE + _COVER)


def serosa(
    weeks: float,
    pear: Pear,
    lining: Shape,
    cervix: Shape,
    lumps: Sequence[Fibroid],
    clings: bool,
) -> Shape:
    """Outer surface of the uterus.

    Args:
        weeks: gestational age [weeks].
        pear: the cavity.
        lining: surface of the decidua.
        cervix: the whole of it.
        lumps: fibroids that it covers.
        clings: whether the lining lies far inside the pear, so that the wall has to follow it.
    """
    body, low = by_week("myometrium", weeks), by_week("lower_segment", weeks)
    top = body + _FUNDUS
    centre = pear.centre + np.array([0.0, 0.0, 0.5 * (top - low)])
    radii = pear.radii + DECIDUA + np.array([body, body, 0.5 * (top + low)])
    wall = ellipsoid(centre, radii)
    if clings:
        wall = intersect(wall, lining.offset(_THICKEST * body), blend=10.0)
    wall = union(wall, lining.offset(low), blend=20.0)
    covers = [fibroid.shape.offset(_CAPSULE + _COVER) for fibroid in lumps]
    return union(union(wall, cervix, blend=10.0), *covers, blend=8.0)


def uterus_group(
    outer: Shape, cervix: Shape, lining: Shape, contraction: Shape | None, lumps: Sequence[Fibroid]
) -> tuple[Group, ...]:
    """Myometrium, cervix and contraction; fibroids in their capsules."""
    parts = [Part("myometrium", outer), Part("cervix", cervix)]
    if contraction is not None:
        parts.append(Part("myometrial_contraction", contraction & outer.offset(-2.0)))
    parts.append(Part("myometrium", lining.offset(RIM), _NARROWEST))
    parts += [Part("myometrium", lump.shape.offset(_CAPSULE + 0.5 * _COVER)) for lump in lumps]
    groups = [Group("uterus", "peritoneal_fat", tuple(parts), 2.0)]
    if lumps:
        capsules = [Part("fibroid_capsule", lump.shape.offset(_CAPSULE)) for lump in lumps]
        groups.append(Group("fibroid_capsules", "myometrium", tuple(capsules), 1.5))
        inner = [Part("fibroid", lump.shape.rippled(0.4, 12.0)) for lump in lumps]
        groups.append(Group("fibroids", "fibroid_capsule", tuple(inner), 1.5))
    return tuple(groups)
