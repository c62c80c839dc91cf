"""The trunk of the fetus as a whole: outline, organs, standard planes, what is true of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.abdomen import (
    BLADDER,
    GALLBLADDER,
    STOMACH,
    abdomen_parts,
    duodenum_diameter,
    stomach_parts,
    stomach_radii,
)
from insonate.anatomy.fetus.abdominal_vessels import UMBILICUS, vessel_parts
from insonate.anatomy.fetus.chest import (
    CHEST_TISSUES,
    chest_landmarks,
    chest_parts,
    chest_planes,
    chest_truth,
)
from insonate.anatomy.fetus.diaphragm import body_cavity
from insonate.anatomy.fetus.kidneys import SIDES, kidney, kidney_parts
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.spine import conus, spine_parts, thorax_parts, vertebra, vertebra_s
from insonate.anatomy.fetus.trunk_frame import ABDOMEN_S
from insonate.anatomy.implicit import Group, Shape, capsule, union
from insonate.anatomy.planes import Plane
from insonate.biometry import ellipse_circumference

__all__ = [
    "TRUNK_TISSUES",
    "trunk_groups",
    "trunk_landmarks",
    "trunk_outline",
    "trunk_planes",
    "trunk_truth",
]

#: Spacing of the trunk's lattice over that of the fetus.
_FINENESS = 0.72
#: Radius of the neck over R, and how far it reaches into the head over B (E).
_NECK, _NECK_UP = 0.42, 0.30
#: Levels of the planes.
_CHEST_S, _KIDNEYS_S = 0.40, 0.692

Vector = NDArray[np.float64]


def trunk_outline(plan: Plan, depth: str) -> Shape:
    """Trunk and neck.

    Args:
        plan: of the fetus.
        depth: "skin" for the outer surface, "fat" under the skin, "core" under the fat.
    """
    r, trunk = plan.sizes.trunk_radius, plan.trunk
    low = trunk.point(0.16, 0.0, 0.0)
    high = (plan.head @ np.array([0.0, 0.0, -(0.80 - _NECK_UP) * plan.sizes.half_width, 1.0]))[:3]
    neck = capsule(low, high, _NECK * r)
    outer = union(trunk.outline(), neck, blend=0.25 * r)
    return outer.offset(-_depth(plan, depth))


def _depth(plan: Plan, name: str) -> float:
    skin, fat = plan.sizes["skin"], plan.sizes["wall_fat"]
    return {"skin": 0.0, "fat": skin, "core": skin + fat}[name]


def trunk_groups(plan: Plan) -> tuple[Group, ...]:
    """All organs of the trunk as one group."""
    parts = (
        *abdomen_parts(plan),
        *kidney_parts(plan, body_cavity(plan)),
        *vessel_parts(plan),
        *stomach_parts(plan),
        *chest_parts(plan),
        *spine_parts(plan),
        *thorax_parts(plan),
    )
    return (Group("fetal_trunk", "fetal_soft_tissue", parts, _FINENESS),)


def trunk_planes(plan: Plan) -> dict[str, Plane]:
    """The standard planes of chest, abdomen and spine."""
    return {
        **chest_planes(plan),
        "abdominal_circumference": _axial(
            plan,
            ABDOMEN_S,
            shows=("fetal_liver", "fetal_stomach", "fetal_portal_vein", "fetal_vertebrae"),
            hides=("fetal_kidney_left", "fetal_kidney_right", "fetal_bladder"),
        ),
        "kidneys": _axial(
            plan,
            _KIDNEYS_S,
            shows=("fetal_kidney_left", "fetal_kidney_right", "fetal_vertebrae"),
            hides=("fetal_bladder",),
            behind=True,
        ),
        "cord_insertion": _axial(
            plan, UMBILICUS[0], shows=("fetal_umbilical_vein", "fetal_abdomen"), hides=()
        ),
        "spine_axial": _axial(
            plan, vertebra_s("L2"), shows=("fetal_vertebrae",), hides=(), behind=True
        ),
        "spine_sagittal": _sagittal(plan),
    }


def _axial(
    plan: Plan, s: float, shows: tuple[str, ...], hides: tuple[str, ...], behind: bool = False
) -> Plane:
    """The section at level `s`, seen from the front and the sides, or from the back."""
    axes = plan.trunk.axes(s)
    left, posterior = axes[:, 0], axes[:, 1]
    if not plan.finding("absent_stomach") < 1.0:
        shows = tuple(name for name in shows if name != "fetal_stomach")
    return Plane(
        origin=plan.trunk.centre(s),
        normal=axes[:, 2],
        beams=(-posterior, left, -left) if behind else (posterior, left, -left),
        shows=shows,
        hides=hides,
        reach=1.05 * max(plan.trunk.half(s)),
    )


def _sagittal(plan: Plan) -> Plane:
    """Through the spine's whole length; the curve lies in it unless it is bent sideways."""
    axes = plan.trunk.axes(0.60)
    return Plane(
        origin=plan.trunk.point(0.60, 0.0, -0.56),
        normal=axes[:, 0],
        beams=(-axes[:, 1],),
        shows=("fetal_vertebrae", "fetal_spinal_canal"),
        reach=0.45 * plan.trunk.length,
    )


