"""The way of the umbilical cord from the fetus to the placenta, through the fluid.

A search on a coarse lattice finds a way around the fetus, by detours through open fluid until
the cord's length is used; then a chain of nodes is relaxed until it is smooth and clear of
everything and of itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from insonate.anatomy.implicit import Shape
from insonate.anatomy.implicit.measure import Measure

__all__ = ["CLEARANCE", "ROOTED", "Distance", "find_path", "frames_along"]

#: Between the cord and whatever it passes [mm].
CLEARANCE = 0.5
#: How deep the cord's end reaches into the placenta [mm].
ROOTED = 1.5
#: Distance of the nodes over the cord's radius.
_STEP = 0.45
#: Lattice of the search over the cord's radius, and how many of its points there may be.
_COARSE, _MOST_POINTS = 1.2, 16_000
#: Detours at most, their least length over the radius, and what a used place costs more.
_DETOURS, _LEAST_DETOUR, _USED = 6, 8.0, 12.0
_ROUNDS, _STIFFNESS = 200, 0.30
#: Rounds in which kinks are smoothed away at last, and how stiff the cord is then.
_LAST, _STIFF = 20, 40.0
#: One loop for this much cord over its radius, and the largest loops' radius over it.
_LOOP, _LOOP_RADIUS = 26.0, 4.0
_DELTA = 0.02
#: Nodes at both ends that do not move: the leads' directions.
_HELD = 6

Vector = NDArray[np.float64]
Distance = Callable[[Vector], Vector]


@dataclass
class _Fluid:
    """What is free: outside of the obstacles and inside the sac."""

    obstacles: Distance
    inside: Distance

    def clear(self, points: Vector) -> Vector:
        """Distance `(points,)` [mm] to the nearest thing, negative in it."""
        at = np.ascontiguousarray(points)
        return np.minimum(np.asarray(self.obstacles(at)), -np.asarray(self.inside(at)))

    def slope(self, points: Vector) -> Vector:
        """Direction `(points, 3)` in which it gets clearer, unit vectors."""
        offsets = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float) * _DELTA
        around = (points[:, None] + offsets).reshape(-1, 3)
        way = self.clear(around).reshape(-1, 4) @ offsets
        return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)


def find_path(
    start: ArrayLike,
    start_direction: ArrayLike,
    end: ArrayLike,
    end_normal: ArrayLike,
    length: float,
    obstacles: Distance | Shape,
    inside: Distance | Shape,
    radius: float,
) -> Vector:
    """Centre line of the cord.

    Args:
        start: in the wall of the fetal abdomen, `(3,)` [mm].
        start_direction: out of the abdomen, a unit vector `(3,)`.
        end: on the surface of the placenta, `(3,)` [mm].
        end_normal: of the placenta into the fluid, a unit vector `(3,)`.
        length: of the cord; it becomes longer if the way is, shorter if the fluid has no room
            for its loops [mm].
        obstacles: the fetus and everything else in the fluid: a shape, or its signed distance
            `(points,)` [mm] at `(points, 3)` [mm]; a shape is faster.
        inside: the sac, which is full of fluid, likewise.
        radius: of the cord [mm].

    Returns:
        `(nodes, 3)` [mm], `CLEARANCE` clear of everything but at its ends; the last node lies
        `ROOTED` deep in the placenta.
    """
    fluid = _Fluid(*(Measure(it) if isinstance(it, Shape) else it for it in (obstacles, inside)))
    first = _lead(fluid, start, start_direction, radius)
    last = _lead(fluid, end, end_normal, radius)
    need = radius + CLEARANCE
    spare = length - _long(first) - _long(last)
    way = _Search.around(fluid, first[-1], last[-1], radius).wander(spare)
    step = _STEP * radius
    way = _smooth(fluid, _resampled(way, step), need)
    way = _looped(fluid, way, spare, need, radius)
    way = _relaxed(fluid, _resampled(way, step), (first, last), radius)
    root = np.asarray(end) - ROOTED * np.asarray(end_normal)
    return np.concatenate([first[:-1], way, last[-2::-1], root[None]])


def _lead(fluid: _Fluid, at: ArrayLike, way: ArrayLike, radius: float) -> Vector:
    """The straight first piece, from the surface into the open, `(nodes, 3)` [mm]."""
    at, way = np.asarray(at, np.float64), np.asarray(way, np.float64)
    way = way / np.linalg.norm(way)
    depth = max(0.0, -float(fluid.clear(at[None])[0]))
    reach = depth + radius + 2.0 * CLEARANCE
    return at + np.linspace(0.0, reach, max(3, round(reach / (_STEP * radius)) + 1))[:, None] * way


def _long(points: Vector) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _resampled(points: Vector, step: float) -> Vector:
    """Nodes `(nodes, 3)` at even distances of about `step` mm."""
    far = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0.0, far[-1], max(4, round(far[-1] / step) + 1))
    return np.stack([np.interp(at, far, points[:, k]) for k in range(3)], axis=1)


@dataclass
class _Search:
    """A lattice of places, and what it costs to go there.

    Attributes:
        points: of the lattice, `(places, 3)` [mm].
        clear: their distance to the nearest thing, `(places,)` [mm].
        price: of a mm there, `(places,)`.
        edges: neighbours `(edges, 2)`.
        ends: first and last point, `(2, 3)` [mm].
        radius: of the cord [mm].
    """

    points: Vector
    clear: Vector
    price: Vector
    edges: NDArray[np.int64]
    ends: Vector
    radius: float

    @staticmethod
    def around(fluid: _Fluid, start: Vector, end: Vector, radius: float) -> _Search:
        """A search in a box around both ends [mm]."""
        margin = 0.5 * float(np.linalg.norm(end - start)) + 8.0 * radius
        low, high = np.minimum(start, end) - margin, np.maximum(start, end) + margin
        spacing = max(_COARSE * radius, (np.prod(high - low) / _MOST_POINTS) ** (1.0 / 3.0))
        count = np.ceil((high - low) / spacing).astype(int) + 1
        points = low + spacing * np.indices(tuple(count)).reshape(3, -1).T
        clear = fluid.clear(points)
        # What is too tight is not forbidden, but dear: there is a way always.
        price = np.exp(3.0 * np.clip(1.3 - clear / (radius + CLEARANCE), 0.0, 3.0))
        ends = np.stack([start, end])
        return _Search(points, clear, price, _neighbours(tuple(count)), ends, radius)

    def wander(self, length: float) -> Vector:
        """A way `(nodes, 3)` [mm] from end to end that is as long as there is room for."""
        here, last = (int(((self.points - at) ** 2).sum(axis=1).argmin()) for at in self.ends)
        way, used = [self.ends[:1]], 0.0
        for _ in range(_DETOURS):
            costs, before = self._costs(here)
            stop = self._detour(costs, self._costs(last)[0], last, length - used)
            if stop is None:
                break
            leg = self._leg(before, here, stop)
            self._use(leg, stop)
            way.append(leg[1:])
            used, here = used + _long(leg), stop
        way.append(self._leg(self._costs(here)[1], here, last)[1:-1])
        return np.concatenate([*way, self.ends[1:]])

    def _costs(self, start: int) -> tuple[Vector, Vector]:
        a, b = self.edges.T
        far = np.linalg.norm(self.points[a] - self.points[b], axis=1)
        costs = 0.5 * (self.price[a] + self.price[b]) * far
        graph = coo_array((costs, (a, b)), shape=(len(self.points),) * 2).tocsr()
        return dijkstra(graph, directed=False, indices=start, return_predecessors=True)

    def _detour(self, there: Vector, back: Vector, last: int, spare: float) -> int | None:
        """The place that uses most of the spare length [mm]; None if there is no good one."""
        least = _LEAST_DETOUR * self.radius
        good = (there + back < spare) & (self.clear > 1.3 * (self.radius + CLEARANCE))
        good &= (there > least) & (back > 0.5 * least) & (there + back > there[last] + 0.5 * least)
        if not good.any():
            return None
        gain = np.minimum(there + back, there[last] + 3.0 * least) + self.clear
        return int(np.argmax(np.where(good, gain, -np.inf)))

    def _leg(self, before: Vector, start: int, end: int) -> Vector:
        steps = [end]
        while steps[-1] != start:
            steps.append(int(before[steps[-1]]))
        return self.points[steps[::-1]]

    def _use(self, leg: Vector, stop: int) -> None:
        """Make what lies along a leg dear, but not its end."""
        far, _ = KDTree(leg).query(self.points)
        fresh = np.linalg.norm(self.points - self.points[stop], axis=1) < 3.0 * self.radius
        self.price = np.where((far < 3.0 * self.radius) & ~fresh, _USED * self.price, self.price)


def _neighbours(count: tuple[int, ...]) -> NDArray[np.int64]:
    """Pairs `(edges, 2)` of neighbours on a lattice, along edges and diagonals."""
    number, pairs = np.arange(np.prod(count)).reshape(count), []
    for way in itertools.product((-1, 0, 1), repeat=3):
        if way > (0, 0, 0):
            here = (slice(max(0, -w), n - max(0, w)) for w, n in zip(way, count, strict=True))
            there = (slice(max(0, w), n - max(0, -w)) for w, n in zip(way, count, strict=True))
            pairs.append(np.stack([number[*here].ravel(), number[*there].ravel()], axis=1))
    return np.concatenate(pairs)


def _smooth(fluid: _Fluid, way: Vector, need: float) -> Vector:
    """The coarse way without its corners, pushed out of what it is too near to."""
    for _ in range(12):
        way[1:-1] = gaussian_filter1d(way, 2.0, axis=0, mode="nearest")[1:-1]
        clear = fluid.clear(way)
        short = np.clip(need - clear, 0.0, 0.5 * need)
        short[[0, -1]] = 0.0
        near = np.flatnonzero(short > 0.0)
        if len(near):
            way[near] += short[near, None] * fluid.slope(way[near])
    return way


def _looped(fluid: _Fluid, way: Vector, length: float, need: float, radius: float) -> Vector:
    """The way wound up where there is room, until it has its length [mm] or the room is used."""
    room = np.clip(fluid.clear(way) - need, 0.0, _LOOP_RADIUS * radius)
    room *= np.sin(np.pi * np.linspace(0.0, 1.0, len(way))) ** 0.5
    room = gaussian_filter1d(np.minimum(room, gaussian_filter1d(room, 4.0)), 3.0)
    _, one, two = frames_along(way)
    turns = max(1.0, round((length - _long(way)) / (_LOOP * radius)))
    angle = 2.0 * np.pi * turns * np.linspace(0.0, 1.0, len(way))
    aside = room[:, None] * (np.cos(angle)[:, None] * one + np.sin(angle)[:, None] * two)
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _long(way + middle * aside) < length else (low, middle)
    return way + low * aside


def frames_along(points: Vector) -> tuple[Vector, Vector, Vector]:
    """Tangents and two directions across that do not turn about them, `(nodes, 3)` each."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    across = np.empty_like(tangent)
    before = np.eye(3)[int(np.argmin(np.abs(tangent[0])))]
    for k, along in enumerate(tangent):
        before = before - along * (before @ along)
        before /= np.linalg.norm(before)
        across[k] = before
    return tangent, across, np.cross(tangent, across)


