"""Frames side by side: simulation, every run, semantic map; and what is made of the map alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.data.palette import label_colors
from insonate.evaluation.candidates import LOW_QUALITY, Candidate, RunCandidate, Stored
from insonate.evaluation.plan import Arrays, Progress, stacked
from insonate.evaluation.realism.frames import Frames
from insonate.evaluation.realism.grouping import BACKGROUND
from insonate.evaluation.realism.results import SIMULATED
from insonate.evaluation.strips import TARGET, Panel, Strip, frame_words, worst_window
from insonate.metrics import content_ssim, quantize

__all__ = ["real_strip", "realism_strips"]

SEMANTIC = "semantic map"
Gray = NDArray[np.uint8]


def realism_strips(
    frames: Frames,
    runs: Sequence[RunCandidate],
    source: str,
    progress: Progress,
    zoom: int = 0,
) -> list[Strip]:
    """Strips of all frames: one of the simulation, and one for each way from its semantic map.

    Args:
        frames: simulated ones, chosen by their numbers.
        runs: in order; those that can translate semantic maps come in further strips.
        source: the image of the simulator.
        progress: shows how far it is.
        zoom: side of the window that is enlarged [pixels]; 0 is none.
    """
    samples = [frames.dataset[index] for index in range(len(frames))]
    shown = _images(samples, [Stored(SIMULATED, source), *runs], progress)
    mapped = {to: _images(samples, _semantic(runs, to), progress) for to in ("real", "simulated")}
    strips = []
    for place, sample in enumerate(samples):
        number = int(frames.numbers[place])
        about, images = frame_words(frames.dataset, number), _at(shown, place)
        strips.append(_strip(number, about, images, sample, zoom))
        for to, found in mapped.items():
            if found:
                strips.append(_from_map(number, about, _at(found, place), sample, to,
                                        images[SIMULATED]))  # fmt: skip
    return strips


def real_strip(frames: Frames, count: int = 5) -> Strip:
    """Some real frames, to be looked at beside.

    Args:
        frames: real ones.
        count: how many, at most.
    """
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round())
    panels = []
    for place in chosen.astype(int):
        index = int(frames.chosen[place])
        gray = _gray(frames.dataset[index]["bmode"])
        panels.append(Panel(f"real, {frames.dataset.frames[index]}", gray, is_map=True))
    first = int(frames.numbers[int(chosen[0])])
    return Strip(first, f"real images of split {frames.split}", panels)


def _images(
    samples: Sequence[Arrays], candidates: Sequence[Candidate], progress: Progress
) -> dict[str, list[Gray]]:
    """Of every candidate, all frames; one run is in memory at a time."""
    found: dict[str, list[Gray]] = {}
    for candidate in candidates:
        translate = candidate.open()
        found[candidate.name] = [
            _gray(translate(stacked([sample]), place)[0])
            for place, sample in progress(list(enumerate(samples)), f"{candidate.name}, pictures")
        ]
    return found


def _at(images: Mapping[str, list[Gray]], place: int) -> dict[str, Gray]:
    return {name: of[place] for name, of in images.items()}


def _semantic(runs: Sequence[RunCandidate], to: str) -> list[RunCandidate]:
    """The runs that translate semantic maps to a domain, turned to it."""
    return [
        dataclasses.replace(run, source="semantic", to=to)
        for run in runs
        if ["semantic", to] in run.about["ways"]
    ]


def _strip(number: int, about: str, images: dict[str, Gray], sample: Arrays, zoom: int) -> Strip:
    fan, simulated = _fan(sample), images[SIMULATED]
    panels = [
        Panel(name, image, "" if name == SIMULATED else _caption(image, simulated, sample))
        for name, image in images.items()
    ]
    window = None
    if zoom:
        others = [image for name, image in images.items() if name != SIMULATED]
        mean = np.mean(others, axis=0).astype(np.uint8)
        window = worst_window({LOW_QUALITY: simulated, TARGET: mean}, fan, zoom)
    return Strip(number, about, [*panels, *_map(sample)], window)


def _from_map(
    number: int, about: str, images: dict[str, Gray], sample: Arrays, to: str, simulated: Gray
) -> Strip:
    panels = [*_map(sample), *(Panel(name, image) for name, image in images.items())]
    panels.append(Panel(SIMULATED, simulated, "for comparison"))
    return Strip(number, f"{about}; semantic map to {to}", panels)


def _caption(image: Gray, simulated: Gray, sample: Arrays) -> str:
    """How much of the content is kept."""
    content = _fan(sample) & (sample["labels"] != BACKGROUND if "labels" in sample else True)
    if not content[5:-5, 5:-5].any():
        return ""
    pair = [torch.from_numpy(each)[None].double() for each in (simulated, image)]
    found = content_ssim(pair[0], pair[1], torch.from_numpy(content)[None])
    return f"SSIM {100.0 * float(found):.1f} %"


def _map(sample: Arrays) -> list[Panel]:
    if "labels" not in sample:
        return []
    labels = np.where(_fan(sample), sample["labels"], BACKGROUND)
    return [Panel(SEMANTIC, label_colors(256)[labels], "regions", True)]


def _fan(sample: Arrays) -> NDArray[np.bool_]:
    shape = (
        sample["mask"].shape[-2:] if "mask" in sample else next(iter(sample.values())).shape[-2:]
    )
    return sample["mask"][0] > 0 if "mask" in sample else np.ones(shape, bool)


def _gray(image: NDArray[np.float32]) -> Gray:
    return quantize(torch.from_numpy(image[None]))[0].numpy().astype(np.uint8)
