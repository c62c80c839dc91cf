"""How far translated frames are from real ones as sets, and what is sure of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from insonate.errors import InputError
from insonate.evaluation.distances import extractor_of
from insonate.evaluation.measures import Measure
from insonate.evaluation.realism.frames import FEWEST, Frames
from insonate.evaluation.realism.settings import RealismSettings
from insonate.metrics import (
    FeatureExtractor,
    Frechet,
    Interval,
    Kernel,
    Score,
    distance_interval,
    quantize,
)

__all__ = ["Distance", "Features", "Looking", "joined_features", "split_in_halves"]


@dataclass(frozen=True)
class Features:
    """Of windows, or of whole frames.

    Attributes:
        frechet: that the Fréchet distance takes, `(n, d)`.
        kernel: that the kernel distance takes, `(n, e)`.
        frames: number of the frame that each is of `(n,)`.
    """

    frechet: Tensor
    kernel: Tensor
    frames: NDArray[np.int64]

    def of(self, frames: NDArray[np.int64]) -> Features:
        """Those of the frames with some numbers `(n,)` only."""
        kept = np.isin(self.frames, frames)
        mask = torch.from_numpy(kept)
        return Features(self.frechet[mask], self.kernel[mask], self.frames[kept])


@dataclass(frozen=True)
class Distance:
    """A distance of two sets.

    Attributes:
        score: its values, of which the mean is the distance.
        interval: of 95 %, drawn from frames.
    """

    score: Score
    interval: Interval


class Looking:
    """The networks that look at windows, and where these lie.

    The Fréchet distance of Inception takes its block of 768 numbers, as in the paper, where
    `inception768` is asked for, and the kernel distance its last average.

    Args:
        settings: of the protocol.
        sides: frames of both datasets, which share the side of the windows.

    Raises:
        InputError: no such network, windows larger than frames, or whole frames of two sizes.
    """

    def __init__(self, settings: RealismSettings, sides: Sequence[Frames]):
        self.settings = settings
        first, second = (each.shape for each in sides)
        if settings.on == "frames" and first != second:
            raise InputError(
                f"{sides[1].where}: frames of {second[0]} x {second[1]}, those of "
                f"{sides[0].where} are {first[0]} x {first[1]}; expected one size, or --on windows"
            )
        self.side = settings.side(first, second)
        self.frechet = self.kernel = extractor_of(settings.features)
        kind, _, path = settings.features.partition(":")
        if kind == "inception768":
            self.kernel = extractor_of(f"inception:{path}")

    @property
    def columns(self) -> tuple[Measure, Measure]:
        """FID and KID, with the names of their networks."""
        return (
            _column("fid", "FID", "Fréchet distance", self.frechet),
            _column("kid", "KID", "kernel distance", self.kernel),
        )

    def features(
        self, images: Tensor, frames: Frames, indices: Sequence[int], masks: Sequence[NDArray]
    ) -> Features:
        """Features of the windows of some images.

        Args:
            images: gray levels `(n, rows, columns)`.
            frames: that they are of.
            indices: of the frames in their dataset.
            masks: where they have content, `(rows, columns)` each.
        """
        cuts, numbers = [], []
        for image, index, mask in zip(images, indices, masks, strict=True):
            mine = self._cuts(image, frames, index, mask)
            cuts += mine
            numbers += [int(frames.dataset.frames[index])] * len(mine)
        if not cuts:
            return self._nothing()
        stack = torch.stack(cuts)
        looked = self.frechet(stack).cpu()
        other = looked if self.kernel is self.frechet else self.kernel(stack).cpu()
        return Features(looked, other, np.array(numbers, np.int64))

    def _cuts(self, image: Tensor, frames: Frames, index: int, mask: NDArray) -> list[Tensor]:
        s = self.settings
        if s.on == "frames":
            return [torch.where(torch.from_numpy(mask).to(image.device), image, 0.0)]
        windows = frames.windows(index, self.side, s.windows, s.seed, s.inside)
        return [image[w.row : w.row + w.rows, w.column : w.column + w.columns] for w in windows]

    def _nothing(self) -> Features:
        empty = [torch.zeros(0, each.dimension) for each in (self.frechet, self.kernel)]
        return Features(empty[0], empty[1], np.zeros(0, np.int64))

    def of_frames(self, frames: Frames, array: str, chunk: range) -> Features:
        """Features of images as a dataset has them."""
        read = frames.read(chunk)
        images = quantize(torch.from_numpy(read.frames()[array]))
        masks = [frames.mask(index) for index in read.indices]
        return self.features(images, frames, read.indices, masks)

    def check_enough(self, found: Features, frames: Frames, what: str) -> None:
        """See that enough frames have a window.

        Raises:
            InputError: says how many there are, and are needed.
        """
        count = len(np.unique(found.frames))
        if count < FEWEST:
            raise InputError(
                f"{frames.where}: {count} of {len(frames)} {what} of split '{frames.split}' have "
                f"room for a window of {self.side} pixels within the mask; distances of sets need "
                f"{FEWEST} or more, or a smaller --crop"
            )

    def distances(self, real: Features, translated: Features) -> dict[str, Distance]:
        """Both distances with their intervals, by the names of the columns.

        Args:
            real: features of real frames.
            translated: features of others.
        """
        s = self.settings
        on = {"on": s.on, **({"side": self.side} if s.on == "windows" else {})}
        frames = (real.frames, translated.frames)
        found = {}
        for name, score in (
            ("fid", Frechet(self.frechet).score(real.frechet, translated.frechet)),
            ("kid", Kernel(self.kernel).score(real.kernel, translated.kernel)),
        ):
            sets = _arrays(real, translated, name)
            kind = "frechet" if name == "fid" else "kernel"
            estimate = float(score.values.mean())
            interval = distance_interval(kind, estimate, sets, frames, s.resamples, seed=s.seed)
            found[name] = Distance(Score(score.values, score.made.also(**on)), interval)
        return found


def _arrays(
    real: Features, translated: Features, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pair = (real.frechet, translated.frechet) if name == "fid" else (real.kernel, translated.kernel)
    return pair[0].double().numpy(), pair[1].double().numpy()


def _column(name: str, title: str, what: str, extractor: FeatureExtractor) -> Measure:
    kind = extractor.name.split("-")[0]
    layer = f" {extractor.layer}" if kind == "inception" else ""
    return Measure(
        name=name, title=f"{title}, {kind}{layer}", better="lower", digits=3,
        about=f"{what} of features {extractor.name}, {extractor.layer}, to real images; in "
        "brackets 95 % of resamples of frames",
    )  # fmt: skip


def joined_features(parts: Sequence[Features]) -> Features:
    """Those of some frames after those of others.

    Args:
        parts: of one network.
    """
    return Features(
        torch.cat([part.frechet for part in parts]), torch.cat([part.kernel for part in parts]),
        np.concatenate([part.frames for part in parts]),
    )  # fmt: skip


def split_in_halves(found: Features, frames: Frames, seed: int) -> tuple[Features, Features]:
    """Features of real frames as two sets of other frames, of other patients if they are known.

    Args:
        found: features of windows `(n, d)`.
        frames: that they are of.
        seed: of the halves.
    """
    numbers = np.unique(found.frames)
    patients = frames.dataset.column("patient")[numbers]
    known = patients.min() >= 0 and len(np.unique(patients)) >= FEWEST
    groups = patients if known else numbers
    names = np.random.default_rng((seed, len(numbers))).permutation(np.unique(groups))
    first = np.isin(groups, names[: len(names) // 2])
    return found.of(numbers[first]), found.of(numbers[~first])
