"""Simulated, real and semantic images: what methods learn from when nothing is paired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional

from insonate.data.batches import REAL, Batch
from insonate.errors import InputError
from insonate.methods.conditions import black_outside, gray_labels
from insonate.methods.method import Method

__all__ = [
    "DOMAINS", "WAYS", "Domain", "Images", "Masks", "Source", "UnpairedMethod", "Way", "weights_of",
]  # fmt: skip

#: The classes A, B and S of Tomar et al. 2021, in this order.
Domain = Literal["simulated", "real", "semantic"]
DOMAINS: tuple[Domain, ...] = ("simulated", "real", "semantic")
#: From a domain to another.
Way = tuple[Domain, Domain]
#: Between all three; the first is what methods are for.
WAYS: tuple[Way, ...] = (
    ("simulated", "real"), ("semantic", "real"), ("semantic", "simulated"),
    ("simulated", "semantic"), ("real", "simulated"), ("real", "semantic"),
)  # fmt: skip
#: Which image of the simulator is the simulated one.
Source = Literal["bmode", "bmode_fast"]
#: What a discriminator sees of real and translated images: their content within both masks, so
#: that it cannot tell them by the shape of the fan (joint), or all of them (none).
Masks = Literal["joint", "none"]

_ENOUGH = 0.5  # of a patch, within the mask, for its score to count


@dataclass(frozen=True)
class Images:
    """Images of one domain.

    Attributes:
        values: `(batch, 1, rows, columns)` in [-1, 1], -1 outside the fan.
        mask: `(batch, 1, rows, columns)`, 1 in the fan, 0 outside and where text was hidden.
        regions: of semantic maps as a channel each, if a method wants them so: `(batch, regions,
            rows, columns)`, 1 where a region is, else -1.
    """

    values: Tensor
    mask: Tensor
    regions: Tensor | None = None


class UnpairedMethod(Method):
    """A method that learns from simulated and real images, and from semantic maps perhaps.

    Args:
        classes: regions that labels tell apart.
        source: the image of the simulator that is translated.
        masks: what discriminators see.
        ways: domains that it translates from and to; the first is its own way.
        semantic: it learns from semantic maps.

    Raises:
        InputError: semantic maps of one region only.
    """

    target = None
    real = ("bmode", "mask")

    def __init__(
        self,
        classes: int,
        source: Source,
        masks: Masks,
        ways: tuple[Way, ...],
        semantic: bool = False,
    ):
        super().__init__()
        self.classes, self.source, self.masks, self.ways = classes, source, masks, ways
        self.semantic = semantic
        if semantic and classes < 2:
            raise InputError("labels: one region only; semantic maps need two or more")
        self.way = ways[0]

    @property
    def inputs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Arrays of a batch that `translate` needs."""
        arrays = {"simulated": self.source, "real": "bmode", "semantic": "labels"}
        return arrays[self.way[0]], "mask"

    @property
    def needs(self) -> tuple[str, ...]:
        """Arrays of the simulated dataset that `losses` needs."""
        return (self.source, "mask", *(("labels",) if self.semantic else ()))

    def turn(self, source: str | None = None, to: str | None = None) -> None:
        """Translate from and to other domains.

        Args:
            source: domain that is translated; simulated, or where that is the target the first
                that can be, when None.
            to: domain that is translated to; real, or the first that can be, when None.

        Raises:
            InputError: it cannot; names the ways it can.
        """
        for way in self.ways:
            if source in (None, way[0]) and to in (None, way[1]):
                self.way = way
                return
        known = ", ".join(f"{a} to {b}" for a, b in self.ways)
        raise InputError(
            f"{type(self).__name__}: does not translate {source or 'anything'} to "
            f"{to or 'anything'}; expected one of {known}"
        )

    def images(self, batch: Batch, domain: Domain) -> Images:
        """Images of a domain, drawn for training."""
        if domain == "real":
            return Images(
                black_outside(batch[REAL + "bmode"], batch[REAL + "mask"]), batch[REAL + "mask"]
            )
        return self._of_simulator(batch, domain)

    def given(self, batch: Batch) -> Images:
        """Images that are to be translated, of the domain that is translated from."""
        if self.way[0] == "real":
            return Images(black_outside(batch["bmode"], batch["mask"]), batch["mask"])
        return self._of_simulator(batch, self.way[0])

    def _of_simulator(self, batch: Batch, domain: Domain) -> Images:
        mask = batch["mask"]
        if domain == "semantic":
            return Images(black_outside(gray_labels(batch["labels"], self.classes), mask), mask)
        return Images(black_outside(batch[self.source], mask), mask)

    def seen(self, real: Images, fake: Images) -> tuple[Tensor, Tensor, Tensor | None]:
        """What a discriminator sees of real and translated images, and where its scores count.

        Returns:
            Real and translated images, and the mask of both, None if all counts.
        """
        if self.masks == "none":
            return real.values, fake.values, None
        both = real.mask * fake.mask
        return black_outside(real.values, both), black_outside(fake.values, both), both


def weights_of(values: Tensor, mask: Tensor | None) -> Tensor | None:
    """Which scores of patches, or features, count: those at least half within the mask.

    Args:
        values: `(batch, channels, rows, columns)`.
        mask: `(batch, 1, more rows, more columns)`, or None if all count.

    Returns:
        1 or 0, `(batch, 1, rows, columns)`.
    """
    if mask is None:
        return None
    size = (values.shape[-2], values.shape[-1])
    return (functional.adaptive_avg_pool2d(mask.float(), size) >= _ENOUGH).float()
