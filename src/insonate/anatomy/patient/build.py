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
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.mother import MOTHER_TISSUES, Mother
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.patient.parameters import Parameters, fetal_plan, fill, mother_plan
from insonate.anatomy.planes import Plane
from insonate.anatomy.womb.build import AFI_RANGE, build_womb, fluid_index
from insonate.anatomy.womb.cover import covered
from insonate.anatomy.womb.tissues import WOMB_TISSUES
from insonate.anatomy.womb.womb import Womb
from insonate.errors import InputError

__all__ = ["TISSUES", "Anatomy", "design", "kept_planes", "mesh"]

Vector = NDArray[np.float64]

#: Tissue of every region.
TISSUES: Mapping[str, str | Mapping[str, object]] = {
    OUTSIDE: "gel",
    **FETAL_TISSUES,
    **MOTHER_TISSUES,
    **WOMB_TISSUES,
    **CORD_TISSUES,
}
#: Share of the triangles that fetus, placenta and fluid get, at some weeks: a young fetus is the
#: smaller part of them.
_FETAL_SHARE = ((14.0, 20.0), (0.76, 0.65))
#: Rounds of search for the fluid, since the cord takes part of it, and after how many what is
#: not refused will do; what is close enough if it was given, and if not; what was given and is
#: missed by more than this share and these mm is refused.
_ROUNDS, _ENOUGH = 6, 3
_CLOSE, _USUAL, _MISSED, _MISSED_MM = 0.05, 0.2, 0.15, 10.0
#: How far the vessels spread where they enter the placenta, over the cord's radius.
_FAN = 3.5
#: What a fetus that lies on the cord's insertion leaves of room for its first bend [mm].
_LEAD = 3.0
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
    womb, path = _womb(filled, plan, mothers, skin)
    mother = Mother(mothers, frozen(womb.outer, 4.0, 20.0))
    passage = _passage(plan, womb, path)
    content = _with_content(plan, womb, skin, path, passage)
    fetal = tuple(group.moved(womb.matrix) for group in fetal_groups(plan, passage))
    landmarks = {k: _moved(womb.matrix, p) for k, p in fetal_landmarks(plan).items()}
    planes = {name: plane.moved(womb.matrix) for name, plane in fetal_planes(plan).items()}
    planes |= cord_planes(plan, path, womb.sac - skin.moved(womb.matrix))
    return Anatomy(
        parameters=filled,
        fetus=plan,
        mother=mothers,
        matrix=womb.matrix,
        fetal=(*content, *fetal),
        maternal=(*mother.groups, *womb.groups()),
        planes=planes | womb.planes() | mother.planes,
        landmarks=landmarks | womb.landmarks() | mother.landmarks,
        truth=fetal_truth(plan) | cord_truth(plan, path) | womb.truth() | mother.truth,
    )


def _womb(filled: Parameters, plan: Plan, mothers: MotherPlan, skin: Shape) -> tuple[Womb, Vector]:
    """The womb that has the fluid asked for beside the cord, and the cord's centre line.

    Raises:
        InputError: there is no womb around this fetus with the fluid that was given.
    """
    scale = plan.sizes.trunk_radius / 27.0
    body = frozen(covered(skin), 2.5 * scale, 14.0 * scale)
    wanted = target = fluid_index(plan, filled.amniotic_fluid_index)
    close = (_CLOSE if _fluid_given(filled) else _USUAL) * wanted
    will_do = max(_MISSED * wanted, _MISSED_MM)
    found: list[tuple[Womb, Vector]] = []
    for _ in range(_ROUNDS):
        womb = build_womb(
            mothers,
            plan,
            body,
            presentation=str(filled.presentation),
            back=str(filled.back),
            placenta=str(filled.placenta),
            afi=float(np.clip(target, *AFI_RANGE)),
            contraction=filled.contraction,
        )
        womb, path = _with_cord(plan, womb, skin)
        cord = tube(path, 0.5 * plan.sizes["cord_diameter"])
        fluid = womb.measured(cord)
        found.append((dataclasses.replace(womb, fluid=fluid), path))
        found.sort(key=lambda it: abs(it[0].fluid.index - wanted))
        missed = abs(found[0][0].fluid.index - wanted)
        if missed < (will_do if len(found) >= _ENOUGH else close):
            break
        target += wanted - fluid.index
    best = found[0]
    _check_fluid(filled, wanted, best[0].fluid.index)
    return best


def _fluid_given(filled: Parameters) -> str | None:
    """What asks for a fluid index; None if it is the usual one."""
    if filled.amniotic_fluid_index is not None:
        return "amniotic_fluid_index"
    names = (name for name in ("oligohydramnios", "polyhydramnios") if name in filled.findings)
    return next((f"findings: {name}" for name in names), None)


