"""Pairs to train on, a method with two small networks, and recipes of a few steps."""

import numpy as np
import torch
from torch import nn

from insonate.config import from_plain
from insonate.data.batches import Batches, BatchSettings, open_split
from insonate.data.dataset import Attributes, Layout, create
from insonate.methods import METHODS, Adam
from insonate.recipe import Recipe
from insonate.training import TrainingSettings
from insonate.training.loop import Loop

ROWS, COLUMNS = 40, 48
ARRAYS = ("bmode", "bmode_fast", "labels", "attenuation", "shadow", "mask")

#: Every method, as small as it can be.
TINY = {
    "l2h": {"name": "l2h", "width": 4, "downs": 5, "discriminator_width": 4,
            "discriminator_layers": 2},
    "bridge": {"name": "bridge", "widths": [8, 8], "blocks": 1, "steps": 2},
    "cut": {"name": "cut", "width": 4, "blocks": 1, "discriminator_width": 4,
            "discriminator_layers": 2, "projection_width": 8, "places": 16},
    "conpres": {"name": "conpres", "width": 4, "blocks": 1, "discriminator_width": 4,
                "discriminator_layers": 2, "projection_width": 8, "places": 16, "side": 32},
    "cyclegan": {"name": "cyclegan", "width": 4, "blocks": 1, "discriminator_width": 4,
                 "discriminator_layers": 2, "pool": 5},
    "stargan": {"name": "stargan", "width": 4, "blocks": 1, "discriminator_width": 4,
                "discriminator_layers": 2, "side": 32, "n_critic": 2},
    "sasan": {"name": "sasan", "width": 4, "attention_width": 4, "discriminator_width": 4,
              "pretrain_steps": 2},
    "unsb": {"name": "unsb", "width": 4, "blocks": 1, "discriminator_width": 4,
             "discriminator_layers": 2, "projection_width": 8, "places": 16, "times": 3,
             "steps": 2},
}  # fmt: skip
#: Those that learn from real images, which are not paired.
with torch.device("meta"):
    UNPAIRED = tuple(name for name in TINY if METHODS[name]().build(2).real)


