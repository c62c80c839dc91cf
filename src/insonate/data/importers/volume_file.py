"""One volume of one file, with the place of its voxels."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import medical
from insonate.data.importers.stack import Geometry, Stack
from insonate.data.importers.tracked import read_stack
from insonate.errors import InputError

__all__ = ["ENDINGS", "LARGEST", "Volume", "read_volume"]

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
#: Most voxels of a volume; it is held in memory.
LARGEST = 2**29
_LARGEST_BYTES = 8 * LARGEST
_PART = 2**20  # bytes read at once
_NIFTI_HEADER = 348  # bytes


@dataclass(frozen=True)
class Volume:
    """Voxels and where they lie.

    Attributes:
        name: of the file.
        values: `(k, j, i)`.
        geometry: of i, j, k; None if the file says nothing of it.
        patient: key; empty if not known.
    """

    name: str
    values: NDArray[Any]
    geometry: Geometry | None
    patient: str = ""


def read_volume(path: Path, pixels: int, slices: int) -> Volume:
    """A volume from NIfTI, NRRD or MetaImage.

    Args:
        path: of the file.
        pixels: of the largest slice.
        slices: most of them.

    Raises:
        InputError: it cannot be read, is too large, or no volume of one number a voxel.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not path.name.lower().endswith(ENDINGS):
        raise InputError(f"{path}: unknown volume format, expected one of {', '.join(ENDINGS)}")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return _read_nifti(path, pixels, slices)
    stack = read_stack(path)
    return Volume(path.name, _read_all(stack, pixels, slices), stack.geometry)


def _read_all(stack: Stack, pixels: int, slices: int) -> NDArray[Any]:
    if stack.channels != 1:
        raise InputError(f"{stack.path}: expected one number a voxel, got {stack.channels}")
    count = stack.at_most(pixels, slices)
    _check_size(stack.path, (stack.columns, stack.rows, stack.slices), pixels, slices)
    if count < stack.slices:
        raise InputError(f"{stack.path}: ends after {count} of {stack.slices} slices")
    native = stack.dtype.newbyteorder("=")
    values = np.empty((stack.slices, stack.rows, stack.columns), native)
    found = 0
    for found, values_of_slice in enumerate(stack, start=1):
        values[found - 1] = values_of_slice
    if found < stack.slices:
        raise InputError(f"{stack.path}: ends after {found} of {stack.slices} slices")
    return values


def _check_size(path: Path, size: tuple[int, ...], pixels: int, slices: int) -> None:
    """Refuse what would not fit, before any of it is allocated."""
    voxels = size[0] * size[1] * size[2]
    if size[0] * size[1] > pixels or size[2] > slices or voxels > LARGEST:
        by = " x ".join(map(str, size))
        raise InputError(f"{path}: {by} voxels; expected at most {LARGEST}, {slices} slices")
    if not voxels:
        raise InputError(f"{path}: has no voxels")


def _read_nifti(path: Path, pixels: int, slices: int) -> Volume:
    sitk = medical("SimpleITK")
    reader = sitk.ImageFileReader()
    reader.SetImageIO("NiftiImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        if len(size) == 4 and size[3] == 1:
            reader.SetExtractSize([*size[:3], 0])
        elif len(size) != 3:
            raise InputError(f"{path}: expected a volume of 3 dimensions, got {len(size)}")
        if reader.GetNumberOfComponents() != 1:
            raise InputError(f"{path}: expected one number a voxel")
        _check_size(path, size, pixels, slices)
        bits = int(reader.GetMetaData("bitpix"))
        _check_length(path, size[0] * size[1] * size[2], bits)
        image = reader.Execute()
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a NIfTI volume that can be read") from error
    directions = np.reshape(image.GetDirection(), (3, 3))
    steps = directions * np.array(image.GetSpacing())
    values = sitk.GetArrayFromImage(image)
    return Volume(path.name, values, Geometry(steps, np.array(image.GetOrigin())))


def _check_length(path: Path, voxels: int, bits: int) -> None:
    """All voxels are there; the library itself fills what is missing with zeros."""
    length = path.stat().st_size
    if path.name.lower().endswith(".gz"):
        length = _inflated(path, length)
    if voxels * max(bits, 8) // 8 > length - _NIFTI_HEADER:
        raise InputError(
            f"{path}: {voxels} voxels of {bits} bits announced, but there are {length} bytes"
        )


def _inflated(path: Path, length: int) -> int:
    """Bytes of a gzip file, all of which are looked at: it may be cut off or changed."""
    total = 0
    try:
        with gzip.open(path) as file:
            while part := file.read(_PART):
                total += len(part)
                if total > _LARGEST_BYTES:
                    raise InputError(f"{path}: inflates to more than {_LARGEST_BYTES} bytes")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: a broken or truncated gzip file of {length} bytes") from error
    return total
