"""Adversarial losses: of scores, patches and batch alike; all in 32 bits."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

__all__ = ["GANLoss", "discriminator_loss", "generator_loss"]

#: `bce`: scores are logits, and the generator's loss does not saturate; `lsgan`: least squares.
GANLoss = Literal["bce", "lsgan"]


def discriminator_loss(kind: GANLoss, real: Tensor, fake: Tensor) -> Tensor:
    """What a discriminator learns from: real images are 1, translated ones 0.

    Half the sum of both, so that it learns as fast as the generator (Isola et al. 2017).

    Args:
        kind: of loss.
        real: scores of any shape.
        fake: scores of any shape.
    """
    real, fake = real.float(), fake.float()
    if kind == "bce":
        return 0.5 * (softplus(-real).mean() + softplus(fake).mean())
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def generator_loss(kind: GANLoss, fake: Tensor) -> Tensor:
    """What a generator learns from: its images should be taken for real.

    Args:
        kind: of loss.
        fake: scores of any shape.
    """
    fake = fake.float()
    return softplus(-fake).mean() if kind == "bce" else (fake - 1).square().mean()