def trunk_landmarks(plan: Plan) -> dict[str, Vector]:
    """Points of the trunk `(3,)` [mm] by name."""
    trunk = plan.trunk
    found = {
        **chest_landmarks(plan),
        "abdomen_centre": trunk.centre(ABDOMEN_S),
        "abdomen_left": trunk.point(ABDOMEN_S, 1.0, 0.0),
        "abdomen_right": trunk.point(ABDOMEN_S, -1.0, 0.0),
        "abdomen_anterior": trunk.point(ABDOMEN_S, 0.0, 1.0),
        "abdomen_posterior": trunk.point(ABDOMEN_S, 0.0, -1.0),
        "stomach_centre": trunk.point(*STOMACH),
        "gallbladder_centre": trunk.point(*GALLBLADDER),
        "bladder_centre": trunk.point(*BLADDER),
        "fetal_cord_insertion": trunk.point(*UMBILICUS),
        "spine_cranial_end": vertebra(plan, 0.0).point(0.0, 0.0),
        "spine_caudal_end": vertebra(plan, 1.0).point(0.0, 0.0),
        "conus": _in_canal(plan, conus(plan)),
    }
    for side in SIDES:
        found |= _kidney_landmarks(plan, side)
    return found


def _in_canal(plan: Plan, s: float) -> Vector:
    at = vertebra(plan, s)
    return at.point(0.0, at.behind)


def _kidney_landmarks(plan: Plan, side: str) -> dict[str, Vector]:
    at = kidney(plan, side)
    middle, back = at.pelvis_middle(), at.frame[:3, 1] * at.pelvis[1]
    return {
        f"kidney_{side}_centre": at.frame[:3, 3],
        f"kidney_{side}_upper_pole": at.point(0.0, 0.0, 1.0),
        f"kidney_{side}_lower_pole": at.point(0.0, 0.0, -1.0),
        f"renal_pelvis_{side}_anterior": middle - back,
        f"renal_pelvis_{side}_posterior": middle + back,
    }


