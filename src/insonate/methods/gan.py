"""Adversarial losses: of scores, patches and batch alike; all in 32 bits."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

__all__ = ["GANLoss", "discriminator_loss", "generator_loss", "mean_within"]

#: `bce`: scores are logits, and the generator's loss does not saturate; `lsgan`: least squares.
GANLoss = Literal["bce", "lsgan"]


def discriminator_loss(
    kind: GANLoss, real: Tensor, fake: Tensor, weights: Tensor | None = None
) -> Tensor:
    """What a discriminator learns from: real images are 1, translated ones 0.

    Half the sum of both, so that it learns as fast as the generator (Isola et al. 2017).

    Args:
        kind: of loss.
        real: scores of any shape.
        fake: scores of any shape.
        weights: of both, 1 where they count; all do when None.
    """
    right, wrong = _as_real(kind, real.float()), _as_fake(kind, fake.float())
    return 0.5 * (mean_within(right, weights) + mean_within(wrong, weights))


def generator_loss(kind: GANLoss, fake: Tensor, weights: Tensor | None = None) -> Tensor:
    """What a generator learns from: its images should be taken for real.

    Args:
        kind: of loss.
        fake: scores of any shape.
        weights: 1 where scores count; all do when None.
    """
    return mean_within(_as_real(kind, fake.float()), weights)


def _as_real(kind: GANLoss, scores: Tensor) -> Tensor:
    return softplus(-scores) if kind == "bce" else (scores - 1).square()


def _as_fake(kind: GANLoss, scores: Tensor) -> Tensor:
    return softplus(scores) if kind == "bce" else scores.square()


def mean_within(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean of values, or of those with a weight of 1; 0 if there are none.

    Args:
        values: of any shape.
        weights: of a shape that can be expanded to that of the values.
    """
    values = values.float()
    if weights is None:
        return values.mean()
    weights = torch.broadcast_to(weights.float(), values.shape)
    return (values * weights).sum() / weights.sum().clamp(min=1)