def _relaxed(fluid: _Fluid, way: Vector, leads: tuple[Vector, Vector], radius: float) -> Vector:
    """Nodes moved until the cord is smooth, keeps its length, and is clear of all and itself."""
    rest = _long(way) / (len(way) - 1)
    before, after = (_straight(lead, rest) for lead in leads)
    way = np.concatenate([before, way[1:-1], after[::-1]])
    guard = _Guard(fluid, radius + CLEARANCE, len(way))
    for round_ in range(_ROUNDS):
        _straighten(way, _STIFFNESS * (1.0 - round_ / _ROUNDS))
        if round_ % 4 == 0:
            _part(way, rest, 2.0 * radius + CLEARANCE)
        for _ in range(3):
            _keep_length(way, rest)
        guard.push(way)
    bent = _bending(len(way))
    for _ in range(_LAST):
        way[_HELD:-_HELD] = bent @ way
        guard.push(way)
    return _resampled(way[_HELD - 1 : len(way) - _HELD + 1], rest)


def _straight(lead: Vector, step: float) -> Vector:
    """A lead's end and as many nodes on its line before it as are held, `(nodes, 3)` [mm]."""
    back = lead[-2] - lead[-1]
    return lead[-1] + step * np.arange(_HELD - 1, -1, -1)[:, None] * back / np.linalg.norm(back)


