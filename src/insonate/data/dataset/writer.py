"""Writing a dataset, a shard at a time: first the arrays, then the flags that make them count."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset.layout import METADATA, Attributes, Layout
from insonate.data.dataset.store import (
    is_remote,
    kind_and_schema,
    local_path,
    locked,
    open_group,
    zarr_module,
    zarr_store,
)
from insonate.errors import InputError

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

    def incomplete(self) -> list[int]:
        """Shards of which a frame is missing."""
        complete = np.asarray(self._array("complete")[:]).astype(bool)
        blocks = np.flatnonzero(~complete) // self.layout.shard
        return [int(block) for block in np.unique(blocks)]

    def write(self, block: int, samples: Sequence[Sample | None]) -> None:
        """Write a shard; frames that are None stay incomplete.

        Args:
            block: number of the shard.
            samples: of its frames, in their order.

        Raises:
            InputError: a sample does not fit the dataset, or the store cannot be written, such
                as for a full disk; then the shard's frames count as incomplete.
        """
        frames = self.layout.block(block)
        if len(samples) != len(frames):
            raise InputError(f"shard {block}: expected {len(frames)} frames, got {len(samples)}")
        stacked = {name: self._stack(name, samples) for name in self._arrays}
        done = np.array([sample is not None for sample in samples], np.uint8)
        part = slice(frames.start, frames.stop)
        try:
            for name, values in stacked.items():
                self._array(name)[part] = values
            self._array("complete")[part] = done
        except OSError as error:
            raise InputError(
                f"{self.where}: cannot be written ({error.strerror or error})"
            ) from error

    def truncate(self, frames: int) -> None:
        """Keep only the first frames, when fewer came than were announced.

        Raises:
            InputError: none would be left.
        """
        if frames < 1:
            raise InputError(f"{self.where}: no frames to keep")
        for name in (*self._arrays, "complete"):
            array = self._array(name)
            array.resize((frames, *array.shape[1:]))
        self.layout = dataclasses.replace(self.layout, frames=frames)

    def update(self, **changes: Any) -> None:
        """Change attributes of the dataset, such as `probe` or `planes`."""
        known = [f.name for f in dataclasses.fields(Attributes)]
        assert set(changes) <= set(known), changes
        self._group.attrs.update(changes)

    def _array(self, name: str) -> zarr.Array:
        return self._group[name]  # type: ignore[return-value]

    def _stack(self, name: str, samples: Sequence[Sample | None]) -> NDArray[Any]:
        array = self._arrays[name]
        stacked = np.full((len(samples), *array.shape), array.fill, array.dtype)
        for k, sample in enumerate(samples):
            if sample is not None and sample.get(name) is not None:
                stacked[k] = _entry(name, sample[name], array.dtype, array.shape)
            elif sample is not None and name in self.layout.images:
                raise InputError(f"a frame without '{name}', which this dataset has")
        return stacked


def _entry(name: str, value: Any, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if name == "metadata":
        return _packed(value)
    entry = np.asarray(value)
    if entry.shape != shape:
        raise InputError(f"{name}: expected {_by(shape)}, got {_by(entry.shape)}")
    if dtype == "uint8" and entry.dtype not in (np.uint8, np.bool_):
        raise InputError(f"{name}: expected 8 bits a pixel, got {entry.dtype}")
    return entry


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a number"


def _packed(metadata: Mapping[str, Any]) -> NDArray[np.uint8]:
    text = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    raw = text.encode()
    if len(raw) > METADATA:
        raise InputError(f"metadata: {len(raw)} bytes, at most {METADATA} can be kept")
    return np.frombuffer(raw.ljust(METADATA, b"\0"), np.uint8)


def read_layout(group: zarr.Group) -> Layout:
    """The layout of a dataset.

    Raises:
        InputError: it lacks what every dataset has.
    """
    try:
        stored: Any = group.attrs["layout"]
        sizes = {name: stored[name] for name in ("rows", "columns", "shard")}
        names = {name: tuple(stored[name]) for name in ("images", "landmarks")}
        frames = group["complete"].shape[0]  # type: ignore[union-attr]
        return Layout(frames, **sizes, **names)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{group.store_path}: a dataset without {error}") from error


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
    if not is_remote(where) and _holds_something(where):
        raise InputError(f"{where}: exists already; expected a new folder")
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
        yield Writer(where)


def _holds_something(where: str | os.PathLike[str]) -> bool:
    folder = local_path(where)
    try:
        return folder.exists() and any(item.name != ".writer" for item in folder.iterdir())
    except OSError as error:
        raise InputError(f"{where}: not a folder that can be written") from error


def _make(where: str | os.PathLike[str], layout: Layout, attributes: Attributes) -> None:
    zarr = zarr_module()
    said = dataclasses.asdict(attributes) | {"layout": dataclasses.asdict(layout)}
    try:
        group = zarr.create_group(zarr_store(where, read_only=False), zarr_format=3)
        for name, array in layout.arrays().items():
            single = name in layout.images or name == "metadata"
            _make_array(group, name, array.dtype, array.shape, array.fill, layout, single)
        _make_array(group, "complete", "uint8", (), 0, layout, single=False)
        group.attrs.update(said | kind_and_schema())  # last: what has these is whole
    except OSError as error:
        raise InputError(f"{where}: cannot be written ({error.strerror or error})") from error


def _make_array(
    group: zarr.Group,
    name: str,
    dtype: str,
    shape: tuple[int, ...],
    fill: float | int,
    layout: Layout,
    single: bool,
) -> None:
    """An array in files of one shard each; of images every frame can be read alone."""
    shard = (layout.shard, *shape)
    group.create_array(
        name,
        shape=(layout.frames, *shape),
        dtype=dtype,
        chunks=(1, *shape) if single else shard,
        shards=shard if single else None,
        fill_value=fill,
        compressors=_compressors(),
        dimension_names=[
            "frame",
            *(["row", "column"] if len(shape) == 2 else ["entry"] * len(shape)),
        ],
    )


def _compressors() -> Any:
    from zarr.codecs import BloscCodec

    return BloscCodec(cname="zstd", clevel=3, shuffle="noshuffle")
