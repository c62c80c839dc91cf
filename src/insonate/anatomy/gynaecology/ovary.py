"""Ovaries with any number of follicles of given diameters, corpus luteum, cyst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.gynaecology import cycle
from insonate.anatomy.gynaecology.packing import grow_around
from insonate.anatomy.gynaecology.plan import GynaecologyPlan
from insonate.anatomy.implicit import Group, Part, Shape, ellipsoid, sphere, union
from insonate.anatomy.mother.room import volume as sampled_volume
from insonate.errors import InputError

__all__ = ["Ball", "Ovary", "make_ovary", "ovary_groups"]

Vector = NDArray[np.float64]

#: Semi-axes of an ovary of 5.9 ml: along, across, thick [mm] (S: 30 x 25 x 15).
_SEMI_AXES = (15.0, 12.5, 7.5)
#: Stroma between follicles, between them and the capsule, and the capsule [mm] (E).
_GAP, _CORTEX, _CAPSULE = 0.7, 0.8, 0.6
#: Largest semi-axis of an ovary that has a place [mm].
_LARGEST = 60.0
#: A cyst dents the end of the ovary, whose cortex goes around it and clasps it [mm] (E).
_CYST, _DENT, _CLAW, _CLAW_BLEND = "ovarian_cyst", 0.5, 1.2, 10.0
#: Grid on which an ovary with a cyst is measured, relative to the cyst.
_SAMPLES = 0.025
#: Wall of the corpus luteum (M: 2-4) and of a simple cyst (S: below 3) [mm].
_LUTEAL_WALL, _CYST_WALL = 3.0, 1.2
#: Lattices relative to the scene's: diameters that are one voxel, finest and coarsest.
_ACROSS, _FINEST, _COARSEST = 12.0, 0.2, 1.2


@dataclass(frozen=True)
class Ball:
    """Something round in an ovary.

    Attributes:
        region: its label.
        diameter: [mm].
        centre: `(3,)` [mm].
        wall: shell inside the diameter that is a region of its own, 0 if none [mm].
    """

    region: str
    diameter: float
    centre: Vector
    wall: float = 0.0

    @property
    def inner_radius(self) -> float:
        """Radius within the wall [mm]."""
        return 0.5 * self.diameter - self.wall

    @property
    def volume(self) -> float:
        """What it holds within its wall [ml]."""
        return 4.0 / 3.0 * math.pi * self.inner_radius**3 / 1000.0


@dataclass(frozen=True)
class Ovary:
    """One ovary.

    Attributes:
        side: left or right.
        centre: `(3,)` [mm].
        axes: columns along, across and thick `(3, 3)`.
        semi_axes: capsule included, without a cyst `(3,)` [mm].
        balls: what it holds.
    """

    side: str
    centre: Vector
    axes: Vector
    semi_axes: Vector
    balls: tuple[Ball, ...]

    @property
    def cyst(self) -> Ball | None:
        """A cyst at one end of it."""
        return next((ball for ball in self.balls if ball.region == _CYST), None)

    @property
    def shape(self) -> Shape:
        """Its outer surface."""
        body = ellipsoid(self.centre, self.semi_axes, self.axes)
        if self.cyst is None:
            return body
        around = sphere(self.cyst.centre, 0.5 * self.cyst.diameter + _CLAW)
        return union(body, around, blend=_CLAW_BLEND)

    @cached_property
    def volume(self) -> float:
        """All of it, follicles and cyst included [ml]."""
        if self.cyst is not None:
            return sampled_volume(self.shape, _SAMPLES * self.cyst.diameter)
        return 4.0 / 3.0 * math.pi * float(np.prod(self.semi_axes)) / 1000.0

    def points(self, directions: Vector) -> Vector:
        """Points on its surface in the world [mm] for unit vectors, both `(points, 3)`."""
        found = self.centre + directions * self.semi_axes @ self.axes.T
        if self.cyst is None:
            return found
        radius = 0.5 * self.cyst.diameter + _CLAW
        return np.concatenate([found, self.cyst.centre + radius * directions])

    @property
    def follicles(self) -> tuple[Ball, ...]:
        """The follicles, in the order that they were asked for."""
        return tuple(ball for ball in self.balls if ball.region.startswith("follicle"))


def make_ovary(plan: GynaecologyPlan, side: str) -> Ovary:
    """The ovary on `side`, around the origin: as small as its contents allow.

    Raises:
        InputError: its contents need more room than there is.
    """
    draws = plan.draws
    contents = _contents(plan, side)
    volume = cycle.ovarian_volume(plan.age) * (1.0 + 0.15 * draws[f"volume_{side}"])
    semi = np.array(_SEMI_AXES)
    semi *= (volume * 1000.0 / (4.0 / 3.0 * math.pi * np.prod(semi))) ** (1.0 / 3.0)
    diameters = [diameter for _, diameter, _ in contents]
    phase = math.pi * draws[f"phase_{side}"]
    packed = grow_around(diameters, semi, _GAP, _CORTEX + _CAPSULE, _LARGEST, phase)
    if packed is None:
        total = sum(d**3 for d in diameters) * math.pi / 6000.0
        raise InputError(
            f"follicles_{side}: {len(diameters)} of {total:.0f} ml together do not fit into an "
            f"ovary; expected one at most {2.0 * _LARGEST:g} mm long"
        )
    semi, centres = packed
    balls = tuple(
        Ball(name, diameter, centre, wall)
        for (name, diameter, wall), centre in zip(contents, centres, strict=True)
    )
    balls += _cysts(plan, side, float(semi[0]))
    return Ovary(side, np.zeros(3), np.eye(3), semi, balls)


def _contents(plan: GynaecologyPlan, side: str) -> Sequence[tuple[str, float, float]]:
    """Region, diameter and wall [mm] of everything round in the ovary on `side`."""
    found = [
        (f"follicle_{side}_{i}", diameter, 0.0)
        for i, diameter in enumerate(plan.follicles(side), start=1)
    ]
    corpus = plan.corpus_luteum(side)
    if corpus:
        found.append((f"corpus_luteum_{side}", corpus, _LUTEAL_WALL))
    return found


def _cysts(plan: GynaecologyPlan, side: str, end: float) -> tuple[Ball, ...]:
    """The cyst of the left ovary, which it touches at its `end` [mm]."""
    inner = plan.finding(_CYST)
    if not inner or side != "left":
        return ()
    outer = inner + 2.0 * _CYST_WALL
    centre = np.array([end + 0.5 * outer - _DENT, 0.0, 0.0])
    return (Ball(_CYST, outer, centre, _CYST_WALL),)


def placed(ovary: Ovary, centre: Vector, axes: Vector) -> Ovary:
    """The ovary elsewhere.

    Args:
        ovary: around the origin.
        centre: where it is to lie `(3,)` [mm].
        axes: columns along, across and thick `(3, 3)`.
    """
    balls = tuple(
        Ball(ball.region, ball.diameter, centre + axes @ ball.centre, ball.wall)
        for ball in ovary.balls
    )
    return Ovary(ovary.side, centre, axes, ovary.semi_axes, balls)


def ovary_groups(ovary: Ovary, inside: str) -> tuple[Group, ...]:
    """Capsule, stroma and all that it holds, each meshed as finely as it is small.

    Args:
        ovary: in its place.
        inside: region around it.
    """
    stroma = f"ovary_{ovary.side}"
    capsule = Part(f"{stroma}_capsule", ovary.shape)
    groups = list(Group.layers(inside, (capsule, Part(stroma, ovary.shape.offset(-_CAPSULE)))))
    for ball in ovary.balls:
        layers = [Part(ball.region, sphere(ball.centre, ball.inner_radius))]
        if ball.wall:
            outer = sphere(ball.centre, 0.5 * ball.diameter)
            layers.insert(0, Part(f"{ball.region}_wall", outer))
        fineness = min(max(ball.diameter / _ACROSS, _FINEST), _COARSEST)
        groups += Group.layers(stroma, layers, fineness)
    return tuple(groups)