@dataclass
class _Guard:
    """Pushes nodes out of what they are too near to; those far from all are not looked at.

    A distance changes by as much as one moves at most, so a node that was clear by 20 mm needs
    no look before it has moved that far.
    """

    fluid: _Fluid
    need: float
    count: int

    def __post_init__(self) -> None:
        self.seen = np.full((self.count, 3), np.inf)
        self.spare = np.zeros(self.count)

    def push(self, way: Vector) -> None:
        """Move nodes `(nodes, 3)` [mm] in place; the leads stay."""
        with np.errstate(invalid="ignore"):
            moved = np.linalg.norm(way - self.seen, axis=1)
        doubt = np.flatnonzero(~(moved < self.spare))
        if not len(doubt):
            return
        clear = self.fluid.clear(way[doubt])
        self.seen[doubt], self.spare[doubt] = way[doubt], clear - self.need
        short = self.need - clear
        bad = (short > 0.0) & (doubt >= _HELD) & (doubt < self.count - _HELD)
        if bad.any():
            slope = self.fluid.slope(way[doubt[bad]])
            way[doubt[bad]] += np.minimum(short[bad], 0.5 * self.need)[:, None] * slope


def _straighten(way: Vector, stiffness: float) -> None:
    """Even out the curvature, which keeps the direction at the leads, and a little of it."""
    bend = way[:-2] - 2.0 * way[1:-1] + way[2:]
    with _held(way):
        way[2:-2] += stiffness * (0.52 * bend[1:-1] - 0.25 * (bend[:-2] + bend[2:]))


