"""Series of DICOM slices that lie in space, such as MR and CT, as volumes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.dicom import is_dicom
from insonate.data.importers.dicom_pixels import check_pixels, decoded, read_dataset, size
from insonate.data.importers.dicom_values import silent, text, value
from insonate.data.importers.picture import PictureError
from insonate.data.importers.source import Skipped, inside
from insonate.data.importers.stack import Geometry
from insonate.data.importers.volume_file import LARGEST, Volume
from insonate.errors import InputError

__all__ = ["holds_series", "read_series"]

_MANY = 10_000  # files of a folder
_LOOKED_AT = 20  # files, to say what a folder holds
_SQUARE = 1e-2  # of unit vectors
_UNEVEN = 0.05  # of a step between slices
_TAGS = [
    "Modality", "PatientID", "SeriesInstanceUID", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "SamplesPerPixel", "NumberOfFrames",
]  # fmt: skip


class _NotSliceError(PictureError):
    """Sound, but no slice in space."""


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
    """True for a folder whose first readable DICOM file is a slice in space, not ultrasound."""
    for path in itertools.islice(_files(folder), _LOOKED_AT):
        if is_dicom(path) and inside(path, folder.resolve()):
            try:
                _read_slice(path)
            except _NotSliceError:
                return False
            except PictureError:
                continue
            return True
    return False


def read_series(folder: Path, pixels: int, slices: int) -> tuple[list[Volume], list[Skipped]]:
    """Volumes of a folder, a series each; names and numbers of patients stay behind.

    Args:
        folder: with the files.
        pixels: of the largest slice.
        slices: most of a volume.

    Returns:
        The volumes; and files that are no slices or broken, and series that do not stack.

    Raises:
        InputError: nothing is left.
    """
    found, skipped = _headers(folder)
    patients = sorted({header.patient for header in found})
    series: dict[str, list[_Slice]] = {}
    for header in found:
        series.setdefault(header.series, []).append(header)
    volumes = []
    for number, key in enumerate(sorted(series), start=1):
        patient = f"patient-{patients.index(series[key][0].patient) + 1}"
        name = f"series-{number}"
        kept: list[_Slice] = []
        try:
            _check_size(series[key], pixels, slices)
            values, kept = _decode(_in_order(series[key]), pixels, skipped)
            volumes.append(Volume(name, values, _geometry(kept), patient))
        except PictureError as error:
            skipped.append(Skipped(name, str(error), len(kept or series[key])))
    if not volumes:
        why = Counter(item.reason for item in skipped).most_common(1)
        reason = f"; skipped: {why[0][0]}" if why else ""
        raise InputError(f"{folder}: no series of DICOM slices that stack in space{reason}")
    return volumes, skipped


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.iterdir() if path.is_file()))


def _headers(folder: Path) -> tuple[list[_Slice], list[Skipped]]:
    files = [path for path in itertools.islice(_files(folder), _MANY + 1) if is_dicom(path)]
    if len(files) > _MANY:
        raise InputError(f"{folder}: more than {_MANY} files")
    found, skipped, root = [], [], folder.resolve()
    for path in files:
        try:
            if not inside(path, root):
                raise PictureError("link out of the folder")
            found.append(_read_slice(path))
        except PictureError as error:
            skipped.append(Skipped(path.name, str(error)))
    return found, skipped


def _read_slice(path: Path) -> _Slice:
    header = read_dataset(path, pixels=False)
    said = {name: value(header, name) for name in _TAGS}
    if said["Modality"] is None:
        raise PictureError("does not say its modality")
    if said["Modality"] in ("US", "IVUS") or said["ImagePositionPatient"] is None:
        raise _NotSliceError("not a slice in space")
    channels, count = said["SamplesPerPixel"], said["NumberOfFrames"]
    if channels not in (1, None) or count not in (1, "", None):
        raise _NotSliceError("not a slice in space")
    turn = _values("ImageOrientationPatient", said, 6)
    spacing = _values("PixelSpacing", said, 2)
    position = _values("ImagePositionPatient", said, 3)
    edges = turn.reshape(2, 3)
    square = np.abs(edges @ edges.T - np.eye(2)).max() < _SQUARE
    if not (square and spacing.min() > 0):
        raise PictureError("orientation or spacing of the slice is none")
    rows, columns = size(header)
    shape = f"{rows}x{columns} {np.round(turn, 3).tolist()} {np.round(spacing, 4).tolist()}"
    series = f"{said['SeriesInstanceUID']} {shape}"
    across, down = turn[:3] * spacing[1], turn[3:] * spacing[0]
    patient = str(said["PatientID"] or "")
    return _Slice(path, series, patient, position, across, down, (rows, columns))


def _values(name: str, said: Mapping[str, Any], count: int) -> NDArray[np.float64]:
    try:
        values = np.atleast_1d(np.array(said[name], np.float64))
    except (TypeError, ValueError, OverflowError):
        values = np.full(1, np.nan)
    if values.shape != (count,) or not np.isfinite(values).all() or np.abs(values).max() > 1e6:
        raise PictureError(f"{name} is not what it should be")
    return values


def _check_size(found: list[_Slice], pixels: int, slices: int) -> None:
    rows, columns = found[0].size
    if rows * columns > pixels or len(found) > slices or rows * columns * len(found) > LARGEST:
        raise PictureError("larger than allowed")


def _in_order(found: list[_Slice]) -> list[_Slice]:
    return sorted(found, key=lambda header: header.depth)


def _geometry(found: list[_Slice]) -> Geometry:
    steps = np.diff([header.position for header in found], axis=0)
    step = steps.mean(axis=0) if len(steps) else np.cross(found[0].across, found[0].down)
    length = float(np.linalg.norm(step))
    if len(steps) and not (length > 0.0 and np.abs(steps - step).max() <= _UNEVEN * length):
        raise PictureError("slices are not evenly spaced")
    return Geometry(np.stack([found[0].across, found[0].down, step], 1), found[0].position)


def _decode(
    found: list[_Slice], pixels: int, skipped: list[Skipped]
) -> tuple[NDArray[np.float32], list[_Slice]]:
    """Values `(slices, rows, columns)` of those that can be read, and which these are."""
    _geometry(found)  # before the long part
    values, kept = np.empty((len(found), *found[0].size), np.float32), []
    for header in found:
        try:
            values[len(kept)] = _pixels(header, pixels)
            kept.append(header)
        except PictureError as error:
            skipped.append(Skipped(header.path.name, str(error)))
    if not kept:
        raise PictureError("no slice that can be read")
    return values[: len(kept)], kept


def _pixels(header: _Slice, pixels: int) -> NDArray[np.float32]:
    file = read_dataset(header.path, pixels=True)
    if size(file) != header.size:
        raise PictureError("changed while it was read")
    check_pixels(file, header.path.stat().st_size, pixels, 1)
    try:
        with silent():
            values = np.asarray(decoded(file, 0), np.float32)
            slope = float(file.get("RescaleSlope", 1.0))
            values = values * np.float32(slope) + np.float32(file.get("RescaleIntercept", 0.0))
    except Exception as error:  # whatever decoders make of broken bytes
        raise PictureError("pixels that cannot be decoded") from error
    if values.shape != header.size:
        raise PictureError("pixels of an unknown kind")
    # low values are the bright ones; the sign, for the range is that of the volume
    return -values if text(file, "PhotometricInterpretation") == "MONOCHROME1" else values
