"""The heart: four chambers, their walls, septa and valves.

All lengths are in units of the heart's frame, about its diameter, and estimates (E) shaped by
the proportions of the four-chamber view; a, r, z as in `heart_frame`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from insonate.anatomy.fetus.diaphragm import diaphragm_dome
from insonate.anatomy.fetus.great_vessels import VESSELS, vessel_lumen
from insonate.anatomy.fetus.heart_frame import HeartFrame
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, box, capsule, intersect, subtract, union

__all__ = [
    "LEFT_VENTRICLE",
    "MITRAL",
    "RIGHT_VENTRICLE",
    "SEPTUM",
    "TRICUSPID",
    "Valve",
    "heart_outline",
    "heart_parts",
]

#: Cavities: centre and semi-axes (a, r, z).
LEFT_VENTRICLE = ((0.16, -0.197, 0.00), (0.46, 0.1530, 0.19))
RIGHT_VENTRICLE = ((0.15, 0.169, 0.00), (0.38, 0.184, 0.20))
LEFT_ATRIUM = ((-0.115, -0.145, 0.00), (0.160, 0.200, 0.18))
RIGHT_ATRIUM = ((-0.110, 0.145, 0.00), (0.180, 0.195, 0.19))
#: Walls: left ventricle, right ventricle, atria, and the septa between them.
LEFT_WALL, RIGHT_WALL, ATRIAL_WALL = 0.085, 0.060, 0.030
SEPTUM, ATRIAL_SEPTUM = 0.090, 0.034
#: Foramen ovale: a, z, radius; its flap: length, how far it bulges to the left, thickness.
_FORAMEN = (-0.125, 0.02, 0.085)
_FLAP = (0.110, 0.080, 0.016)
#: Moderator band: from septum to free wall at this share of the right ventricle, radius.
_BAND = ((0.30, 0.045, -0.04), (0.40, 0.330, 0.00), 0.024)
#: Papillary muscles of the left ventricle: foot, head, radius.
_PAPILLARY = (
    ((0.42, -0.320, 0.11), (0.27, -0.245, 0.09), 0.026),
    ((0.42, -0.320, -0.11), (0.27, -0.245, -0.09), 0.026),
)
_LEAFLET = 0.018
_PERICARDIUM = 0.018
#: Rounding of the grooves between the ventricles, and between them and the atria.
_GROOVE, _BLEND = 0.20, 0.06
#: Room between the left atrium and the aorta behind it.
_OFF_AORTA = 0.035
#: How far the heart keeps away from the diaphragm.
_OFF_DIAPHRAGM = 0.02
#: a of the common valve of an atrioventricular septal defect.
_COMMON_A = 0.03


@dataclass(frozen=True)
class Valve:
    """An atrioventricular valve, closed: two leaves that meet like a flat roof.

    Attributes:
        a: of the hinges.
        inner: r of the hinge at the septum.
        outer: r of the hinge at the free wall.
        tip: r where the leaves meet.
        tent: how far they reach into the ventricle there.
        height: half the opening along z.
    """

    a: float
    inner: float
    outer: float
    tip: float
    tent: float = 0.045
    height: float = 0.13

    @property
    def middle(self) -> float:
        """The r of the middle of the opening."""
        return 0.5 * (self.inner + self.outer)

    @property
    def width(self) -> float:
        """Diameter of the annulus in the four-chamber plane, in units of the heart's frame."""
        return abs(self.outer - self.inner)

    def roof(self, frame: HeartFrame) -> Shape:
        """All that lies on the atrial side of the leaves."""
        hinges = [h for h in (self.inner, self.outer) if h != self.tip]
        return intersect(*(self._leaf(frame, hinge) for hinge in hinges))

    def _leaf(self, frame: HeartFrame, hinge: float) -> Shape:
        run = self.tip - hinge
        slope = -self.tent * math.copysign(1.0, run)
        normal = (abs(run), slope, 0.0)
        length = math.hypot(*normal)
        return frame.behind((self.a, hinge, 0.0), [n / length for n in normal])

    def leaves(self, frame: HeartFrame) -> Part:
        """The leaves as a thin part."""
        roof, half = self.roof(frame), 0.5 * _LEAFLET * frame.unit
        ring = frame.ellipsoid(
            (self.a, self.middle, 0.0), (0.14, 0.5 * self.width + 0.012, self.height + 0.01)
        )
        sheet = intersect(roof.offset(half), ring) - roof.offset(-half)
        return Part("fetal_heart_valves", sheet, 2.0 * half)


