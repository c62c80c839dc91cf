"""Headers of NRRD files (.nrrd, .nhdr), and what they say of single frames."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from insonate.data.importers.metaimage import frame_fields
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

__all__ = ["read_nrrd"]

_TYPES = {
    "signed char": "i1", "int8": "i1", "int8_t": "i1", "uchar": "u1", "unsigned char": "u1",
    "uint8": "u1", "uint8_t": "u1", "short": "i2", "short int": "i2", "int16": "i2",
    "int16_t": "i2", "ushort": "u2", "unsigned short": "u2", "uint16": "u2", "uint16_t": "u2",
    "int": "i4", "int32": "i4", "int32_t": "i4", "uint": "u4", "unsigned int": "u4",
    "uint32": "u4", "uint32_t": "u4", "float": "f4", "double": "f8",
}  # fmt: skip
_ENCODINGS: Mapping[str, Literal["raw", "deflate"]] = {
    "raw": "raw", "gzip": "deflate", "gz": "deflate",
}  # fmt: skip
#: Signs that take an axis of a space to LPS.
_SPACES = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
_COLORS = ("vector", "rgb-color", "3-color", "list")


def read_nrrd(path: Path) -> Stack:
    """The header of a NRRD file.

    Raises:
        InputError: it cannot be read, lacks a field, or asks for what is not supported.
    """
    fields, end = _read_fields(path)
    size = whole_numbers(path, "sizes", needed(path, fields, "sizes"))
    kinds = fields.get("kinds", "").lower().split() or ["domain"] * len(size)
    channels, size = _channels(path, kinds, size)
    columns, rows, slices = slice_sizes(path, "sizes", size)
    kind = needed(path, fields, "type")
    if kind not in _TYPES:
        raise InputError(f"{path}: unknown type '{kind[:40]}'; {closest(kind, _TYPES)}")
    encoding = needed(path, fields, "encoding").lower()
    if encoding not in _ENCODINGS:
        raise InputError(f"{path}: encoding: expected raw or gzip, got '{encoding[:40]}'")
    if any(fields.get(name, "0") != "0" for name in ("line skip", "byte skip")):
        raise InputError(f"{path}: line skip and byte skip: expected 0")
    data, offset = _pixels(path, fields, end)
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    dtype = np.dtype(_TYPES[kind]).newbyteorder(order)
    whole, frames = frame_fields(fields)
    return Stack(
        path, columns, rows, slices, channels, dtype, data, offset, _ENCODINGS[encoding], whole,
        frames, _geometry(path, whole),
    )  # fmt: skip


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Fields and key/value pairs by name, and where the header ends [bytes]."""
    fields: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            if not re.match(rb"NRRD000[1-6]\s", file.readline(LONGEST_LINE)):
                raise InputError(f"{path}: not a NRRD file of version 1 to 6")
            while file.tell() < LARGEST_HEADER:
                raw = file.readline(LONGEST_LINE)
                line = raw.decode("latin-1").strip("\r\n")
                if not line:
                    return fields, file.tell()
                _take(fields, line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    raise InputError(f"{path}: not a NRRD file; expected a blank line after the header")


def _take(fields: dict[str, str], line: str) -> None:
    if line.startswith("#"):
        return
    name, pair, value = line.partition(":=")
    if not pair:
        name, _, value = line.partition(":")
        name = name.lower().replace("datafile", "data file")
    fields[name.strip()] = value.strip()


def _channels(path: Path, kinds: list[str], size: list[int]) -> tuple[int, list[int]]:
    """Numbers a pixel, and the sizes that are left."""
    if kinds[0] in _COLORS and len(size) >= 3:
        if size[0] not in (1, 3):
            raise InputError(
                f"{path}: sizes: expected columns and rows before the frames, got "
                f"'{kinds[0]}' of {size[0]} first"
            )
        return size[0], size[1:]
    return 1, size


def _pixels(path: Path, fields: Mapping[str, str], end: int) -> tuple[Path, int]:
    name = fields.get("data file")
    if name is None:
        return path, end
    if name.upper().startswith("LIST") or "%" in name:
        raise InputError(f"{path}: data file: expected one file, got '{name[:40]}'")
    return data_file(path, name), 0


def _geometry(path: Path, fields: Mapping[str, str]) -> Geometry | None:
    """From the space directions, whose vectors come axis after axis."""
    space, directions = fields.get("space"), fields.get("space directions")
    if space is None or directions is None:
        return None
    if space.lower() not in _SPACES:
        raise InputError(f"{path}: space: {closest(space.lower(), _SPACES)}")
    signs = np.array(_SPACES[space.lower()], np.float64)[:, None]
    vectors = [_vector(path, "space directions", text) for text in _in_brackets(directions)]
    if len(vectors) != 3:
        return None  # a list of images has no third direction
    origin = _vector(path, "space origin", *_in_brackets(fields.get("space origin", "(0,0,0)")))
    return Geometry(signs * np.array(vectors).T, signs[:, 0] * origin)


def _in_brackets(text: str) -> list[str]:
    return re.findall(r"\(([^()]*)\)", text) or [""]


def _vector(path: Path, name: str, text: str, *more: str) -> list[float]:
    return numbers(path, name, text.replace(",", " "), 3)
