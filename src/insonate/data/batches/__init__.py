"""Batches of a dataset: which frames, which windows, which random numbers, by seed and step."""

from insonate.data.batches.batch import Batch
from insonate.data.batches.batches import Batches, BatchSettings
from insonate.data.batches.chance import Chance
from insonate.data.batches.padding import Padding, padded
from insonate.data.batches.split import Unit, manifest, open_split
from insonate.data.batches.unpaired import REAL, Feed, Unpaired, real_seed

__all__ = [
    "REAL",
    "Batch",
    "BatchSettings",
    "Batches",
    "Chance",
    "Feed",
    "Padding",
    "Unit",
    "Unpaired",
    "manifest",
    "open_split",
    "padded",
    "real_seed",
]
