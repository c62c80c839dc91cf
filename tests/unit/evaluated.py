"""A small dataset of pairs with known content, and runs that learned from it."""

from dataclasses import replace

import numpy as np

from insonate.data.batches import BatchSettings
from insonate.data.dataset import Attributes, Layout, create
from insonate.methods import L2HConfig
from insonate.recipe import Recipe, train
from insonate.training import TrainingSettings

REGIONS = ("outside", "tissue", "cyst", "bone")
ROWS, COLUMNS = 64, 80
IMAGES = ("bmode", "bmode_fast", "labels", "attenuation", "shadow", "mask")


def pair(k, rows=ROWS, columns=COLUMNS):
    """Tissue with a dark cyst and a bright bone that casts a shadow, in a fan; speckle by hash."""
    rng = np.random.default_rng(k)
    y, x = np.mgrid[:rows, :columns]
    mask = (np.abs(x - columns / 2) < 12 + 0.5 * y).astype(np.uint8)
    labels = np.ones((rows, columns), np.uint8)
    labels[(y - 20) ** 2 + (x - 30 - k % 5) ** 2 < 64] = 2
    labels[38:42, 44:58] = 3
    shadow = np.where((y >= 42) & (x >= 44) & (x < 58), 230, 20).astype(np.uint8)
    level = np.array([0.0, 120.0, 30.0, 220.0])[labels] * np.where(shadow > 128, 0.1, 1.0)
    fine = level * rng.rayleigh(0.8, (rows, columns))
    fast = level * rng.rayleigh(0.8, (rows, columns)) + 0.3 * (shadow > 128) * 60.0
    return {
        "bmode": _gray(fine) * mask,
        "bmode_fast": _gray(fast) * mask,
        "labels": labels * mask,
        "attenuation": np.where(shadow > 128, 0, 200 - 2 * y).astype(np.uint8) * mask,
        "shadow": shadow * mask,
        "mask": mask,
    }


def _gray(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def make_pairs(where, count=12, images=IMAGES, size=(ROWS, COLUMNS), **about):
    """Frames of six sequences; two thirds train, then one validation, the rest test."""
    said = {"regions": REGIONS, "licence": "CC0", "provenance": "made"} | about
    layout = Layout(count, *size, images, shard=4)
    with create(where, layout, Attributes(**said)) as writer:
        for block in range(layout.blocks):
            writer.write(block, [_stored(k, count, images, size) for k in layout.block(block)])
    return str(where)


def _stored(k, count, images, size):
    arrays = {name: array for name, array in pair(k, *size).items() if name in images}
    share = k / count
    return arrays | {
        "pose": np.eye(4), "spacing": [0.5, 0.5], "origin": [0.0, 0.0], "patient": k // 2,
        "sequence": k // 2, "plane": -1, "split": 0 if share < 0.5 else 1 if share < 0.66 else 2,
        "seed": k, "metadata": {"display": {"dynamic_range": 50.0}},
    }  # fmt: skip


def tiny(inputs="M", **changes):
    """A recipe that is done in no time."""
    method = L2HConfig(inputs=inputs, width=4, downs=3, gan=False)
    training = TrainingSettings(
        steps=2, log_every=1, validate_every=2, checkpoint_every=2, validation_frames=1
    )
    batches = BatchSettings(size=2, crop=32, workers=0)
    return replace(Recipe(method, batches, training), **changes)


def make_run(data, out, inputs="M", **changes):
    """A run of two steps."""
    return train(tiny(inputs, **changes), str(data), out, silent=True)
