"""Headers of MetaImage files (.mha, .mhd), and what they say of single frames."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from insonate.data.importers.stack import (
    LARGEST_HEADER,
    LONGEST_LINE,
    Geometry,
    Stack,
    data_file,
    needed,
    numbers,
    slice_sizes,
    whole_numbers,
)
from insonate.errors import InputError, closest

__all__ = ["frame_fields", "read_metaimage"]

_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
_FRAME = re.compile(r"Seq_Frame(\d{1,9})_(\w+)$")


def read_metaimage(path: Path) -> Stack:
    """The header of a MetaImage.

    Raises:
        InputError: it cannot be read, lacks a field, or asks for what is not supported.
    """
    fields, end = _read_fields(path)
    size = whole_numbers(path, "DimSize", needed(path, fields, "DimSize"))
    columns, rows, slices = slice_sizes(path, "DimSize", size)
    if not _flag(fields, "BinaryData", True):
        raise InputError(f"{path}: BinaryData: expected True, got False")
    kind = needed(path, fields, "ElementType")
    if kind not in _TYPES:
        raise InputError(f"{path}: unknown ElementType '{kind[:40]}'; {closest(kind, _TYPES)}")
    big = _flag(fields, "BinaryDataByteOrderMSB", _flag(fields, "ElementByteOrderMSB", False))
    data, offset = _pixels(path, fields, end)
    encoding: Literal["raw", "deflate"] = "raw"
    if _flag(fields, "CompressedData", False):
        encoding = "deflate"
    channels = whole_numbers(path, "Channels", fields.get("ElementNumberOfChannels", "1"))[0]
    dtype = np.dtype(_TYPES[kind]).newbyteorder(">" if big else "<")
    whole, frames = frame_fields(fields)
    return Stack(
        path, columns, rows, slices, channels, dtype, data, offset, encoding, whole, frames,
        _geometry(path, whole),
    )  # fmt: skip


def frame_fields(
    fields: Mapping[str, str],
) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    """Fields of the whole file, and those of single frames by number."""
    whole: dict[str, str] = {}
    frames: dict[int, dict[str, str]] = {}
    for name, value in fields.items():
        if match := _FRAME.match(name):
            frames.setdefault(int(match[1]), {})[match[2]] = value
        else:
            whole[name] = value
    return whole, frames


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Fields by name, and where the header ends [bytes]."""
    fields: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            while file.tell() < LARGEST_HEADER:
                raw = file.readline(LONGEST_LINE)
                name, equals, value = raw.decode("latin-1").partition("=")
                if not equals:
                    if raw.strip() or not raw:
                        break
                    continue
                fields[name.strip()] = value.strip()
                if name.strip() == "ElementDataFile":
                    return fields, file.tell()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    raise InputError(f"{path}: not a MetaImage; expected fields up to ElementDataFile")


def _pixels(path: Path, fields: Mapping[str, str], end: int) -> tuple[Path, int]:
    name = fields["ElementDataFile"]
    if name.upper() == "LOCAL":
        return path, end
    if name.upper() == "LIST" or "%" in name:
        raise InputError(f"{path}: ElementDataFile: expected one file, got '{name[:40]}'")
    skipped = fields.get("HeaderSize", "0")
    return data_file(path, name), whole_numbers(path, "HeaderSize", skipped)[0]


def _geometry(path: Path, fields: Mapping[str, str]) -> Geometry | None:
    """From Offset, ElementSpacing and TransformMatrix, which lists axis after axis."""
    spacing = fields.get("ElementSpacing", fields.get("ElementSize"))
    if fields.get("NDims") != "3" or spacing is None:
        return None
    steps = numbers(path, "ElementSpacing", spacing, 3)
    names = ("Offset", "Position", "Origin")
    offset = next((fields[name] for name in names if name in fields), "0 0 0")
    names = ("TransformMatrix", "Orientation", "Rotation")
    turn = next((fields[name] for name in names if name in fields), "1 0 0 0 1 0 0 0 1")
    axes = np.reshape(numbers(path, "TransformMatrix", turn, 9), (3, 3))
    return Geometry(axes.T * steps, np.array(numbers(path, "Offset", offset, 3)))


def _flag(fields: Mapping[str, str], name: str, default: bool) -> bool:
    return fields[name].strip().lower() in ("true", "1") if name in fields else default
