"""Patch Kullback-Leibler divergence: whether speckle has the gray levels of the target's."""

from __future__ import annotations

import typing
from typing import Literal

import torch
from torch import Tensor

from insonate.errors import InputError, closest
from insonate.metrics.gray import WHITE, check_pair, matching_mask

__all__ = ["BINS", "PATCH", "EmptyBins", "patch_kl"]

#: What is done about bins that one of the two histograms leaves empty: a count added to every bin
#: of both, or such bins left out of the sum.
EmptyBins = Literal["half", "one", "epsilon_1e-2", "epsilon_1e-5", "epsilon_1e-10", "skip_empty"]

#: Bins of a histogram of 0 to 255, and the side of a patch [pixels] (Zhang et al. 2020).
BINS, PATCH = 50, 32
_ADDED = {
    "half": 0.5,
    "one": 1.0,
    "epsilon_1e-2": 1e-2,
    "epsilon_1e-5": 1e-5,
    "epsilon_1e-10": 1e-10,
    "skip_empty": 0.0,
}


def patch_kl(
    target: Tensor,
    image: Tensor,
    rule: EmptyBins = "half",
    fan: Tensor | None = None,
    fan_only: bool = False,
) -> Tensor:
    """KL(target || image) of the histograms of 32 x 32 patches, averaged over patches.

    The papers print 100 times it. Its size hangs on the rule for empty bins, so values by two
    rules, or of two programs, cannot be compared. Patches do not overlap; what is left over at
    the right and at the bottom is not seen.

    Args:
        target: `(n, rows, columns)`, gray levels 0 to 255; its histogram stands first.
        image: the same shape.
        rule: for empty bins.
        fan: mask of the fan; patches wholly outside count as 0, as both images are black there.
        fan_only: count only patches of which at least half is in the fan.

    Returns:
        `(n,)` float64 [nats].

    Raises:
        InputError: shapes that differ, images smaller than a patch, an unknown rule, `fan_only`
            without a fan, or no patch in the fan.
    """
    if rule not in _ADDED:
        raise InputError(f"rule: {rule!r}; {closest(rule, typing.get_args(EmptyBins))}")
    if fan_only and fan is None:
        raise InputError("fan_only: expected a mask of the fan, got none")
    target, image = check_pair(target, image, smallest=PATCH)
    divergence = _divergence(_histograms(target), _histograms(image), rule)
    if fan is None:
        return divergence.mean(1)
    inside = _patches(matching_mask(fan, image, "fan").double()).mean(2)
    counted = inside >= 0.5 if fan_only else torch.ones_like(inside, dtype=torch.bool)
    if not bool(counted.any(1).all()):
        raise InputError("fan: no patch of 32 x 32 pixels is at least half inside")
    divergence = torch.where(counted & (inside > 0), divergence, torch.zeros_like(divergence))
    return divergence.sum(1) / counted.sum(1)


def _patches(images: Tensor) -> Tensor:
    """Pixels of whole patches, `(n, patches, 32 * 32)`."""
    down, across = images.shape[1] // PATCH, images.shape[2] // PATCH
    cut = images[:, : down * PATCH, : across * PATCH]
    cut = cut.reshape(len(images), down, PATCH, across, PATCH)
    return cut.transpose(2, 3).reshape(len(images), down * across, PATCH * PATCH)


def _histograms(images: Tensor) -> Tensor:
    """Counts of every patch, `(n, patches, bins)`; the last bin holds white too."""
    patches = _patches(images)
    index = (patches * (BINS / WHITE)).floor().clamp(0, BINS - 1).long()
    counts = torch.zeros((*patches.shape[:2], BINS), dtype=torch.float64, device=images.device)
    return counts.scatter_add_(2, index, torch.ones_like(patches))


def _divergence(of: Tensor, by: Tensor, rule: str) -> Tensor:
    """Sum over bins of h_of log(h_of / h_by), `(n, patches)`."""
    p, q = of + _ADDED[rule], by + _ADDED[rule]
    p, q = p / p.sum(2, keepdim=True), q / q.sum(2, keepdim=True)
    both = (p > 0) & (q > 0)
    ratio = torch.where(both, p / torch.where(both, q, torch.ones_like(q)), torch.ones_like(p))
    return (p * ratio.log()).sum(2)
