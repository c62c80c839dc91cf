"""Pixels of a DICOM file, frame by frame, in gray; sizes are checked before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import medical
from insonate.data.importers.codestream import codestream_size
from insonate.data.importers.dicom_values import silent, text, value, whole
from insonate.data.importers.picture import Gray, PictureError, gray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["check_pixels", "decoded", "frame_count", "gray_frames", "read_dataset", "size"]

DEFLATED = "1.2.840.10008.1.2.1.99"


def read_dataset(path: Path, pixels: bool) -> Dataset:
    """A file, with or without its pixels.

    Raises:
        PictureError: not DICOM, broken, or deflated.
    """
    pydicom = medical("pydicom")
    try:
        with silent():
            meta = medical("pydicom.filereader").read_file_meta_info(path)
            if str(meta.get("TransferSyntaxUID", "")) == DEFLATED:
                raise PictureError("deflated DICOM, which is not read")
            return pydicom.dcmread(path, stop_before_pixels=not pixels)
    except PictureError:
        raise
    except pydicom.errors.InvalidDicomError as error:
        raise PictureError("not DICOM") from error
    except Exception as error:  # whatever broken bytes make of it
        raise PictureError("broken DICOM") from error


def size(dataset: Dataset) -> tuple[int, int]:
    """Rows and columns.

    Raises:
        PictureError: it has none.
    """
    rows, columns = whole(dataset, "Rows"), whole(dataset, "Columns")
    if not (rows and columns):
        raise PictureError("without pixels")
    return rows, columns


def frame_count(dataset: Dataset) -> int:
    """How many frames a file says it has; 1 if it says nothing.

    Raises:
        PictureError: none.
    """
    if value(dataset, "NumberOfFrames") in (None, ""):
        return 1
    frames = whole(dataset, "NumberOfFrames")
    if not frames:
        raise PictureError("without frames")
    return frames


def gray_frames(
    dataset: Dataset, file_bytes: int, pixels: int, frames: int
) -> Iterator[Gray | PictureError]:
    """Every frame in gray, uint8, or why it cannot be had.

    Args:
        dataset: with its pixels.
        file_bytes: of the file it comes from.
        pixels: most of a frame.
        frames: most of a file.

    Raises:
        PictureError: none can be had.
    """
    check_pixels(dataset, file_bytes, pixels, frames)
    for index in range(frame_count(dataset)):
        try:
            with silent():
                yielded: Gray | PictureError = _gray(dataset, decoded(dataset, index))
        except PictureError as error:
            yielded = error
        except Exception:  # whatever decoders make of broken bytes
            yielded = PictureError("frame that cannot be decoded")
        yield yielded


def check_pixels(dataset: Dataset, file_bytes: int, pixels: int, frames: int) -> None:
    """Refuse what is larger than allowed, or than its file can hold, before it is decoded.

    Args:
        dataset: with its pixels.
        file_bytes: of the file it comes from.
        pixels: most of a frame.
        frames: most of a file.

    Raises:
        PictureError: it is, or its pixels are of an unknown kind.
    """
    rows, columns = size(dataset)
    count = frame_count(dataset)
    if rows * columns > pixels:
        raise PictureError("larger than allowed")
    if count > frames:
        raise PictureError("more frames than allowed")
    if "PixelData" not in dataset:
        raise PictureError("without pixels")
    samples, bits = whole(dataset, "SamplesPerPixel"), whole(dataset, "BitsAllocated")
    if samples not in (1, 3) or bits not in (1, 8, 16):
        raise PictureError("pixels of an unknown kind")
    syntax = value(dataset.file_meta, "TransferSyntaxUID")  # type: ignore[arg-type]
    if not syntax or not syntax.is_transfer_syntax:
        raise PictureError("broken DICOM")
    if not syntax.is_compressed and count * rows * columns * samples * bits > 8 * file_bytes:
        raise PictureError("shorter than its header says")
    if syntax.is_compressed and count > file_bytes:
        raise PictureError("shorter than its header says")
    if syntax.is_compressed:
        _check_codestreams(dataset, count, (rows, columns))


def _check_codestreams(dataset: Dataset, count: int, wanted: tuple[int, int]) -> None:
    encaps = medical("pydicom.encaps")
    try:
        with silent():
            data = dataset.PixelData
        for stream in encaps.generate_frames(data, number_of_frames=count):
            if codestream_size(stream) not in (None, wanted):
                raise PictureError("compressed image of another size than its header says")
    except PictureError:
        raise
    except Exception as error:
        raise PictureError("broken DICOM") from error


def decoded(dataset: Dataset, index: int) -> NDArray[Any]:
    """One frame as it is stored; colours in YBR come as RGB. Check it before."""
    return medical("pydicom.pixels").pixel_array(dataset, index=index, raw=False)


def _gray(dataset: Dataset, values: NDArray[Any]) -> Gray:
    kind = text(dataset, "PhotometricInterpretation")
    if kind == "PALETTE COLOR":
        values = medical("pydicom.pixels").apply_color_lut(values, dataset)
        if values.dtype != np.uint8:
            values = (values >> 8).astype(np.uint8)
    if values.ndim == 3 and values.shape[2] >= 3:
        return gray(_eight(dataset, values[..., :3]))
    if values.ndim != 2:
        raise PictureError("pixels of an unknown kind")
    image = _eight(dataset, values)
    return Gray(255 - image if kind == "MONOCHROME1" else image, {})


def _eight(dataset: Dataset, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Eight bits of those that are stored; for all frames of a file the same ones."""
    if values.dtype == np.uint8:
        return values
    if int(values.min()) < 0:
        raise PictureError("negative pixels")
    stored = whole(dataset, "BitsStored") or 16
    return (values >> max(stored - 8, 0)).clip(0, 255).astype(np.uint8)
