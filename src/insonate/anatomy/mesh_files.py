"""Triangle meshes from files: STL, OBJ, PLY, VTP and binary glTF, with units and axes.

Whatever comes in leaves as welded triangles in world coordinates: patient LPS, mm.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError, closest

__all__ = ["AXES", "UNITS", "Mesh", "join", "open_edges", "read_meshes", "select", "weld"]

#: Millimetres in one unit of the file.
UNITS: dict[str, float] = {"m": 1000.0, "cm": 10.0, "mm": 1.0}

#: Matrices from a file's axes to patient LPS. `y_up` is glTF seen from the front of an
#: upright patient: x to the patient's left, y to the head, z to the front.
AXES: dict[str, NDArray[np.float64]] = {
    "lps": np.eye(3),
    "ras": np.diag([-1.0, -1.0, 1.0]),
    "y_up": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}

GLTF = (".glb",)
VTK = (".stl", ".obj", ".ply", ".vtp")


@dataclass(frozen=True)
class Mesh:
    """One named surface.

    Attributes:
        name: of the part inside its file, or the file's stem.
        vertices: `(vertices, 3)` world LPS [mm].
        faces: `(faces, 3)`.
        units: of the file.
        guessed: the units were guessed from the extent.
    """

    name: str
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    units: str = "mm"
    guessed: bool = False

    @property
    def extent(self) -> NDArray[np.float32]:
        """Size of the bounding box, `(3,)` [mm]."""
        return self.vertices.max(axis=0) - self.vertices.min(axis=0)


def read_meshes(path: str | Path, units: str | None = None, axes: str | None = None) -> list[Mesh]:
    """Every named part of a mesh file, in LPS and mm.

    Args:
        path: an STL, OBJ, PLY or VTP file (one part), or binary glTF (a part a node).
        units: `m`, `cm` or `mm`; guessed from the extent when None, except for glTF, whose
            standard says metres.
        axes: a key of `AXES`; when None `y_up` for glTF (its standard), else `lps`.

    Raises:
        InputError: the file is missing or unreadable, holds no triangles or NaN vertices, or
            units or axes are unknown.
    """
    path = Path(path)
    gltf = path.suffix.lower() in GLTF
    _check_choice(path, "units", units, UNITS)
    _check_choice(path, "axes", axes, AXES)
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a mesh")
    if not gltf and path.suffix.lower() not in VTK:
        known = ", ".join((*VTK, *GLTF))
        raise InputError(f"{path}: unknown mesh format '{path.suffix}', expected one of {known}")
    raw = _read_gltf(path) if gltf else _read_vtk(path)
    _check_raw(path, raw)
    everything = np.concatenate([vertices for _, vertices, _ in raw])
    guessed = units is None and not gltf
    units = units or ("m" if gltf else _guess_units(everything))
    matrix = AXES[axes or ("y_up" if gltf else "lps")] * UNITS[units]
    meshes = []
    for name, vertices, faces in raw:
        placed, welded = weld(vertices @ matrix.T, faces)
        meshes.append(Mesh(name, placed, welded, units, guessed))
    return meshes


def select(
    meshes: Sequence[Mesh], patterns: Sequence[str], path: str | Path = "mesh"
) -> list[Mesh]:
    """The parts whose names match any of the glob `patterns`; all of them when there are none.

    Raises:
        InputError: a pattern matches no part.
    """
    if not patterns:
        return list(meshes)
    chosen: dict[int, Mesh] = {}
    for pattern in patterns:
        hits = {i: m for i, m in enumerate(meshes) if fnmatch.fnmatchcase(m.name, pattern)}
        if not hits:
            hint = closest(pattern, [m.name for m in meshes])
            raise InputError(f"{path}: no part named '{pattern}'; {hint}")
        chosen |= hits
    return [chosen[i] for i in sorted(chosen)]


def join(meshes: Sequence[Mesh]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """One welded surface of several parts: parts that share a rim become closed together.

    Returns:
        Vertices `(vertices, 3)` [mm] and faces `(faces, 3)`.
    """
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return weld(vertices, np.concatenate(faces))


def weld(
    vertices: NDArray[np.floating], faces: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Merge vertices at one place (file formats split them at seams), drop collapsed faces.

    Args:
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`.

    Returns:
        Vertices `(fewer, 3)` [mm] and faces `(faces, 3)`.
    """
    extent = float(np.ptp(vertices, axis=0).max()) if len(vertices) else 1.0
    grid = np.round(vertices / max(extent * 1e-6, 1e-9)).astype(np.int64)
    _, first, where = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    faces = where.reshape(-1)[faces]
    same = (
        (faces[:, 0] == faces[:, 1]) | (faces[:, 1] == faces[:, 2]) | (faces[:, 2] == faces[:, 0])
    )
    return vertices[first].astype(np.float32), faces[~same].astype(np.int32)


