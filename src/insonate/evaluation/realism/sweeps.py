"""Sweeps: consecutive frames, what moves in them, and how steady translations of them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.candidates import Translate
from insonate.evaluation.plan import Progress, stacked
from insonate.evaluation.realism.frames import levels
from insonate.metrics import displacement, flicker

__all__ = ["Sweeps"]

#: Longer sweeps are cut, and no more than so many are measured.
MOST_FRAMES, MOST_SWEEPS = 64, 32


@dataclass(frozen=True)
class _Sweep:
    """Frames of one sequence.

    Attributes:
        indices: of the frames in the dataset.
        fan: where all of them have content `(rows, columns)`.
        simulated: gray levels `(frames, rows, columns)`.
    """

    indices: list[int]
    fan: NDArray[np.bool_]
    simulated: NDArray[np.float64]

    @cached_property
    def shifts(self) -> list[NDArray[np.float64]]:
        """From each frame to the next `(2, rows, columns)` each [pixels]."""
        pairs = zip(self.simulated, self.simulated[1:], strict=False)
        return [displacement(first, second) for first, second in pairs]


class Sweeps:
    """Sequences of a dataset, in the order of their frames.

    Args:
        where: folder or URL of a dataset with sequences.
        arrays: that candidates need, with the image of the simulator.
        source: the image of the simulator.
        batch: frames that are translated at once.

    Raises:
        InputError: no dataset, arrays that are missing, or no sequence of two frames.
    """

    def __init__(self, where: str, arrays: Sequence[str], source: str, batch: int):
        there = Dataset(where, ()).layout.images
        missing = [name for name in (source, *arrays) if name not in (*there, "coordinates")]
        if missing:
            raise InputError(f"{where}: no {', '.join(missing)}; there are {', '.join(there)}")
        masked = ["mask"] if "mask" in there else []
        self.dataset = Dataset(where, list(dict.fromkeys([source, *arrays, *masked])))
        self.source, self.batch = source, batch
        sequences = self.dataset.column("sequence")[self.dataset.frames]
        groups = [np.flatnonzero(sequences == k) for k in np.unique(sequences) if k >= 0]
        long_enough = [group[:MOST_FRAMES].tolist() for group in groups if len(group) >= 2]
        if not long_enough:
            raise InputError(f"{where}: no sequence of two frames or more; flicker needs sweeps")
        self._groups = long_enough[:MOST_SWEEPS]

    @property
    def pairs(self) -> int:
        """How many pairs of consecutive frames there are."""
        return sum(len(group) - 1 for group in self._groups)

    @property
    def frames(self) -> NDArray[np.int64]:
        """Numbers of the frames in the dataset `(frames,)`."""
        return self.dataset.frames[np.concatenate([np.array(group) for group in self._groups])]

    @cached_property
    def _sweeps(self) -> list[_Sweep]:
        return [self._read(group) for group in self._groups]

    def _read(self, indices: list[int]) -> _Sweep:
        samples = [self.dataset[index] for index in indices]
        fans = [s["mask"][0] > 0 if "mask" in s else np.ones(s[self.source].shape[1:], bool)
                for s in samples]  # fmt: skip
        return _Sweep(indices, np.logical_and.reduce(fans),
                      levels(np.stack([s[self.source] for s in samples])))  # fmt: skip

    def measure(
        self, translate: Translate, name: str, progress: Progress
    ) -> dict[str, NDArray[np.float64]]:
        """Flicker of every pair `(pairs,)`, by the names of the columns.

        Args:
            translate: of a candidate.
            name: of the candidate.
            progress: shows how far it is.

        Raises:
            InputError: a frame that cannot be read.
        """
        of, simulated = [], []
        for sweep in progress(self._sweeps, f"{name}, sweeps"):
            of.append(flicker(self._translated(sweep, translate), sweep.shifts, sweep.fan))
            simulated.append(flicker(sweep.simulated, sweep.shifts, sweep.fan))
        after, before = np.concatenate(of), np.concatenate(simulated)
        ratio = np.divide(after, before, out=np.full_like(after, np.nan), where=before > 0)
        return {"flicker": after, "flicker_ratio": ratio}

    def _translated(self, sweep: _Sweep, translate: Translate) -> NDArray[np.float64]:
        parts = []
        for start in range(0, len(sweep.indices), self.batch):
            indices = sweep.indices[start : start + self.batch]
            samples = stacked([self.dataset[index] for index in indices])
            parts.append(levels(translate(samples, indices[0])))
        return np.concatenate(parts)
