"""Tracked sequences as MetaImage, the way PLUS and SlicerIGT record and replay them."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import replacing
from insonate.data.record import TRANSLATED
from insonate.errors import InputError
from insonate.sim.frame import Frame

__all__ = ["MhaSequence"]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
ELEMENT_TYPES = {"uint8": "MET_UCHAR", "uint16": "MET_USHORT"}


class MhaSequence:
    """A `.igs.mha` file: frames one after the other, with transforms and time for each.

    Coordinate systems are named as PLUS does: `Image` is pixels (column, row, 0), `Probe` the
    probe frame and `Reference` the world, patient LPS, both in mm; `ReferenceToRas` turns the
    world to what Slicer expects. Pixels are compressed as they come, so that a long sweep
    does not fill the memory.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        image: Literal["bmode", "labels"] = "bmode",
        rate: float = 20.0,
        look: str | None = None,
    ):
        """Take what `save` writes.

        Args:
            path: of the file.
            image: which image of a frame; labels keep their numbers.
            rate: frames per second, for the time stamps [Hz].
            look: of the frames, instead of their simulated image.
        """
        if not rate > 0:
            raise InputError(f"{path}: frame rate must be above 0 Hz, got {rate:g}")
        self.path, self.image, self.rate, self.look = Path(path), image, rate, look
        self._compressor = zlib.compressobj(6)
        self._data: list[bytes] = []
        self._fields: list[str] = []
        self._count = 0
        self._layout: tuple[tuple[int, ...], str] | None = None

    def add(self, frame: Frame) -> None:
        """Append a frame.

        Raises:
            InputError: it has another size than the first.
        """
        image = frame.image(self.look) if self.image == "bmode" else frame.labels
        pixels = np.ascontiguousarray(image)
        layout = (pixels.shape, pixels.dtype.name)
        self._layout = self._layout or layout
        if layout != self._layout:
            raise InputError(
                f"{self.path}: frame {self._count} is {layout}, expected {self._layout}"
            )
        little_endian = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        self._data.append(self._compressor.compress(little_endian.tobytes()))
        self._fields += self._frame_fields(frame)
        self._count += 1

    def save(self) -> list[Path]:
        """Write the file.

        Raises:
            InputError: there are no frames, or the file cannot be written.
        """
        if self._layout is None:
            raise InputError(f"{self.path}: no frames to write")
        self._data.append(self._compressor.flush())
        size = sum(len(part) for part in self._data)
        header = "\n".join([*self._header(size), *self._fields, "ElementDataFile = LOCAL\n"])
        with replacing(self.path) as path, open(path, "wb") as file:
            file.write(header.encode("ascii"))
            file.writelines(self._data)
        return [self.path]

    def _header(self, size: int) -> list[str]:
        assert self._layout is not None
        (rows, columns), dtype = self._layout
        return [
            "ObjectType = Image",
            "NDims = 3",
            "AnatomicalOrientation = RAI",
            "BinaryData = True",
            "BinaryDataByteOrderMSB = False",
            "CenterOfRotation = 0 0 0",
            *([f"Comment = {TRANSLATED}"] if self.look else []),
            "CompressedData = True",
            f"CompressedDataSize = {size}",
            f"DimSize = {columns} {rows} {self._count}",
            "ElementNumberOfChannels = 1",
            "ElementSpacing = 1 1 1",  # Image is in pixels, ImageToProbe scales
            f"ElementType = {ELEMENT_TYPES[dtype]}",
            "Kinds = domain domain list",
            "Offset = 0 0 0",
            "TransformMatrix = 1 0 0 0 1 0 0 0 1",
            "UltrasoundImageOrientation = MFA",  # columns to the marked side, rows away
            "UltrasoundImageType = BRIGHTNESS",
        ]

    def _frame_fields(self, frame: Frame) -> list[str]:
        prefix = f"Seq_Frame{self._count:04d}_"
        transforms = {
            "ImageToProbe": frame.image_to_probe(),
            "ImageToReference": frame.image_to_world(),
            "ProbeToReference": frame.pose,
            "ReferenceToRas": LPS_TO_RAS,
        }
        lines = [f"{prefix}FrameNumber = {self._count}"]
        for name, matrix in transforms.items():
            lines += [f"{prefix}{name}Transform = {_row_major(matrix)}"]
            lines += [f"{prefix}{name}TransformStatus = OK"]
        time = self._count / self.rate
        return [*lines, f"{prefix}Timestamp = {time:.6f}", f"{prefix}ImageStatus = OK"]


def _row_major(matrix: NDArray[np.float64]) -> str:
    return " ".join(f"{value + 0.0:.10g}" for value in matrix.ravel())  # + 0.0: no "-0"
