"""Runs with random weights, a method that says what it sees, and arrays to translate."""

from pathlib import Path

import numpy as np
import torch

from insonate.methods import BridgeConfig, L2HConfig, Method
from insonate.recipe import Recipe, Run

REGIONS = ("outside", "liver", "kidney")
SMALL = {"width": 4, "downs": 4, "discriminator_width": 4, "discriminator_layers": 2}
CONFIGS = {
    "M": L2HConfig(**SMALL, inputs="M"),
    "MSA": L2HConfig(**SMALL),
    "bridge": BridgeConfig(widths=(8, 8), steps=2),
}


def random_run(config="MSA", folder="runs/mine", seed=0):
    """A run that has learned nothing: its weights are random, none is zero."""
    config = CONFIGS[config] if isinstance(config, str) else config
    torch.manual_seed(seed)
    method = config.build(len(REGIONS))
    with torch.no_grad():
        for weights in method.parameters():
            weights.normal_(0.0, 0.1)
    return Run(Recipe(method=config), method.eval(), REGIONS, 70, Path(folder))


class Seeing(Method):
    """Adds 0.1 to the image, and keeps the batches that it was given."""

    inputs, target, stride, adam = ("bmode_fast", "mask", "labels"), "bmode", 16, {}
    generators = ()

    def __init__(self):
        super().__init__()
        self.seen = []

    def losses(self, batch):
        yield from ()

    def translate(self, batch):
        self.seen.append(batch)
        return batch["bmode_fast"] + 0.1


def seeing_run():
    return Run(Recipe(method=CONFIGS["M"]), Seeing(), REGIONS, 7, Path("runs/seeing"))


def arrays(count=2, rows=40, columns=50, seed=0):
    """As a dataset gives them, stacked; the first three columns are outside the fan."""
    rng = np.random.default_rng(seed)
    mask = np.ones((count, 1, rows, columns), np.float32)
    mask[..., :3] = 0.0
    image = rng.uniform(-1.0, 1.0, mask.shape).astype(np.float32)
    return {
        "bmode_fast": np.where(mask > 0, image, np.float32(-1.0)),
        "mask": mask,
        "labels": rng.integers(0, len(REGIONS), (count, rows, columns)) * (mask[:, 0] > 0),
        "attenuation": rng.random(mask.shape, np.float32) * mask,
    }
