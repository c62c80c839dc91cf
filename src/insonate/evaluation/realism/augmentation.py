"""Gray values changed at random, so that a network learns shapes and not a machine's knobs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from insonate.data.batches import Chance

__all__ = ["augmented"]

#: Ranges of gamma, on a logarithmic scale, of gain and of offset [share of white].
GAMMA, GAIN, OFFSET = (0.5, 2.0), (0.6, 1.5), (-0.1, 0.15)
#: Most noise, fine and coarse, in standard deviations [share of white], and blur [pixels].
NOISE, SPECKLE, BLUR = 0.08, 0.15, 2.0


def augmented(images: Tensor, mask: Tensor, chance: Chance) -> Tensor:
    """Images with another gamma, gain, offset, speckle, blur and noise each; black stays outside.

    Args:
        images: `(batch, 1, rows, columns)` in [-1, 1].
        mask: of the same shape, 1 where there is content.
        chance: random numbers of these samples.
    """
    knobs = chance.uniform(images.new_empty(len(images), 6))[:, :, None, None, None]
    gray = ((images + 1.0) / 2.0).clamp(0.0, 1.0)
    gray = gray ** (GAMMA[0] * (GAMMA[1] / GAMMA[0]) ** knobs[:, 0])
    gray = gray * _between(GAIN, knobs[:, 1]) + _between(OFFSET, knobs[:, 2])
    gray = gray * (1.0 + SPECKLE * knobs[:, 3] * _coarse(chance.normal(images)))
    gray = torch.stack(
        [_blurred(one, BLUR * float(by)) for one, by in zip(gray, knobs[:, 4], strict=True)]
    )
    gray = gray + NOISE * knobs[:, 5] * chance.normal(images)
    return torch.where(mask > 0, 2.0 * gray.clamp(0.0, 1.0) - 1.0, -1.0)


def _between(limits: tuple[float, float], share: Tensor) -> Tensor:
    return limits[0] + (limits[1] - limits[0]) * share


def _coarse(noise: Tensor) -> Tensor:
    """Noise with grains of 3 pixels, of about standard deviation 1."""
    return 3.0 * functional.avg_pool2d(noise, 3, 1, 1)


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """An image `(1, rows, columns)` under a Gaussian window [pixels]."""
    if sigma < 0.3:  # narrower than a pixel sees
        return image
    reach = int(3.0 * sigma + 0.5)
    at = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    taps = torch.exp(-0.5 * (at / sigma) ** 2)
    taps = taps / taps.sum()
    wide = functional.pad(image[None], (reach, reach, reach, reach), mode="replicate")
    return functional.conv2d(
        functional.conv2d(wide, taps[None, None, :, None]), taps[None, None, None, :]
    )[0]
