"""What a method makes of frames that it does not train on: pictures and measures."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from insonate.data.batches import Batch, Chance
from insonate.data.dataset import Dataset
from insonate.metrics.gray import quantize
from insonate.metrics.psnr import psnr
from insonate.training.ranks import Ranks
from insonate.training.trainable import Trainable

__all__ = ["Validation"]

#: Frames in a picture, and the widest of its images [pixels].
SHOWN, WIDEST = 4, 512
_GAP = 4  # between images [pixels]
#: The step that random numbers of validation belong to, so that they are always the same.
_NEVER = 2**40


class Validation:
    """A fixed part of a split, spread evenly over it.

    Args:
        dataset: with the arrays that the method needs.
        frames: how many are measured, at most.
        seed: of the run.
        ranks: that share the work.
    """

    def __init__(self, dataset: Dataset, frames: int, seed: int, ranks: Ranks):
        self.dataset, self.seed, self.ranks = dataset, seed, ranks
        self.indices = spread(len(dataset), frames)

    def measures(self, method: Trainable) -> dict[str, float]:
        """Peak signal-to-noise ratio [dB] and mean absolute difference of gray levels in [0, 1].

        Empty without a target or without frames.
        """
        if method.target is None or not self.indices:
            return {}
        sums = torch.zeros(2, dtype=torch.float64, device=self.ranks.device)
        for place in range(self.ranks.rank, len(self.indices), self.ranks.count):
            batch, translated = self._translated(method, place)
            pair = quantize(translated), quantize(batch[method.target])
            sums[0] += psnr(*pair).item()
            sums[1] += (pair[0] - pair[1]).abs().mean().item() / 255.0
        means = (self.ranks.mean(sums) * self.ranks.count / len(self.indices)).tolist()
        return {name: value for name, value in zip(("psnr", "l1"), means, strict=True)
                if math.isfinite(value)}  # fmt: skip

    def picture(self, method: Trainable) -> NDArray[np.uint8] | None:
        """Some frames, a row each: input, translation, target; None if there are none.

        Returns:
            Gray image `(rows, columns)`.
        """
        rows = [self._row(method, place) for place in spread(len(self.indices), SHOWN)]
        if not rows:
            return None
        gap = np.full((_GAP, rows[0].shape[1]), 255, np.uint8)
        return np.concatenate([part for row in rows for part in (row, gap)][:-1])

    def _row(self, method: Trainable, place: int) -> NDArray[np.uint8]:
        batch, translated = self._translated(method, place)
        names = (method.inputs[0], method.target)
        before, after = (batch[name] if name else None for name in names)
        images = [image for image in (before, translated, after) if image is not None]
        return np.concatenate(list(_beside(images)), axis=1)

    def _translated(self, method: Trainable, place: int) -> tuple[Batch, Tensor]:
        """A frame as a batch of one, and its translation, of the same size."""
        sample = self.dataset.sample(self.indices[place])
        arrays = {
            name: torch.from_numpy(sample[name])[None].to(self.ranks.device)
            for name in self.dataset.arrays
        }
        batch = Batch(arrays, Chance(self.seed, _NEVER, place))
        rows, columns = next(iter(arrays.values())).shape[-2:]
        torch.manual_seed(self.seed)
        with torch.no_grad(), self.ranks.autocast():
            translated = method.translate(batch.padded(method.stride))
        return batch, translated[..., :rows, :columns].float()


def spread(length: int, count: int) -> list[int]:
    """At most `count` of the numbers below `length`, evenly spaced."""
    count = min(length, count)
    return [int((k + 0.5) * length / count) for k in range(count)]


def _beside(images: list[Tensor]) -> Iterator[NDArray[np.uint8]]:
    for number, image in enumerate(images):
        gray = Image.fromarray(quantize(image)[0].to(torch.uint8).cpu().numpy())
        factor = -(-gray.width // WIDEST)
        shown = np.asarray(gray.reduce(factor) if factor > 1 else gray)
        if number:
            yield np.full((shown.shape[0], _GAP), 255, np.uint8)
        yield shown
