"""The chest of the fetus: what it holds, its standard planes, landmarks and true measures."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.diaphragm import body_cavity
from insonate.anatomy.fetus.great_vessels import VESSELS, great_vessel_parts, vessel_point
from insonate.anatomy.fetus.heart import (
    LEFT_VENTRICLE,
    RIGHT_VENTRICLE,
    SEPTUM,
    heart_outline,
    heart_parts,
    valves,
)
from insonate.anatomy.fetus.heart_frame import FOUR_CHAMBER_S, HeartFrame, heart_frame
from insonate.anatomy.fetus.lungs import airway_parts, diaphragm_part, lung_parts, thymus_part
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, half_space
from insonate.anatomy.planes import Plane

__all__ = ["CHEST_TISSUES", "chest_landmarks", "chest_parts", "chest_planes", "chest_truth"]

Vector = NDArray[np.float64]

#: Level below which vessels belong to the abdomen.
_VESSELS_END_S = 0.505
_THREE_VESSEL_S = 0.322
_CHAMBERS = (
    "fetal_left_ventricle",
    "fetal_right_ventricle",
    "fetal_left_atrium",
    "fetal_right_atrium",
)
#: Soft tissues of the chest differ little in speed of sound: steeper steps would bend the beam on
#: every curved wall and fill the vessels behind it with echoes that do not belong there.
_BLOOD = {"like": "blood", "speed_of_sound": 1560.0, "density": 1050.0, "echogenicity": -42.0}
_MEMBRANE = {
    "like": "umbilical_vessel_wall", "speed_of_sound": 1600.0, "density": 1075.0,
    "echogenicity": 2.0, "roughness": 200.0,
}  # fmt: skip
_WALL = {
    "like": "umbilical_vessel_wall", "speed_of_sound": 1560.0, "density": 1060.0,
    "echogenicity": 4.0,
}  # fmt: skip
_LUNG = {"like": "fetal_lung_fluid_filled", "echogenicity": 2.5}
#: What the regions of the chest are made of.
CHEST_TISSUES: dict[str, str | dict] = {
    **{
        region: _BLOOD
        for region in (
            *_CHAMBERS, "fetal_aorta", "fetal_pulmonary_artery", "fetal_ductus_arteriosus",
            "fetal_superior_vena_cava", "fetal_inferior_vena_cava", "fetal_pulmonary_veins",
        )
    },
    "fetal_myocardium": {
        "like": "fetal_heart_muscle", "speed_of_sound": 1556.0, "echogenicity": -6.0,
    },
    "fetal_pericardium": _WALL,
    "fetal_heart_valves": _MEMBRANE,
    "fetal_foramen_flap": _MEMBRANE,
    "fetal_vessel_wall": _WALL,
    "fetal_lung_left": _LUNG,
    "fetal_lung_right": _LUNG,
    "fetal_mediastinum": {"like": "fetal_soft_tissue", "echogenicity": -5.0},
    "fetal_thymus": {"like": "fetal_liver", "echogenicity": -4.0},
    "fetal_diaphragm": {"like": "fetal_muscle", "echogenicity": -9.0},
    "fetal_trachea": "amniotic_fluid",
    "fetal_trachea_wall": _WALL,
    "fetal_oesophagus": "fetal_bowel",
}  # fmt: skip


def chest_parts(plan: Plan) -> tuple[Part, ...]:
    """All organs of the chest, in painter's order."""
    frame = heart_frame(plan)
    trunk = plan.trunk
    above = half_space(trunk.centre(_VESSELS_END_S), -trunk.axes(_VESSELS_END_S)[:, 2])
    return (
        *lung_parts(plan),
        diaphragm_part(plan),
        thymus_part(plan),
        *airway_parts(plan),
        *heart_parts(plan, frame),
        *great_vessel_parts(plan, frame, body_cavity(plan) & above, heart_outline(plan, frame)),
    )


def chest_planes(plan: Plan) -> dict[str, Plane]:
    """Four chambers, left and right outflow, three vessels."""
    frame = heart_frame(plan)
    trunk, reach = plan.trunk, 1.1 * plan.sizes.trunk_radius
    vessels = ("fetal_pulmonary_artery", "fetal_aorta", "fetal_superior_vena_cava")
    outflow = ("fetal_left_ventricle", "fetal_aorta", "fetal_myocardium")

    def axial(s: float, shows: tuple[str, ...], hides: tuple[str, ...]) -> Plane:
        normal = trunk.axes(s)[:, 2]
        beams = _beams(plan, normal)
        return Plane(trunk.centre(s), normal, beams, shows=shows, hides=hides, reach=reach)

    normal = _left_outflow_normal(plan, frame)
    valve = vessel_point(plan, frame, "aorta", VESSELS["aorta"].valve or 0.0)
    return {
        "four_chamber": axial(
            FOUR_CHAMBER_S,
            shows=(*_CHAMBERS, "fetal_myocardium", "fetal_aorta", "fetal_lung_left"),
            hides=("fetal_stomach", "fetal_kidney_left", "fetal_kidney_right"),
        ),
        "three_vessel": axial(_THREE_VESSEL_S, shows=vessels, hides=("fetal_stomach",)),
        "lvot": Plane(valve, normal, _beams(plan, normal), shows=outflow, reach=reach),
    }


