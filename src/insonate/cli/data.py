"""`insonate data`: what a dataset holds, whether it is sound, how it looks; folds, layouts."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg, subcommand

__all__ = ["DataCommand"]

Data = Positional[Annotated[str, arg(metavar="DATA")]]
Split = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]
Png = Annotated[Path, arg(metavar="PNG")]


@dataclass(frozen=True)
class Info:
    """Say what is in a dataset: counts, sizes, splits, planes, licence; no image is read."""

    data: Data
    """folder or URL of a dataset."""
    json: bool = False
    """as one JSON object."""

    def run(self) -> None:
        """Print it."""
        from insonate.data.looking.info import info, info_json, info_words

        said = info(self.data)
        print(info_json(said) if self.json else info_words(said))


@dataclass(frozen=True)
class Check:
    """Read every frame and say what is wrong: exit status 1 if the data should not be used."""

    data: Data
    """folder or URL of a dataset."""

    def run(self) -> None:
        """Print a line for each thing that is wrong, or worth knowing.

        Raises:
            SystemExit: with 1, there are faults.
        """
        from insonate.data.looking.check import check

        findings = check(self.data, _progress)
        for finding in findings:
            print(finding)
        faults = sum(finding.fault for finding in findings)
        if faults:
            print(f"{self.data}: {faults} fault{'s' if faults > 1 else ''}")
            sys.stdout.flush()
            raise SystemExit(1)
        print(f"{self.data}: sound")


@dataclass(frozen=True)
class Sheet:
    """Draw a contact sheet: frames spread over the dataset, with their labels on them."""

    data: Data
    """folder or URL of a dataset."""
    out: Png = Path("out/sheet.png")
    """of the picture."""
    frames: int = 24
    """how many to show."""
    width: int = 256
    """of each [pixels]."""
    split: Split = None
    """only of this one."""
    labels: bool = True
    """lay them over the images."""

    def run(self) -> None:
        """Draw, and say where."""
        from insonate.data.looking.sheet import write_sheet

        numbers = write_sheet(self.data, self.out, self.frames, self.width, self.split, self.labels)
        print(f"{self.out}: {len(numbers)} frames")


@dataclass(frozen=True)
class Histogram:
    """Draw histograms: gray values within the mask, and how large regions are."""

    data: Data
    """folder or URL of a dataset."""
    out: Png = Path("out/histogram.png")
    """of the picture."""
    frames: int = 500
    """how many to read, at most."""

    def run(self) -> None:
        """Draw, and say where."""
        from insonate.data.looking.figures import write_histograms

        print(write_histograms(self.data, self.out, self.frames))


@dataclass(frozen=True)
class Poses:
    """Draw where the images lie in the world, in three dimensions."""

    data: Data
    """folder or URL of a dataset."""
    out: Png = Path("out/poses.png")
    """of the picture."""
    skin: bool = False
    """show the first patient only, with the outline of her skin; she is built anew."""

    def run(self) -> None:
        """Draw, and say where."""
        from insonate.data.looking.figures import write_poses
        from insonate.sim.quiet import start_engine

        if self.skin:
            start_engine()
        print(write_poses(self.data, self.out, self.skin))


@dataclass(frozen=True)
class Folds:
    """Deal frames to folds: held-out blocks of neighbours, and none beside them in training.

    A frame is left out of training if it is nearer than the distance [mm] and turned by less
    than the angle [degrees], both, to any that is held out. The file lists the numbers of frames
    of each fold: training, held_out, excluded; `Dataset(DATA, frames=...)` takes them.
    """

    data: Data
    """folder or URL of a dataset; every frame needs a pose."""
    out: Annotated[Path, arg(metavar="JSON")] = Path("out/folds.json")
    """of the file."""
    count: int = 10
    """of folds."""
    distance: float = 2.0
    """of poses that are too near [mm]; 0 leaves none out."""
    angle: float = 2.0
    """between poses that are too near [degrees]."""
    by: Literal["frame", "sequence", "patient"] = "frame"
    """what no block cuts."""

    def run(self) -> None:
        """Write, and print a line for each fold."""
        import math

        from insonate.data.looking.folds import write_folds

        angle = math.radians(self.angle)
        found = write_folds(self.data, self.out, self.count, self.distance, angle, self.by)
        for number, fold in enumerate(found):
            print(
                f"fold {number}: {len(fold.training)} training, {len(fold.held_out)} held out, "
                f"{len(fold.excluded)} excluded"
            )
        print(self.out)


@dataclass(frozen=True)
class Export:
    """Write a dataset in a layout that other programs know.

    png: folders of images and masks with index.csv, which `insonate import` reads back; nifti:
    a volume a sweep, where it lies in the patient; coco: images with masks, boxes and areas;
    nnunet: a raw dataset of nnU-Net v2.
    """

    data: Data
    """folder or URL of a dataset."""
    format: Literal["png", "nifti", "coco", "nnunet"]
    """the layout."""
    out: Annotated[Path, arg(metavar="FOLDER")]
    """that does not exist, or is empty."""
    split: Split = None
    """only of this one."""

    def run(self) -> None:
        """Write, and say what."""
        from insonate.data.export import export

        said = export(self.data, self.out, self.format, self.split, _progress)
        print(f"{self.out}: {said}")


@dataclass(frozen=True)
class DataCommand:
    """Look at a dataset, have it checked, or write it in another layout."""

    command: (
        Annotated[Info, subcommand("info")]
        | Annotated[Check, subcommand("check")]
        | Annotated[Sheet, subcommand("sheet")]
        | Annotated[Histogram, subcommand("histogram")]
        | Annotated[Poses, subcommand("poses")]
        | Annotated[Folds, subcommand("folds")]
        | Annotated[Export, subcommand("export")]
    )

    def run(self) -> None:
        """Do it."""
        self.command.run()


def _progress(frames: Iterable[int]) -> Iterable[int]:
    """A bar, where a person can see it."""
    from tqdm import tqdm

    return tqdm(frames, unit="frame", disable=None, leave=False)