def trunk_truth(plan: Plan) -> dict[str, float]:
    """True caliper values [mm]."""
    trunk, sizes = plan.trunk, plan.sizes
    (a, b), chest = trunk.half(ABDOMEN_S), trunk.half(_CHEST_S)
    bubble = stomach_radii(plan)
    found = {
        **chest_truth(plan),
        "ac": sizes.ac,
        "tad": 2.0 * a,
        "apad": 2.0 * b,
        "tc": ellipse_circumference(2.0 * chest[0], 2.0 * chest[1]),
        "stomach_transverse": 2.0 * float(bubble[0]),
        "stomach_ap": 2.0 * float(bubble[1]),
        "duodenum": duodenum_diameter(plan),
        "bladder_diameter": sizes["bladder_diameter"],
        "gallbladder_length": sizes["gallbladder_length"],
        "umbilical_vein_abdominal": sizes["umbilical_vein_abdominal"],
        "spine_length": trunk.length,
        "canal_width": 2.0 * vertebra(plan, vertebra_s("L2")).canal[0],
    }
    for side in SIDES:
        at = kidney(plan, side)
        found[f"kidney_length_{side}"] = 2.0 * float(at.half[2])
        found[f"renal_pelvis_{side}"] = 2.0 * float(at.pelvis[1])
    return found


_FLUID = "fetal_stomach_fluid"
# Centres of ossification are spongy: they scatter to all sides, unlike the shaft of a femur. They
# are denser than they are fast, so that sound enters them at a slant; thin ones shadow in part.
_BONE = {
    "like": "fetal_long_bone_spine",
    "speed_of_sound": 1700.0,
    "density": 1670.0,
    "attenuation": 8.0,
    "echogenicity": 22.0,
    "occupancy": 0.9,
    "roughness": 15.0,
}
_THIN_BONE = {**_BONE, "attenuation": 4.0}
# what flows leaves no echo: the wall filter's work, which still images show as black
_BLOOD = {"like": "blood", "echogenicity": -42.0}

#: Tissue of every region: a name of the table, or the changes to one.
TRUNK_TISSUES: dict[str, str | Mapping[str, Any]] = {
    **CHEST_TISSUES,
    "fetal_back_muscle": "fetal_muscle",
    "fetal_abdominal_muscle": {"like": "fetal_muscle", "echogenicity": -9.0},
    "fetal_abdomen": {"like": "fetal_soft_tissue", "echogenicity": -4.0},
    "fetal_small_bowel": {"like": "fetal_bowel", "echogenicity": 4.0},
    "fetal_colon_wall": "bowel_wall",
    "fetal_colon": {"like": "fetal_bowel", "echogenicity": -8.0},
    "fetal_liver": "fetal_liver",
    "fetal_spleen": "spleen",
    "fetal_gallbladder": _FLUID,
    "fetal_stomach": _FLUID,
    "fetal_duodenum": _FLUID,
    "fetal_bladder_wall": "peritoneum_bladder_wall",
    "fetal_bladder": "urine_bladder",
    "fetal_perirenal_fat": {"like": "fetal_fat", "echogenicity": 5.0},
    "fetal_kidney_left": {"like": "fetal_kidney", "echogenicity": -6.0},
    "fetal_kidney_right": {"like": "fetal_kidney", "echogenicity": -6.0},
    "fetal_renal_medulla": {"like": "fetal_kidney", "echogenicity": -16.0},
    "fetal_renal_sinus": {"like": "kidney_sinus", "echogenicity": 3.0},
    "fetal_renal_pelvis_left": "urine_bladder",
    "fetal_renal_pelvis_right": "urine_bladder",
    "fetal_adrenal": {"like": "fetal_kidney", "echogenicity": -8.0},
    "fetal_adrenal_medulla": {"like": "fetal_kidney", "echogenicity": 3.0},
    **{
        region: _BLOOD
        for region in (
            "fetal_hepatic_veins",
            "fetal_portal_vein",
            "fetal_ductus_venosus",
            "fetal_inferior_vena_cava",
            "fetal_aorta",
            "fetal_umbilical_vein",
            "fetal_umbilical_artery",
        )
    },
    "fetal_spinal_cartilage": "fetal_cartilage",
    "fetal_spinal_canal": "CSF",
    "fetal_spinal_cord": "fetal_brain",
    "fetal_vertebrae": _BONE,
    "fetal_costal_cartilage": "fetal_cartilage",
    "fetal_sternum": _THIN_BONE,
    "fetal_ilium": _THIN_BONE,
    "fetal_ribs": _THIN_BONE,
}
