"""What a dataset holds: its arrays, their types and chunks, and its attributes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from insonate.errors import InputError, closest

__all__ = [
    "COLUMNS",
    "IMAGES",
    "METADATA",
    "SCHEMA",
    "UNLABELLED",
    "Array",
    "Attributes",
    "Layout",
]

#: Version of what is described here; a reader refuses a newer one.
SCHEMA = 1
#: Arrays of pixels `(frames, rows, columns)`, uint8, and what they hold.
IMAGES: Mapping[str, str] = {
    "bmode": "B-mode, 0 to 255; of a pair the fine image",
    "bmode_fast": "B-mode of a pair's fast image, same scatterers",
    "labels": "region of every pixel, an index into the attribute regions",
    "attenuation": "integral attenuation map, 0 to 1 as 0 to 255",
    "shadow": "share of the beam that is lost, 0 to 1 as 0 to 255",
    "mask": "1 where the image has content: the fan",
}
#: Arrays of one value or matrix a frame; what is not known is NaN, or -1.
COLUMNS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "pose": ("float64", (4, 4)),  # probe to world [mm]
    "spacing": ("float64", (2,)),  # of rows and of columns [mm]
    "origin": ("float64", (2,)),  # lateral and depth of the centre of pixel (0, 0) [mm]
    "patient": ("int32", ()),
    "sequence": ("int32", ()),
    "plane": ("int32", ()),  # an index into the attribute planes
    "split": ("int32", ()),  # an index into the attribute splits
    "seed": ("uint64", ()),
}
#: Region of pixels that nobody labelled, where only some frames have labels.
UNLABELLED = "unlabelled"
#: Longest description of a frame, JSON in UTF-8 [bytes].
METADATA = 4096
_MOST_FRAMES = 10**8
_LARGEST_SIDE = 16_384
_LARGEST_SHARD = 1024


@dataclass(frozen=True)
class Array:
    """An array of a dataset, by its first axis one entry a frame.

    Attributes:
        dtype: NumPy's name.
        shape: of one frame's entry.
        fill: of what was not written.
    """

    dtype: str
    shape: tuple[int, ...]
    fill: float | int = 0


@dataclass(frozen=True)
class Layout:
    """Which arrays a dataset has, and how many frames of which size.

    Attributes:
        frames: how many there are to be.
        rows: of every image [pixels].
        columns: of every image [pixels].
        images: names of `IMAGES`; `bmode` is always one.
        landmarks: names of points; each is a column and a row in the image [pixels].
        shard: frames that are kept in one file of an array, and written at once.
    """

    frames: int
    rows: int
    columns: int
    images: tuple[str, ...] = ("bmode",)
    landmarks: tuple[str, ...] = ()
    shard: int = 16

    def __post_init__(self) -> None:
        """Refuse what cannot be stored.

        Raises:
            InputError: with the valid range.
        """
        limits = {
            "frames": (1, _MOST_FRAMES), "rows": (1, _LARGEST_SIDE), "columns": (1, _LARGEST_SIDE),
            "shard": (1, _LARGEST_SHARD),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not (whole and low <= value <= high):
                raise InputError(f"{name}: expected {low} to {high}, got {value!r}")
        for name in self.images:
            if name not in IMAGES:
                raise InputError(f"unknown array '{name}'; {closest(name, IMAGES)}")
        if "bmode" not in self.images:
            raise InputError("images: expected bmode among them")
        for names in ("images", "landmarks"):
            if len(set(getattr(self, names))) != len(getattr(self, names)):
                raise InputError(f"{names}: a name comes twice")

    def dimensions(self, name: str) -> list[str]:
        """Names of an array's axes; those of one name are of one length in all arrays."""
        if name == "complete":
            return ["frame"]
        if name in self.images:
            return ["frame", "row", "column"]
        return ["frame", *(f"{name}_{k}" for k in range(len(self.arrays()[name].shape)))]

    @property
    def blocks(self) -> int:
        """How many shards there are."""
        return -(-self.frames // self.shard)

    def block(self, index: int) -> range:
        """The frames of a shard."""
        return range(index * self.shard, min((index + 1) * self.shard, self.frames))

    def arrays(self) -> dict[str, Array]:
        """All arrays by name, without `complete`."""
        arrays = {name: Array("uint8", (self.rows, self.columns)) for name in self.images}
        for name, (dtype, shape) in COLUMNS.items():
            arrays[name] = Array(dtype, shape, _UNKNOWN[np.dtype(dtype).kind])
        if self.landmarks:
            arrays["landmarks"] = Array("float32", (len(self.landmarks), 2), np.nan)
        arrays["metadata"] = Array("uint8", (METADATA,))
        return arrays


_UNKNOWN: Mapping[str, float | int] = {"f": np.nan, "i": -1, "u": 0}


@dataclass(frozen=True)
class Attributes:
    """What holds for all frames, kept with the group.

    Attributes:
        regions: names by label.
        tissues: by region.
        planes: names that the column `plane` counts.
        splits: names that the column `split` counts.
        landmarks: names of the points.
        probe: of all frames (mm, MHz, rad); empty if they differ or are not known.
        provenance: where the frames come from.
        licence: of the frames.
        recipe: that they were rendered by.
    """

    regions: tuple[str, ...] = ()
    tissues: Mapping[str, str] = field(default_factory=dict)
    planes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("train", "validation", "test")
    landmarks: tuple[str, ...] = ()
    probe: Mapping[str, Any] = field(default_factory=dict)
    provenance: str = ""
    licence: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unlabelled(self) -> int | None:
        """The label of pixels that nobody labelled, if there is one."""
        return self.regions.index(UNLABELLED) if UNLABELLED in self.regions else None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Attributes:
        """From a group's attributes; what is missing has its default.

        Raises:
            InputError: one is of another type.
        """
        names = {f.name for f in dataclasses.fields(cls)}
        given: dict[str, Any] = {k: v for k, v in stored.items() if k in names}
        for name in ("regions", "planes", "splits", "landmarks"):
            if name in given:
                given[name] = tuple(given[name])
        for name, value in given.items():
            if not isinstance(value, type(getattr(_NOTHING_KNOWN, name))):
                raise InputError(f"attribute {name}: {type(value).__name__} is not expected there")
        return cls(**given)


_NOTHING_KNOWN = Attributes()
