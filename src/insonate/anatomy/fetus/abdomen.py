"""The abdomen of the fetus: its cavity, liver, stomach, spleen, bowel and bladder."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.abdominal_vessels import portal_sinus, vena_cava
from insonate.anatomy.fetus.diaphragm import CLEARANCE, body_cavity, diaphragm_dome, trunk_core
from insonate.anatomy.fetus.joints import limbs
from insonate.anatomy.fetus.kidneys import kidney
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.spine import vertebra
from insonate.anatomy.implicit import (
    Part,
    Shape,
    capsule,
    ellipsoid,
    half_space,
    intersect,
    sphere,
    subtract,
    sweep,
    tube,
    union,
)

__all__ = [
    "BLADDER",
    "DUODENUM",
    "GALLBLADDER",
    "STOMACH",
    "abdomen_parts",
    "abdominal_cavity",
    "duodenum_diameter",
    "stomach_parts",
    "stomach_radii",
]

#: Places as (s, u, v) (E, checked to close from 14 to 40 weeks).
STOMACH = (0.565, 0.46, 0.0)
GALLBLADDER = (0.62, -0.36, 0.42)
BLADDER = (0.90, 0.0, 0.30)
SPLEEN = (0.56, 0.70, -0.38)
DUODENUM = (0.572, -0.43, -0.20)
#: Semi-axes of the stomach over its equivalent radius, left and posterior (E).
_STOMACH_ASPECT = (0.95, 1.0 / 0.95)
#: Of the spleen over R (E).
_SPLEEN = (0.16, 0.22, 0.35)
#: How much an obstructed stomach is wider.
_DILATED = 1.4
#: The liver's lower edge runs through these two (E).
_LIVER_EDGE = ((0.74, -0.90, 0.0), (0.60, 0.80, 0.0))
#: Behind this line, seen from below, lies the stomach, not the left lobe: (u, v) (E).
_LEFT_LOBE = ((0.0, -0.30), (0.95, 0.15))
#: The muscles around the spine over R: half-width, half-depth, behind the bodies (E).
_BACK = (0.36, 0.30, 0.14)
#: Levels at which the wall's muscle begins and ends, and the way that leads out of it.
_WALL_ENDS = ((0.48, 1.0), (0.83, -1.0))
#: Room of the small bowel (E): middle and half of its s and v, half-width u.
_COILS_S, _COILS_V, _COILS_U = (0.755, 0.085), (0.27, 0.36), 0.54
#: Course of the colon, caecum to rectum, (s, u, v) (E).
_COLON = (
    (0.785, -0.60, -0.05),
    (0.750, -0.64, 0.00),
    (0.735, -0.50, 0.25),
    (0.715, -0.20, 0.48),
    (0.690, 0.20, 0.50),
    (0.660, 0.55, 0.28),
    (0.640, 0.70, -0.08),
    (0.680, 0.72, -0.20),
    (0.740, 0.66, -0.20),
    (0.790, 0.52, -0.20),
    (0.830, 0.28, -0.12),
    (0.865, 0.05, -0.16),
    (0.905, 0.00, -0.20),
    (0.940, 0.00, -0.12),
)

Vector = NDArray[np.float64]


def abdomen_parts(plan: Plan) -> tuple[Part, ...]:
    """All but stomach, kidneys and vessels, in painter's order."""
    cavity = abdominal_cavity(plan)
    return (
        Part("fetal_back_muscle", _back(plan)),
        Part("fetal_abdominal_muscle", _wall(plan)),
        Part("fetal_abdomen", cavity),
        *_bowel(plan),
        Part("fetal_liver", _liver(plan, cavity)),
        Part("fetal_spleen", _spleen(plan) & cavity),
        *_gallbladder(plan),
        *_bladder(plan),
    )


def abdominal_cavity(plan: Plan) -> Shape:
    """Between the diaphragm, the wall, the back and the pelvic floor; it yields to the thighs."""
    trunk, r = plan.trunk, plan.sizes.trunk_radius
    floor = half_space(trunk.centre(0.955), -trunk.axes(0.955)[:, 2])
    whole = (body_cavity(plan) - diaphragm_dome(plan)) & floor
    return subtract(whole, _thighs(plan), _back(plan), blend=0.08 * r)


