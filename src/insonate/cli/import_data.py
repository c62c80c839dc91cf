"""`insonate import`: images, loops, sweeps and volumes of the clinic into a dataset."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.data.importers import Item, Options
    from insonate.data.importers.survey import Crop

__all__ = ["ImportData"]


@dataclass(frozen=True)
class ImportData:
    """Import folders of images, DICOM, tracked sequences or volumes into a dataset.

    What the source is, is found out by looking. Frames are cut to the ultrasound, where it is
    found, and brought to one size; what cannot be used is skipped and counted. Of DICOM nothing
    that names a patient is kept. `docs/importing.rst` tells the details.
    """

    source: Positional[Annotated[Path, arg(metavar="SOURCE")]]
    """file or folder."""
    out: Annotated[str, arg(metavar="DATA")] = "data.zarr"
    """folder or URL of the new dataset."""
    mask: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")] = None
    """folder of masks for a folder of images, or a volume of labels for a volume."""
    index: Annotated[Path | None, arg(metavar="CSV", help_behavior_hint="")] = None
    """table with a column name, and perhaps patient, sequence, plane, pixel_mm."""
    regions: Annotated[tuple[str, ...], arg(metavar="NAME", help_behavior_hint="")] = ()
    """what masks show, by label, the background first."""
    patient: Annotated[str | None, arg(metavar="PATTERN", help_behavior_hint="")] = None
    """regular expression that finds the patient in file names, such as '^(p[0-9]+)_'."""
    mask_black: bool = False
    """of pictures of a screen, leave out what was made black and what is drawn beside the image."""
    anonymous: bool = False
    """keep no file names, and of the table only spacing and plane; patients become numbers."""
    calibration: Annotated[Path | None, arg(metavar="XML", help_behavior_hint="")] = None
    """PLUS configuration with ImageToProbe, for tracked sequences that have no calibration."""
    axis: Literal["sagittal", "coronal", "axial"] | None = None
    """that the slices of a volume are counted along; as acquired if not given."""
    crop: Annotated[str, arg(metavar="auto|none|X,Y,W,H")] = "auto"
    """to the ultrasound, not at all, or to a box: left, top, width and height [pixels]."""
    size: Annotated[str | None, arg(metavar="ROWSxCOLUMNS", help_behavior_hint="")] = None
    """make every frame as large as fits; else none is resized, and smaller ones are padded."""
    split: Literal["patient", "sequence", "frame"] | None = None
    """what is never divided between splits; as the table says, or the largest that is known."""
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """of train, validation and test."""
    seed: int = 0
    """of the splits."""
    licence: Annotated[str, arg(help_behavior_hint="")] = ""
    """of the frames, kept with them."""
    provenance: Annotated[str, arg(help_behavior_hint="")] = ""
    """where they come from, kept with them."""
    largest: int = 64
    """most megapixels of an image; a larger one is skipped."""

    def run(self) -> None:
        """Import, and say what came of it."""
        from insonate.data.importers import import_source, open_source

        crop, size, options = self._crop(), self._size(), self._options()
        source = open_source(self.source, options)
        begin = time.perf_counter()
        report = import_source(
            source, self.out, crop=crop, size=size, split_by=self.split, shares=self.shares,
            seed=self.seed, licence=self.licence, provenance=self.provenance, watch=_bar,
        )  # fmt: skip
        rate = report.frames / (time.perf_counter() - begin)
        print(f"{self.out}: {source.kind}, {rate:.0f} frames a second")
        print("\n".join(f"  {line}" for line in report.lines()))

    def _options(self) -> Options:
        from insonate.data.importers import Options

        if not 1 <= self.largest <= 1000:
            raise InputError(f"--largest: expected 1 to 1000 megapixels, got {self.largest}")
        return Options(
            mask=self.mask,
            index=self.index,
            regions=self.regions,
            patient=self.patient,
            mask_black=self.mask_black,
            anonymous=self.anonymous,
            calibration=self.calibration,
            axis=self.axis,
            pixels=self.largest * 1_000_000,
        )

    def _crop(self) -> Crop:
        from insonate.data.importers import Box

        if self.crop == "auto" or self.crop == "none":
            return self.crop
        found = re.fullmatch(r"(\d{1,5}),(\d{1,5}),(\d{1,5}),(\d{1,5})", self.crop)
        left, top, width, height = map(int, found.groups()) if found else (0, 0, 0, 0)
        if not (width and height):
            raise InputError(f"--crop: expected auto, none or X,Y,W,H, got '{self.crop}'")
        return Box(left, top, left + width, top + height)

    def _size(self) -> tuple[int, int] | None:
        if self.size is None:
            return None
        found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", self.size)
        rows, columns = map(int, found.groups()) if found else (0, 0)
        if not (rows and columns):
            raise InputError(f"--size: expected ROWSxCOLUMNS, such as 256x354, got '{self.size}'")
        return rows, columns


def _bar(items: Iterable[Item], count: int, what: str) -> Iterator[Item]:
    """Items with a progress bar, where a person can see it."""
    from tqdm import tqdm

    yield from tqdm(items, desc=what, total=count, unit="frame", disable=None)
