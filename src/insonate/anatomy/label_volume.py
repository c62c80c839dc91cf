"""Label volumes (NIfTI, NRRD, MHA) to scenes.

Labels come as steps as high as a voxel, and such steps show as rings in an ultrasound image.
So every label becomes a smooth field (its blurred share against the strongest other label),
and surfaces run where two of them are level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue, TissueTable
from insonate.anatomy.fields import Field, Grid, blur
from insonate.anatomy.voxelise import Solid, solids_to_scene
from insonate.config import read_content
from insonate.errors import InputError, closest
from insonate.scene import Scene

__all__ = [
    "LabelVolume",
    "label_fields",
    "label_scene",
    "parse_labels",
    "read_label_map",
    "read_label_volume",
]

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
MOST_LABELS = 250
#: Smoothing of surfaces [voxels]; on a sphere of 20 voxels radius normals are then 2.4 degrees
#: off on average, and the volume 1.2 % small.
SMOOTH = 1.2
#: A surface may lie this far outside its label's own level [voxels], so that where three
#: labels meet no gap opens between them.
OVERHANG = 0.03


@dataclass(frozen=True)
class LabelVolume:
    """Integers on a lattice.

    Attributes:
        values: `(z, y, x)`; 0 is background.
        grid: of the voxel centres, in patient LPS [mm], direction included.
    """

    values: NDArray[np.int32]
    grid: Grid

    @property
    def present(self) -> list[int]:
        """Labels in use, without 0."""
        return [int(v) for v in np.unique(self.values) if v != 0]


def read_label_volume(path: str | Path) -> LabelVolume:
    """A label volume in patient LPS.

    Raises:
        InputError: missing or unreadable, not three-dimensional, not of whole numbers, or
            without any label.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a label volume")
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(f"{path}: unknown volume format, expected one of {', '.join(SUFFIXES)}")
    values, origin, spacing, direction = _read_image(path)
    if values.ndim != 3:
        raise InputError(f"{path}: expected a 3-D volume of one label a voxel, got {values.shape}")
    whole = np.round(values)
    if not np.isfinite(values).all() or np.abs(values - whole).max() > 1e-3:
        raise InputError(f"{path}: expected whole numbers as labels, found fractions or NaN")
    grid = Grid(origin, direction * spacing, values.shape)
    volume = LabelVolume(whole.astype(np.int32), grid)
    if not volume.present:
        raise InputError(f"{path}: holds no label but 0")
    if len(volume.present) > MOST_LABELS or volume.values.min() < 0:
        raise InputError(
            f"{path}: {len(volume.present)} labels from {volume.values.min()}, expected at most "
            f"{MOST_LABELS} from 0 (an image instead of labels?)"
        )
    return volume


def read_label_map(path: str | Path) -> dict[int, tuple[str, str]]:
    """The mapping file of a label volume: label number to region name and tissue name.

    The file is YAML: `3: {name: cerebellum, tissue: fetal_brain}`, or `3: fetal_brain` for a
    region called like its tissue.

    Raises:
        InputError: missing, unreadable, or an entry of another form.
    """
    return parse_labels(str(path), read_content(Path(path), "label map"))


def parse_labels(where: str, content: Any) -> dict[int, tuple[str, str]]:
    """Label number to region name and tissue name, from YAML.

    Raises:
        InputError: an entry of another form than `read_label_map` describes.
    """
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{where}: expected label numbers with their tissues")
    known = ("name", "tissue")
    out = {}
    for key, entry in content.items():
        if isinstance(key, bool) or not isinstance(key, int) or key <= 0:
            raise InputError(f"{where}: label must be a whole number above 0, got {key!r}")
        entry = {"name": entry, "tissue": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping) or "tissue" not in entry:
            raise InputError(f"{where}: label {key}: expected a tissue")
        for field, value in entry.items():
            if field not in known:
                raise InputError(
                    f"{where}: label {key}: unknown key '{field}'; " + closest(str(field), known)
                )
            if not isinstance(value, str):
                raise InputError(f"{where}: label {key}: {field} must be a name")
        out[key] = (entry.get("name", entry["tissue"]), entry["tissue"])
    return out


