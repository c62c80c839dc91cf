"""A dataset to read from: whole frames by number, ready for torch, from any number of processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset.entries import unpacked
from insonate.data.dataset.layout import IMAGES, Array, Attributes, Layout
from insonate.data.dataset.shards import Shards
from insonate.data.dataset.store import is_remote, local_path, open_group, telling
from insonate.data.dataset.values import BMODE, network_values
from insonate.data.dataset.window import Window
from insonate.data.dataset.writer import read_layout
from insonate.errors import InputError, closest

if TYPE_CHECKING:
    import zarr

__all__ = ["Dataset"]

Sample = dict[str, Any]


class Dataset:
    """Frames of a dataset that are complete, by number.

        dataset = Dataset("tiny.zarr", ("bmode_fast", "bmode", "labels"), split="train")
        dataset[0]["bmode"]                     # (1, rows, columns), float32, -1 to 1
        DataLoader(dataset, batch_size=8, num_workers=4)

    It is a map-style dataset as `torch.utils.data` wants one, without torch: a `DataLoader`
    makes tensors of the arrays. Every process opens its own files.

    Args:
        where: folder, or URL of any file system that fsspec knows.
        arrays: of a sample; the images that there are when None.
        split: one name, or several; all frames when None.
        frames: numbers of frames to choose from, such as those of a fold; all when None.
        transform: applied to every sample.

    Raises:
        InputError: no dataset, no such array or split, or a newer schema.
    """

    def __init__(
        self,
        where: str | os.PathLike[str],
        arrays: Sequence[str] | None = None,
        split: str | Sequence[str] | None = None,
        frames: Sequence[int] | NDArray[np.integer] | None = None,
        transform: Callable[[Sample], Sample] | None = None,
    ):
        self.where, self.transform = str(where), transform
        self._group, self._process = open_group(self.where), os.getpid()
        self._opened: dict[str, zarr.Array] = {}
        self._shards: dict[str, Shards | None] = {}
        self.layout: Layout = read_layout(self._group)
        with telling(f"{where}: the attributes are broken"):
            self.attributes = Attributes.read(dict(self._group.attrs))
        self._kept = self.layout.arrays() | {"complete": Array("uint8", ())}
        known = (*(name for name in self._kept if name != "metadata"), "coordinates", "index")
        self.arrays = tuple(self.layout.images if arrays is None else arrays)
        for name in self.arrays:
            if name not in known:
                raise InputError(f"{where}: no array '{name}'; {closest(name, known)}")
        self.frames = self._chosen(split, frames)

    def _array(self, name: str) -> zarr.Array:
        if self._process != os.getpid():  # forked: the parent's event loop is not ours
            self._group, self._process = open_group(self.where), os.getpid()
            self._opened.clear()
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _open(self, name: str) -> zarr.Array:
        """An array, if it is what the layout says."""
        if name not in self._kept:
            raise InputError(f"{self.where}: no array '{name}'; {closest(name, self._kept)}")
        with telling(f"{self.where}: array {name} cannot be read"):
            array: Any = self._group[name]
            expected, found = self._kept[name], (str(array.dtype), tuple(array.shape[1:]))
            if found != (expected.dtype, expected.shape) or array.shape[0] < self.layout.frames:
                raise InputError(f"{self.where}: array {name} is not what the layout says")
        return array

    def _near(self, name: str) -> Shards | None:
        """How to read frames without Zarr, where they lie on this machine."""
        if name not in self._shards:
            array = self._array(name)
            near = not is_remote(self.where) and Shards.can_read(array)
            self._shards[name] = Shards(local_path(self.where) / name, array) if near else None
        return self._shards[name]

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open, for processes that are spawned."""
        return self.__dict__ | {"_group": None, "_opened": {}, "_process": -1}

    def _chosen(self, split: str | Sequence[str] | None, frames: Any) -> NDArray[np.int64]:
        chosen = self.column("complete").astype(bool)
        if frames is not None:
            wanted = np.zeros(len(chosen), bool)
            numbers = np.asarray(frames)
            whole = numbers.dtype.kind in "iu" or not numbers.size
            if not (whole and np.all((numbers >= 0) & (numbers < len(chosen)))):
                raise InputError(f"{self.where}: frames: expected 0 to {len(chosen) - 1}")
            wanted[numbers.astype(np.int64)] = True
            chosen &= wanted
        if split is not None:
            chosen &= np.isin(self.column("split"), self._split_numbers(split))
        return np.flatnonzero(chosen)

    def _split_numbers(self, split: str | Sequence[str]) -> list[int]:
        splits = self.attributes.splits
        names = (split,) if isinstance(split, str) else split
        for name in names:
            if name not in splits:
                raise InputError(f"{self.where}: no split '{name}'; {closest(name, splits)}")
        return [splits.index(name) for name in names]

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        """A whole sample by name, as `sample` describes it."""
        return self.sample(index)

    def sample(self, index: int, window: Window | None = None) -> Sample:
        """A sample by name, or the part of its images that lies in a window.

        Images are float32 `(1, rows, columns)` in [-1, 1], -1 outside the mask (`bmode`,
        `bmode_fast`) or in [0, 1] (`attenuation`, `shadow`, `mask`); `labels` int64 `(rows,
        columns)`; `coordinates` float32 `(3, rows, columns)`, world [mm]; the rest as stored.

        Raises:
            IndexError: there are fewer frames.
            InputError: a frame cannot be read, or the window reaches beyond it.
        """
        stored = self._stored(sorted(self._needed()), index)
        if window is not None:
            stored = {k: window.cut(v) if k in IMAGES else v for k, v in stored.items()}
        sample = {name: self._ready(name, index, stored, window) for name in self.arrays}
        return self.transform(sample) if self.transform else sample

    def _stored(self, names: list[str], index: int) -> Sample:
        """Arrays as they are stored; from a network all at once, since each waits for answers."""
        if not is_remote(self.where) or len(names) < 2:
            return {name: self.raw(name, index) for name in names}
        self._array(names[0])  # what a fork left behind is put right before threads are started
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(
                zip(names, pool.map(lambda name: self.raw(name, index), names), strict=True)
            )

    def _needed(self) -> set[str]:
        """Arrays that a sample is made of; the mask says what is black for good."""
        names = {name for name in self.arrays if name not in ("coordinates", "index")}
        masked = "mask" in self.layout.images and not names.isdisjoint(BMODE)
        return names | {"mask"} if masked else names

    def _ready(self, name: str, index: int, stored: Sample, window: Window | None) -> Any:
        if name == "index":
            return int(self.frames[index])
        if name == "coordinates":
            at = self.coordinates(index)
            return (at if window is None else window.cut(at)).transpose(2, 0, 1)
        if name not in IMAGES:
            return stored[name]
        return network_values(name, stored[name], stored.get("mask"))

    def raw(self, name: str, index: int) -> NDArray[Any]:
        """An array of a frame as it is stored.

        Raises:
            IndexError: there are fewer frames.
            InputError: there is no such array, or its file is broken.
        """
        frame, near = int(self.frames[index]), self._near(name)
        with telling(f"{self.where}: {name} of frame {frame} is broken"):
            return np.asarray(self._array(name)[frame] if near is None else near.frame(frame))

    def column(self, name: str) -> NDArray[Any]:
        """One value a frame, of all frames, complete or not, `(frames, ...)`.

        Raises:
            InputError: there is no such array, or a file of it is broken.
        """
        near = self._near(name)
        with telling(f"{self.where}: {name} is broken"):
            if near is not None and not near.single:
                return near.column(self.layout.frames)
            return np.asarray(self._array(name)[: self.layout.frames])

    def metadata(self, index: int) -> dict[str, Any]:
        """What is said of a frame: its patient, its file.

        Raises:
            InputError: it is broken.
        """
        raw = self.raw("metadata", index)
        with telling(f"{self.where}: metadata of frame {self.frames[index]} is broken"):
            return unpacked(raw)

    def image_to_world(self, index: int) -> NDArray[np.float64]:
        """Matrix `(4, 4)` from (column, row, 0, 1) to the world [mm]; NaN if not known."""
        (down, across), (x, z) = self.raw("spacing", index), self.raw("origin", index)
        matrix = np.zeros((4, 4))
        matrix[0, 0], matrix[2, 1], matrix[1, 2] = across, down, -across
        matrix[:, 3] = [x, 0.0, z, 1.0]
        return self.raw("pose", index) @ matrix

    def coordinates(self, index: int) -> NDArray[np.float32]:
        """World position of every pixel, `(rows, columns, 3)` [mm]; NaN if not known."""
        matrix = self.image_to_world(index)
        row, column = np.mgrid[: self.layout.rows, : self.layout.columns]
        at = matrix[:3, 0] * column[..., None] + matrix[:3, 1] * row[..., None] + matrix[:3, 3]
        return at.astype(np.float32)
