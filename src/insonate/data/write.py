"""Frames to files in one go: the formats by name, fed frame by frame as they are rendered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Sized
from pathlib import Path
from typing import Protocol

from insonate.data.dicom import DicomFile
from insonate.data.figure import write_figure
from insonate.data.files import make_folder
from insonate.data.mha import MhaSequence
from insonate.data.nifti import NiftiLabels
from insonate.data.png import write_png
from insonate.data.record import TRANSLATED, Record
from insonate.errors import InputError, closest
from insonate.sim.frame import Frame

__all__ = ["FORMATS", "write_frames"]

FORMATS = ("png", "figure", "mha", "nifti", "dicom")


class Writer(Protocol):
    """What takes frames one at a time and leaves whole files."""

    def add(self, frame: Frame) -> None:
        """Take a frame."""
        ...

    def save(self) -> list[Path]:
        """Finish; returns the files."""
        ...


class _Images:
    """PNG images or figures: one a frame, numbered in a sweep."""

    def __init__(self, folder: Path, kind: str, sweep: bool):
        self.folder, self.kind, self.sweep = folder, kind, sweep
        self._count = 0
        self._paths: list[Path] = []

    def add(self, frame: Frame) -> None:
        """Write the images of a frame."""
        index = self._count if self.sweep else None
        self._count += 1
        if self.kind == "png":
            paths = write_png(frame, self.folder, index)
        else:
            name = "figure.png" if index is None else f"figure/{index:04d}.png"
            paths = write_figure(frame, self.folder / name)
        self._paths = [path.parent for path in paths] if self.sweep else paths

    def save(self) -> list[Path]:
        """The files, or the folders that hold those of a sweep; all are written already."""
        return self._paths


def write_frames(
    frames: Iterable[Frame],
    folder: str | os.PathLike[str],
    formats: Sequence[str] = ("png", "figure"),
    rate: float = 20.0,
    sweep: bool | None = None,
    notes: Mapping[str, object] | None = None,
    looks: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write frames as they come, in every one of `formats`, with a record of their poses.

    Args:
        frames: one or a sweep; of a generator, one frame is held at a time.
        folder: made if need be.
        formats: of `FORMATS`.
        rate: frames per second, for the time stamps of sequences [Hz].
        sweep: number the images; None does so for a generator or more than one frame.
        notes: kept in the record beside what frames know, such as the scene's name.
        looks: of every frame by name, and by what network; kept in the record too.

    Returns:
        The files, or the folders of a sweep's single images.

    Raises:
        InputError: unknown format, a library that it needs is missing, frames of different
            size, or something cannot be written. No half-written file stays behind.
    """
    if sweep is None:
        sweep = len(frames) > 1 if isinstance(frames, Sized) else True
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"unknown format '{name}'; {closest(name, FORMATS)}")
    folder = make_folder(folder)
    looks = looks or {}
    said = {"looks": {look: f"{TRANSLATED}: {words}" for look, words in looks.items()}}
    record = {**(notes or {}), **(said if looks else {})}
    writers: list[Writer] = [Record(folder / "frames.json", record)]
    for name in dict.fromkeys(formats):
        writers += _open(name, folder, rate, sweep)
        for look in looks:
            writers += _open_look(name, folder, rate, look)
    for frame in frames:
        for writer in writers:
            writer.add(frame)
    return [path for writer in writers for path in writer.save()]


def _open(name: str, folder: Path, rate: float, sweep: bool) -> list[Writer]:
    """Writers that make the files of one format."""
    if name == "mha":
        return [
            MhaSequence(folder / "bmode.igs.mha", "bmode", rate),
            MhaSequence(folder / "labels.igs.mha", "labels", rate),
        ]
    if name == "nifti":
        return [NiftiLabels(folder)]
    if name == "dicom":
        return [DicomFile(folder / "bmode.dcm", rate)]
    return [_Images(folder, name, sweep)]


def _open_look(name: str, folder: Path, rate: float, look: str) -> list[Writer]:
    """The same of a look; pictures show it beside their frame by themselves."""
    if name == "mha":
        return [MhaSequence(folder / f"bmode_{look}.igs.mha", "bmode", rate, look)]
    if name == "dicom":
        return [DicomFile(folder / f"bmode_{look}.dcm", rate, look)]
    return []
