"""Arms and legs: outline, groups of parts, planes, landmarks, true lengths.

`settle` a plan first: it moves limbs that would cut the body or each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.diaphragm import trunk_core
from insonate.anatomy.fetus.hands_feet import digit_capsules, small_bones
from insonate.anatomy.fetus.joints import Limb, limbs, shaft_lengths
from insonate.anatomy.fetus.limb_flesh import Flesh, flesh, limb_shape
from insonate.anatomy.fetus.long_bones import clearance, knee_centres, limb_parts, shaft_ends
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.settle import settle
from insonate.anatomy.implicit import Group, Part, Shape, capsule, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.planes import Plane

__all__ = [
    "LIMB_TISSUES",
    "limb_groups",
    "limb_landmarks",
    "limb_outline",
    "limb_planes",
    "limb_truth",
    "settle",
]

#: A shaft that lets sound through where it is thin: its contrast comes from density (E).
_SHAFT = {
    "like": "fetal_long_bone_spine",
    "speed_of_sound": 1900.0,
    "density": 2200.0,
    "attenuation": 6.0,
}
#: The femur is the thickest of them, and throws a shadow (E).
_FEMUR = {**_SHAFT, "attenuation": 16.0, "echogenicity": 20.0}
#: Regions and their tissues.
LIMB_TISSUES: dict[str, str | Mapping[str, Any]] = {
    "fetal_muscle": "fetal_muscle",
    "fetal_cartilage": "fetal_cartilage",
    "fetal_bone": _SHAFT,
    "fetal_femur_left": _FEMUR,
    "fetal_femur_right": _FEMUR,
}
#: Lattice of the bones over that of the fetus.
_FINENESS = 0.7
_FINE = 0.55
#: The beam is across a femur; its shaft is a mirror [rad].
_ACROSS = np.radians(15.0)
#: Skin of palms and soles over their radius at most (E).
_SKIN_MOST = 0.40

Vector = NDArray[np.float64]


def limb_outline(plan: Plan, depth: str) -> Shape:
    """All limbs together.

    Args:
        plan: of the fetus.
        depth: "skin" is the outer surface, "fat" lies under the skin, "core" under the fat;
            hands and feet have skin only.
    """
    return union(*(limb_shape(plan, limb, depth) for limb in limbs(plan)))


def limb_groups(plan: Plan) -> tuple[Group, ...]:
    """Muscle and bones of each limb, and the insides of hands and feet."""
    lengths, groups = shaft_lengths(plan), []
    core = trunk_core(plan)
    for limb in limbs(plan):
        body = flesh(plan, limb)
        parts = limb_parts(plan, limb, body, lengths, _free_from(core, limb, body))
        name = f"fetal_{limb.kind}_{limb.side}"
        groups.append(Group(name, "fetal_soft_tissue", parts, _FINENESS))
        if limb.kind == "leg":
            centres = knee_centres(plan, limb, body, lengths["femur"], parts)
            if centres:
                groups.append(Group(f"fetal_knee_{limb.side}", "fetal_cartilage", centres, _FINE))
        groups.append(_tip_group(plan, limb, body))
    return tuple(groups)


def _free_from(core: Shape, limb: Limb, body: Flesh) -> float:
    """Share of the upper segment from which on its muscle clears the trunk's core."""
    along = np.linspace(0.0, 1.0, 41)
    room = [body.core_radius(share) for share in along]
    gap = distance(core, np.array([limb.upper.point(share) for share in along]))
    cuts = along[gap - np.array(room) < 0.0]
    return float(cuts[-1]) + 0.05 if len(cuts) else 0.0


def _tip_group(plan: Plan, limb: Limb, body: Flesh) -> Group:
    """Flesh and bones of a hand or foot, inside the region of its skin."""
    skin = plan.sizes["skin"]
    rows = digit_capsules(limb).palm
    kept = [(a, b, *(r - min(skin, _SKIN_MOST * r) for r in radii)) for a, b, *radii in rows]
    end = body.tube("fat").offset(clearance(plan))
    bones, thinnest = small_bones(limb)
    palm = union(*(capsule(*row) for row in kept)) - end
    parts = (Part("fetal_muscle", palm), Part("fetal_bone", bones, thinnest))
    name = {"arm": "hand", "leg": "foot"}[limb.kind]
    return Group(f"fetal_{name}_{limb.side}", "fetal_skin", parts, _FINE)


def limb_planes(plan: Plan) -> dict[str, Plane]:
    """Planes along both femora, seen from the outer side of the thigh."""
    length = shaft_lengths(plan)["femur"]
    return {
        f"femur_{limb.side}": _femur_plane(limb, length)
        for limb in limbs(plan)
        if limb.kind == "leg"
    }


def _femur_plane(limb: Limb, length: float) -> Plane:
    lateral, anterior = limb.upper.frame[:, 0], limb.upper.frame[:, 1]
    beam = -(0.8 * lateral + 0.6 * anterior)
    normal = np.cross(limb.upper.frame[:, 2], beam)
    return Plane(
        origin=limb.upper.point(0.5),
        normal=normal / np.linalg.norm(normal),
        beams=(beam, -0.8 * lateral + 0.6 * anterior),
        spread=_ACROSS,
        shows=(f"fetal_femur_{limb.side}", "fetal_muscle"),
        reach=0.8 * length,
        axis=limb.upper.frame[:, 2],
    )


def limb_landmarks(plan: Plan) -> dict[str, Vector]:
    """Ends of the shafts and joints by name, `(3,)` each [mm]."""
    lengths, found = shaft_lengths(plan), {}
    names = {
        "arm": ("humerus", "shoulder", "elbow", "wrist"),
        "leg": ("femur", "hip", "knee", "ankle"),
    }
    for limb in limbs(plan):
        bone, *joints = names[limb.kind]
        start, end = shaft_ends(limb.upper, lengths[bone])
        tip = "fingertips" if limb.kind == "arm" else "toes"
        points = dict(zip(joints, (limb.upper.start, limb.upper.end, limb.lower.end), strict=True))
        points |= {f"{bone}_proximal": start, f"{bone}_distal": end, tip: limb.tip.end}
        if limb.kind == "leg":
            points["heel"] = limb.tip.start
        found |= {f"{name}_{limb.side}": at for name, at in points.items()}
    return found


def limb_truth(plan: Plan) -> dict[str, float]:
    """True caliper values [mm]: ossified shafts end to end, heel to hallux."""
    lengths = shaft_lengths(plan)
    return {f"{name}_length": value for name, value in lengths.items()} | {
        "foot_length": plan.sizes["foot"]
    }
