"""The placenta: a disc on the outside of the amniotic sac.

It is what lies near the wall of the cavity and within a ball around its middle there. A part of
its thickness dents the cavity, the rest bulges the wall; where the fetus comes near it is pressed
outwards, so that nothing cuts it.

Uterine frame: x left, y posterior, z to the fundus, origin at the internal os [mm].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import (
    Part,
    Shape,
    ellipsoid,
    half_space,
    intersect,
    sphere,
    subtract,
    union,
)
from insonate.anatomy.implicit.program import distance, gradient
from insonate.anatomy.womb.cavity import BEND, CLEARANCE, Pear
from insonate.errors import InputError, closest

__all__ = ["INWARD", "PLATE", "SITES", "Disc", "Site", "lakes", "site_of"]

Vector = NDArray[np.float64]

#: Where the middle of the placenta lies: azimuth from left over posterior [deg] (None: anterior
#: or posterior), and colatitude from the cervix [deg] (E: high, at 42 % of all).
_SITES: dict[str, tuple[float | None, float]] = {
    "anterior": (-90.0, 100.0),
    "posterior": (90.0, 100.0),
    "fundal": (None, 158.0),
    "left": (0.0, 95.0),
    "right": (180.0, 95.0),
    "low_lying": (None, 0.0),
    "praevia": (None, 0.0),
}
SITES = tuple(_SITES)
#: A normal placenta ends farther than this from the internal os (S: 20) [mm].
_NORMAL_EDGE = 28.0
#: Edge to os of a low-lying one without further notice (S: 0-20), and of a praevia [mm].
_LOW_EDGE, _PRAEVIA_EDGE = 10.0, -20.0
#: Share of the thickness that dents the cavity; the rest bulges the wall (E).
INWARD = 0.6
#: The rim is rounded over this many thicknesses; less in the narrow lower segment.
_RIM, _LOW_RIM = 1.5, 0.5
#: What a fetus that presses on it leaves of the thickness, at least (E).
_PRESSED = 0.7
#: Lobes of the basal plate: height and wavelength [mm] (E).
_LOBES = (0.9, 24.0)
#: Amnion and chorion on the fetal surface [mm] (E).
PLATE = 1.3


@dataclass(frozen=True)
class Site:
    """Where on the wall.

    Attributes:
        azimuth: of its middle, from left over posterior [rad].
        colatitude: of its middle, from the cervix [rad].
        edge: from the internal os to its lower edge, negative if that is beyond the os [mm];
            the colatitude yields to it if `exact`, or if it would be less.
        exact: whether the edge has to lie there exactly.
        beyond: how far the disc may reach over the uterine axis to the other side [mm].
    """

    azimuth: float
    colatitude: float
    edge: float
    exact: bool
    beyond: float

    @property
    def side(self) -> Vector:
        """Unit vector `(3,)` from the uterine axis to its middle, across that axis."""
        return np.array([math.cos(self.azimuth), math.sin(self.azimuth), 0.0])

    def moved(self, by: float) -> Site:
        """The site with its edge `by` mm farther from the os, or farther over it if negative."""
        if self.edge < 0.0:
            return replace(self, beyond=max(self.beyond - 0.5 * by, 0.5))
        return replace(self, edge=max(self.edge + by, 0.0))

    def direction(self, colatitude: float) -> Vector:
        """Unit vector `(3,)` at that `colatitude` [rad]."""
        flat, up = math.sin(colatitude), -math.cos(colatitude)
        return np.array([flat * math.cos(self.azimuth), flat * math.sin(self.azimuth), up])

    def middle(self, pear: Pear, radius: float) -> Vector:
        """Direction `(3,)`, in semi-axes of the `pear`, of a disc with `radius` [mm]."""
        low, high = 0.0, math.pi
        for _ in range(30):
            middle = 0.5 * (low + high)
            reach = float(np.linalg.norm(pear.wall(self.direction(middle))))
            low, high = (middle, high) if reach < radius + self.edge else (low, middle)
        return self.direction(high if self.exact else max(high, self.colatitude))


def site_of(name: str, praevia: float, vary: Mapping[str, float]) -> Site:
    """The site called `name`; a `praevia` above 0 [mm] overrides it.

    Args:
        name: one of `SITES`.
        praevia: how far the placenta reaches over the os [mm].
        vary: "placenta_side" (below 0: posterior where both are possible), and
            "placenta_azimuth", "placenta_height", "placenta_edge", each in [-1, 1].

    Raises:
        InputError: an unknown site.
    """
    if name not in SITES:
        raise InputError(f"placenta: unknown site '{name}'; {closest(name, SITES)}")
    azimuth, colatitude = _SITES[name]
    if azimuth is None:
        azimuth = 90.0 if vary.get("placenta_side", 0.0) < 0.0 else -90.0
    azimuth += 14.0 * vary.get("placenta_azimuth", 0.0)
    colatitude += 12.0 * vary.get("placenta_height", 0.0)
    exact = praevia > 0.0 or name in ("low_lying", "praevia")
    edge = _NORMAL_EDGE
    if name == "low_lying":
        edge = _LOW_EDGE + 6.0 * vary.get("placenta_edge", 0.0)
    if name == "praevia" or praevia > 0.0:
        edge = -praevia if praevia > 0.0 else _PRAEVIA_EDGE
    beyond = max(-0.5 * edge, 0.0) if exact else 1e3
    return Site(math.radians(azimuth), math.radians(min(colatitude, 172.0)), edge, exact, beyond)


@dataclass(frozen=True)
class Disc:
    """A placenta.

    Attributes:
        centre: of its ball, on the wall `(3,)` [mm].
        normal: of the wall there, outwards `(3,)`.
        radius: of the ball [mm].
        thickness: in its middle [mm].
        site: that it was made for.
        phase: of its lobes [rad].
    """

    centre: Vector
    normal: Vector
    radius: float
    thickness: float
    site: Site
    phase: float = 0.0

    @property
    def _rim(self) -> float:
        return (_LOW_RIM if self.site.exact else _RIM) * self.thickness

    @property
    def ball(self) -> Shape:
        """What the disc is cut out with."""
        return self._ball(0.0)

    def _ball(self, grown: float) -> Shape:
        ball, side = sphere(self.centre, self.radius + grown), self.site.side
        if not self.site.exact:
            return ball
        limit = half_space(-(self.site.beyond + grown) * side, -side)
        ball = intersect(ball, limit, blend=6.0)
        down = np.array([0.0, 0.0, -1.0])  # the cervix below the os keeps its length
        return intersect(ball, half_space(grown * down, down), blend=2.0)

    def dent(self, wall: Shape) -> tuple[Shape, float]:
        """What it takes of the cavity within `wall`, and the blend of the dent's edge [mm]."""
        inward = INWARD * self.thickness
        return subtract(self.ball, wall.offset(-inward)), INWARD * self._rim

    def shape(self, wall: Shape, fetus: Shape | None) -> Shape:
        """The placenta, with what it surrounds of the sac.

        Args:
            wall: of the cavity, not dented.
            fetus: what of it can come near; the placenta is pressed outwards there.
        """
        base = self.base(wall, fetus, 0.0).rippled(*_LOBES, self.phase)
        return intersect(base, self.ball, blend=self._rim)

    def behind(self, wall: Shape, fetus: Shape | None, zone: float) -> Shape:
        """The placenta as `shape`, grown on its maternal side by `zone` [mm]."""
        return intersect(self.base(wall, fetus, zone), self._ball(zone), blend=self._rim)

    def base(self, wall: Shape, fetus: Shape | None, zone: float) -> Shape:
        """What it lies on, smooth, with all that this surrounds; `zone` [mm] farther out."""
        base = wall.offset((1.0 - INWARD) * self.thickness + zone)
        if fetus is None:
            return base
        pressed = fetus.offset(CLEARANCE + _PRESSED * self.thickness + zone)
        return union(base, pressed, blend=BEND)

    def surface(self, sac: Shape) -> Vector:
        """Middle of the fetal surface, `(3,)` [mm]: where the cord is inserted."""
        way = np.linspace(-2.0 * self.thickness, 3.0 * self.thickness, 501)
        outside = distance(sac, self.centre - way[:, None] * self.normal) > 0.0
        return self.centre - way[min(int(np.flatnonzero(outside)[-1]) + 1, 500)] * self.normal

    def measured(self, sac: Shape, placenta: Shape, at: Vector) -> float:
        """Thickness under the point `at` `(3,)` of the fetal surface, along its normal [mm]."""
        way = np.linspace(0.0, 2.0 * self.thickness, 401)
        slope = gradient(sac, at[None])[0]
        inside = distance(placenta, at + way[:, None] * slope / np.linalg.norm(slope)) < 0.0
        return float(way[inside.argmin() - 1])


