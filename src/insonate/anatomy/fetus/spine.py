"""Spine, ribs and sternum of the fetus.

A vertebra is cartilage with three centres of bone: one in the body, one in each half of the
arch. They appear in an order that dates the fetus; what is not yet bone lets sound through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.diaphragm import CLEARANCE, rib_depth, trunk_core
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.trunk_frame import SPINE_V
from insonate.anatomy.implicit import Part, Shape, capsule, ellipsoid, sweep, tube, union

__all__ = [
    "Vertebra",
    "conus",
    "rib_line",
    "spine_parts",
    "thorax_parts",
    "vertebra",
    "vertebra_s",
]

#: Vertebrae by region: letter, number, pitch over the length of the spine (E, order S).
REGIONS = (("C", 7, 0.0286), ("T", 12, 0.035), ("L", 5, 0.048), ("S", 5, 0.028))
#: Week from which the arch is bone: every arch above L5 by 16 weeks, then one sacral level every
#: 2 to 3 weeks (S Budorick 1991); above L5 one level every 0.7 weeks (E).
_ARCH_WEEKS = {"L5": 16.0, "S1": 19.0, "S2": 22.0, "S3": 24.7, "S4": 27.3, "S5": 30.0}
_BODY_LEAD = 2.0
#: Semi-axes of a body's centre of bone over R, and over the pitch (E).
_BODY = (0.115, 0.085, 0.39)
#: Cartilage around the bodies and around the canal, over R (E).
_CARTILAGE, _ARCH_CARTILAGE = 0.030, 0.045
#: Half-thickness of an arch over R and half-height over the pitch (E).
_ARCH = (0.030, 0.30)
#: Where an arch touches the canal, behind its side [degrees]; its half-length over the canal's
#: half-width and half-depth (E).
_ARCH_ANGLE, _ARCH_LENGTH = 28.0, 0.43
#: Between body and canal, over R; the arch's room behind the canal, over R (E).
_GAP, _BEHIND = 0.012, 0.046
#: Depth over width of the canal (E: 0.75, less where the canal is wide for the trunk).
_CANAL_DEPTH, _CANAL_MOST = 0.72, 0.088
#: Size of vertebrae over that of the lumbar ones: at s (E).
_SCALE_S = (0.0, 0.10, 0.20, 0.45, 0.70, 0.86, 0.93, 1.0)
_SCALE = (0.74, 0.76, 0.80, 0.92, 1.0, 0.95, 0.70, 0.42)
#: Width of the canal over that in the lumbar spine: at s (E).
_CANAL_S = (0.0, 0.12, 0.25, 0.50, 0.70, 0.86, 0.94, 1.0)
_CANAL = (1.0, 1.0, 0.85, 0.85, 1.0, 0.85, 0.60, 0.40)
#: Where the first vertebra begins; above is the room of the skull's base.
_FIRST_S, _LAST_S = 0.025, 0.985
#: Between skull and spine [mm], and the level above which the head can be in the way.
_UNDER_SKULL, _NECK_S = 1.0, 0.15
#: The sacrum's tip bends forwards by this over R, from this level on (E).
_TAIL, _TAIL_S = 0.16, 0.86
#: Iliac wings (E): place, semi-axes over R, turn about the axis of the trunk [rad].
_ILIUM, _ILIUM_RADII, _ILIUM_TURN = (0.832, 0.47, -0.34), (0.03, 0.13, 0.14), 0.6
#: How far a rib sinks on its way to the front, over the spine's length (E).
_RIB_DROP = 0.050
#: Angle from the back at which the bone of ribs 1 to 12 ends [degrees] (E).
_RIB_END = (138, 142, 143, 143, 142, 140, 138, 132, 124, 115, 85, 60)
#: Width of the upper ribs over that of the trunk (E).
_RIB_WIDTH = (0.62, 0.78, 0.89, 0.96)
#: Angle from the back at which a rib has reached the wall [degrees].
_RIB_ANGLE = 34.0

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Vertebra:
    """Where a vertebra lies and how large it is, at one level of the spine.

    Attributes:
        frame: left, posterior, cranial in the middle of its body `(4, 4)` [mm].
        body: semi-axes of the body's bone, left and posterior [mm].
        canal: semi-axes of the canal, left and posterior [mm].
        behind: from the middle of the body to that of the canal [mm].
    """

    frame: Vector
    body: tuple[float, float]
    canal: tuple[float, float]
    behind: float

    def point(self, x: float, y: float, z: float = 0.0) -> Vector:
        """Position `(3,)` [mm] of left, posterior, cranial [mm] from the middle of the body."""
        return (self.frame @ np.array([x, y, z, 1.0]))[:3]


def vertebra_s(name: str) -> float:
    """Level s of the middle of a vertebra such as "T12"."""
    return next(s for n, s, _ in _levels() if n == name)


def _levels() -> Iterator[tuple[str, float, float]]:
    """Name, level s, and pitch over the spine's length of all vertebrae."""
    top = 0.0
    for letter, count, pitch in REGIONS:
        for k in range(count):
            yield f"{letter}{k + 1}", top + pitch * (k + 0.5), pitch
        top += pitch * count


