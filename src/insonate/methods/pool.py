"""A pool of translated images, so that a discriminator does not forget what it has seen.

Shrivastava et al. 2017; CycleGAN keeps 50 (Zhu et al. 2017, section 4). Where several ranks train
together, each shows its own new images or older ones of its copy of the pool; after the step the
loop gives all of them the first rank's copy, so that what is kept are images of that rank alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from insonate.data.batches import Chance

__all__ = ["exchanged", "pool_of"]

_KEPT = 0.5  # probability that a new image is shown, and not one of the pool


def pool_of(method: nn.Module, name: str, size: int, images: Tensor) -> Tensor:
    """A method's pool, a buffer of it, so that checkpoints hold it; empty when it is made.

    Args:
        method: whose pool it is.
        name: of the buffer.
        size: images that it holds.
        images: of the kind that it is to hold, `(batch, channels, rows, columns)`.

    Returns:
        `(size, channels, rows, columns)`.
    """
    if name not in dict(method.named_buffers(recurse=False)):
        method.register_buffer(name, images.new_zeros((size, *images.shape[1:])))
    return method.get_buffer(name)


@torch.no_grad()
def exchanged(pool: Tensor, images: Tensor, chance: Chance) -> Tensor:
    """What a discriminator is shown of new images; the pool is changed in place.

    The first images fill the pool and are shown. After that one half of them is shown, and
    the other half takes the place of images of the pool, which are shown instead. How far the
    pool is filled follows from the step.

    Args:
        pool: `(size, channels, rows, columns)`; one of size 0 keeps nothing.
        images: new ones, `(batch, channels, rows, columns)`.
        chance: of their batch.

    Returns:
        Images without gradients, of the shape of the new ones.
    """
    shown, before = images.detach().clone(), chance.step * len(images)
    every = chance.first + len(images)  # however ranks share a batch, a sample has its numbers
    drawn = chance.shared().random((every, 2))[chance.first :]
    for number, (choice, place) in enumerate(drawn):
        if before + number < len(pool):
            pool[before + number] = shown[number]
        elif len(pool) and choice >= _KEPT:
            slot = int(place * len(pool))
            new = shown[number].clone()
            shown[number] = pool[slot]
            pool[slot] = new
    return shown
