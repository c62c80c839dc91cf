"""Tracked sequences: files of PLUS and SlicerIGT, and folders of images with a file of poses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.labels import label_names, label_slices, largest_label
from insonate.data.importers.metaimage import read_metaimage
from insonate.data.importers.nrrd import read_nrrd
from insonate.data.importers.open import Options
from insonate.data.importers.plus import (
    IMAGE,
    Configuration,
    Matrix,
    Placed,
    PlacingError,
    Step,
    chain,
    frame_transforms,
    nearest_rigid,
    path_to_world,
    place,
    read_configuration,
    turned_to_marked_far,
)
from insonate.data.importers.source import Imported, Item, Skipped, inside
from insonate.data.importers.stack import Stack
from insonate.errors import InputError

__all__ = ["TrackedSequences", "holds_sequences", "patient_of", "read_stack", "sequence_poses"]

_SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
_MANY = 10_000  # files of a folder
_SHEAR_TOLD = math.radians(0.5)
_UPRIGHT = 1e-6


def read_stack(path: Path) -> Stack:
    """The header of a MetaImage or a NRRD file.

    Raises:
        InputError: it cannot be read.
    """
    return (read_nrrd if path.suffix.lower() in (".nrrd", ".nhdr") else read_metaimage)(path)


def holds_sequences(path: Path) -> bool:
    """True for a tracked sequence, or a folder with one."""
    if path.is_dir():
        root = path.resolve()
        return any(inside(file, root) and _is_sequence(file) for file in _sequence_files(path))
    return _is_sequence(path)


def _is_sequence(path: Path) -> bool:
    name = path.name.lower()
    if not name.endswith(_SUFFIXES):
        return False
    if Path(name).stem.endswith(".igs"):
        return True
    try:
        stack = read_stack(path)
    except InputError:
        return False
    return bool(stack.frames) or "UltrasoundImageOrientation" in stack.fields


def _sequence_files(folder: Path) -> list[Path]:
    files = sorted(f for f in folder.iterdir() if f.name.lower().endswith(_SUFFIXES))
    if len(files) > _MANY:
        raise InputError(f"{folder}: {len(files)} sequences, expected at most {_MANY}")
    return files


def patient_of(name: str, pattern: str | None) -> str:
    """Whom a file shows, by a regular expression for its name; empty if it does not say.

    Raises:
        InputError: it is no regular expression.
    """
    try:
        match = re.search(pattern, name) if pattern else None
    except re.error as error:
        raise InputError(f"patient: '{pattern}' is no regular expression ({error})") from error
    return "" if match is None else (match[1] if match.re.groups else match[0]) or ""


class TrackedSequences:
    """A file of tracked frames, or a folder of such files.

    Args:
        path: of the file or the folder.
        options: mask (labels of the same sequence), calibration, patient, limits.

    Raises:
        InputError: a file given by itself cannot be read, or the calibration.
    """

    kind = "tracked sequence"
    ultrasound = True
    private = False

    def __init__(self, path: Path, options: Options):
        self._options, self.provenance = options, path.name
        self._files = _sequence_files(path) if path.is_dir() else [path]
        self._alone, self._root = not path.is_dir(), path.resolve()
        if options.mask and len(self._files) > 1:
            raise InputError(f"{path}: a mask of labels needs a single sequence")
        patient_of("", options.patient)  # a wrong pattern is no fault of the files
        self._configuration = _configuration(options.calibration)
        self._labels = read_stack(options.mask) if options.mask else None
        self.regions = self._names()
        self._notes: dict[str, None] = {}
        self._count = sum(self._frames_at_most(file) for file in self._files)
        if not self._count:
            raise InputError(f"{path}: no sequence that can be read")

    @property
    def notes(self) -> tuple[str, ...]:
        """What is known of the files, a line each."""
        return tuple(self._notes)

    def __len__(self) -> int:
        """Frames that the files can hold."""
        return self._count

    def __iter__(self) -> Iterator[Item]:
        """Frames in the order of their files; what has no valid tracking is skipped."""
        for file in self._files:
            if not inside(file, self._root):
                yield Skipped(file.name, "link out of the folder")
                continue
            try:
                yield from self._of(file)
            except InputError as error:
                if self._alone:
                    raise
                self._notes[str(error)] = None
                yield Skipped(file.name, "sequence cannot be read")

    def _names(self) -> tuple[str, ...]:
        if self._labels is None:
            return ()
        largest = largest_label(self._labels, self._options.pixels, self._options.frames)
        return label_names(self._labels.path, largest, self._options.regions)

    def _frames_at_most(self, file: Path) -> int:
        if not inside(file, self._root):
            return 0
        try:
            return _checked(read_stack(file), self._options)
        except InputError:
            if self._alone:
                raise
            return 0

    def _of(self, file: Path) -> Iterator[Item]:
        stack = read_stack(file)
        _checked(stack, self._options)
        tracking = _Tracking.of(stack, self._configuration)
        if tracking is None:
            self._notes[_unplaced(stack)] = None
        labels = None if self._labels is None else label_slices(self._labels, stack)
        found = 0
        for found, pixels in enumerate(stack, start=1):
            mask = None if labels is None else next(labels, None)
            item = self._frame(stack, tracking, found - 1, pixels)
            if isinstance(item, Imported) and labels is not None:
                item = _labelled(item, mask, stack)
            yield item
        if found < stack.slices:
            yield Skipped(file.name, "the file ends early", stack.slices - found)

    def _frame(self, stack: Stack, tracking: _Tracking | None, k: int, pixels: NDArray) -> Item:
        fields = stack.frames.get(k, {})
        where = f"{stack.path.name} frame {k}"
        if fields.get("ImageStatus", "OK").strip().upper() != "OK":
            return Skipped(where, "image invalid")
        image = turned_to_marked_far(_gray(pixels), _orientation(stack))
        said = {"file": stack.path.name, "frame": k} | _time(fields)
        frame = Imported(
            np.ascontiguousarray(image),
            area=None if self._configuration is None else self._configuration.area,
            patient=patient_of(stack.path.name, self._options.patient),
            sequence=stack.path.name,
            metadata=said,
        )
        if tracking is None:
            return frame
        try:
            placed = tracking.place(fields, *image.shape)
        except PlacingError as error:
            return Skipped(where, str(error))
        if placed.shear > _SHEAR_TOLD:
            self._notes[
                f"{stack.path.name}: the image's axes are {math.degrees(placed.shear):.1f} degrees "
                "from a right angle; poses are the nearest that are rigid"
            ] = None
        return replace(frame, pose=placed.pose, spacing=placed.spacing, origin=placed.origin)


@dataclass(frozen=True)
class _Tracking:
    """How the frames of a file get from their pixels to the world.

    Attributes:
        way: names from the image to the world.
        probe_way: names from the probe to the same world without the image, if there is one.
        still: transforms that hold for all frames.
        replaced: that the file's own transforms of the image do not count.
    """

    way: list[str]
    probe_way: list[str] | None
    still: Mapping[Step, Matrix]
    replaced: bool

    @classmethod
    def of(cls, stack: Stack, configuration: Configuration | None) -> _Tracking | None:
        """From the names of all frames' transforms; None if no way leads from the image."""
        still = {} if configuration is None else dict(configuration.transforms)
        replaced = any(IMAGE in step for step in still)
        steps = set(still)
        for fields in stack.frames.values():
            found = frame_transforms(fields)
            steps |= {s for s in found if not (replaced and IMAGE in s)}
        way = path_to_world(steps)
        if way is None:
            return None
        others = [step for step in steps if IMAGE not in step]
        return cls(way, path_to_world(others, way[-1], "Probe"), still, replaced)

    def place(self, fields: Mapping[str, str], rows: int, columns: int) -> Placed:
        """Where a frame is.

        Raises:
            PlacingError: that is not known.
        """
        own = frame_transforms(fields)
        own = {s: m for s, m in own.items() if not (self.replaced and IMAGE in s)}
        transforms = {**own, **self.still}
        placed = place(chain(self.way, transforms), rows, columns)
        upright = _upright(transforms.get((IMAGE, "Probe")))
        if upright is None or self.probe_way is None:
            return placed
        return replace(upright, pose=nearest_rigid(chain(self.probe_way, transforms)))


