"""Series of DICOM slices that lie in space, such as MR and CT, as volumes."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import medical
from insonate.data.importers.stack import Geometry
from insonate.data.importers.volume_file import LARGEST, Volume
from insonate.errors import InputError

__all__ = ["holds_series", "read_series"]

_MANY = 10_000  # files of a folder
_LOOKED_AT = 20  # files, to say what a folder holds
_SQUARE = 1e-2  # of unit vectors
_UNEVEN = 0.05  # of a step between slices
_TAGS = [
    "SOPClassUID", "Modality", "PatientID", "SeriesInstanceUID", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "SamplesPerPixel",
    "NumberOfFrames", "RescaleSlope", "RescaleIntercept",
]  # fmt: skip


@dataclass(frozen=True)
class _Slice:
    """The header of a file.

    Attributes:
        path: of it.
        series: that it belongs to, with all that must be equal in it.
        patient: as the file names him; it never leaves this module.
        position: of the middle of the first pixel `(3,)` [mm].
        across: step to the next column `(3,)` [mm].
        down: step to the next row `(3,)` [mm].
        size: rows and columns.
    """

    path: Path
    series: str
    patient: str
    position: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    size: tuple[int, int]

    @property
    def depth(self) -> float:
        """Place along the normal [mm]."""
        normal = np.cross(self.across, self.down)
        return float(self.position @ normal / np.linalg.norm(normal))


def holds_series(folder: Path) -> bool:
    """True for a folder whose first DICOM file is a slice in space, and not ultrasound."""
    for path in itertools.islice(_files(folder), _LOOKED_AT):
        if _is_dicom(path):
            try:
                return _read_slice(path) is not None
            except InputError:
                return False
    return False


def read_series(folder: Path, pixels: int, slices: int) -> list[Volume]:
    """Volumes of a folder, a series each; names and numbers of patients stay behind.

    Args:
        folder: with the files.
        pixels: of the largest slice.
        slices: most of a volume.

    Raises:
        InputError: there is none, a file cannot be read, or slices of a series do not stack.
    """
    files = [path for path in itertools.islice(_files(folder), _MANY + 1) if _is_dicom(path)]
    if len(files) > _MANY:
        raise InputError(f"{folder}: more than {_MANY} files")
    found = [header for path in files if (header := _read_slice(path)) is not None]
    if not found:
        raise InputError(f"{folder}: no DICOM slices with a place in space")
    patients = sorted({header.patient for header in found})
    series: dict[str, list[_Slice]] = {}
    for header in found:
        series.setdefault(header.series, []).append(header)
    volumes = []
    for number, key in enumerate(sorted(series), start=1):
        patient = f"patient-{patients.index(series[key][0].patient) + 1}"
        name = f"series-{number}"
        volumes.append(_stacked(folder, name, patient, series[key], pixels, slices))
    return volumes


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.iterdir() if path.is_file()))


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _read_slice(path: Path) -> _Slice | None:
    """The header of a slice; None for what has no place in space, and for ultrasound."""
    pydicom = medical("pydicom")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that break the rules are looked at below
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
            said = {name: header.get(name) for name in _TAGS}
    except Exception as error:  # whatever a broken file makes of the library
        raise InputError(f"{path}: not a DICOM slice that can be read") from error
    if said["Modality"] in ("US", "IVUS", None) or said["ImagePositionPatient"] is None:
        return None
    channels, count = said["SamplesPerPixel"], said["NumberOfFrames"]
    if channels not in (1, None) or count not in (1, "", None):
        return None
    turn = _values(path, "ImageOrientationPatient", said, 6)
    spacing = _values(path, "PixelSpacing", said, 2)
    position = _values(path, "ImagePositionPatient", said, 3)
    rows, columns = (int(_values(path, name, said, 1)[0]) for name in ("Rows", "Columns"))
    edges = turn.reshape(2, 3)
    square = np.abs(edges @ edges.T - np.eye(2)).max() < _SQUARE
    if not (square and spacing.min() > 0 and min(rows, columns) > 0):
        raise InputError(f"{path}: orientation, spacing or size of the slice is none")
    shape = f"{rows}x{columns} {np.round(turn, 3).tolist()} {np.round(spacing, 4).tolist()}"
    series = f"{said['SeriesInstanceUID']} {shape}"
    across, down = turn[:3] * spacing[1], turn[3:] * spacing[0]
    patient = str(said["PatientID"] or "")
    return _Slice(path, series, patient, position, across, down, (rows, columns))


def _values(path: Path, name: str, said: Mapping[str, Any], count: int) -> NDArray[np.float64]:
    try:
        values = np.atleast_1d(np.array(said[name], np.float64))
    except (TypeError, ValueError, OverflowError):
        values = np.full(1, np.nan)
    if values.shape != (count,) or not np.isfinite(values).all() or np.abs(values).max() > 1e6:
        raise InputError(f"{path}: {name}: expected {count} numbers")
    return values


def _stacked(
    folder: Path, name: str, patient: str, found: list[_Slice], pixels: int, slices: int
) -> Volume:
    rows, columns = found[0].size
    if rows * columns > pixels or len(found) > slices or rows * columns * len(found) > LARGEST:
        raise InputError(f"{folder}: {name}: {columns} x {rows} x {len(found)} voxels are too many")
    found = sorted(found, key=lambda header: header.depth)
    steps = np.diff([header.position for header in found], axis=0)
    step = steps.mean(axis=0) if len(steps) else np.cross(found[0].across, found[0].down)
    if len(steps) and np.abs(steps - step).max() > _UNEVEN * np.linalg.norm(step):
        raise InputError(f"{folder}: {name}: slices are not evenly spaced; expected one stack")
    values = np.empty((len(found), rows, columns), np.float32)
    for k, header in enumerate(found):
        values[k] = _pixels(header)
    geometry = Geometry(np.stack([found[0].across, found[0].down, step], 1), found[0].position)
    return Volume(name, values, geometry, patient)


def _pixels(header: _Slice) -> NDArray[Any]:
    pydicom = medical("pydicom")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = pydicom.dcmread(header.path)
            values = np.asarray(file.pixel_array, np.float32)
            slope = float(file.get("RescaleSlope", 1.0))
            values = values * np.float32(slope) + np.float32(file.get("RescaleIntercept", 0.0))
    except Exception as error:  # as above
        raise InputError(f"{header.path}: pixels cannot be read") from error
    if values.shape != header.size:
        raise InputError(f"{header.path}: expected {header.size} pixels, got {values.shape}")
    return values
