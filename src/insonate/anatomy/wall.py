"""The body wall: layers of even thickness under a skin, made as offsets of one surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import TissueTable
from insonate.anatomy.fields import Field, Grid, blur
from insonate.anatomy.mesh_field import mesh_field
from insonate.anatomy.mesh_files import join
from insonate.anatomy.scene_parts import Knife, Library
from insonate.anatomy.scene_spec import WallSpec
from insonate.anatomy.shapes import make_shape
from insonate.anatomy.surface_nets import fit, surface_net
from insonate.errors import InputError
from insonate.scene import Region, Scene

__all__ = ["CLEARANCE", "cavity_knife", "depth_levels", "nest", "wall_field", "wall_scene"]

#: Parts keep this far from the wall [mm], so that no two surfaces coincide.
CLEARANCE = 0.6


def wall_field(wall: WallSpec, library: Library) -> Field:
    """Signed distance to the skin, cut to the wall's box, on the wall's own lattice.

    Raises:
        InputError: the surface cannot be used.
    """
    source = wall.surface
    if source.of or source.offset:
        raise InputError(f"{library.where}: wall: surface must be a file or a shape, unshifted")
    if source.shape is not None:
        distance, low, high = make_shape("wall: surface", source.shape)
        grid = _wall_grid(wall, low, high)
        values = distance(grid.points()).reshape(grid.shape)
    else:
        vertices, faces = join(library.meshes(source))
        grid = _wall_grid(wall, vertices.min(axis=0), vertices.max(axis=0))
        margin = float(depth_levels(wall)[-1]) + 3.0 * wall.spacing
        found = mesh_field(vertices, faces, grid, margin, source.fill)
        if found is None:
            raise InputError(f"{library.where}: wall: surface lies outside its box")
        grid, values = found.grid, found.values
    values = blur(values.astype(np.float32), source.smooth / grid.steps)
    if wall.box is not None:
        points = grid.points()
        low, high = np.asarray(wall.box, np.float32)
        q = np.maximum(low - points, points - high)
        values = np.maximum(values, q.max(axis=1).reshape(grid.shape)).astype(np.float32)
    return Field(grid, values)


def _wall_grid(wall: WallSpec, low: NDArray[np.floating], high: NDArray[np.floating]) -> Grid:
    if wall.box is not None:
        low, high = np.maximum(low, wall.box[0]), np.minimum(high, wall.box[1])
    room = 2.0 * wall.spacing
    return Grid.box(low - room, high + room, wall.spacing)


def depth_levels(wall: WallSpec) -> NDArray[np.float64]:
    """Depth under the skin where each layer ends and the cavity begins, `(layers,)` [mm]."""
    return np.cumsum([layer.thickness for layer in wall.layers])


def wall_scene(wall: WallSpec, field: Field, tissues: TissueTable, outside: str) -> Scene:
    """The skin and every surface between layers, each an exact offset of the skin.

    Raises:
        InputError: a layer without thickness, or nothing left for the cavity.
    """
    thin = [layer.name for layer in wall.layers if not layer.thickness > 0]
    if thin:
        raise InputError(f"wall: layer '{thin[0]}': thickness must be above 0 mm")
    names = [*wall.layers, wall.cavity]
    regions = [Region("outside", tissues[outside])]
    regions += [Region(layer.name, tissues[layer.tissue]) for layer in names]
    parts = []
    for label, depth in enumerate([0.0, *depth_levels(wall)]):
        level = Field(field.grid, field.values + np.float32(depth))
        net = surface_net((level.values < 0).astype(np.uint8), level.grid)
        if len(net.quads) == 0:
            raise InputError(f"wall: nothing left inside {depth:g} mm under its surface")
        net, normals = fit(net, [None, level], level.grid)
        faces, pairs = net.triangles()
        parts.append((net.vertices.astype(np.float32), faces, pairs + label, normals))
    starts = np.cumsum([0] + [len(part[0]) for part in parts])
    return Scene(
        vertices=np.concatenate([part[0] for part in parts]),
        faces=np.concatenate([p[1] + start for p, start in zip(parts, starts, strict=False)]),
        pairs=np.concatenate([part[2] for part in parts]),
        regions=tuple(regions),
        normals=np.concatenate([part[3] for part in parts]),
        name="wall",
    )


def cavity_knife(skin: Field, depth: float) -> Knife:
    """A knife that cuts parts to the inside of the wall.

    Args:
        skin: from `wall_field`.
        depth: of the cavity under the skin [mm].
    """

    def cut(name: str, field: Field) -> tuple[Field, list[str]]:
        blade = _level_on(skin, field.grid) + np.float32(depth + CLEARANCE)
        if blade.max() < -field.grid.spacing:
            return field, []
        values = np.maximum(field.values, blade).astype(np.float32)
        lost = int(((field.values < 0) & (values >= 0)).sum())
        volume = lost * abs(np.linalg.det(field.grid.axes)) / 1000.0
        notes = [f"{name}: {volume:.1f} ml that reached into the wall cut off"] if lost else []
        return Field(field.grid, values, field.box), notes

    return cut


def _level_on(field: Field, grid: Grid) -> NDArray[np.float32]:
    """The wall's field on a finer lattice, sampled on every fourth voxel and interpolated."""
    blocks = grid.coarse(4)
    padded = Grid(
        blocks.to_world(np.full(3, -1.0)),
        blocks.axes,
        tuple(n + 2 for n in blocks.shape),  # type: ignore[arg-type]
    )
    coarse = field.sample(padded.points()).reshape(padded.shape)
    for axis, size in enumerate(grid.shape):
        at = (np.arange(size) - 1.5) / 4.0 + 1.0  # voxel in blocks of 4, after the padding
        low = at.astype(int)
        shape = [1, 1, 1]
        shape[axis] = size
        weight = (at - low).astype(np.float32).reshape(shape)
        here, ahead = np.take(coarse, low, axis=axis), np.take(coarse, low + 1, axis=axis)
        coarse = here + weight * (ahead - here)
    return coarse.astype(np.float32)


def nest(parent: Scene, child: Scene) -> Scene:
    """Put a scene into the last region of another, which takes the place of its outside.

    Both scenes must carry normals, and the child must lie strictly inside that region.
    """
    assert parent.normals is not None
    assert child.normals is not None
    regions = list(parent.regions)
    relabel = [len(regions) - 1]
    for region in child.regions[1:]:
        names = [r.name for r in regions]
        if region.name in names:
            relabel.append(names.index(region.name))
        else:
            relabel.append(len(regions))
            regions.append(region)
    return Scene(
        vertices=np.concatenate([parent.vertices, child.vertices]),
        faces=np.concatenate([parent.faces, child.faces + len(parent.vertices)]),
        pairs=np.concatenate([parent.pairs, np.asarray(relabel, np.int32)[child.pairs]]),
        regions=tuple(regions),
        normals=np.concatenate([parent.normals, child.normals]),
        name=child.name,
    )
