"""Where on the mother's skin a probe shows a plane, if anywhere.

Every direction in the plane is tried: the beam comes from the skin that it meets, and the probe
is slid along the skin and pushed in until its face touches. A place is good if the whole face
touches, the plane is near, the beam has the direction that the plane wants, and bone and gas
leave enough sound for the structures that define it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.contact import MOST
from insonate.anatomy.patient.sight import Sight
from insonate.anatomy.planes import Plane
from insonate.anatomy.rays import RayMesh
from insonate.geometry import rotation_about
from insonate.probe import Probe, load_probe
from insonate.scene import Scene

__all__ = ["Contact", "Seeker", "Window"]

Vector = NDArray[np.float64]
Section = tuple[Vector, NDArray[np.int64]]

#: Directions tried in a plane, planes tried about an axis, and ways the probe is slid [mm].
DIRECTIONS, TURNS, SLID = 60, 12, (-24.0, 0.0, 24.0)
#: Angles tried against an axis [rad]; a bone at a slant sends its echo elsewhere.
SLANTS = np.radians([-24.0, -16.0, -8.0, 0.0, 8.0, 16.0, 24.0])
#: From how far outside the skin is looked for [mm].
OUTSIDE = 700.0
#: Beam against the skin's normal at most [rad]; depth of the plane that costs nothing, that
#: costs one more, and that is too much [mm].
TOO_TILTED = np.radians(50.0)
NEAR, DEEPER, TOO_DEEP = 50.0, 45.0, 140.0
#: Depth that is too much for a bone's length, which has to echo from end to end [mm].
TOO_DEEP_FOR_BONE = 125.0
#: How far the skin may be from the face before it is pressed [mm]; what costs one.
PRESSED, EASY = 0.8 * MOST, 10.0
#: Positions along the face, over its half length; the share of it that has to touch, and what
#: it costs if its ends do not.
FACE, TOUCHING, LIFTED = np.linspace(-1.0, 1.0, 9), 0.75, 1.5
#: Points of a structure that are looked at, and the loss that hides it [dB].
POINTS, DARK = 16, 20.0
#: Places looked at closely, the least share that is seen, and the cost of what is hidden.
CLOSELY, SEEN, HIDDEN = 60, 0.55, 8.0
#: Share of the fan's half angle in which a plane's structures have to lie.
WITHIN = 0.96


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
        at: middle of its face `(3,)` [mm].
        beam: into the body, unit vector `(3,)`.
        normal: of the image plane, unit vector `(3,)`.
        depth: from the face to the plane's origin, along the beam [mm].
        cost: 0 is ideal.
        fan: share of the face that touches.
        seen: share of the plane's structures that sound reaches.
    """

    at: Vector
    beam: Vector
    normal: Vector
    depth: float
    cost: float
    fan: float = 1.0
    seen: float = 1.0


