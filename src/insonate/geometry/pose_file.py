"""Poses from files: JSON, CSV or text, NumPy."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.geometry.pose import check_pose

__all__ = ["read_poses"]

LARGEST_FILE = 64 * 2**20  # bytes; a pose takes some hundred
BOTTOM_ROW = [0.0, 0.0, 0.0, 1.0]


def read_poses(path: str | os.PathLike[str]) -> list[NDArray[np.float64]]:
    """Read one or many rigid probe-to-world matrices, `(4, 4)` each [mm].

    `.json` holds a 4x4 matrix, a list of them, or an object whose `poses` is either (such as
    the `frames.json` beside rendered frames). `.csv` and `.txt` hold a pose a line, 16 numbers
    row by row, or 12 without the bottom row; lines that start with # and one line of column
    names are skipped. `.npy` holds an array `(4, 4)` or `(poses, 4, 4)`.

    Raises:
        InputError: the file cannot be read, holds something else, or a pose is not rigid.
    """
    path = Path(path)
    readers = {".json": _read_json, ".csv": _read_text, ".txt": _read_text, ".npy": _read_npy}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: poses are read from {', '.join(readers)}")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: expected poses, but it has more than 64 MB")
        matrices = reader(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not matrices:
        raise InputError(f"{path}: holds no pose")
    return [_checked(path, index, matrix) for index, matrix in enumerate(matrices)]


def _checked(path: Path, index: int, matrix: object) -> NDArray[np.float64]:
    try:
        return check_pose(np.asarray(matrix, dtype=np.float64))
    except InputError as error:
        raise InputError(f"{path}: pose {index}: {str(error).removeprefix('pose: ')}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: pose {index}: expected 4 rows of 4 numbers") from error


def _read_json(path: Path) -> list[object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    if isinstance(content, dict):
        if "poses" not in content:
            raise InputError(f"{path}: expected a field 'poses'")
        content = content["poses"]
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a 4x4 matrix or a list of them")
    return [content] if _depth(content) == 2 else content


def _depth(content: object) -> int:
    depth = 0
    while isinstance(content, list) and content and depth < 4:
        content, depth = content[0], depth + 1
    return depth


def _read_text(path: Path) -> list[object]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file") from error
    matrices: list[object] = []
    names_seen = False
    for number, line in enumerate(lines, start=1):
        fields = [field for field in re.split(r"[,;\s]+", line.strip()) if field]
        if not fields or line.lstrip().startswith("#"):
            continue
        values = [_number(field) for field in fields]
        if not matrices and not names_seen and all(value is None for value in values):
            names_seen = True
            continue
        if None in values or len(values) not in (12, 16):
            raise InputError(f"{path}: line {number}: expected 12 or 16 numbers, got '{line[:60]}'")
        rows = np.array(values + BOTTOM_ROW if len(values) == 12 else values, np.float64)
        matrices.append(rows.reshape(4, 4))
    return matrices


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _read_npy(path: Path) -> list[object]:
    try:
        with open(path, "rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, MemoryError) as error:
        raise InputError(f"{path}: not a NumPy array of numbers") from error
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: not a NumPy array of real numbers")
    if array.ndim not in (2, 3):
        raise InputError(f"{path}: expected shape (4, 4) or (poses, 4, 4), got {array.shape}")
    return [array] if array.ndim == 2 else list(array)
