"""Kidneys and adrenals of the fetus, healthy or with a dilated pelvis.

The pelvis' front-to-back width is the diagnosis: it is exact, the kidney grows around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.diaphragm import wall_depth
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, ellipsoid, half_space, sphere, union
from insonate.errors import InputError

__all__ = ["SIDES", "Kidney", "kidney", "kidney_parts", "largest_pelvis"]

#: Name of the side, sign of u, level s (E), and its finding.
SIDES = {
    "left": (1.0, 0.692, "hydronephrosis"),
    "right": (-1.0, 0.697, "hydronephrosis_right"),
}
#: Place in the section (E): u, v; the medial border's least distance from the midline over R.
_U, _V, _MEDIAL = 0.42, -0.45, 0.20
#: Half-width and half-depth over the length (E).
_HALF_WIDTH, _HALF_DEPTH = 0.25, 0.23
#: How much a kidney with the widest pelvis is longer.
_LONGER = 0.2
#: Thinnest cortex and widest kidney, over R (E).
_CORTEX, _WIDEST = 0.045, 0.24
#: Widest pelvis that the trunk has room for, over R.
_LARGEST = 0.66
#: Perirenal fat and the gap to the adrenal, over R (E).
_FAT = 0.035
#: The adrenals stay below the plane of the abdominal circumference.
_ADRENAL_TOP = 0.572
#: Pelvis from which calyces are seen, before and from 28 weeks on [mm] (M).
_CALYCES = (7.0, 10.0)

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Kidney:
    """A kidney in its place.

    Attributes:
        side: +1 left, -1 right.
        frame: left, posterior, cranial in its middle `(4, 4)` [mm].
        half: semi-axes `(3,)` [mm].
        pelvis: semi-axes of the pelvis `(3,)` [mm].
        pelvis_at: middle of the pelvis in the kidney's axes `(3,)` [mm].
        calyx: radius of the dilated calyces [mm], 0 if they are not.
    """

    side: float
    frame: Vector
    half: Vector
    pelvis: Vector
    pelvis_at: Vector
    calyx: float

    def point(self, x: float, y: float, z: float) -> Vector:
        """Position `(3,)` [mm] of *lateral*, posterior, cranial over the semi-axes."""
        local = np.array([self.side * x, y, z]) * self.half
        return self.frame[:3, :3] @ local + self.frame[:3, 3]

    def shape(self) -> Shape:
        """Its outer surface."""
        return ellipsoid(self.frame[:3, 3], self.half, self.frame[:3, :3])

    def pelvis_middle(self) -> Vector:
        """Position of the pelvis `(3,)` [mm]."""
        return self.frame[:3, :3] @ self.pelvis_at + self.frame[:3, 3]


def largest_pelvis(plan: Plan) -> float:
    """Widest renal pelvis that this trunk has room for [mm]."""
    return _LARGEST * plan.sizes.trunk_radius


def kidney(plan: Plan, side: str) -> Kidney:
    """The left or right kidney.

    Raises:
        InputError: the trunk has no room for the finding.
    """
    sign, s, finding = SIDES[side]
    r, degree = plan.sizes.trunk_radius, plan.finding(finding)
    if degree > largest_pelvis(plan):
        raise InputError(
            f"findings: {finding}: expected at most {largest_pelvis(plan):.1f} mm at "
            f"{plan.sizes.weeks:g} weeks, got {degree:g}"
        )
    depth = degree or plan.sizes["renal_pelvis"]
    normal = plan.sizes["kidney_length"]
    length = normal * (1.0 + _LONGER * min(max(degree - 4.0, 0.0) / 11.0, 1.0))
    half = _half(length, depth, _CORTEX * r, _WIDEST * r)
    # what grows, grows forwards, sideways and down: the back and the spine do not yield
    s += 0.5 * (length - normal) / plan.trunk.length
    a, b = plan.trunk.half(s)
    x = max(_U * a, _MEDIAL * r + half[0])
    back = min(-_V * b + _HALF_DEPTH * length, _back_wall(plan, s, x))
    y = back - half[1]
    frame = plan.trunk.frame(s, sign * x / a, -y / b)
    pelvis, at = _pelvis(half, depth, _CORTEX * r)
    return Kidney(sign, frame, half, pelvis, at * (sign, 1.0, 1.0), _calyx(plan, degree, half))


def _back_wall(plan: Plan, s: float, x: float) -> float:
    """How far back a kidney with its fat can lie, `x` [mm] beside the midline [mm]."""
    a, b = (half - wall_depth(plan) for half in plan.trunk.half(s))
    return b * math.sqrt(max(1.0 - (x / a) ** 2, 0.0)) - _FAT * plan.sizes.trunk_radius


def _half(length: float, pelvis: float, cortex: float, widest: float) -> Vector:
    depth = max(_HALF_DEPTH * length, 0.5 * pelvis + cortex)
    width = max(_HALF_WIDTH * length, min(0.5 * pelvis + cortex, widest))
    return np.array([width, depth, 0.5 * length])


def _pelvis(half: Vector, depth: float, cortex: float) -> tuple[Vector, Vector]:
    """Semi-axes, and place with x lateral: medial and in front while it is small."""
    room = half - (cortex, 0.0, 2.0 * cortex)
    radii = np.array(
        [min(0.5 * depth, room[0]), 0.5 * depth, min(max(0.8 * depth, 0.16 * half[2]), room[2])]
    )
    # its medial end reaches the hilum, its lateral one stays behind the cortex
    x = -max(0.45 * half[0] - max(radii[0] - 0.25 * half[0], 0.0), 0.0)
    y = -0.12 * max(half[1] - radii[1] - cortex, 0.0)
    return radii, np.array([x, y, 0.0])


def _calyx(plan: Plan, degree: float, half: Vector) -> float:
    seen = _CALYCES[0] if plan.sizes.weeks < 28.0 else _CALYCES[1]
    return float(half[1] * np.interp(degree, (seen - 0.01, seen, 2.0 * seen), (0.0, 0.20, 0.34)))


def kidney_parts(plan: Plan, room: Shape) -> tuple[Part, ...]:
    """Both kidneys with their adrenals, in painter's order.

    Args:
        plan: of the fetus.
        room: what the kidneys' fat stays inside of.
    """
    parts: list[Part] = []
    for side in SIDES:
        at = kidney(plan, side)
        parts += [*_adrenal(plan, at), *_kidney(plan, side, at, room)]
    return tuple(parts)


def _kidney(plan: Plan, side: str, at: Kidney, room: Shape) -> list[Part]:
    fat = _FAT * plan.sizes.trunk_radius
    axes = at.frame[:3, :3]
    sinus = ellipsoid(at.point(-0.30, -0.10, 0.0), at.half * (0.42, 0.36, 0.52), axes)
    pelvis: Shape = ellipsoid(at.pelvis_middle(), at.pelvis, axes)
    pyramids = _pyramids(at)
    if at.calyx:
        pelvis = union(pelvis, *_calyces(at), blend=0.5 * at.calyx)
    return [
        Part("fetal_perirenal_fat", at.shape().offset(fat) & room),
        Part(f"fetal_kidney_{side}", at.shape() & room),
        *([] if at.calyx else [Part("fetal_renal_medulla", union(*pyramids))]),
        Part("fetal_renal_sinus", sinus),
        Part(f"fetal_renal_pelvis_{side}", pelvis & room.offset(-0.5 * fat)),
    ]


#: Places of pyramids and calyces over the semi-axes: lateral, posterior, cranial.
_ROWS = [
    (0.42 - 0.35 * z**2, side * 0.50 * (1.0 - 0.55 * z**2), z)
    for side, z in product((-1.0, 1.0), (-0.70, -0.36, 0.0, 0.36, 0.70))
]


def _pyramids(at: Kidney) -> list[Shape]:
    axes, radii = at.frame[:3, :3], at.half * (0.30, 0.26, 0.135)
    return [ellipsoid(at.point(*row), radii, axes) for row in _ROWS]


def _calyces(at: Kidney) -> list[Shape]:
    return [sphere(at.point(x * 1.1, y * 0.8, z), at.calyx) for x, y, z in _ROWS]


def _adrenal(plan: Plan, at: Kidney) -> list[Part]:
    """Part of a cap on the medial side of the upper pole: dark cortex, bright medulla."""
    gap, thick = _FAT * plan.sizes.trunk_radius, plan.sizes["adrenal_thickness"]
    near = sphere(at.point(-0.75, -0.35, 0.60), 0.5 * plan.sizes["adrenal_length"])
    under = half_space(plan.trunk.centre(_ADRENAL_TOP), plan.trunk.axes(_ADRENAL_TOP)[:, 2])
    outer = at.shape()
    room = near & under
    cap = (outer.offset(gap + thick) - outer.offset(gap)) & room
    core = (outer.offset(gap + 0.66 * thick) - outer.offset(gap + 0.34 * thick)) & room.offset(
        -0.25 * thick
    )
    return [
        Part("fetal_adrenal", cap),
        Part("fetal_adrenal_medulla", core, 0.32 * thick),
    ]