class Seeker:
    """Finds places for a probe on one scene.

    Args:
        scene: the patient.
        window: where a probe may be.
        probe: a convex one; the abdominal one when None.
    """

    def __init__(self, scene: Scene, window: Window, probe: Probe | None = None):
        self.scene, self.window = scene, window
        self.probe = probe or load_probe("c5_2v")
        self.skin = RayMesh(scene.vertices, scene.faces[(scene.pairs == 0).any(axis=1)])
        self._corners: dict[int, Vector] = {}  # of the faces of a region
        self.sight = Sight(scene, self.probe.attenuation_frequency_mhz)

    def best(self, plane: Plane) -> Contact | None:
        """The best place for a plane, None if it cannot be seen from anywhere."""
        found = [c for normal in _normals(plane) for c in self._contacts(plane, normal)]
        found.sort(key=lambda contact: contact.cost)
        seen = [contact for contact in self._looked(plane, found[:CLOSELY]) if contact.seen >= SEEN]
        return min(seen, key=lambda contact: contact.cost, default=None)

    def _contacts(self, plane: Plane, normal: Vector) -> list[Contact]:
        """Places with one normal of the image plane at which the whole face touches."""
        beams, origins = _tried(plane, normal)
        distance, face = self.skin.first_hit(origins - OUTSIDE * beams, beams, OUTSIDE)
        met = np.flatnonzero(face >= 0)
        beams, depth = beams[met], OUTSIDE - distance[met]
        outward = self.skin.normals(face[met])
        at = origins[met] - depth[:, None] * beams
        allowed = (
            (-outward[:, 1] > self.window.forward)
            & (at[:, 2] > self.window.low)
            & (at[:, 2] < self.window.high)
            & (-(beams * outward).sum(axis=1) > np.cos(TOO_TILTED))
        )
        at, beams, depth = at[allowed], beams[allowed], depth[allowed]
        found, most = [], TOO_DEEP if plane.axis is None else TOO_DEEP_FOR_BONE
        for share in (1.0, TOUCHING):
            push, worst = self._lift(at, beams, normal, share)
            there, deep = at + push[:, None] * beams, depth - push
            cost = (worst / EASY) ** 2 + (np.maximum(deep - NEAR, 0.0) / DEEPER) ** 2
            cost += _deviation(plane, beams) ** 2 + LIFTED * (share < 1.0)
            found += [
                Contact(there[i], beams[i], normal, float(deep[i]), float(cost[i]), share)
                for i in np.flatnonzero((worst < PRESSED) & (deep < most))
            ]
        return found

    def _lift(
        self, at: Vector, beams: Vector, normal: Vector, share: float
    ) -> tuple[Vector, Vector]:
        """How far to push a share of the face in, and how far it is off the skin then [mm]."""
        radius, half = self.probe.radius, 0.5 * self.probe.field_of_view
        lateral = np.cross(normal, beams)
        angle = half * share * FACE[:, None, None]
        way = np.cos(angle) * beams + np.sin(angle) * lateral
        start = at - radius * beams + (radius - 2.0 * MOST) * way
        shape = way.shape
        distance, _ = self.skin.first_hit(start.reshape(-1, 3), way.reshape(-1, 3), 4.0 * MOST)
        gap = distance.reshape(shape[:2]) - 2.0 * MOST
        push = 0.5 * (gap.min(axis=0) + gap.max(axis=0))
        push = np.where(np.isfinite(push), push, 0.0)
        return push, np.abs(gap - push * np.cos(angle[..., 0])).max(axis=0, initial=0.0)

    def _looked(self, plane: Plane, contacts: list[Contact]) -> list[Contact]:
        """Places with what is seen from there of a plane's structures, and their cost."""
        sections: dict[bytes, Section] = {}
        starts, ends, owns, inside = [], [], [], []
        for contact in contacts:
            key = contact.normal.tobytes()
            if key not in sections:
                sections[key] = self._structures(plane, contact.normal)
            points, own = sections[key]
            apex = contact.at - self.probe.radius * contact.beam
            way = points - apex
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            starts.append(apex + self.probe.radius * way)
            ends.append(points)
            owns.append(own)
            half = 0.5 * WITHIN * contact.fan * self.probe.field_of_view
            inside.append(way @ contact.beam > np.cos(half))
        if not contacts:
            return []
        loss = self.sight.loss(*(np.concatenate(rows) for rows in (starts, ends, owns)))
        cuts = np.cumsum([len(own) for own in owns])[:-1]
        rows = zip(contacts, np.split(loss, cuts), owns, inside, strict=True)
        return [self._judged(*row) for row in rows]

    def _judged(
        self, contact: Contact, loss: Vector, own: NDArray[np.int64], inside: NDArray[np.bool_]
    ) -> Contact:
        """A place with its share of light; what lies beyond the fan is worse than dark."""
        light = np.where(inside, np.maximum(1.0 - loss / DARK, 0.0), -1.0)
        shares = [light[own == region].mean() for region in np.unique(own)]
        seen = float(0.5 * np.mean(shares) + 0.5 * np.min(shares))
        return replace(contact, seen=seen, cost=contact.cost + HIDDEN * (1.0 - seen))

    def _structures(self, plane: Plane, normal: Vector) -> Section:
        """Points on what defines a plane `(points, 3)` [mm], and the region of each."""
        shows = plane.shows if plane.axis is None else plane.shows[:1]
        names = [region.name for region in self.scene.regions]
        found = []
        for label in (names.index(name) for name in shows if name in names):
            points = self._section(label, plane, normal)
            chosen = np.linspace(0, len(points) - 1, min(POINTS, len(points))).astype(int)
            found.append((points[chosen], np.full(len(chosen), label)))
        if not sum(len(points) for points, _ in found):
            return plane.origin[None].copy(), np.zeros(1, np.int64)
        points, own = zip(*found, strict=True)
        return np.concatenate(points), np.concatenate(own)

    def _section(self, label: int, plane: Plane, normal: Vector) -> Vector:
        """Where a plane cuts a region's surface within its reach, in order of x."""
        if label not in self._corners:
            faces = self.scene.faces[(self.scene.pairs == label).any(axis=1)]
            self._corners[label] = self.scene.vertices[faces].astype(np.float64)
        corners = self._corners[label] - plane.origin
        side = corners @ normal
        cut = (side.min(axis=1) < 0.0) & (side.max(axis=1) > 0.0)
        middle = corners[cut].mean(axis=1)
        middle = middle[np.linalg.norm(middle, axis=1) < plane.reach]
        order = np.argsort(middle @ np.cross(normal, [0.31, 0.52, 0.79]))
        return plane.origin + middle[order]


def _normals(plane: Plane) -> list[Vector]:
    if plane.axis is None:
        return [plane.normal]
    angles = np.arange(TURNS) * np.pi / TURNS
    return [rotation_about(plane.axis, angle) @ plane.normal for angle in angles]


def _tried(plane: Plane, normal: Vector) -> tuple[Vector, Vector]:
    """Beams in the plane, and points that they go through, `(beams, 3)` each."""
    if plane.axis is not None:
        u, v, angle = np.cross(normal, plane.axis), plane.axis, SLANTS
    else:
        u = np.cross(normal, [0.31, 0.52, 0.79])
        u /= np.linalg.norm(u)
        v, angle = np.cross(normal, u), np.arange(DIRECTIONS) * 2.0 * np.pi / DIRECTIONS
    beams = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    if plane.axis is not None:
        beams = np.concatenate([beams, -beams])
    slid = np.array(SLID)[:, None, None] * np.cross(normal, beams)
    return np.tile(beams, (len(SLID), 1)), (plane.origin + slid).reshape(-1, 3)


def _deviation(plane: Plane, beams: Vector) -> Vector:
    """Angle between beams and those that the plane wants, over its spread."""
    if plane.axis is not None:
        return np.abs(np.arcsin(np.clip(beams @ plane.axis, -1.0, 1.0))) / plane.spread
    if not plane.beams:
        return np.zeros(len(beams))
    cosine = np.max(beams @ np.stack(plane.beams).T, axis=1)
    return np.arccos(np.clip(cosine, -1.0, 1.0)) / plane.spread
