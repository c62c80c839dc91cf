"""From parameters to surfaces: the fetus is put into the womb, the womb into the mother."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.fetus.body import (
    FETAL_TISSUES,
    ROOT_ABOVE,
    check_room,
    fetal_groups,
    fetal_landmarks,
    fetal_outline,
    fetal_planes,
    fetal_truth,
)
from insonate.anatomy.fetus.cord import (
    CORD_TISSUES,
    cord_groups,
    cord_origin,
    cord_parts,
    cord_path,
    cord_planes,
    cord_truth,
)
from insonate.anatomy.fetus.diaphragm import trunk_core
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.settle import settle
from insonate.anatomy.implicit import Group, Part, Shape, tube
from insonate.anatomy.implicit.frozen import frozen
from insonate.anatomy.implicit.mesh import OUTSIDE, Surfaces, mesh_groups, refined
from insonate.anatomy.mother.mother import MOTHER_TISSUES, Mother
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.patient.parameters import Parameters, fetal_plan, fill, mother_plan
from insonate.anatomy.planes import Plane
from insonate.anatomy.womb.build import build_womb
from insonate.anatomy.womb.cover import covered
from insonate.anatomy.womb.tissues import WOMB_TISSUES
from insonate.anatomy.womb.womb import Womb

__all__ = ["TISSUES", "Anatomy", "design", "mesh"]

Vector = NDArray[np.float64]

#: Tissue of every region.
TISSUES: Mapping[str, str | Mapping[str, object]] = {
    OUTSIDE: "gel",
    **FETAL_TISSUES,
    **MOTHER_TISSUES,
    **WOMB_TISSUES,
    **CORD_TISSUES,
}
#: Share of the triangles that the fetus gets.
_FETAL_SHARE = 0.65
#: Room around the cord in the abdominal wall [mm].
_PASSAGE = 0.4
#: Spacings at which triangles are counted [mm].
_COUNTED = 4.0


@dataclass(frozen=True)
class Anatomy:
    """A patient as shapes, before she is meshed; all in the world frame.

    Attributes:
        parameters: with everything filled in.
        fetus: plan of the fetus, its limbs settled.
        mother: plan of the mother.
        matrix: fetal frame to world `(4, 4)` [mm].
        fetal: groups of the fetus and of the amniotic content.
        maternal: groups of the mother and of the uterus.
        planes: standard planes by name.
        landmarks: `(3,)` [mm] by name.
        truth: true values by name [mm, ml].
    """

    parameters: Parameters
    fetus: Plan
    mother: MotherPlan
    matrix: Vector
    fetal: tuple[Group, ...]
    maternal: tuple[Group, ...]
    planes: dict[str, Plane]
    landmarks: dict[str, Vector]
    truth: dict[str, float]


def design(given: Parameters) -> Anatomy:
    """The anatomy that parameters describe.

    Raises:
        InputError: the parameters cannot be met together.
    """
    filled = fill(given)
    plan = fetal_plan(filled)
    check_room(plan)
    plan = settle(plan)
    mothers = mother_plan(filled)
    skin = fetal_outline(plan, "skin")
    scale = plan.sizes.trunk_radius / 27.0
    body = frozen(covered(skin), 2.5 * scale, 14.0 * scale)
    womb = build_womb(
        mothers,
        plan,
        body,
        presentation=str(filled.presentation),
        back=str(filled.back),
        placenta=str(filled.placenta),
        afi=filled.amniotic_fluid_index,
        contraction=filled.contraction,
    )
    mother = Mother(mothers, frozen(womb.outer, 4.0, 20.0))
    path, passage = _cord(plan, womb, skin)
    cord = tube(path, 0.5 * plan.sizes["cord_diameter"])
    womb = dataclasses.replace(womb, fluid=womb.measured(cord, body.moved(womb.matrix)))
    room = _room_for_cord(plan, womb, body, passage)
    content = Group(
        "amniotic_content",
        "decidua",
        (
            *womb.content_parts(),
            Part("fetal_skin", skin.moved(womb.matrix)),
            *cord_parts(plan, path, room),
        ),
    )
    fetal = tuple(group.moved(womb.matrix) for group in fetal_groups(plan, passage))
    landmarks = {k: _moved(womb.matrix, p) for k, p in fetal_landmarks(plan).items()}
    planes = {name: plane.moved(womb.matrix) for name, plane in fetal_planes(plan).items()}
    return Anatomy(
        parameters=filled,
        fetus=plan,
        mother=mothers,
        matrix=womb.matrix,
        fetal=(content, *cord_groups(plan, path, room), *fetal),
        maternal=(*mother.groups, *womb.groups()),
        planes=planes | cord_planes(plan, path) | womb.planes() | mother.planes,
        landmarks=landmarks | womb.landmarks() | mother.landmarks,
        truth=fetal_truth(plan) | cord_truth(plan, path) | womb.truth() | mother.truth,
    )


def _cord(plan: Plan, womb: Womb, skin: Shape) -> tuple[Vector, Shape]:
    """The cord's centre line in the world, and its root in the fetal frame."""
    start, way = cord_origin(plan)
    path = cord_path(
        plan,
        _moved(womb.matrix, start),
        womb.matrix[:3, :3] @ way,
        womb.cord_insertion,
        -womb.frame[:3, :3] @ womb.chamber.disc.normal,
        obstacles=skin.moved(womb.matrix),
        inside=womb.sac,
    )
    radius = 0.5 * plan.sizes["cord_diameter"]
    inner = _moved(np.linalg.inv(womb.matrix), path)
    far = np.flatnonzero(np.linalg.norm(inner - inner[0], axis=1) > 2.5 * radius)
    return path, tube(inner[: max(int(far[0]), 1) + 1], radius + _PASSAGE)


def _room_for_cord(plan: Plan, womb: Womb, body: Shape, passage: Shape) -> Shape:
    """Sac and placenta without the fetus, but for the root in its wall; in the world."""
    fetus = (body - passage.offset(1.0)) | trunk_core(plan).offset(ROOT_ABOVE)
    return (womb.sac | womb.placenta).offset(-_PASSAGE) - fetus.moved(womb.matrix)


def _moved(matrix: ArrayLike, points: ArrayLike) -> Vector:
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points) @ matrix[:3, :3].T + matrix[:3, 3]


def mesh(anatomy: Anatomy) -> Surfaces:
    """The triangles of a patient, about as many as her detail asks for."""
    wanted = anatomy.parameters.detail
    scale = anatomy.fetus.sizes.trunk_radius / 27.0
    fetal = refined(anatomy.fetal, _FETAL_SHARE * wanted, _COUNTED * scale)
    maternal = refined(anatomy.maternal, (1.0 - _FETAL_SHARE) * wanted, _COUNTED)
    return mesh_groups((*maternal, *fetal), 1.0)
