"""Simulated and real images that do not belong together, as a batch; and a step of a loop."""

import torch

from insonate.data.batches import Batch, Chance

REGIONS = 5


def unpaired_batch(count=2, side=32, step=0, first=0, seed=3):
    """Noise in fans of two shapes: a column is missing of simulated ones, rows of real ones."""
    source = torch.Generator().manual_seed(seed)
    shape = (count, 1, side, side)
    arrays = {
        name: 2 * torch.rand(shape, generator=source) - 1
        for name in ("bmode", "bmode_fast", "real_bmode")
    }
    arrays["mask"], arrays["real_mask"] = torch.ones(shape), torch.ones(shape)
    arrays["mask"][..., : side // 8] = 0
    arrays["real_mask"][:, :, -(side // 4) :] = 0
    arrays["labels"] = torch.randint(0, REGIONS, (count, side, side), generator=source)
    return Batch(arrays, Chance(0, step, first))


def part(batch, places, first):
    """Some samples of a batch, as another rank has them."""
    arrays = {name: array[places] for name, array in batch.arrays.items()}
    return Batch(arrays, Chance(batch.chance.seed, batch.chance.step, first))


def advance(method, optimisers, batch):
    """A step as the loop does it."""
    for names, terms in method.losses(batch):
        names = (names,) if isinstance(names, str) else names
        weights = [p for name in names for p in method.get_submodule(name).parameters()]
        for weight in weights:
            weight.grad = None
        sum(terms.values()).backward(inputs=weights)
        for name in names:
            optimisers[name].step()


def optimisers_of(method):
    return {
        name: torch.optim.Adam(network.parameters(), method.adam[name].lr, method.adam[name].betas)
        for name, network in method.named_children()
    }
