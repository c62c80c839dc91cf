"""Small simulated and real datasets with known content, sweeps, and runs that learned of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from evaluated import COLUMNS, ROWS, make_pairs, tiny
from scipy import ndimage

from insonate.data.dataset import Attributes, Layout, create
from insonate.methods import ConPresConfig, CUTConfig
from insonate.recipe import train

FRAMES = 30  # ten of which test


def gray(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def real_frame(k, rows=ROWS, columns=COLUMNS):
    """Bright, coarse speckle in a wide fan with a black box, which the mask leaves out."""
    rng = np.random.default_rng((7, k))
    y, x = np.mgrid[:rows, :columns]
    mask = (np.abs(x - columns / 2) < 30 + 0.2 * y).astype(np.uint8)
    mask[: rows // 8, : columns // 3] = 0
    grain = ndimage.gaussian_filter(rng.standard_normal((rows, columns)), 1.5)
    return {"bmode": gray(140.0 + 50.0 * grain / grain.std()) * mask, "mask": mask}


def make_real(where, count=FRAMES, size=(ROWS, COLUMNS), patients=None, frame=real_frame):
    """Half of the frames train, a sixth is validation, the others test."""
    about = Attributes(provenance="Real <b>heads</b>", licence="CC BY 4.0")
    layout = Layout(count, *size, ("bmode", "mask"), shard=8)
    with create(where, layout, about) as writer:
        for block in range(layout.blocks):
            samples = []
            for k in layout.block(block):
                split = 0 if k < count * 0.5 else 1 if k < count * 0.66 else 2
                patient = -1 if patients is None else patients(k)
                samples.append({**frame(k, *size), "split": split, "patient": patient, "seed": k})
            writer.write(block, samples)
    return str(where)


def make_simulated(where, count=FRAMES, **about):
    return make_pairs(where, count, **about)


def make_sweep(where, frames=4, sequences=2):
    """Tissue that moves to the right by a pixel a frame, in a fan that stays."""
    layout = Layout(frames * sequences, ROWS, COLUMNS, ("bmode", "labels", "mask"), shard=4)
    samples = [_moved(k // frames, k % frames) for k in range(frames * sequences)]
    with create(where, layout, Attributes(regions=("outside", "tissue"))) as writer:
        for block in range(layout.blocks):
            writer.write(block, [samples[k] for k in layout.block(block)])
    return str(where)


def _moved(sequence, step):
    rng = np.random.default_rng((3, sequence))
    wide = ndimage.gaussian_filter(rng.standard_normal((ROWS, COLUMNS + 20)), 2.0)
    image = gray(120.0 + 40.0 * wide[:, 10 - step : 10 - step + COLUMNS] / wide.std())
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[6:-6, 10:-10] = 1
    return {"bmode": image * mask, "labels": mask, "mask": mask, "sequence": sequence,
            "split": 2, "patient": sequence, "seed": step}  # fmt: skip


def train_unpaired(simulated, real, out, method=None):
    """A run of two steps that learned from both."""
    recipe = tiny()
    batches = replace(recipe.batches, size=1, crop=32)
    method = method or CUTConfig(width=4, blocks=1, discriminator_width=4,
                                 discriminator_layers=1, places=8, projection_width=4)  # fmt: skip
    recipe = replace(recipe, method=method, batches=batches)
    return Path(train(recipe, simulated, Path(out), real, silent=True))


def small_conpres():
    return ConPresConfig(width=4, blocks=1, discriminator_width=4, discriminator_layers=2,
                         side=32, places=8, projection_width=4)  # fmt: skip
