"""Fully developed speckle: the magnitude of a smoothed complex Gaussian field."""

import numpy as np
import torch
from scipy import ndimage


def speckle(side=128, sigma=1.0, seed=0):
    """Envelope `(side, side)` with mean power 1."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((2, side, side))
    if sigma:
        parts = ndimage.gaussian_filter(parts, (0, sigma, sigma), mode="wrap")
    envelope = np.hypot(*parts)
    return envelope / np.sqrt(np.mean(envelope**2))


def gray(side=128, sigma=1.0, seed=0, count=1):
    """Gray levels `(count, side, side)`, whole numbers."""
    fields = [speckle(side, sigma, seed + k) for k in range(count)]
    return torch.tensor(np.clip(60.0 * np.stack(fields), 0, 255).round())
