"""NIfTI where the images lie in the world: a volume a sweep, or else a slice a frame."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Dataset
from insonate.data.export.labelled import Progress, case_name, row_of, write_table
from insonate.data.files import medical
from insonate.data.nifti import stack_step
from insonate.data.palette import label_colors
from insonate.errors import InputError

__all__ = ["export_nifti"]

_EXPORTED = ("bmode", "labels", "mask")
_FOLDERS = {"bmode": "images"}
#: Frames of one volume, at most; a longer sweep is written slice by slice.
_LONGEST = 1000


def export_nifti(dataset: Dataset, folder: Path, progress: Progress) -> str:
    """Write `images`, `labels` and `mask` as .nii.gz, `labels.txt` and `index.csv`.

    Frames of one sequence that are parallel and evenly spaced are one volume; every other frame
    is a volume of one slice. NIfTI counts in RAS, so a viewer shows the negated x and y of the
    world, which is LPS. A frame without a pose lies at the origin; without spacing, a pixel is
    1 mm.

    Args:
        dataset: to write.
        folder: that is empty.
        progress: is given the frames to go through.

    Returns:
        What was written, in a line.

    Raises:
        InputError: SimpleITK is not installed, or cannot write.
    """
    medical("SimpleITK")
    arrays = [name for name in _EXPORTED if name in dataset.layout.images]
    matrices = [_matrix(dataset, index) for index in range(len(dataset))]
    volumes = [v for group in _sequences(dataset) for v in _volumes(group, matrices)]
    order = {index: number for number, (_, group) in enumerate(volumes) for index in group}
    rows, last = [], -1
    for index in progress([index for _, group in volumes for index in group]):
        step, group = volumes[order[index]]
        name = f"{case_name(dataset, group[0])}.nii.gz"
        rows.append({**row_of(dataset, index), "file": name, "slice": group.index(index)})
        if order[index] != last:
            last = order[index]
            for array in arrays:
                stacked = np.stack([dataset.raw(array, k) for k in group])
                target = folder / _FOLDERS.get(array, array) / name
                _write(target, stacked, matrices[group[0]], step)
    write_table(folder / "index.csv", rows)
    if "labels" in arrays:
        _write_names(folder / "labels.txt", dataset.attributes.regions)
    return f"{len(rows):,} frames in {len(volumes):,} volumes: {', '.join(arrays)}; index.csv"


def _matrix(dataset: Dataset, index: int) -> NDArray[np.float64]:
    """From (column, row, 0, 1) to the world [mm], with what is not known left out."""
    matrix = dataset.image_to_world(index)
    if np.isfinite(matrix).all():
        return matrix
    down, across = dataset.raw("spacing", index).tolist()
    down, across = (value if value > 0.0 else 1.0 for value in (down, across))
    return np.diag([across, down, 1.0, 1.0])


def _sequences(dataset: Dataset) -> list[list[int]]:
    """Indices of frames, those of one sequence of one patient together."""
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    patient, sequence = (dataset.column(n)[dataset.frames] for n in ("patient", "sequence"))
    for index, (who, which) in enumerate(zip(patient.tolist(), sequence.tolist(), strict=True)):
        groups[(who, which, -1) if which >= 0 else (-1, -1, index)].append(index)
    return list(groups.values())


def _volumes(
    group: list[int], matrices: list[NDArray[np.float64]]
) -> list[tuple[float, list[int]]]:
    """A sequence as volumes: distance of slices [mm], and frames in their order."""
    step = stack_step([matrices[k] for k in group]) if len(group) <= _LONGEST else None
    if step is not None:
        return [(abs(step), group if step > 0 else group[::-1])]
    thickness = [float(np.linalg.norm(matrices[k][:3, :2], axis=0).mean()) for k in group]
    return [(thick, [k]) for thick, k in zip(thickness, group, strict=True)]


def _write(path: Path, volume: NDArray[np.uint8], matrix: NDArray[np.float64], step: float) -> None:
    """Write slices `[slice, row, column]` with the matrix of the first `(4, 4)` [mm]."""
    sitk: Any = medical("SimpleITK")
    spacing = np.linalg.norm(matrix[:3, :2], axis=0)
    i, j = (matrix[:3, :2] / spacing).T
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing([*spacing.tolist(), step])
    image.SetDirection(np.stack([i, j, np.cross(i, j)], axis=1).ravel().tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        sitk.WriteImage(image, str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name}: cannot be written (SimpleITK)") from error


def _write_names(path: Path, regions: tuple[str, ...]) -> None:
    """The label file of ITK-SNAP: number, colour, opacity, visibility, mesh, name."""
    lines = ["# index red green blue opacity visible mesh name"]
    for label, (name, color) in enumerate(zip(regions, label_colors(len(regions)), strict=True)):
        on, (red, green, blue) = int(label > 0), color.tolist()
        quoted = name.replace('"', "'")
        lines.append(f'{label} {red} {green} {blue} {on} {on} {on} "{quoted}"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