def lakes(disc: Disc, sac: Shape, placenta: Shape, count: int, seed: float) -> tuple[Part, ...]:
    """Lakes of blood in the middle of the placenta's thickness.

    Args:
        disc: the placenta.
        sac: the amniotic sac.
        placenta: with what it surrounds of the sac.
        count: how many are tried; those that would reach its surface are left out.
        seed: in [-1, 1]; where and how large they are.
    """
    found = []
    for index in range(count):
        turn = 2.4 * index + 3.0 * seed
        across = np.linalg.svd(disc.normal[None])[2][1:]
        away = (0.25 + 0.3 * math.sin(1.7 * turn) ** 2) * disc.radius
        at = disc.centre + away * (math.cos(turn) * across[0] + math.sin(turn) * across[1])
        for _ in range(4):
            slope = gradient(sac, at[None])[0]
            at = at - (distance(sac, at[None])[0] - 0.45 * disc.thickness) * slope
        width = (0.16 + 0.10 * math.sin(5.0 * turn)) * disc.thickness
        radii = np.array([1.5 * width, 1.0 * width, 0.8 * width])
        axes = np.stack([across[0], across[1], disc.normal], axis=1)
        if distance(placenta, at[None])[0] < -1.5 * width - 1.0:
            found.append(Part("placental_lake", ellipsoid(at, radii, axes)))
    return tuple(found)
