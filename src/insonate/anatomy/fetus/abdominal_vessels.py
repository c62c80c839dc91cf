"""Vessels of the fetal abdomen: umbilical and portal veins, hepatic veins, aorta and its ends.

Aorta and inferior vena cava begin here at s = 0.49; the chest draws them above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.fetus.diaphragm import CLEARANCE, trunk_core, wall_depth
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, tube, union

__all__ = ["UMBILICUS", "portal_sinus", "vena_cava", "vessel_parts"]

#: Where the cord enters, (s, u, v) on the skin.
UMBILICUS = (0.76, 0.0, 1.0)
#: Courses as (s, u, v) (E); a v above 0.9 follows the inside of the wall.
_UMBILICAL_VEIN = (
    (0.715, -0.005, 0.92),
    (0.67, -0.01, 0.70),
    (0.62, -0.015, 0.54),
    (0.585, -0.02, 0.42),
    (0.569, -0.02, 0.33),
    (0.565, -0.02, 0.25),
)
_PORTAL_SINUS = (
    (0.566, -0.02, 0.27),
    (0.565, -0.04, 0.16),
    (0.565, -0.12, 0.08),
    (0.565, -0.23, 0.06),
    (0.565, -0.35, 0.10),
)
_DUCTUS_VENOSUS = ((0.565, -0.05, 0.20), (0.53, -0.09, 0.02), (0.502, -0.15, -0.18))
_VENA_CAVA = (
    (0.49, -0.17, -0.26),
    (0.60, -0.17, -0.26),
    (0.72, -0.14, -0.28),
    (0.79, -0.10, -0.31),
)
_AORTA = ((0.49, 0.09, -0.36), (0.60, 0.09, -0.36), (0.72, 0.06, -0.36), (0.79, 0.02, -0.36))
#: Half of the portal sinus' and the ductus' width over R (E).
_SINUS, _DUCTUS = 0.085, 0.028
#: Branches: course and half-width over R at both ends (E).
_PORTAL_BRANCHES = (
    ((0.565, -0.33, 0.10), (0.560, -0.50, 0.22), (0.550, -0.64, 0.32)),
    ((0.565, -0.33, 0.10), (0.572, -0.48, -0.06), (0.590, -0.60, -0.24)),
    ((0.569, -0.02, 0.33), (0.560, 0.16, 0.42), (0.550, 0.32, 0.55)),
)
_HEPATIC_VEINS = (
    ((0.503, -0.17, -0.24), (0.525, -0.42, -0.12), (0.580, -0.66, 0.02)),
    ((0.503, -0.16, -0.22), (0.520, -0.22, 0.15), (0.560, -0.30, 0.44)),
    ((0.503, -0.14, -0.22), (0.520, 0.10, 0.15), (0.555, 0.30, 0.38)),
)
_BRANCH = (0.044, 0.022)
#: Right of the midline; mirrored for the left: from the end of the aorta round the bladder.
_UMBILICAL_ARTERY = (
    (0.788, 0.02, -0.36),
    (0.825, 0.16, -0.28),
    (0.865, 0.28, -0.08),
    (0.893, 0.315, 0.20),
    (0.885, 0.285, 0.50),
    (0.85, 0.18, 0.78),
    (0.80, 0.09, 0.93),
)
#: How far the arteries stay from the vein in the umbilicus, over R.
_BESIDE = 0.065

Vector = NDArray[np.float64]


def vessel_parts(plan: Plan) -> tuple[Part, ...]:
    """All vessels, in painter's order."""
    width = 2.0 * _BRANCH[1] * plan.sizes.trunk_radius
    vein = plan.sizes["umbilical_vein_abdominal"]
    inner = trunk_core(plan).offset(-CLEARANCE)
    arteries = [
        Part("fetal_umbilical_artery", umbilical_artery(plan, side) & inner, calibre)
        for side, calibre in ((1.0, _artery(plan, 1.0)), (-1.0, _artery(plan, -1.0)))
        if calibre
    ]
    return (
        Part("fetal_hepatic_veins", _branches(plan, _HEPATIC_VEINS), width),
        Part("fetal_portal_vein", _branches(plan, _PORTAL_BRANCHES), width),
        Part("fetal_inferior_vena_cava", vena_cava(plan)),
        Part("fetal_ductus_venosus", _course(plan, _DUCTUS_VENOSUS, _radius(plan, _DUCTUS))),
        Part("fetal_portal_vein", portal_sinus(plan)),
        *arteries,
        Part("fetal_aorta", _course(plan, _AORTA, 0.5 * plan.sizes["descending_aorta"])),
        Part("fetal_umbilical_vein", umbilical_vein(plan) & inner, vein),
    )


