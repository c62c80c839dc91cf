"""Bones of the pelvis and the lumbar spine, and the psoas muscles on their sides."""

from __future__ import annotations

import math

import numpy as np

from insonate.anatomy.implicit import (
    Group,
    Part,
    Shape,
    box,
    ellipsoid,
    half_space,
    intersect,
    sweep,
    union,
)
from insonate.anatomy.mother.plan import (
    SYMPHYSIS_HEIGHT,
    SYMPHYSIS_LEAN,
    SYMPHYSIS_THICKNESS,
    MotherPlan,
)
from insonate.anatomy.mother.room import carve, cones, mirrored

__all__ = [
    "PELVIS_TISSUES",
    "bone_shape",
    "pelvis_groups",
    "psoas_free",
    "psoas_shape",
    "pubic_shape",
]

PELVIS_TISSUES = {
    "maternal_bone": "cortical_bone_adult",
    "maternal_trabecular_bone": "trabecular_bone",
    "symphysis_cartilage": "cartilage_adult",
    "intervertebral_disc": "cartilage_adult",
    "psoas_muscle": "muscle_abdominal",
}

#: All bones (E, after the diameters of the inlet: conjugate 110, transverse 130-135 mm, S).
#: Thickness of the compact bone [mm].
_CORTEX = 2.6
#: Lattice of the bones, relative to the whole: the compact bone is to stay whole.
_FINENESS = 3.0
#: Half the width of the symphysis' disc [mm].
_DISC = 2.5
#: Tubes of the left hip bone: points and radii [mm].
_UPPER_RAMUS = (((14, 12, -9), (42, 16, 1), (66, 32, 8), (86, 52, 14)), (9, 7.5, 10, 19))
_LOWER_RAMUS = (((12, 24, -26), (28, 44, -50), (50, 78, -72)), (7.5, 6.5, 13))
_ISCHIUM = (((50, 78, -72), (70, 80, -35), (86, 58, 12)), (15, 14, 20))
#: The wing of the ilium: a shell, and what it is cut to (centre, radii) [mm].
_WING = ((25.0, 60.0, 140.0), (110.0, 100.0, 150.0))
_WING_EDGE = ((90.0, 84.0, 42.0), (130.0, 66.0, 84.0))
_WING_THICKNESS = 8.0
#: Below this plane (point, normal) there is no wing: the brim and the sciatic notch.
_BRIM = ((0.0, 45.0, 10.0), (0.0, 0.6, -0.8))
#: Sacrum: front (y, z), half-width, half-depth of its sections [mm], from S1 to the coccyx.
_SACRUM = (
    (88.0, 84.0, 50.0, 21.0),
    (108.0, 72.0, 52.0, 19.0),
    (126.0, 54.0, 48.0, 16.0),
    (137.0, 32.0, 39.0, 13.0),
    (136.0, 14.0, 28.0, 10.0),
    (126.0, -2.0, 14.0, 7.0),
)
#: Lumbar vertebrae, fifth to first: height of their middle, and lean [deg].
_LUMBAR = ((106.0, 14.0), (140.0, 2.0), (175.0, -7.0), (210.0, -13.0), (245.0, -14.0))
_BODY = (23.0, 16.5, 13.0)
#: Psoas of the left side: (x, depth behind the spine's front, z), radius [mm].
_PSOAS = (
    (
        (34, 105, 245),
        (41, 97, 200),
        (47, 94, 150),
        (54, 84, 105),
        (62, 56, 62),
        (68, 26, 26),
        (70, 26, -24),
    ),
    (9, 15, 19, 20, 18, 13, 11),
)


def _hip(side: float) -> Shape:
    return union(_wing(side), *_pubis(side), blend=6.0)


def _pubis(side: float) -> list[Shape]:
    """Pubic bone and ischium, piece by piece."""
    body = box(
        mirrored((12.0, *_symphysis()[1:]), side),
        (9.5, 0.5 * SYMPHYSIS_THICKNESS, 0.5 * SYMPHYSIS_HEIGHT),
        _leaning(SYMPHYSIS_LEAN),
        rounding=4.0,
    )
    tubes = (_UPPER_RAMUS, _LOWER_RAMUS, _ISCHIUM)
    return [body, *(p for at, radii in tubes for p in cones(mirrored(at, side), radii))]


def _wing(side: float) -> Shape:
    (centre, radii), (edge, edge_radii) = _WING, _WING_EDGE
    outer = ellipsoid(mirrored(centre, side), radii)
    shell = outer - outer.offset(-_WING_THICKNESS)
    return intersect(
        shell,
        ellipsoid(mirrored(edge, side), edge_radii),
        half_space((side * 46.0, 0.0, 0.0), (-side, 0.0, 0.0)),
        half_space(*_BRIM),
        blend=5.0,
    )


def _symphysis() -> np.ndarray:
    return MotherPlan(None).symphysis


