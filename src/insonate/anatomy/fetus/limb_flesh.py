"""The flesh of arms and legs: where the skin lies, and what is left of it under skin and fat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.hands_feet import digit_capsules
from insonate.anatomy.fetus.joints import Limb
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Shape, capsule, tube, union

__all__ = ["DEPTHS", "Flesh", "flesh", "limb_shape"]

#: Names of the surfaces from outside to inside.
DEPTHS = ("skin", "fat", "core")
#: Radius along a segment over half its nominal diameter (E).
_THIGH = ((0.0, 1.0), (0.35, 1.0), (0.78, 0.80))
_SHANK = ((0.0, 1.0), (0.28, 1.0), (0.65, 0.78), (0.93, 0.60))
_UPPER_ARM = ((0.0, 0.98), (0.40, 1.0), (0.80, 0.90))
_FOREARM = ((0.0, 1.02), (0.25, 1.0), (0.70, 0.82), (0.97, 0.70))
_DIAMETERS = {
    "arm": ("upper_arm_diameter", "forearm_diameter"),
    "leg": ("thigh_diameter", "calf_diameter"),
}
_PROFILES = {"arm": (_UPPER_ARM, _FOREARM), "leg": (_THIGH, _SHANK)}
#: Fat of the limbs over that of the abdominal wall; skin and fat over the radius at most (E).
_FAT_SHARE, _MOST = 0.6, 0.2
#: Fat is at least this thick [mm], so that its two surfaces stay apart.
_FAT_LEAST = 0.25
#: Rounding of the bends over the radius.
_BLEND = 0.3

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Flesh:
    """Arm or leg from shoulder to wrist or hip to ankle as a bent tube.

    Attributes:
        points: `(points, 3)` on its axis [mm].
        radii: of the skin, `(points,)` [mm].
        skin: its thickness, `(points,)` [mm].
        fat: thickness under the skin, `(points,)` [mm].
        along: where the points lie, `(points,)`: 0 is shoulder or hip, 1 elbow or knee, 2 wrist
            or ankle; a share of the segment between.
    """

    points: Vector
    radii: Vector
    skin: Vector
    fat: Vector
    along: Vector

    def at(self, depth: str) -> Vector:
        """Radii `(points,)` [mm] of the surface "skin", "fat" or "core"."""
        under = {"skin": 0.0, "fat": self.skin, "core": self.skin + self.fat}
        return self.radii - under[depth]

    def tube(self, depth: str, deeper: float = 0.0) -> Shape:
        """The surface `depth`, moved inwards by another `deeper` mm."""
        blend = _BLEND * float(self.radii.mean())
        return tube(self.points, np.maximum(self.at(depth) - deeper, 0.05), blend)

    def core_radius(self, along: float) -> float:
        """Radius [mm] of the core: 0 is shoulder or hip, 1 elbow or knee, 2 wrist or ankle."""
        return float(np.interp(along, self.along, self.at("core")))


def flesh(plan: Plan, limb: Limb) -> Flesh:
    """The bent tube of a limb."""
    sizes, points, radii, along = plan.sizes, [], [], []
    segments = (limb.upper, limb.lower)
    rows = zip(segments, _PROFILES[limb.kind], _DIAMETERS[limb.kind], strict=True)
    for k, (segment, profile, diameter) in enumerate(rows):
        points += [segment.point(share) for share, _ in profile]
        radii += [0.5 * sizes[diameter] * wide for _, wide in profile]
        along += [k + share for share, _ in profile]
    thick = np.array(radii)
    skin = np.minimum(sizes["skin"], _MOST * thick)
    fat = np.clip(_MOST * thick, _FAT_LEAST, max(_FAT_LEAST, _FAT_SHARE * sizes["wall_fat"]))
    return Flesh(np.array(points), thick, skin, fat, np.array(along))


def limb_shape(plan: Plan, limb: Limb, depth: str) -> Shape:
    """One limb at "skin", "fat" or "core"; hands and feet are skin around their own flesh."""
    body = flesh(plan, limb).tube(depth)
    if depth != "skin":
        return body
    blend = 0.15 * plan.sizes["forearm_diameter"]
    rows = digit_capsules(limb)
    palm = union(*(capsule(*row) for row in rows.palm), blend=blend)
    digits = [capsule(*row) for row in rows.digits]
    return union(union(body, palm, blend=blend), *digits, blend=0.25 * blend)
