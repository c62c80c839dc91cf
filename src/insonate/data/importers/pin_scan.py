"""A pinhead scan on disk: a table of where the pinhead was seen, and poses of the probe."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.tracked import sequence_poses
from insonate.errors import InputError, closest

__all__ = ["read_pin_scan"]

_COLUMNS = ("frame", "column", "row")
_LARGEST = 16 * 2**20  # bytes
_POSE_ENDINGS = (".json", ".csv", ".txt", ".npy")


def read_pin_scan(
    points: Path, poses: Path, moving: str = "Probe"
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """What `calibrate` needs.

    Args:
        points: CSV with the columns frame, column, row: the number of an image, from 0, and
            the pixel of the pinhead in it, of the image with columns to the marked side and rows
            away from the probe.
        poses: tracked sequence, or a file of poses as `--poses` of rendering takes them.
        moving: name of the tracked probe in a sequence.

    Returns:
        Pixels `(images, 2)`, poses `(images, 4, 4)` [mm], and how many images were left out
        because their tracking is not valid.

    Raises:
        InputError: a file cannot be read, or they do not fit.
    """
    table = _read_points(points)
    found = _read_poses(poses, moving)
    numbers = [number for number, _ in table]
    if table and max(numbers) >= len(found):
        raise InputError(
            f"{points}: frame {max(numbers)}; expected 0 to {len(found) - 1}, as {poses} has"
        )
    seen = [(pixel, found[number]) for number, pixel in table]
    valid = [(pixel, pose) for pixel, pose in seen if pose is not None]
    if not valid:
        raise InputError(f"{points}: no image with valid tracking")
    pixels = np.array([pixel for pixel, _ in valid])
    return pixels, np.stack([pose for _, pose in valid]), len(seen) - len(valid)


def _read_poses(path: Path, moving: str) -> list[NDArray[np.float64] | None]:
    if path.suffix.lower() not in _POSE_ENDINGS:
        return sequence_poses(path, moving)
    from insonate.geometry.pose_file import read_poses

    return list(read_poses(path))


def _read_points(path: Path) -> list[tuple[int, tuple[float, float]]]:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: expected a table of points, but it has more than 16 MB")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file") from error
    try:
        rows = [row for row in csv.reader(lines) if row]
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV file ({error})") from error
    names = [name.strip().lower() for name in rows[0]] if rows else []
    for name in _COLUMNS:
        if name not in names:
            raise InputError(f"{path}: expected a column '{name}'; {closest(name, names)}")
    at = [names.index(name) for name in _COLUMNS]
    return [_point(path, number, row, at) for number, row in enumerate(rows[1:], start=2)]


def _point(path: Path, line: int, row: list[str], at: list[int]) -> tuple[int, tuple[float, float]]:
    try:
        frame, column, pixel_row = (float(row[k]) for k in at)
    except (ValueError, IndexError):
        frame = column = pixel_row = math.nan
    if not (math.isfinite(column) and math.isfinite(pixel_row) and 0 <= frame < 1e9):
        raise InputError(f"{path}: row {line}: expected a frame from 0, a column and a row")
    if frame != int(frame):
        raise InputError(f"{path}: row {line}: expected a whole number as frame, got {frame:g}")
    return int(frame), (column, pixel_row)
