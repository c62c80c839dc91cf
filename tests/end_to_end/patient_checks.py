"""What has to be true of every patient; each check returns what is wrong, or how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Group, Part
from insonate.anatomy.implicit.mesh import Surfaces
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.patient.build import Anatomy
from insonate.anatomy.patient.measure import cut
from insonate.anatomy.rays import RayMesh


def groups(anatomy: Anatomy) -> tuple[Group, ...]:
    return (*anatomy.maternal, *anatomy.fetal)


def boundary(surfaces: Surfaces, region: int) -> NDArray[np.int32]:
    """Faces around a region, oriented outwards."""
    back = surfaces.faces[surfaces.pairs[:, 1] == region]
    front = surfaces.faces[surfaces.pairs[:, 0] == region][:, ::-1]
    return np.concatenate([back, front])


def open_edges(faces: NDArray[np.int32]) -> int:
    """Directed edges whose opposite is missing."""
    if not len(faces):
        return 0
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    size = int(ends.max()) + 1
    key = ends.min(axis=1) * size + ends.max(axis=1)
    sign = np.where(ends[:, 0] < ends[:, 1], 1, -1)
    _, where = np.unique(key, return_inverse=True)
    return int((np.bincount(where, weights=sign) != 0).sum())


def volume(surfaces: Surfaces, faces: NDArray[np.int32]) -> float:
    """What faces enclose [mm^3]."""
    corners = surfaces.vertices[faces].astype(float)
    if not len(corners):
        return 0.0
    a, b, c = (corners - corners.mean(axis=(0, 1))).transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def broken_regions(surfaces: Surfaces) -> list[str]:
    """Regions whose boundary is open or inside out."""
    wrong = []
    for number, name in enumerate(surfaces.regions[1:], 1):
        faces = boundary(surfaces, number)
        if open_edges(faces):
            wrong.append(f"{name}: open at {open_edges(faces)} edges")
        elif len(faces) and volume(surfaces, faces) <= 0.0:
            wrong.append(f"{name}: volume {volume(surfaces, faces):.3f}")
    return wrong


def depth(part: Part, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Signed distance to a part, a large number outside of its box."""
    low, high = part.shape.bounds()
    near = ((points > low - 1.0) & (points < high + 1.0)).all(axis=1)
    out = np.full(len(points), 1e6)
    if near.any():
        out[near] = distance(part.shape, points[near])
    return out


@dataclass(frozen=True)
class Breach:
    """A group that is not where it belongs."""

    group: str
    other: str
    vertices: int
    worst: float

    def __str__(self) -> str:
        return f"{self.group} and {self.other}: {self.vertices} vertices, {self.worst:.2f} mm deep"


def breaches(anatomy: Anatomy, surfaces: Surfaces) -> list[Breach]:
    """Vertices of a group outside of the region that holds it, or inside a sibling."""
    everyone, found = groups(anatomy), []
    for group in everyone:
        span = surfaces.spans[group.name]
        points = surfaces.vertices[span.first_vertex : span.last_vertex].astype(np.float64)
        if not len(points):
            continue
        makers = [g for g in everyone if any(p.region == group.inside for p in g.parts)]
        if makers:
            out = np.min([escaped(maker, group.inside, points) for maker in makers], axis=0)
            found.append(Breach(group.name, group.inside, int((out > 0.0).sum()), out.max()))
        for other in everyone:
            if other is not group and other.inside == group.inside:
                inner = -np.min([depth(part, points) for part in other.parts], axis=0)
                found.append(Breach(group.name, other.name, int((inner > 0.0).sum()), inner.max()))
    return [breach for breach in found if breach.vertices]


