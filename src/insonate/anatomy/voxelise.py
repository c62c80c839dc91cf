"""Bodies of any kind (open, nested, overlapping) to one scene, by way of a label lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.acoustics import Tissue
from insonate.anatomy.fields import Field, Grid
from insonate.anatomy.mesh_field import mesh_field, openness
from insonate.anatomy.mesh_files import open_edges, weld
from insonate.anatomy.surface_nets import fit, surface_net
from insonate.errors import InputError
from insonate.scene import Body, Region, Scene

__all__ = ["Solid", "body_field", "merge_regions", "paint", "solids_to_scene", "voxelise"]

#: Share of a surface that may be missing before its inside is anybody's guess.
MOST_OPEN = 0.4
#: Lattices beyond this many voxels are refused instead of running out of memory.
MOST_VOXELS = 200_000_000


@dataclass(frozen=True)
class Solid:
    """A body as a field.

    Attributes:
        name: of its region; several solids may share it.
        tissue: inside.
        field: on a crop (`field.box`) of the scene's grid, negative inside.
    """

    name: str
    tissue: Tissue
    field: Field


def voxelise(
    bodies: Sequence[Body],
    outside: Tissue,
    spacing: float,
    box: tuple[ArrayLike, ArrayLike] | None = None,
    name: str = "scene",
) -> tuple[Scene, list[str]]:
    """A closed, consistent scene from bodies that need be neither.

    Args:
        bodies: surfaces; where they overlap the higher priority wins, then the later one.
        outside: what surrounds them.
        spacing: of the lattice [mm]; layers thinner than it may break up.
        box: low and high corner of what to keep [mm]; all bodies when None.
        name: of the scene.

    Returns:
        The scene, and one line for each thing that was repaired or decided.

    Raises:
        InputError: a body that has no inside, with its open edges and the remedy.
    """
    if not bodies:
        raise InputError(f"scene '{name}': no bodies to voxelise")
    grid = make_grid(bodies, spacing, box)
    notes: list[str] = []
    solids = []
    for body in sorted(bodies, key=lambda b: b.priority):
        field, said = body_field(body.name, body.vertices, body.faces, grid)
        notes += said
        if field is not None:
            solids.append(Solid(body.name, body.tissue, field))
    scene, overlaps = solids_to_scene(solids, grid, outside, name)
    return scene, notes + overlaps


def make_grid(
    bodies: Sequence[Body], spacing: float, box: tuple[ArrayLike, ArrayLike] | None
) -> Grid:
    """The lattice over `box`, or over all bodies.

    Args:
        bodies: whose vertices it must cover when there is no box.
        spacing: [mm].
        box: low and high corner, `(3,)` each [mm].

    Raises:
        InputError: the spacing is not above 0, or the lattice would not fit into memory.
    """
    if not spacing > 0:
        raise InputError(f"resolve: spacing must be above 0 mm, got {spacing:g}")
    if box is None:
        low = np.min([body.vertices.min(axis=0) for body in bodies], axis=0) - spacing
        high = np.max([body.vertices.max(axis=0) for body in bodies], axis=0) + spacing
    else:
        low, high = np.asarray(box[0], np.float64), np.asarray(box[1], np.float64)
    voxels = float(np.prod(np.maximum((high - low) / spacing, 0.0) + 1.0))
    if not (high > low).all():
        raise InputError("resolve: box must go from its low to its high corner [mm]")
    if voxels > MOST_VOXELS:
        raise InputError(
            f"resolve: spacing {spacing:g} mm makes {voxels / 1e6:.0f} million voxels, "
            f"expected at most {MOST_VOXELS / 1e6:.0f}; use a coarser spacing or a smaller box"
        )
    return Grid.box(low, high, spacing)


def body_field(
    name: str,
    vertices: NDArray[np.float32],
    faces: NDArray[np.int32],
    grid: Grid,
    margin: float = 0.0,
    fill: bool = False,
) -> tuple[Field | None, list[str]]:
    """The field of one mesh, with notes on what had to be done.

    Args:
        name: for messages.
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`.
        grid: of the scene.
        margin: room for offsets outwards [mm].
        fill: enclosed cavities belong to the body.

    Raises:
        InputError: the mesh is empty, not finite, or has no inside.
    """
    if len(faces) == 0 or not np.isfinite(vertices).all():
        raise InputError(f"part '{name}': expected triangles with finite vertices")
    vertices, faces = weld(vertices, faces)
    holes, missing = open_edges(faces), openness(vertices, faces)
    notes = []
    if missing > MOST_OPEN:
        raise InputError(_unusable(name, holes, f"{missing:.0%} of its surface is missing"))
    field = mesh_field(vertices, faces, grid, margin, fill)
    if field is None:
        return None, [f"{name}: lies outside the box, left out"]
    voxels = int((field.values < 0).sum())
    if voxels == 0 and holes:
        raise InputError(_unusable(name, holes, "it encloses nothing"))
    if holes:
        notes.append(f"{name}: {holes} open edges closed by winding number")
    if voxels == 0:
        return None, [*notes, f"{name}: thinner than the lattice or outside the box, left out"]
    return field, notes


def _unusable(name: str, holes: int, why: str) -> str:
    return (
        f"part '{name}': open mesh with {holes} open edges, {why}; "
        "list the parts that close it together, or fill its holes in a mesh editor"
    )


def paint(solids: Sequence[Solid], grid: Grid) -> NDArray[np.integer]:
    """Label lattice `(z, y, x)`: the last solid that contains a voxel, counted from 1."""
    labels = np.zeros(grid.shape, np.uint8 if len(solids) < 256 else np.uint16)
    for rank, solid in enumerate(solids, start=1):
        labels[solid.field.box or ...][solid.field.values < 0] = rank
    return labels


def solids_to_scene(
    solids: Sequence[Solid], grid: Grid, outside: Tissue, name: str = "scene"
) -> tuple[Scene, list[str]]:
    """Triangles between solids painted in order, each vertex on the exact surface.

    Args:
        solids: later ones win.
        grid: that they were sampled on.
        outside: region 0.
        name: of the scene.

    Returns:
        The scene, and notes on overlaps.
    """
    labels = paint(solids, grid)
    notes = _overlaps(solids, labels, float(abs(np.linalg.det(grid.axes))))
    fields = [None, *(solid.field for solid in solids)]
    net, normals = fit(surface_net(labels, grid), fields, grid)
    faces, pairs = net.triangles()
    regions, label_of = merge_regions([(s.name, s.tissue) for s in solids], outside)
    pairs = np.array([0, *(label_of[s.name] for s in solids)], np.int32)[pairs]
    keep = pairs[:, 0] != pairs[:, 1]
    scene = Scene(
        vertices=net.vertices.astype(np.float32),
        faces=faces[keep],
        pairs=pairs[keep],
        regions=regions,
        normals=normals[keep],
        name=name,
    )
    return scene, notes


def merge_regions(
    named: Sequence[tuple[str, Tissue]], outside: Tissue
) -> tuple[tuple[Region, ...], dict[str, int]]:
    """Regions by label (0 is the outside), one for each name; and the label of each name."""
    label_of: dict[str, int] = {}
    regions = [Region("outside", outside)]
    for name, tissue in named:
        if name not in label_of:
            label_of[name] = len(regions)
            regions.append(Region(name, tissue))
    return tuple(regions), label_of


def _overlaps(solids: Sequence[Solid], labels: NDArray[np.integer], voxel: float) -> list[str]:
    """Solids that run into later ones, unless those are simply nested in them."""
    size = [int((solid.field.values < 0).sum()) for solid in solids]
    notes = []
    for rank, solid in enumerate(solids, start=1):
        own = labels[solid.field.box or ...][solid.field.values < 0]
        for other, count in enumerate(np.bincount(own, minlength=rank + 1).tolist()):
            if other <= rank or solids[other - 1].name == solid.name:
                continue
            if count > 0.01 * size[rank - 1] and count < 0.95 * size[other - 1]:
                notes.append(
                    f"{solid.name}: {count * voxel / 1000:.1f} of "
                    f"{size[rank - 1] * voxel / 1000:.1f} ml given to {solids[other - 1].name}"
                )
    return notes
