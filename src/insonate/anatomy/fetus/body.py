"""The whole fetus: head, trunk and limbs under one skin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.diaphragm import trunk_core
from insonate.anatomy.fetus.head import (
    HEAD_TISSUES,
    head_groups,
    head_landmarks,
    head_limits,
    head_outline,
    head_planes,
    head_truth,
)
from insonate.anatomy.fetus.kidneys import largest_pelvis
from insonate.anatomy.fetus.limbs import (
    LIMB_TISSUES,
    limb_groups,
    limb_landmarks,
    limb_outline,
    limb_planes,
    limb_truth,
)
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.trunk import (
    TRUNK_TISSUES,
    trunk_groups,
    trunk_landmarks,
    trunk_outline,
    trunk_planes,
    trunk_truth,
)
from insonate.anatomy.findings import FINDINGS
from insonate.anatomy.implicit import Group, Part, Shape, subtract, union
from insonate.anatomy.planes import Plane
from insonate.errors import InputError

__all__ = [
    "FETAL_TISSUES",
    "ROOT_ABOVE",
    "check_room",
    "fetal_groups",
    "fetal_landmarks",
    "fetal_outline",
    "fetal_planes",
    "fetal_truth",
]

Vector = NDArray[np.float64]

FETAL_TISSUES: Mapping[str, str | Mapping[str, object]] = {
    "fetal_skin": {"like": "fetal_skin", "echogenicity": 2.0},
    "fetal_fat": "fetal_fat",
    "fetal_soft_tissue": "fetal_soft_tissue",
    **TRUNK_TISSUES,
    **LIMB_TISSUES,
    **HEAD_TISSUES,
}
#: Between what holds the organs and the root of the cord [mm].
ROOT_ABOVE = 0.7
#: Creases between head, trunk and limbs are filled over this share of the abdomen's radius.
_CREASE = 0.12


def check_room(plan: Plan) -> None:
    """Refuse findings for which a fetus of this size has no room, before anything is built.

    Raises:
        InputError: with the range that is valid for this fetus.
    """
    pelvis = largest_pelvis(plan)
    limits = head_limits(plan) | {"hydronephrosis": pelvis, "hydronephrosis_right": pelvis}
    for name, most in limits.items():
        degree, low = plan.finding(name), FINDINGS[name].low
        if degree > most:
            valid = f"{low:g} to {most:.1f} mm" if most >= low else f"none (room for {most:.1f} mm)"
            raise InputError(
                f"findings: {name}: expected {valid} at {plan.sizes.weeks:g} weeks, got {degree:g}"
            )


def fetal_outline(plan: Plan, depth: str) -> Shape:
    """Surface of the fetus, in the fetal frame.

    Args:
        plan: of the fetus.
        depth: "skin" (its outside), "fat" (under the skin) or "core" (under the fat).
    """
    parts = [trunk_outline(plan, depth), head_outline(plan, depth), limb_outline(plan, depth)]
    return union(*parts, blend=_CREASE * plan.sizes.trunk_radius)


def fetal_groups(plan: Plan, passage: Shape) -> tuple[Group, ...]:
    """Everything under the skin, in the fetal frame.

    Args:
        plan: of the fetus.
        passage: what runs through skin and fat: the root of the umbilical cord; it is to
            end `ROOT_ABOVE` above the container of the trunk's organs.
    """
    organs = trunk_core(plan)
    through_fat = subtract(passage, organs.offset(0.5 * ROOT_ABOVE))
    through_core = subtract(passage.offset(0.4), organs)
    fat = Part("fetal_fat", subtract(fetal_outline(plan, "fat"), through_fat))
    core = Part("fetal_soft_tissue", subtract(fetal_outline(plan, "core"), through_core))
    layers = Group.layers("fetal_skin", [fat, core])
    return (*layers, *head_groups(plan), *trunk_groups(plan), *limb_groups(plan))


def fetal_planes(plan: Plan) -> dict[str, Plane]:
    """Standard planes by name, in the fetal frame."""
    return {**head_planes(plan), **trunk_planes(plan), **limb_planes(plan)}


def fetal_landmarks(plan: Plan) -> dict[str, Vector]:
    """Landmarks `(3,)` [mm] by name, in the fetal frame."""
    return {**head_landmarks(plan), **trunk_landmarks(plan), **limb_landmarks(plan)}


def fetal_truth(plan: Plan) -> dict[str, float]:
    """True values of the calipers by name [mm]."""
    return {**head_truth(plan), **trunk_truth(plan), **limb_truth(plan)}