def label_fields(volume: LabelVolume, smooth: float) -> dict[int, Field]:
    """A smooth field for every label, on the volume's own lattice and one voxel around it.

    Args:
        volume: labels.
        smooth: standard deviation of the smoothing [mm]; about one voxel takes the steps off.
    """
    values = np.pad(volume.values, 1)
    start = volume.grid.to_world(np.full(3, -1.0))
    grid = Grid(start, volume.grid.axes, values.shape)
    steps = volume.grid.steps
    labels = [0, *volume.present]
    best = np.full(values.shape, -1.0, np.float32)
    second = np.full(values.shape, -1.0, np.float32)
    winner = np.zeros(values.shape, np.int32)
    for label in labels:
        share = _share(values, label, smooth / steps)
        ahead = share > best
        second = np.where(ahead, best, np.maximum(second, share))
        best, winner = np.where(ahead, share, best), np.where(ahead, label, winner)
    scale = max(float(steps.mean()), smooth) * 2.5066 / 2.0
    fields = {}
    for label in volume.present:
        mine = winner == label
        share = _share(values, label, smooth / steps)
        level = np.where(mine, second - best, best - share) * scale
        level = np.where(mine, np.minimum(level, -1e-4), np.maximum(level, 0.0))
        fields[label] = _cropped(level - OVERHANG * float(steps.min()), grid, mine)
    return fields


def _share(
    values: NDArray[np.int32], label: int, sigma: NDArray[np.float64]
) -> NDArray[np.float32]:
    return blur((values == label).astype(np.float32), sigma)


def _cropped(level: NDArray[np.floating], grid: Grid, mine: NDArray[np.bool_]) -> Field:
    """The field where it matters: around its own voxels."""
    at = np.argwhere(mine)
    if len(at) == 0:
        at = np.zeros((1, 3), int)
    first = np.maximum(at.min(axis=0) - 3, 0)
    last = np.minimum(at.max(axis=0) + 4, level.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return Field(grid.crop((z, y, x)), np.ascontiguousarray(level[z, y, x], np.float32), (z, y, x))


def label_scene(
    path: str | Path,
    mapping: Mapping[int, tuple[str, str]],
    tissues: TissueTable,
    outside: Tissue,
    smooth: float | None = None,
) -> Scene:
    """Scene of a label volume, meshed on the volume's own lattice.

    Args:
        path: of the volume.
        mapping: label number to region name and tissue name.
        tissues: by name.
        outside: fills label 0.
        smooth: of the surfaces [mm]; `SMOOTH` voxels when None.

    Raises:
        InputError: the volume is unusable, or holds a label that `mapping` lacks.
    """
    volume = read_label_volume(path)
    check_mapping(str(path), volume, mapping)
    smooth = SMOOTH * volume.grid.spacing if smooth is None else smooth
    fields = label_fields(volume, smooth)
    solids = [Solid(mapping[k][0], tissues[mapping[k][1]], f) for k, f in fields.items()]
    padded = Grid(
        volume.grid.to_world(np.full(3, -1.0)),
        volume.grid.axes,
        tuple(n + 2 for n in volume.grid.shape),  # type: ignore[arg-type]
    )
    scene, _ = solids_to_scene(solids, padded, outside, Path(path).name.split(".")[0])
    return scene


def check_mapping(where: str, volume: LabelVolume, mapping: Mapping[int, Any]) -> None:
    """Raise InputError when the volume holds a label that `mapping` lacks."""
    lacking = [label for label in volume.present if label not in mapping]
    if lacking:
        listed = ", ".join(map(str, lacking))
        raise InputError(f"{where}: labels {listed} have no tissue in the label map")


def _read_image(
    path: Path,
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Values, origin, spacing and direction matrix, LPS."""
    try:
        import SimpleITK as sitk  # noqa: N813
    except ImportError as error:
        message = f'{path}: reading it needs SimpleITK; pip install "insonate[anatomy]"'
        raise InputError(message) from error
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(f"{path}: unreadable volume ({lines[-1][:120]})") from error
    values = sitk.GetArrayFromImage(image)
    if values.ndim != 3 or image.GetDimension() != 3:
        return values, np.zeros(3), np.ones(3), np.eye(3)
    direction = np.asarray(image.GetDirection(), np.float64).reshape(3, 3)
    return values, np.asarray(image.GetOrigin()), np.asarray(image.GetSpacing()), direction