def vertebra(plan: Plan, s: float) -> Vertebra:
    """The vertebra at level `s`; the skin, not the frame, says how far back it can lie."""
    r, trunk = plan.sizes.trunk_radius, plan.trunk
    scale = float(np.interp(s, _SCALE_S, _SCALE))
    half_canal = 0.5 * plan.sizes["canal_width"] * float(np.interp(s, _CANAL_S, _CANAL))
    body = (_BODY[0] * r * scale, _BODY[1] * r * scale)
    canal = (half_canal, min(_CANAL_DEPTH * half_canal, _CANAL_MOST * r))
    behind = body[1] + _GAP * r + canal[1]
    depth = plan.sizes["skin"] + plan.sizes["wall_fat"] + CLEARANCE
    b = trunk.half(s)[1]
    # an arch is as high as a third of the pitch, and the neck narrows upwards
    room = min(b, trunk.half(s - _ARCH[1] * REGIONS[1][2])[1]) - depth
    y = min(-SPINE_V * b, room - _BEHIND * r - canal[1] - behind)
    y -= _TAIL * r * max(s - _TAIL_S, 0.0) ** 2 / (1.0 - _TAIL_S) ** 2
    return Vertebra(trunk.frame(s, 0.0, -y / b), body, canal, behind)


def conus(plan: Plan) -> float:
    """Level s at which the spinal cord ends; it rises with age."""
    level = plan.sizes["conus_level"]
    first, last = vertebra_s("L1"), vertebra_s("L5")
    return first + (level - 1.0) * (last - first) / 4.0


def is_bone(name: str, weeks: float, arch: bool) -> bool:
    """Whether a centre of ossification of vertebra `name` shows at `weeks`."""
    first = _ARCH_WEEKS.get(name)
    if first is None:
        names = [n for n, *_ in _levels()]
        first = _ARCH_WEEKS["L5"] - 0.7 * (names.index("L5") - names.index(name))
    return weeks >= first - (0.0 if arch else _BODY_LEAD)


def spine_parts(plan: Plan) -> tuple[Part, ...]:
    """Cartilage, canal, cord and bone, in painter's order."""
    r = plan.sizes.trunk_radius
    at = [vertebra(plan, s) for s in np.linspace(_FIRST_S, _LAST_S, 33)]
    inner, head = trunk_core(plan).offset(-CLEARANCE), _head(plan)
    column = _column(at, lambda v: (v.body[0] + _CARTILAGE * r, v.body[1] + _CARTILAGE * r))
    canal = _column(at, lambda v: v.canal, canal=True)
    arches = canal.offset(_ARCH_CARTILAGE * r) & inner
    parts = [
        Part("fetal_spinal_cartilage", (column & inner) - head),
        Part("fetal_spinal_cartilage", arches - head),
        Part("fetal_spinal_canal", (canal & inner.offset(-0.02 * r)) - head),
        Part("fetal_spinal_cord", _cord(plan) - head, plan.sizes["spinal_cord_diameter"]),
    ]
    for name, s, pitch in _levels():
        if s > _FIRST_S:
            bones = _bones(plan, name, vertebra(plan, s), pitch * plan.trunk.length)
            parts += [
                Part("fetal_vertebrae", bone - head if s < _NECK_S else bone) for bone in bones
            ]
    return (*parts, *_ilia(plan))