def _bending(count: int) -> Vector:
    """Matrix `(free, nodes)` that moves nodes to where bending and moving cost least together."""
    bend = np.diff(np.eye(count), 2, axis=0)
    cost = np.eye(count) + _STIFF * bend.T @ bend
    free = slice(_HELD, count - _HELD)
    pull = np.eye(count)[free]
    held = np.ones(count, bool)
    held[free] = False
    pull[:, held] -= cost[free][:, held]
    return np.asarray(np.linalg.solve(cost[free, free], pull), np.float64)


def _keep_length(way: Vector, rest: float) -> None:
    """Move neighbours to their distance [mm], even pairs first; the leads stay."""
    for first in (_HELD - 1, _HELD):
        stop = len(way) - _HELD + 1
        a, b = way[first : stop - 1 : 2], way[first + 1 : stop : 2]
        a = a[: len(b)]
        apart = b - a
        long = np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-9)
        with _held(way):
            shift = 0.5 * (1.0 - rest / long) * apart
            a += shift
            b -= shift


def _part(way: Vector, rest: float, apart: float) -> None:
    """Move loops that touch each other apart [mm]."""
    i, j = np.triu_indices(len(way), max(2, math.ceil(1.6 * apart / rest)))
    between = way[j] - way[i]
    far = np.linalg.norm(between, axis=1)
    near = far < apart
    if not near.any():
        return
    i, j, far = i[near], j[near], np.maximum(far[near], 1e-6)
    shift = (0.25 * (apart - far) / far)[:, None] * between[near]
    with _held(way):
        np.add.at(way, i, -shift)
        np.add.at(way, j, shift)


@contextmanager
def _held(way: Vector) -> Iterator[None]:
    """Put the nodes of the leads back afterwards."""
    kept = way[:_HELD].copy(), way[-_HELD:].copy()
    yield
    way[:_HELD], way[-_HELD:] = kept
