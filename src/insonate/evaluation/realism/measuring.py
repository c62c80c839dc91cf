"""One candidate through all simulated frames, some at a time: values, and features of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.evaluation.candidates import Translate
from insonate.evaluation.plan import Progress
from insonate.evaluation.realism.distances import Features, Looking, joined_features
from insonate.evaluation.realism.frames import Chunk, Frames, levels
from insonate.evaluation.realism.measures import FrameMeasure, Seen
from insonate.evaluation.realism.segmentation import Segmentation
from insonate.metrics import quantize

__all__ = ["Measuring"]

Values = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Measuring:
    """What is measured of every candidate.

    Attributes:
        simulated: frames that are translated.
        real: frames of reference.
        source: the image of the simulator.
        columns: of whole frames.
        looking: networks of the distances.
        segmentation: network that finds anatomy, if there is one.
        device: where it is computed.
    """

    simulated: Frames
    real: Frames
    source: str
    columns: Sequence[FrameMeasure]
    looking: Looking
    segmentation: Segmentation | None
    device: str = "cpu"

    def real_features(self, progress: Progress) -> Features:
        """Of the real frames.

        Raises:
            InputError: too few have room for a window, or one cannot be read.
        """
        chunks = progress(self.real.chunks(), "real frames")
        found = joined_features(
            [self.looking.of_frames(self.real, "bmode", chunk) for chunk in chunks]
        )
        self.looking.check_enough(found, self.real, "real frames")
        return found

    def of(self, translate: Translate, name: str, progress: Progress) -> tuple[Values, Features]:
        """Values by column `(frames,)`, and features, of a candidate.

        Args:
            translate: of the candidate.
            name: of the candidate.
            progress: shows how far it is.

        Raises:
            InputError: a frame that cannot be read, or too few that have room for a window.
        """
        values: list[Values] = []
        features: list[Features] = []
        for places in progress(self.simulated.chunks(), name):
            chunk = self.simulated.read(places)
            images = translate(chunk.frames(), chunk.first)
            values.append(self._values(chunk, images))
            features.append(self._features(chunk, images))
        found = joined_features(features)
        self.looking.check_enough(found, self.simulated, "simulated frames")
        names = [column.name for column in self.columns]
        return {name: np.concatenate([part[name] for part in values]) for name in names}, found

    def _values(self, chunk: Chunk, images: NDArray[np.float32]) -> Values:
        scenes = self._seen(chunk, images)
        return {c.name: np.array([c.of(seen) for seen in scenes]) for c in self.columns}

    def _seen(self, chunk: Chunk, images: NDArray[np.float32]) -> list[Seen]:
        before = levels(chunk.frames()[self.source])
        after = levels(images)
        scores = self._dice(chunk, images)
        return [
            Seen.of(one, other, sample, dice)
            for one, other, sample, dice in zip(before, after, chunk.samples, scores, strict=True)
        ]

    def _dice(
        self, chunk: Chunk, images: NDArray[np.float32]
    ) -> list[NDArray[np.float64]] | list[None]:
        """Of every frame's classes, if there is a segmenter."""
        if self.segmentation is None:
            return [None] * len(images)
        masks = np.stack([self.simulated.mask(index) for index in chunk.indices])
        classes = self.segmentation(images, masks)
        triples = zip(classes, chunk.samples, masks, strict=True)
        return [self.segmentation.dice(found, sample["labels"], m) for found, sample, m in triples]

    def _features(self, chunk: Chunk, images: NDArray[np.float32]) -> Features:
        images_seen = quantize(torch.from_numpy(np.ascontiguousarray(images)).to(self.device))
        masks = [self.simulated.mask(index) for index in chunk.indices]
        return self.looking.features(images_seen, self.simulated, chunk.indices, masks)
