"""The parts of a scene file as fields on one lattice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import TissueTable
from insonate.anatomy.fields import Field, Grid, blur
from insonate.anatomy.label_volume import (
    SMOOTH,
    LabelVolume,
    check_mapping,
    label_fields,
    parse_labels,
    read_label_map,
    read_label_volume,
)
from insonate.anatomy.mesh_field import BAND, distance_field
from insonate.anatomy.mesh_files import Mesh, join, read_meshes, select
from insonate.anatomy.scene_spec import PartSpec, SceneSpec, SourceSpec, VolumeSpec
from insonate.anatomy.shapes import make_shape
from insonate.anatomy.surface_nets import fit, surface_net
from insonate.anatomy.voxelise import Solid, body_field
from insonate.errors import InputError, closest

__all__ = ["Knife", "Library", "label_map", "part_solids", "solid_triangles", "union"]

Box = tuple[slice, slice, slice]
#: Takes a part's name and field; gives the field that is left, and what was cut off.
Knife = Callable[[str, Field], tuple[Field, list[str]]]


@dataclass
class Library:
    """Files below the data root, each read once.

    Attributes:
        where: the scene file, for messages.
        root: nothing outside this folder is read.
        folder: below the root, that files are named from.
    """

    where: str
    root: Path
    folder: str = ""
    _meshes: dict[tuple, list[Mesh]] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """The file called `name`.

        Raises:
            InputError: the name is absolute, climbs out of the data root, or is not there.
        """
        relative = Path(self.folder) / name
        if Path(name).is_absolute() or relative.is_absolute() or ".." in relative.parts:
            raise InputError(
                f"{self.where}: file '{name}' must be named below the data folder, "
                "without '..' or a leading slash"
            )
        path = self.root / relative
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise InputError(f"{self.where}: file '{name}' leads out of the data folder")
        if not path.is_file():
            raise InputError(
                f"{self.where}: no file '{relative}' in the data folder {self.root}; "
                "set INSONATE_DATA or pass data="
            )
        return path

    def meshes(self, source: SourceSpec) -> list[Mesh]:
        """The named parts that a source asks for."""
        key = (source.file, source.units, source.axes)
        if key not in self._meshes:
            self._meshes[key] = read_meshes(self.path(source.file), source.units, source.axes)
        return select(self._meshes[key], source.parts, source.file)

    def volume(self, spec: VolumeSpec) -> tuple[LabelVolume, dict[int, tuple[str, str]]]:
        """A label volume with its mapping, checked against each other."""
        volume = read_label_volume(self.path(spec.file))
        mapping = label_map(self, spec)
        check_mapping(spec.file, volume, mapping)
        return volume, mapping


def label_map(library: Library, spec: VolumeSpec) -> dict[int, tuple[str, str]]:
    """Label number to region and tissue name, from the scene file or its mapping file."""
    if bool(spec.mapping) == (spec.labels is not None):
        raise InputError(f"{library.where}: volume: expected either labels or mapping")
    if spec.mapping:
        return read_label_map(library.path(spec.mapping))
    return parse_labels(f"{library.where}: volume: labels", spec.labels)


def part_solids(
    spec: SceneSpec,
    library: Library,
    grid: Grid,
    tissues: TissueTable,
    knife: Knife | None = None,
) -> tuple[list[Solid], list[str]]:
    """All parts in painting order, with notes on what had to be done.

    Args:
        spec: the scene file.
        library: its files.
        grid: of the scene.
        tissues: by name.
        knife: cuts every part, such as to the inside of the body's wall.

    Raises:
        InputError: a file or mesh that cannot be used, or a name that no earlier part has.
    """
    fields: dict[str, Field] = {}
    notes: list[str] = []
    ranked: list[tuple[int, Solid]] = []
    if spec.volume is not None:
        for name, tissue, found in _volume_fields(spec.volume, library, grid):
            if knife is not None:
                found, said = knife(name, found)
                notes += said
            fields[name] = union([fields[name], found], grid) if name in fields else found
            ranked.append((spec.volume.priority, Solid(name, tissues[tissue], found)))
    for part in spec.parts:
        made, said = _part_field(part, library, grid, fields)
        notes += said
        if made is None:
            continue
        if knife is not None:
            made, said = knife(part.name, made)
            notes += said if part.tissue is not None else []
        fields[part.name] = made
        if part.tissue is not None:
            region = part.region or part.name
            ranked.append((part.priority, Solid(region, tissues[part.tissue], made)))
    ranked.sort(key=lambda item: item[0])
    return [solid for _, solid in ranked], notes


def _part_field(
    part: PartSpec, library: Library, grid: Grid, fields: Mapping[str, Field]
) -> tuple[Field | None, list[str]]:
    notes: list[str] = []
    if part.file:
        vertices, faces = join(library.meshes(part))
        margin = abs(part.offset) + 3.0 * part.smooth
        made, notes = body_field(part.name, vertices, faces, grid, margin, part.fill)
    elif part.shape is not None:
        made = _shape_field(part, grid)
    else:
        made = _derived(part, _named(part, part.of, fields, library.where), grid)
    if made is None:
        return None, notes or [f"{part.name}: lies outside the box, left out"]
    values = made.values - np.float32(part.offset)
    if part.smooth > 0:
        reach = np.float32(BAND * grid.spacing + 2.0 * part.smooth)
        values = blur(np.clip(values, -reach, reach), part.smooth / grid.steps)
    made = Field(made.grid, values, made.box)
    for names, cut in ((part.within, 1.0), (part.without, -1.0)):
        if names:
            other = union(_named(part, names, fields, library.where), grid)
            blade = np.float32(cut) * _on_box(other, made.box)
            made = Field(made.grid, np.maximum(made.values, blade), made.box)
    return made, notes


def _named(
    part: PartSpec, names: tuple[str, ...], fields: Mapping[str, Field], where: str
) -> list[Field]:
    for name in names:
        if name not in fields:
            hint = closest(name, fields)
            raise InputError(f"{where}: part '{part.name}': no earlier part '{name}'; {hint}")
    return [fields[name] for name in names]


def _shape_field(part: PartSpec, grid: Grid) -> Field | None:
    assert part.shape is not None
    distance, low, high = make_shape(f"part '{part.name}'", part.shape)
    margin = abs(part.offset) + 3.0 * part.smooth + BAND * grid.spacing
    return sampled(distance, grid, grid.around(low, high, margin))


def sampled(
    distance: Callable[[NDArray[np.float32]], NDArray[np.float32]], grid: Grid, box: Box
) -> Field | None:
    """A field from a function, on a crop of a grid; None when the crop is empty.

    Args:
        distance: of points `(points, 3)` [mm].
        grid: of the scene.
        box: slices `(z, y, x)` of it.
    """
    if any(s.stop - s.start < 2 for s in box):
        return None
    local = grid.crop(box)
    return Field(local, distance(local.points()).reshape(local.shape).astype(np.float32), box)


def union(fields: list[Field], grid: Grid, margin: int = 0) -> Field:
    """What lies in any of several fields of one grid.

    Args:
        fields: with boxes on `grid`.
        grid: of the scene.
        margin: voxels to add around them.
    """
    boxes = np.array([[(s.start, s.stop) for s in f.box or ()] for f in fields])
    first = np.maximum(boxes[:, :, 0].min(axis=0) - margin, 0)
    last = np.minimum(boxes[:, :, 1].max(axis=0) + margin, grid.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    box = (z, y, x)
    values = _on_box(fields[0], box)
    for other in fields[1:]:
        values = np.minimum(values, _on_box(other, box))
    return Field(grid.crop(box), values, box)


def _on_box(field: Field, box: Box | None) -> NDArray[np.float32]:
    """A field's values on another crop of the same grid; far outside where it has none."""
    assert field.box is not None
    assert box is not None
    far = max(float(field.values.max()), BAND * field.grid.spacing)
    out = np.full([s.stop - s.start for s in box], far, np.float32)
    to, source = [], []
    for mine, other in zip(box, field.box, strict=True):
        low, high = max(mine.start, other.start), min(mine.stop, other.stop)
        if low >= high:
            return out
        to.append(slice(low - mine.start, high - mine.start))
        source.append(slice(low - other.start, high - other.start))
    out[tuple(to)] = field.values[tuple(source)]
    return out


