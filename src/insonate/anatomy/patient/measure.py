"""Calipers on triangles: what a sonographer would measure in the standard planes.

Nothing here knows the shapes that the triangles were made from. A plane or a line cuts the
surface of a region; calipers are laid on what it cuts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull

from insonate.anatomy.implicit.mesh import Surfaces
from insonate.anatomy.planes import Plane
from insonate.biometry import ellipse_circumference

__all__ = ["Measurable", "Section", "boundary", "crossings", "cut", "measure", "measure_surfaces"]

Vector = NDArray[np.float64]

#: What the outer table of the skull is made of, bone or not.
VAULT = ("fetal_skull", "fetal_suture", "fetal_skull_base", "fetal_subarachnoid")
#: What lies within the wall of a lateral ventricle.
VENTRICLE = ("fetal_ventricle", "fetal_choroid_plexus")
CEREBELLUM = ("fetal_cerebellum", "fetal_vermis")
CISTERN = ("fetal_cisterna_magna", "fetal_cisterna_septa", "fetal_subarachnoid")
#: The trunk's outline has waves of up to this order around it; what is farther out than this
#: share of it, at first than this share of the median, is a limb; rounds in which it is found.
_WAVES, _STANDS_OUT, _LIMB, _TRIMS = 4, 1.04, 1.2, 6
#: Share of a bone's length that counts as its end.
_END = 0.06


class Measurable(Protocol):
    """What can be measured: surfaces, and where to measure them."""

    @property
    def surfaces(self) -> Surfaces:
        """Triangles with the regions at their sides."""
        ...

    @property
    def planes(self) -> Mapping[str, Plane]:
        """Standard planes by name."""
        ...

    @property
    def landmarks(self) -> Mapping[str, Vector]:
        """Points `(3,)` by name [mm]."""
        ...


@dataclass(frozen=True)
class Section:
    """Where a plane cuts a surface.

    Attributes:
        segments: both ends of every piece, in the plane's axes, `(pieces, 2, 2)` [mm].
        loops: number of the closed line that a piece belongs to, `(pieces,)`.
        origin: of the plane `(3,)` [mm].
        axes: columns are two directions in the plane and its normal `(3, 3)`.
    """

    segments: Vector
    loops: NDArray[np.integer]
    origin: Vector
    axes: Vector

    def flat(self, points: Vector) -> Vector:
        """Points `(points, 3)` [mm] in the plane's axes `(points, 2)` [mm]."""
        return (points - self.origin) @ self.axes[:, :2]

    def of(self, keep: NDArray[np.bool_]) -> Section:
        """The pieces that `keep` `(pieces,)` says."""
        return Section(self.segments[keep], self.loops[keep], self.origin, self.axes)

    def perimeter(self) -> float:
        """Length of all pieces [mm]."""
        return float(np.linalg.norm(self.segments[:, 1] - self.segments[:, 0], axis=1).sum())

    def hull(self) -> float:
        """Length of a string around everything [mm]."""
        return float(ConvexHull(self.segments.reshape(-1, 2)).area)

    def extent(self, way: Vector) -> float:
        """Distance of two calipers perpendicular to `way` `(2,)`, a unit vector [mm]."""
        return float(np.ptp(self.segments.reshape(-1, 2) @ way))

    def direction(self) -> Vector:
        """Along which the pieces lie, a unit vector `(2,)`."""
        points = self.segments.reshape(-1, 2)
        return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]

    def around(self, point: Vector) -> Section:
        """The outermost of the closed lines around `point` `(2,)` [mm].

        A ray from the point crosses a line around it an odd number of times.
        """
        (x0, y0), (x1, y1) = (self.segments[:, end].T - point[:, None] for end in (0, 1))
        crosses = (y0 < 0.0) != (y1 < 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            right = crosses & (x0 - y0 * (x1 - x0) / (y1 - y0) > 0.0)
        odd = np.bincount(self.loops, right) % 2 == 1
        reach = np.zeros(len(odd))
        np.maximum.at(reach, self.loops, np.hypot(x0, y0))
        return self.of(self.loops == np.argmax(np.where(odd, reach, -1.0)))


def boundary(surfaces: Surfaces, regions: Iterable[str]) -> NDArray[np.int32]:
    """Faces between `regions` together and everything else, `(faces, 3)`."""
    numbers = [surfaces.regions.index(name) for name in regions if name in surfaces.regions]
    inside = np.isin(surfaces.pairs, numbers)
    return surfaces.faces[inside[:, 0] != inside[:, 1]]


def cut(surfaces: Surfaces, regions: Iterable[str], plane: Plane) -> Section:
    """The line in which a plane cuts the boundary of regions together.

    Args:
        surfaces: triangles.
        regions: their names; those that are not there are passed over.
        plane: origin and normal are used.
    """
    faces = boundary(surfaces, regions)
    at = surfaces.vertices.astype(np.float64)
    height = (at - plane.origin) @ plane.normal
    above = height[faces] >= 0.0
    faces = faces[above.any(axis=1) & ~above.all(axis=1)]
    above = height[faces] >= 0.0
    # the corner that is alone on its side, then the other two
    alone = np.argmax(above == (above.sum(axis=1) == 1)[:, None], axis=1)
    apex, left, right = (faces[np.arange(len(faces)), (alone + k) % 3] for k in range(3))
    ends = np.stack([np.stack([apex, left], 1), np.stack([apex, right], 1)], axis=1)
    share = height[ends[..., 0]] / (height[ends[..., 0]] - height[ends[..., 1]])
    points = at[ends[..., 0]] + share[..., None] * (at[ends[..., 1]] - at[ends[..., 0]])
    axes = _axes(plane.normal)
    return Section((points - plane.origin) @ axes[:, :2], _loops(ends), plane.origin, axes)


def _axes(normal: Vector) -> Vector:
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    x = np.cross(helper, normal)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(normal, x), normal], axis=1)


