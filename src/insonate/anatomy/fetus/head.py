"""The fetal head as a whole: its outline, groups, standard planes, landmarks and calipers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.brain import CAVUM, CLEARANCE, Brain
from insonate.anatomy.fetus.face import Face
from insonate.anatomy.fetus.hindbrain import Hindbrain
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.skull import Cranium, orbit_centre, skull_parts
from insonate.anatomy.fetus.ventricles import Ventricles
from insonate.anatomy.implicit import Group, Shape, sphere, union
from insonate.anatomy.planes import Plane
from insonate.errors import InputError

__all__ = [
    "HEAD_TISSUES",
    "head_groups",
    "head_landmarks",
    "head_limits",
    "head_outline",
    "head_planes",
    "head_truth",
]

#: Share of the scalp under the skin that is fat (E).
FAT = 0.3
#: A cleft takes at most this share of the mouth's width.
WIDEST_CLEFT = 0.45
#: The beam may lie this far from across the midline [rad].
SPREAD = np.radians(30.0)

#: Levels were set by eye beside images of fetal heads, all estimates. Sound enters the thin,
#: half mineralised plates (they are denser than they are fast) and bends little in them; the
#: brain is dark, and the walls of its cavities echo where the beam is across them.
_BRAIN = {"like": "fetal_brain", "speed_of_sound": 1540.0, "density": 1050.0}
_PIA = {"like": "fetal_brain_sulci_falx", "speed_of_sound": 1545.0, "density": 1090.0}
_WALL = {"like": "fetal_brain_sulci_falx", "speed_of_sound": 1545.0, "density": 1130.0}
_BONE = {"like": "fetal_skull", "speed_of_sound": 1630.0, "density": 1770.0, "attenuation": 3.0}

HEAD_TISSUES: Mapping[str, str | Mapping[str, object]] = {
    "fetal_skull": {**_BONE, "echogenicity": 24.0, "occupancy": 1.0, "thickness": 0.1},
    "fetal_skull_base": "fetal_cartilage",
    "fetal_suture": {"like": "fetal_soft_tissue", "echogenicity": -6.0},
    "fetal_subarachnoid": {
        "like": "CSF",
        "speed_of_sound": 1528.0,
        "density": 1020.0,
        "attenuation": 0.15,
        "attenuation_power": 1.1,
        "echogenicity": -18.0,
        "occupancy": 0.5,
        "modulation": 3.0,
    },
    "fetal_brain": {**_BRAIN, "echogenicity": -13.0, "modulation": 4.0, "modulation_scale": 2.5},
    "fetal_sulci": {**_PIA, "echogenicity": -1.0},
    "fetal_thalamus": {**_BRAIN, "echogenicity": -17.0, "density": 1045.0},
    "fetal_brainstem": {**_BRAIN, "echogenicity": -18.0},
    "fetal_ventricle_wall": {**_WALL, "echogenicity": -10.0},
    "fetal_ventricle": "CSF",
    "fetal_third_ventricle": "CSF",
    "fetal_fourth_ventricle": "CSF",
    "fetal_choroid_plexus": {"like": "choroid_plexus", "echogenicity": 12.0},
    "fetal_corpus_callosum": {**_BRAIN, "echogenicity": -16.0},
    "fetal_cavum_wall": {**_WALL, "echogenicity": 2.0},
    "fetal_cavum": "CSF",
    "fetal_falx": {**_PIA, "echogenicity": 6.0, "occupancy": 0.9},
    "fetal_cisterna_magna": "CSF",
    "fetal_cisterna_septa": {**_PIA, "echogenicity": -8.0},
    "fetal_cerebellum": {**_BRAIN, "echogenicity": -9.0},
    "fetal_vermis": {**_BRAIN, "echogenicity": 4.0},
    "fetal_tongue": "fetal_muscle",
    "fetal_maxilla": {**_BONE, "echogenicity": 16.0},
    "fetal_mandible": {**_BONE, "echogenicity": 16.0},
    "fetal_nasal_bone": {**_BONE, "echogenicity": 16.0},
    "fetal_eye": "CSF",
    "fetal_lens": {
        "like": "fetal_cartilage",
        "speed_of_sound": 1620.0,
        "density": 1090.0,
        "echogenicity": -25.0,
    },
}

Vector = NDArray[np.float64]


def _layers(plan: Plan) -> dict[str, float]:
    """Depth of each surface under the outside of the head [mm]."""
    skin = plan.sizes["skin"]
    fat = FAT * (plan.sizes["scalp_thickness"] - skin)
    return {"skin": 0.0, "fat": skin, "core": skin + fat}


def _face(plan: Plan) -> Face:
    return Face(plan, _layers(plan)["core"], plan.sizes["scalp_thickness"])


def head_limits(plan: Plan) -> dict[str, float]:
    """Largest degree of the findings that a head of this size has room for [mm]."""
    cleft = WIDEST_CLEFT * plan.sizes["mouth_width"]
    return {
        "ventriculomegaly": Ventricles(plan).widest,
        "enlarged_cisterna_magna": Hindbrain(plan).widest_cisterna,
        "cleft_lip": cleft,
        "cleft_lip_right": cleft,
    }


def _check(plan: Plan) -> None:
    for name, most in head_limits(plan).items():
        degree = plan.finding(name)
        if degree > most:
            raise InputError(
                f"findings: {name}: expected at most {most:.1f} mm in a head of "
                f"{plan.sizes.bpd:.0f} mm at {plan.sizes.weeks:g} weeks, got {degree:g}"
            )


def head_outline(plan: Plan, depth: str) -> Shape:
    """Surface of the head, in the fetal frame.

    Args:
        plan: of the fetus.
        depth: "skin" is the outside, "fat" lies under the skin, "core" under the fat.

    Raises:
        InputError: a finding for which the head has no room.
    """
    _check(plan)
    outside = _face(plan).outline(Cranium.of(plan))
    pad = _nuchal_pad(plan)
    if pad is not None:
        outside = union(outside, pad[0], blend=pad[1])
    return outside.offset(-_layers(plan)[depth]).moved(plan.head)


def _nuchal_pad(plan: Plan) -> tuple[Shape, float] | None:
    """What makes the nuchal fold as thick as measured, and over how much it is blended [mm]."""
    hindbrain, fold = Hindbrain(plan), plan.sizes["nuchal_fold"]
    excess = fold - plan.sizes["scalp_thickness"]
    if excess <= 0.1:
        return None
    radius = 0.30 * plan.sizes.half_length
    centre = hindbrain.outer_back + hindbrain.way * (fold - radius)
    return sphere(centre, radius), 0.6 * excess


def head_groups(plan: Plan) -> tuple[Group, ...]:
    """Skull with face, the brain in its fluid, the plexus in the brain's, in the fetal frame.

    Raises:
        InputError: a finding for which the head has no room.
    """
    _check(plan)
    skull, brain = (*skull_parts(plan), *_face(plan).parts()), Brain(plan)
    return (
        Group("fetal_head", "fetal_soft_tissue", skull, 0.8).moved(plan.head),
        Group("fetal_intracranial", "fetal_subarachnoid", brain.parts(), 0.7).moved(plan.head),
        Group("fetal_plexus", "fetal_ventricle", brain.plexus_parts(), 0.7).moved(plan.head),
    )


def head_planes(plan: Plan) -> dict[str, Plane]:
    """Standard planes of the head, in the fetal frame."""
    at, hindbrain = plan.in_head, Hindbrain(plan)
    x, y, z = (np.array(axis) for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    steep = np.array([0.0, 1.0, -1.0]) / np.sqrt(2.0)
    across, reach = (x, -x), 1.15 * plan.sizes.half_length
    cavum = ("fetal_cavum",) if plan.sizes["csp_width"] > 0.0 else ()
    lips = np.array([0.0, -0.94, -0.34]) / np.hypot(0.94, 0.34)
    rise = np.cross(x, lips)
    planes = {
        "transthalamic": Plane(
            at(0, 0, 0), z, across, SPREAD, reach=reach,
            shows=("fetal_skull", "fetal_falx", *cavum, "fetal_thalamus", "fetal_third_ventricle"),
            hides=("fetal_cerebellum", "fetal_eye"),
        ),
        "transventricular": Plane(
            at(0, 0, 0.22), z, across, SPREAD, reach=reach,
            shows=("fetal_skull", "fetal_falx", *cavum, "fetal_ventricle", "fetal_choroid_plexus"),
            hides=("fetal_cerebellum", "fetal_eye"),
        ),
        "transcerebellar": Plane(
            hindbrain.front + hindbrain.way * float(at(0, 0.46, 0)[1] / hindbrain.way[1]),
            hindbrain.axes[:, 2], across, SPREAD, reach=reach,
            shows=("fetal_skull", *cavum, "fetal_cerebellum", "fetal_vermis",
                   "fetal_cisterna_magna", "fetal_thalamus"),
            hides=("fetal_eye",),
        ),
        "orbits": Plane(
            at(0, -0.6, -0.48), z, (y, x, -x), SPREAD, reach=0.7 * reach,
            shows=("fetal_eye", "fetal_lens", "fetal_skull"),
        ),
        "profile": Plane(
            at(0, -0.35, -0.25), x, (steep, y), SPREAD, reach=reach,
            shows=("fetal_nasal_bone", "fetal_maxilla", "fetal_mandible", "fetal_skull"),
            hides=("fetal_eye",),
        ),
        "lips": Plane(
            _face(plan).mouth, lips, (rise, -rise, x, -x), SPREAD, reach=0.45 * reach,
            shows=("fetal_skin", "fetal_soft_tissue"), hides=("fetal_brain",),
        ),
    }  # fmt: skip
    return {name: plane.moved(plan.head) for name, plane in planes.items()}


def head_landmarks(plan: Plan) -> dict[str, Vector]:
    """Points that calipers and observers use, `(3,)` each [mm], in the fetal frame."""
    points = _points(plan)
    return {name: plan.head[:3, :3] @ p + plan.head[:3, 3] for name, p in points.items()}


def _points(plan: Plan) -> dict[str, Vector]:
    cranium, face = Cranium.of(plan), _face(plan)
    b, f, inner = plan.sizes.half_width, plan.sizes.half_length, cranium.bone
    wide = cranium.widest
    points = {
        "bpd_left": np.array([b, wide, 0.0]),
        "bpd_right": np.array([-b, wide, 0.0]),
        "bpd_left_inner": np.array([cranium.width_at(wide, 0.0, inner), wide, 0.0]),
        "bpd_right_inner": np.array([-cranium.width_at(wide, 0.0, inner), wide, 0.0]),
        "ofd_front": np.array([0.0, -f, 0.0]),
        "ofd_back": np.array([0.0, f, 0.0]),
        "midline_front": np.array([0.0, -(f - inner - CLEARANCE), 0.0]),
        "midline_back": np.array([0.0, f - inner - CLEARANCE, 0.0]),
        "nose_tip": face.nose_tip,
        "nasal_bone_top": face.nasion,
        "nasal_bone_end": face.nasal_end,
    }
    if plan.sizes["csp_width"] > 0.0:
        points["cavum"] = plan.in_head(*CAVUM)
    return points | _hindbrain_points(plan) | _paired_points(plan)


def _hindbrain_points(plan: Plan) -> dict[str, Vector]:
    hindbrain = Hindbrain(plan)
    half = np.array([0.5 * hindbrain.diameter, 0.0, 0.0])
    skin = hindbrain.outer_back + hindbrain.way * _nuchal_fold(plan)
    return {
        "tcd_left": hindbrain.centre + half,
        "tcd_right": hindbrain.centre - half,
        "cisterna_magna_front": hindbrain.vermis_back,
        "cisterna_magna_back": hindbrain.back,
        "nuchal_fold_bone": hindbrain.outer_back,
        "nuchal_fold_skin": skin,
    }


def _nuchal_fold(plan: Plan) -> float:
    """Outer table to skin in the plane of the cerebellum [mm]."""
    if _nuchal_pad(plan) is not None:
        return plan.sizes["nuchal_fold"]
    cranium, hindbrain = Cranium.of(plan), Hindbrain(plan)
    skin = cranium.reach(hindbrain.front, hindbrain.way, -plan.sizes["scalp_thickness"])
    return skin - cranium.reach(hindbrain.front, hindbrain.way)


def _paired_points(plan: Plan) -> dict[str, Vector]:
    ventricles, points = Ventricles(plan), {}
    half = 0.5 * ventricles.atrium_width
    eye = 0.5 * plan.sizes["orbit_diameter"]
    for side, name in ((1.0, "left"), (-1.0, "right")):
        aside = np.array([side, 0.0, 0.0])
        atrium, orbit = ventricles.centre(side), orbit_centre(plan, side)
        points[f"atrium_{name}_medial"] = atrium - half * aside
        points[f"atrium_{name}_lateral"] = atrium + half * aside
        points[f"orbit_{name}"] = orbit
        points[f"orbit_{name}_inner"] = orbit - eye * aside
        points[f"orbit_{name}_outer"] = orbit + eye * aside
    return points


#: Calipers that are the distance between two landmarks.
_CALIPERS = {
    "bpd_outer_outer": ("bpd_left", "bpd_right"),
    "bpd_outer_inner": ("bpd_left", "bpd_right_inner"),
    "ofd": ("ofd_front", "ofd_back"),
    "atrium_left": ("atrium_left_medial", "atrium_left_lateral"),
    "atrium_right": ("atrium_right_medial", "atrium_right_lateral"),
    "tcd": ("tcd_left", "tcd_right"),
    "cisterna_magna": ("cisterna_magna_front", "cisterna_magna_back"),
    "nuchal_fold": ("nuchal_fold_bone", "nuchal_fold_skin"),
    "nasal_bone": ("nasal_bone_top", "nasal_bone_end"),
    "interorbital_inner": ("orbit_left_inner", "orbit_right_inner"),
    "interorbital_outer": ("orbit_left_outer", "orbit_right_outer"),
}
#: Calipers that the anatomy takes as they are.
_SIZES = ("csp_width", "csp_length", "orbit_diameter", "skull_thickness", "third_ventricle_width")


def head_truth(plan: Plan) -> dict[str, float]:
    """What calipers in the standard planes read [mm]."""
    points = _points(plan)
    truth = {
        name: float(np.linalg.norm(points[start] - points[end]))
        for name, (start, end) in _CALIPERS.items()
    }
    truth["hc"] = Cranium.of(plan).perimeter()
    truth["atrium"] = max(truth["atrium_left"], truth["atrium_right"])
    others = (
        "csp_width",
        "csp_length",
        "orbit_diameter",
        "skull_thickness",
        "third_ventricle_width",
    )
    clefts = {name: plan.finding(name) for name in ("cleft_lip", "cleft_lip_right")}
    return truth | clefts | {name: plan.sizes[name] for name in others}
