"""From a source to a dataset: one size, one split, one shard after the other."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Attributes, Layout, create
from insonate.data.dataset.layout import UNLABELLED
from insonate.data.dataset.splits import split_frames
from insonate.data.importers.shaping import shaped
from insonate.data.importers.source import Item, Skipped, Source
from insonate.data.importers.survey import Crop, Place, Survey, survey
from insonate.errors import InputError

__all__ = ["UNLABELLED", "Report", "Split", "import_source"]

Split = Literal["frame", "sequence", "patient"]
SPLITS = Attributes().splits
_LARGEST = 16_384  # pixels, of a side

Watch = Callable[[Iterable[Item], int, str], Iterable[Item]]


@dataclass
class Report:
    """What came of an import.

    Attributes:
        frames: that are in the dataset.
        size: rows and columns of all of them.
        skipped: how many are not, by reason.
        examples: the first that is not, by reason.
        splits: frames of each split.
        notes: what else should be known, a line each.
    """

    frames: int
    size: tuple[int, int]
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """In words."""
        dealt = ", ".join(f"{count} {name}" for name, count in self.splits.items())
        lines = [f"{self.frames} frames of {self.size[0]}x{self.size[1]} pixels: {dealt}"]
        for reason, count in self.skipped.most_common():
            example = self.examples.get(reason, "")
            lines.append(f"skipped {count}: {reason}" + (f" ({example})" if example else ""))
        return lines + self.notes


def import_source(
    source: Source,
    where: str | os.PathLike[str],
    crop: Crop = "auto",
    size: tuple[int, int] | None = None,
    split_by: Split | None = None,
    shares: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    licence: str = "",
    provenance: str = "",
    shard: int = 32,
    watch: Watch | None = None,
) -> Report:
    """Write every frame of a source into a new dataset.

    The source is gone through twice: first to find the ultrasound in its frames, how large
    they are and to whom they belong, then to write them.

    Args:
        source: of `open_source`.
        where: folder or URL of the new dataset.
        crop: auto, none, or a box of pixels.
        size: rows and columns to bring frames to, with their proportions; without it none is
            resized, and smaller ones are padded.
        split_by: what is never divided; without it frames stay in the splits that the source
            gives to all of them, or else the largest of patient, sequence and frame that is
            known for all.
        shares: of train, validation and test.
        seed: of the splits.
        licence: for the attributes.
        provenance: for the attributes; the source's own if empty.
        shard: frames in one file of an array.
        watch: sees items on their way, their number and what is done, for a progress bar.

    Raises:
        InputError: nothing can be used, a group is not known for every frame, or the dataset
            cannot be written.
    """
    see = watch or (lambda items, count, what: items)
    found = survey(source, crop, see(source, len(source), "looking"))
    if not found.kept:
        raise InputError(f"{source.provenance}: nothing to import{_why(found)}")
    kind, split = _split(found.kept, split_by, shares, seed)
    report = Report(len(found.kept), _size(found.kept, size), found.skipped, found.examples)
    report.notes = [*source.notes, *_kept(source, found, crop), *_dealt(found.kept, kind)]
    attributes = Attributes(
        regions=_regions(source, found.kept),
        planes=tuple(_numbers(place.plane for place in found.kept if place.plane)),
        provenance=provenance or source.provenance,
        licence=licence,
    )
    images = ("bmode", "mask", "labels") if source.regions else ("bmode", "mask")
    layout = Layout(len(found.kept), *report.size, images=images, shard=shard)
    frames = see(source, len(found.places), "writing")
    samples = _samples(frames, found, report, attributes, size is not None, split)
    with create(where, layout, attributes) as writer:
        for block in range(layout.blocks):
            shard_of = list(itertools.islice(samples, len(layout.block(block))))
            writer.write(block, shard_of)
            lost = shard_of.count(None)  # files that changed while they were read
            report.frames -= lost
    names = (attributes.splits[k] for k in split)
    report.splits = {name: n for name, n in sorted(Counter(names).items())}
    return report


def _samples(
    frames: Iterable[Item],
    found: Survey,
    report: Report,
    attributes: Attributes,
    resize: bool,
    split: NDArray[np.int32],
) -> Iterator[dict[str, Any] | None]:
    patients = _numbers(place.patient for place in found.kept)
    sequences = _numbers(place.sequence for place in found.kept)
    regions = attributes.regions
    unlabelled = regions.index(UNLABELLED) if UNLABELLED in regions else 0
    numbers = itertools.count()
    for frame, place in zip(frames, found.places, strict=False):
        if place is None:
            continue
        number = next(numbers)
        if isinstance(frame, Skipped):
            yield None
            continue
        sample = shaped(frame, place, *report.size, resize, unlabelled if regions else None)
        sample["split"] = split[number]
        sample["patient"] = patients[place.patient] if place.patient else -1
        sample["sequence"] = sequences[place.sequence] if place.sequence else -1
        sample["plane"] = attributes.planes.index(place.plane) if place.plane else -1
        yield sample


def _numbers(keys: Iterable[str]) -> dict[str, int]:
    """A number for every key, in the order of their first appearance."""
    return {key: number for number, key in enumerate(dict.fromkeys(key for key in keys if key))}


def _size(places: Sequence[Place], size: tuple[int, int] | None) -> tuple[int, int]:
    if size is not None:
        return size
    rows = max(place.box.rows for place in places)
    columns = max(place.box.columns for place in places)
    if max(rows, columns) > _LARGEST:
        raise InputError(
            f"images of {rows}x{columns} pixels, at most {_LARGEST} on a side; use --size"
        )
    return rows, columns


def _regions(source: Source, places: Sequence[Place]) -> tuple[str, ...]:
    if (
        not source.regions
        or UNLABELLED in source.regions
        or all(place.labelled for place in places)
    ):
        return source.regions
    return (*source.regions, UNLABELLED)


def _split(
    places: Sequence[Place], by: Split | None, shares: Sequence[float], seed: int
) -> tuple[Split | Literal["source"], NDArray[np.int32]]:
    if by is None and all(place.split in SPLITS for place in places):
        return "source", np.array([SPLITS.index(place.split) for place in places], np.int32)
    known: tuple[Split, ...] = ("patient", "sequence", "frame")
    if by is None:
        by = next(k for k in known if k == "frame" or all(getattr(p, k) for p in places))
    if by == "frame":
        return by, split_frames(np.arange(len(places)), shares, seed)
    groups = [getattr(place, by) for place in places]
    unknown = groups.count("")
    if unknown:
        raise InputError(f"--split {by}: not known for {unknown} of {len(groups)} frames")
    return by, split_frames(groups, shares, seed)


def _kept(source: Source, found: Survey, crop: Crop) -> list[str]:
    """What a user should know of the places that were kept."""
    notes, places = [], found.kept
    if source.ultrasound and crop == "auto":
        areas = sum(place.area is not None for place in places)
        cut = sum(place.area is not None and place.blank for place in places)
        notes.append(
            f"ultrasound found in {areas} frames, {cut} are black outside of it; --crop none "
            "keeps whole images"
        )
        for given, words in _WHOLE.items():
            whole = sum(place.given == given and place.area is None for place in places)
            if whole:
                notes.append(f"{whole} frames {words}")
    if len({(place.box.rows, place.box.columns) for place in places}) > 1:
        notes.append("frames differ in size: smaller ones lie in the upper left, mask 0 around")
    if source.private and crop != "auto":
        notes.append("names may be burned in: look at the images before you pass them on")
    return notes


#: What becomes of frames without a fan, by what their source says of them.
_WHOLE = {
    "": "are kept whole: no fan was found",
    "hidden": "have no fan that was found: only what is black or drawn is left out of them",
    "mask": "are cut to the mask that they have",
    "rectangle": "are cut to the rectangle that their file gives: no fan was found in it",
}


def _dealt(places: Sequence[Place], split: str) -> list[str]:
    """What a user should know of the splits."""
    if split == "frame":
        return [
            "split frame by frame: whose they are is not known (--patient PATTERN finds it in "
            "file names)"
        ]
    if split == "source":
        splits: dict[str, set[str]] = {}
        for place in places:
            splits.setdefault(place.patient, set()).add(place.split)
        torn = sum(len(names) > 1 for patient, names in splits.items() if patient)
        found = f"; {torn} patients are in more than one" if torn else ""
        return [f"splits are those of the table{found} (--split deals anew)"]
    if len({getattr(place, split) for place in places}) == 1:
        return [f"one {split}: all in one split; `insonate data folds` holds parts out"]
    return [f"split by {split}, none is in two splits"]


def _why(found: Survey) -> str:
    if not found.skipped:
        return ""
    reason, count = found.skipped.most_common(1)[0]
    return f"; {count} skipped: {reason} ({found.examples[reason]})"
