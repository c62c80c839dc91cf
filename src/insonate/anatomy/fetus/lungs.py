"""What fills the chest around the heart: lungs, thymus, airway, gullet, diaphragm."""

from __future__ import annotations

import numpy as np

from insonate.anatomy.fetus.diaphragm import RIM_S, diaphragm_dome, wall_depth
from insonate.anatomy.fetus.heart import DIAPHRAGM
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, ellipsoid, half_space, intersect, tube, union

__all__ = ["airway_parts", "chest_room", "diaphragm_part", "lung_parts", "thorax"]

#: Level at which the chest's cavity begins to close towards the neck (E).
_TOP_S = 0.27
#: The lungs meet at this u behind the heart (E).
_MIDLINE_U = 0.02
#: What lies between the lungs in front of the spine: s, v, half-width over R (E).
_COLUMN = (
    (0.20, -0.20, 0.24), (0.28, -0.22, 0.24), (0.36, -0.36, 0.17), (0.44, -0.40, 0.15),
    (0.56, -0.42, 0.15),
)  # fmt: skip
#: The same in front, behind the breastbone: s, u, v, radii over R (E).
_FRONT = (0.29, -0.02, 0.38, (0.36, 0.50, 0.42))
#: Thymus: s, v, semi-axes over the heart's diameter (E).
_THYMUS = (0.292, 0.52, (0.42, 0.17, 0.33))
#: Airway and gullet: s, u, v along the middle line; radius over R; wall over R (E).
_TRACHEA = ((0.17, -0.02, -0.14), (0.24, -0.05, -0.20), (0.31, -0.06, -0.24), (0.325, -0.06, -0.24))
_BRONCHI = (
    ((0.322, -0.06, -0.24), (0.345, 0.14, -0.21), (0.365, 0.30, -0.18)),
    ((0.322, -0.06, -0.24), (0.345, -0.18, -0.24), (0.365, -0.34, -0.24)),
)
_GULLET = ((0.17, 0.03, -0.28), (0.30, 0.0, -0.34), (0.36, -0.04, -0.36), (0.47, -0.04, -0.36))
_AIRWAY_RADIUS, _GULLET_RADIUS, _AIRWAY_WALL = 0.030, 0.026, 0.018


def thorax(plan: Plan) -> Shape:
    """The cavity of the chest, closed at the neck, open to the abdomen."""
    return plan.trunk.outline(_TOP_S, RIM_S).offset(-wall_depth(plan))


def chest_room(plan: Plan) -> Shape:
    """The cavity of the chest down to the diaphragm's upper side."""
    return thorax(plan) & diaphragm_dome(plan).offset(-DIAPHRAGM * plan.sizes.trunk_radius)


def diaphragm_part(plan: Plan) -> Part:
    """The diaphragm, a thin dome of muscle."""
    thickness = DIAPHRAGM * plan.sizes.trunk_radius
    dome = diaphragm_dome(plan)
    return Part("fetal_diaphragm", (thorax(plan) & dome) - dome.offset(-thickness), thickness)


def lung_parts(plan: Plan) -> tuple[Part, ...]:
    """Tissue between the lungs, and both lungs."""
    room, between = chest_room(plan), _between(plan)
    trunk = plan.trunk
    origin, left = trunk.point(0.40, _MIDLINE_U, 0.0), trunk.axes(0.40)[:, 0]
    return (
        Part("fetal_mediastinum", room),
        Part("fetal_lung_right", intersect(room, half_space(origin, left)) - between),
        Part("fetal_lung_left", intersect(room, half_space(origin, -left)) - between),
    )


def _between(plan: Plan) -> Shape:
    radius, trunk = plan.sizes.trunk_radius, plan.trunk
    column = tube(
        [trunk.point(s, 0.02, v) for s, v, _ in _COLUMN], [r * radius for *_, r in _COLUMN]
    )
    s, u, v, radii = _FRONT
    front = ellipsoid(trunk.point(s, u, v), np.array(radii) * radius, trunk.axes(s))
    return union(column, front, blend=0.15 * radius)


def thymus_part(plan: Plan) -> Part:
    """The thymus, in front of the three vessels."""
    s, v, radii = _THYMUS
    trunk, size = plan.trunk, plan.sizes.heart_diameter
    body = ellipsoid(trunk.point(s, 0.0, v), np.array(radii) * size, trunk.axes(s))
    return Part("fetal_thymus", body & chest_room(plan).offset(-0.02 * size))


def airway_parts(plan: Plan) -> tuple[Part, ...]:
    """Windpipe with its first branches, filled with fluid, and the collapsed gullet."""
    radius = plan.sizes.trunk_radius
    points = plan.trunk.points
    bore, wall = _AIRWAY_RADIUS * radius, _AIRWAY_WALL * radius
    airway = union(
        tube(points(_TRACHEA), bore),
        *(tube(points(branch), [bore, 0.8 * bore, 0.6 * bore]) for branch in _BRONCHI),
    )
    gullet = tube(points(_GULLET), _GULLET_RADIUS * radius)
    room = thorax(plan)
    return (
        Part("fetal_oesophagus", gullet & room, 2.0 * _GULLET_RADIUS * radius),
        Part("fetal_trachea_wall", airway.offset(wall) & room, wall),
        Part("fetal_trachea", airway & room.offset(-wall)),
    )
