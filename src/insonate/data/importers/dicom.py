"""Ultrasound in DICOM: images and loops, without whom they show."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from insonate.data.importers.deidentify import Pseudonyms, kept
from insonate.data.importers.dicom_pixels import frame_count, gray_frames, read_dataset, size
from insonate.data.importers.dicom_values import silent, text, value
from insonate.data.importers.open import Options
from insonate.data.importers.picture import ENDINGS, Gray, PictureError
from insonate.data.importers.source import Imported, Item, Skipped, inside
from insonate.data.importers.us_regions import Region, tissue_regions
from insonate.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["DicomFiles", "holds_dicom", "is_dicom"]


def is_dicom(path: Path) -> bool:
    """True for a file that says it is DICOM."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def holds_dicom(path: Path) -> bool:
    """True for a DICOM file, and for a folder with one in it."""
    if path.is_file():
        return is_dicom(path)
    return any(is_dicom(file) for file in _files(path))


class DicomFiles:
    """Ultrasound images of DICOM files, single and multi-frame.

    A file with several regions of tissue, such as a screen with two images side by side, gives
    a frame for each. Everything about the patient is left behind (`deidentify`).

    Args:
        path: file, or folder.
        options: limits of size.
        names: in place of those of patients; random if not given.

    Raises:
        InputError: there are no DICOM files.
    """

    kind, ultrasound, private = "ultrasound DICOM", True, True
    regions: tuple[str, ...] = ()
    provenance = "ultrasound DICOM, without identity"  # a folder may be named after a patient

    def __init__(self, path: Path, options: Options, names: Pseudonyms | None = None):
        self.options = options
        self._root = path.resolve()
        self._files = [path] if path.is_file() else sorted(_files(path))
        if not self._files:
            raise InputError(f"{path}: no DICOM files in it")
        self._names = names or Pseudonyms()
        self._seen: Counter[str] = Counter()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left behind, and what was made gray."""
        notes = [
            "patients, dates and identifiers are replaced by random ones, all other tags dropped "
            "but those of the machine; the pixels are not searched for writing"
        ]
        if self._seen["colour"]:
            notes.append(
                f"{self._seen['colour']} frames have colour (Doppler or writing); made gray"
            )
        if self._seen["misfit"]:
            notes.append(
                f"{self._seen['misfit']} files describe regions larger than their images, which "
                "were made smaller: their pixel size is not known"
            )
        return tuple(notes)

    def __len__(self) -> int:
        """How many files there are, at least as many frames."""
        return len(self._files)

    def __iter__(self) -> Iterator[Item]:
        """Frames, file by file."""
        self._seen.clear()
        for number, file in enumerate(self._files):
            try:
                yield from self._file(file, number)
            except PictureError as error:
                yield Skipped(file.name, str(error))

    def _file(self, file: Path, number: int) -> Iterator[Item]:
        if not inside(file, self._root):
            raise PictureError("link out of the folder")
        header = read_dataset(file, pixels=False)
        if text(header, "Modality") != "US":
            raise PictureError("not ultrasound")
        dataset = read_dataset(file, pixels=True)
        rows, columns = size(dataset)
        regions = _regions(dataset, rows, columns)
        if not regions and value(dataset, "SequenceOfUltrasoundRegions"):
            self._seen["misfit"] += 1
        said = self._said(dataset, number)
        for region in range(max(len(regions), 1)):
            where = regions[region] if regions else None
            yield from self._frames(file, dataset, said, region, where)

    def _frames(
        self, file: Path, dataset: Dataset, said: dict, region: int, where: Region | None
    ) -> Iterator[Item]:
        patient = self._names.patient(dataset)
        sequence = f"{said['instance']}/{region}"
        limits = file.stat().st_size, self.options.pixels, self.options.frames
        for number, frame in enumerate(gray_frames(dataset, *limits)):
            if isinstance(frame, PictureError):
                yield Skipped(f"{file.name}, frame {number}", str(frame))
                continue
            self._seen["colour"] += "colour" in frame.notes
            yield _imported(frame, said | {"frame": number}, patient, sequence, where)

    def _said(self, dataset: Dataset, number: int) -> dict:
        """What is kept, with the identifiers and the date that replace the true ones."""
        names = self._names
        said = kept(dataset) | {
            "file": f"dicom {number}",
            "study": names.uid(dataset, "StudyInstanceUID"),
            "series": names.uid(dataset, "SeriesInstanceUID"),
            "instance": names.uid(dataset, "SOPInstanceUID") or f"file {number}",
            "date": names.date(dataset, names.patient(dataset)),
        }
        try:
            said["frames"] = frame_count(dataset)
        except PictureError:
            said["frames"] = 0
        return {key: value for key, value in said.items() if value not in ("", None)}


def _imported(
    frame: Gray, said: dict, patient: str, sequence: str, region: Region | None
) -> Imported:
    return Imported(
        image=frame.image,
        spacing=region.spacing if region else None,
        origin=region.origin if region else None,
        area=region.box if region else None,
        patient=patient,
        sequence=sequence,
        metadata=said | frame.notes,
    )


def _regions(dataset: Dataset, rows: int, columns: int) -> list[Region]:
    try:
        with silent():
            return tissue_regions(dataset, rows, columns)
    except Exception as error:  # a sequence that breaks DICOM's rules
        raise PictureError("broken DICOM") from error


def _files(folder: Path) -> Iterator[Path]:
    """Files that may be DICOM; folders that are links are not entered."""
    for at, _, names in os.walk(folder, followlinks=False):
        for name in names:
            if not name.startswith(".") and not name.lower().endswith(ENDINGS):
                file = Path(at) / name
                if file.is_file() and (is_dicom(file) or name.lower().endswith(".dcm")):
                    yield file
