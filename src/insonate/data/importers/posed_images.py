"""A folder of images and a file with the probe's pose for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.open import Options
from insonate.data.importers.picture import ENDINGS, Gray, read_pictures
from insonate.data.importers.plus import (
    IMAGE,
    Matrix,
    PlacingError,
    is_rigid,
    nearest_rigid,
    path_to_world,
    place,
    read_configuration,
)
from insonate.data.importers.source import Imported, Item, Skipped, inside
from insonate.data.importers.tracked import patient_of
from insonate.errors import InputError

__all__ = ["PosedImages", "holds_posed_images"]

_POSES = ("poses.npy", "poses.csv", "poses.txt", "poses.json")


def holds_posed_images(path: Path) -> bool:
    """True for a folder with `poses.npy`, `.csv`, `.txt` or `.json`, and images."""
    return path.is_dir() and _pose_file(path) is not None and bool(_image_files(path))


def _pose_file(folder: Path) -> Path | None:
    return next((folder / name for name in _POSES if (folder / name).is_file()), None)


def _image_files(folder: Path) -> list[Path]:
    """Images of the folder or of its folder `images`, in the order of their numbers."""
    inside = folder / "images"
    files = (inside if inside.is_dir() else folder).iterdir()
    found = [f for f in files if f.suffix.lower() in ENDINGS and f.is_file()]
    return sorted(found, key=lambda f: (len(f.stem), f.stem) if f.stem.isdigit() else (0, f.stem))


class PosedImages:
    """Images whose poses stand in a file of their own.

    An image named by a number, such as `17.png`, has that pose, counted from 0; other images
    have theirs in the order of their names. Without a calibration a pose is that of our probe
    frame (x along rows of pixels, z down them) and the size of pixels is not known; with one,
    poses are those of the tracked probe for which the XML gives ImageToProbe.

    Args:
        path: of the folder.
        options: calibration, patient, limits.

    Raises:
        InputError: the file of poses cannot be read or does not fit the images.
    """

    kind = "images with poses"
    regions: tuple[str, ...] = ()
    ultrasound = True
    private = False

    def __init__(self, path: Path, options: Options):
        self._options, self._folder, self.provenance = options, path, path.name
        self._files = _image_files(path)
        pose_file = _pose_file(path)
        if pose_file is None or not self._files:
            raise InputError(f"{path}: expected images and one of {', '.join(_POSES)}")
        if options.mask is not None:
            raise InputError(f"--mask {options.mask}: images with poses take no masks")
        if len(self._files) > options.frames:
            raise InputError(
                f"{path}: {len(self._files)} images, expected at most {options.frames}"
            )
        self._root = path.resolve()
        if not inside(pose_file, self._root):
            raise InputError(f"{pose_file}: expected a file of the folder, got a link out of it")
        self._poses = _read_poses(pose_file)
        self._numbers = _numbers(path, self._files, len(self._poses))
        self._image_to_probe = _image_to_probe(options.calibration)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not known."""
        if self._image_to_probe is not None:
            return ()
        return (
            f"{self._folder.name}: poses are taken as those of the probe's face, and pixels have "
            "no size; an ImageToProbe (--calibration) gives both",
        )

    def __len__(self) -> int:
        """How many images there are."""
        return len(self._files)

    def __iter__(self) -> Iterator[Item]:
        """Images in the order of their numbers; what has no valid pose is skipped."""
        for file, number in zip(self._files, self._numbers, strict=True):
            if not inside(file, self._root):
                yield Skipped(file.name, "link out of the folder")
                continue
            found = next(read_pictures(file, self._options.pixels, 1), "no picture")
            if isinstance(found, Gray):
                yield self._frame(file, number, found.image)
            else:
                yield Skipped(file.name, str(found))

    def _frame(self, file: Path, number: int, image: NDArray[np.uint8]) -> Item:
        pose = self._poses[number]
        if not np.isfinite(pose).all():
            return Skipped(file.name, "tracking invalid")
        if not is_rigid(pose):
            return Skipped(file.name, "transform not rigid")
        patient = patient_of(self._folder.name, self._options.patient)
        said = {"file": file.name, "frame": number}
        sequence = self._folder.name
        if self._image_to_probe is None:
            pose = nearest_rigid(pose)
            return Imported(image, pose=pose, patient=patient, sequence=sequence, metadata=said)
        try:
            placed = place(pose @ self._image_to_probe, *image.shape)
        except PlacingError as error:
            return Skipped(file.name, str(error))
        return Imported(
            image, pose=placed.pose, spacing=placed.spacing, origin=placed.origin,
            patient=patient, sequence=sequence, metadata=said,
        )  # fmt: skip


def _read_poses(path: Path) -> NDArray[np.float64]:
    """Matrices `(poses, 4, 4)`; single ones may be anything."""
    if path.suffix != ".npy":
        from insonate.geometry.pose_file import read_poses

        return np.stack(read_poses(path))
    try:
        # mapped, so that a header that promises too much is refused before it is believed
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, OverflowError) as error:
        raise InputError(f"{path}: not a NumPy array of numbers") from error
    if array.dtype.kind not in "fiu" or array.ndim != 3 or array.shape[1:] != (4, 4):
        raise InputError(f"{path}: expected numbers (poses, 4, 4), got {array.dtype} {array.shape}")
    return np.array(array, np.float64)


def _numbers(folder: Path, files: list[Path], poses: int) -> list[int]:
    """Number of every image's pose."""
    if all(f.stem.isascii() and f.stem.isdigit() and len(f.stem) < 10 for f in files):
        numbers = [int(f.stem) for f in files]
        if max(numbers) < poses:
            return numbers
    if len(files) == poses:
        return list(range(poses))
    raise InputError(f"{folder}: {len(files)} images and {poses} poses; expected a pose for each")


def _image_to_probe(calibration: Path | None) -> Matrix | None:
    if calibration is None:
        return None
    transforms = read_configuration(calibration).transforms
    if path_to_world(transforms, "Probe") != [IMAGE, "Probe"] or (IMAGE, "Probe") not in transforms:
        raise InputError(f"{calibration}: expected a transform From Image To Probe")
    return transforms[IMAGE, "Probe"]