def _leaning(angle: float) -> np.ndarray:
    """Axes `(3, 3)`: left, posterior and up, the upper end leaning forwards by `angle` [rad]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _sacrum() -> Shape:
    front = np.array(_SACRUM)
    way = np.gradient(front[:, :2], axis=0)
    way /= np.linalg.norm(way, axis=1)[:, None]
    back = np.stack([way[:, 1] * -1.0, way[:, 0]], axis=1)
    back *= np.sign(back[:, :1]) + (back[:, :1] == 0.0)
    frames = np.zeros((len(front), 3, 3))
    frames[:, 0, 0] = 1.0
    frames[:, 1:, 1], frames[:, 1:, 2] = back, way
    centres = np.zeros((len(front), 3))
    centres[:, 1:] = front[:, :2] + back * front[:, 3:]
    return sweep(centres, frames, front[:, 2:], (4.0, 8.0))


def _vertebra(plan: MotherPlan, height: float, lean: float) -> list[Shape]:
    """Body, arch, spinous and transverse processes of a lumbar vertebra."""
    axes = _leaning(math.radians(lean))
    front = np.array([0.0, plan.spine_front(height), height])
    back = front + axes[:, 1] * 50.0
    body = box(front + axes[:, 1] * _BODY[1], _BODY, axes, rounding=7.0)
    spine = cones([back, back + axes @ np.array([0.0, 9.0, -7.0])], (5.0, 4.0))
    sides = []
    for side in (1.0, -1.0):
        root = front + axes @ np.array([side * 14.0, 33.0, 3.0])
        tip = front + axes @ np.array([side * 38.0, 40.0, 3.0])
        joint = front + axes @ np.array([side * 17.0, 43.0, -3.0])
        sides += cones([root, joint, back], (5.0, 7.0, 5.0))
        sides += cones([root, tip], (4.5, 3.5))
    return [body, *spine, *sides]


def _spine(plan: MotherPlan) -> Shape:
    return union(*(piece for row in _LUMBAR for piece in _vertebra(plan, *row)))


def _discs(plan: MotherPlan) -> Shape:
    """A column behind the front of the spine; the vertebrae are painted over it."""
    heights = [88.0, *(row[0] for row in _LUMBAR)]
    at = [(0.0, plan.spine_front(z) + _BODY[1] + 1.0, z) for z in heights]
    return union(*cones(at, _BODY[1] - 1.5))


def bone_shape(plan: MotherPlan) -> Shape:
    """All bones, with the discs between them, as if there were no uterus."""
    return union(_hip(1.0), _hip(-1.0), _sacrum(), _spine(plan), _discs(plan), _symphysis_disc())


def pubic_shape() -> Shape:
    """The bones around the bladder: pubic bones, ischia, symphysis."""
    return union(*_pubis(1.0), *_pubis(-1.0), _symphysis_disc(), blend=6.0)


def _symphysis_disc() -> Shape:
    half = (_DISC + 1.0, 0.5 * SYMPHYSIS_THICKNESS - 1.0, 0.5 * SYMPHYSIS_HEIGHT - 1.0)
    return box(_symphysis(), half, _leaning(SYMPHYSIS_LEAN), rounding=2.0)


def pelvis_groups(plan: MotherPlan, uterus: Shape | None, psoas: Shape) -> tuple[Group, ...]:
    """Bones, what is inside them, and both psoas muscles.

    Args:
        plan: of the mother.
        uterus: its outer surface.
        psoas: both muscles, as `psoas_shape` gives them.
    """
    hips, sacrum, spine = union(_hip(1.0), _hip(-1.0)), _sacrum(), _spine(plan)
    soft = carve(_discs(plan), uterus, gap=2.0)
    bones = carve(union(sacrum, spine, hips), uterus, gap=2.0)
    parts = (
        Part("intervertebral_disc", soft),
        Part("symphysis_cartilage", carve(_symphysis_disc(), uterus, gap=2.0)),
        Part("maternal_bone", bones, 8.0),
    )
    return (
        Group("maternal_bones", "peritoneal_fat", parts, _FINENESS),
        Group(
            "maternal_trabecular_bone",
            "maternal_bone",
            (Part("maternal_trabecular_bone", bones.offset(-_CORTEX), 3.5),),
            _FINENESS,
        ),
        Group("psoas_muscles", "peritoneal_fat", (Part("psoas_muscle", psoas),), 3.4),
    )


def psoas_shape(*others: Shape | None) -> Shape:
    """Both psoas muscles, from the first lumbar vertebra over the brim of the pelvis.

    Args:
        others: what they make room for.
    """
    return carve(psoas_free(), *others, gap=1.0, blend=2.0)


def psoas_free() -> Shape:
    """Both psoas muscles as if they were alone."""
    points, radii = _PSOAS
    pieces = [piece for side in (1.0, -1.0) for piece in cones(mirrored(points, side), radii)]
    return union(*pieces, blend=4.0)
