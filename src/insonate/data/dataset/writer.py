"""Writing a dataset, a shard at a time: first the arrays, then the flags that make them count."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset.entries import entry
from insonate.data.dataset.layout import COLUMNS, IMAGES, Array, Attributes, Layout
from insonate.data.dataset.store import (
    kind_and_schema,
    locked,
    new_group,
    open_group,
    refuse_what_exists,
    sweep,
    telling,
    zarr_module,
)
from insonate.errors import InputError, closest

if TYPE_CHECKING:
    import zarr

__all__ = ["Sample", "Writer", "create", "open_writer"]

#: A frame: arrays by name, and `metadata`, a mapping that JSON can say.
Sample = Mapping[str, Any]


class Writer:
    """Writes whole shards into a dataset.

    Any number of processes may write to one dataset as long as no two write one shard; `create`
    and `open_writer` hold a lock for the process that hands out the shards.

    Args:
        where: folder or URL of a dataset that exists.

    Raises:
        InputError: there is none.
    """

    def __init__(self, where: str | os.PathLike[str]):
        self.where = where
        self._group = open_group(where, writable=True)
        self.layout = read_layout(self._group)
        self._arrays = self.layout.arrays()
        self._opened: dict[str, zarr.Array] = {}

    def complete(self) -> NDArray[np.bool_]:
        """The flags of all frames, as they are now, `(frames,)`."""
        with telling(f"{self.where}: complete cannot be read"):
            return np.asarray(self._array("complete")[: self.layout.frames]).astype(bool)

    def incomplete(self) -> list[int]:
        """Shards of which a frame is missing."""
        blocks = np.flatnonzero(~self.complete()) // self.layout.shard
        return [int(block) for block in np.unique(blocks)]

    def write(self, block: int, samples: Sequence[Sample | None]) -> None:
        """Write a shard; frames that are None stay incomplete.

        Frames that were complete count as incomplete until all is written: a writer that is
        killed leaves none half old, half new.

        Args:
            block: number of the shard.
            samples: of its frames, in their order.

        Raises:
            InputError: a sample does not fit the dataset, or the store cannot be written, such
                as for a full disk; then the shard's frames count as incomplete.
        """
        frames = self.layout.block(block)
        if block < 0 or not frames:
            raise InputError(f"shard {block}: expected 0 to {self.layout.blocks - 1}")
        if len(samples) != len(frames):
            raise InputError(f"shard {block}: expected {len(frames)} frames, got {len(samples)}")
        stacked = {name: self._stack(name, samples) for name in self._arrays}
        done = np.array([sample is not None for sample in samples], np.uint8)
        part = slice(frames.start, frames.stop)
        with telling(f"{self.where}: cannot be written"):
            complete = self._array("complete")
            if np.any(complete[part]):
                complete[part] = np.zeros_like(done)
            for name, values in stacked.items():
                self._array(name)[part] = values
            complete[part] = done

    def truncate(self, frames: int) -> None:
        """Keep only the first frames, when fewer came than were announced.

        Raises:
            InputError: none would be left, or more than there are.
        """
        if not 1 <= frames <= self.layout.frames:
            raise InputError(
                f"{self.where}: expected 1 to {self.layout.frames} frames to keep, got {frames}"
            )
        self.layout = dataclasses.replace(self.layout, frames=frames)
        with telling(f"{self.where}: cannot be written"):
            for name in ("complete", *self._arrays):  # complete first: it says how many there are
                array = self._array(name)
                array.resize((frames, *array.shape[1:]))
            self._group.attrs.update({"layout": dataclasses.asdict(self.layout)})

    def _array(self, name: str) -> zarr.Array:
        if name not in self._opened:
            # also what is all fill is written: a file that is missing is then known to be lost
            with zarr_module().config.set({"array.write_empty_chunks": True}):
                self._opened[name] = self._group[name]  # type: ignore[assignment]
        return self._opened[name]

    def _stack(self, name: str, samples: Sequence[Sample | None]) -> NDArray[Any]:
        array = self._arrays[name]
        stacked = np.full((len(samples), *array.shape), array.fill, array.dtype)
        for k, sample in enumerate(samples):
            if sample is None:
                continue
            _refuse_unknown(sample)
            if sample.get(name) is not None:
                stacked[k] = entry(name, sample[name], array)
            elif name in self.layout.images:
                raise InputError(f"a frame without '{name}', which this dataset has")
        return stacked


def _refuse_unknown(sample: Sample) -> None:
    """A name that no dataset has is a slip; one that only this one lacks is not kept."""
    known = (*IMAGES, *COLUMNS, "landmarks", "metadata")
    for name in sample:
        if name not in known:
            raise InputError(f"a frame with '{name}', unknown; {closest(name, known)}")


def read_layout(group: zarr.Group) -> Layout:
    """The layout of a dataset.

    Raises:
        InputError: it lacks what every dataset has, or says what cannot be.
    """
    with telling(f"{group.store_path}: the layout is broken"):
        stored: Any = group.attrs["layout"]
        sizes: dict[str, Any] = {name: stored[name] for name in ("rows", "columns", "shard")}
        names: dict[str, Any] = {name: tuple(stored[name]) for name in ("images", "landmarks")}
        layout = Layout(group["complete"].shape[0], **sizes, **names)  # type: ignore[union-attr]
    return layout


@contextmanager
def create(
    where: str | os.PathLike[str], layout: Layout, attributes: Attributes | None = None
) -> Iterator[Writer]:
    """Make a new dataset and be its writer until the block ends.

    Args:
        where: folder or URL that holds nothing yet.
        layout: its arrays.
        attributes: what holds for all its frames.

    Raises:
        InputError: something lies there, another process writes there, or it cannot be written.
    """
    refuse_what_exists(where)  # before anything is left there
    with locked(where):
        _make(where, layout, attributes or Attributes())
        yield Writer(where)


@contextmanager
def open_writer(where: str | os.PathLike[str]) -> Iterator[Writer]:
    """Be the writer of a dataset that exists, until the block ends.

    Raises:
        InputError: there is none, or another process writes to it.
    """
    open_group(where)
    with locked(where):
        sweep(where)
        yield Writer(where)


def _make(where: str | os.PathLike[str], layout: Layout, attributes: Attributes) -> None:
    said = dataclasses.asdict(attributes) | {"layout": dataclasses.asdict(layout)}
    said["landmarks"] = attributes.landmarks or layout.landmarks
    group = new_group(where)
    with telling(f"{where}: cannot be written"):
        for name, array in (*layout.arrays().items(), ("complete", Array("uint8", ()))):
            _make_array(group, name, array, layout)
        group.attrs.update(said | kind_and_schema())  # last: what has these is whole


def _make_array(group: zarr.Group, name: str, array: Array, layout: Layout) -> None:
    """An array in files of one shard each; of images every frame can be read alone."""
    from zarr.codecs import ZstdCodec

    single = name in layout.images or name == "metadata"
    shard = (layout.shard, *array.shape)
    group.create_array(
        name,
        shape=(layout.frames, *array.shape),
        dtype=array.dtype,
        chunks=(1, *array.shape) if single else shard,
        shards=shard if single else None,
        fill_value=array.fill,
        compressors=ZstdCodec(level=3, checksum=True),  # a broken frame is noticed
        dimension_names=layout.dimensions(name),
    )
