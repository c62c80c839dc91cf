"""What a path is, and the source that reads it: the one list of kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from insonate.data.importers.source import Source
from insonate.errors import InputError

__all__ = ["Options", "open_source"]


@dataclass(frozen=True)
class Options:
    """What a user may say of a source; each kind takes what concerns it.

    Attributes:
        mask: folder of masks, or a volume of labels.
        index: table of images (CSV).
        calibration: XML with ImageToProbe.
        axis: that slices of a volume are counted along: sagittal, coronal or axial; as they were
            acquired if None.
        patient: regular expression that finds whom a file shows in its name; of its groups the
            first counts, if it has any.
        regions: names of what masks show, by label, the background first.
        mask_black: leave out what a screen made black, such as boxes that hide writing, and the
            scales and bars that it draws.
        anonymous: drop names of files, and columns of tables but pixel size and plane; number
            patients and sequences.
        pixels: largest image [pixels].
        frames: most frames of one file.
    """

    mask: Path | None = None
    index: Path | None = None
    calibration: Path | None = None
    axis: str | None = None
    patient: str | None = None
    regions: tuple[str, ...] = ()
    mask_black: bool = False
    anonymous: bool = False
    pixels: int = 64_000_000
    frames: int = 100_000


Opener = Callable[[Path, Options], Source]


def open_source(path: str | os.PathLike[str], options: Options | None = None) -> Source:
    """The source for a file or a folder, by what it is.

    Raises:
        InputError: there is nothing, or nothing that can be imported.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    options = options or Options()
    for kind, is_it, opener, takes in _KINDS:
        if is_it(path):
            _refuse(kind, options, takes)
            return opener(path, options)
    raise InputError(f"{path}: {_EXPECTED}")


def _refuse(kind: str, options: Options, takes: str) -> None:
    """See that nothing is said that would be ignored."""
    for name in _OPTIONS.split():
        if getattr(options, name) and name not in takes.split():
            taken = " ".join(f"--{each.replace('_', '-')}" for each in takes.split())
            flag = name.replace("_", "-")
            raise InputError(f"--{flag}: not for {kind}" + (f"; expected {taken}" * bool(taken)))


#: What only some kinds of sources take.
_OPTIONS = "mask index calibration axis patient regions mask_black anonymous"
_EXPECTED = (
    "not something to import; expected a folder of PNG, JPEG or TIFF images, DICOM, a tracked "
    "sequence (.mha, .nrrd, .mhd) or a volume (.nii, .nii.gz, .nrrd, .mha)"
)


def _is_images(path: Path) -> bool:
    from insonate.data.importers.images import holds_images

    return holds_images(path)


def _images(path: Path, options: Options) -> Source:
    from insonate.data.importers.images import ImageFolder

    return ImageFolder(path, options)


def _is_dicom(path: Path) -> bool:
    from insonate.data.importers.dicom import holds_dicom

    return holds_dicom(path)


def _dicom(path: Path, options: Options) -> Source:
    from insonate.data.importers.dicom import DicomFiles

    return DicomFiles(path, options)


def _is_tracked(path: Path) -> bool:
    from insonate.data.importers.tracked import holds_sequences

    return holds_sequences(path)


def _tracked(path: Path, options: Options) -> Source:
    from insonate.data.importers.tracked import TrackedSequences

    return TrackedSequences(path, options)


def _is_posed(path: Path) -> bool:
    from insonate.data.importers.posed_images import holds_posed_images

    return holds_posed_images(path)


def _posed(path: Path, options: Options) -> Source:
    from insonate.data.importers.posed_images import PosedImages

    return PosedImages(path, options)


def _is_volume(path: Path) -> bool:
    from insonate.data.importers.volumes import holds_volume

    return holds_volume(path)


def _volume(path: Path, options: Options) -> Source:
    from insonate.data.importers.volumes import VolumeSlices

    return VolumeSlices(path, options)


#: Names, tests, openers and what they take, tried in this order. A volume in DICOM, and tracked
#: sequences, belong before what they could be taken for. Images with poses say themselves that they
#: have no masks.
_KINDS: tuple[tuple[str, Callable[[Path], bool], Opener, str], ...] = (
    ("tracked sequences", _is_tracked, _tracked, "mask calibration patient regions"),
    ("images with poses", _is_posed, _posed, "mask calibration patient"),
    ("volumes", _is_volume, _volume, "mask axis patient regions"),
    ("ultrasound DICOM", _is_dicom, _dicom, "anonymous"),
    ("images", _is_images, _images, "mask index patient regions mask_black anonymous"),
)
