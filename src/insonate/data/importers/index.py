"""A table of images: who, in which recording, which plane, how large a pixel is."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from insonate.errors import InputError

__all__ = ["Index", "Row", "read_index"]

#: Names of columns, in lower case with one space for all that is not a letter or a digit.
NAME = ("name", "file", "filename", "image", "file name", "image name")
PATIENT = ("patient", "patient id", "subject")
SEQUENCE = ("sequence", "sequence id", "series", "video")
PLANE = ("plane",)
SPLIT = ("split",)
PIXEL = ("pixel mm", "spacing mm", "pixel size mm")
FULL_PIXEL, FULL_WIDTH, FULL_HEIGHT = "full pixel mm", "full width px", "full height px"
LARGEST = 64_000_000  # bytes


@dataclass(frozen=True)
class Row:
    """What the table says of an image.

    Attributes:
        values: of all columns that are not empty, numbers as numbers, by their own names.
        patient: key, or empty.
        sequence: key, or empty.
        plane: name, or empty.
        split: name, or empty.
        unclear: that the table names several images by it, and says nothing.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    patient: str = ""
    sequence: str = ""
    plane: str = ""
    split: str = ""
    unclear: bool = False

    def spacing(self, rows: int, columns: int) -> tuple[float, float] | None:
        """Spacing of rows and columns [mm] of the image in a size; None if it is not said.

        A table may give the pixel of the full image and its size, when images were made smaller.
        """
        said = {_plain(name): value for name, value in self.values.items()}
        for name in PIXEL:
            if _positive(said.get(name)):
                return float(said[name]), float(said[name])
        full, width, height = (said.get(n, 0) for n in (FULL_PIXEL, FULL_WIDTH, FULL_HEIGHT))
        if not (_positive(full) and _positive(width)):
            return None
        across = full * width / columns
        return (full * height / rows if _positive(height) else across), across


@dataclass
class Index:
    """A table by image.

    Attributes:
        path: of the file.
        columns: names of its columns, plain.
        rows: by the image's name without ending.
    """

    path: Path
    columns: frozenset[str]
    rows: dict[str, Row]

    def rows_of(self, files: Iterable[PurePosixPath]) -> dict[PurePosixPath, Row]:
        """Rows of images, by their path in the folder; or by their name, if no other has it.

        A name that may be that of several images gives each of them an unclear row.
        """
        files = list(files)
        found = {file: self.rows[_key(str(file))] for file in files if _key(str(file)) in self.rows}
        taken = {_key(str(file)) for file in found}
        rest = [file for file in files if file not in found and _key(file.name) not in taken]
        counts = Counter(_key(file.name) for file in rest)
        for file in rest:
            row = self.rows.get(_key(file.name))
            if row is not None:
                found[file] = row if counts[_key(file.name)] == 1 else Row(unclear=True)
        return found


def read_index(path: Path) -> Index:
    """Read a table (CSV with a head).

    Raises:
        InputError: it cannot be read, names no images, or names one twice.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: larger than {LARGEST // 1_000_000} MB; expected a table")
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _table(path, csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table in CSV ({error})") from error


def _table(path: Path, reader: csv.DictReader[str]) -> Index:
    names = [name or "" for name in reader.fieldnames or ()]
    columns = {_plain(name): name for name in names}
    name = next((columns[each] for each in NAME if each in columns), None)
    if name is None:
        raise InputError(f"{path}: expected a column {' or '.join(NAME[:4])}, got {names[:8]}")
    rows: dict[str, Row] = {}
    for line in reader:
        key = _key(line.get(name) or "")
        if key in rows:
            raise InputError(f"{path}: line {reader.line_num}: '{key[:80]}' is there twice")
        rows[key] = _row(line, columns)
    return Index(path, frozenset(columns), rows)


def _row(line: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    def first(known: tuple[str, ...]) -> str:
        return next((str(line.get(columns[k]) or "") for k in known if k in columns), "")

    texts = {k: v for k, v in line.items() if k and isinstance(v, str) and v.strip()}
    values = {name: _number(text.strip()) for name, text in texts.items()}
    patient, sequence, plane, split = (
        first(known).strip() for known in (PATIENT, SEQUENCE, PLANE, SPLIT)
    )
    return Row(values, patient, sequence, plane, split)


def _key(text: str) -> str:
    """A path without ending, for comparison only: nothing is opened by it."""
    path = PurePosixPath(text.strip().replace("\\", "/"))
    suffix = path.suffix.lower()
    image = suffix in (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
    return str(path.with_suffix("") if image else path)


def _plain(name: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def _number(text: str) -> int | float | str:
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value) or "_" in text:
        return text
    return int(value) if text.lstrip("+-").isdigit() and len(text) < 16 else value


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 < value < 1e6