def _loops(ends: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number of the closed line of every piece, from the mesh edges that it ends on."""
    if not len(ends):
        return np.empty(0, np.int32)
    edges = np.sort(ends.reshape(-1, 2).astype(np.int64), axis=1)
    key = edges[:, 0] * (int(edges.max()) + 1) + edges[:, 1]
    node = np.unique(key, return_inverse=True)[1].reshape(-1, 2)
    size = int(node.max()) + 1
    graph = coo_matrix((np.ones(len(node)), (node[:, 0], node[:, 1])), shape=(size, size))
    return connected_components(graph, directed=False)[1][node[:, 0]]


def crossings(
    surfaces: Surfaces, regions: Iterable[str], start: Vector, way: Vector
) -> NDArray[np.float64]:
    """Where a line crosses the boundary of regions together.

    Args:
        surfaces: triangles.
        regions: their names.
        start: `(3,)` [mm].
        way: unit vector `(3,)`.

    Returns:
        Distances from `start` along `way`, ascending, `(crossings,)` [mm].
    """
    corners = surfaces.vertices[boundary(surfaces, regions)].astype(np.float64)
    a, u, v = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(way, v)
    volume = np.einsum("ij,ij->i", u, across)
    from_a = start - a
    normal = np.cross(from_a, u)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p = np.einsum("ij,ij->i", from_a, across) / volume
        q = normal @ way / volume
        distance = np.einsum("ij,ij->i", normal, v) / volume
        hit = (p >= 0.0) & (q >= 0.0) & (p + q <= 1.0) & np.isfinite(distance)
    return np.sort(distance[hit])


def measure(patient: Measurable) -> dict[str, float]:
    """Biometry of a patient's fetus as it is measured on her triangles [mm].

    Returns:
        BPD (outer to outer), BPD_inner (outer to inner), OFD, HC (string around the outer
        table), HC_ellipse, AC (string around the skin of the trunk), AC_ellipse, FL_left,
        FL_right, FL (their mean), atrium_left, atrium_right, tcd, cisterna_magna.
    """
    return measure_surfaces(patient.surfaces, patient.planes, patient.landmarks)


def measure_surfaces(
    surfaces: Surfaces, planes: Mapping[str, Plane], landmarks: Mapping[str, Vector]
) -> dict[str, float]:
    """As `measure`; what a mesh does not hold is left out.

    Args:
        surfaces: of a whole patient or of a fetus.
        planes: by name, in the frame of the surfaces.
        landmarks: by name, in the frame of the surfaces.
    """
    there, found = set(surfaces.regions), {}
    if {"fetal_skull", "fetal_falx"} <= there:
        found |= _head(surfaces, planes["transthalamic"], landmarks)
    if "fetal_skin" in there:
        found |= _abdomen(surfaces, planes["abdominal_circumference"])
    sides = [side for side in ("left", "right") if f"fetal_femur_{side}" in there]
    found |= {f"FL_{side}": _length(surfaces, f"fetal_femur_{side}") for side in sides}
    if sides:
        found["FL"] = sum(found[f"FL_{side}"] for side in sides) / len(sides)
    if "fetal_ventricle" in there:
        found |= _brain(surfaces, planes, landmarks)
    return found


def _head(surfaces: Surfaces, plane: Plane, landmarks: Mapping[str, Vector]) -> dict[str, float]:
    """Calipers across and along the midline echo."""
    outer = cut(surfaces, VAULT, plane).around(np.zeros(2))
    along = cut(surfaces, ("fetal_falx",), plane).direction()
    across = np.array([-along[1], along[0]])
    bpd, ofd = outer.extent(across), outer.extent(along)
    points = outer.segments.reshape(-1, 2)
    widest = points[np.argmax(points @ across)] @ along
    start = outer.origin + outer.axes[:, :2] @ (widest * along)
    bone = crossings(surfaces, ("fetal_skull", "fetal_suture"), start, outer.axes[:, :2] @ across)
    far = bone[bone > 0.0]
    return {
        "BPD": bpd,
        "BPD_inner": bpd - float(far[-1] - far[-2]) if len(far) > 1 else bpd,
        "OFD": ofd,
        "HC": outer.hull(),
        "HC_ellipse": ellipse_circumference(bpd, ofd),
    }


def _abdomen(surfaces: Surfaces, plane: Plane) -> dict[str, float]:
    """The skin around the trunk; limbs that cross the plane are no part of it."""
    trunk = cut(surfaces, ("fetal_skin",), plane).around(np.zeros(2))
    trunk = replace(trunk, segments=_without_limbs(trunk.segments))
    points = trunk.segments.reshape(-1, 2)
    angles = np.radians(np.arange(0.0, 180.0, 2.0))
    widths = np.ptp(points @ np.stack([np.cos(angles), np.sin(angles)]), axis=0)
    most = int(np.argmax(widths))
    return {
        "AC": trunk.hull(),
        "AC_ellipse": ellipse_circumference(float(widths[most]), float(widths[(most + 45) % 90])),
    }


def _without_limbs(points: Vector) -> Vector:
    """A line around the origin `(..., 2)` [mm], a limb that grows out of it cut off smoothly.

    The trunk is a smooth function of the angle; what stands out from it by more than `_STANDS_OUT`
    is pulled onto it.
    """
    angle, radius = (
        np.arctan2(points[..., 1], points[..., 0]),
        np.hypot(*np.moveaxis(points, -1, 0)),
    )
    order = np.arange(_WAVES + 1)
    waves = np.concatenate([np.cos(angle[..., None] * order), np.sin(angle[..., None] * order)], -1)
    trunk = np.full_like(radius, np.median(radius) * _LIMB / _STANDS_OUT)
    for _ in range(_TRIMS):
        on = radius < _STANDS_OUT * trunk
        trunk = waves @ np.linalg.lstsq(waves[on], radius[on], rcond=None)[0]
    share = np.where(radius < _STANDS_OUT * trunk, 1.0, trunk / radius)
    return share[..., None] * points


def _length(surfaces: Surfaces, region: str) -> float:
    """Length of a shaft between the middles of its ends, that is, along its own axis [mm]."""
    at = surfaces.vertices[np.unique(boundary(surfaces, (region,)))].astype(np.float64)
    way = np.linalg.svd(at - at.mean(axis=0), full_matrices=False)[2][0]
    for _ in range(2):
        along = at @ way
        rim = _END * np.ptp(along)
        low, high = at[along < along.min() + rim], at[along > along.max() - rim]
        way = high.mean(axis=0) - low.mean(axis=0)
        way /= np.linalg.norm(way)
    return float(np.ptp(at @ way))


def _brain(
    surfaces: Surfaces, planes: Mapping[str, Plane], landmarks: Mapping[str, Vector]
) -> dict[str, float]:
    """Atria, cerebellum and cisterna magna, across and along the midline of the head."""
    left, right = landmarks["tcd_left"], landmarks["tcd_right"]
    found = {}
    for side in ("left", "right"):
        ends = (landmarks[f"atrium_{side}_{end}"] for end in ("medial", "lateral"))
        found[f"atrium_{side}"] = _inside(surfaces, VENTRICLE, *ends)
    across = (left - right) / np.linalg.norm(left - right)
    section = cut(surfaces, CEREBELLUM, planes["transcerebellar"])
    found["tcd"] = section.extent(across @ section.axes[:, :2])
    ends = (landmarks[f"cisterna_magna_{end}"] for end in ("front", "back"))
    return found | {"cisterna_magna": _inside(surfaces, CISTERN, *ends)}


def _inside(surfaces: Surfaces, regions: Iterable[str], start: Vector, end: Vector) -> float:
    """Inner diameter of regions along the line from `start` to `end`, around its middle [mm]."""
    way = (end - start) / np.linalg.norm(end - start)
    met = crossings(surfaces, regions, 0.5 * (start + end), way)
    before, behind = met[met < 0.0], met[met >= 0.0]
    return float(behind[0] - before[-1]) if len(before) and len(behind) else 0.0
