"""A scene on the device: the ray engine's mesh, the shading normals, the media."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from insonate.acoustics import Tissue
from insonate.acoustics.attenuation import intensity_coefficient, two_way_decay
from insonate.acoustics.scattering import TABLE_SIZE, scatterer_table
from insonate.errors import InputError
from insonate.scene import Scene
from insonate.sim.kernels.normals import corner_normals, face_normals, turned_normals
from insonate.sim.kernels.records import Medium
from insonate.sim.kernels.surface import Anatomy
from insonate.sim.launch import Launcher

__all__ = ["DeviceScene"]

NEPER_PER_DB = np.log(10.0) / 20.0
MOST_REGIONS = 255


class DeviceScene:
    """What the kernels need of a scene.

    Coordinates on the device are relative to `centre`, so that single precision is spent on
    the anatomy and not on where the patient lies in the world.
    """

    def __init__(self, scene: Scene, launch: Launcher):
        if len(scene.regions) > MOST_REGIONS:
            raise InputError(
                f"scene '{scene.name}': {len(scene.regions)} regions, at most {MOST_REGIONS}"
            )
        self.scene, self.launch = _sorted(scene), launch
        low, high = scene.bounds()
        self.centre = np.round((low.astype(np.float64) + high) / 2.0)
        self.tables, self._table_of = _texture_tables(scene, launch)
        self.anatomy = Anatomy()
        self.anatomy.sheets = self._array(
            [
                (s.tissue.impedance, s.tissue.speed, s.thickness) for s in scene.sheets
            ] or np.zeros((0, 3)),
            wp.vec3,
        )  # fmt: skip
        self._mesh = self._build_mesh()
        self._wedges: tuple[wp.array, wp.array, wp.array] | None = None
        self._turning: tuple[wp.array, wp.array, wp.array, wp.array] | None = None
        if scene.normals is None:
            self._average_normals()
        else:
            self.anatomy.corners = self._array(np.arange(3 * scene.triangles), wp.int32)
            self.anatomy.normals = self._array(self.scene.normals, wp.vec3).flatten()
        self._place_targets(scene)

    def set_vertices(self, vertices: NDArray[np.float32]) -> None:
        """Move all vertices and refit; triangles, regions and textures stay theirs.

        Args:
            vertices: `(vertices, 3)` world [mm].

        Raises:
            InputError: another number of vertices, or one that is not a number.
        """
        if vertices.shape != self.scene.vertices.shape:
            raise InputError(
                f"vertices: expected {self.scene.vertices.shape}, got {vertices.shape}"
            )
        moved = np.subtract(vertices, self.centre, dtype=np.float32, casting="same_kind")
        if not np.isfinite(moved.sum()):
            raise InputError("vertices: expected finite numbers, found NaN or infinity")
        self._mesh.points.assign(moved)
        self.anatomy.moved = 1
        smooth = self._average_normals if self.scene.normals is None else self._turn_normals
        if self.launch.pool is None:
            self._mesh.refit()
            smooth()
            return
        refit = self.launch.pool.submit(self._mesh.refit)
        smooth()
        refit.result()

    def _array(self, values: Any, dtype: Any) -> wp.array:
        return wp.array(values, dtype=dtype, device=self.launch.device)

    def _build_mesh(self) -> wp.Mesh:
        points = self._array((self.scene.vertices - self.centre).astype(np.float32), wp.vec3)
        indices = self._array(self.scene.faces.ravel(), wp.int32)
        self.anatomy.indices = indices
        self.anatomy.rest = wp.clone(points)
        self.anatomy.pairs = self._array(self.scene.pairs, wp.vec2i)
        self.anatomy.sheet_of = self._array(self.scene.sheet_of, wp.int32)
        if len(self.scene.faces) == 0:  # targets in an open medium: one triangle out of reach
            points = self._array(
                [[1e6, 1e6, 1e6], [1e6 + 1, 1e6, 1e6], [1e6, 1e6 + 1, 1e6]], wp.vec3
            )
            indices = self._array([0, 1, 2], wp.int32)
        mesh = wp.Mesh(points=points, indices=indices, bvh_constructor=_constructor(self.launch))
        self.anatomy.mesh = mesh.id
        return mesh

    def _average_normals(self) -> None:
        """Smooth normals of the mesh as it stands, where none are given."""
        if self._wedges is None:
            corner_of, start, faces = (self._array(w, wp.int32) for w in _wedges(self.scene))
            self._wedges = start, faces, self._zeros(self.scene.triangles)
            self.anatomy.corners, self.anatomy.normals = corner_of, self._zeros(len(start) - 1)
        self._average(self._mesh.points, self.anatomy.normals)

    def _turn_normals(self) -> None:
        """Given normals hold for the rest shape: they turn with the faces around them."""
        if self._turning is None:
            wedge, start, faces = (self._array(w, wp.int32) for w in _wedges(self.scene))
            self._wedges = start, faces, self._zeros(self.scene.triangles)
            before, after = (self._zeros(len(start) - 1) for _ in range(2))
            self._average(self.anatomy.rest, before)
            self._turning = self.anatomy.normals, wedge, before, after
            self.anatomy.normals = self._zeros(3 * self.scene.triangles)
        self._average(self._mesh.points, self._turning[3])
        normals = self.anatomy.normals
        self.launch(turned_normals, (len(normals),), *self._turning, normals)

    def _average(self, points: wp.array, normals: wp.array) -> None:
        """Write the smooth normals of all wedges."""
        if self.scene.triangles:
            assert self._wedges is not None
            start, faces, area = self._wedges
            indices = self.anatomy.indices
            self.launch(face_normals, (self.scene.triangles,), points, indices, area)
            self.launch(corner_normals, (len(normals),), start, faces, area, normals)

    def _zeros(self, count: int) -> wp.array:
        return wp.zeros(count, dtype=wp.vec3, device=self.launch.device)

    def _place_targets(self, scene: Scene) -> None:
        """Point targets relative to the scene's centre; None where there are none."""
        targets = scene.targets
        self.wire_axis = wp.vec3(*([0.0] * 3 if targets.axis is None else map(float, targets.axis)))
        self.target_positions = self.target_levels = None
        if len(targets.positions):
            local = (targets.positions - self.centre).astype(np.float32)
            levels = (10.0 ** (targets.levels / 20.0)).astype(np.float32)
            self.target_positions = self._array(local, wp.vec3)
            self.target_levels = self._array(levels, wp.float32)

    def _media(self, frequency: float) -> wp.array:
        rows = np.zeros(len(self.scene.regions), dtype=np.dtype(Medium.numpy_dtype()))  # type: ignore[arg-type]
        for row, region in zip(rows, self.scene.regions, strict=True):
            _fill_medium(row, region.tissue, frequency)
            row["table"] = self._table_of[region.tissue.occupancy, region.tissue.kappa]
        return self._array(rows, Medium)

    def set_attenuation_frequency(self, frequency: float) -> None:
        """Attenuate as at `frequency` [MHz] from the next frame on."""
        self.anatomy.media = self._media(frequency)