def _thighs(plan: Plan) -> Shape:
    """Room for the bones of the thighs, which begin inside of the trunk's outline."""
    radius = 1.2 * plan.sizes["shaft_diameter"] + 0.06 * plan.sizes.trunk_radius
    legs = [limb.upper for limb in limbs(plan)[2:]]
    return union(*(capsule(leg.start, leg.end, radius) for leg in legs))


def _back(plan: Plan) -> Shape:
    """The muscles on both sides of the spine, with the crura of the diaphragm."""
    r, trunk = plan.sizes.trunk_radius, plan.trunk
    a, b, behind = (k * r for k in _BACK)
    at = [vertebra(plan, s) for s in np.linspace(0.26, 0.90, 17)]
    scale = [min(1.0, trunk.half(s)[0] / (0.9 * r)) for s in np.linspace(0.26, 0.90, 17)]
    muscle = sweep(
        [v.point(0.0, behind) for v in at],
        [v.frame[:3, :3] for v in at],
        [(a * k, b * k) for k in scale],
        (0.5 * b, 0.5 * b),
    )
    return muscle & trunk_core(plan).offset(-CLEARANCE)


def _wall(plan: Plan) -> Shape:
    """The muscles of the abdominal wall, and between the lower ribs."""
    trunk = plan.trunk
    upper, lower = (half_space(trunk.centre(s), way * trunk.axes(s)[:, 2]) for s, way in _WALL_ENDS)
    wall = trunk_core(plan).offset(-CLEARANCE) - body_cavity(plan)
    return intersect(wall, upper, lower) - _thighs(plan)


def _liver(plan: Plan, cavity: Shape) -> Shape:
    """Below the diaphragm, above an edge that rises to the left, in front of the stomach."""
    trunk, r = plan.trunk, plan.sizes.trunk_radius
    right, left = (trunk.point(*row) for row in _LIVER_EDGE)
    along = left - right
    posterior = trunk.axes(0.67)[:, 1]
    caudal = np.cross(along, posterior)
    caudal *= -np.sign(caudal @ trunk.axes(0.67)[:, 2])
    edge = half_space(right, caudal)
    axes = trunk.axes(0.565)
    a, b = (trunk.point(0.565, *uv) for uv in _LEFT_LOBE)
    behind = np.cross(axes[:, 2], b - a)
    lobes = union(
        half_space(trunk.point(0.565, 0.0, 0.0), axes[:, 0]), half_space(a, behind), blend=0.1 * r
    )
    return intersect(cavity, edge, lobes, blend=0.10 * r)


def _spleen(plan: Plan) -> Shape:
    r = plan.sizes.trunk_radius
    frame = plan.trunk.frame(*SPLEEN)
    # its long axis follows the tenth rib: from behind and above to the front and below
    return ellipsoid(frame[:3, 3], np.array(_SPLEEN) * r, frame[:3, :3] @ _turned_x(0.35))


def _gallbladder(plan: Plan) -> list[Part]:
    """A pear, its fundus to the front and to the right."""
    length, width = plan.sizes["gallbladder_length"], plan.sizes["gallbladder_width"]
    frame = plan.trunk.frame(*GALLBLADDER)
    way = frame[:3, :3] @ np.array([-0.45, -0.85, -0.25])
    way /= np.linalg.norm(way)
    radius = 0.5 * width
    neck = frame[:3, 3] - way * (0.5 * length - 0.5 * radius)
    fundus = frame[:3, 3] + way * (0.5 * length - radius)
    pear = capsule(neck, fundus, 0.5 * radius, radius)
    return [Part("fetal_gallbladder", pear)]