def _ilia(plan: Plan) -> list[Part]:
    """The bone of the iliac wings: plates that open to the front and to the side."""
    r, (s, u, v) = plan.sizes.trunk_radius, _ILIUM
    parts = []
    for side in (1.0, -1.0):
        frame = plan.trunk.frame(s, side * u, v)
        c, d = math.cos(_ILIUM_TURN), -side * math.sin(_ILIUM_TURN)
        turn = np.array([[c, d, 0.0], [-d, c, 0.0], [0.0, 0.0, 1.0]])
        plate = ellipsoid(frame[:3, 3], np.array(_ILIUM_RADII) * r, frame[:3, :3] @ turn)
        parts.append(Part("fetal_ilium", plate, 2.0 * _ILIUM_RADII[0] * r))
    return parts


def _head(plan: Plan) -> Shape:
    """The room of the skull: the spine ends below it."""
    b, f = plan.sizes.half_width, plan.sizes.half_length
    radii = np.array([b, f, 0.90 * b]) + _UNDER_SKULL
    return ellipsoid(plan.head[:3, 3], radii, plan.head[:3, :3])


def _column(at: list[Vertebra], half, canal: bool = False) -> Shape:
    """A sweep down the spine, along the bodies or along the canal."""
    centres = [v.point(0.0, v.behind if canal else 0.0) for v in at]
    widths = [half(v) for v in at]
    end = min(widths[-1])
    return sweep(centres, [v.frame[:3, :3] for v in at], widths, (0.5 * end, end))


def _cord(plan: Plan) -> Shape:
    """The spinal cord, thinner below its end: the filum is left out."""
    radius = 0.5 * plan.sizes["spinal_cord_diameter"]
    levels = np.linspace(_FIRST_S, conus(plan), 24)
    at = [vertebra(plan, s) for s in levels]
    radii = [
        min(radius * v.canal[0] / (0.5 * plan.sizes["canal_width"]), 0.72 * v.canal[1]) for v in at
    ]
    radii[-2:] = [0.8 * radii[-2], 0.4 * radii[-1]]
    return tube([v.point(0.0, v.behind) for v in at], radii)


def _bones(plan: Plan, name: str, at: Vertebra, pitch: float) -> list[Shape]:
    """The centres of bone as one shape, or nothing."""
    weeks, shapes = plan.sizes.weeks, []
    axes = at.frame[:3, :3]
    if is_bone(name, weeks, arch=False):
        shapes.append(ellipsoid(at.point(0.0, 0.0), (*at.body, _BODY[2] * pitch), axes))
    if is_bone(name, weeks, arch=True):
        shapes += [_arch(plan, at, pitch, side) for side in (1.0, -1.0)]
    return [union(*shapes)] if shapes else []


def _arch(plan: Plan, at: Vertebra, pitch: float, side: float) -> Shape:
    """Half an arch: a plate that touches the canal beside and behind it and leaves its width."""
    thin, angle = _ARCH[0] * plan.sizes.trunk_radius, math.radians(_ARCH_ANGLE)
    w, h = at.canal
    normal = np.array([math.cos(angle) / w, math.sin(angle) / h])
    normal /= np.linalg.norm(normal)
    x, y = np.array([w * math.cos(angle), h * math.sin(angle)]) + thin * normal
    left, posterior, cranial = at.frame[:3, :3].T
    out = side * normal[0] * left + normal[1] * posterior
    axes = np.stack([out, np.cross(cranial, out), cranial], axis=1)
    room = h + _BEHIND * plan.sizes.trunk_radius - y
    most = math.sqrt(max(room**2 - (thin * normal[1]) ** 2, 0.0)) / normal[0]
    radii = (thin, min(_ARCH_LENGTH * (w + h), most), _ARCH[1] * pitch)
    return ellipsoid(at.point(side * x, at.behind + y), radii, axes)


