"""Transforms the way PLUS names them, its configuration files, and where they put an image.

`ProbeToTracker` takes places of the probe's frame to the tracker's. `Image` is pixels (column,
row, 0) of the image turned so that columns run to the marked side and rows away from the probe
(MF), however it is stored.
"""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.source import Box
from insonate.errors import InputError, closest

__all__ = [
    "IMAGE",
    "SHEAR",
    "Configuration",
    "Placed",
    "PlacingError",
    "chain",
    "frame_transforms",
    "is_rigid",
    "nearest_rigid",
    "path_to_world",
    "place",
    "read_configuration",
    "turned_to_marked_far",
    "write_configuration",
]

IMAGE = "Image"
#: Frames that may be the world, best first.
_WORLDS = ("Reference", "World", "Patient", "Phantom", "Tracker")
#: Image axes may be this far from a right angle [rad]; a careless calibration has a degree or two.
SHEAR = math.radians(5.0)
#: Rotations are written with few digits.
_RIGID = 1e-2
_SMALLEST_PIXEL, _LARGEST_PIXEL = 1e-4, 100.0  # mm
_FARTHEST = 1e5  # mm
_NAME = re.compile(r"(\w+?)To([A-Z]\w*?)Transform$")
_LARGEST_XML = 16 * 2**20  # bytes

Matrix = NDArray[np.float64]
#: From and to.
Step = tuple[str, str]


class PlacingError(Exception):
    """A frame whose place is not known, with the reason; it is skipped and counted."""


@dataclass(frozen=True)
class Configuration:
    """What the XML of PLUS says.

    Attributes:
        transforms: that hold for all frames, by from and to.
        area: the part of the image that is ultrasound, if it is told.
    """

    transforms: Mapping[Step, Matrix]
    area: Box | None = None


@dataclass(frozen=True)
class Placed:
    """Where an image is.

    Attributes:
        pose: probe to world `(4, 4)` [mm].
        spacing: of rows and of columns [mm].
        origin: lateral and depth of pixel (0, 0) in the probe frame [mm].
        shear: how far the image's axes were from a right angle [rad].
    """

    pose: Matrix
    spacing: tuple[float, float]
    origin: tuple[float, float]
    shear: float


def frame_transforms(fields: Mapping[str, str]) -> dict[Step, Matrix | None]:
    """Transforms of a frame by from and to; None for one that the tracker did not vouch for."""
    transforms: dict[Step, Matrix | None] = {}
    for name, text in fields.items():
        if match := _NAME.match(name):
            valid = fields.get(name + "Status", "OK").strip().upper() == "OK"
            transforms[match[1], match[2]] = _matrix(text) if valid else None
    return transforms


def _matrix(text: str) -> Matrix | None:
    """Sixteen numbers, row by row; None if they are none."""
    try:
        matrix = np.array([float(word) for word in text.split()])
    except ValueError:
        return None
    if matrix.size != 16 or not np.isfinite(matrix).all() or np.abs(matrix).max() > _FARTHEST:
        return None
    return matrix.reshape(4, 4)


def is_rigid(matrix: Matrix) -> bool:
    """A rotation and a translation, and nothing else."""
    turn = matrix[:3, :3]
    off = np.abs(turn.T @ turn - np.eye(3)).max()
    return bool(off < _RIGID and np.linalg.det(turn) > 0 and _is_affine(matrix))


