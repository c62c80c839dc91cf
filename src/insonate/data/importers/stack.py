"""Images one after the other in one file: read a slice at a time, and no further than it goes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError

__all__ = [
    "LARGEST_HEADER",
    "LONGEST_LINE",
    "Geometry",
    "Stack",
    "data_file",
    "needed",
    "numbers",
    "slice_sizes",
    "whole_numbers",
]

#: Longest header [bytes]; a frame of a tracked sequence takes about a thousand.
LARGEST_HEADER = 64 * 2**20
LONGEST_LINE = 65_536
#: What a byte can become at most when a deflated file is inflated.
_LARGEST_RATIO = 1032
_PART = 2**20  # bytes read at once


@dataclass(frozen=True)
class Geometry:
    """Where voxels lie in the world, patient LPS.

    Attributes:
        steps: columns are the steps from a voxel to the next along i, j and k `(3, 3)` [mm].
        origin: of the middle of voxel (0, 0, 0) `(3,)` [mm].
    """

    steps: NDArray[np.float64]
    origin: NDArray[np.float64]


@dataclass(frozen=True)
class Stack:
    """What a header says of slices that follow each other.

    Attributes:
        path: of the header.
        columns: width of a slice [pixels].
        rows: height of a slice [pixels].
        slices: how many the header announces.
        channels: numbers a pixel, 1 or 3.
        dtype: of a number, with its order of bytes.
        data: file of the pixels.
        offset: of the first one [bytes].
        encoding: as they stand, or deflated.
        fields: of the whole file.
        frames: of single slices, by number.
        geometry: if the header says one.
    """

    path: Path
    columns: int
    rows: int
    slices: int
    channels: int
    dtype: np.dtype
    data: Path
    offset: int
    encoding: Literal["raw", "deflate"]
    fields: Mapping[str, str] = field(default_factory=dict)
    frames: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        sizes = (self.columns, self.rows, self.slices)
        if min(sizes) < 1:
            raise InputError(f"{self.path}: expected sizes from 1, got {_by(sizes)}")
        if self.channels not in (1, 3):
            raise InputError(f"{self.path}: expected 1 or 3 numbers a pixel, got {self.channels}")

    @property
    def bytes_a_slice(self) -> int:
        """Size of a slice [bytes]."""
        return self.columns * self.rows * self.channels * self.dtype.itemsize

    @property
    def stored(self) -> int:
        """Bytes of pixels that the file has, as they stand in it."""
        try:
            return max(self.data.stat().st_size - self.offset, 0)
        except OSError as error:
            raise InputError(f"{self.data}: cannot be read ({error.strerror})") from error

    def at_most(self, pixels: int, slices: int) -> int:
        """How many slices the file can hold, once they are found to be of a bearable size.

        Nothing has been allocated by then.

        Args:
            pixels: largest slice [pixels].
            slices: most of them.

        Raises:
            InputError: too large, or the file is too short for a single slice.
        """
        if self.columns * self.rows > pixels or self.slices > slices:
            raise InputError(
                f"{self.path}: {_by((self.columns, self.rows, self.slices))}; expected at most "
                f"{pixels} pixels and {slices} frames"
            )
        holds = self.stored * (1 if self.encoding == "raw" else _LARGEST_RATIO)
        fits = holds // self.bytes_a_slice
        if not fits or (self.encoding == "deflate" and fits < self.slices):
            raise InputError(
                f"{self.path}: {_by((self.columns, self.rows, self.slices))} announced, but "
                f"{self.data.name} has only {self.stored} bytes of pixels"
            )
        return min(fits, self.slices)

    def __iter__(self) -> Iterator[NDArray]:
        """Slices `(rows, columns)`, or with channels last, as many as the file has.

        Raises:
            InputError: the file cannot be read, or holds more than announced.
        """
        shape = (self.rows, self.columns, self.channels)[: 2 if self.channels == 1 else 3]
        try:
            with self.data.open("rb") as file:
                file.seek(self.offset)
                stream = _Raw(file) if self.encoding == "raw" else _Inflated(file)
                for k in range(self.slices):
                    raw = stream.read(self.bytes_a_slice)
                    if len(raw) < self.bytes_a_slice:
                        self._check_end(stream, k)
                        return
                    native = np.frombuffer(raw, self.dtype).astype(
                        self.dtype.newbyteorder("="), copy=False
                    )
                    yield native.reshape(shape)
                if stream.read(1):
                    raise InputError(
                        f"{self.path}: more pixels than the {self.slices} slices of "
                        f"{self.columns} x {self.rows} that are announced"
                    )
        except OSError as error:
            raise InputError(f"{self.data}: cannot be read ({error.strerror})") from error

    def _check_end(self, stream: _Raw | _Inflated, got: int) -> None:
        """A deflated file that ends well was not cut off: its sizes are wrong."""
        if stream.whole:
            raise InputError(
                f"{self.path}: pixels for {got} of {self.slices} slices of {self.columns} x "
                f"{self.rows}; the announced size is wrong"
            )


class _Raw:
    """Bytes as they stand; a file that ends early cannot be told from a wrong size."""

    whole = False

    def __init__(self, file: BinaryIO):
        self.read = file.read


class _Inflated:
    """Bytes of a zlib or gzip stream, inflated no further than asked for."""

    def __init__(self, file: BinaryIO):
        self._file, self._engine = file, zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._broken = False

    @property
    def whole(self) -> bool:
        """The stream ended as it should."""
        return self._engine.eof

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end or where the stream is broken."""
        parts, missing = [], size
        while missing and not self._engine.eof and not self._broken:
            part = self._part(missing)
            if not part and not self._engine.unconsumed_tail and not self._more:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _part(self, missing: int) -> bytes:
        raw = self._engine.unconsumed_tail or self._file.read(_PART)
        self._more = bool(raw)
        try:
            return self._engine.decompress(raw, missing)
        except zlib.error:
            self._broken = True
            return b""


