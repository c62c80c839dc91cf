"""Findings to train on: each has a degree in a unit, and a range in which it can be built."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from insonate.errors import InputError, closest

__all__ = ["FINDINGS", "Finding", "check_findings"]


@dataclass(frozen=True)
class Finding:
    """What deviates from the normal.

    Attributes:
        unit: of its degree.
        low: smallest degree that counts as the finding.
        high: largest degree that can be built.
        about: what the degree measures, and from where on it is abnormal.
        truth: true value that records it.
        planes: standard planes that show it, the best one first.
    """

    unit: str
    low: float
    high: float
    about: str
    truth: str
    planes: tuple[str, ...]


_AC, _POCKET = ("abdominal_circumference",), ("deepest_pocket",)

FINDINGS: Mapping[str, Finding] = {
    "ventriculomegaly": Finding("mm", 10.0, 25.0,
        "width of the atria; 10 to 12 mild, 15 severe",
        "atrium", ("transventricular",)),
    "enlarged_cisterna_magna": Finding("mm", 10.0, 20.0,
        "vermis to inner table; above 10",
        "cisterna_magna", ("transcerebellar",)),
    "cleft_lip": Finding("mm", 1.0, 8.0,
        "width of the gap, left side",
        "cleft_lip", ("lips",)),
    "cleft_lip_right": Finding("mm", 1.0, 8.0,
        "width of the gap, right side",
        "cleft_lip_right", ("lips",)),
    "short_femur": Finding("of the mean", 0.4, 0.95,
        "length of the femur over that for its age",
        "femur_length", ("femur_left", "femur_right")),
    "hydronephrosis": Finding("mm", 4.0, 20.0,
        "renal pelvis, left; from 4, from 28 weeks on 7",
        "renal_pelvis_left", ("kidneys",)),
    "hydronephrosis_right": Finding("mm", 4.0, 20.0,
        "renal pelvis, right",
        "renal_pelvis_right", ("kidneys",)),
    "absent_stomach": Finding("share", 0.5, 1.0,
        "share of the bubble's volume that is missing",
        "stomach_transverse", _AC),
    "double_bubble": Finding("share", 0.3, 1.0,
        "duodenal bubble's diameter over the stomach's",
        "duodenum", _AC),
    "atrioventricular_septal_defect": Finding("of the heart's diameter", 0.1, 0.4,
        "gap at the crux; complete from 0.25",
        "atrioventricular_septal_gap", ("four_chamber",)),
    "single_umbilical_artery": Finding("share", 0.3, 1.0,
        "calibre that the left artery lacks; 1 is absent",
        "cord_artery_left_diameter", ("cord",)),
    "oligohydramnios": Finding("mm", 10.0, 50.0,
        "amniotic fluid index; below 50",
        "amniotic_fluid_index", _POCKET),
    "polyhydramnios": Finding("mm", 250.0, 400.0,
        "amniotic fluid index; from 250",
        "amniotic_fluid_index", _POCKET),
    "placenta_praevia": Finding("mm", 1.0, 40.0,
        "how far the placenta reaches over the os",
        "placenta_edge_to_os", ("cervix", "placental_edge")),
    "fibroid": Finding("mm", 5.0, 100.0,
        "diameter of the largest fibroid",
        "fibroid_1", ("fibroid_1",)),
    "ovarian_cyst": Finding("mm", 20.0, 120.0,
        "diameter; simple, in the left ovary",
        "ovarian_cyst", ("ovary_left",)),
    "short_cervix": Finding("mm", 5.0, 25.0,
        "length of the closed part; below 25",
        "cervix_length", ("cervix",)),
}  # fmt: skip


def check_findings(findings: Mapping[str, float]) -> None:
    """Refuse findings that do not exist or degrees that cannot be built.

    Raises:
        InputError: with the names or the range that are valid.
    """
    for name, degree in findings.items():
        if name not in FINDINGS:
            raise InputError(f"findings: unknown finding '{name}'; {closest(name, FINDINGS)}")
        finding = FINDINGS[name]
        if not (
            isinstance(degree, (int, float))
            and not isinstance(degree, bool)
            and math.isfinite(degree)
            and finding.low <= degree <= finding.high
        ):
            raise InputError(
                f"findings: {name}: expected {finding.low:g} to {finding.high:g} "
                f"{finding.unit} ({finding.about}), got {degree}"
            )
