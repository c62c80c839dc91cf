"""Frames side by side: low quality, every run, target, and the maps that were known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.data.dataset import Dataset, Window
from insonate.data.looking.sheet import overlaid
from insonate.evaluation.candidates import Candidate, Stored
from insonate.evaluation.measures import BEST_PSNR
from insonate.evaluation.plan import Arrays, Plan, Progress, stacked
from insonate.metrics import psnr, quantize, ssim

__all__ = ["TARGET", "Panel", "Strip", "frame_words", "make_strips", "worst_window"]

TARGET = "target"
#: What an attenuation map shows, down to the smallest that 8 bits keep [dB].
_RANGE = 24.0


@dataclass(frozen=True)
class Panel:
    """A picture with its name above and a line below.

    Attributes:
        name: of the candidate or the map.
        image: `(rows, columns)` gray or `(rows, columns, 3)`, 0 to 255.
        caption: PSNR and SSIM within the fan, or what the map shows.
        is_map: it is no B-mode image.
    """

    name: str
    image: NDArray[np.uint8]
    caption: str = ""
    is_map: bool = False


@dataclass(frozen=True)
class Strip:
    """All panels of a frame.

    Attributes:
        frame: its number in the dataset.
        about: split, plane and patient, in words.
        panels: from low quality to target, then maps.
        zoom: a window that is shown enlarged, if any.
    """

    frame: int
    about: str
    panels: Sequence[Panel]
    zoom: Window | None = None


def make_strips(
    plan: Plan,
    candidates: Sequence[Candidate],
    numbers: Sequence[int],
    progress: Progress,
    zoom: int = 0,
) -> list[Strip]:
    """Whole frames, translated by every candidate; one run is in memory at a time.

    Args:
        plan: of the dataset.
        candidates: in order, after the untranslated input and before the target.
        numbers: of frames in the dataset.
        progress: shows how far it is.
        zoom: side of the window that is enlarged [pixels]; 0 is none.
    """
    samples = [plan.sample(number) for number in numbers]
    images: dict[str, list[NDArray[np.uint8]]] = {}
    for candidate in (Stored(), *candidates, Stored(TARGET, "bmode")):
        translate = candidate.open()
        images[candidate.name] = [
            _gray(translate(stacked([sample]), place)[0])
            for place, sample in progress(list(enumerate(samples)), f"{candidate.name}, pictures")
        ]
    return [
        _strip(plan, number, samples[place], {k: v[place] for k, v in images.items()}, zoom)
        for place, number in enumerate(numbers)
    ]


def worst_window(images: Mapping[str, NDArray[np.uint8]], fan: Any, side: int) -> Window:
    """The window within the fan where the untranslated image is furthest from the target.

    Args:
        images: by candidate, `(rows, columns)`.
        fan: mask `(rows, columns)`.
        side: of the window [pixels].
    """
    low, target = images[Stored().name].astype(float), images[TARGET].astype(float)
    error = np.abs(low - target) * fan
    side = min(side, *error.shape)
    sums = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    return Window(int(row), int(column), side, side)


def _gray(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    return quantize(torch.from_numpy(image[None]))[0].numpy().astype(np.uint8)


def _strip(
    plan: Plan, number: int, sample: Arrays, images: Mapping[str, NDArray[np.uint8]], zoom: int
) -> Strip:
    fan = sample["mask"][0] > 0 if "mask" in sample else np.ones(plan.shape, bool)
    target = images[TARGET]
    panels = [
        Panel(name, image, "" if name == TARGET else _scores(image, target, fan))
        for name, image in images.items()
    ]
    window = worst_window(images, fan, zoom) if zoom else None
    return Strip(
        number, frame_words(plan.dataset, number), [*panels, *_maps(plan, sample, target)], window
    )


def _scores(image: NDArray[np.uint8], target: NDArray[np.uint8], fan: NDArray[np.bool_]) -> str:
    first, second = (torch.from_numpy(each)[None].double() for each in (image, target))
    mask = torch.from_numpy(fan)[None]
    if not fan.any():
        return ""
    decibels = min(float(psnr(first, second, mask)), BEST_PSNR)
    return f"{decibels:.2f} dB, SSIM {100.0 * float(ssim(first, second, 'matlab', mask)):.1f} %"


def _maps(plan: Plan, sample: Arrays, target: NDArray[np.uint8]) -> list[Panel]:
    panels = []
    if "labels" in sample:
        labels = sample["labels"].astype(np.uint8)
        if plan.dataset.attributes.unlabelled is not None:
            labels[labels == plan.dataset.attributes.unlabelled] = 0
        panels.append(Panel("labels", overlaid(target, labels), "on the target", True))
    if "attenuation" in sample:
        level = 10.0 * np.log10(np.maximum(sample["attenuation"][0], 1e-9))
        shown = np.clip(1.0 + level / _RANGE, 0.0, 1.0) * 255.0
        caption = f"integral, 0 to -{_RANGE:g} dB"
        panels.append(Panel("attenuation", shown.round().astype(np.uint8), caption, True))
    return panels


def frame_words(dataset: Dataset, number: int) -> str:
    """Split, plane and patient of the frame with a number in a dataset, as far as known."""
    index, about = int(np.searchsorted(dataset.frames, number)), dataset.attributes
    words = []
    for name, names in (("split", about.splits), ("plane", about.planes)):
        at = int(dataset.raw(name, index))
        if 0 <= at < len(names):
            words.append(names[at].replace("_", " "))
    patient = int(dataset.raw("patient", index))
    return ", ".join(words + ([f"patient {patient}"] if patient >= 0 else []))
