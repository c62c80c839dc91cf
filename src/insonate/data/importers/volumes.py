"""Volumes as slices that know where they lie: NIfTI, NRRD, MetaImage, series of DICOM."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.labels import as_labels, label_names
from insonate.data.importers.open import Options
from insonate.data.importers.plus import PlacingError, place
from insonate.data.importers.source import Imported, Item, Skipped
from insonate.data.importers.stack import Geometry
from insonate.data.importers.tracked import patient_of
from insonate.data.importers.volume_file import ENDINGS, Volume, read_volume
from insonate.errors import InputError, closest

__all__ = ["VolumeSlices", "holds_volume"]

#: Percentiles that become black and white.
PERCENTILES = (0.5, 99.5)
_SAMPLED = 2**24  # voxels, for percentiles
#: World axes (L, P, S) of slices, rows and columns, and the signs to which they rise: as a
#: doctor has them on a screen, the patient's left on the right, front or head on top.
_AXES = {
    "sagittal": ((0, 2, 1), (1, -1, 1)),
    "coronal": ((1, 2, 0), (1, -1, 1)),
    "axial": ((2, 1, 0), (1, 1, 1)),
}
_ELSEWHERE = 0.25  # voxels


def holds_volume(path: Path) -> bool:
    """True for a file of a volume, and for a folder with a DICOM series of slices in space."""
    if path.is_dir():
        from insonate.data.importers.series import holds_series

        return holds_series(path)
    return path.name.lower().endswith(ENDINGS)


@dataclass(frozen=True)
class _Slices:
    """A volume with its axes in the order of slices, rows, columns.

    Attributes:
        values: `(slices, rows, columns)`.
        geometry: steps of columns, rows and slices; None if the file says nothing of it.
    """

    values: NDArray[Any]
    geometry: Geometry | None


class VolumeSlices:
    """Slices of a volume, or of all volumes in a folder of DICOM.

    Poses have their world in patient LPS [mm]; the middle of a slice's first row of pixels is
    their origin. Intensities become 8 bits: percentiles 0.5 and 99.5 of the volume are black and
    white, unless it has 8 bits already.

    Args:
        path: of the file or the folder.
        options: mask (a volume of labels), axis, patient, limits.

    Raises:
        InputError: it cannot be read, or the labels do not fit.
    """

    kind = "volume"
    ultrasound = False
    private = False

    def __init__(self, path: Path, options: Options):
        self._options = options
        # the name of a folder of DICOM may be that of a patient
        self.provenance = "DICOM series" if path.is_dir() else path.name
        if options.axis is not None and options.axis not in _AXES:
            raise InputError(f"axis '{options.axis}'; {closest(options.axis, _AXES)}")
        self._volumes, self._skipped = _volumes(path, options)
        if options.mask and len(self._volumes) > 1:
            raise InputError(f"{path}: a mask of labels needs a single volume")
        self._labels = _read_labels(options, self._volumes[0]) if options.mask else None
        self.regions: tuple[str, ...] = ()
        if self._labels is not None and options.mask is not None:
            largest = int(self._labels.values.max())
            self.regions = label_names(options.mask, largest, options.regions)
        self._scales = [_scale(volume.values) for volume in self._volumes]

    @property
    def notes(self) -> tuple[str, ...]:
        """How intensities were scaled, and what is not known."""
        notes = []
        for volume, (low, high) in zip(self._volumes, self._scales, strict=True):
            if volume.values.dtype != np.uint8:
                notes.append(f"{volume.name}: intensities from {low:g} to {high:g} became 0 to 255")
            if volume.geometry is None:
                notes.append(f"{volume.name}: says nothing of its place; slices have no pose")
        return tuple(notes)

    def __len__(self) -> int:
        """How many slices there are."""
        slices = sum(len(_cut(v, self._options.axis).values) for v in self._volumes)
        return slices + sum(item.frames for item in self._skipped)

    def __iter__(self) -> Iterator[Item]:
        """What was left out; slices of volume after volume, from right, front and feet on."""
        yield from self._skipped
        for volume, scale in zip(self._volumes, self._scales, strict=True):
            slices = _cut(volume, self._options.axis)
            labels = None if self._labels is None else _cut(self._labels, self._options.axis)
            for k in range(len(slices.values)):
                image = _eight_bits(slices.values[k], scale)
                if image.min() == image.max():
                    yield Skipped(f"{volume.name} slice {k}", "blank slice")
                    continue
                yield self._frame(volume, slices, k, image, labels)

    def _frame(
        self, volume: Volume, slices: _Slices, k: int, image: NDArray[np.uint8],
        labels: _Slices | None,
    ) -> Imported:  # fmt: skip
        said = {
            "file": volume.name, "axis": self._options.axis or "as acquired", "slice": k,
            "slices": len(slices.values),
        }  # fmt: skip
        where: dict[str, Any] = {}
        if slices.geometry is not None:
            matrix = _image_to_world(slices.geometry, k)
            placed = place(matrix, *image.shape)
            where = {"pose": placed.pose, "spacing": placed.spacing, "origin": placed.origin}
            along = slices.geometry.steps[:, 2]
            said["position"] = round(float(along @ matrix[:3, 3] / np.linalg.norm(along)), 4)
        return Imported(
            image,
            labels=None if labels is None else np.ascontiguousarray(labels.values[k]),
            patient=volume.patient or patient_of(volume.name, self._options.patient),
            sequence=volume.name,
            metadata=said,
            **where,
        )


def _volumes(path: Path, options: Options) -> tuple[list[Volume], list[Skipped]]:
    if path.is_dir():
        return _series(path, options)
    volume = read_volume(path, options.pixels, options.frames)
    _check_axes(volume)
    if options.axis and volume.geometry is None:
        raise InputError(f"{volume.name}: says nothing of its place; expected no axis")
    return [volume], []


def _series(folder: Path, options: Options) -> tuple[list[Volume], list[Skipped]]:
    from insonate.data.importers.series import read_series

    volumes, skipped = read_series(folder, options.pixels, options.frames)
    kept = []
    for volume in volumes:
        try:
            _check_axes(volume)
            kept.append(volume)
        except InputError:
            reason = "slices are not above each other"
            skipped.append(Skipped(volume.name, reason, len(volume.values)))
    if not kept:
        raise InputError(f"{folder}: {skipped[-1].where}: {skipped[-1].reason}")
    return kept, skipped


def _check_axes(volume: Volume) -> None:
    if volume.geometry is None:
        return
    steps = volume.geometry.steps
    try:
        for a, b in itertools.combinations(range(3), 2):
            matrix = np.eye(4)
            matrix[:3, 0], matrix[:3, 1] = steps[:, a], steps[:, b]
            place(matrix, 2, 2)
    except PlacingError as error:
        raise InputError(f"{volume.name}: directions of the voxels: {error}") from error


def _read_labels(options: Options, image: Volume) -> Volume:
    """The mask, on the image's voxels."""
    assert options.mask is not None
    if options.mask.is_dir():
        raise InputError(f"{options.mask}: expected a volume of labels, got a folder")
    labels = read_volume(options.mask, options.pixels, options.frames)
    if labels.values.shape != image.values.shape:
        sizes = [" x ".join(map(str, v.values.shape[::-1])) for v in (labels, image)]
        raise InputError(f"{options.mask}: labels of {sizes[0]} for {image.name} of {sizes[1]}")
    if labels.geometry is not None and image.geometry is not None:
        corners = np.array(list(itertools.product(*((0, n - 1) for n in image.values.shape[::-1]))))
        apart = corners @ (labels.geometry.steps - image.geometry.steps).T
        apart += labels.geometry.origin - image.geometry.origin
        voxel = float(np.linalg.norm(image.geometry.steps, axis=0).min())
        if np.abs(apart).max() > _ELSEWHERE * voxel:
            raise InputError(
                f"{options.mask}: lies up to {np.abs(apart).max():.3g} mm beside {image.name}"
            )
    values = as_labels(labels.values, str(options.mask))
    return Volume(labels.name, values, image.geometry, labels.patient)