def nearest_rigid(matrix: Matrix) -> Matrix:
    """The rigid matrix nearest to one that was written with few digits."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    rigid = matrix.copy()
    rigid[:3, :3], rigid[3] = left @ right, [0.0, 0.0, 0.0, 1.0]
    return rigid


def _is_affine(matrix: Matrix) -> bool:
    return bool(np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-6))


def path_to_world(
    steps: Iterable[Step], world: str | None = None, start: str = IMAGE
) -> list[str] | None:
    """The shortest way from the image to the world, over transforms or their inverses.

    Args:
        steps: that there are, by from and to.
        world: name of the frame that is the world; the first of those usual if None.
        start: name of the frame to begin with.

    Returns:
        Names of the frames on the way, or None if there is no way.
    """
    neighbours: dict[str, list[str]] = {}
    for a, b in sorted(steps):
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    came: dict[str, str] = {start: start}
    queue = [start]
    for name in queue:  # grows as it is walked
        for other in neighbours.get(name, []):
            if other not in came:
                came[other] = name
                queue.append(other)
    goal = next((w for w in ([world] if world else _WORLDS) if w in came and w != start), None)
    if goal is None:
        return None
    way = [goal]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]


def chain(way: Sequence[str], transforms: Mapping[Step, Matrix | None]) -> Matrix:
    """The product of the transforms along a way of names, from the first to the last.

    Raises:
        PlacingError: a transform is missing, not vouched for, or not rigid though no image's.
    """
    matrix = np.eye(4)
    for a, b in itertools.pairwise(way):
        matrix = _step(a, b, transforms) @ matrix
    return matrix


def _step(a: str, b: str, transforms: Mapping[Step, Matrix | None]) -> Matrix:
    forward = (a, b) in transforms
    step = transforms.get((a, b) if forward else (b, a))
    if step is None:
        raise PlacingError("tracking invalid")
    if IMAGE in (a, b):
        if not _is_affine(step) or not abs(np.linalg.det(step)) > 1e-12:
            raise PlacingError("image transform is not invertible")
    elif not is_rigid(step):
        raise PlacingError("transform not rigid")
    return step if forward else np.asarray(np.linalg.inv(step), np.float64)


def place(image_to_world: Matrix, rows: int, columns: int, shear: float = SHEAR) -> Placed:
    """Pose, spacing and origin of an image.

    The probe frame gets its origin in the middle of the image's first row, x along the rows of
    pixels and z down them. Axes that are not at a right angle are both turned by half of what is
    missing, about the middle of the image.

    Args:
        image_to_world: `(4, 4)`, from (column, row, 0, 1) to mm.
        rows: of the image [pixels].
        columns: of the image [pixels].
        shear: largest deviation of the axes from a right angle [rad].

    Raises:
        PlacingError: pixels of no sensible size, or axes too far from a right angle.
    """
    edges = image_to_world[:3, :2]
    across, down = np.linalg.norm(edges, axis=0).tolist()
    if min(across, down) < _SMALLEST_PIXEL or max(across, down) > _LARGEST_PIXEL:
        raise PlacingError("pixels of no sensible size")
    unit = edges / [across, down]
    off = math.asin(max(-1.0, min(1.0, float(unit[:, 0] @ unit[:, 1]))))
    if abs(off) > shear:
        raise PlacingError("image axes not at a right angle")
    left, _, right = np.linalg.svd(unit, full_matrices=False)
    x, z = (left @ right).T
    middle = image_to_world @ [(columns - 1) / 2.0, (rows - 1) / 2.0, 0.0, 1.0]
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = x, np.cross(z, x), z
    pose[:3, 3] = middle[:3] - z * down * (rows - 1) / 2.0
    return Placed(pose, (down, across), (-across * (columns - 1) / 2.0, 0.0), abs(off))


def turned_to_marked_far(image: NDArray, code: str) -> NDArray:
    """An image turned so that columns run to the marked side and rows away from the probe.

    Args:
        image: `(rows, columns)`, or with channels last.
        code: what columns and rows of the file run to: M or U for the marked side and the other,
            F or N for far and near; a third letter, of volumes, is ignored.

    Raises:
        InputError: an unknown code.
    """
    letters = code.strip().upper()[:2]
    if letters[:1] in ("F", "N"):  # scanlines as rows
        image, letters = np.swapaxes(image, 0, 1), letters[::-1]
    if len(letters) != 2 or letters[0] not in "MU" or letters[1] not in "FN":
        known = [x + y for x in "MU" for y in "FN"]
        raise InputError(f"UltrasoundImageOrientation '{code[:20]}'; {closest(code[:20], known)}")
    image = image[:, ::-1] if letters[0] == "U" else image
    return image[::-1] if letters[1] == "N" else image


def read_configuration(path: Path) -> Configuration:
    """Transforms, and the part of the image in use, from the XML of PLUS.

    Raises:
        InputError: it cannot be read, is not such a file, or a transform in it is none.
    """
    try:
        if path.stat().st_size > _LARGEST_XML:
            raise InputError(f"{path}: expected a configuration of PLUS, but it is too large")
        text = path.read_bytes().decode("utf-8", "replace")  # the one encoding, whatever it says
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if "<!" in text.replace("<!--", ""):  # no entities, which can grow without end
        raise InputError(f"{path}: expected plain XML without DOCTYPE, ENTITY or CDATA")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path}: not XML ({error})") from error
    transforms: dict[Step, Matrix] = {}
    for element in root.iterfind(".//CoordinateDefinitions/Transform"):
        a, b = element.get("From", ""), element.get("To", "")
        matrix = _matrix(element.get("Matrix", ""))
        if not (a and b) or matrix is None or not _is_affine(matrix):
            raise InputError(f"{path}: transform {a}To{b}: expected From, To and 16 numbers")
        transforms[a, b] = matrix
    if not transforms:
        raise InputError(f"{path}: expected CoordinateDefinitions with a Transform")
    return Configuration(transforms, _area(root))


def _area(root: ElementTree.Element) -> Box | None:
    """The clip rectangle; None if there is none or it begins at the image's corner."""
    element = root.find(".//VolumeReconstruction[@ClipRectangleOrigin][@ClipRectangleSize]")
    if element is None:
        return None
    words = f"{element.get('ClipRectangleOrigin')} {element.get('ClipRectangleSize')}".split()
    if len(words) != 4 or not all(w.isascii() and w.isdigit() and len(w) < 6 for w in words):
        return None
    left, top, width, height = map(int, words)
    if not (width and height) or (left == 0 and top == 0):
        return None
    return Box(left, top, left + width, top + height)


def write_configuration(
    path: Path, image_to_probe: Matrix, error: float, probe: str = "Probe"
) -> None:
    """Write ImageToProbe so that PLUS and `--calibration` can read it.

    Args:
        path: of the file.
        image_to_probe: `(4, 4)`, from pixels to mm.
        error: of the calibration [mm].
        probe: name of the tracked probe.

    Raises:
        InputError: it cannot be written, or the name is none.
    """
    if not re.fullmatch(r"[A-Z]\w*", probe):
        raise InputError(f"probe: expected a name such as Probe, got '{probe[:40]}'")
    from insonate.data.files import replacing

    numbers = "\n        ".join(" ".join(f"{v + 0.0:.9g}" for v in row) for row in image_to_probe)
    with replacing(path) as part:
        part.write_text(
            '<PlusConfiguration version="2.3">\n  <CoordinateDefinitions>\n'
            f'    <Transform From="Image" To="{probe}" Error="{error:.6g}" Matrix="\n'
            f'        {numbers}" />\n  </CoordinateDefinitions>\n</PlusConfiguration>\n',
            encoding="ascii",
        )
