"""The first time through a source: what each frame shows, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.fan import Area, bounds
from insonate.data.importers.find_fan import Content, find_area
from insonate.data.importers.source import Box, Imported, Item, Skipped, Source
from insonate.errors import InputError

__all__ = ["Crop", "Place", "Survey", "survey", "visible"]

#: auto: to the ultrasound; none: whole images; or a box of pixels.
Crop = Literal["auto", "none"] | Box
NOT_FOUND = "no ultrasound area found, and names may be burned in"


@dataclass(frozen=True)
class Place:
    """Where a frame is cut, and what else is known of it before it is written.

    Attributes:
        box: that is kept of the image.
        area: fan or rectangle in the whole image; None if not known.
        blank: that what is outside the area is made black.
        patient: key.
        sequence: key.
        plane: name.
        labelled: that it has labels.
        split: name, as the source says.
        given: what is known of its content: "mask", "rectangle", "hidden" or nothing.
    """

    box: Box
    area: Area | None
    blank: bool
    patient: str
    sequence: str
    plane: str
    labelled: bool
    split: str = ""
    given: str = ""


@dataclass
class Survey:
    """What the first time through found.

    Attributes:
        places: of every item of the source, in its order; None for those that are left out.
        skipped: how many frames were left out, by reason.
        examples: the first that was left out, by reason.
    """

    places: list[Place | None] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> list[Place]:
        """Places of those frames that are not left out."""
        return [place for place in self.places if place is not None]

    def skip(self, skipped: Skipped) -> None:
        """Count what is left out."""
        if skipped.frames > 0:
            self.skipped[skipped.reason] += skipped.frames
            self.examples.setdefault(skipped.reason, skipped.where)


def survey(source: Source, crop: Crop, items: Iterable[Item] | None = None) -> Survey:
    """Go through a source once and find out where the ultrasound is in every frame.

    Frames of one sequence, where it has a key, share one area, found from all of them.

    Args:
        source: to import.
        crop: what is to be kept of the images.
        items: of the source; they may be watched on their way.

    Raises:
        InputError: a box that lies outside the images.
    """
    found = Survey()
    for run in _runs(source if items is None else items, found):
        look = source.ultrasound and crop == "auto" and run.content is not None
        area = find_area(run.content) if look and run.content else None
        for each in run.frames:
            place = None if each is None else _place(each, area, crop, source)
            if place is None and each is not None:
                found.skip(Skipped(each.where, NOT_FOUND))
            found.places.append(place)
    return found


@dataclass(frozen=True)
class _Outline:
    """A frame without its pixels."""

    shape: tuple[int, int]
    area: Box | None
    masked: Box | None  # where its mask is
    shown: Box | None  # around all that is not hidden
    labelled: Box | None  # where its labels are
    has_labels: bool
    patient: str
    sequence: str
    plane: str
    split: str
    where: str

    @property
    def given(self) -> str:
        """What the source says of its content."""
        if self.masked is not None:
            return "mask"
        if self.area is not None:
            return "rectangle"
        return "hidden" if self.shown is not None else ""


@dataclass
class _Run:
    """Frames that follow each other and belong together."""

    key: Any
    frames: list[_Outline | None]  # None for what is left out between them
    content: Content | None


def _runs(items: Iterable[Item], found: Survey) -> Iterator[_Run]:
    run: _Run | None = None
    for item in items:
        if isinstance(item, Skipped):
            if run is not None:
                run.frames.append(None)
            else:
                found.places.append(None)
            found.skip(item)
            continue
        outline = _outline(item)
        key = (outline.sequence, outline.shape, outline.area) if outline.sequence else object()
        if run is not None and key != run.key:
            yield run
            run = None
        if run is None:
            run = _Run(key, [], Content() if item.mask is None else None)
        run.frames.append(outline)
        if run.content is not None:
            image = item.image if item.hidden is None else item.image * (1 - item.hidden)
            run.content.add(image if item.area is None else item.area.cut(image))
    if run is not None:
        yield run


def _outline(frame: Imported) -> _Outline:
    return _Outline(
        shape=(frame.image.shape[0], frame.image.shape[1]),
        area=frame.area,
        masked=None if frame.mask is None else bounds(frame.mask),
        shown=None if frame.hidden is None else bounds(1 - frame.hidden),
        labelled=None if frame.labels is None else bounds(frame.labels),
        has_labels=frame.labels is not None,
        patient=frame.patient,
        sequence=frame.sequence,
        plane=frame.plane,
        split=frame.split,
        where=str(frame.metadata.get("file", "")),
    )


def _place(frame: _Outline, area: Area | None, crop: Crop, source: Source) -> Place | None:
    whole = Box(0, 0, frame.shape[1], frame.shape[0])
    region = frame.area or whole
    if area is not None:
        area = area.moved(region.left, region.top)
    box = _box(frame, area, crop, whole)
    unknown = area is None and frame.area is None and frame.masked is None
    if crop == "auto" and source.private and unknown:
        return None
    blank = crop == "auto" and (area is not None or frame.shown is not None)
    names = frame.patient, frame.sequence, frame.plane
    return Place(box, area, blank, *names, frame.has_labels, frame.split, frame.given)


def _box(frame: _Outline, area: Area | None, crop: Crop, whole: Box) -> Box:
    """What is kept: the ultrasound and all that is labelled."""
    if isinstance(crop, Box):
        box = crop.within(*frame.shape)
        if not (box.rows and box.columns):
            raise InputError(
                f"{frame.where}: --crop lies outside the image of {whole.columns}x{whole.rows}"
            )
        return box
    if crop == "none":
        return whole
    box = frame.area or whole
    if area is not None:
        box = _common(box, area.box(*frame.shape))
    elif frame.masked is not None and frame.masked.rows:
        box = frame.masked
    if frame.shown is not None:
        box = _common(box, frame.shown)
    if frame.labelled is not None and frame.labelled.rows:
        box = _around(box, frame.labelled)
    return box


def _common(a: Box, b: Box) -> Box:
    left, top = max(a.left, b.left), max(a.top, b.top)
    return Box(left, top, max(min(a.right, b.right), left), max(min(a.bottom, b.bottom), top))


def _around(a: Box, b: Box) -> Box:
    return Box(
        min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom)
    )


def visible(place: Place, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """1 where there is ultrasound, uint8 `(rows, columns)` of the whole image."""
    if place.area is not None:
        return place.area.mask(*shape)
    mask = np.zeros(shape, np.uint8)
    place.box.cut(mask)[:] = 1
    return mask
