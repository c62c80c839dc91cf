"""Where on the mother's skin a probe shows a plane, if anywhere.

Every direction in the plane is tried: the beam comes from the skin that it meets. A place is
good if it is on the front of the belly, the skin faces the probe, the plane is near, the beam
has the direction that the plane wants, and neither bone nor gas is in the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.planes import Plane
from insonate.anatomy.rays import RayMesh
from insonate.geometry import rotation_about
from insonate.scene import Scene

__all__ = ["Contact", "Seeker", "Window"]

Vector = NDArray[np.float64]

#: Directions tried in a plane, and planes tried about an axis.
DIRECTIONS, TURNS = 72, 12
#: From how far outside the skin is looked for [mm].
OUTSIDE = 700.0
#: Impedances between which sound passes [MRayl].
SOFT = (0.5, 2.6)
#: Beam against the skin's normal [rad] and depth [mm]: what costs nothing, one, and too much.
TILT, TOO_TILTED = np.radians(35.0), np.radians(60.0)
NEAR, DEEPER, TOO_DEEP = 60.0, 60.0, 190.0
#: A curved face: where its ends are beside its middle [mm], how much higher they lie [mm], and
#: how far from the skin an end may be [mm]; beyond it sound is lost.
FACE, SAG, LIFTED = 22.0, 5.2, 14.0
#: Cost of a wholly hidden plane, and of one that still counts as seen.
HIDDEN, LIMIT = 7.0, 6.5


@dataclass(frozen=True)
class Window:
    """The part of the skin where a probe may be put.

    Attributes:
        low: lowest height z [mm].
        high: highest height z [mm].
        forward: least share of the skin's normal that points to the front.
    """

    low: float
    high: float
    forward: float = 0.1


@dataclass(frozen=True)
class Contact:
    """A place for the probe.

    Attributes:
        at: on the skin `(3,)` [mm].
        beam: into the body, unit vector `(3,)`.
        normal: of the image plane, unit vector `(3,)`.
        depth: from the skin to the plane's origin [mm].
        cost: 0 is ideal.
    """

    at: Vector
    beam: Vector
    normal: Vector
    depth: float
    cost: float


class Seeker:
    """Finds places for a probe on one scene.

    Args:
        scene: the patient.
        window: where a probe may be.
    """

    def __init__(self, scene: Scene, window: Window):
        outer = (scene.pairs == 0).any(axis=1)
        impedance = np.array([region.tissue.impedance for region in scene.regions])
        hard = (impedance < SOFT[0]) | (impedance > SOFT[1])
        self.skin = RayMesh(scene.vertices, scene.faces[outer])
        self.hard = RayMesh(scene.vertices, scene.faces[hard[scene.pairs].any(axis=1)])
        self.window = window

    def best(self, plane: Plane) -> Contact | None:
        """The best place for a plane, None if it cannot be seen from anywhere."""
        found = [c for normal in _normals(plane) for c in self._contacts(plane, normal)]
        best = min(found, key=lambda contact: contact.cost, default=None)
        return best if best is not None and best.cost < LIMIT else None

    def _contacts(self, plane: Plane, normal: Vector) -> list[Contact]:
        """Admissible places with one normal of the image plane."""
        beams = _directions(plane, normal)
        starts = plane.origin - OUTSIDE * beams
        distance, face = self.skin.first_hit(starts, beams, OUTSIDE)
        met = np.flatnonzero(face >= 0)
        beams, at = beams[met], starts[met] + distance[met, None] * beams[met]
        depth = OUTSIDE - distance[met]
        outward = self.skin.normals(face[met])
        tilt = np.arccos(np.clip(-(beams * outward).sum(axis=1), -1.0, 1.0))
        off = _deviation(plane, beams)
        allowed = (
            (-outward[:, 1] > self.window.forward)
            & (at[:, 2] > self.window.low)
            & (at[:, 2] < self.window.high)
            & (tilt < TOO_TILTED)
            & (depth < TOO_DEEP)
            & (off < 2.5)
        )
        cost = (tilt / TILT) ** 2 + (np.maximum(depth - NEAR, 0.0) / DEEPER) ** 2 + off**2
        cost += self._lift(at, beams, normal) ** 2
        return [
            Contact(
                at[i], beams[i], normal, float(depth[i]),
                float(cost[i] + HIDDEN * self._hidden(plane, at[i], normal)),
            )
            for i in np.flatnonzero(allowed)
        ]  # fmt: skip

    def _lift(self, at: Vector, beams: Vector, normal: Vector) -> Vector:
        """How far the ends of a probe's face are off the skin, over what it can bear."""
        lateral = np.cross(normal, beams)
        worst = np.zeros(len(at))
        for side in (-FACE, FACE):
            start = at + side * lateral - OUTSIDE * beams
            distance, _ = self.skin.first_hit(start, beams, 2.0 * OUTSIDE)
            gap = np.abs(distance - OUTSIDE - SAG)
            worst = np.maximum(worst, np.minimum(gap / LIFTED, 3.0))
        return worst

    def _hidden(self, plane: Plane, at: Vector, normal: Vector) -> float:
        """Share of the plane that bone or gas hides: all of it, and its middle twice.

        What lies at its rim is passed over for the whole, since a skull is always there; but a
        spine or a rib in front of the middle counts.
        """
        outer, inner = _rings(plane, normal)
        return 0.7 * self._blocked(plane, at, outer, 1.15) + 0.3 * self._blocked(
            plane, at, inner, 0.4
        )

    def _blocked(self, plane: Plane, at: Vector, targets: Vector, clear: float) -> float:
        """Share of `targets` behind something hard that is `clear` times the reach away."""
        way = targets - at
        length = np.linalg.norm(way, axis=1)
        way /= length[:, None]
        start = at + 0.5 * way
        hit, face = self.hard.first_hit(start, way, OUTSIDE)
        where = start + np.where(face >= 0, hit, 0.0)[:, None] * way
        away = np.linalg.norm(where - plane.origin, axis=1) > clear * plane.reach
        return float(((face >= 0) & (hit < length) & away).mean())