def data_file(header: Path, name: str) -> Path:
    """The file of pixels that a header names; only one in or below the header's folder.

    Raises:
        InputError: it is missing or lies elsewhere.
    """
    folder = header.parent.resolve()
    plain = not Path(name).is_absolute() and ".." not in Path(name).parts
    try:
        path = (folder / name).resolve()
        found = path.is_file()
    except (OSError, ValueError) as error:
        raise InputError(f"{header}: pixels in '{name[:80]}', which is no name") from error
    if not (name and plain and path.is_relative_to(folder)):
        raise InputError(
            f"{header}: pixels in '{name[:80]}'; expected a file in the header's folder"
        )
    if not found:
        raise InputError(f"{header}: pixels in '{name[:80]}', which is missing")
    return path


def needed(path: Path, fields: Mapping[str, str], name: str) -> str:
    """A field of a header.

    Raises:
        InputError: it is missing or empty.
    """
    if not fields.get(name):
        raise InputError(f"{path}: expected a field '{name}'")
    return fields[name]


def slice_sizes(path: Path, name: str, sizes: list[int]) -> tuple[int, int, int]:
    """Columns, rows and slices, of an image, a volume, or a list of volumes of one slice (IGSIO).

    Raises:
        InputError: it is something else.
    """
    if len(sizes) == 4 and sizes[2] == 1:
        sizes = [*sizes[:2], sizes[3]]
    if len(sizes) == 2:
        sizes = [*sizes, 1]
    if len(sizes) != 3:
        raise InputError(f"{path}: {name}: expected 2 or 3 of pixels, got {len(sizes)}")
    return sizes[0], sizes[1], sizes[2]


def numbers(path: Path, name: str, text: str, count: int | None = None) -> list[float]:
    """Numbers of a header's field.

    Raises:
        InputError: they are none, not finite, or not as many.
    """
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)) or (count is not None and len(values) != count):
        wanted = "" if count is None else f"{count} "
        raise InputError(f"{path}: {name}: expected {wanted}numbers, got '{text[:60]}'")
    return values


def whole_numbers(path: Path, name: str, text: str, most: int = 2**40) -> list[int]:
    """Numbers from 0 of a header's field.

    Raises:
        InputError: they are none.
    """
    values = text.split()
    if not values or not all(v.isascii() and v.isdigit() and len(v) < 16 for v in values):
        raise InputError(f"{path}: {name}: expected whole numbers, got '{text[:60]}'")
    if max(map(int, values)) > most:
        raise InputError(f"{path}: {name}: expected at most {most}, got '{text[:60]}'")
    return [int(value) for value in values]


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
