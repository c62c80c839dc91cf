"""The patchwise contrastive loss of CUT (Park et al. 2020), equations 2 and 3 of Tomar et al.

A place s of a translated image is to be more like the same place of its input than like others:

    l(q_s, k_s+, k_s-) = -log(exp(q_s k_s+ / tau) / (exp(q_s k_s+ / tau) + sum exp(q_s k_s- / tau)))

where queries q = H_l(G_enc,l(y^)) and keys k = H_l(G_enc,l(x)) are projected features of layer l.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insonate.methods.domains import weights_of
from insonate.methods.gan import mean_within
from insonate.nets import Projection

__all__ = ["PLACES", "TEMPERATURE", "NCEReduction", "contrastive_loss"]

PLACES, TEMPERATURE = 256, 0.07
#: Over layers and places: a mean as CUT's code has it, or the sum of equation 3.
NCEReduction = Literal["mean", "sum"]


def contrastive_loss(
    projection: Projection,
    queries: Sequence[Tensor],
    keys: Sequence[Tensor],
    chance: np.random.Generator,
    mask: Tensor | None = None,
    places: int = PLACES,
    reduction: NCEReduction = "mean",
) -> Tensor:
    """How well places of translated images tell which place of the input they come from.

    Places are drawn without replacement, the same for all images of a batch; others of the same
    image are negatives. No gradient flows into keys.

    Args:
        projection: of the features.
        queries: features of translated images, `(batch, channels, rows, columns)` each.
        keys: features of their inputs, alike.
        chance: draws the places.
        mask: `(batch, 1, rows, columns)` of the images; places outside of it do not count as
            queries, but stay among the negatives of others.
        places: of every layer, at most.
        reduction: over layers and places.
    """
    losses = []
    for kind, (query, key) in enumerate(zip(queries, keys, strict=True)):
        at = _draw(query, chance, places)
        q, k = projection(kind, _at(query, at)), projection(kind, _at(key.detach(), at)).detach()
        weights = weights_of(query, mask)
        within = None if weights is None else _at(weights, at)[..., 0]
        loss = _told_apart(q, k, within)
        losses.append(loss * len(at) if reduction == "sum" else loss)
    total = torch.stack(losses)
    return total.sum() if reduction == "sum" else total.mean()


def _told_apart(q: Tensor, k: Tensor, within: Tensor | None) -> Tensor:
    """Cross-entropy of places `(batch, places, width)`, a mean over those that count."""
    with torch.autocast(q.device.type, enabled=False):
        logits = q @ k.transpose(1, 2) / TEMPERATURE
    right = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
    losses = functional.cross_entropy(logits.transpose(1, 2), right, reduction="none")
    return mean_within(losses, within)


def _draw(feature: Tensor, chance: np.random.Generator, places: int) -> Tensor:
    count = feature.shape[-2] * feature.shape[-1]
    at = chance.permutation(count)[:places]
    return torch.from_numpy(at).to(feature.device)


def _at(feature: Tensor, at: Tensor) -> Tensor:
    """Vectors at some places, `(batch, places, channels)`."""
    return feature.flatten(2)[:, :, at].transpose(1, 2)
