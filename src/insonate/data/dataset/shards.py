"""Single frames straight from the files of a local array, as Zarr's specification lays them out.

Zarr reads them as well, but takes two milliseconds for what needs a tenth of one: it asks its
event loop and a thread pool at every step, which pays for a network and not for a disk.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import zarr

__all__ = ["Shards"]

#: Length of a checksum behind a shard's index [bytes].
_CHECKSUM = 4
#: Offset and length of a chunk that was never written.
_EMPTY = 2**64 - 1


class Shards:
    """Reads entries of an array whose files lie on this machine.

    Args:
        folder: of the array.
        array: Zarr's view of it, for its type and chunks.
    """

    def __init__(self, folder: Path, array: zarr.Array):
        self.folder = folder
        self.dtype, self.shape = np.dtype(array.dtype), tuple(array.shape[1:])
        self.single = array.shards is not None
        self.shard = int(array.shards[0] if array.shards is not None else array.chunks[0])
        self._fill = array.fill_value

    @staticmethod
    def can_read(array: zarr.Array) -> bool:
        """Whether an array is laid out as `Writer` does it: each frame a chunk, zstd."""
        said: Any = array.metadata.to_dict()
        codecs = _names(said["codecs"])
        if codecs == ["sharding_indexed"]:
            inner = said["codecs"][0]["configuration"]
            fits = inner.get("index_location", "end") == "end"
            fits &= _names(inner["index_codecs"]) == ["bytes", "crc32c"]
            codecs = _names(inner["codecs"])
            fits &= array.chunks == (1, *array.shape[1:])
        else:
            fits = array.chunks[1:] == array.shape[1:]
        key = said["chunk_key_encoding"]
        fits &= key["name"] == "default" and key["configuration"]["separator"] == "/"
        return bool(fits) and codecs == ["bytes", "zstd"]

    def frame(self, index: int) -> NDArray[Any]:
        """A frame's entry.

        Raises:
            OSError: the file is not there or cannot be read.
            ValueError: the file is broken.
        """
        block, within = divmod(index, self.shard)
        with self._place(block).open("rb", buffering=0) as file:
            if not self.single:
                return self._decoded(file.read(), (self.shard, *self.shape))[within]
            packed = self._chunk(file.fileno(), within)
        if packed is None:
            return np.full(self.shape, self._fill, self.dtype)
        return self._decoded(packed, self.shape)

    def column(self, frames: int) -> NDArray[Any]:
        """Entries of the first frames, `(frames, ...)`; where there is no file, the fill value.

        Only of arrays whose shards are one chunk.

        Raises:
            OSError: a file cannot be read.
            ValueError: a file is broken.
        """
        values = np.full((frames, *self.shape), self._fill, self.dtype)
        for block in self._written():
            part = values[block * self.shard : (block + 1) * self.shard]
            if len(part):
                whole = self._decoded(self._place(block).read_bytes(), (self.shard, *self.shape))
                part[:] = whole[: len(part)]
        return values

    def _written(self) -> list[int]:
        """Shards that there are files of."""
        place = self.folder / "c"
        return [int(n) for n in os.listdir(place) if n.isdecimal()] if place.is_dir() else []

    def _place(self, block: int) -> Path:
        return self.folder.joinpath("c", str(block), *("0" for _ in self.shape))

    def _chunk(self, file: int, within: int) -> bytes | None:
        """The bytes of a shard's chunk; its index lies at the end, 16 bytes a chunk."""
        size, length = os.fstat(file).st_size, 16 * self.shard + _CHECKSUM
        if size < length:
            raise ValueError("the file is too short")
        index = os.pread(file, length, size - length)
        if _crc32c(index[:-_CHECKSUM]) != int.from_bytes(index[-_CHECKSUM:], "little"):
            raise ValueError("the shard's index has a wrong checksum")
        start, count = np.frombuffer(index, "<u8", 2, 16 * within).tolist()
        if start == count == _EMPTY:
            return None
        if start + count > size - length:
            raise ValueError("the file is too short")
        return os.pread(file, count, start)

    def _decoded(self, packed: bytes, shape: Sequence[int]) -> NDArray[Any]:
        from numcodecs import Zstd

        values = np.empty(shape, self.dtype)
        try:
            # into a buffer: a broken length must not be believed
            Zstd().decode(packed, values.reshape(-1).view(np.uint8))
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        return values


def _names(codecs: Sequence[Any]) -> list[str]:
    return [codec["name"] for codec in codecs]


def _crc32c(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))