def _left_outflow_normal(plan: Plan, frame: HeartFrame) -> Vector:
    """Normal of a plane through apex and aortic valve.

    Half-way between the plane that is tilted least against the four-chamber view, and the one
    that follows the ascending aorta.
    """
    valve = vessel_point(plan, frame, "aorta", VESSELS["aorta"].valve or 0.0)
    way = valve - frame.point(*_apex())
    way /= np.linalg.norm(way)
    cranial = plan.trunk.axes(FOUR_CHAMBER_S)[:, 2]
    level = _unit(cranial - way * (way @ cranial))
    steep = _unit(np.cross(way, vessel_point(plan, frame, "aorta", 0.22) - valve))
    return _unit(level + steep * math.copysign(1.0, float(steep @ cranial)))


def _unit(vector: Vector) -> Vector:
    return vector / np.linalg.norm(vector)


def _beams(plan: Plan, normal: Vector) -> tuple[Vector, ...]:
    """Into the chest from the front, the left and the right, and between them: not the back."""
    axes = plan.trunk.axes(FOUR_CHAMBER_S)
    beams = []
    for angle in np.radians([0.0, 45.0, -45.0, 90.0, -90.0]):
        beam = math.cos(angle) * axes[:, 1] - math.sin(angle) * axes[:, 0]
        beam = _unit(beam - normal * (beam @ normal))
        if beam @ axes[:, 1] > -0.25:
            beams.append(beam)
    return tuple(beams)


def _apex() -> tuple[float, float, float]:
    """Apex of the left ventricle's cavity, in units of the heart's frame."""
    centre, radii = LEFT_VENTRICLE
    return centre[0] + radii[0], centre[1], centre[2]


def chest_landmarks(plan: Plan) -> dict[str, Vector]:
    """Points `(3,)` [mm] by name."""
    frame = heart_frame(plan)
    mitral, tricuspid = valves(plan)
    return {
        "cardiac_crux": frame.point(0.5 * (mitral.a + tricuspid.a), 0.0, 0.0),
        "cardiac_apex": frame.point(*_apex()),
        "mitral_valve": frame.point(mitral.a, mitral.middle, 0.0),
        "tricuspid_valve": frame.point(tricuspid.a, tricuspid.middle, 0.0),
        "mitral_septal_hinge": frame.point(mitral.a, mitral.inner, 0.0),
        "tricuspid_septal_hinge": frame.point(tricuspid.a, tricuspid.inner, 0.0),
        "aortic_valve": vessel_point(plan, frame, "aorta", VESSELS["aorta"].valve or 0.0),
        "pulmonary_valve": vessel_point(plan, frame, "pulmonary_trunk", 0.40),
        "descending_aorta": plan.trunk.point(FOUR_CHAMBER_S, 0.09, -0.36),
    }


def chest_truth(plan: Plan) -> dict[str, float]:
    """True measures [mm], angles [degrees]."""
    frame, sizes = heart_frame(plan), plan.sizes
    mitral, tricuspid = valves(plan)
    width = 2.0 * LEFT_VENTRICLE[1][1]
    right = LEFT_VENTRICLE[0][1] + LEFT_VENTRICLE[1][1] + SEPTUM
    degree = plan.finding("atrioventricular_septal_defect")
    return {
        "cardiac_circumference": sizes["cardiac_circumference"],
        "heart_axis_degrees": math.degrees(frame.angle),
        "interventricular_septum": SEPTUM * frame.unit,
        "left_ventricle_width": width * frame.unit,
        "right_ventricle_width": (sum(c[1] for c in RIGHT_VENTRICLE) - right) * frame.unit,
        "mitral_valve": mitral.width * frame.unit,
        "tricuspid_valve": tricuspid.width * frame.unit,
        "valve_offset": (tricuspid.a - mitral.a) * frame.unit,
        "aortic_valve": sizes["aortic_valve"],
        "pulmonary_valve": sizes["pulmonary_valve"],
        "atrioventricular_septal_gap": degree * sizes.heart_diameter,
    }
