"""The great vessels: aorta, pulmonary trunk with the duct, caval and pulmonary veins."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.heart_frame import HeartFrame
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, half_space, intersect, sphere, tube

__all__ = ["VESSELS", "Vessel", "great_vessel_parts", "vessel_lumen", "vessel_point"]

Vector = NDArray[np.float64]
#: A point of a path: "heart" a, r, z; "base" left, anterior, cranial of the crux in the same
#: unit, however the heart is turned; or "trunk" s, u, v.
Place = tuple[str, float, float, float]


@dataclass(frozen=True)
class Vessel:
    """A vessel by its middle line.

    Attributes:
        region: label of its blood.
        path: points that it passes.
        bores: dimension that gives its inner diameter [mm] at its start and end, with a factor.
        valve: share of the path at which it has a valve; None for none.
    """

    region: str
    path: tuple[Place, ...]
    bores: tuple[tuple[str, float], tuple[str, float]]
    valve: float | None = None


#: Courses (E), from the heart outwards.
VESSELS: dict[str, Vessel] = {
    "aorta": Vessel(
        "fetal_aorta",
        (
            ("base", 0.18, 0.00, 0.10),
            ("base", 0.07, 0.01, 0.18),
            ("base", -0.03, 0.02, 0.27),
            ("base", -0.05, 0.01, 0.36),
            ("base", 0.00, -0.08, 0.45),
            ("base", 0.08, -0.21, 0.45),
            ("base", 0.11, -0.33, 0.37),
            ("trunk", 0.350, 0.09, -0.36),
            ("trunk", 0.410, 0.09, -0.36),
            ("trunk", 0.460, 0.09, -0.36),
            ("trunk", 0.520, 0.09, -0.36),
        ),
        (("aortic_valve", 1.0), ("descending_aorta", 1.0)),
        0.10,
    ),
    "pulmonary_trunk": Vessel(
        "fetal_pulmonary_artery",
        (
            ("base", 0.06, 0.22, 0.13),
            ("base", 0.09, 0.215, 0.20),
            ("base", 0.14, 0.21, 0.27),
            ("base", 0.17, 0.16, 0.33),
            ("base", 0.18, 0.07, 0.365),
        ),
        (("pulmonary_valve", 1.0), ("pulmonary_valve", 0.85)),
        0.40,
    ),
    "duct": Vessel(
        "fetal_ductus_arteriosus",
        (
            ("base", 0.18, 0.07, 0.365),
            ("base", 0.20, -0.06, 0.38),
            ("base", 0.18, -0.21, 0.36),
            ("base", 0.12, -0.34, 0.32),
        ),
        (("ductus", 1.2), ("ductus", 1.0)),
    ),
    "right_pulmonary_artery": Vessel(
        "fetal_pulmonary_artery",
        (
            ("base", 0.17, 0.07, 0.36),
            ("base", 0.05, -0.10, 0.32),
            ("base", -0.15, -0.14, 0.30),
            ("base", -0.36, -0.17, 0.26),
        ),
        (("pulmonary_valve", 0.40), ("pulmonary_valve", 0.32)),
    ),
    "superior_caval_vein": Vessel(
        "fetal_superior_vena_cava",
        (
            ("trunk", 0.230, -0.22, 0.00),
            ("base", -0.22, -0.03, 0.45),
            ("base", -0.235, -0.03, 0.30),
            ("base", -0.25, 0.02, 0.12),
        ),
        (("superior_vena_cava", 0.9), ("superior_vena_cava", 1.0)),
    ),
    "inferior_caval_vein": Vessel(
        "fetal_inferior_vena_cava",
        (
            ("base", -0.23, 0.01, -0.10),
            ("base", -0.20, -0.08, -0.25),
            ("trunk", 0.520, -0.17, -0.26),
        ),
        (("descending_aorta", 0.95), ("descending_aorta", 0.85)),
    ),
    "left_pulmonary_vein": Vessel(
        "fetal_pulmonary_veins",
        (
            ("base", 0.10, -0.24, 0.00),
            ("base", 0.20, -0.28, 0.00),
            ("base", 0.31, -0.35, 0.01),
            ("base", 0.43, -0.45, 0.03),
        ),
        (("descending_aorta", 0.55), ("descending_aorta", 0.32)),
    ),
    "right_pulmonary_vein": Vessel(
        "fetal_pulmonary_veins",
        (
            ("heart", -0.20, -0.09, -0.02),
            ("heart", -0.33, -0.02, -0.02),
            ("heart", -0.44, 0.14, 0.00),
            ("heart", -0.52, 0.36, 0.03),
        ),
        (("descending_aorta", 0.55), ("descending_aorta", 0.32)),
    ),
}
#: Thickness of their walls over the diameter of the heart (E).
_WALL = 0.015
_VALVE = 0.018
_PIECES = 20


def _place(plan: Plan, frame: HeartFrame, place: Place) -> Vector:
    kind, x, y, z = place
    if kind == "trunk":
        return plan.trunk.point(x, y, z)
    if kind == "base":
        sin, cos = math.sin(frame.angle), math.cos(frame.angle)
        x, y = x * sin + y * cos, y * sin - x * cos
    return frame.point(x, y, z)


def vessel_path(plan: Plan, frame: HeartFrame, vessel: Vessel) -> tuple[Vector, Vector]:
    """Middle line `(points, 3)` and inner radii `(points,)` of a vessel [mm]."""
    from scipy.interpolate import CubicSpline

    knots = np.array([_place(plan, frame, place) for place in vessel.path])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    along /= along[-1]
    share = np.linspace(0.0, 1.0, _PIECES + 1)
    radii = [0.5 * factor * plan.sizes[name] for name, factor in vessel.bores]
    return CubicSpline(along, knots)(share), np.interp(share, [0.0, 1.0], radii)


def vessel_lumen(
    plan: Plan, frame: HeartFrame, name: str, start: float = 0.0, end: float = 1.0
) -> Shape:
    """Blood of the vessel called `name`, between two shares of its course."""
    points, radii = vessel_path(plan, frame, VESSELS[name])
    piece = slice(round(start * _PIECES), round(end * _PIECES) + 1)
    return tube(points[piece], radii[piece])


def great_vessel_parts(
    plan: Plan, frame: HeartFrame, room: Shape, heart: Shape
) -> tuple[Part, ...]:
    """All walls, then all blood, then the valves; before a valve the blood is the ventricle's.

    Args:
        plan: of the fetus.
        frame: of its heart.
        room: what they have to stay in.
        heart: its outline; inside it vessels have no wall of their own.
    """
    courses = [_course(plan, frame, vessel) for vessel in VESSELS.values()]
    thickness = _WALL * plan.sizes.heart_diameter
    walls = [course.tube(thickness) & room for course in courses]
    return (
        *(
            Part("fetal_vessel_wall", wall if course.valve else wall - heart, thickness)
            for wall, course in zip(walls, courses, strict=True)
        ),
        *(Part(course.region, course.tube() & room) for course in courses),
        *(course.leaves(_VALVE * plan.sizes.heart_diameter) for course in courses if course.valve),
    )


@dataclass(frozen=True)
class _Course:
    """A vessel in the fetal frame.

    Attributes:
        region: label of its blood.
        points: of its middle line `(points, 3)` [mm].
        radii: inner `(points,)` [mm].
        valve: number of the point at which it begins behind its valve; 0 if it has none.
    """

    region: str
    points: Vector
    radii: Vector
    valve: int

    @property
    def way(self) -> Vector:
        """Unit vector `(3,)` of the flow through the valve."""
        way = self.points[self.valve + 1] - self.points[self.valve - 1]
        return way / np.linalg.norm(way)

    def tube(self, wall: float = 0.0) -> Shape:
        """Blood behind the valve, with `wall` [mm] around it."""
        vessel = tube(self.points[self.valve :], self.radii[self.valve :] + wall)
        if not self.valve:
            return vessel
        at = self.points[self.valve]
        before = sphere(at, 1.2 * self.radii[self.valve] + wall) & half_space(at, self.way)
        return vessel - before

    def leaves(self, thickness: float) -> Part:
        """The closed valve: a disc of `thickness` [mm] across the vessel."""
        at, half = self.points[self.valve], 0.5 * thickness
        disc = intersect(
            sphere(at, self.radii[self.valve] + half),
            half_space(at + half * self.way, self.way),
            half_space(at - half * self.way, -self.way),
        )
        return Part("fetal_heart_valves", disc, thickness)


def _course(plan: Plan, frame: HeartFrame, vessel: Vessel) -> _Course:
    points, radii = vessel_path(plan, frame, vessel)
    return _Course(vessel.region, points, radii, round((vessel.valve or 0.0) * _PIECES))


def vessel_point(plan: Plan, frame: HeartFrame, name: str, share: float) -> Vector:
    """Point `(3,)` [mm] of a vessel's middle line at `share` of its course."""
    points, _ = vessel_path(plan, frame, VESSELS[name])
    at = np.linspace(0.0, 1.0, len(points))
    return np.array([np.interp(share, at, points[:, k]) for k in range(3)])
