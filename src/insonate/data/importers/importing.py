"""From a source to a dataset: one size, one split, one shard after the other."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from insonate.data.importers.source import Box, Source

__all__ = ["Crop", "Report", "import_source"]

#: auto: to the ultrasound; none: whole images; or a box of pixels.
Crop = Literal["auto", "none"] | Box


@dataclass
class Report:
    """What came of an import.

    Attributes:
        frames: that are in the dataset.
        skipped: how many are not, by reason.
        notes: what else should be known, a line each.
    """

    frames: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def import_source(
    source: Source,
    where: str | os.PathLike[str],
    crop: Crop = "auto",
    size: tuple[int, int] | None = None,
    split_by: Literal["frame", "sequence", "patient"] = "patient",
    shares: tuple[float, ...] = (0.8, 0.1, 0.1),
    seed: int = 0,
    licence: str = "",
    provenance: str = "",
    shard: int = 64,
) -> Report:
    """Write every frame of a source into a new dataset.

    Raises:
        InputError: nothing can be used, or the dataset cannot be written.
    """
    raise NotImplementedError
