"""Both ovaries with their follicles, and a cyst in the left one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Group, Part, Shape, ellipsoid, intersect, sphere, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import carve
from insonate.anatomy.mother.wall import base_cavity
from insonate.anatomy.planes import Plane

__all__ = ["OVARY_TISSUES", "Ovary", "place_ovaries"]

OVARY_TISSUES = {
    "ovary_left": "ovary_stroma",
    "ovary_right": "ovary_stroma",
    "follicles_left": "follicle_fluid",
    "follicles_right": "follicle_fluid",
    "ovarian_cyst": "follicle_fluid",
}

#: Semi-axes: along the pelvic wall, towards the uterus, up; 30 x 15 x 20 mm, 4.7 ml (S).
_RADII = np.array([8.0, 15.5, 11.0])
#: Where they lie without a pregnancy: the ovarian fossa [mm] (E).
_FOSSA = np.array([46.0, 66.0, 34.0])
#: Height along the pregnant uterus, in its lengths from the os, and gap to it [mm] (E).
_LEVEL, _BESIDE = 0.45, 5.0
#: Follicles of an ovary: place in semi-axes, diameter [mm]; 2 to 9 mm, some 8 of them (S).
_FOLLICLES = (
    ((0.10, 0.55, 0.20), 6.5),
    ((-0.15, -0.50, 0.30), 5.5),
    ((0.20, 0.00, -0.50), 5.0),
    ((-0.25, 0.10, 0.50), 4.5),
    ((0.15, -0.45, -0.42), 4.0),
    ((0.05, 0.42, -0.50), 3.6),
)
#: Wall of a cyst [mm]: simple ones below 3 (S).
_CYST_WALL = 2.0
#: Ways that a cyst may grow from the left ovary, and what a mm of way counts to one of bulge.
_CYST_WAYS = ((0.0, -0.4, 0.9), (0.3, -0.3, 0.9), (0.5, 0.1, 0.85), (0.6, -0.5, 0.6))
_TRAVEL = 0.15


@dataclass(frozen=True)
class Ovary:
    """An ovary.

    Attributes:
        side: left or right.
        centre: of the ovary without a cyst, `(3,)` [mm].
        free: its surface, and its cyst's, as if nothing pressed on them.
        outer: its surface.
        follicles: what is in it: region, shape.
        cyst: middle of its cyst `(3,)` [mm]; None if it has none.
    """

    side: str
    centre: NDArray[np.float64]
    free: Shape
    outer: Shape
    follicles: tuple[tuple[str, Shape], ...]
    cyst: NDArray[np.float64] | None = None

    def groups(self) -> tuple[Group, ...]:
        """Stroma with follicles."""
        parts = [Part(f"ovary_{self.side}", self.outer)]
        parts += [Part(region, shape) for region, shape in self.follicles]
        return (Group(f"ovary_{self.side}", "peritoneal_fat", tuple(parts), 1.3),)

    def plane(self, reach: float) -> Plane:
        """A section from the front: across the body, or through the cyst and the ovary beside it.

        Args:
            reach: radius of what is to be seen [mm].
        """
        region, back = f"ovary_{self.side}", np.array([0.0, 1.0, 0.0])
        if self.cyst is None:
            return Plane(self.centre, np.array([0.0, 0.0, 1.0]), shows=(region,), reach=reach)
        normal = np.cross(back, self.centre - self.cyst)
        normal /= np.linalg.norm(normal)
        return Plane(self.cyst, normal, shows=("ovarian_cyst", region), reach=reach)


def _beside(uterus: Shape | None, plan: MotherPlan, side: float, clear: float) -> np.ndarray:
    """The point on a line to the side that is `clear` mm from the uterus."""
    if not plan.pregnant or uterus is None:
        fossa = _FOSSA * (side, 1.0, 1.0)
        if uterus is None:
            return fossa
        start, way = fossa, np.array([side, -0.2, 0.35])
    else:
        low, high = uterus.bounds()
        length = 0.9 * (high[2] - low[2])
        start = plan.internal_os + _LEVEL * length * plan.uterine_axis
        way = np.array([side, 0.35, 0.1])
    way = way / np.linalg.norm(way)
    at = start + np.arange(0.0, 300.0, 0.5)[:, None] * way
    free = np.flatnonzero(distance(uterus, at) >= clear)
    return at[free[0]]


def place_ovaries(
    plan: MotherPlan, uterus: Shape | None, *others: Shape | None
) -> tuple[Ovary, Ovary]:
    """The left and the right ovary, beside the uterus.

    Args:
        plan: of the mother.
        uterus: its outer surface.
        others: what they make room for.
    """
    return (
        _ovary(plan, uterus, others, "left", plan.finding("ovarian_cyst")),
        _ovary(plan, uterus, others, "right", 0.0),
    )


def _ovary(
    plan: MotherPlan,
    uterus: Shape | None,
    others: tuple[Shape | None, ...],
    side: str,
    cyst: float,
) -> Ovary:
    sign = 1.0 if side == "left" else -1.0
    lying = _beside(uterus, plan, sign, _RADII[0] + _BESIDE)
    middle = _cyst_centre(uterus, others, lying, 0.5 * cyst) if cyst else lying
    if cyst:  # the ovary lies on its cyst
        way = lying - middle
        lying = middle + way * min(1.0, (0.5 * cyst + 4.0) / float(np.linalg.norm(way)))
    free = ellipsoid(lying, _RADII)
    if cyst:
        free = union(free, sphere(middle, 0.5 * cyst + _CYST_WALL), blend=3.0)
    outer = carve(free, uterus, *others)
    inside = intersect(ellipsoid(lying, _RADII - 1.0), outer.offset(-1.0))
    follicles = _follicles(lying, sign, 3 if plan.pregnant else len(_FOLLICLES))
    parts = [(f"follicles_{side}", follicles & inside)]
    if cyst:
        parts.append(("ovarian_cyst", sphere(middle, 0.5 * cyst)))
    return Ovary(side, lying, free, outer, tuple(parts), middle if cyst else None)


def _follicles(centre: np.ndarray, sign: float, count: int) -> Shape:
    """The largest `count` follicles of an ovary."""
    mirror = _RADII * (sign, 1.0, 1.0)
    balls = [sphere(centre + np.array(at) * mirror, 0.5 * size) for at, size in _FOLLICLES]
    return union(*balls[:count])


def _cyst_centre(
    uterus: Shape | None, others: tuple[Shape | None, ...], lying: np.ndarray, radius: float
) -> np.ndarray:
    """The nearest place above in which a cyst is round and bulges the belly least."""
    there = [other for other in (uterus, *others) if other is not None]
    cavity, best = base_cavity(), (np.inf, lying)
    for way in np.array(_CYST_WAYS):
        at = lying + np.arange(0.0, 300.0, 2.0)[:, None] * way / np.linalg.norm(way)
        room = np.min([distance(other, at) for other in there], axis=0, initial=np.inf)
        free = np.flatnonzero(room >= radius + _CYST_WALL + 1.0)
        if len(free):
            middle = at[free[0]]
            bulge = max(0.0, float(distance(cavity, middle[None])[0]) + radius)
            best = min(best, (bulge + 2.0 * free[0] * _TRAVEL, middle), key=lambda b: b[0])
    return best[1]
