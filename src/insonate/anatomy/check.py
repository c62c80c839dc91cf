"""The scene doctor: what a scene is made of, what is wrong with it, and how it looks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.acoustics import TissueTable, load_tissues
from insonate.anatomy.mesh_files import join, open_edges
from insonate.anatomy.scene_build import build_scene, region_tissues, scene_tissues
from insonate.anatomy.scene_cache import load_cached, scene_key, store_cached
from insonate.anatomy.scene_file import is_file, load_scene, open_scene_file
from insonate.anatomy.scene_parts import Library
from insonate.anatomy.scene_spec import SceneSpec, SourceSpec
from insonate.errors import InputError, closest
from insonate.geometry import check_pose
from insonate.probe import Probe
from insonate.scene import Scene

__all__ = ["PartReport", "Report", "check_scene", "preview", "unbalanced_edges"]


@dataclass(frozen=True)
class PartReport:
    """One mesh of a scene file, or one region of a built-in scene.

    Attributes:
        name: of the part.
        source: file, or what it is made from.
        triangles: in the file, after welding.
        open_edges: that belong to one triangle only.
        extent: of the bounding box, `(3,)` [mm].
        units: of the file.
        guessed: the units were guessed from the extent.
    """

    name: str
    source: str
    triangles: int
    open_edges: int
    extent: tuple[float, float, float]
    units: str = ""
    guessed: bool = False


@dataclass(frozen=True)
class Report:
    """What the doctor found.

    Attributes:
        name: of the scene.
        parts: as they come from their files.
        triangles: of the finished scene.
        extent: low and high corner of the finished scene, `(3,)` each [mm].
        regions: region names with their tissues.
        leaks: regions whose surface does not close in the finished scene, with the number of
            edges at which it fails.
        notes: what was guessed, closed, cut, overlapped or left out.
        problems: what keeps the scene from being built, such as tissues without a match.
        provenance: with licence.
    """

    name: str
    parts: tuple[PartReport, ...] = ()
    triangles: int = 0
    extent: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    regions: tuple[tuple[str, str], ...] = ()
    leaks: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    provenance: str = ""

    @property
    def ok(self) -> bool:
        """Whether the scene can be simulated."""
        return not self.problems

    def text(self) -> str:
        """The report for a terminal."""
        lines = [f"scene {self.name}: {'ok' if self.ok else 'cannot be used'}"]
        lines += [f"  problem: {problem}" for problem in self.problems]
        if self.extent is not None:
            low, high = self.extent
            size = " x ".join(f"{b - a:.0f}" for a, b in zip(low, high, strict=True))
            lines.append(f"  {self.triangles} triangles, {len(self.regions)} regions, {size} mm")
        lines += [_part_line(part) for part in self.parts]
        lines += [f"  region {name}: {tissue}" for name, tissue in self.regions]
        lines += [f"  leak: region {name} is open at {n} edges" for name, n in self.leaks]
        lines += [f"  note: {note}" for note in self.notes]
        if self.provenance:
            lines.append(f"  source: {' '.join(self.provenance.split())}")
        return "\n".join(lines)


def _part_line(part: PartReport) -> str:
    size = " x ".join(f"{e:.0f}" for e in part.extent)
    tight = "watertight" if part.open_edges == 0 else f"{part.open_edges} open edges"
    units = f", units {part.units}{' (guessed)' if part.guessed else ''}" if part.units else ""
    return (
        f"  part {part.name} ({part.source}): {part.triangles} triangles, {tight}, {size} mm{units}"
    )


def check_scene(scene: str | Path, data: str | Path | None = None) -> Report:
    """Examine a built-in scene or a scene file.

    Args:
        scene: as for `load_scene`.
        data: as for `load_scene`.

    Raises:
        InputError: the scene file itself is missing or no scene file. What is wrong inside it
            is reported, not raised.
    """
    if not is_file(scene):
        found = load_scene(scene)
        return _finished(found, (), [])
    spec, library = open_scene_file(scene, data)
    problems = _tissue_problems(spec, library)
    parts, failed = _parts(spec, library)
    problems = list(dict.fromkeys(problems + failed))
    if problems:
        return Report(spec.name, tuple(parts), problems=tuple(problems))
    try:
        key = scene_key(spec, library)
        built = load_cached(key)
        if built is None:
            built = build_scene(spec, library)
            store_cached(key, *built)
        finished = load_scene(scene, data)
    except InputError as error:
        return Report(spec.name, tuple(parts), problems=(str(error),))
    return _finished(finished, tuple(parts), built[1])


def _finished(scene: Scene, parts: tuple[PartReport, ...], notes: list[str]) -> Report:
    low, high = scene.bounds()
    return Report(
        name=scene.name,
        parts=parts,
        triangles=scene.triangles,
        extent=(tuple(map(float, low)), tuple(map(float, high))),
        regions=tuple((region.name, region.tissue.name) for region in scene.regions),
        leaks=tuple(unbalanced_edges(scene).items()),
        notes=tuple(notes),
        provenance=scene.provenance,
    )


def _tissue_problems(spec: SceneSpec, library: Library) -> list[str]:
    """Every tissue name without a match, not only the first one."""
    try:
        tissues = scene_tissues(spec, library.where)
    except InputError as error:
        return [str(error)]
    try:
        named = region_tissues(spec, library)
    except InputError as error:
        return [str(error)]
    wanted = [*named.items(), *((f"sheet {s.name}", s.tissue) for s in spec.sheets)]
    return [_no_match(name, tissue, tissues) for name, tissue in wanted if tissue not in tissues]


def _no_match(name: str, tissue: str, tissues: TissueTable) -> str:
    known = tissues if len(tissues) else load_tissues()
    return f"{name}: no tissue '{tissue}'; {closest(tissue, known)}"


def _parts(spec: SceneSpec, library: Library) -> tuple[list[PartReport], list[str]]:
    sources: list[tuple[str, SourceSpec]] = [(p.name, p) for p in spec.parts if p.file]
    if spec.wall is not None and spec.wall.surface.file:
        sources.append(("wall", spec.wall.surface))
    reports, problems = [], []
    for name, source in sources:
        try:
            meshes = library.meshes(source)
        except InputError as error:
            problems.append(str(error))
            continue
        vertices, faces = join(meshes)
        x, y, z = np.ptp(vertices, axis=0)
        unit, guessed = meshes[0].units, meshes[0].guessed
        size = (float(x), float(y), float(z))
        reports.append(
            PartReport(name, source.file, len(faces), open_edges(faces), size, unit, guessed)
        )
    return reports, problems


def unbalanced_edges(scene: Scene) -> dict[str, int]:
    """Regions whose boundary does not close, with the number of edges at which it fails.

    Around every region, each edge must be run through as often in one direction as in the
    other. Membranes are no boundary.
    """
    solid = scene.sheet_of < 0 if scene.sheet_of is not None else np.ones(scene.triangles, bool)
    _, where = np.unique(scene.vertices, axis=0, return_inverse=True)
    faces, pairs = where.reshape(-1)[scene.faces[solid]], scene.pairs[solid]
    found = {}
    for label, region in enumerate(scene.regions):
        out, into = faces[pairs[:, 1] == label], faces[pairs[:, 0] == label]
        count = _unbalanced(np.concatenate([out, into[:, ::-1]]))
        if count:
            found[region.name] = count
    return found


def _unbalanced(faces: NDArray[np.int64]) -> int:
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64)
    edges = edges[edges[:, 0] != edges[:, 1]]
    if len(edges) == 0:
        return 0
    forward = edges[:, 0] < edges[:, 1]
    low, high = edges.min(axis=1), edges.max(axis=1)
    _, where = np.unique(low * (int(high.max()) + 1) + high, return_inverse=True)
    sums = np.bincount(where.reshape(-1), weights=np.where(forward, 1.0, -1.0))
    return int((sums != 0).sum())


#: Colours of regions in the preview, by position.
COLOURS = ("#e0ac8b", "#c0504d", "#9bbb59", "#8064a2", "#4bacc6", "#f79646", "#7f7f7f",
           "#d99694", "#c3d69b", "#b2a1c7", "#93cddd", "#fac08f")  # fmt: skip
#: Most triangles of one region in the preview.
MOST_DRAWN = 60_000


def preview(scene: Scene, probe: Probe, pose: ArrayLike, path: str | Path) -> None:
    """Write a 3-D picture (PNG) of a scene with the probe's fan in place.

    Args:
        scene: to draw; it is cut open along the image plane.
        probe: whose fan is drawn.
        pose: probe to world, `(4, 4)` [mm].
        path: of the PNG; written beside and renamed.

    Raises:
        InputError: PyVista is missing, or the pose is not rigid.
    """
    try:
        import pyvista
    except ImportError as error:
        message = 'preview needs pyvista; pip install "insonate[anatomy]"'
        raise InputError(message) from error
    pose = check_pose(pose)
    plotter: Any = pyvista.Plotter(off_screen=True, window_size=[720, 560])
    plotter.set_background("white")
    shown = _draw_regions(plotter, scene, probe, pose)
    _draw_fan(plotter, probe, pose)
    _aim_camera(plotter, probe, pose)
    if shown:
        size = (0.18, 0.022 * len(shown))
        plotter.add_legend(labels=shown, bcolor="white", face="r", size=size, loc="lower left")
    path = Path(path)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.png")
    try:
        plotter.screenshot(str(beside))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
        plotter.close()


def _draw_regions(plotter: Any, scene: Scene, probe: Probe, pose: NDArray) -> list[list[str]]:
    """Every region's surface behind the image plane; returns the legend."""
    import pyvista

    shown = []
    reach = 1.4 * probe.depth
    middle = pose[:3, 3] + 0.5 * probe.depth * pose[:3, 2]
    centres = scene.vertices[scene.faces].mean(axis=1)
    behind = (centres - pose[:3, 3]) @ pose[:3, 1] < 0.0
    near = np.linalg.norm(centres - middle, axis=1) < reach
    for label, region in enumerate(scene.regions[1:], start=1):
        mine = np.flatnonzero((scene.pairs[:, 1] == label) & near & behind)
        if len(mine) == 0:
            continue
        mine = mine[:: max(1, len(mine) // MOST_DRAWN)] if len(mine) > 4 * MOST_DRAWN else mine
        triangles = np.c_[np.full(len(mine), 3), scene.faces[mine]]
        colour = COLOURS[(label - 1) % len(COLOURS)]
        surface = pyvista.PolyData(scene.vertices, triangles.ravel())
        plotter.add_mesh(surface, color=colour, opacity=_opacity(scene, label))
        shown.append([region.name, colour])
    return shown[:14]


def _opacity(scene: Scene, label: int) -> float:
    """Walls of the whole body are nearly clear, organs that hold something half clear."""
    mine = scene.vertices[scene.faces[scene.pairs[:, 1] == label]].reshape(-1, 3)
    low, high = scene.bounds()
    if (np.ptp(mine, axis=0) > 0.6 * (high - low)).all():
        return 0.1
    return 0.5 if (scene.pairs[:, 0] == label).any() else 0.9


def _draw_fan(plotter: Any, probe: Probe, pose: NDArray) -> None:
    import pyvista

    origins, directions, _ = probe.rays()
    ends = origins + probe.depth * directions
    outline = np.concatenate([origins, ends[::-1]])
    world = outline @ pose[:3, :3].T + pose[:3, 3]
    n = len(world)
    fan = pyvista.PolyData(world, np.r_[n, np.arange(n)])
    plotter.add_mesh(fan.triangulate(), color="#ffd34d", opacity=0.35)
    border = pyvista.lines_from_points(world, close=True)
    plotter.add_mesh(border, color="black", line_width=3)
    face = pyvista.lines_from_points(world[: n // 2])
    plotter.add_mesh(face, color="#1f4e9e", line_width=9)


def _aim_camera(plotter: Any, probe: Probe, pose: NDArray) -> None:
    """Look at the image plane from its front, a little from the side, probe on top."""
    middle = pose[:3, 3] + 0.5 * probe.depth * pose[:3, 2]
    side = pose[:3, 1] + 0.35 * pose[:3, 0] - 0.3 * pose[:3, 2]
    eye = middle + 3.2 * probe.depth * side / np.linalg.norm(side)
    plotter.camera_position = [tuple(eye), tuple(middle), tuple(-pose[:3, 2])]
