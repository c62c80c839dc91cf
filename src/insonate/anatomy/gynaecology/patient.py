"""A woman who is not pregnant, as a scene with everything that is known about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue
from insonate.anatomy.gynaecology.ovary import Ovary, make_ovary, ovary_groups
from insonate.anatomy.gynaecology.place import place_ovary
from insonate.anatomy.gynaecology.plan import SIDES, GynaecologyPlan
from insonate.anatomy.gynaecology.tissues import tissues_of
from insonate.anatomy.gynaecology.uterus import Uterus, uterus_linings, uterus_parts
from insonate.anatomy.gynaecology.vagina import Vagina, vagina_parts
from insonate.anatomy.gynaecology.views import abdominal_planes, pose_view, vaginal_planes
from insonate.anatomy.implicit import Group, Shape, union
from insonate.anatomy.implicit.mesh import (
    OUTSIDE,
    Surfaces,
    mesh_groups,
    refined,
    region_tissues,
)
from insonate.anatomy.mother.mother import MOTHER_TISSUES, Mother
from insonate.anatomy.mother.pelvis import bone_shape
from insonate.anatomy.mother.vessels import vessels_free
from insonate.anatomy.mother.wall import base_cavity
from insonate.anatomy.planes import Plane
from insonate.anatomy.scene_spec import View
from insonate.scene import Scene

__all__ = ["GynaecologyPatient"]

Vector = NDArray[np.float64]

#: Share of the triangles that the body gets, and the lattice on which they are counted [mm].
_BODY_SHARE, _COUNTED = 0.6, 2.5
_SURROUNDINGS = "peritoneal_fat"
_UTERUS_FINENESS = 0.7
#: How far large ovaries may push the abdominal wall out [mm].
_BULGE = 60.0
_SUPRAPUBIC = 42.0


class _Body(Mother):
    """A mother whose ovaries are not her own: they come with the uterus."""

    @property
    def ovaries(self) -> tuple:  # type: ignore[override]
        """None of those that the obstetric scene has."""
        return ()


@dataclass(frozen=True)
class GynaecologyPatient(GynaecologyPlan):
    """Uterus and ovaries in the pelvis of a woman who is not pregnant.

    Parameters are those of `GynaecologyPlan`; the same give the same bytes. She is built when
    something of her is asked for first.

        patient = GynaecologyPatient(follicles_left=(18, 6, 5, 4), cycle_day=12)
        view = patient.views["ovary_left"]
        frame = Simulator(patient.scene(), view.load_probe()).frame(view.pose())
        ovary = structure_mask(frame.labels, frame.region_names, "ovary_left")

    Raises:
        InputError: a parameter outside its range; the message states the range.
    """

    @cached_property
    def uterus(self) -> Uterus:
        """Its measures and surfaces."""
        return Uterus(self)

    @cached_property
    def vagina(self) -> Vagina:
        """Where it runs, and where a probe in it lies."""
        return Vagina(self.uterus)

    @cached_property
    def ovaries(self) -> tuple[Ovary, ...]:
        """Left and right ovary."""
        mother = self.mother
        taken = union(self._pelvis, bone_shape(mother), *vessels_free(mother))
        room, found = base_cavity().offset(_BULGE), []
        for side in SIDES:
            found.append(place_ovary(make_ovary(self, side), self, taken, room))
            taken = union(taken, found[-1].shape)
        return tuple(found)

    @property
    def _pelvis(self) -> Shape:
        return union(self.uterus.shape, self.vagina.shape, self.vagina.pool)

    @cached_property
    def body(self) -> Mother:
        """Everything around the organs."""
        organs = union(self._pelvis, *(ovary.shape for ovary in self.ovaries))
        return _Body(self.mother, organs)

    @cached_property
    def organs(self) -> tuple[Group, ...]:
        """Uterus, vagina and ovaries, to be put into peritoneal fat."""
        parts = (*vagina_parts(self.vagina), *uterus_parts(self.uterus))
        return (
            Group("uterus", _SURROUNDINGS, parts, _UTERUS_FINENESS),
            *uterus_linings(self.uterus),
            *(group for ovary in self.ovaries for group in ovary_groups(ovary, _SURROUNDINGS)),
        )

    @cached_property
    def surfaces(self) -> Surfaces:
        """Triangles, and where those of every part are."""
        body = refined(self.body.groups, _BODY_SHARE * self.detail, _COUNTED)
        organs = refined(self.organs, (1.0 - _BODY_SHARE) * self.detail, _COUNTED)
        return mesh_groups((*body, *organs), 1.0)

    @property
    def name(self) -> str:
        """Of her scene."""
        return f"gynaecology_{self.seed}"

    def scene(self) -> Scene:
        """Triangles with tissues, for the simulator."""
        surfaces = self.surfaces
        return surfaces.scene(self.tissues(surfaces.regions), name=self.name)

    def tissues(self, regions: Iterable[str]) -> dict[str, Tissue]:
        """What regions are made of, in their order."""
        regions = tuple(regions)
        given = {OUTSIDE: "gel", **MOTHER_TISSUES, **tissues_of(regions)}
        return region_tissues({region: given[region] for region in regions})

    @cached_property
    def planes(self) -> dict[str, Plane]:
        """Standard planes of the examination, in the world."""
        if self.vagina.opened:
            return vaginal_planes(self.vagina, self.ovaries)
        return abdominal_planes(self.uterus, self.ovaries, self._eye)

    @cached_property
    def views(self) -> dict[str, View]:
        """Where the probe shows each of the planes."""
        opened = self.vagina.opened
        return {
            name: pose_view(plane, self._eye, opened, name.replace("_", " "))
            for name, plane in self.planes.items()
        }

    @cached_property
    def _eye(self) -> Vector:
        """From where the planes are seen: the fornix, or the skin above the symphysis."""
        if self.vagina.opened:
            return self.vagina.pivot
        return self.body.on_midline(self.body.wall.skin, _SUPRAPUBIC)

    @cached_property
    def landmarks(self) -> dict[str, Vector]:
        """Named points in the world, each `(3,)` [mm]."""
        uterus = self.uterus
        found = {
            "external_os": uterus.external_os,
            "internal_os": uterus.point(0.0),
            "fundus": uterus.fundus,
        }
        for ovary in self.ovaries:
            found[f"ovary_{ovary.side}"] = ovary.centre
            found |= {ball.region: ball.centre for ball in ovary.balls}
        return found

    @cached_property
    def truth(self) -> dict[str, float]:
        """What calipers would measure [mm]; names that end in volume [ml]."""
        uterus = self.uterus
        length, width, depth = (float(x) for x in uterus.size)
        found = {
            "uterus_length": length,
            "uterus_width": width,
            "uterus_depth": depth,
            "cervix_length": uterus.cervix,
            "endometrium": uterus.endometrium,
            "bladder_volume": self.body.bladder.volume,
            "fibroid": self.finding("fibroid"),
            "ovarian_cyst": self.finding("ovarian_cyst"),
        }
        for ovary in self.ovaries:
            name = f"ovary_{ovary.side}"
            found |= dict(zip((f"{name}_length", f"{name}_width", f"{name}_depth"),
                              (2.0 * ovary.semi_axes).tolist(), strict=True))  # fmt: skip
            found[f"{name}_volume"] = ovary.volume
            for ball in ovary.balls:
                found[ball.region] = 2.0 * ball.inner_radius
                found[f"{ball.region}_volume"] = ball.volume
        return found