def pair(k, rows=ROWS, columns=COLUMNS):
    """A disc in speckle; the fast image has other speckle."""
    rng = np.random.default_rng(k)
    row, column = np.mgrid[:rows, :columns]
    labels = ((row - 20) ** 2 + (column - 15 - k) ** 2 < 80).astype(np.uint8)
    mask = (column > 3).astype(np.uint8)
    fine, fast = (rng.rayleigh(40.0 + 60.0 * labels) for _ in range(2))
    images = {"bmode": fine, "bmode_fast": 0.7 * fast, "attenuation": 255.0 * 0.97**row,
              "shadow": 255.0 * 0.9**row}  # fmt: skip
    sample = {name: (np.clip(a, 0, 255) * mask).astype(np.uint8) for name, a in images.items()}
    split = {8: 1, 9: 1, 10: 2, 11: 2}.get(k, 0)
    return sample | {"labels": labels, "mask": mask, "split": split, "patient": k // 2, "seed": k}


def make_pairs(where, arrays=ARRAYS, frames=12):
    """Eight frames that train, two of validation, two of test."""
    about = Attributes(regions=("outside", "disc"))
    layout = Layout(frames, ROWS, COLUMNS, arrays, shard=4)
    kept = (*arrays, "split", "patient", "seed")
    with create(where, layout, about) as writer:
        for block in range(layout.blocks):
            samples = [pair(k) for k in layout.block(block)]
            writer.write(block, [{name: s[name] for name in kept} for s in samples])
    return str(where)


def make_real(where, frames=10):
    """Images of another look, with a box that hides text; no labels."""
    layout = Layout(frames, ROWS, COLUMNS, ("bmode", "mask"), shard=2)
    with create(where, layout, Attributes()) as writer:
        for block in range(layout.blocks):
            writer.write(block, [real(k) for k in layout.block(block)])
    return str(where)


def real(k):
    rng = np.random.default_rng((k, 1))
    mask = np.ones((ROWS, COLUMNS), np.uint8)
    mask[30:, 36:] = 0
    image = np.clip(rng.normal(120.0, 30.0, (ROWS, COLUMNS)), 0, 255) * mask
    split = {6: 1, 7: 1, 8: 2, 9: 2}.get(k, 0)
    return {"bmode": image.astype(np.uint8), "mask": mask, "split": split, "seed": k}


def tiny_recipe(method="l2h", training=None, batches=None):
    """Six steps of two samples, a checkpoint after three."""
    every = {"log_every": 2, "validate_every": 3, "checkpoint_every": 3, "validation_frames": 2}
    plain = {
        "method": TINY[method] if isinstance(method, str) else method,
        "batches": {"size": 2, "crop": 32, "workers": 0} | (batches or {}),
        "training": {"steps": 6, "ema": 0.9, **every} | (training or {}),
    }
    return from_plain(Recipe, plain)


class Toy(nn.Module):
    """A generator g and a critic c of one weight each: L_c = c g - c, L_g = -c g."""

    inputs, target, generators, stride = ("bmode_fast",), "bmode", ("generator",), 4
    real, draws, window = (), 1, None

    def __init__(self, lr=0.1):
        super().__init__()
        self.generator, self.critic = (nn.Linear(1, 1, bias=False) for _ in range(2))
        with torch.no_grad():
            self.generator.weight.fill_(2.0)
            self.critic.weight.fill_(3.0)
        self.adam = {"critic": Adam(lr=lr), "generator": Adam(lr=lr)}
        self.seen = []  # the critic's weight when the generator's loss is computed

    @property
    def needs(self):
        return (*self.inputs, self.target)

    def losses(self, batch):
        g = self.generator(torch.ones(1, 1)).sum()
        c = self.critic(torch.ones(1, 1)).sum()
        yield "critic", {"real": -c, "fake": c * g.detach()}
        c = self.critic(torch.ones(1, 1)).sum()
        self.seen.append(c.item())
        yield "generator", {"gan": -c * g}

    def translate(self, batch):
        return self.generator.weight * batch["bmode_fast"]


class Fit(Toy):
    """Fits what it sees, and noise, so that every sample and every random number matters."""

    def losses(self, batch):
        gray = batch["bmode_fast"].mean(dim=(1, 2, 3))
        yield "generator", {"fit": (self.generator(gray[:, None]) - 1).square().mean()}
        noise = batch.chance.normal(gray)
        yield "critic", {"fit": (self.critic(noise[:, None]) - 1).square().mean()}


def fitted(data, ranks, steps=5):
    """Weights after some steps; those of the first rank are everybody's."""
    method = Fit(1e-3)
    if ranks.rank:
        method.generator.weight.data.fill_(77.0)
    batches = toy_batches(data, 4, ranks.rank, ranks.count)
    loop = Loop(method, batches, TrainingSettings(), ranks)
    for step in range(steps):
        loop.advance(batches[step])
    return [method.generator.weight.item(), method.critic.weight.item()]


def toy_batches(data, size=2, rank=0, ranks=1):
    dataset = open_split(data, ("bmode_fast", "bmode"), "train")
    return Batches(dataset, BatchSettings(size=size, crop=32, workers=0), 0, rank, ranks)


def tensors(folder, step):
    """Everything in a checkpoint, by file and name."""
    from insonate.training.checkpoint import Checkpoint

    checkpoint = Checkpoint.open(folder / "checkpoints" / f"{step:06d}")
    names = [name.removesuffix(".safetensors") for name in checkpoint.state["sha256"]]
    return {f"{n}/{k}": v for n in names for k, v in checkpoint.load(n).items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert len(one) > 10
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
