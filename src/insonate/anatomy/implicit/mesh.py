"""From groups of parts to triangles whose two sides know their regions.

Labels are painted on a lattice, surface nets run between them, and every vertex is moved onto
the exact surfaces that meet there: the surface between two labels is that of the higher part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue, load_tissues
from insonate.anatomy.implicit import label_kernels, net_kernels
from insonate.anatomy.implicit.net import crossings
from insonate.anatomy.implicit.part import Group, Part
from insonate.anatomy.implicit.program import Program, compile_shapes
from insonate.anatomy.implicit.threads import each, in_threads
from insonate.errors import InputError
from insonate.scene import Region, Scene

__all__ = [
    "OUTSIDE",
    "Span",
    "Surfaces",
    "count_triangles",
    "mesh_groups",
    "refined",
    "region_tissues",
]

#: Name of region 0, that the outermost group lies in.
OUTSIDE = "outside"
#: Rounds of smoothing, each followed by a projection; and Newton steps of the last one.
ROUNDS, RELAXATION, LAST_STEPS = 2, 0.5, 8
#: How far a vertex may move from its cell's middle along an axis [voxels]; where a part is grown
#: to be labelled, so much more. Farther, it would pass its neighbours and fold the mesh.
LEASH = 0.7
#: Parts are grown to this thickness when they are labelled [voxels].
THINNEST = 1.8
#: Vertices are rounded to this [mm], so that machines agree.
SNAP = 1e-4


@dataclass(frozen=True)
class Span:
    """Where a group's vertices and faces are in the whole: from `first` to `last`, exclusive."""

    first_vertex: int
    last_vertex: int
    first_face: int
    last_face: int


@dataclass(frozen=True)
class Surfaces:
    """Triangles of several groups.

    Attributes:
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`.
        pairs: region in front of and behind each face `(faces, 2)`.
        normals: at the corners of the faces `(faces, 3, 3)`, to the front.
        regions: their names; 0 is what surrounds everything.
        spans: of the groups, by name.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    pairs: NDArray[np.int32]
    normals: NDArray[np.float32]
    regions: tuple[str, ...]
    spans: Mapping[str, Span]

    def scene(self, tissues: Mapping[str, Tissue], name: str = "scene") -> Scene:
        """The triangles with the tissue of every region, as the simulator takes them."""
        regions = tuple(Region(region, tissues[region]) for region in self.regions)
        made = "parametric anatomy of this package"
        return Scene(
            self.vertices, self.faces, self.pairs, regions,
            name=name, normals=self.normals, provenance=made,
        )  # fmt: skip


def mesh_groups(groups: Sequence[Group], spacing: float) -> Surfaces:
    """Mesh groups; each lies inside a region of another one, or of the outside.

    Args:
        groups: in any order, with different names.
        spacing: of the lattice of a group with fineness 1 [mm].

    Raises:
        InputError: a group lies inside a region that nobody makes, or two have one name.
    """
    regions = _regions(groups)
    number = {name: label for label, name in enumerate(regions)}
    parts = each(lambda group: _mesh(group, spacing * group.fineness, number), groups)
    spans, vertex, face = {}, 0, 0
    for group, (vertices, faces, _, _) in zip(groups, parts, strict=True):
        spans[group.name] = Span(vertex, vertex + len(vertices), face, face + len(faces))
        vertex, face = vertex + len(vertices), face + len(faces)
    starts = [span.first_vertex for span in spans.values()]
    return Surfaces(
        vertices=np.concatenate([part[0] for part in parts]),
        faces=np.concatenate([p[1] + start for p, start in zip(parts, starts, strict=True)]),
        pairs=np.concatenate([part[2] for part in parts]),
        normals=np.concatenate([part[3] for part in parts]),
        regions=regions,
        spans=spans,
    )


def region_tissues(given: Mapping[str, str | Mapping[str, object]]) -> dict[str, Tissue]:
    """Tissue of every region, from a name or from changes to a named one.

    Args:
        given: by region, the name of a tissue or the fields of `TissueTable.extended`.

    Raises:
        InputError: an unknown tissue or field.
    """
    made = {region: dict(change) for region, change in given.items() if not isinstance(change, str)}
    table = load_tissues().extended(made)  # type: ignore[arg-type]
    return {
        region: table[name if isinstance(name, str) else region] for region, name in given.items()
    }


def count_triangles(group: Group, spacing: float) -> int:
    """Triangles that a group would have, without making them.

    Args:
        group: to be counted.
        spacing: of its lattice, fineness included [mm].
    """
    labels, _ = _paint(group.parts, compile_shapes([p.shape for p in group.parts]), spacing)
    changes = [np.count_nonzero(np.diff(labels.astype(np.int32), axis=axis)) for axis in range(3)]
    return 2 * int(sum(changes))


def refined(groups: Sequence[Group], wanted: float, spacing: float) -> tuple[Group, ...]:
    """The groups with the fineness that gives them about `wanted` triangles.

    Args:
        groups: with relative fineness.
        wanted: triangles.
        spacing: of the lattice on which they are counted [mm]; their number grows with its
            inverse square.
    """
    count = sum(each(lambda group: count_triangles(group, spacing * group.fineness), groups))
    factor = spacing * math.sqrt(count / wanted)
    return tuple(replace(group, fineness=group.fineness * factor) for group in groups)


def _regions(groups: Sequence[Group]) -> tuple[str, ...]:
    names = [group.name for group in groups]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"group '{twice[0]}' is there twice")
    regions = [OUTSIDE]
    for group in groups:
        regions += [part.region for part in group.parts if part.region not in regions]
        regions = list(dict.fromkeys(regions))
    lost = [group for group in groups if group.inside not in regions]
    if lost:
        raise InputError(
            f"group '{lost[0].name}' lies inside '{lost[0].inside}', which nobody makes"
        )
    return tuple(regions)


_Mesh = tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


def _mesh(group: Group, spacing: float, number: Mapping[str, int]) -> _Mesh:
    """Vertices, faces, pairs of regions and corner normals of one group."""
    program = compile_shapes([part.shape for part in group.parts])
    labels, origin = _paint(group.parts, program, spacing)
    leash = np.append(0.0, _swell(group.parts, spacing)) + LEASH * spacing
    vertices, owners, quads, pairs = crossings(labels)
    start = np.floor(vertices) + 0.5
    vertices = _fitted(
        program,
        vertices * spacing + origin,
        start * spacing + origin,
        owners,
        quads,
        leash[np.maximum(owners, 0)].max(axis=1),
    )
    slopes = np.zeros((len(vertices), 3, 3))
    in_threads(
        lambda a, b: net_kernels.corner_normals(*program.arrays, owners, vertices, slopes, a, b),
        len(vertices),
    )
    region = np.array([number[group.inside], *(number[part.region] for part in group.parts)])
    return _dressed(vertices, quads, pairs, owners, slopes, region)


def _paint(
    parts: Sequence[Part], program: Program, spacing: float
) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """Labels `(z, y, x)` with an empty border, and the centre of the first voxel [mm]."""
    swell = _swell(parts, spacing)
    low = (program.boxes[:, :3] - swell[:, None]).min(axis=0) - 2.0 * spacing
    high = (program.boxes[:, 3:] + swell[:, None]).max(axis=0) + 2.0 * spacing
    count = np.ceil((high - low) / spacing).astype(int) + 1
    labels = np.zeros(count[::-1], np.uint16)
    blocks = int(np.prod(-(-count // label_kernels.BLOCK)))
    in_threads(
        lambda a, b: label_kernels.label_blocks(
            *program.arrays, program.boxes, swell, low, spacing, labels, a, b
        ),
        blocks,
        least=8,
    )
    return labels, low


def _swell(parts: Sequence[Part], spacing: float) -> NDArray[np.float64]:
    """How far every part is grown when it is labelled `(parts,)` [mm]."""
    missing = [max(0.0, THINNEST * spacing - part.thickness) for part in parts]
    return np.array([m if p.shell else 0.5 * m for m, p in zip(missing, parts, strict=True)])


def _fitted(
    program: Program,
    vertices: NDArray[np.float64],
    cells: NDArray[np.float64],
    owners: NDArray[np.int32],
    quads: NDArray[np.int32],
    leash: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Vertices evened out along their surfaces and moved onto them [mm]."""
    junction = owners[:, 2] >= 0
    for round_ in range(ROUNDS):
        vertices = net_kernels.relaxed(vertices, quads, junction, RELAXATION)
        steps = LAST_STEPS if round_ == ROUNDS - 1 else 1
        in_threads(
            lambda a, b, at=vertices, n=steps: net_kernels.project(
                *program.arrays, owners, cells, leash, n, at, a, b
            ),
            len(vertices),
        )
    return np.round(vertices / SNAP) * SNAP


