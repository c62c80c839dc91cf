"""Limbs that move inside the sac: they drag what they touch, and stop before what they meet.

What is around a limb, such as the cord or the wall of the sac, follows its skin, the less the
further away it is. Every point of the skin knows what lies opposite, across the fluid. Where a
movement would take more of that gap than there is, or fold the tissue, the limb's joints turn
less.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from insonate.anatomy.fetus.cord import cord_origin
from insonate.anatomy.fetus.joints import (
    LIMBS,
    Limb,
    Segment,
    angles,
    limb,
    limb_roots,
    limbs,
    segment_lengths,
)
from insonate.anatomy.fetus.limb_motion import LimbMotion, joint_noise
from insonate.anatomy.patient.breathing import smooth
from insonate.anatomy.rays import RayMesh

__all__ = ["Fluid", "MovingLimbs"]

#: Of every gap this share stays, or as much as that [mm].
_STAYS, _ROOM = 0.4, 0.8
#: Least Jacobian of the flesh that is aimed at.
_FOLD = 0.4
#: How far points look for something opposite [mm], and where they start off the skin [mm].
_SIGHT, _OFF = 40.0, 0.02
#: So many points of the skin are looked at, and of the flesh.
_SAMPLES = 6000
#: Step of the weights' slopes [mm].
_STEP = 0.05
#: Rounds of turning less.
_ROUNDS = 3
#: Limbs drag what is nearer than this over R; the points of the skin that it follows, how many
#: there are, and how far they are apart at most, over R.
_DRAG, _FOLLOWED, _DRAGGING, _APART = 0.9, 32, 3000, 0.12
#: Over what length, over R, the pull of two limbs blends.
_BLUR = 0.10
#: Around the umbilicus nothing moves: radii over that of the cord.
_STILL, _LOOSE = 2.0, 6.0

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Fluid:
    """What bounds the amniotic fluid, in the fetal frame.

    Attributes:
        vertices: `(vertices, 3)` [mm].
        faces: into them, `(faces, 3)`, their normals into the fluid.
        own: number among the moving points of every vertex, -1 if it is none, `(vertices,)`.
    """

    vertices: Vector
    faces: NDArray[np.int32]
    own: NDArray[np.int64]

    def normals(self) -> Vector:
        """Of the vertices, into the fluid, `(vertices, 3)`."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        area, total = np.cross(b - a, c - a), np.zeros_like(self.vertices)
        for k in range(3):
            np.add.at(total, self.faces[:, k], area)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class _Points:
    """Points with their weights.

    Attributes:
        at: `(points, 3)` [mm].
        weights: of the segments, `(points, 12)`.
    """

    at: Vector
    weights: Vector

    def ways(self, moves: Vector) -> Vector:
        """How far each is moved by the rigid motions `(12, 4, 4)`, `(points, 3)` [mm]."""
        bent = np.tensordot(self.weights, moves - np.eye(4), axes=1)
        return np.einsum("pij,pj->pi", bent[:, :3, :3], self.at) + bent[:, :3, 3]

    def turned(self, directions: Vector, moves: Vector) -> Vector:
        """Directions `(points, 3)` turned with the points, unit vectors `(points, 3)`."""
        turns = np.tensordot(self.weights, moves[:, :3, :3] - np.eye(3), axes=1)
        turned = directions + np.einsum("pij,pj->pi", turns, directions)
        return turned / np.linalg.norm(turned, axis=1, keepdims=True)

    def limbs(self) -> NDArray[np.bool_]:
        """Whether each of the limbs moves each of the points, `(points, 4)`."""
        return self.weights.reshape(len(self.at), len(LIMBS), -1).max(axis=2) > 0.0


@dataclass(frozen=True)
class _Gaps:
    """Points of the skin, and what lies opposite.

    Attributes:
        skin: points with their weights.
        facing: points opposite, with theirs.
        normal: from one to the other, `(points, 3)`.
        width: of the fluid between them, `(points,)` [mm].
    """

    skin: _Points
    facing: _Points
    normal: Vector
    width: Vector

    def share(self, moves: Vector) -> Vector:
        """The part of a movement `(12, 4, 4)` that every limb may make, `(4,)`."""
        way = self.facing.ways(moves) - self.skin.ways(moves) + self.width[:, None] * self.normal
        loss = self.width - (way * self.skin.turned(self.normal, moves)).sum(axis=1)
        free = self.width - np.minimum(_STAYS * self.width, _ROOM)
        part = np.where(loss > free, free / np.maximum(loss, 1e-9), 1.0)
        return _least(part, self.skin.limbs() | self.facing.limbs())