def rib_line(plan: Plan, number: int, side: float, points: int = 11) -> Vector:
    """Centres along the bone of rib 1 to 12 `(points, 3)` [mm].

    Args:
        plan: of the fetus.
        number: 1 is the uppermost.
        side: +1 left, -1 right.
        points: how many.
    """
    end = math.radians(_RIB_END[number - 1])
    angles = np.linspace(0.0, 1.0, points) ** 0.9 * end
    return np.array([_on_rib(plan, number, side, angle) for angle in angles])


def _on_rib(plan: Plan, number: int, side: float, angle: float) -> Vector:
    """A point of a rib: at its vertebra for small angles from the back, then along the wall."""
    level = vertebra(plan, vertebra_s(f"T{number}"))
    at_wall = _on_wall(plan, _rib_s(number, angle), side, angle, _rib_width(number))
    head = level.point(side * (level.body[0] + 0.045 * plan.sizes.trunk_radius), level.body[1])
    near = _ease(min(angle / math.radians(_RIB_ANGLE), 1.0))
    return (1.0 - near) * head + near * at_wall


def _rib_s(number: int, angle: float) -> float:
    return vertebra_s(f"T{number}") + _RIB_DROP * _ease(angle / math.pi)


def _rib_width(number: int) -> float:
    return _RIB_WIDTH[number - 1] if number <= len(_RIB_WIDTH) else 1.0


def _on_wall(plan: Plan, s: float, side: float, angle: float, wide: float) -> Vector:
    """A point at the depth of the ribs, `angle` [rad] from the back of the section at `s`."""
    a, b = plan.trunk.half(s)
    depth = rib_depth(plan)
    x, y = (a - depth) * wide * math.sin(angle), (b - depth) * math.cos(angle)
    return plan.trunk.centre(s) + plan.trunk.axes(s) @ np.array([side * x, y, 0.0])


def _ease(t: float) -> float:
    return t * t * (3.0 - 2.0 * t)


def thorax_parts(plan: Plan) -> tuple[Part, ...]:
    """Costal cartilages, sternum and ribs, in painter's order."""
    width = plan.sizes["rib_diameter"]
    soft, hard = [], []
    for side in (1.0, -1.0):
        for number in range(1, 13):
            line = rib_line(plan, number, side)
            hard.append(Part("fetal_ribs", tube(line, 0.5 * width), width))
            if number <= 10:
                soft.append(_costal_cartilage(plan, number, side))
    return (*soft, *_sternum(plan), *hard)


def _sternum_s(number: float) -> float:
    """Level s at which rib `number` joins the sternum."""
    return vertebra_s("T1") + (number - 1.0) * 0.93 * REGIONS[1][2] + _RIB_DROP


def _costal_cartilage(plan: Plan, number: int, side: float) -> Part:
    """From the end of a rib to the sternum, or to the end of the rib above."""
    width, start = plan.sizes["rib_diameter"], math.radians(_RIB_END[number - 1])
    if number <= 7:
        to = (_sternum_s(number), math.radians(174.0), 1.0)
    else:
        end = math.radians(_RIB_END[number - 2] + 4.0)
        to = (_rib_s(number - 1, end), end, 1.0)
    rows = np.linspace((_rib_s(number, start), start, _rib_width(number)), to, 5)
    line = [_on_wall(plan, s, side, angle, wide) for s, angle, wide in rows]
    return Part("fetal_costal_cartilage", tube(line, 0.5 * width), width)


def _sternum(plan: Plan) -> list[Part]:
    """A bar of cartilage with centres of bone from 20 weeks on, one more every two weeks (E)."""
    width = plan.sizes["rib_diameter"]
    points = [_on_wall(plan, _sternum_s(n), 1.0, math.pi, 1.0) for n in np.linspace(1.0, 7.3, 8)]
    parts = [Part("fetal_costal_cartilage", tube(points, 0.62 * width), 1.2 * width)]
    for k in range(4):
        if plan.sizes.weeks >= 20.0 + 2.0 * k:
            levels = (_sternum_s(1.25 + 1.5 * k + d) for d in (0.0, 0.75))
            a, b = (_on_wall(plan, s, 1.0, math.pi, 1.0) for s in levels)
            parts.append(Part("fetal_sternum", capsule(a, b, 0.55 * width), 1.1 * width))
    return parts