def _dressed(
    vertices: NDArray[np.float64],
    quads: NDArray[np.int32],
    pairs: NDArray[np.int32],
    owners: NDArray[np.int32],
    slopes: NDArray[np.float64],
    region: NDArray[np.integer],
) -> _Mesh:
    """Triangles between different regions, with their normals; unused vertices dropped."""
    keep = region[pairs[:, 0]] != region[pairs[:, 1]]
    quads, pairs = quads[keep], pairs[keep]
    corners = vertices[quads]
    first = np.linalg.norm(corners[:, 0] - corners[:, 2], axis=1)
    second = np.linalg.norm(corners[:, 1] - corners[:, 3], axis=1)
    order = np.where((first <= second)[:, None], [[0, 1, 2, 0, 2, 3]], [[0, 1, 3, 1, 2, 3]])
    faces = np.take_along_axis(quads, order, axis=1).reshape(-1, 3)
    highs = np.repeat(pairs[:, 1], 2)
    column = np.argmax(owners[faces] == highs[:, None, None], axis=2)
    normals = slopes[faces, np.minimum(column, 2)]
    normals = _facet_where_unsure(vertices, faces, normals)
    used, faces = np.unique(faces, return_inverse=True)
    return (
        vertices[used].astype(np.float32),
        faces.reshape(-1, 3).astype(np.int32),
        np.repeat(region[pairs], 2, axis=0).astype(np.int32),
        normals.astype(np.float32),
    )


def _facet_where_unsure(
    vertices: NDArray[np.float64], faces: NDArray[np.int32], normals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Corner normals, the facet's own where an edge or a crease makes the two disagree."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    facet = np.cross(b - a, c - a)
    facet /= np.maximum(np.linalg.norm(facet, axis=1, keepdims=True), 1e-20)
    agrees = np.einsum("fcx,fx->fc", normals, facet) > 0.7
    return np.where(agrees[..., None], normals, facet[:, None, :])
