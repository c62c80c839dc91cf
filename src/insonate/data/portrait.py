"""A patient in three dimensions: from outside, and cut open with her fetus whole.

Rays are cast through the triangles; where they start inside a body, the region that the first
triangle bounds is what was cut through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.rays import RayMesh
from insonate.data.region_style import is_fetal, region_color
from insonate.scene import Scene

__all__ = ["Camera", "cut_open", "from_outside"]

Vector = NDArray[np.float64]

#: Pixels are averaged over this many rays along each side.
FINER = 2
#: Angle of the picture's height [rad].
OPENING = np.radians(18.0)
#: What a cut leaves empty, so that what lies behind is seen.
CLEAR = ("amniotic_fluid",)
#: Rays that look for what darkens a corner, and how far [mm].
CORNER_RAYS, CORNER = 6, 25.0
_REACH = 5000.0
_WHITE = np.array([1.0, 1.0, 1.0])
_SUN = np.array([-0.45, -0.62, 0.64])  # camera axes: right, away, up
_TINT = np.array([0.80, 0.90, 0.96])
_LINE = 0.62


@dataclass(frozen=True)
class Camera:
    """Where a picture is taken from.

    Attributes:
        at: what is in the middle of it `(3,)` [mm].
        way: the direction of view, unit vector `(3,)`.
        height: of the field of view at the middle [mm].
        up: what is up in the picture `(3,)`.
        shape: rows and columns [pixels].
    """

    at: Vector
    way: Vector
    height: float
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    shape: tuple[int, int] = (620, 490)

    @property
    def eye(self) -> Vector:
        """The place of the camera `(3,)` [mm]."""
        return self.at - self.way * 0.5 * self.height / np.tan(0.5 * OPENING)

    @property
    def axes(self) -> Vector:
        """Right, away and up, as rows `(3, 3)`."""
        right = np.cross(self.way, self.up)
        right /= np.linalg.norm(right)
        return np.stack([right, self.way, np.cross(right, self.way)])

    def rays(self) -> Vector:
        """Directions of all rays, unit vectors `(rows * columns * FINER**2, 3)`."""
        rows, columns = (FINER * n for n in self.shape)
        half = np.tan(0.5 * OPENING)
        v = half * (1.0 - 2.0 * (np.arange(rows) + 0.5) / rows)
        u = half * (2.0 * (np.arange(columns) + 0.5) / columns - 1.0) * columns / rows
        v, u = np.meshgrid(v, u, indexing="ij")
        local = np.stack([u, np.ones_like(u), v], axis=-1).reshape(-1, 3)
        return local / np.linalg.norm(local, axis=1, keepdims=True) @ self.axes

    def pixel(self, point: ArrayLike) -> Vector:
        """Column and row of a point `(3,)` [mm], `(2,)`."""
        right, away, up = self.axes @ (np.asarray(point, np.float64) - self.eye)
        rows, columns = self.shape
        scale = 0.5 * rows / (np.tan(0.5 * OPENING) * away)
        return np.array([0.5 * columns + scale * right, 0.5 * rows - scale * up])


@dataclass
class _Surface:
    """Some of a scene's triangles, to be looked at."""

    scene: Scene
    faces: NDArray[np.int64]

    def __post_init__(self) -> None:
        self.mesh = RayMesh(self.scene.vertices, self.scene.faces[self.faces])
        self.colors = np.array([region_color(r.name) for r in self.scene.regions]) / 255.0

    def hit(self, start: Vector, way: Vector) -> tuple[Vector, NDArray[np.int64]]:
        """Distance [mm] and index of the scene's face that rays meet, -1 for none."""
        distance, face = self.mesh.first_hit(start, way, _REACH)
        return distance, np.where(face >= 0, self.faces[np.maximum(face, 0)], -1)

    def normals(self, face: NDArray[np.int64], points: Vector) -> Vector:
        """Smooth unit normals of faces at points on them, `(points, 3)`."""
        scene = self.scene
        corners = scene.vertices[scene.faces[face]].astype(np.float64)
        facet = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        if scene.normals is None:
            return facet / np.linalg.norm(facet, axis=1, keepdims=True)
        weights = np.empty((len(face), 3))
        for k in range(3):
            a, b = corners[:, (k + 1) % 3], corners[:, (k + 2) % 3]
            weights[:, k] = (np.cross(a - points, b - points) * facet).sum(axis=1)
        normal = np.einsum("pc,pcx->px", np.maximum(weights, 0.0), scene.normals[face])
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


def from_outside(scene: Scene, camera: Camera) -> NDArray[np.uint8]:
    """The skin `(rows, columns, 3)`, in colours.

    Args:
        scene: the patient.
        camera: that takes the picture.
    """
    skin = _Surface(scene, np.flatnonzero((scene.pairs == 0).any(axis=1)))
    way = camera.rays()
    start = np.broadcast_to(camera.eye, way.shape)
    distance, face = skin.hit(start, way)
    picture = np.tile(_WHITE, (len(way), 1))
    met = np.flatnonzero(face >= 0)
    at = start[met] + distance[met, None] * way[met]
    color = skin.colors[scene.pairs[face[met]].max(axis=1)]
    picture[met] = _lit(color, skin.normals(face[met], at), way[met], camera)
    return _developed(picture, camera)


