"""Labels of many regions as a few classes that a small network can tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Attributes
from insonate.errors import InputError

__all__ = ["BACKGROUND", "IGNORED", "Grouping", "group_labels"]

#: Label of what is no part of the scene, and the class of pixels that do not count.
BACKGROUND, IGNORED = 0, 255
#: Classes and the parts of names of tissues that make one of theirs; the first that fits counts.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fluid", ("fluid", "blood", "csf", "urine", "water", "bile", "gel", "anechoic", "cyst")),
    ("bone", ("bone", "skull", "spine", "rib", "femur")),
    ("brain", ("brain", "choroid")),
    ("fat", ("fat",)),
)
OTHER = "other tissue"
#: Least share of labelled pixels that makes a class of its own.
LEAST = 0.002
#: Most classes where names of tissues tell nothing, and labels stand for themselves.
MOST = 8


@dataclass(frozen=True)
class Grouping:
    """Classes of labels.

    Attributes:
        names: of the classes.
        table: class of every label `(256,)`, 255 for those that do not count.
    """

    names: tuple[str, ...]
    table: NDArray[np.uint8]

    def classes(self, labels: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Class of every pixel, of labels of the same shape."""
        return self.table[labels]


def group_labels(attributes: Attributes, counts: NDArray[np.integer], where: str) -> Grouping:
    """Classes by what names of tissues say: fluid, bone, brain, fat, other.

    Classes that hardly come are joined to the others. Where names tell of one class only, the
    most frequent labels are classes themselves.

    Args:
        attributes: of the dataset.
        counts: pixels of every label in the frames that the classes are for, `(256,)`.
        where: the dataset, for errors.

    Raises:
        InputError: fewer than two regions, or labels without a region.
    """
    regions = attributes.regions
    unknown = np.flatnonzero(counts[len(regions) :]) + len(regions)
    if len(unknown):
        raise InputError(
            f"{where}: label {unknown[0]} has no region; expected 0 to {len(regions) - 1}"
        )
    counts = counts.copy()
    counts[BACKGROUND] = 0
    if attributes.unlabelled is not None:
        counts[attributes.unlabelled] = 0
    present = np.flatnonzero(counts)
    if len(present) < 2:
        raise InputError(
            f"{where}: {len(present)} regions in the frames that train; a segmenter needs 2"
        )
    told = {int(k): _group(attributes.tissues.get(regions[k], regions[k])) for k in present}
    kept = _frequent(told, counts)
    if len(kept) < 2:
        most = present[np.argsort(-counts[present], kind="stable")][:MOST]
        told = {int(k): regions[k] if k in most else OTHER for k in present}
        kept = [name for name in dict.fromkeys(told.values())]
    return _made(told, kept)


def _group(tissue: str) -> str:
    lower = tissue.lower()
    return next((name for name, parts in GROUPS if any(p in lower for p in parts)), OTHER)


def _frequent(told: dict[int, str], counts: NDArray[np.integer]) -> list[str]:
    """Names of the classes that have enough pixels, in the order of the table."""
    total = counts.sum()
    share = {
        name: sum(counts[k] for k, group in told.items() if group == name) / total
        for name in (*(name for name, _ in GROUPS), OTHER)
    }
    return [name for name, of in share.items() if of >= LEAST]


def _made(told: dict[int, str], kept: list[str]) -> Grouping:
    if any(name not in kept for name in told.values()) and OTHER not in kept:
        kept = [*kept, OTHER]
    table = np.full(256, IGNORED, np.uint8)
    for label, name in told.items():
        table[label] = kept.index(name if name in kept else OTHER)
    return Grouping(tuple(kept), table)
