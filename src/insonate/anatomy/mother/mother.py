"""The mother, put together around a uterus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Group, Shape
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.bladder import BLADDER_TISSUES, Bladder, fill_bladder
from insonate.anatomy.mother.bowel import BOWEL_TISSUES, bowel_groups
from insonate.anatomy.mother.ovaries import OVARY_TISSUES, Ovary, place_ovaries
from insonate.anatomy.mother.pelvis import (
    PELVIS_TISSUES,
    bone_shape,
    pelvis_groups,
    psoas_free,
    psoas_shape,
    pubic_shape,
)
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import reach
from insonate.anatomy.mother.vessels import VESSEL_TISSUES, vessel_groups, vessels_free
from insonate.anatomy.mother.wall import WALL_TISSUES, Wall
from insonate.anatomy.planes import Plane

__all__ = [
    "MOTHER_TISSUES",
    "Mother",
]

#: Tissue of every region: a name of the table, or what it is like and in what it differs.
MOTHER_TISSUES: dict[str, str | Mapping[str, str | float]] = {
    **WALL_TISSUES,
    **PELVIS_TISSUES,
    **BLADDER_TISSUES,
    **VESSEL_TISSUES,
    **OVARY_TISSUES,
    **BOWEL_TISSUES,
}

#: How far beside the umbilicus the wall is measured [mm]: beside its dimple.
_BESIDE_NAVEL = 18.0
#: What is shown of an ovary, and around its cyst [mm].
_OVARY, _AROUND_CYST = 30.0, 20.0

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Mother:
    """A mother without her uterus, around whose outer surface everything else is placed.

    Attributes:
        plan: her measures.
        uterus: its outer surface in the world; None if it is left out.
    """

    plan: MotherPlan
    uterus: Shape | None

    @cached_property
    def bones(self) -> Shape:
        """Pelvis and spine."""
        return bone_shape(self.plan)

    @cached_property
    def bladder(self) -> Bladder:
        """The bladder, filled."""
        return fill_bladder(self.plan, self.uterus, pubic_shape())

    @cached_property
    def ovaries(self) -> tuple[Ovary, Ovary]:
        """Left and right ovary."""
        around = (self.bones, self.bladder.free, *vessels_free(self.plan))
        return place_ovaries(self.plan, self.uterus, *around)

    @cached_property
    def _contents(self) -> tuple[Shape, ...]:
        """What is placed first, the uterus among it."""
        own = (self.bladder.free, *(ovary.free for ovary in self.ovaries))
        return own if self.uterus is None else (self.uterus, *own)

    @cached_property
    def wall(self) -> Wall:
        """The abdominal wall around all of it."""
        soft = (self.bladder.free, *(ovary.free for ovary in self.ovaries))
        return Wall(self.plan, self.uterus, soft)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Everything, from the skin inwards."""
        plan, bones, vessels = self.plan, self.bones, vessels_free(self.plan)
        psoas = psoas_shape(bones, *vessels, *self._contents)
        fixed = (*self._contents, bones, psoas_free(), *vessels)
        return (
            *self.wall.groups(),
            *pelvis_groups(plan, self.uterus, psoas),
            *self.bladder.groups(),
            *vessel_groups(plan, self.uterus, bones, self.bladder.free),
            *(group for ovary in self.ovaries for group in ovary.groups()),
            *bowel_groups(plan, self.wall.cavity, *fixed),
        )

    def on_midline(self, shape: Shape, height: float, x: float = 0.0) -> Vector:
        """The front of a shape at `height` z [mm] and `x` [mm], `(3,)` [mm]."""
        y = 60.0 - reach(shape, (x, 60.0, height), (0.0, -1.0, 0.0))
        return np.array([x, y, height])

    @cached_property
    def landmarks(self) -> dict[str, Vector]:
        """Named points of the mother, `(3,)` [mm]."""
        plan = self.plan
        cyst = self.ovaries[0].cyst
        return ({} if cyst is None else {"ovarian_cyst": cyst}) | {
            "umbilicus": self.on_midline(self.wall.skin, plan.umbilicus_height),
            "xiphoid": self.on_midline(self.wall.skin, plan.xiphoid_height),
            "suprapubic": self.on_midline(self.wall.skin, 20.0),
            "symphysis": plan.symphysis,
            "promontory": plan.promontory,
            "bladder_neck": plan.bladder_neck,
            "ovary_left": self.ovaries[0].centre,
            "ovary_right": self.ovaries[1].centre,
        }

    @cached_property
    def planes(self) -> dict[str, Plane]:
        """Planes of the mother's organs."""
        reach = 0.5 * self.plan.finding("ovarian_cyst") + _AROUND_CYST
        left, right = self.ovaries
        planes = {"ovary_right": right.plane(_OVARY)}
        return {"ovary_left": left.plane(max(_OVARY, reach))} | planes

    @cached_property
    def truth(self) -> dict[str, float]:
        """What a caliper would measure [mm], and the urine [ml]."""
        wall, height = self.wall, self.plan.umbilicus_height
        skin, fat = (
            self.on_midline(shape, height, _BESIDE_NAVEL) for shape in (wall.skin, wall.fat)
        )
        return {
            "maternal_skin": self.plan.skin,
            "maternal_fat": float(distance(wall.fascia, fat[None])[0]),
            "maternal_wall": float(distance(wall.cavity, skin[None])[0]),
            "rectus": self.plan.muscle,
            "linea_alba_width": self.plan.linea_alba_width,
            "bladder_volume": self.bladder.volume,
            "bladder_wall": self.bladder.wall,
            "ovarian_cyst": self.plan.finding("ovarian_cyst"),
        }
