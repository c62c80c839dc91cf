"""Pictures for tests of the importers, and what comes of them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from insonate.data.dataset import Dataset
from insonate.data.importers import Options, import_source, open_source

NOISE = np.random.default_rng(0).integers(1, 255, (60, 80)).astype(np.uint8)


def save(path, image=NOISE, **options):
    """Write a picture, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(image)).save(path, **options)
    return path


def bring(folder, out, options=None, **given):
    """Import a folder: the report, and the dataset."""
    report = import_source(open_source(folder, options or Options()), out, **given)
    return report, Dataset(out)