def stomach_radii(plan: Plan) -> Vector:
    """Semi-axes of the stomach bubble, left, posterior and along `(3,)` [mm]; 0 if it is absent."""
    radius = 0.5 * plan.sizes["stomach_diameter"]
    scale = (1.0 - plan.finding("absent_stomach")) ** (1.0 / 3.0)
    if plan.finding("double_bubble"):
        scale *= _DILATED
    radii = scale * np.array(
        [
            radius * _STOMACH_ASPECT[0],
            radius * _STOMACH_ASPECT[1],
            0.5 * plan.sizes["stomach_length"],
        ]
    )
    return radii if radii[0] > 0.03 * plan.sizes.trunk_radius else np.zeros(3)


def duodenum_diameter(plan: Plan) -> float:
    """Diameter of the second bubble [mm], 0 without the finding."""
    radii = stomach_radii(plan)
    return plan.finding("double_bubble") * 2.0 * math.sqrt(radii[0] * radii[1])


def stomach_parts(plan: Plan) -> tuple[Part, ...]:
    """The bubble, and a second one in the duodenum if that is closed; painted over the vessels."""
    radii, r = stomach_radii(plan), plan.sizes.trunk_radius
    if not radii[0]:
        return ()
    frame, room = plan.trunk.frame(*STOMACH), diaphragm_dome(plan).offset(0.05 * r)
    bubble = ellipsoid(frame[:3, 3], radii, frame[:3, :3] @ _turned_x(-0.18))
    return (*_duodenum(plan, frame[:3, 3], room), Part("fetal_stomach", bubble - room))


def _duodenum(plan: Plan, stomach: Vector, room: Shape) -> tuple[Part, ...]:
    """The second bubble, with the way to the middle of the first; slack, it yields to vessels."""
    radius, r = 0.5 * duodenum_diameter(plan), plan.sizes.trunk_radius
    if not radius:
        return ()
    at = plan.trunk.point(*DUODENUM)
    bubble = sphere(at, radius) | capsule(stomach, at, 0.05 * r)
    firm = portal_sinus(plan) | vena_cava(plan) | kidney(plan, "right").shape()
    return (Part("fetal_duodenum", subtract(bubble, firm.offset(0.03 * r), room)),)


def _bladder(plan: Plan) -> list[Part]:
    r, radius = plan.sizes.trunk_radius, 0.5 * plan.sizes["bladder_diameter"]
    frame = plan.trunk.frame(*BLADDER)
    urine = ellipsoid(frame[:3, 3], (radius, radius, 1.1 * radius), frame[:3, :3])
    return [Part("fetal_bladder_wall", urine.offset(0.045 * r)), Part("fetal_bladder", urine)]


def _bowel(plan: Plan) -> list[Part]:
    """Coils in the middle, and the colon around them as soon as they can be told apart."""
    r, parts = plan.sizes.trunk_radius, []
    small, colon = plan.sizes["small_bowel"], plan.sizes["colon"]
    room = body_cavity(plan).offset(-0.02 * r) - _thighs(plan)
    if small:
        coils = tube(_coils(plan), 0.5 * small)
        parts.append(Part("fetal_small_bowel", coils & room))
    if colon:
        line = plan.trunk.path(_COLON, 40)
        wall = 0.03 * r
        haustra = tube(line, 0.5 * colon).rippled(0.07 * colon, 1.5 * colon)
        parts.append(Part("fetal_colon_wall", haustra & room))
        parts.append(Part("fetal_colon", haustra.offset(-wall) & room))
    return parts


def _coils(plan: Plan) -> Vector:
    """A path that winds through the lower abdomen and never repeats `(points, 3)` [mm]."""
    t = np.linspace(0.0, 2.0 * np.pi, 200)
    phase = 0.8 * plan.vary("bowel")
    (middle_s, half_s), (middle_v, half_v) = _COILS_S, _COILS_V
    s = middle_s + half_s * np.sin(5.0 * t + 0.4 + phase)
    width = _COILS_U - 3.4 * np.maximum(s - middle_s, 0.0)
    u = width * np.sin(8.0 * t + phase)
    v = middle_v + half_v * np.sin(11.0 * t + 1.1 + 2.0 * phase)
    return plan.trunk.points(np.stack([s, u, v], axis=1))


def _turned_x(angle: float) -> Vector:
    """Rotation about the first axis `(3, 3)` by `angle` [rad]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