def open_edges(faces: NDArray[np.integer]) -> int:
    """Edges that belong to one of the triangles `(faces, 3)` only; 0 for a closed surface.

    Vertices must be welded.
    """
    if len(faces) == 0:
        return 0
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1).astype(np.int64)
    _, counts = np.unique(edges[:, 0] * (int(faces.max()) + 1) + edges[:, 1], return_counts=True)
    return int((counts == 1).sum())


RawPart = tuple[str, NDArray[np.float64], NDArray[np.int64]]


def _check_choice(path: Path, field: str, value: str | None, known: dict) -> None:
    if value is not None and value not in known:
        raise InputError(f"{path}: unknown {field} '{value}'; {closest(value, known)}")


def _check_raw(path: Path, raw: Sequence[RawPart]) -> None:
    if sum(len(faces) for _, _, faces in raw) == 0:
        raise InputError(f"{path}: empty mesh, expected at least one triangle")
    for name, vertices, _ in raw:
        bad = int((~np.isfinite(vertices)).any(axis=1).sum())
        if bad:
            raise InputError(f"{path}: part '{name}' has {bad} vertices that are NaN or infinite")


def _guess_units(vertices: NDArray[np.float64]) -> str:
    """Organs and bodies measure 30 mm to 3 m: the unit that puts the extent there."""
    extent = float(np.ptp(vertices, axis=0).max())
    return "m" if extent < 3.0 else "cm" if extent < 30.0 else "mm"


def _read_vtk(path: Path) -> list[RawPart]:
    try:
        import pyvista
    except ImportError as error:
        raise InputError(_missing(path, "pyvista")) from error
    try:
        with pyvista.vtk_verbosity("off"):
            surface = pyvista.read(path)
    except Exception as error:  # VTK's readers raise whatever they like
        raise InputError(f"{path}: unreadable mesh ({_first_line(error)})") from error
    if not isinstance(surface, pyvista.PolyData):
        raise InputError(f"{path}: expected a surface, got {type(surface).__name__}")
    if surface.n_cells == 0:
        return [(path.stem, np.zeros((0, 3)), np.zeros((0, 3), np.int64))]
    surface = surface.triangulate()
    faces = np.asarray(surface.faces).reshape(-1, 4)[:, 1:] if surface.n_cells else np.zeros((0, 3))
    return [(path.stem, np.asarray(surface.points, np.float64), faces.astype(np.int64))]


def _read_gltf(path: Path) -> list[RawPart]:
    try:
        import trimesh
    except ImportError as error:
        raise InputError(_missing(path, "trimesh")) from error
    try:
        scene = trimesh.load_scene(str(path), process=False)
        parts = []
        for node in sorted(scene.graph.nodes_geometry):
            transform, name = scene.graph[node]
            mesh = scene.geometry[name]
            if isinstance(mesh, trimesh.Trimesh):
                vertices = trimesh.transform_points(np.asarray(mesh.vertices), transform)
                parts.append((str(node), vertices, np.asarray(mesh.faces, np.int64)))
    except Exception as error:  # trimesh raises whatever its parsers meet
        raise InputError(f"{path}: unreadable glTF ({_first_line(error)})") from error
    return parts


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _missing(path: Path, package: str) -> str:
    return f'{path}: reading it needs {package}; pip install "insonate[anatomy]"'
