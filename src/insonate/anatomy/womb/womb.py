"""A pregnant uterus, ready to be meshed: its groups, and all that is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Group, Part, Shape, capsule, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.planes import Plane
from insonate.anatomy.womb.cavity import BEND, CLEARANCE
from insonate.anatomy.womb.chamber import Chamber
from insonate.anatomy.womb.fluid import Fluid, Lattice
from insonate.anatomy.womb.placenta import lakes
from insonate.anatomy.womb.uterus import RIM, Fibroid, serosa, uterus_group

__all__ = ["Womb"]

#: Beam from above the symphysis to the cervix: to the back and to the feet.
_SUPRAPUBIC = np.array([0.0, np.cos(0.45), -np.sin(0.45)])

Vector = NDArray[np.float64]

#: A placenta whose normal is as far to the left or right as this is seen in a transverse plane.
_LATERAL = 0.6
#: What is shown around a placenta, beyond its thickness, and around the deepest pocket [mm].
_BESIDE_PLACENTA = 30.0
_POCKET_MARGIN = 20.0


@dataclass(frozen=True)
class Womb:
    """A uterus with placenta, fluid and room for a fetus that lies in it.

    Attributes:
        weeks: gestational age [weeks].
        frame: uterine frame to world `(4, 4)` [mm]: x left, y posterior, z to the fundus,
            origin at the internal os.
        matrix: fetal frame to world `(4, 4)` [mm].
        chamber: cavity, sac and placenta, uterine frame.
        fluid: as measured without the cord.
        lattice: where that was measured.
        depth: of its points in that fluid, negative outside it `(x, z, y)` [mm].
        lumps: fibroids, uterine frame.
        lake_count: lakes in the placenta that are tried.
        lake_seed: in [-1, 1]; where they are.
        facts: true values that were measured while it was built [mm].
    """

    weeks: float
    frame: Vector
    matrix: Vector
    chamber: Chamber
    fluid: Fluid
    lattice: Lattice
    depth: Vector
    lumps: tuple[Fibroid, ...]
    lake_count: int
    lake_seed: float
    facts: Mapping[str, float]

    def _to_world(self, points: Vector) -> Vector:
        return np.asarray(points) @ self.frame[:3, :3].T + self.frame[:3, 3]

    @cached_property
    def sac(self) -> Shape:
        """The amniotic sac, in the world: fluid, cord and fetus."""
        return self.chamber.sac.moved(self.frame)

    @cached_property
    def placenta(self) -> Shape:
        """The placenta, in the world; the sac is painted over what they share."""
        return self.chamber.placenta.moved(self.frame)

    @cached_property
    def lining(self) -> Shape:
        """All that lies within the myometrium, in the world."""
        return self.chamber.lining.moved(self.frame)

    @cached_property
    def _serosa(self) -> Shape:
        chamber = self.chamber
        cervix = chamber.design.cervix.shape
        clings = chamber.gap is not None
        return serosa(self.weeks, chamber.pear, chamber.lining, cervix, self.lumps, clings)

    @cached_property
    def outer(self) -> Shape:
        """Outer surface of the uterus with its cervix, in the world."""
        return self._serosa.moved(self.frame)

    def groups(self) -> tuple[Group, ...]:
        """Uterus, cervical canal, fibroids and decidua, in the world.

        The outermost lies inside "peritoneal_fat"; "decidua" holds the content.
        """
        chamber, design = self.chamber, self.chamber.design
        contraction = design.contraction
        shape = None if contraction is None else contraction.shape(chamber.pear)
        wall = uterus_group(self._serosa, design.cervix.shape, chamber.lining, shape, self.lumps)
        lining = (
            Part("retroplacental_zone", chamber.veins),
            Part("decidua", chamber.decidua),
        )
        groups = (
            *wall,
            *design.cervix.groups(chamber.lining.offset(RIM)),
            Group("decidua", "myometrium", lining, 1.5),
        )
        return tuple(group.moved(self.frame) for group in groups)

    def content_parts(self) -> tuple[Part, ...]:
        """Placenta, its lakes, its fetal surface and the fluid, in painter's order, in the world.

        They belong into a group inside "decidua"; cord and fetus are painted over them.
        """
        chamber, disc = self.chamber, self.chamber.disc
        plate = Part("chorionic_plate", chamber.plate, thickness=1.3)
        parts = (
            Part("placenta", chamber.placenta),
            *lakes(disc, chamber.sac, chamber.placenta, self.lake_count, self.lake_seed),
            plate,
            Part("amniotic_fluid", chamber.sac),
        )
        return Group("", "", parts).moved(self.frame).parts

    @cached_property
    def cord_insertion(self) -> Vector:
        """Where the cord leaves the placenta, in the world `(3,)` [mm]."""
        return self._to_world(self.chamber.disc.surface(self.chamber.sac))

    def landmarks(self) -> dict[str, Vector]:
        """Points of the uterus in the world, `(3,)` each [mm]."""
        chamber, cervix = self.chamber, self.chamber.design.cervix
        pear = chamber.pear
        points = {
            "external_os": cervix.external_os,
            "internal_os": cervix.closed_end,
            "placental_edge": chamber.edge()[1],
            "placenta_middle": chamber.disc.centre,
            "uterine_fundus": pear.top,
        }
        if chamber.design.contraction is not None:
            points["contraction"] = pear.wall(chamber.design.contraction.direction)
        points |= {f"fibroid_{n + 1}": lump.centre for n, lump in enumerate(self.lumps)}
        world = {name: self._to_world(point) for name, point in points.items()}
        pocket = self.fluid.deepest + self.frame[:3, 3]
        return world | {"placental_cord_insertion": self.cord_insertion, "deepest_pocket": pocket}

    def truth(self) -> dict[str, float]:
        """True values of what is measured in the uterus [mm], volumes [ml]."""
        contraction = self.chamber.design.contraction
        return dict(self.facts) | {
            "contraction": 0.0 if contraction is None else contraction.thickness,
            "amniotic_fluid_index": self.fluid.index,
            "deepest_pocket": self.fluid.deepest_pocket,
            "amniotic_fluid_volume": self.fluid.volume,
        }

    def planes(self) -> dict[str, Plane]:
        """Standard planes of the uterus, in the world."""
        marks = self.landmarks()
        up, back = self.frame[:3, 2], np.array([0.0, 1.0, 0.0])
        canal = 0.5 * (marks["internal_os"] + marks["external_os"])
        outwards = self.frame[:3, :3] @ self.chamber.disc.normal
        along = outwards if abs(outwards[0]) > _LATERAL else up  # a placenta at the side lies so
        reach = self.chamber.disc.thickness + _BESIDE_PLACENTA
        above = "placenta" if self.facts["placenta_edge_to_os"] < 0.0 else "amniotic_fluid"
        planes = {
            "cervix": _plane(
                canal, marks["internal_os"] - marks["external_os"], _SUPRAPUBIC,
                ("cervix", "cervical_canal", above), 35.0,
            ),
            "placental_edge": _plane(
                marks["placental_edge"], up, back, ("placenta", "myometrium"), 45.0
            ),
            "placenta": _plane(
                marks["placental_cord_insertion"], along, back, ("placenta", "myometrium"), reach
            ),
        }  # fmt: skip
        planes["deepest_pocket"] = _plane(
            marks["deepest_pocket"], up, back, ("amniotic_fluid",),
            0.5 * self.fluid.deepest_pocket + _POCKET_MARGIN,
        )  # fmt: skip
        for name, point in marks.items():
            if name.startswith("fibroid"):
                planes[name] = _plane(point, up, back, ("fibroid", "myometrium"), 45.0)
        if "contraction" in marks:
            planes["contraction"] = _plane(
                marks["contraction"], up, back, ("myometrial_contraction", "myometrium"), 45.0
            )
        return planes

    def yielding(self, path: Vector, radius: float) -> Womb:
        """The womb whose wall makes room for a cord that runs close to it.

        Args:
            path: centre line of the cord in the world, `(nodes, 3)` [mm]; its ends may be outside.
            radius: of the cord [mm].
        """
        own = (path[:-1] - self.frame[:3, 3]) @ self.frame[:3, :3]
        close = distance(self.chamber.sac, own) > -(radius + CLEARANCE + BEND)
        pieces = [capsule(own[k], own[k + 1], radius) for k in np.flatnonzero(close[:-1])]
        if not pieces:
            return self
        return replace(self, chamber=replace(self.chamber, cord=union(*pieces)))

    def measured(self, cord: Shape) -> Fluid:
        """The fluid as measured beside the cord, whose outer surface is given in the world."""
        beside = self.lattice.distance(cord.moved(np.linalg.inv(self.frame)), self.depth > 0.0)
        return self.lattice.examine(np.minimum(self.depth, beside), self.chamber.pear.top)


def _plane(at: Vector, along: Vector, beam: Vector, shows: tuple[str, ...], reach: float) -> Plane:
    """A plane through `at` that holds the directions `along` and `beam`."""
    normal = np.cross(beam, along)
    normal /= np.linalg.norm(normal)
    return Plane(at, normal, (beam,), np.pi / 4, shows, (), reach)  # the beam lies in the plane