def _rings(plane: Plane, normal: Vector) -> tuple[Vector, Vector]:
    """Points all over the plane's field, and in its middle, `(points, 3)` each [mm]."""
    u = np.cross(normal, [0.3, 0.5, 0.8])
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    angle = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    ring = plane.reach * (np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v)
    middle = np.concatenate([0.28 * ring, [0.0 * u]])
    return plane.origin + np.concatenate([0.7 * ring, middle]), plane.origin + middle


def _normals(plane: Plane) -> list[Vector]:
    if plane.axis is None:
        return [plane.normal]
    angles = np.arange(TURNS) * np.pi / TURNS
    return [rotation_about(plane.axis, angle) @ plane.normal for angle in angles]


def _directions(plane: Plane, normal: Vector) -> Vector:
    """Unit vectors in the plane `(directions, 3)`."""
    if plane.axis is not None:
        u, v = np.cross(normal, plane.axis), plane.axis
        angle = np.radians(np.arange(-40.0, 41.0, 8.0))
        fan = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
        return np.concatenate([fan, -fan])
    u = np.cross(normal, [0.31, 0.52, 0.79])
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    angle = np.arange(DIRECTIONS) * 2.0 * np.pi / DIRECTIONS
    return np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v


def _deviation(plane: Plane, beams: Vector) -> Vector:
    """Angle between beams and those that the plane wants, over its spread."""
    if plane.axis is not None:
        return np.abs(np.arcsin(np.clip(beams @ plane.axis, -1.0, 1.0))) / plane.spread
    if not plane.beams:
        return np.zeros(len(beams))
    cosine = np.max(beams @ np.stack(plane.beams).T, axis=1)
    return np.arccos(np.clip(cosine, -1.0, 1.0)) / plane.spread