def _radius(plan: Plan, share: float) -> float:
    return share * plan.sizes.trunk_radius


def _course(plan: Plan, suv: ArrayLike, radii: float | Vector, points: int = 16) -> Shape:
    """A tube along `(s, u, v)` rows; `radii` [mm] at its ends or everywhere."""
    line = plan.trunk.path(suv, points)
    wide = np.interp(np.linspace(0.0, 1.0, points), (0.0, 1.0), np.broadcast_to(radii, 2))
    return tube(line, wide)


def _branches(plan: Plan, courses: ArrayLike) -> Shape:
    radii = np.array(_BRANCH) * plan.sizes.trunk_radius
    return union(*(_course(plan, rows, radii, 8) for rows in np.asarray(courses)))


def vena_cava(plan: Plan) -> Shape:
    """The inferior vena cava below the diaphragm."""
    return _course(plan, _VENA_CAVA, 0.4 * plan.sizes["aortic_valve"])


def portal_sinus(plan: Plan) -> Shape:
    """From the umbilical vein to the right: the bend of the J."""
    radii = _radius(plan, _SINUS) * np.array([1.0, 0.80])
    return _course(plan, _PORTAL_SINUS, radii, 12)


def umbilical_vein(plan: Plan) -> Shape:
    """From the umbilicus along the falciform ligament into the liver."""
    radius = 0.5 * plan.sizes["umbilical_vein_abdominal"]
    return tube(_to_umbilicus(plan, _UMBILICAL_VEIN, radius, 0.0), radius)


def umbilical_artery(plan: Plan, side: float) -> Shape:
    """From the aorta's end past the bladder to the umbilicus; `side` is +1 left, -1 right."""
    rows = np.array(_UMBILICAL_ARTERY) * (1.0, side, 1.0)
    radius = 0.5 * _artery(plan, side)
    return tube(_to_umbilicus(plan, rows[::-1], radius, side * _BESIDE), radius)


def _artery(plan: Plan, side: float) -> float:
    """Calibre of an umbilical artery [mm]; the left one can be missing, the other is wider then."""
    lacking = plan.finding("single_umbilical_artery")
    share = 1.0 - lacking if side > 0.0 else 1.0 + 0.35 * lacking
    return plan.sizes["umbilical_artery"] * share if share > 0.05 else 0.0


def _to_umbilicus(plan: Plan, rows: ArrayLike, radius: float, aside: float) -> Vector:
    """Positions `(points, 3)` [mm] from the umbilicus along `rows`, kept inside of the wall.

    Args:
        plan: of the fetus.
        rows: `(s, u, v)` from the front to the back `(rows, 3)`.
        radius: of the vessel [mm].
        aside: u of the vessel in the umbilicus.
    """
    trunk, depth = plan.trunk, wall_depth(plan) + radius
    kept = np.array(rows, np.float64)
    most = np.array([1.0 - depth / trunk.half(s)[1] for s in kept[:, 0]])
    kept[:, 2] = np.minimum(kept[:, 2], most)
    s, _, _ = UMBILICUS
    return trunk.path(np.vstack([(s, aside, 1.0), (s, aside, most[0]), kept]), 28)
