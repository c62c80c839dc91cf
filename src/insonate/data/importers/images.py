"""Folders of pictures, with masks and a table where there are some."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.index import Index, Row, read_index
from insonate.data.importers.open import Options
from insonate.data.importers.picture import ENDINGS, Gray, PictureError, read_labels, read_pictures
from insonate.data.importers.source import Imported, Item, Skipped, inside
from insonate.errors import InputError

__all__ = ["ImageFolder", "holds_images"]

#: What a mask may be called besides the name of its image.
MASK_ENDINGS = ("", "_mask", "_Annotation", "_annotation", "_seg", "_label", "_labels")


@dataclass(frozen=True)
class KnownSet:
    """A published data set that says less of itself than is known.

    Attributes:
        name: of it.
        column: of its table that tells it from others.
        region: that its masks show.
        patient: pattern that finds the patient in a file's name.
    """

    name: str
    column: str
    region: str
    patient: str


KNOWN = (KnownSet("HC18", "head circumference mm", "fetal_head", r"^(.+)_\d*HC$"),)


def holds_images(path: Path) -> bool:
    """True for a picture, and for a folder with one in it."""
    if path.is_file():
        return path.suffix.lower() in ENDINGS
    return any(True for _ in _pictures(path))


class ImageFolder:
    """Pictures of a folder, and of the folders in it, sorted by name.

    A folder with a folder `images` in it, perhaps beside `masks` and `index.csv`, is read as
    these. A picture whose name is that of another with `_mask` is its mask.

    Args:
        path: folder, or one picture.
        options: mask, index, patient, regions, and limits of size.

    Raises:
        InputError: no pictures, or a mask folder or a table that cannot be used.
    """

    kind, ultrasound, private = "images", True, False

    def __init__(self, path: Path, options: Options):
        self.options, self.provenance = options, path.name
        images, masks, table = _parts(path, options)
        self._images = images
        self._root = images.resolve()
        files = [images] if images.is_file() else sorted(_pictures(images))
        beside = {} if masks else _masks_beside(files)
        self._files = [file for file in files if file not in beside.values()]
        if not self._files:
            raise InputError(f"{path}: no PNG, JPEG or TIFF images in it")
        self._masks = _mask_files(masks) if masks else {}
        self._beside = beside
        self._index = read_index(table) if table else None
        self._known = _known(self._index)
        self._pattern = _pattern(options.patient or (self._known.patient if self._known else None))
        self._most = 1

    @property
    def regions(self) -> tuple[str, ...]:
        """Background and what masks show; none if there are no masks."""
        if not (self._masks or self._beside):
            return ()
        named = self.options.regions
        if not named:
            named = ("background", self._known.region if self._known else "foreground")
        more = range(len(named), self._most + 1)
        return (*named, *(f"region_{number}" for number in more))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for what."""
        notes = []
        if self._known:
            notes.append(f"taken for {self._known.name}: masks are '{self._known.region}'")
        if self._index is not None:
            rows = [self._index.row(self._name(file)) for file in self._files]
            named = len(rows) - rows.count(None)
            notes.append(
                f"{self._index.path.name}: says something of {named} of {len(rows)} images"
            )
        return tuple(notes)

    def __len__(self) -> int:
        """How many files there are."""
        return len(self._files)

    def __iter__(self) -> Iterator[Item]:
        """A frame a picture, or a page."""
        for file in self._files:
            yield from self._file(file)

    def _file(self, file: Path) -> Iterator[Item]:
        name = self._name(file)
        if not inside(file, self._root):
            yield Skipped(str(name), "link out of the folder")
            return
        pages = list(read_pictures(file, self.options.pixels, self.options.frames))
        for number, page in enumerate(pages):
            if isinstance(page, PictureError):
                yield Skipped(str(name), str(page))
                continue
            try:
                frame = self._frame(file, name, page)
            except PictureError as error:
                yield Skipped(str(name), str(error))
                continue
            if len(pages) > 1:
                said = {**frame.metadata, "page": number}
                frame = replace(frame, sequence=frame.sequence or str(name), metadata=said)
            yield frame

    def _frame(self, file: Path, name: PurePosixPath, page: Gray) -> Imported:
        row = (self._index.row(name) if self._index else None) or Row()
        rows, columns = page.image.shape
        return Imported(
            image=page.image,
            labels=self._labels(file, page.image.shape),
            spacing=row.spacing(rows, columns),
            patient=row.patient or self._patient(name),
            sequence=row.sequence,
            plane=row.plane,
            metadata={"file": str(name), **page.notes, **row.values},
        )

    def _labels(self, file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        mask = self._beside.get(file) or self._masks.get(file.stem)
        if mask is None:
            return None
        labels = read_labels(mask, self.options.pixels)
        if labels.shape != shape:
            raise PictureError("mask of another size than its image")
        self._most = max(self._most, int(labels.max()))
        return labels

    def _patient(self, name: PurePosixPath) -> str:
        if self._pattern is None:
            return ""
        found = self._pattern.search(str(name.with_suffix("")))
        if found is None:
            return ""
        return (found.group(1) if self._pattern.groups else found.group(0)) or ""

    def _name(self, file: Path) -> PurePosixPath:
        base = self._images.parent if self._images.is_file() else self._images
        return PurePosixPath(file.relative_to(base).as_posix())


def _parts(path: Path, options: Options) -> tuple[Path, Path | None, Path | None]:
    """Where images, masks and the table are."""
    masks, table = options.mask, options.index
    if masks is not None and not masks.is_dir():
        raise InputError(f"--mask {masks}: no such folder")
    if table is not None and not table.is_file():
        raise InputError(f"--index {table}: no such file")
    if path.is_file() or not (path / "images").is_dir():
        return path, masks, table
    if masks is None and (path / "masks").is_dir():
        masks = path / "masks"
    if table is None and (path / "index.csv").is_file():
        table = path / "index.csv"
    return path / "images", masks, table


def _pictures(folder: Path) -> Iterator[Path]:
    """Files with the endings of pictures; folders that are links are not entered."""
    for at, _, names in os.walk(folder, followlinks=False):
        for name in names:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield Path(at) / name


def _masks_beside(files: list[Path]) -> dict[Path, Path]:
    """Masks that lie beside their images, by image."""
    stems = {file.with_suffix(""): file for file in files}
    beside = {}
    for stem, file in stems.items():
        for ending in MASK_ENDINGS[1:]:
            mask = stems.get(stem.with_name(stem.name + ending))
            if mask is not None:
                beside[file] = mask
                break
    return beside


def _mask_files(folder: Path) -> dict[str, Path]:
    """Masks of a folder by the name of their image."""
    root, masks = folder.resolve(), {}
    for file in sorted(_pictures(folder)):
        stem = file.stem
        for ending in MASK_ENDINGS[1:]:
            stem = stem.removesuffix(ending)
        if inside(file, root):
            masks.setdefault(stem, file)
    if not masks:
        raise InputError(f"{folder}: no masks in it; expected PNG, JPEG or TIFF images")
    return masks


def _known(index: Index | None) -> KnownSet | None:
    columns = index.columns if index else frozenset()
    return next((known for known in KNOWN if known.column in columns), None)


def _pattern(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise InputError(f"--patient: not a regular expression ({error})") from error