#: The tricuspid valve is hinged closer to the apex (S: by about 1 mm at 20 weeks).
MITRAL = Valve(a=0.02, inner=-0.052, outer=-0.335, tip=-0.20)
TRICUSPID = Valve(a=0.07, inner=0.040, outer=0.345, tip=0.16)


@dataclass(frozen=True)
class _Chambers:
    """Cavities, before they are cut off at the valves."""

    frame: HeartFrame
    mitral: Valve
    tricuspid: Valve

    def left_ventricle(self) -> Shape:
        return self.frame.ellipsoid(*LEFT_VENTRICLE)

    def right_ventricle(self) -> Shape:
        septum = self.left_ventricle().offset(SEPTUM * self.frame.unit)
        return self.frame.ellipsoid(*RIGHT_VENTRICLE) - septum

    def left_atrium(self) -> Shape:
        return self._atrium(LEFT_ATRIUM, self.mitral)

    def right_atrium(self) -> Shape:
        return self._atrium(RIGHT_ATRIUM, self.tricuspid)

    def _atrium(self, body, valve: Valve) -> Shape:
        frame, radius = self.frame, 0.46 * valve.width
        opening = capsule(
            frame.point(valve.a - 0.10, valve.middle, 0.0),
            frame.point(valve.a, valve.middle, 0.0),
            radius * frame.unit,
        )
        return union(frame.ellipsoid(*body), opening, blend=0.05 * frame.unit)


def _defect(plan: Plan, frame: HeartFrame) -> float:
    """Gap at the crux, in units of the frame; 0 if the septa meet."""
    degree = plan.finding("atrioventricular_septal_defect")
    return degree * plan.sizes.heart_diameter / frame.unit


def valves(plan: Plan) -> tuple[Valve, Valve]:
    """Mitral and tricuspid valve; the halves of a common one where the septa do not meet."""
    if plan.finding("atrioventricular_septal_defect") == 0.0:
        return MITRAL, TRICUSPID
    half = {"a": _COMMON_A, "inner": 0.0, "tip": 0.0, "tent": 0.02}
    return replace(MITRAL, **half), replace(TRICUSPID, **half)


def heart_outline(plan: Plan, frame: HeartFrame) -> Shape:
    """The heart from outside, pericardium left out."""
    chambers, unit = _Chambers(frame, MITRAL, TRICUSPID), frame.unit
    ahead = frame.behind((0.0, 0.0, 0.0), (-1.0, 0.0, 0.0))
    left = (frame.ellipsoid(*LEFT_VENTRICLE) & ahead).offset(LEFT_WALL * unit)
    right = (frame.ellipsoid(*RIGHT_VENTRICLE) & ahead).offset(RIGHT_WALL * unit)
    muscle = union(left, right, blend=_GROOVE * unit)
    atria = union(chambers.left_atrium(), chambers.right_atrium()).offset(ATRIAL_WALL * unit)
    heart = union(muscle, atria, blend=_BLEND * unit)
    room = diaphragm_dome(plan).offset(-_diaphragm_room(plan, frame))
    aorta = vessel_lumen(plan, frame, "aorta", start=0.5).offset(_OFF_AORTA * unit)
    return subtract(intersect(heart, room, blend=_BLEND * unit), aorta, blend=_BLEND * unit)


def _diaphragm_room(plan: Plan, frame: HeartFrame) -> float:
    return DIAPHRAGM * plan.sizes.trunk_radius + (_PERICARDIUM + _OFF_DIAPHRAGM) * frame.unit


#: Thickness of the diaphragm over R (E).
DIAPHRAGM = 0.045


def heart_parts(plan: Plan, frame: HeartFrame) -> tuple[Part, ...]:
    """Pericardium, walls, cavities, septa and valves, in painter's order."""
    outline = heart_outline(plan, frame)
    line = _PERICARDIUM * frame.unit
    return (
        Part("fetal_pericardium", outline.offset(line) - outline, line),
        Part("fetal_myocardium", outline),
        *_cavities(plan, frame, outline),
        *_septa(plan, frame, outline),
        *(valve.leaves(frame) for valve in valves(plan)),
    )