def escaped(group: Group, region: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far points are outside of a region that a group makes, by the painter's rule [mm]."""
    label, level = np.full(len(points), -1), np.full(len(points), 1e6)
    outside = np.full(len(points), 1e6)
    for number, part in enumerate(group.parts):
        d = depth(part, points)
        label[d < 0.0] = number
        level[d < 0.0] = -d[d < 0.0]
        if part.region == region:
            outside = np.minimum(outside, d)
    right = np.array([*(part.region == region for part in group.parts), False])[label]
    return np.where(right, 0.0, np.where(outside > 0.0, outside, level))


@dataclass(frozen=True)
class Crossing:
    """Triangles of one group that cut those of another, or of the same."""

    group: str
    other: str
    edges: int
    depth: float

    def __str__(self) -> str:
        return f"{self.group} x {self.other}: {self.edges} edges, {self.depth:.2f} mm"


def crossings(surfaces: Surfaces) -> list[Crossing]:
    """Edges of every group that pierce a triangle, by group and group pierced.

    An edge that touches a triangle at its own end does not pierce it. The depth is how far the
    edge reaches through, the lesser of both sides.
    """
    found, names = [], list(surfaces.spans)
    ends = np.array([surfaces.spans[name].last_face for name in names])
    first = np.array([surfaces.spans[name].last_vertex for name in names])
    edge, hit, far = _piercing(surfaces)
    owner = np.searchsorted(first, edge[:, 0], side="right")
    other = np.searchsorted(ends, hit, side="right")
    for a, b in sorted(set(zip(owner[hit >= 0], other[hit >= 0], strict=True))):
        here = (hit >= 0) & (owner == a) & (other == b)
        found.append(Crossing(names[a], names[b], int(here.sum()), float(far[here].max())))
    return found


def piercing(surfaces: Surfaces) -> tuple[int, NDArray[np.float64]]:
    """How many edges there are, and how deep [mm] every edge that pierces a triangle does."""
    edge, hit, far = _piercing(surfaces)
    return len(edge), far[hit >= 0]


def _piercing(
    surfaces: Surfaces,
) -> tuple[NDArray[np.int32], NDArray[np.integer], NDArray[np.float64]]:
    """All edges, the face that each pierces or -1, and how deep [mm]."""
    mesh = RayMesh(surfaces.vertices, surfaces.faces)
    edge = np.concatenate([surfaces.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    edge = np.unique(np.sort(edge, axis=1), axis=0)
    return edge, *_pierced(mesh, surfaces.vertices.astype(np.float64), edge)


def _pierced(
    mesh: RayMesh, at: NDArray[np.float64], edge: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    """The face that every edge pierces, -1 if none, and how far it reaches through [mm]."""
    way = at[edge[:, 1]] - at[edge[:, 0]]
    length = np.linalg.norm(way, axis=1)
    way /= np.maximum(length, 1e-9)[:, None]
    slack = np.minimum(0.02 * length, 0.02)
    seen, face = mesh.first_hit(at[edge[:, 0]] + slack[:, None] * way, way, float(length.max()))
    hit = seen < length - 2.0 * slack
    seen = np.where(hit, seen, 0.0)
    shares = (mesh.faces[face][:, :, None] == edge[:, None, :]).any(axis=(1, 2))
    hit &= ~shares & (length > 1e-6)
    cosine = np.abs(np.einsum("ij,ij->i", mesh.normals(face), way))
    hit &= cosine > 1e-3  # an edge in the triangle's plane does not pierce it
    through = np.minimum(seen + slack, length - seen - slack) * cosine
    return np.where(hit, face, -1), np.where(hit, through, 0.0)


def missing_structures(anatomy: Anatomy, surfaces: Surfaces) -> list[str]:
    """Planes that do not cut what they show, or cut what they hide, within their reach."""
    wrong = []
    for name, plane in anatomy.planes.items():
        for region in (*plane.shows, *plane.hides):
            section = cut(surfaces, (region,), plane)
            near = np.linalg.norm(section.segments, axis=2).min(axis=1, initial=1e9) < plane.reach
            if near.any() != (region in plane.shows):
                wrong.append(f"{name}: {'cuts' if near.any() else 'misses'} {region}")
    return wrong


def room_in_sac(anatomy: Anatomy, surfaces: Surfaces) -> float:
    """Least distance of the fetal skin from the wall of the sac, placenta included [mm]."""
    shapes = {part.region: part.shape for part in anatomy.fetal[0].parts}
    skin = (surfaces.pairs == surfaces.regions.index("fetal_skin")).any(axis=1)
    at = surfaces.vertices[np.unique(surfaces.faces[skin])].astype(np.float64)
    # where sac and skin pass the same cell of a coarse lattice a vertex may lie on neither
    at = at[np.abs(distance(shapes["fetal_skin"], at)) < 0.02]
    return -float(distance(shapes["amniotic_fluid"], at).max())