def _upright(image_to_probe: Matrix | None) -> Placed | None:
    """Spacing and origin in a probe frame that is as ours: x along rows of pixels, z down them."""
    if image_to_probe is None:
        return None
    edges = image_to_probe[:3, :2]
    across, down = edges[0, 0], edges[2, 1]
    wanted = np.array([[across, 0.0], [0.0, 0.0], [0.0, down]])
    level = abs(image_to_probe[1, 3]) < _UPRIGHT
    if not (min(across, down) > 0 and level and np.abs(edges - wanted).max() < _UPRIGHT):
        return None
    origin = (float(image_to_probe[0, 3]), float(image_to_probe[2, 3]))
    return Placed(np.eye(4), (float(down), float(across)), origin, 0.0)


def sequence_poses(path: Path, moving: str = "Probe") -> list[Matrix | None]:
    """Poses of a frame of a sequence's file, such as that of the tracked probe.

    Args:
        path: of the sequence.
        moving: name of the frame.

    Returns:
        One for every frame, to the reference or else the tracker [mm]; None where tracking is
        not valid.

    Raises:
        InputError: the file cannot be read, or says nothing of such a frame.
    """
    stack = read_stack(path)
    _checked(stack, Options())
    steps = {step for fields in stack.frames.values() for step in frame_transforms(fields)}
    way = path_to_world([step for step in steps if IMAGE not in step], start=moving)
    if way is None:
        raise InputError(f"{path}: no transforms from {moving} to a reference or a tracker")
    poses: list[Matrix | None] = []
    for k in range(stack.slices):
        try:
            poses.append(chain(way, frame_transforms(stack.frames.get(k, {}))))
        except PlacingError:
            poses.append(None)
    return poses


