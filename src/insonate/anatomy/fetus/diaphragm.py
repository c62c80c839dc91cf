"""Where the chest ends and the abdomen begins, and the wall around both.

Chest and abdomen are built apart; they agree because both take their cavity and its division
from here: organs of the chest are `& diaphragm_dome(plan)`, those of the abdomen
`- diaphragm_dome(plan)`, and both stay inside `body_cavity(plan)`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Shape, ellipsoid, half_space, union

__all__ = [
    "CLEARANCE",
    "RIM_S",
    "body_cavity",
    "diaphragm_dome",
    "rib_depth",
    "trunk_core",
    "wall_depth",
]

#: Between the soft tissue's surface and whatever lies in it [mm].
CLEARANCE = 0.6
#: Tissue outside and inside of the ribs [mm].
_AROUND_RIBS = 0.25
#: Level at which the diaphragm meets the wall (E).
RIM_S = 0.60
#: Domes (E): u of the top, s of the top, half-width and half-depth over those of the section.
_DOMES = (
    (-0.38, 0.485, 0.56, 0.80),
    (+0.40, 0.495, 0.54, 0.78),
    (+0.00, 0.515, 0.95, 0.95),
)
#: Rounding of the furrows between the domes, over R.
_BLEND = 0.10

Vector = NDArray[np.float64]


def trunk_core(plan: Plan) -> Shape:
    """The trunk without skin and fat, neck left out: the container of its organs."""
    depth = plan.sizes["skin"] + plan.sizes["wall_fat"]
    return plan.trunk.outline().offset(-depth)


def rib_depth(plan: Plan) -> float:
    """Depth of the ribs' centres under the skin's surface [mm]."""
    sizes = plan.sizes
    outside = sizes["skin"] + sizes["wall_fat"] + CLEARANCE + _AROUND_RIBS
    return outside + 0.5 * sizes["rib_diameter"]


def wall_depth(plan: Plan) -> float:
    """Thickness of the wall of chest and abdomen, skin to inside of the ribs [mm]."""
    return rib_depth(plan) + 0.5 * plan.sizes["rib_diameter"] + _AROUND_RIBS


def body_cavity(plan: Plan) -> Shape:
    """Chest and abdomen together: all that lies inside the ribs and the abdominal muscles."""
    return plan.trunk.outline().offset(-wall_depth(plan))


def diaphragm_dome(plan: Plan) -> Shape:
    """All that lies cranial of the diaphragm; the right dome stands higher.

    The diaphragm itself is `dome - dome.offset(t)` seen from the abdomen, `dome -
    dome.offset(-t)` seen from the chest.
    """
    trunk = plan.trunk
    domes = union(*(_dome(plan, *row) for row in _DOMES), blend=_BLEND * plan.sizes.trunk_radius)
    cranial = half_space(trunk.centre(RIM_S), -trunk.axes(RIM_S)[:, 2])
    return cranial - domes


def _dome(plan: Plan, u: float, top: float, width: float, depth: float) -> Shape:
    """An ellipsoid whose lower half lies below the rim and whose top is at `top`."""
    trunk = plan.trunk
    a, b = trunk.half(RIM_S)
    centre, summit = trunk.point(RIM_S, u, 0.0), trunk.point(top, u * 0.95, 0.0)
    height = float(np.linalg.norm(summit - centre))
    return ellipsoid(
        centre, (width * a, depth * b, height), _upright(trunk.axes(RIM_S), summit - centre)
    )


def _upright(axes: Vector, up: Vector) -> Vector:
    """Columns: left, posterior, up `(3, 3)`, the last along `up`, the others near `axes`."""
    z = up / np.linalg.norm(up)
    left = axes[:, 0] - z * (axes[:, 0] @ z)
    left /= np.linalg.norm(left)
    return np.stack([left, np.cross(z, left), z], axis=1)
