"""From closed bodies, nested or overlapping, to triangles that know both their sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue
from insonate.errors import InputError
from insonate.scene.scene import PointTargets, Region, Scene, Sheet
from insonate.scene.winding import inside

__all__ = ["Body", "Membrane", "assemble"]


@dataclass(frozen=True)
class Body:
    """A closed surface filled with one tissue.

    Attributes:
        name: of the region; several bodies may share it.
        vertices: `(vertices, 3)` world [mm].
        faces: `(faces, 3)`, normals to the outside.
        tissue: inside.
        priority: where bodies overlap the highest one wins; equal ones go by order.
    """

    name: str
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    tissue: Tissue
    priority: int = 0


@dataclass(frozen=True)
class Membrane:
    """An open or closed surface that is a sheet, lying inside whatever surrounds it.

    Attributes:
        sheet: its tissue and thickness.
        vertices: `(vertices, 3)` world [mm].
        faces: `(faces, 3)`.
    """

    sheet: Sheet
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]


def assemble(
    bodies: Sequence[Body],
    outside: Tissue,
    membranes: Sequence[Membrane] = (),
    targets: PointTargets | None = None,
    name: str = "scene",
) -> Scene:
    """Join bodies into a scene; overlaps are resolved by priority.

    A face's two regions are what wins just in front of and just behind it. Faces whose both
    sides turn out the same region are hidden and dropped. Bodies may nest and may overlap;
    where two surfaces cross, the cut is as fine as their triangles (voxelise for a finer one).

    Args:
        bodies: closed surfaces with outward normals.
        outside: what surrounds them; region 0.
        membranes: sheets.
        targets: point reflectors.
        name: of the scene.

    Raises:
        InputError: a body has no triangles or a vertex that is not a number.
    """
    for body in bodies:
        _check_body(body)
    order = sorted(range(len(bodies)), key=lambda i: bodies[i].priority)  # stable: later wins
    ranked = [bodies[i] for i in order]
    regions, label_of = _regions(bodies, outside)
    labels = [label_of[body.name] for body in ranked]
    parts = [_sided(rank, ranked, labels) for rank in range(len(ranked))]
    parts += [_membrane(k, membrane, ranked, labels) for k, membrane in enumerate(membranes)]
    offsets = np.cumsum([0] + [len(part[0]) for part in parts])
    empty = (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 2), np.int32))
    parts = parts or [(*empty, np.zeros(0, np.int32))]
    return Scene(
        vertices=np.concatenate([part[0] for part in parts]),
        faces=np.concatenate([p[1] + start for p, start in zip(parts, offsets, strict=False)]),
        pairs=np.concatenate([part[2] for part in parts]),
        sheet_of=np.concatenate([part[3] for part in parts]),
        regions=regions,
        sheets=tuple(membrane.sheet for membrane in membranes),
        targets=targets or PointTargets.none(),
        name=name,
    )


Part = tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


def _check_body(body: Body) -> None:
    if len(body.faces) == 0:
        raise InputError(f"body '{body.name}': empty mesh, expected at least one triangle")
    if not np.isfinite(body.vertices).all():
        raise InputError(f"body '{body.name}': vertices hold NaN or infinity")


def _regions(bodies: Sequence[Body], outside: Tissue) -> tuple[tuple[Region, ...], dict[str, int]]:
    regions, label_of = [Region("outside", outside)], {}
    for body in bodies:
        if body.name not in label_of:
            label_of[body.name] = len(regions)
            regions.append(Region(body.name, body.tissue))
    return tuple(regions), label_of


def _centroids(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    return vertices[faces].mean(axis=1)


def _winner(
    points: NDArray[np.float32], ranked: Sequence[Body], labels: Sequence[int], skip: int = -1
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label and rank of the winning body at each point, leaving out body `skip`."""
    label = np.zeros(len(points), np.int32)
    rank = np.full(len(points), -1, np.int32)
    for r, body in enumerate(ranked):
        if r == skip:
            continue
        hit = inside(points, body.vertices, body.faces)
        label[hit], rank[hit] = labels[r], r
    return label, rank


def _sided(rank: int, ranked: Sequence[Body], labels: Sequence[int]) -> Part:
    body = ranked[rank]
    front, front_rank = _winner(_centroids(body.vertices, body.faces), ranked, labels, skip=rank)
    back = np.where(front_rank > rank, front, labels[rank]).astype(np.int32)
    keep = front != back
    pairs = np.stack([front, back], axis=1)[keep]
    sheets = np.full(len(pairs), -1, np.int32)
    return body.vertices, body.faces[keep], pairs, sheets


def _membrane(
    index: int, membrane: Membrane, ranked: Sequence[Body], labels: Sequence[int]
) -> Part:
    label, _ = _winner(_centroids(membrane.vertices, membrane.faces), ranked, labels)
    pairs = np.stack([label, label], axis=1)
    return membrane.vertices, membrane.faces, pairs, np.full(len(pairs), index, np.int32)
