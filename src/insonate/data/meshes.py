"""Surfaces to files: the closed boundary of every region, as PLY or in one glTF."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import make_folder, replacing
from insonate.data.region_style import is_fetal, region_color
from insonate.scene import Scene

__all__ = ["RegionSurface", "region_surface", "write_glb", "write_plys"]

#: World to glTF: metres, y to the head, z to the front; column after column.
_TO_GLTF = [1e-3, 0, 0, 0, 0, 0, -1e-3, 0, 0, 1e-3, 0, 0, 0, 0, 0, 1]
_FLOATS, _INDICES, _VERTEX_DATA, _INDEX_DATA = 5126, 5125, 34962, 34963


@dataclass(frozen=True)
class RegionSurface:
    """The boundary of one region, with its outside in front.

    Attributes:
        name: of the region.
        vertices: `(vertices, 3)` world [mm].
        normals: unit normals, outward, `(vertices, 3)`.
        faces: `(faces, 3)`, counter-clockwise seen from outside.
    """

    name: str
    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    faces: NDArray[np.int32]


def region_surface(scene: Scene, label: int) -> RegionSurface:
    """The closed boundary of the region with a label.

    Args:
        scene: with consistent winding.
        label: of the region.
    """
    inside, outside = scene.pairs[:, 1] == label, scene.pairs[:, 0] == label
    solid = scene.sheet_of < 0
    own, other = np.flatnonzero(inside & solid), np.flatnonzero(outside & solid)
    corners = np.concatenate([scene.faces[own], scene.faces[other][:, ::-1]])
    used, faces = np.unique(corners, return_inverse=True)
    faces = faces.reshape(-1, 3).astype(np.int32)
    vertices = scene.vertices[used]
    slopes = _corner_normals(scene, own, other, vertices, faces)
    normals = np.zeros((len(used), 3))
    for k in range(3):
        normals[:, k] = np.bincount(faces.ravel(), slopes[..., k].ravel(), len(used))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return RegionSurface(scene.regions[label].name, vertices, normals.astype(np.float32), faces)


def _corner_normals(
    scene: Scene,
    own: NDArray[np.int64],
    other: NDArray[np.int64],
    vertices: NDArray[np.float32],
    faces: NDArray[np.int32],
) -> NDArray[np.floating]:
    """Outward normals at the corners of faces `(faces, 3, 3)`; the facets' own if unknown."""
    if scene.normals is not None:
        return np.concatenate([scene.normals[own], -scene.normals[other][:, ::-1]])
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.repeat(np.cross(b - a, c - a)[:, None, :], 3, axis=1)


def write_plys(scene: Scene, folder: str | os.PathLike[str]) -> list[Path]:
    """Write a coloured binary PLY for every region but the outside: `skin.ply`, ...

    Args:
        scene: to write; its regions give the names.
        folder: made if need be.

    Returns:
        The files.

    Raises:
        InputError: a file cannot be written.
    """
    folder, paths = make_folder(folder), []
    for label, region in enumerate(scene.regions[1:], start=1):
        surface = region_surface(scene, label)
        if len(surface.faces):
            paths.append(folder / f"{region.name}.ply")
            with replacing(paths[-1]) as beside:
                beside.write_bytes(_ply(surface))
    return paths


_PLY_VERTEX = np.dtype([("at", "<f4", 3), ("normal", "<f4", 3), ("color", "u1", 3)])
_PLY_FACE = np.dtype([("corners", "u1"), ("index", "<i4", 3)])