def _sorted(scene: Scene) -> Scene:
    """The scene with its faces along a space-filling curve: neighbours lie side by side.

    Refitting and averaging normals read memory in order of faces; at 676 k shuffled triangles
    this halves both.
    """
    if scene.triangles == 0:
        return scene
    centroid = scene.vertices[scene.faces].mean(axis=1)
    low, high = centroid.min(axis=0), centroid.max(axis=0)
    cell = ((centroid - low) / np.maximum(high - low, 1e-6) * 1023).astype(np.uint32)
    order = np.argsort(_spread(cell) @ np.array([1, 2, 4], np.uint32), kind="stable")
    return dataclasses.replace(
        scene,
        faces=scene.faces[order],
        pairs=scene.pairs[order],
        sheet_of=scene.sheet_of[order],
        normals=None if scene.normals is None else scene.normals[order],
    )


def _spread(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Ten bits with two zeros between each, for a Morton code."""
    for shift, mask in ((16, 0x30000FF), (8, 0x300F00F), (4, 0x30C30C3), (2, 0x9249249)):
        bits = (bits | (bits << np.uint32(shift))) & np.uint32(mask)
    return bits


def _constructor(launch: Launcher) -> str:
    return "lbvh" if launch.device.is_cuda else "sah"


def _fill_medium(row: np.void, tissue: Tissue, frequency: float) -> None:
    alpha = tissue.attenuation_at(frequency)
    row["speed"], row["impedance"] = tissue.speed, tissue.impedance
    row["decay"] = two_way_decay(alpha)
    row["mu"] = intensity_coefficient(alpha) / 10.0
    row["roughness"], row["thickness"] = tissue.roughness, tissue.thickness
    row["texture"] = 10.0 ** (tissue.echogenicity / 20.0) if tissue.occupancy > 0 else 0.0
    row["modulation"] = tissue.modulation * NEPER_PER_DB
    row["modulation_rate"] = 1.0 / tissue.modulation_scale


def _texture_tables(scene: Scene, launch: Launcher) -> tuple[wp.array, dict]:
    """One table a texture, back to back, and the first entry of each."""
    textures = sorted({(r.tissue.occupancy, r.tissue.kappa) for r in scene.regions})
    tables = np.concatenate([scatterer_table(*texture) for texture in textures])
    values = tables.view(np.float32).reshape(-1, 2)
    offsets = {texture: k * TABLE_SIZE for k, texture in enumerate(textures)}
    return wp.array(values, dtype=wp.vec2, device=launch.device), offsets


def _wedges(scene: Scene) -> tuple[NDArray, NDArray, NDArray]:
    """Corners that share a smooth normal: those of one vertex between the same two regions.

    Returns:
        The wedge of every corner `(3 * faces,)`, and its faces as a start `(wedges + 1,)`
        into a list `(3 * faces,)`.
    """
    faces, pairs = scene.faces.astype(np.int64), scene.pairs.astype(np.int64)
    if len(faces) == 0:
        empty = np.zeros(0, np.int32)
        return empty, np.zeros(1, np.int32), empty
    kind = pairs[:, 0] * (MOST_REGIONS + 1) + pairs[:, 1]
    key = faces.ravel() * (MOST_REGIONS + 1) ** 2 + np.repeat(kind, 3)
    order = np.argsort(key, kind="stable")
    first = np.concatenate([[True], np.diff(key[order]) != 0])
    wedge = np.empty(len(key), np.int32)
    wedge[order] = np.cumsum(first) - 1
    start = np.append(np.flatnonzero(first), len(key)).astype(np.int32)
    return wedge, start, (order // 3).astype(np.int32)
