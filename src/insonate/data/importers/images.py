"""Folders of pictures, with masks and a table where there are some."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from insonate.config import read_content
from insonate.data.importers.index import Index, Row, read_index
from insonate.data.importers.masks import UNCLEAR, masks_beside, matched
from insonate.data.importers.open import Options
from insonate.data.importers.picture import ENDINGS, Gray, PictureError, read_labels, read_pictures
from insonate.data.importers.screen import drawn_or_hidden
from insonate.data.importers.source import Imported, Item, Skipped, inside
from insonate.errors import InputError

__all__ = ["ImageFolder", "holds_images"]

#: What a picture of a folder is called in a dataset, which does not keep the folder's name.
PICTURES = "folder of pictures"
#: Least share of a picture that is left when what is black is taken away.
LEAST_SHOWN = 0.05
_TABLES = ("index.csv", "dataset.json")


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
        self.options = options
        images, masks, table = _parts(path, options)
        self._images, self._root = images, images.resolve()
        files = [images] if images.is_file() else sorted(_pictures(images))
        beside = {} if masks else masks_beside(files)
        self._files = [file for file in files if file not in set(beside.values())]
        if not self._files:
            raise InputError(f"{path}: no PNG, JPEG or TIFF images in it")
        names = {self._name(file): file for file in self._files}
        found = _mask_files(masks) if masks else {}
        self._masks = matched(names, found) if masks else beside
        if masks and not self._masks:
            raise InputError(f"{masks}: none of {len(found)} masks has the name of an image")
        self._unused = len(set(found.values()) - set(self._masks.values()))
        self._others = sorted(_others(images, table)) if images.is_dir() else []
        self._index = read_index(table) if table else None
        self._rows = self._index.rows_of(names) if self._index else {}
        self._known = _known(self._index)
        self._described = _described(path)
        self._pattern = _pattern(options.patient or (self._known.patient if self._known else None))
        self._numbers: dict[str, dict[str, int]] = {}
        self._most = 1
        self._hidden: dict[str, float] = {}
        self.provenance = self._known.name if self._known else PICTURES

    @property
    def regions(self) -> tuple[str, ...]:
        """Background and what masks show; none if there are no masks."""
        if not self._masks:
            return ()
        named = self.options.regions or self._described
        if not named:
            named = ("background", self._known.region if self._known else "foreground")
        more = range(len(named), self._most + 1)
        return (*named, *(f"region_{number}" for number in more))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for what."""
        notes = []
        if self._masks:
            bare = len(self._files) - len(self._masks)
            notes.append(f"{self._unused} masks have no image, {bare} images have no mask")
        if not self.options.anonymous:
            notes.append("file names and the columns of the table are kept; --anonymous drops them")
        if self._known:
            notes.append(f"taken for {self._known.name}: masks are '{self._known.region}'")
        if self._hidden:
            most = max(self._hidden, key=lambda name: self._hidden[name])
            mean = sum(self._hidden.values()) / len(self._hidden)
            where = "" if self.options.anonymous else f", {most}"
            notes.append(
                f"--mask-black leaves out {mean:.1%} of the pixels, at most "
                f"{self._hidden[most]:.1%} of a picture{where}"
            )
        if self._index is not None:
            told, all_of_them = len(self._rows), len(self._files)
            notes.append(
                f"{self._index.path.name}: says something of {told} of {all_of_them} images"
            )
        return tuple(notes)

    def __len__(self) -> int:
        """How many files there are."""
        return len(self._files)

    def __iter__(self) -> Iterator[Item]:
        """A frame a picture, or a page; then what is no picture."""
        for file in self._files:
            yield from self._file(file)
        for file in self._others:
            yield Skipped(str(self._name(file)), "another kind of file")

    def _file(self, file: Path) -> Iterator[Item]:
        name = self._name(file)
        if not inside(file, self._root):
            yield Skipped(str(name), "link out of the folder")
            return
        for number, page in enumerate(
            read_pictures(file, self.options.pixels, self.options.frames)
        ):
            try:
                if isinstance(page, PictureError):
                    raise page
                yield self._frame(file, name, page, number)
            except PictureError as error:
                yield Skipped(str(name), str(error))

    def _frame(self, file: Path, name: PurePosixPath, page: Gray, number: int) -> Imported:
        row = self._rows.get(name, Row())
        if row.unclear:
            raise PictureError("row of the table not unique")
        rows, columns = page.image.shape
        sequence = row.sequence or (str(name) if page.pages > 1 else "")
        said = {"page": number} if page.pages > 1 else {}
        patient = row.patient or self._patient(name)
        if self.options.anonymous:
            said |= {"file": self._number("picture", str(name)), **page.notes}
            patient, sequence = self._number("patient", patient), self._number("sequence", sequence)
        else:
            said |= {"file": str(name), **page.notes, **row.values}
        return Imported(
            image=page.image,
            labels=self._labels(file, page.image.shape),
            hidden=self._hidden_of(name, page, number) if self.options.mask_black else None,
            spacing=row.spacing(rows, columns),
            patient=patient,
            sequence=sequence,
            plane=row.plane,
            split=row.split,
            metadata=said,
        )

    def _hidden_of(self, name: PurePosixPath, page: Gray, number: int) -> NDArray[np.uint8]:
        hidden = drawn_or_hidden(page.image)
        share = float(hidden.mean())
        if share > 1.0 - LEAST_SHOWN:
            raise PictureError("hardly anything but black")
        self._hidden[f"{name} page {number}" if page.pages > 1 else str(name)] = share
        return hidden

    def _number(self, kind: str, key: str) -> str:
        """What stands for a key, by the order in which keys come; empty if there is none."""
        if not key:
            return ""
        known = self._numbers.setdefault(kind, {})
        return f"{kind} {known.setdefault(key, len(known))}"

    def _labels(self, file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        mask = self._masks.get(file)
        if mask is None:
            return None
        if mask is UNCLEAR:
            raise PictureError("mask not unique")
        named = self.options.regions or self._described
        labels = read_labels(mask, self.options.pixels, numbers=len(named) > 2)
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


def _others(folder: Path, table: Path | None) -> Iterator[Path]:
    """Files that are no pictures, but for tables."""
    for at, _, names in os.walk(folder, followlinks=False):
        for name in names:
            file = Path(at) / name
            known = name.lower().endswith(ENDINGS) or name.startswith(".") or name in _TABLES
            if not known and file != table:
                yield file


def _mask_files(folder: Path) -> dict[PurePosixPath, Path]:
    """Masks of a folder by their path in it."""
    root = folder.resolve()
    masks = {
        PurePosixPath(file.relative_to(folder).as_posix()): file
        for file in sorted(_pictures(folder))
        if inside(file, root)
    }
    if not masks:
        raise InputError(f"{folder}: no masks in it; expected PNG, JPEG or TIFF images")
    return masks


def _described(folder: Path) -> tuple[str, ...]:
    """Regions of a PNG export, which says them in `dataset.json`; none if it does not."""
    path = folder / "dataset.json"
    if not (folder / "images").is_dir() or not path.is_file():
        return ()
    said = read_content(path, "dataset")
    regions = said.get("regions", ()) if isinstance(said, dict) else ()
    if not isinstance(regions, (list, tuple)) or len(regions) > 256:
        raise InputError(f"{path}: regions: expected at most 256 names, got {str(regions)[:60]}")
    if not all(isinstance(name, str) and 0 < len(name) <= 100 for name in regions):
        raise InputError(f"{path}: regions: expected names, got {str(regions)[:60]}")
    return tuple(regions)


def _known(index: Index | None) -> KnownSet | None:
    columns = index.columns if index else frozenset()
    return next((known for known in KNOWN if known.column in columns), None)


def _pattern(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise InputError(f"--patient: not a regular expression ({error})") from error