@dataclass(frozen=True)
class _Flesh:
    """Points of the flesh.

    Attributes:
        points: with their weights.
        slopes: of the weights, `(points, 12, 3)` [1/mm].
    """

    points: _Points
    slopes: Vector

    def jacobian(self, moves: Vector) -> Vector:
        """Volume over that at rest, `(points,)`."""
        turned = (moves - np.eye(4))[:, :3]
        at = np.concatenate([self.points.at, np.ones((len(self.points.at), 1))], axis=1)
        ways = np.einsum("kij,pj->pki", turned, at)
        slope = np.tensordot(self.points.weights, turned[:, :, :3], axes=1)
        slope += np.einsum("pki,pkj->pij", ways, self.slopes)
        return np.linalg.det(np.eye(3) + slope)

    def share(self, moves: Vector) -> Vector:
        """The part of a movement `(12, 4, 4)` that every limb may make, `(4,)`."""
        jacobian = self.jacobian(moves)
        part = np.where(jacobian < _FOLD, (1.0 - _FOLD) / np.maximum(1.0 - jacobian, 1e-9), 1.0)
        return _least(part, self.points.limbs())


def _least(part: Vector, limbs: NDArray[np.bool_]) -> Vector:
    """The least `part` `(points,)` of what concerns every limb, `(4,)`."""
    return np.where(limbs, part[:, None], 1.0).min(axis=0, initial=1.0)