def _ply(surface: RegionSurface) -> bytes:
    vertices = np.empty(len(surface.vertices), _PLY_VERTEX)
    vertices["at"], vertices["normal"] = surface.vertices, surface.normals
    vertices["color"] = region_color(surface.name)
    faces = np.empty(len(surface.faces), _PLY_FACE)
    faces["corners"], faces["index"] = 3, surface.faces
    lines = ["ply", "format binary_little_endian 1.0", f"comment {surface.name}, LPS, mm"]
    lines += [f"element vertex {len(vertices)}"]
    lines += [f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    return ("\n".join(lines) + "\n").encode() + vertices.tobytes() + faces.tobytes()


def write_glb(scene: Scene, path: str | os.PathLike[str]) -> list[Path]:
    """Write one binary glTF 2.0: a node with name and colour for every region but the outside.

    The nodes hang under `mother` and `fetus`, to be shown or hidden together. Units and axes
    are those of glTF: metres, y to the head, z to the front, x to the patient's left.

    Args:
        scene: to write; its regions give the names.
        path: of the file.

    Returns:
        The file.

    Raises:
        InputError: the file cannot be written.
    """
    builder = _Gltf()
    for label in range(1, len(scene.regions)):
        surface = region_surface(scene, label)
        if len(surface.faces):
            builder.add(surface)
    with replacing(path) as beside:
        beside.write_bytes(builder.file())
    return [Path(path)]


class _Gltf:
    """A glTF file in the making."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.length = 0
        self.content: dict[str, list[Any]] = {
            name: [] for name in ("meshes", "materials", "accessors", "bufferViews")
        }
        self.nodes: list[dict[str, Any]] = [
            {"name": "patient", "matrix": _TO_GLTF, "children": [1, 2]},
            {"name": "mother", "children": []},
            {"name": "fetus", "children": []},
        ]

    def add(self, surface: RegionSurface) -> None:
        """Append a region as mesh, material and node."""
        number = len(self.content["meshes"])
        low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
        at = self._accessor(surface.vertices, _FLOATS, _VERTEX_DATA)
        self.content["accessors"][at] |= {"min": low.tolist(), "max": high.tolist()}
        normal = self._accessor(surface.normals, _FLOATS, _VERTEX_DATA)
        indices = self._accessor(surface.faces.astype(np.uint32).ravel(), _INDICES, _INDEX_DATA)
        primitive = {"attributes": {"POSITION": at, "NORMAL": normal}, "indices": indices}
        mesh = {"name": surface.name, "primitives": [primitive | {"material": number}]}
        self.content["meshes"].append(mesh)
        self.content["materials"].append(_material(surface.name))
        self.nodes[2 if is_fetal(surface.name) else 1]["children"].append(len(self.nodes))
        self.nodes.append({"name": surface.name, "mesh": number})

    def _accessor(self, values: NDArray, kind: int, target: int) -> int:
        """Append an array; returns the index of its accessor."""
        raw = values.tobytes()
        view = {"buffer": 0, "byteOffset": self.length, "byteLength": len(raw), "target": target}
        shape = "VEC3" if values.ndim == 2 else "SCALAR"
        entry = {"componentType": kind, "count": len(values), "type": shape}
        entry["bufferView"] = len(self.content["bufferViews"])
        self.content["bufferViews"].append(view)
        self.content["accessors"].append(entry)
        self.chunks.append(raw)
        self.length += len(raw)
        return entry["bufferView"]

    def file(self) -> bytes:
        """The whole file."""
        # no fetus, or no mother: glTF allows no empty list
        nodes = [{k: v for k, v in node.items() if v != []} for node in self.nodes]
        about = {
            "asset": {"version": "2.0", "generator": "insonate"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": nodes,
            "buffers": [{"byteLength": self.length}],
            **self.content,
        }
        text = json.dumps(about, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        head = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + self.length)
        words = struct.pack("<I4s", len(text), b"JSON")
        data = struct.pack("<I4s", self.length, b"BIN\0")
        return b"".join([head, words, text, data, *self.chunks])


def _material(name: str) -> dict[str, Any]:
    """A dull colour; glTF wants it linear."""
    linear = [round((value / 255.0) ** 2.2, 4) for value in region_color(name)]
    surface = {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}
    return {"name": name, "pbrMetallicRoughness": surface}