def _scale(values: NDArray[Any]) -> tuple[float, float]:
    """Values that become 0 and 255."""
    if values.dtype == np.uint8:
        return 0.0, 255.0
    step = max(1, values.size // _SAMPLED)
    some = values.reshape(-1)[::step].astype(np.float64)
    some = some[np.isfinite(some)]
    if not some.size:
        return 0.0, 0.0
    low, high = np.percentile(some, PERCENTILES).tolist()
    if not low < high:  # little of it is not background
        low, high = float(some.min()), float(some.max())
    return low, high


def _eight_bits(values: NDArray[Any], scale: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = scale
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if not low < high:
        return np.zeros(values.shape, np.uint8)
    part = (values.astype(np.float64) - low) / (high - low)
    part = np.nan_to_num(part, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(np.clip(part, 0.0, 1.0) * 255.0).astype(np.uint8)


def _cut(volume: Volume, axis: str | None) -> _Slices:
    """A volume with the axis of slices first, without a copy."""
    if axis is None or volume.geometry is None:
        return _Slices(volume.values, volume.geometry)
    steps = volume.geometry.steps
    worlds, signs = _AXES[axis]
    ours = _nearest_axes(steps)
    order = [ours[world] for world in worlds]  # voxel axes of slices, rows, columns
    values = volume.values.transpose([2 - a for a in order])
    origin, turned = volume.geometry.origin.copy(), []
    for at, (a, world, sign) in enumerate(zip(order, worlds, signs, strict=True)):
        step = steps[:, a]
        if step[world] * sign < 0:
            values = np.flip(values, at)
            origin = origin + step * (values.shape[at] - 1)
            step = -step
        turned.append(step)
    return _Slices(values, Geometry(np.stack(turned[::-1], axis=1), origin))


def _nearest_axes(steps: NDArray[np.float64]) -> tuple[int, ...]:
    """For each axis of the world the voxel axis that runs along it, each taken once."""
    along = np.abs(steps / np.linalg.norm(steps, axis=0))
    return max(
        itertools.permutations(range(3)),
        key=lambda order: math.fsum(along[w, a] for w, a in enumerate(order)),
    )


def _image_to_world(geometry: Geometry, k: int) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = geometry.steps
    matrix[:3, 3] = geometry.origin + k * geometry.steps[:, 2]
    return matrix
