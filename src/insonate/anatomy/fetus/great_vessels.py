"""The great vessels: aorta, pulmonary trunk with the duct, caval and pulmonary veins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.heart_frame import HeartFrame
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, half_space, intersect, tube

__all__ = ["VESSELS", "Vessel", "great_vessel_parts", "vessel_lumen", "vessel_point"]

Vector = NDArray[np.float64]
#: A point of a path: "heart" a, r, z, or "trunk" s, u, v.
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
            ("heart", 0.10, -0.09, 0.09),
            ("heart", 0.04, -0.01, 0.20),
            ("trunk", 0.330, -0.06, 0.20),
            ("trunk", 0.300, -0.06, 0.10),
            ("trunk", 0.282, 0.01, -0.08),
            ("trunk", 0.292, 0.09, -0.27),
            ("trunk", 0.325, 0.09, -0.36),
            ("trunk", 0.410, 0.09, -0.36),
            ("trunk", 0.520, 0.09, -0.36),
        ),
        (("aortic_valve", 1.0), ("descending_aorta", 1.0)),
        0.16,
    ),
    "pulmonary_trunk": Vessel(
        "fetal_pulmonary_artery",
        (
            ("heart", 0.13, 0.17, 0.15),
            ("heart", 0.17, 0.11, 0.27),
            ("trunk", 0.330, 0.13, 0.36),
            ("trunk", 0.315, 0.15, 0.15),
        ),
        (("pulmonary_valve", 1.0), ("pulmonary_valve", 0.85)),
        0.40,
    ),
    "duct": Vessel(
        "fetal_ductus_arteriosus",
        (
            ("trunk", 0.315, 0.15, 0.15),
            ("trunk", 0.307, 0.15, -0.05),
            ("trunk", 0.310, 0.11, -0.24),
            ("trunk", 0.322, 0.09, -0.35),
        ),
        (("ductus", 1.15), ("ductus", 0.95)),
    ),
    "right_pulmonary_artery": Vessel(
        "fetal_pulmonary_artery",
        (
            ("trunk", 0.322, 0.14, 0.20),
            ("trunk", 0.332, 0.06, -0.02),
            ("trunk", 0.338, -0.18, -0.06),
            ("trunk", 0.350, -0.40, -0.16),
        ),
        (("pulmonary_valve", 0.45), ("pulmonary_valve", 0.35)),
    ),
    "superior_caval_vein": Vessel(
        "fetal_superior_vena_cava",
        (
            ("trunk", 0.230, -0.24, 0.02),
            ("trunk", 0.280, -0.26, 0.06),
            ("trunk", 0.330, -0.27, 0.09),
            ("heart", -0.16, 0.20, 0.12),
        ),
        (("superior_vena_cava", 0.9), ("superior_vena_cava", 1.05)),
    ),
    "inferior_caval_vein": Vessel(
        "fetal_inferior_vena_cava",
        (
            ("heart", -0.17, 0.17, -0.12),
            ("trunk", 0.470, -0.19, -0.12),
            ("trunk", 0.520, -0.17, -0.26),
        ),
        (("descending_aorta", 0.95), ("descending_aorta", 0.85)),
    ),
    "left_pulmonary_vein": Vessel(
        "fetal_pulmonary_veins",
        (
            ("heart", -0.13, -0.24, 0.00),
            ("heart", -0.10, -0.36, 0.00),
            ("heart", -0.09, -0.50, 0.01),
            ("heart", -0.10, -0.68, 0.03),
        ),
        (("descending_aorta", 0.55), ("descending_aorta", 0.32)),
    ),
    "right_pulmonary_vein": Vessel(
        "fetal_pulmonary_veins",
        (
            ("heart", -0.22, -0.08, -0.02),
            ("heart", -0.36, -0.01, -0.02),
            ("heart", -0.44, 0.16, 0.00),
            ("heart", -0.52, 0.36, 0.03),
        ),
        (("descending_aorta", 0.55), ("descending_aorta", 0.32)),
    ),
}
#: Thickness of their walls over the diameter of the heart (E).
_WALL = 0.015
_VALVE = 0.018
_PIECES = 14


def _place(plan: Plan, frame: HeartFrame, place: Place) -> Vector:
    kind, *at = place
    return frame.point(*at) if kind == "heart" else plan.trunk.point(*at)


def vessel_path(plan: Plan, frame: HeartFrame, vessel: Vessel) -> tuple[Vector, Vector]:
    """Middle line `(points, 3)` and inner radii `(points,)` of a vessel [mm]."""
    from scipy.interpolate import CubicSpline

    knots = np.array([_place(plan, frame, place) for place in vessel.path])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    along /= along[-1]
    share = np.linspace(0.0, 1.0, _PIECES + 1)
    radii = [0.5 * factor * plan.sizes[name] for name, factor in vessel.bores]
    return CubicSpline(along, knots)(share), np.interp(share, [0.0, 1.0], radii)


def vessel_lumen(plan: Plan, frame: HeartFrame, name: str, from_share: float = 0.0) -> Shape:
    """Blood of the vessel called `name`, from a share of its course on."""
    points, radii = vessel_path(plan, frame, VESSELS[name])
    first = round(from_share * _PIECES)
    return tube(points[first:], radii[first:])


def great_vessel_parts(
    plan: Plan, frame: HeartFrame, room: Shape, heart: Shape
) -> tuple[Part, ...]:
    """All walls, then all blood, then the valves.

    Args:
        plan: of the fetus.
        frame: of its heart.
        room: what they have to stay in.
        heart: its outline; inside it vessels have no wall of their own.
    """
    walls = [_wall(plan, frame, vessel, room, heart) for vessel in VESSELS.values()]
    blood = [
        Part(vessel.region, vessel_lumen(plan, frame, name) & room)
        for name, vessel in VESSELS.items()
    ]
    leaves = [
        _leaves(plan, frame, vessel) for vessel in VESSELS.values() if vessel.valve is not None
    ]
    return (*walls, *blood, *leaves)


def _wall(plan: Plan, frame: HeartFrame, vessel: Vessel, room: Shape, heart: Shape) -> Part:
    """Wall of an artery from its valve on, of any other vessel outside the heart."""
    thickness = _WALL * plan.sizes.heart_diameter
    points, radii = vessel_path(plan, frame, vessel)
    first = 0 if vessel.valve is None else _at_valve(vessel)
    wall = tube(points[first:], radii[first:] + thickness) & room
    return Part("fetal_vessel_wall", wall if first else wall - heart, thickness)


def _at_valve(vessel: Vessel) -> int:
    return max(1, round((vessel.valve or 0.0) * _PIECES))


def _leaves(plan: Plan, frame: HeartFrame, vessel: Vessel) -> Part:
    """A closed semilunar valve: a thin disc across the vessel."""
    points, radii = vessel_path(plan, frame, vessel)
    i = _at_valve(vessel)
    way = points[i + 1] - points[i - 1]
    way /= np.linalg.norm(way)
    half = 0.5 * _VALVE * plan.sizes.heart_diameter
    disc = intersect(
        tube(points, radii + 0.5 * half),
        half_space(points[i] + half * way, way),
        half_space(points[i] - half * way, -way),
    )
    return Part("fetal_heart_valves", disc, 2.0 * half)


def vessel_point(plan: Plan, frame: HeartFrame, name: str, share: float) -> Vector:
    """Point `(3,)` [mm] of a vessel's middle line at `share` of its course."""
    points, _ = vessel_path(plan, frame, VESSELS[name])
    at = np.linspace(0.0, 1.0, len(points))
    return np.array([np.interp(share, at, points[:, k]) for k in range(3)])