@dataclass(frozen=True)
class MovingLimbs(LimbMotion):
    """The movement of given points, kept within the fluid.

    Attributes:
        amplitude: 0 (still) to 1.
        fluid: around the limbs.
        own: whether a point is of the fetus, `(points,)`; the others are dragged along.
    """

    amplitude: float
    fluid: Fluid
    own: NDArray[np.bool_]

    def moved(self, points: Vector, time: float) -> Vector:
        """Where the points come to lie, `(points, 3)` [mm].

        Args:
            points: as they lie without the limbs' movement, `(points, 3)` [mm].
            time: since rest [s].
        """
        moved = points.copy()
        for move, (near, weight) in zip(self._moves(time), self._pulls, strict=True):
            way = points[near] @ (move[:3, :3] - np.eye(3)).T + move[:3, 3]
            moved[near] += weight[:, None] * way
        return moved

    @cached_property
    def moving(self) -> NDArray[np.bool_]:
        """Whether limbs move a point at all, `(points,)`."""
        return np.asarray((self._every > 0.0).any(axis=1))

    def angles(self, time: float) -> Vector:
        """Joint angles `(4, 5)` [rad], `time` seconds after rest."""
        low, high = self._free
        noise = joint_noise(self.seed, 5 * len(LIMBS), time).reshape(-1, 5)
        swing = self.amplitude * np.where(noise < 0.0, -noise * low, noise * high)
        for _ in range(_ROUNDS):
            moves = self._bones(self._rest + swing)
            share = np.minimum(self._gaps.share(moves), self._flesh.share(moves))
            swing = swing * share[:, None]
        return self._rest + swing

    @cached_property
    def _rest(self) -> Vector:
        return angles(self.plan)

    def _moves(self, time: float) -> list[Vector]:
        """Rigid motions `(4, 4)` of the segments, three for each limb."""
        return list(self._bones(self.angles(time)))

    def _bones(self, wanted: Vector) -> Vector:
        """Rigid motions `(12, 4, 4)` of the segments for joint angles `(4, 5)` [rad]."""
        found = []
        for (name, root, lengths, rest), row in zip(self._chains, wanted, strict=True):
            for before, after in zip(rest, _segments(limb(name, root, row, lengths)), strict=True):
                move, turn = np.eye(4), after.frame @ before.frame.T
                move[:3, :3], move[:3, 3] = turn, after.start - turn @ before.start
                found.append(move)
        return np.array(found)

    @cached_property
    def _chains(self) -> list[tuple]:
        """Name, root, lengths and segments at rest of every limb."""
        rows = zip(LIMBS, limb_roots(self.plan), limbs(self.plan), strict=True)
        return [(n, r, segment_lengths(self.plan, n[0]), _segments(one)) for n, r, one in rows]

    def _held(self, points: Vector, own: NDArray[np.bool_]) -> Vector:
        """Weights of points `(points, 3)` [mm], `(points, 12)`; the umbilicus holds its own."""
        held = np.zeros((len(points), 3 * len(LIMBS)))
        index, weights = LimbMotion(self.plan, points[own], self.seed)._weights
        held[np.flatnonzero(own)[index]] = weights
        held[~own] = self._dragged(points[~own])
        radius = 0.5 * self.plan.sizes["cord_diameter"]
        away = np.linalg.norm(points - cord_origin(self.plan)[0], axis=1) / radius
        return held * smooth((away - _STILL) / (_LOOSE - _STILL))[:, None]

    def _dragged(self, points: Vector) -> Vector:
        """Weights of points `(points, 3)` [mm] outside of the fetus, `(points, 12)`."""
        tree, weights = self._skin
        radius = self.plan.sizes.trunk_radius
        away, near = map(
            np.asarray, tree.query(points, _FOLLOWED, distance_upper_bound=_DRAG * radius)
        )
        pull = np.where(np.isfinite(away), 1.0 / (away**2 + (_BLUR * radius) ** 2) ** 2, 0.0)
        total = np.maximum(pull.sum(axis=1), 1e-30)
        fade = 1.0 - smooth((away[:, 0] / radius - _APART) / (_DRAG - _APART))
        share = np.where(np.isfinite(away[:, 0]), fade / total, 0.0)
        found = np.zeros((len(points), weights.shape[1]))
        for k in range(_FOLLOWED):
            found += (pull[:, k] * share)[:, None] * weights[
                np.minimum(near[:, k], len(weights) - 1)
            ]
        return found

    @cached_property
    def _skin(self) -> tuple[KDTree, Vector]:
        """Points of the fetus' skin, and their weights `(points, 12)`."""
        own = self.fluid.own
        skin = _some(np.flatnonzero((own >= 0) & self.own[own]), _DRAGGING)
        index, weights = LimbMotion(self.plan, self.fluid.vertices[skin], self.seed)._weights
        every = np.zeros((len(skin), weights.shape[1]))
        every[index] = weights
        return KDTree(self.fluid.vertices[skin]), every

    @cached_property
    def _every(self) -> Vector:
        """Weights of all points, `(points, 12)`."""
        return self._held(self.points, self.own)

    @cached_property
    def _pulls(self) -> list[tuple[NDArray[np.int64], Vector]]:
        """The points that each segment moves, and by how much."""
        near = [np.flatnonzero(column) for column in self._every.T]
        return [(rows, self._every[rows, k]) for k, rows in enumerate(near)]

    @cached_property
    def _gaps(self) -> _Gaps:
        fluid = self.fluid
        moves = (fluid.own >= 0) & self.moving[fluid.own] & self.own[fluid.own]
        at = _some(np.flatnonzero(moves))
        normal, start = fluid.normals()[at], fluid.vertices[at]
        rays = RayMesh(fluid.vertices, fluid.faces)
        away, face = rays.first_hit(start + _OFF * normal, normal, _SIGHT)
        met = np.isfinite(away)
        width, corners = away[met] + _OFF, fluid.faces[face[met]]
        place = start[met] + width[:, None] * normal[met]
        share = _shares(place, fluid.vertices[corners])
        weights = np.einsum("pc,pck->pk", share, self._weights_of(corners))
        skin = _Points(start[met], self._weights_of(at[met]))
        return _Gaps(skin, _Points(place, weights), normal[met], width)

    def _weights_of(self, index: NDArray[np.integer]) -> Vector:
        """Weights `(..., 12)` of the fluid's vertices `index` `(...)`."""
        own = self.fluid.own[index]
        return np.where((own >= 0)[..., None], self._every[own], 0.0)

    @cached_property
    def _flesh(self) -> _Flesh:
        at = np.concatenate(
            [_some(np.flatnonzero(self.moving & own)) for own in (self.own, ~self.own)]
        )
        points = self.points[at]
        shifts = _STEP * np.concatenate([np.eye(3), -np.eye(3)])
        near = self._held((points + shifts[:, None]).reshape(-1, 3), np.tile(self.own[at], 6))
        near = near.reshape(2, 3, len(at), -1)
        slopes = (near[0] - near[1]).transpose(1, 2, 0) / (2.0 * _STEP)
        return _Flesh(_Points(points, self._every[at]), slopes)


def _shares(points: Vector, corners: Vector) -> Vector:
    """Barycentric coordinates `(points, 3)` of points in triangles `(points, 3, 3)`."""
    a, b, c = corners.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    area = np.maximum((normal * normal).sum(axis=1), 1e-20)
    v = (np.cross(points - a, c - a) * normal).sum(axis=1) / area
    w = (np.cross(b - a, points - a) * normal).sum(axis=1) / area
    return np.stack([1.0 - v - w, v, w], axis=1)


def _segments(one: Limb) -> tuple[Segment, Segment, Segment]:
    return one.upper, one.lower, one.tip


def _some(index: NDArray[np.int64], most: int = _SAMPLES) -> NDArray[np.int64]:
    """At most so many of the indices, evenly."""
    return index[:: max(1, -(-len(index) // most))]