def _cavities(plan: Plan, frame: HeartFrame, outline: Shape) -> tuple[Part, ...]:
    mitral, tricuspid = valves(plan)
    chambers = _Chambers(frame, mitral, tricuspid)
    inside = outline.offset(-ATRIAL_WALL * frame.unit)
    left, right = mitral.roof(frame), tricuspid.roof(frame)
    sinister = frame.behind((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    dexter = frame.behind((0.0, 0.0, 0.0), (0.0, -1.0, 0.0))
    ahead = frame.behind((-0.02, 0.0, 0.0), (-1.0, 0.0, 0.0))
    left_ventricle = intersect(chambers.left_ventricle() - left, ahead)
    right_ventricle = intersect(chambers.right_ventricle() - right, ahead)
    cavities = (
        ("fetal_left_ventricle", left_ventricle),
        ("fetal_right_ventricle", right_ventricle & inside),
        ("fetal_left_atrium", intersect(chambers.left_atrium(), left, sinister) & inside),
        ("fetal_right_atrium", intersect(chambers.right_atrium(), right, dexter) & inside),
    )
    gap = _defect(plan, frame)
    atria = union(chambers.left_atrium(), chambers.right_atrium())
    return (
        *(Part(*cavity) for cavity in cavities),
        *_outflows(plan, frame, atria.offset(ATRIAL_WALL * frame.unit)),
        *(_gap(frame, gap, (left, right), (sinister, dexter)) if gap else ()),
    )


def _outflows(plan: Plan, frame: HeartFrame, atria: Shape) -> tuple[Part, ...]:
    """The ventricles' blood on its way to the arteries' valves."""
    ways = (("fetal_left_ventricle", "aorta"), ("fetal_right_ventricle", "pulmonary_trunk"))
    return tuple(
        Part(region, vessel_lumen(plan, frame, name, end=VESSELS[name].valve or 0.0) - atria)
        for region, name in ways
    )


def _gap(frame: HeartFrame, gap: float, roofs, sides) -> tuple[Part, ...]:
    """Blood where the septa should meet, shared out between the four chambers."""
    half = (0.5 * gap, 0.13, 0.13)
    hole = box(
        frame.point(_COMMON_A, 0.0, 0.0),
        [h * frame.unit for h in half],
        frame.matrix[:3, :3],
        rounding=0.04 * frame.unit,
    )
    parts = []
    for name, roof, side in zip(("left", "right"), roofs, sides, strict=True):
        parts.append(Part(f"fetal_{name}_ventricle", (hole & side) - roof))
        parts.append(Part(f"fetal_{name}_atrium", intersect(hole, side, roof)))
    return tuple(parts)


def _septa(plan: Plan, frame: HeartFrame, outline: Shape) -> tuple[Part, ...]:
    unit = frame.unit
    parts = [_atrial_septum(plan, frame)] + ([] if _defect(plan, frame) else [_flap(frame)])
    for start, end, radius in (_BAND, *_PAPILLARY):
        muscle = capsule(frame.point(*start), frame.point(*end), radius * unit)
        parts.append(Part("fetal_myocardium", muscle & outline, 2.0 * radius * unit))
    return tuple(parts)


def _atrial_septum(plan: Plan, frame: HeartFrame) -> Part:
    unit, gap = frame.unit, _defect(plan, frame)
    end = _COMMON_A - 0.5 * gap if gap else 0.045
    wall = box(
        frame.point(0.5 * (end - 0.33), 0.0, 0.0),
        [0.5 * (end + 0.33) * unit, 0.5 * ATRIAL_SEPTUM * unit, 0.17 * unit],
        frame.matrix[:3, :3],
    )
    atria = union(frame.ellipsoid(*LEFT_ATRIUM), frame.ellipsoid(*RIGHT_ATRIUM))
    septum = wall & atria.offset(0.02 * unit)
    a, z, radius = _FORAMEN
    if not gap:
        septum -= capsule(frame.point(a, -0.1, z), frame.point(a, 0.1, z), radius * unit)
    return Part("fetal_myocardium", septum, ATRIAL_SEPTUM * unit)


def _flap(frame: HeartFrame) -> Part:
    """The flap of the foramen ovale, a sail that bulges into the left atrium."""
    length, bulge, thickness = _FLAP
    a, z, _ = _FORAMEN
    sail = frame.ellipsoid((a, 0.0, z), (length, bulge, length))
    half = 0.5 * thickness * frame.unit
    left = frame.behind((0.0, -0.012, 0.0), (0.0, 1.0, 0.0))
    attached = frame.behind((a + 0.055, 0.0, 0.0), (1.0, 0.0, 0.0))
    sheet = intersect(sail.offset(half), left, attached) - sail.offset(-half)
    return Part("fetal_foramen_flap", sheet, 2.0 * half)
