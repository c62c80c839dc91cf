"""One candidate through all frames of a plan, some at a time: values, and features of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from insonate.evaluation.candidates import Candidate, Translate
from insonate.evaluation.measures import PatchMeasure
from insonate.evaluation.places import PlaceMeasure, Scene
from insonate.evaluation.plan import Arrays, Chunk, Plan, Progress, cut
from insonate.metrics import FeatureExtractor, quantize

__all__ = ["Measured", "Measuring"]


@dataclass(frozen=True)
class Measured:
    """What was found of a candidate.

    Attributes:
        values: by measure, `(patches,)` or `(frames,)`; NaN where a frame has no such place.
        features: of the tiles `(tiles, d)`, numbers of a network.
    """

    values: dict[str, NDArray[np.float64]]
    features: Tensor


@dataclass(frozen=True)
class Measuring:
    """What is measured of every candidate.

    Attributes:
        plan: frames and their parts.
        measures: of patches.
        places: of whole frames.
        extractor: network whose features are kept.
        device: where it is computed.
    """

    plan: Plan
    measures: Sequence[PatchMeasure]
    places: Sequence[PlaceMeasure]
    extractor: FeatureExtractor
    device: str = "cpu"

    def of(self, candidate: Candidate, progress: Progress) -> Measured:
        """Everything of a candidate.

        Args:
            candidate: to be measured.
            progress: shows how far it is.

        Raises:
            InputError: a frame that cannot be read, or a run that cannot be loaded.
        """
        translate = candidate.open()
        parts = [
            self._chunk(chunk, translate) for chunk in progress(self.plan.chunks(), candidate.name)
        ]
        names = [measure.name for measure in (*self.measures, *self.places)]
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in names}
        return Measured(values, torch.cat([part.features for part in parts]))

    def features(self, candidate: Candidate, progress: Progress) -> Tensor:
        """Of the tiles only `(tiles, d)`."""
        translate = candidate.open()
        chunks = progress(self.plan.chunks(), candidate.name)
        return torch.cat([self._tiles(self._images(chunk, translate)) for chunk in chunks])

    def _chunk(self, chunk: Chunk, translate: Translate) -> Measured:
        images = self._images(chunk, translate)
        values = self._patches(chunk, images) | self._places(chunk, images)
        return Measured(values, self._tiles(images))

    def _images(self, chunk: Chunk, translate: Translate) -> _Images:
        return _Images(self.plan, chunk, translate)

    def _patches(self, chunk: Chunk, images: _Images) -> dict[str, NDArray[np.float64]]:
        given = chunk.crops()
        image, target = self._gray(images.crops()), self._gray(given["bmode"])
        fan = None
        if self.plan.settings.whole:
            mask = given.get("mask", np.ones_like(given["bmode"]))
            fan = torch.from_numpy(mask[:, 0] > 0).to(self.device)
        return {measure.name: measure.values(image, target, fan) for measure in self.measures}

    def _places(self, chunk: Chunk, images: _Images) -> dict[str, NDArray[np.float64]]:
        if not self.places:
            return {}
        found: dict[str, list[float]] = {place.name: [] for place in self.places}
        unlabelled = self.plan.dataset.attributes.unlabelled
        for k, (sample, said) in enumerate(zip(chunk.samples, chunk.metadata, strict=True)):
            scene = Scene.of(sample, unlabelled, said)
            pair = [_levels(each) for each in (images.frames()[k], sample["bmode"])]
            for place in self.places:
                found[place.name].append(place.of(pair[0], pair[1], scene))
        return {name: np.array(values) for name, values in found.items()}

    def _tiles(self, images: _Images) -> Tensor:
        centres = self._gray(images.centres())
        cuts = [
            centres[:, w.row : w.row + w.rows, w.column : w.column + w.columns]
            for w in self.plan.tiles()
        ]
        side = self.plan.tile
        return self.extractor(torch.stack(cuts, 1).reshape(-1, side, side)).cpu()

    def _gray(self, images: NDArray[np.float32]) -> Tensor:
        return quantize(torch.from_numpy(np.ascontiguousarray(images)).to(self.device))


class _Images:
    """A candidate's images of a chunk, each kind computed when it is asked for first."""

    def __init__(self, plan: Plan, chunk: Chunk, translate: Translate):
        self._plan, self._chunk, self._translate = plan, chunk, translate
        self._whole: NDArray[np.float32] | None = None

    def frames(self) -> NDArray[np.float32]:
        if self._whole is None:
            self._whole = self._translate(self._chunk.frames(), self._chunk.first)
        return self._whole

    def crops(self) -> NDArray[np.float32]:
        if self._plan.settings.whole:
            return self.frames()
        if self._of_frames:
            pairs = zip(self.frames(), self._chunk.windows, strict=True)
            return np.stack([_cut(image, window) for image, mine in pairs for window in mine])
        return self._translate(self._chunk.crops(), self._chunk.first * self._plan.settings.crops)

    def centres(self) -> NDArray[np.float32]:
        if self._of_frames:
            return _cut(self.frames(), self._plan.centre)
        return self._translate(self._chunk.centres(self._plan.centre), self._chunk.first)

    @property
    def _of_frames(self) -> bool:
        return self._plan.settings.whole or self._plan.settings.translate == "frames"


def _cut(image, window):
    found: Arrays = cut({"image": image}, window)
    return found["image"]


def _levels(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Gray levels `(rows, columns)`."""
    return quantize(torch.from_numpy(image)[None])[0].double().numpy()