def _check_fluid(filled: Parameters, wanted: float, found: float) -> None:
    """Refuse a fluid index that was given and cannot be met around this fetus."""
    given = _fluid_given(filled)
    if given and abs(found - wanted) > max(_MISSED * wanted, _MISSED_MM):
        side = "more" if found > wanted else "less"
        raise InputError(f"{given}: expected {found:.0f} mm or {side} here, got {wanted:g}")


def _with_cord(plan: Plan, womb: Womb, skin: Shape) -> tuple[Womb, Vector]:
    """The womb and the cord's centre line in the world; where it is tight the wall yields."""
    start, way = cord_origin(plan)
    fetus, radius = skin.moved(womb.matrix), 0.5 * plan.sizes["cord_diameter"]
    out, end = womb.frame[:3, :3] @ womb.chamber.disc.normal, womb.cord_insertion
    close = max(0.0, 2.0 * radius + _LEAD - float(distance(fetus, end[None])[0]))
    path = np.empty((0, 3))
    for give, deep in ((0.0, 0.0), (2.0 * radius, close)):
        path = cord_path(
            plan,
            _moved(womb.matrix, start),
            womb.matrix[:3, :3] @ way,
            end + deep * out,
            -out,
            obstacles=fetus,
            inside=womb.sac.offset(give) if give else womb.sac,
        )
        if _clears(path, radius, fetus, womb.sac):
            break
    return womb.yielding(path, radius), path


def _clears(path: Vector, radius: float, fetus: Shape, sac: Shape | None = None) -> bool:
    """Whether a cord but for its ends lies beside the fetus, and in the sac."""
    far = [np.linalg.norm(path - path[end], axis=1) > 2.5 * radius for end in (0, -1)]
    floats = path[far[0] & far[1]]
    if not len(floats):
        return True
    inside = sac is None or distance(sac, floats).max() < -radius
    return inside and bool(distance(fetus, floats).min() > radius)


def _passage(plan: Plan, womb: Womb, path: Vector) -> Shape:
    """The root of the cord in the wall of the abdomen, in the fetal frame."""
    radius = 0.5 * plan.sizes["cord_diameter"]
    inner = _moved(np.linalg.inv(womb.matrix), path)
    far = np.flatnonzero(np.linalg.norm(inner - inner[0], axis=1) > 2.5 * radius)
    return tube(inner[: max(int(far[0]), 1) + 1], radius + _PASSAGE)


def _room_for_cord(plan: Plan, womb: Womb) -> Shape:
    """Sac and placenta without the core of the fetal trunk, in the world."""
    core = trunk_core(plan).offset(ROOT_ABOVE)
    return (womb.sac | womb.placenta).offset(-_PASSAGE) - core.moved(womb.matrix)


def _with_content(
    plan: Plan, womb: Womb, skin: Shape, path: Vector, passage: Shape
) -> tuple[Group, ...]:
    """What sac and placenta hold; the skin covers the cord but for its root."""
    room, root = _room_for_cord(plan, womb), passage.offset(1.0).moved(womb.matrix)
    fetus, radius = skin.moved(womb.matrix), 0.5 * plan.sizes["cord_diameter"]
    jelly = cord_parts(plan, path, room)
    roots = (dataclasses.replace(part, shape=part.shape & root) for part in jelly)
    parts = (*womb.content_parts(), *jelly, Part("fetal_skin", fetus), *roots)
    fan = float(distance(fetus, path[-1:])[0])  # where the vessels part on the placenta
    if fan < _FAN * radius or not _clears(path, radius, fetus):
        room = room - (fetus - root)
    return Group("amniotic_content", "decidua", parts), *cord_groups(plan, path, room)


def _moved(matrix: ArrayLike, points: ArrayLike) -> Vector:
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points) @ matrix[:3, :3].T + matrix[:3, 3]


def mesh(anatomy: Anatomy) -> Surfaces:
    """The triangles of a patient, about as many as her detail asks for."""
    wanted = anatomy.parameters.detail
    scale = anatomy.fetus.sizes.trunk_radius / 27.0
    share = float(np.interp(anatomy.parameters.gestational_age, *_FETAL_SHARE))
    fetal = refined(anatomy.fetal, share * wanted, _COUNTED * scale)
    maternal = refined(anatomy.maternal, (1.0 - share) * wanted, _COUNTED)
    return mesh_groups((*maternal, *fetal), 1.0)


def kept_planes(planes: Mapping[str, Plane], surfaces: Surfaces) -> dict[str, Plane]:
    """The planes without what a coarse mesh has lost; those that show nothing else are left out."""
    there = {surfaces.regions[number] for number in np.unique(surfaces.pairs)}
    kept = {
        name: dataclasses.replace(plane, shows=tuple(r for r in plane.shows if r in there))
        for name, plane in planes.items()
    }
    return {name: plane for name, plane in kept.items() if plane.shows}