def _derived(part: PartSpec, sources: list[Field], grid: Grid) -> Field | None:
    """The union of other parts, as a distance that holds as far as the part's offset."""
    if not sources:
        return None
    reach = abs(part.offset) + 3.0 * part.smooth + BAND * grid.spacing
    whole = union(sources, grid, margin=int(np.ceil(reach / grid.spacing)))
    if part.offset == 0.0:
        return whole
    vertices, faces = solid_triangles(whole)
    if len(faces) == 0:
        return None
    values = distance_field(vertices, faces, whole.grid, whole.values < 0, reach)
    return Field(whole.grid, values, whole.box)


def solid_triangles(field: Field) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The surface of one field: vertices `(vertices, 3)` [mm] and faces `(faces, 3)`."""
    net = surface_net((field.values < 0).astype(np.uint8), field.grid)
    if len(net.quads) == 0:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    net, _ = fit(net, [None, field], field.grid)
    faces, _ = net.triangles()
    return net.vertices.astype(np.float32), faces


def _volume_fields(spec: VolumeSpec, library: Library, grid: Grid) -> list[tuple[str, str, Field]]:
    """Region name, tissue name and field of every label, on the scene's grid."""
    volume, mapping = library.volume(spec)
    smooth = SMOOTH * volume.grid.spacing if spec.smooth is None else spec.smooth
    found = []
    for label, native in label_fields(volume, smooth).items():
        corner = native.grid.points()
        box = grid.around(corner.min(axis=0), corner.max(axis=0), 0.0)
        made = sampled(native.sample, grid, box)
        if made is not None:
            found.append((*mapping[label], made))
    return found
