"""What a generator of pairs sees: the low-quality image, and what the simulator knows besides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from insonate.data.batches import Batch

__all__ = [
    "Attenuation", "Conditions", "Inputs", "LabelEncoding", "black_outside", "gray_labels",
    "region_channels",
]  # fmt: skip

#: Image and mask; labels as well; integral attenuation as well.
Inputs = Literal["M", "MS", "MSA"]
#: Labels as one channel, region k of K being -1 + 2k/(K-1); or as one channel a region.
LabelEncoding = Literal["gray", "onehot"]
#: Intensity as it is; as a level in dB, down to the smallest that 8 bits keep; or the shadow map.
Attenuation = Literal["linear", "level", "shadow"]

_SMALLEST = 1 / 255  # intensity that 8 bits keep


def black_outside(images: Tensor, mask: Tensor) -> Tensor:
    """Images in [-1, 1] with -1 outside the fan: m x + (1 - m) (-1).

    Args:
        images: `(batch, channels, rows, columns)`.
        mask: `(batch, 1, rows, columns)`, 1 in the fan, 0 outside.
    """
    return mask * (images.float() + 1) - 1


def gray_labels(labels: Tensor, classes: int) -> Tensor:
    """Region k of K as the gray level -1 + 2k/(K-1), `(batch, 1, rows, columns)`.

    Args:
        labels: `(batch, rows, columns)`.
        classes: K.
    """
    return -1 + 2 * labels[:, None] / max(classes - 1, 1)


def region_channels(labels: Tensor, classes: int) -> Tensor:
    """A channel a region, 1 where it is and -1 elsewhere, `(batch, classes, rows, columns)`.

    Args:
        labels: `(batch, rows, columns)`.
        classes: how many regions there are.
    """
    regions = torch.arange(classes, device=labels.device)[:, None, None]
    return 2.0 * (labels[:, None] == regions) - 1


@dataclass(frozen=True)
class Conditions:
    """The channels (x, m, s, a) of Zhang et al. 2020, in [-1, 1], -1 outside the fan.

    Attributes:
        inputs: which of them.
        classes: regions that labels tell apart.
        labels: how they are written.
        attenuation: how it is written.
    """

    inputs: Inputs
    classes: int
    labels: LabelEncoding = "gray"
    attenuation: Attenuation = "linear"

    @property
    def arrays(self) -> tuple[str, ...]:
        """Arrays of a batch that are needed."""
        names = ("bmode_fast", "mask")
        names += ("labels",) if "S" in self.inputs else ()
        return names + ((self._absorbed,) if "A" in self.inputs else ())

    @property
    def channels(self) -> int:
        """How many channels there are."""
        of_labels = self.classes if self.labels == "onehot" else 1
        return 2 + of_labels * ("S" in self.inputs) + ("A" in self.inputs)

    def __call__(self, batch: Batch) -> Tensor:
        """Channels of a batch, `(batch, channels, rows, columns)`."""
        image, mask = batch["bmode_fast"], batch["mask"]
        channels = [image, 2 * mask - 1]
        if "S" in self.inputs:
            encode = gray_labels if self.labels == "gray" else region_channels
            channels.append(encode(batch["labels"], self.classes))
        if "A" in self.inputs:
            channels.append(self._attenuated(batch[self._absorbed]))
        return black_outside(torch.cat(channels, dim=1), mask)

    @property
    def _absorbed(self) -> str:
        return "shadow" if self.attenuation == "shadow" else "attenuation"

    def _attenuated(self, attenuation: Tensor) -> Tensor:
        if self.attenuation == "level":
            attenuation = 1 - attenuation.clamp(min=_SMALLEST).log() / math.log(_SMALLEST)
        return 2 * attenuation - 1
