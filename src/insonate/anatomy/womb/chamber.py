"""The chamber that a scale gives: pear, sac and placenta, with all that shapes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Shape, capsule, intersect, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.implicit.shape import Combined, Grown
from insonate.anatomy.womb.cavity import (
    CLEARANCE,
    DECIDUA,
    NECK_RADIUS,
    Pear,
    Room,
    clinging,
    dented,
    neck,
    yielding,
)
from insonate.anatomy.womb.cervix import Cervix
from insonate.anatomy.womb.cover import covered, pruned
from insonate.anatomy.womb.fluid import CLOSE, Fluid, Lattice, solve
from insonate.anatomy.womb.placenta import INWARD, PLATE, Disc, Site
from insonate.anatomy.womb.uterus import Contraction

#: Scale of the pear, and how far its wall may be from the sheath around the fetus [mm], None if
#: it does not cling.
Size = tuple[float, float | None]
#: The edge is measured on what of the placenta lies this near to the wall [mm].
_ON_WALL = 5.0
#: The loosest wall that clings [mm].
LOOSEST = 50.0

__all__ = ["Chamber", "Design", "Size", "Solver"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """What is decided before the size of the cavity is known.

    Attributes:
        room: pears of all sizes.
        cervix: its funnel opens into the cavity.
        site: of the placenta.
        thickness: of the placenta [mm].
        radius: of its disc [mm].
        volume: that the placenta is to have [ml].
        zone: depth of the veins behind it [mm].
        phase: of its lobes [rad].
        contraction: of the wall; None if there is none.
    """

    room: Room
    cervix: Cervix
    site: Site
    thickness: float
    radius: float
    volume: float
    zone: float
    phase: float = 0.0
    contraction: Contraction | None = None

    def disc(self, pear: Pear) -> Disc:
        """The placenta on the wall of a pear."""
        way = self.site.middle(pear, self.radius)
        at, normal = pear.wall(way), pear.normal(way)
        return Disc(at, normal, self.radius, self.thickness, self.site, self.phase)

    @property
    def _below_fetus(self) -> Vector:
        """On the uterine axis, at the fetus [mm]."""
        placement = self.room.placement
        return np.array([0.0, 0.0, float(placement.centre[2] - placement.half[2]) + 4.0])

    @property
    def open_neck(self) -> Shape:
        """The way to the os, away from a low placenta; it stays open whatever bulges."""
        aside = 8.0 * self.site.side if self.site.exact else np.zeros(3)
        return neck(self._below_fetus - aside)

    @property
    def filled_neck(self) -> Shape:
        """The way down to where the outside of a placenta lies on the os."""
        low = np.array([0.0, 0.0, NECK_RADIUS + (1.0 - INWARD) * self.thickness])
        return capsule(low, self._below_fetus, NECK_RADIUS, 0.8 * INWARD * self.thickness)

    def dented(self, pear: Pear, wall: Shape) -> Shape:
        """The `wall` with funnel, contraction and the dent of the placenta."""
        dents = [self.disc(pear).dent(wall)]
        if self.contraction is not None:
            dents.append((self.contraction.shape(pear), 10.0))
        cavity, funnel = dented(wall, dents), self.cervix.funnel
        if self.site.edge >= 0.0:
            cavity = union(cavity, self.open_neck, blend=5.0)
        return cavity if funnel is None else union(cavity, funnel, blend=4.0)


@dataclass(frozen=True)
class Chamber:
    """A cavity with its contents, in the uterine frame.

    Attributes:
        design: what it was made from.
        pear: its size.
        cover: a simple surface around the fetus.
        gap: nowhere is the wall farther from the sheath around the fetus [mm]; None if it
            may be.
        whole: whether to keep those parts of the cover that cannot bend the wall.
        cord: what of the cord the wall has to yield to; None if it floats freely.
    """

    design: Design
    pear: Pear
    cover: Shape
    gap: float | None = None
    whole: bool = False
    cord: Shape | None = None

    @cached_property
    def disc(self) -> Disc:
        """The placenta's place and size."""
        return self.design.disc(self.pear)

    @cached_property
    def _near(self) -> Shape | None:
        """What of the fetus the wall has to yield to."""
        if self.whole:
            return self.cover
        return pruned(self.cover, self._dented, CLEARANCE)

    @cached_property
    def _dented(self) -> Shape:
        return self.design.dented(self.pear, self.wall)

    @cached_property
    def wall(self) -> Shape:
        """The cavity without dents, before it yields."""
        if self.gap is None:
            return self.pear.shape
        clings = clinging(self.pear.shape, self.design.room.placement.sheath, self.gap)
        if self.design.site.edge >= 0.0:
            return clings
        # the sheath ends above the os; a praevia lies on the wall down there
        return union(clings, self.design.filled_neck, blend=12.0)

    @cached_property
    def sac(self) -> Shape:
        """The amniotic sac: fluid, cord and fetus."""
        sac = yielding(self._dented, self._near)
        return sac if self.cord is None else yielding(sac, self.cord)

    @cached_property
    def placenta(self) -> Shape:
        """The placenta; the sac is painted over what they share."""
        return self.disc.shape(self.wall, self._near)

    @cached_property
    def plate(self) -> Shape:
        """The chorionic plate; the sac is painted over what they share."""
        return intersect(self.placenta, self.sac.offset(PLATE))

    @cached_property
    def decidua(self) -> Shape:
        """Sac and placenta with the decidua around them."""
        return union(self.sac, self.placenta, blend=4.0).offset(DECIDUA)

    @cached_property
    def veins(self) -> Shape:
        """Sac and placenta with the zone of veins behind the placenta."""
        return self.disc.behind(self.wall, self._near, self.design.zone + DECIDUA)

    @cached_property
    def lining(self) -> Shape:
        """All that lies within the myometrium; the veins hold the placenta and its decidua."""
        return union(self.sac.offset(DECIDUA), self.veins, blend=4.0)

    def edge(self) -> tuple[float, Vector]:
        """Lower edge of the placenta: distance to the internal os [mm], and where it is.

        The distance is negative if the placenta covers the os. The place is `(3,)` [mm].
        """
        side = self.design.site.side
        far = 1.1 * float(np.linalg.norm(self.disc.centre)) if not self.design.site.exact else 75.0
        step = max(0.6, far / 160.0)
        a, z = np.meshgrid(np.arange(-75.0, far, step), np.arange(-4.0, far, step))
        points = a.reshape(-1, 1) * side + z.reshape(-1, 1) * np.array([0.0, 0.0, 1.0])
        tissue = (distance(self.sac, points) > 0.0) & (distance(self.placenta, points) < 0.0)
        base = self.disc.base(self.wall, self._near, 0.0)  # what lies on the wall counts
        tissue[tissue] = distance(base, points[tissue]) > -_ON_WALL
        if not tissue.any():
            return far, self.disc.centre
        points, a = points[tissue], a.reshape(-1)[tissue]
        reach = np.linalg.norm(points, axis=1)
        beyond = a < -1.0
        if reach.min() < 2.0 * _ON_WALL and beyond.any():
            last = int(np.where(beyond, reach, 0.0).argmax())
            return -float(reach[last]), points[last]
        first = int(reach.argmin())
        return float(reach[first]), points[first]