def _configuration(path: Path | None) -> Configuration | None:
    """The calibration, if one is given; one that could place no image is refused at once."""
    if path is None:
        return None
    configuration = read_configuration(path)
    for step, matrix in configuration.transforms.items():
        if step[0] == IMAGE:
            try:
                place(matrix, 2, 2)
            except PlacingError as error:
                raise InputError(f"{path}: ImageTo{step[1]}: {error}") from error
    return configuration


def _checked(stack: Stack, options: Options) -> int:
    """How many frames can be there, once the pixels are found to be of a kind that is read."""
    if stack.dtype.itemsize != 1 or stack.dtype.kind != "u":
        raise InputError(f"{stack.path}: expected 8 bits a pixel, got {stack.dtype.name}")
    kind = stack.fields.get("UltrasoundImageType", "BRIGHTNESS").strip().upper()
    if kind not in ("BRIGHTNESS", "RGB_COLOR"):
        raise InputError(f"{stack.path}: UltrasoundImageType: expected BRIGHTNESS, got {kind[:40]}")
    turned_to_marked_far(np.zeros((1, 1)), _orientation(stack))
    return stack.at_most(options.pixels, options.frames)


def _orientation(stack: Stack) -> str:
    return stack.fields.get("UltrasoundImageOrientation", "MF")


def _gray(pixels: NDArray) -> NDArray[np.uint8]:
    """Luminance of colours."""
    if pixels.ndim == 2:
        return pixels
    return np.round(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def _labelled(frame: Imported, labels: NDArray | None, stack: Stack) -> Item:
    if labels is None:
        return Skipped(f"{stack.path.name} frame {frame.metadata['frame']}", "no labels")
    turned = turned_to_marked_far(labels, _orientation(stack))
    return replace(frame, labels=np.ascontiguousarray(turned))


def _time(fields: Mapping[str, str]) -> dict[str, float]:
    try:
        time = float(fields["Timestamp"])
    except (KeyError, ValueError):
        return {}
    return {"time": time} if math.isfinite(time) else {}


def _unplaced(stack: Stack) -> str:
    steps = {step for fields in stack.frames.values() for step in frame_transforms(fields)}
    if not steps:
        return f"{stack.path.name}: no transforms; frames have no pose"
    names = ", ".join(sorted(f"{a}To{b}" for a, b in steps))
    return (
        f"{stack.path.name}: only {names}; frames have no pose, for one ImageToProbe is needed "
        "(--calibration)"
    )
