"""What SASAN's attention learns from: regions, and maps that do not overlap; and its likeness."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from insonate.methods.gan import mean_within

__all__ = ["dissimilarity", "orthonormality", "region_loss", "soft_dice"]

_WINDOW = 7  # pixels a side
_RIM = _WINDOW // 2
# constants of Wang et al. 2004, for images in [-1, 1]
_C1, _C2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
_SMALL = 1e-7


def dissimilarity(image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute difference and 1 - SSIM, with gradients; windows of 7 x 7, all alike.

    Args:
        image: `(batch, 1, rows, columns)` in [-1, 1].
        target: alike.
        mask: alike, 1 where pixels, and windows by their middle, count; all do when None.
    """
    image, target = image.float(), target.float()
    mean, other = _local_mean(image), _local_mean(target)
    variance = _local_mean(image * image) - mean * mean
    variances = variance + _local_mean(target * target) - other * other
    covariance = _local_mean(image * target) - mean * other
    luminance = (2 * mean * other + _C1) / (mean * mean + other * other + _C1)
    structure = (2 * covariance + _C2) / (variances + _C2)
    middles = None if mask is None else mask[..., _RIM:-_RIM, _RIM:-_RIM]
    unlike = mean_within(1 - luminance * structure, middles)
    return mean_within((image - target).abs(), mask) + unlike


def _local_mean(values: Tensor) -> Tensor:
    return functional.avg_pool2d(values, _WINDOW, 1)


def orthonormality(maps: Tensor) -> Tensor:
    """Mean square of M M^T - 1, where the rows of M are maps of length 1.

    0 if no two maps share a pixel; 1 - 1/n if all n are the same.

    Args:
        maps: `(batch, n, rows, columns)`.
    """
    rows = functional.normalize(maps.float().flatten(2), dim=2, eps=_SMALL)
    with torch.autocast(rows.device.type, enabled=False):
        products = rows @ rows.transpose(1, 2)
    return (products - torch.eye(maps.shape[1], device=maps.device)).square().mean()


def region_loss(logits: Tensor, labels: Tensor, dice: float) -> Tensor:
    """Cross-entropy, where pixels of a region weigh less the more of the image it takes, and Dice.

    The weight of region k, which is a share s_k of a sample, is 1 - s_k.

    Args:
        logits: `(batch, classes, rows, columns)`.
        labels: `(batch, rows, columns)`.
        dice: weight of 1 - Dice.
    """
    logits = logits.float()
    there = functional.one_hot(labels, logits.shape[1]).movedim(-1, 1).float()
    weights = 1 - there.mean(dim=(2, 3))
    crosses = functional.cross_entropy(logits, labels, reduction="none")
    weighted = crosses * weights.gather(1, labels.flatten(1)).view_as(crosses)
    return weighted.mean() + dice * (1 - soft_dice(logits.softmax(dim=1), there)).mean()


def soft_dice(shares: Tensor, there: Tensor) -> Tensor:
    """2 sum(p q) / (sum p + sum q) of every sample, a mean over the regions that it has.

    Args:
        shares: probabilities p `(batch, classes, rows, columns)`.
        there: q, 1 where the region is, alike.

    Returns:
        `(batch,)`, 0 to 1.
    """
    both, each = (shares * there).sum(dim=(2, 3)), (shares + there).sum(dim=(2, 3))
    has = there.amax(dim=(2, 3))
    return (has * 2 * both / (each + _SMALL)).sum(dim=1) / has.sum(dim=1)
