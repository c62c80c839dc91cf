"""Whether candidates differ by more than chance: every one against every other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insonate.evaluation.measures import Measure
from insonate.metrics import holm, wilcoxon

__all__ = ["Difference", "differences", "frame_means"]

Values = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Difference:
    """A paired Wilcoxon signed-rank test of two candidates, two-sided.

    Attributes:
        measure: name of it.
        by: what a pair is: a patch, as in the paper, or a frame. Patches of a frame are not
            independent of each other, so the test by frames is the sounder one.
        first: name of a candidate.
        second: name of another.
        p: of the test alone.
        holm: p corrected for all pairs of candidates in this measure.
        effect: matched-pairs rank biserial correlation, 1 if the first is better everywhere.
        pairs: that differ.
        difference: mean of the first minus that of the second, in the measure's own unit.
    """

    measure: str
    by: Literal["patch", "frame"]
    first: str
    second: str
    p: float
    holm: float
    effect: float
    pairs: int
    difference: float

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return dataclasses.asdict(self)


def differences(
    measure: Measure, values: Values, by: Literal["patch", "frame"]
) -> list[Difference]:
    """Every pair of candidates, in their order.

    Args:
        measure: that was taken.
        values: by candidate, `(n,)` of the same patches or frames; those with NaN in one of
            two candidates are left out.
        by: what they are of.
    """
    tested = []
    for first, second in itertools.combinations(values, 2):
        a, b = values[first], values[second]
        both = np.isfinite(a) & np.isfinite(b)
        if both.any():
            tested.append((first, second, a[both], b[both]))
    tests = [wilcoxon(measure.goodness(a), measure.goodness(b)) for _, _, a, b in tested]
    corrected = holm([test.p for test in tests])
    return [
        Difference(
            measure.name, by, first, second, test.p, p, test.effect, test.pairs,
            float(a.mean() - b.mean()),
        )
        for (first, second, a, b), test, p in zip(tested, tests, corrected, strict=True)
    ]  # fmt: skip


def frame_means(values: NDArray[np.float64], frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean over the patches of every frame, in the order of the frames' numbers.

    Args:
        values: of patches `(patches,)`, in any unit.
        frames: number of the frame of each `(patches,)`.
    """
    _, group = np.unique(frames, return_inverse=True)
    return np.bincount(group, weights=values) / np.bincount(group)