@dataclass(frozen=True)
class Solver:
    """Finds the size of the cavity.

    Attributes:
        cover: a simple surface around the fetus, uterine frame.
        lattice: where the fluid is measured.
        gap: distance of its points to the fetus `(x, z, y)` [mm].
        cover_gap: the same to the cover.
    """

    cover: Shape
    lattice: Lattice
    gap: Vector
    cover_gap: Vector

    @staticmethod
    def around(fetus: Shape, largest: Pear, axes: Vector, width: float) -> Solver:
        """For cavities up to the largest one.

        Args:
            fetus: outer surface of the fetus, uterine frame.
            largest: of the cavities.
            axes: from the uterine frame to the world `(3, 3)`.
            width: that a pocket of fluid has to have [mm].
        """
        lattice = Lattice.around(largest.shape, axes, width)
        cover = covered(fetus)
        gaps = lattice.distance(fetus), lattice.distance(cover)
        return Solver(cover, lattice, *gaps)

    def fluid(self, design: Design, size: Size) -> Fluid:
        """The fluid in the cavity of that size."""
        scale, gap = size
        chamber = Chamber(design, design.room.pear(scale), self.cover, gap, whole=True)
        sac = self._field(chamber.sac, {id(self.cover): self.cover_gap})
        return self.lattice.examine(np.minimum(-sac, self.gap), chamber.pear.top)

    def _field(self, shape: Shape, known: dict[int, Vector]) -> Vector:
        """Distance of the lattice to a shape, `known` to some of what it is made of."""
        if id(shape) not in known:
            if isinstance(shape, Grown):
                field = self._field(shape.shape, known) - shape.by
            elif isinstance(shape, Combined):
                sides = (self._field(side, known) for side in (shape.first, shape.second))
                field = _joined(shape, *sides)
            else:
                field = self.lattice.distance(shape, self.gap > 0.0)
            known[id(shape)] = field
        return known[id(shape)]

    def size(
        self,
        design: Design,
        wanted: float,
        bounds: tuple[float, float],
        guess: Size,
        close: float = CLOSE,
    ) -> Size:
        """The size that gives the amniotic fluid index that is wanted.

        Args:
            design: of the womb.
            wanted: amniotic fluid index [mm].
            bounds: of the scale; if there is too much fluid in the smallest, the wall clings
                to the fetus.
            guess: where the search starts.
            close: share of the index by which it may be missed.
        """
        scale, gap = guess
        if gap is None:
            scale = solve(
                lambda s: self.fluid(design, (s, None)).index, wanted, *bounds, scale, close
            )
            if scale > bounds[0]:
                return scale, None
        clings = solve(
            lambda g: self.fluid(design, (scale, g)).index,
            wanted,
            -design.room.placement.slack,
            LOOSEST,
            0.5 * LOOSEST if gap is None else gap,
            close,
        )
        return scale, clings

    def chamber(self, design: Design, size: Size) -> Chamber:
        """The cavity of that size."""
        return Chamber(design, design.room.pear(size[0]), self.cover, size[1])

    def depth(self, chamber: Chamber) -> Vector:
        """Depth of the lattice in the fluid of a chamber, on its final surfaces [mm]."""
        outside = self.gap > 0.0
        depth = np.minimum(-self.lattice.distance(chamber.sac, outside), self.gap)
        return np.where(outside, depth, self.gap)

    def placenta_volume(self, chamber: Chamber) -> float:
        """Volume of the placenta [ml]."""
        disc = chamber.disc
        away = np.linalg.norm(self.lattice.points - disc.centre, axis=-1)
        points = (self.gap > 0.0) & (away < disc.radius + self.lattice.step)
        tissue = self.lattice.distance(chamber.placenta, points)
        sac = self.lattice.distance(chamber.sac, points & (tissue < self.lattice.step))
        return self.lattice.volume(np.minimum(-tissue, sac))


def _joined(how: Combined, first: Vector, second: Vector) -> Vector:
    """Two fields joined as the kernels do it (`distance_kernels.evaluate`)."""
    sign = 1.0 if how.how == "union" else -1.0
    a, b = sign * first, second if how.how != "intersect" else -second
    least = np.minimum(a, b)
    if how.blend > 0.0:
        least -= np.maximum(how.blend - np.abs(a - b), 0.0) ** 2 / (4.0 * how.blend)
    return sign * least
