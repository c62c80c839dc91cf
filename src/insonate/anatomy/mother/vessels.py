"""Aorta, inferior vena cava and the iliac vessels."""

from __future__ import annotations

import numpy as np

from insonate.anatomy.implicit import Group, Part, Shape, union
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import carve, cones, mirrored

__all__ = ["VESSEL_TISSUES", "vessel_groups", "vessels_free"]

VESSEL_TISSUES = {
    "maternal_artery_wall": "umbilical_vessel_wall",
    "maternal_vein_wall": "umbilical_vessel_wall",
    "maternal_artery": "blood",
    "maternal_vein": "blood",
}

#: Wall of arteries and veins [mm] (E).
_ARTERY_WALL, _VEIN_WALL = 1.1, 0.8
#: Aorta 15-17 mm, common iliac 8, external iliac 6.5 (S less 1 for women); cava 18-22,
#: external iliac vein 10-12 (M): diameters of the lumen [mm].
_AORTA, _COMMON, _EXTERNAL = 15.0, 8.5, 6.8
_CAVA, _COMMON_VEIN, _EXTERNAL_VEIN = 18.0, 12.0, 10.0
#: Left artery from the aorta's end: x, depth before the spine's front at z if z > 100, z [mm].
_ARTERY_WAY = (
    (15, 72, 125),
    (30, 73, 105),
    (40, 74, 88),
    (50, 60, 68),
    (58, 38, 45),
    (62, 17, 28),
    (64, 8, 20),
)
_VEIN_WAY = (
    (12, 83, 100),
    (30, 86, 88),
    (41, 86, 76),
    (47, 70, 56),
    (52, 46, 36),
    (54, 22, 22),
    (55, 12, 16),
)


def _before(plan: MotherPlan, x: float, height: float, by: float) -> np.ndarray:
    return np.array([x, plan.spine_front(height) - by, height])


def _arteries(plan: MotherPlan, by: float) -> Shape:
    """Lumina of the arteries grown `by` mm."""
    trunk = [_before(plan, 6.0, z, 10.0) for z in (330.0, 250.0, 195.0, 165.0, 146.0)]
    aorta = cones([*trunk, _before(plan, 3.0, 140.0, 9.0)], 0.5 * _AORTA + by)
    radii = np.array([_COMMON] * 4 + [_EXTERNAL] * 3) * 0.5 + by
    fork = _before(plan, 3.0, 140.0, 9.0)
    branches: list[Shape] = []
    for side in (1.0, -1.0):
        way = np.vstack([fork, mirrored(_ARTERY_WAY, side)])
        branches += cones(way, np.append(radii[:1], radii))
    return union(*aorta, *branches, blend=2.0)


def _veins(plan: MotherPlan, by: float) -> Shape:
    """Lumina of the veins grown `by` mm."""
    fork = _before(plan, -14.0, 120.0, 11.0)
    trunk = [_before(plan, -19.0, z, 8.0) for z in (330.0, 250.0, 195.0, 165.0, 140.0)]
    cava = cones([*trunk, fork], 0.5 * _CAVA + by)
    radii = np.array([_COMMON_VEIN] * 3 + [_EXTERNAL_VEIN] * 4) * 0.5 + by
    branches: list[Shape] = []
    for side in (1.0, -1.0):
        way = mirrored(_VEIN_WAY, side)
        way[0] = (5.0, 77.0, 104.0) if side > 0 else fork
        start = [fork] if side > 0 else []
        points = np.vstack([*start, way])
        branches += cones(points, np.append(radii[: len(start)], radii))
    return union(*cava, *branches, blend=2.0)


def vessels_free(plan: MotherPlan) -> tuple[Shape, Shape]:
    """Outer surfaces of the arteries and of the veins, as if nothing pressed on them."""
    return _arteries(plan, _ARTERY_WALL), _veins(plan, _VEIN_WALL)


def vessel_groups(plan: MotherPlan, *others: Shape | None) -> tuple[Group, ...]:
    """Walls and blood of the vessels; the veins yield to the arteries.

    Args:
        plan: of the mother.
        others: what the vessels make room for.
    """
    arteries, veins = vessels_free(plan)
    groups: list[Group] = []
    for name, outer, wall in (
        ("maternal_artery", carve(arteries, *others, blend=2.0), _ARTERY_WALL),
        ("maternal_vein", carve(veins, arteries, *others, blend=2.0), _VEIN_WALL),
    ):
        region = f"{name}_wall"
        groups += [
            Group(region, "peritoneal_fat", (Part(region, outer),), 2.6),
            Group(name, region, (Part(name, outer.offset(-wall)),), 2.6),
        ]
    return tuple(groups)