def cut_open(
    scene: Scene, camera: Camera, point: ArrayLike, normal: ArrayLike
) -> NDArray[np.uint8]:
    """The patient cut along a plane, her fetus left whole, `(rows, columns, 3)`, in colours.

    Args:
        scene: the patient.
        camera: that takes the picture.
        point: on the plane `(3,)` [mm].
        normal: of the plane, to the half that is taken away, unit vector `(3,)`.
    """
    fetal = np.array([is_fetal(region.name) for region in scene.regions])[scene.pairs]
    mother = _Surface(scene, np.flatnonzero(~fetal.any(axis=1)))
    fetus = _Surface(scene, np.flatnonzero(fetal.any(axis=1) & ~fetal.all(axis=1)))
    way = camera.rays()
    picture, distance = _section(mother, camera, way, np.asarray(point), np.asarray(normal))
    start = np.broadcast_to(camera.eye, way.shape)
    near, face = fetus.hit(start, way)
    seen = np.flatnonzero((face >= 0) & (near < distance))
    at = start[seen] + near[seen, None] * way[seen]
    slope = fetus.normals(face[seen], at)
    slope *= -np.sign((slope * way[seen]).sum(axis=1))[:, None]
    pair = scene.pairs[face[seen]]
    color = fetus.colors[np.where(fetal[face[seen], 0], pair[:, 0], pair[:, 1])]
    light = _lit(color, slope, way[seen], camera)
    picture[seen] = light * _open_sky(fetus, at, slope)[:, None]
    return _developed(picture, camera)


def _section(
    mother: _Surface, camera: Camera, way: Vector, point: Vector, normal: Vector
) -> tuple[Vector, Vector]:
    """What a cut shows `(rays, 3)`, and how far away it is `(rays,)` [mm]."""
    scene = mother.scene
    slope = way @ normal
    to_plane = (point - camera.eye) @ normal / np.where(np.abs(slope) < 1e-9, -1e-9, slope)
    start = camera.eye + to_plane[:, None] * way
    behind, face = mother.hit(start, way)
    picture, distance = np.tile(_WHITE, (len(way), 1)), np.full(len(way), np.inf)
    met = np.flatnonzero(face >= 0)
    at = start[met] + behind[met, None] * way[met]
    corner = scene.vertices[scene.faces[face[met]]].astype(np.float64)
    facet = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    facing = (facet * way[met]).sum(axis=1) < 0.0
    pair = scene.pairs[face[met]]
    here, there = np.where(facing, pair.T, pair.T[::-1])
    clear = np.isin(here, [scene.labels[name] for name in CLEAR if name in scene.labels])
    hollow = clear | (here == 0)
    normals = mother.normals(face[met], at) * np.where(facing, 1.0, -1.0)[:, None]
    wall = _lit(mother.colors[there], normals, way[met], camera)
    wall[clear] *= _TINT
    picture[met] = np.where(hollow[:, None], wall, mother.colors[here])
    cut = np.full(len(way), -1)
    cut[met] = np.where(hollow, -1, here)
    picture[_borders(cut, camera)] *= _LINE
    distance[met] = to_plane[met] + np.where(hollow, behind[met], 0.0)
    return picture, distance


def _borders(labels: NDArray[np.integer], camera: Camera) -> NDArray[np.bool_]:
    """Rays beside which another region was cut, `(rays,)`."""
    rows, columns = (FINER * n for n in camera.shape)
    image = labels.reshape(rows, columns)
    found = np.zeros(image.shape, bool)
    found[:-1] |= image[:-1] != image[1:]
    found[:, :-1] |= image[:, :-1] != image[:, 1:]
    return found.ravel() & (labels >= 0)


def _lit(color: Vector, normal: Vector, way: Vector, camera: Camera) -> Vector:
    """Colours `(points, 3)` under a lamp, a fill light from the camera, and a little gloss."""
    sun = _SUN @ camera.axes / np.linalg.norm(_SUN)
    lamp = np.maximum(normal @ sun, 0.0)
    fill = np.maximum(-(normal * way).sum(axis=1), 0.0)
    half = sun - way
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    gloss = 0.10 * np.maximum((normal * half).sum(axis=1), 0.0) ** 24
    return color * (0.34 + 0.46 * lamp + 0.34 * fill)[:, None] + gloss[:, None]


def _open_sky(surface: _Surface, at: Vector, normal: Vector) -> Vector:
    """How light a point is by what stands around it, `(points,)`: corners are darker."""
    turn = np.arange(CORNER_RAYS) * np.pi * (3.0 - np.sqrt(5.0))
    height = (np.arange(CORNER_RAYS) + 0.5) / CORNER_RAYS
    ring = np.sqrt(1.0 - height)
    ball = np.stack([ring * np.cos(turn), ring * np.sin(turn), np.sqrt(height)], axis=1)
    side = np.cross(normal, [0.36, 0.48, 0.80])
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    other = np.cross(normal, side)
    start, hidden = at + 0.4 * normal, np.zeros(len(at))
    for x, y, z in ball:
        distance = surface.mesh.first_hit(start, x * side + y * other + z * normal, CORNER)[0]
        hidden += np.maximum(1.0 - distance / CORNER, 0.0)
    return 1.0 - 0.6 * hidden / CORNER_RAYS


def _developed(picture: Vector, camera: Camera) -> NDArray[np.uint8]:
    rows, columns = camera.shape
    blocks = picture.reshape(rows, FINER, columns, FINER, 3).mean(axis=(1, 3))
    return np.round(255.0 * np.clip(blocks, 0.0, 1.0)).astype(np.uint8)
