"""From a scene file's content to a scene."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue, TissueTable, load_tissues
from insonate.anatomy.contact import press
from insonate.anatomy.fields import Field, Grid
from insonate.anatomy.label_volume import label_scene
from insonate.anatomy.mesh_files import join, open_edges
from insonate.anatomy.scene_parts import Library, label_map, part_solids
from insonate.anatomy.scene_spec import SceneSpec, SheetSpec
from insonate.anatomy.shapes import make_shape
from insonate.anatomy.voxelise import Solid, make_grid, paint, solids_to_scene
from insonate.anatomy.wall import cavity_knife, depth_levels, nest, wall_field, wall_scene
from insonate.errors import InputError, closest
from insonate.scene import Body, Region, Scene, Sheet, assemble

__all__ = ["build_scene", "dress", "region_tissues", "scene_tissues"]

#: Region label at points `(points, 3)` [mm].
Lookup = Callable[[NDArray[np.float64]], NDArray[np.int32]]


def scene_tissues(spec: SceneSpec, where: str) -> TissueTable:
    """The table of tissues with the scene file's changes.

    Raises:
        InputError: a change that names an unknown field or parent.
    """
    for name, fields in spec.tissues.items():
        if not isinstance(fields, dict):
            raise InputError(f"{where}: tissues: {name}: expected fields and values")
    try:
        return load_tissues().extended(spec.tissues)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def region_tissues(spec: SceneSpec, library: Library) -> dict[str, str]:
    """Tissue name of every region name that the scene file can make.

    Raises:
        InputError: two parts give one region different tissues.
    """
    found = {"outside": spec.outside}
    entries = [(p.region or p.name, p.tissue) for p in spec.parts if p.tissue is not None]
    if spec.wall is not None:
        entries += [(w.name, w.tissue) for w in (*spec.wall.layers, spec.wall.cavity)]
    if spec.volume is not None:
        entries += label_map(library, spec.volume).values()
    for name, tissue in entries:
        if found.setdefault(name, tissue) != tissue:
            raise InputError(
                f"{library.where}: region '{name}' has two tissues, {found[name]} and {tissue}"
            )
    return found


def dress(scene: Scene, spec: SceneSpec, library: Library) -> Scene:
    """The scene with the tissues and the provenance that its file gives now.

    Raises:
        InputError: unknown tissues.
    """
    tissues = scene_tissues(spec, library.where)
    named = region_tissues(spec, library)
    regions = tuple(Region(r.name, _tissue(tissues, named[r.name], library)) for r in scene.regions)
    sheets = tuple(
        Sheet(s.name, _tissue(tissues, s.tissue, library), s.thickness) for s in spec.sheets
    )
    credit = " ".join(text for text in (spec.provenance.strip(), spec.licence.strip()) if text)
    return dataclasses.replace(
        scene, regions=regions, sheets=sheets, name=spec.name, provenance=credit
    )


def _tissue(tissues: TissueTable, name: str, library: Library) -> Tissue:
    try:
        return tissues[name]
    except InputError as error:
        raise InputError(f"{library.where}: {error}") from error


def build_scene(spec: SceneSpec, library: Library) -> tuple[Scene, list[str]]:
    """Make a scene's geometry.

    Returns:
        The scene, and one line for everything that was guessed, closed, cut or left out.

    Raises:
        InputError: a file, part or tissue that cannot be used.
    """
    tissues = scene_tissues(spec, library.where)
    for name in set(region_tissues(spec, library).values()):
        _tissue(tissues, name, library)
    if _volume_alone(spec):
        assert spec.volume is not None
        _, mapping = library.volume(spec.volume)
        path = library.path(spec.volume.file)
        outside = tissues[spec.outside]
        scene, notes = label_scene(path, mapping, tissues, outside, spec.volume.smooth), list[str]()
    elif spec.resolve.method == "nested":
        scene, notes = _nested(spec, library, tissues)
    else:
        scene, notes = _voxelised(spec, library, tissues)
    for view in spec.views.values():
        if view.press:
            scene = press(scene, view.load_probe(), view.pose(), coupled=True)
    return scene, notes


def _volume_alone(spec: SceneSpec) -> bool:
    return not (spec.volume is None or spec.parts or spec.wall or spec.sheets or spec.resolve.box)


def _voxelised(spec: SceneSpec, library: Library, tissues: TissueTable) -> tuple[Scene, list[str]]:
    outside = tissues[spec.outside]
    skin = wall_field(spec.wall, library) if spec.wall is not None else None
    grid = make_grid(_extents(spec, library, outside), spec.resolve.spacing, spec.resolve.box)
    knife = None
    if spec.wall is not None and skin is not None:
        knife = cavity_knife(skin, float(depth_levels(spec.wall)[-1]))
    solids, notes = part_solids(spec, library, grid, tissues, knife)
    if not solids:
        raise InputError(f"{library.where}: no part lies inside the box")
    scene, overlaps = solids_to_scene(solids, grid, outside, spec.name)
    if spec.wall is not None and skin is not None:
        scene = nest(wall_scene(spec.wall, skin, tissues, spec.outside), scene)
    lookup = _lookup(scene, solids, grid, spec, skin)
    return _with_sheets(scene, spec, grid, lookup, library.where), notes + overlaps


def _extents(spec: SceneSpec, library: Library, tissue: Tissue) -> list[Body]:
    """What the lattice must cover when no box is given: meshes, shapes, the label volume."""
    if spec.resolve.box is not None:
        return []
    corners: dict[str, NDArray[np.floating]] = {}
    if spec.volume is not None:
        volume, mapping = library.volume(spec.volume)
        corners |= {name: _span(volume.grid.points()) for name, _ in mapping.values()}
    labels = set(corners)
    for part in spec.parts:
        if part.file:
            span = _span(join(library.meshes(part))[0])
        elif part.shape is not None:
            _, low, high = make_shape(f"{library.where}: part '{part.name}'", part.shape)
            span = np.stack([low, high])
        else:
            known = [corners[name] for name in part.of if name in corners]
            if not known:
                continue  # named when the parts are made
            span = _span(np.concatenate(known))
        corners[part.name] = span + max(part.offset, 0.0) * np.array([[-1.0], [1.0]])
    used = labels | {p.name for p in spec.parts if p.tissue is not None}
    none = np.zeros((0, 3), np.int32)
    spans = [(name, span) for name, span in corners.items() if name in used]
    return [Body(name, span.astype(np.float32), none, tissue) for name, span in spans]


def _span(points: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _nested(spec: SceneSpec, library: Library, tissues: TissueTable) -> tuple[Scene, list[str]]:
    """Closed meshes as they are, sides found by containment."""
    if spec.volume is not None or spec.sheets or spec.wall is not None:
        raise InputError(f"{library.where}: volume, wall and sheets need resolve: voxelise")
    bodies, notes = [], []
    for part in spec.parts:
        if not part.file or part.offset or part.smooth or part.fill or part.within or part.without:
            raise InputError(
                f"{library.where}: part '{part.name}': method nested takes a file as it is; "
                "use resolve: voxelise"
            )
        vertices, faces = join(library.meshes(part))
        holes = open_edges(faces)
        if holes:
            raise InputError(
                f"{library.where}: part '{part.name}': {holes} open edges, method nested needs "
                "closed meshes; use resolve: voxelise"
            )
        if part.tissue is not None:
            tissue = tissues[part.tissue]
            name = part.region or part.name
            bodies.append(Body(name, vertices, faces, tissue, part.priority))
    return assemble(bodies, tissues[spec.outside], name=spec.name), notes


def _lookup(
    scene: Scene, solids: list[Solid], grid: Grid, spec: SceneSpec, skin: Field | None
) -> Lookup:
    """Region of the scene at any point: of the lattice, and of the wall where that is empty."""
    labels = paint(solids, grid)
    to_region = np.array([0, *(scene.labels[s.name] for s in solids)], np.int32)

    def lookup(points: NDArray[np.float64]) -> NDArray[np.int32]:
        index = np.round(grid.to_index(points)).astype(int)
        inside = np.all((index >= 0) & (index < np.array(grid.shape[::-1])), axis=1)
        x, y, z = np.where(inside[:, None], index, 0).T
        region = np.where(inside, to_region[labels[z, y, x]], 0)
        if skin is None or spec.wall is None:
            return region
        depth = -skin.sample(points)
        levels = np.array([0.0, *depth_levels(spec.wall)])
        return np.where(region == 0, np.searchsorted(levels, depth), region)

    return lookup


def _with_sheets(scene: Scene, spec: SceneSpec, grid: Grid, lookup: Lookup, where: str) -> Scene:
    """The scene with the membranes of its file added."""
    for index, sheet in enumerate(spec.sheets):
        for name in sheet.within:
            if name not in scene.labels:
                hint = closest(name, scene.labels)
                raise InputError(f"{where}: sheet '{sheet.name}': no region '{name}'; {hint}")
        allowed = [scene.labels[name] for name in sheet.within]
        vertices, faces = _plane(sheet, grid, where)
        region = lookup(vertices[faces].mean(axis=1))
        keep = np.isin(region, allowed)
        scene = _add_sheet(scene, spec, index, (vertices, faces[keep]), region[keep])
    return scene


def _plane(
    sheet: SheetSpec, grid: Grid, where: str
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Triangles of a plane, as large as the grid."""
    normal = np.asarray(sheet.normal, np.float64)
    if not np.linalg.norm(normal) > 0 or not sheet.spacing > 0:
        raise InputError(f"{where}: sheet '{sheet.name}': normal and spacing must not be 0")
    normal /= np.linalg.norm(normal)
    u = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    reach = float(np.linalg.norm(grid.steps * grid.shape[::-1]))
    steps = np.arange(-reach, reach, sheet.spacing)
    a, b = np.meshgrid(steps, steps, indexing="ij")
    vertices = np.asarray(sheet.point) + a.reshape(-1, 1) * u + b.reshape(-1, 1) * v
    n = len(steps)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).reshape(-1, 1)
    quads = corner + np.array([0, n, n + 1, 0, n + 1, 1])
    return vertices.astype(np.float64), quads.reshape(-1, 3).astype(np.int32)


def _add_sheet(
    scene: Scene,
    spec: SceneSpec,
    index: int,
    mesh: tuple[NDArray[np.float64], NDArray[np.int32]],
    region: NDArray[np.int32],
) -> Scene:
    used, where = np.unique(mesh[1], return_inverse=True)
    faces = where.reshape(-1, 3) + len(scene.vertices)
    sheet = spec.sheets[index]
    normal = np.asarray(sheet.normal, np.float32) / np.float32(np.linalg.norm(sheet.normal))
    assert scene.normals is not None
    assert scene.sheet_of is not None
    table = scene_tissues(spec, spec.name)
    return dataclasses.replace(
        scene,
        vertices=np.concatenate([scene.vertices, mesh[0][used].astype(np.float32)]),
        faces=np.concatenate([scene.faces, faces.astype(np.int32)]),
        pairs=np.concatenate([scene.pairs, np.stack([region, region], axis=1)]),
        normals=np.concatenate([scene.normals, np.broadcast_to(normal, (len(faces), 3, 3))]),
        sheet_of=np.concatenate([scene.sheet_of, np.full(len(faces), index, np.int32)]),
        sheets=(*scene.sheets, Sheet(sheet.name, table[sheet.tissue], sheet.thickness)),
    )
