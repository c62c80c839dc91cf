"""Runs measured beside real images: Table 2 of Tomar et al. 2021 for any set of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.batches import manifest
from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate, Stored
from insonate.evaluation.differences import differences
from insonate.evaluation.evaluate import Machine, made_with, open_runs, silent
from insonate.evaluation.plan import Progress
from insonate.evaluation.realism.distances import Distance, Features, Looking, split_in_halves
from insonate.evaluation.realism.frames import Frames
from insonate.evaluation.realism.held_out import (
    check_real,
    check_simulated,
    check_sweeps,
    input_in_words,
)
from insonate.evaluation.realism.measures import SWEEP_COLUMNS, frame_measures
from insonate.evaluation.realism.measuring import Measuring
from insonate.evaluation.realism.results import OTHER_HALF, SIMULATED, Realism, RealismRow
from insonate.evaluation.realism.segmentation import (
    Segmentation,
    SegmenterSettings,
    default_folder,
    find_segmentation,
)
from insonate.evaluation.realism.settings import RealismSettings
from insonate.evaluation.realism.sweeps import Sweeps

__all__ = ["Beside", "RealismTask", "evaluate_realism", "prepare_realism"]


@dataclass(frozen=True)
class Beside:
    """What is given beside the simulated frames.

    Attributes:
        real: folder or URL of a dataset of real frames.
        sweep: folder or URL of a dataset of simulated sweeps, for flicker.
        segmenter: folder of the network that finds anatomy; one named by the data when None.
        steps: of its training; 0 measures without it.
    """

    real: str
    sweep: str | None = None
    segmenter: Path | None = None
    steps: int = SegmenterSettings().steps


@dataclass(frozen=True)
class RealismTask:
    """An evaluation that can be done: everything was found and fits.

    Attributes:
        runs: to be measured.
        simulated: frames that they translate.
        real: frames of reference.
        looking: networks of the distances.
        sweeps: for flicker, if there are some.
        beside: what was given.
        settings: of the protocol.
        machine: that runs are loaded to.
        notes: that a reader should see.
    """

    runs: Sequence[RunCandidate]
    simulated: Frames
    real: Frames
    looking: Looking
    sweeps: Sweeps | None
    beside: Beside
    settings: RealismSettings
    machine: Machine
    notes: Sequence[str]

    def measure(self, progress: Progress = silent) -> Realism:
        """Measure the untranslated simulation, every run, and real images beside others.

        Args:
            progress: shows how far it is.

        Raises:
            InputError: a frame that cannot be read, too few windows, or images that are no
                numbers.
        """
        begin = time.perf_counter()
        measuring = self._measuring(progress)
        real = measuring.real_features(progress)
        rows = [self._row(each, measuring, real, progress)
                for each in (Stored(SIMULATED, self.settings.source), *self.runs)]  # fmt: skip
        rows.append(self._other_half(real))
        compared = {row.name: row.values for row in rows[:-1]}
        tests = [
            test
            for column in measuring.columns
            for test in differences(column, {k: v[column.name] for k, v in compared.items()},
                                    "frame")
        ]  # fmt: skip
        sweeps = SWEEP_COLUMNS if self.sweeps is not None else ()
        return Realism(
            self.settings, self._about_data(measuring, real), measuring.columns, sweeps,
            self.looking.columns, rows, tests,
            made_with(self.machine, time.perf_counter() - begin),
            [*self.notes, *self._notes(real, measuring.segmentation)],
        )  # fmt: skip

    def _measuring(self, progress: Progress) -> Measuring:
        segmentation = self._segmentation(progress)
        there = self.simulated.dataset.arrays
        columns = frame_measures(self.settings, there, segmentation)
        return Measuring(self.simulated, self.real, self.settings.source, columns, self.looking,
                         segmentation, self.machine.device)  # fmt: skip

    def _segmentation(self, progress: Progress) -> Segmentation | None:
        """The network that finds anatomy, which has seen none of the frames."""
        where, s = self.simulated.where, self.settings
        if "labels" not in self.simulated.dataset.arrays or not self.beside.steps:
            return None
        wanted = self._segmenter_settings()
        folder = self.beside.segmenter or default_folder(where, wanted)
        found = find_segmentation(where, folder, wanted, self.machine.device, progress)
        both = np.intersect1d(found.trained_on, self.simulated.numbers)
        if len(both):
            raise InputError(
                f"{folder}: the segmenter was trained on {len(both)} of the frames that are to be "
                f"measured, split '{s.split}'; expected held-out ones"
            )
        return found

    def _segmenter_settings(self) -> SegmenterSettings:
        s = self.settings
        return SegmenterSettings(s.source, unit=s.unit, steps=self.beside.steps)

    def _row(
        self, candidate: RunCandidate | Stored, measuring: Measuring, real: Features,
        progress: Progress,
    ) -> RealismRow:  # fmt: skip
        translate = candidate.open()
        values, features = measuring.of(translate, candidate.name, progress)
        if self.sweeps is not None:
            values = values | self.sweeps.measure(translate, candidate.name, progress)
        about = candidate.about if isinstance(candidate, RunCandidate) else {}
        return RealismRow(candidate.name, values, self.looking.distances(real, features), about)

    def _other_half(self, real: Features) -> RealismRow:
        """How far real images are from real ones: what estimators make of no difference."""
        halves = split_in_halves(real, self.real, self.settings.seed)
        distances: dict[str, Distance] = self.looking.distances(*halves)
        return RealismRow(OTHER_HALF, {}, distances)

    def _about_data(self, measuring: Measuring, real: Features) -> dict[str, Any]:
        pairs = 0 if self.sweeps is None else self.sweeps.pairs
        segmenter = {} if measuring.segmentation is None else dict(measuring.segmentation.about)
        segmenter = {k: v for k, v in segmenter.items() if k not in ("frames", "table")}
        return {
            "simulated": _about_frames(self.simulated),
            "real": {**_about_frames(self.real), "windows": len(real.frames)},
            "window": self.looking.side if self.settings.on == "windows" else None,
            "segmenter": segmenter,
            "sweeps": {"data": self.beside.sweep, "pairs": pairs} if pairs else {},
        }

    def _notes(self, real: Features, segmentation: Segmentation | None) -> list[str]:
        notes = []
        dimension, n = self.looking.frechet.dimension, len(real.frames)
        if n <= dimension:
            notes.append(
                f"FID is of {n} real images or windows, no more than the {dimension} numbers of "
                "each: too large, and to be compared with that of as many only."
            )
        if segmentation is not None and self.beside.segmenter is None:
            folder = default_folder(self.simulated.where, self._segmenter_settings())
            notes.append(f"Segmenter: {folder}, used again for these data.")
        return notes


def prepare_realism(
    folders: Sequence[Path],
    where: str,
    beside: Beside,
    settings: RealismSettings | None = None,
    machine: Machine | None = None,
    names: Sequence[str] = (),
) -> RealismTask:
    """See that runs can be measured beside real images.

    Args:
        folders: of the runs.
        where: folder or URL of a dataset of simulated frames.
        beside: real frames, and what else there is.
        settings: of the protocol; the defaults when None.
        machine: that runs are loaded to.
        names: of the runs in tables; those of the folders when there are none.

    Raises:
        InputError: what cannot be measured: no runs, a run without a checkpoint, or that was
            trained on these frames; data without the arrays that are needed, or with too few
            frames; no such feature network.
    """
    settings, machine = settings or RealismSettings(), machine or Machine()
    runs = open_runs(folders, where, machine, names)
    _check_names(runs)
    needed = [name for run in runs for name in run.about["inputs"]]
    s = settings
    there = Dataset(where, ()).layout.images
    maps = [name for name in ("labels", "shadow") if name in there]
    simulated = Frames(where, [s.source, *needed, *maps], s.split, s.unit, s.frames, s.batch)
    real = Frames(beside.real, ["bmode"], s.real_split, s.real_unit, s.real_frames, s.batch)
    if manifest(Dataset(where, ())) == manifest(Dataset(beside.real, ())):
        raise InputError(f"--real: {beside.real} is the simulated dataset; expected real images")
    simulated.check_enough("simulated frames")
    real.check_enough("real frames")
    sweeps = Sweeps(beside.sweep, needed, s.source, s.batch) if beside.sweep else None
    notes = [f"{run.name}: {remark}" for run in runs for remark in run.about["remarks"]]
    for run in runs:
        notes += [*check_simulated(run, simulated), *check_real(run, real)]
        notes += input_in_words(run, s.source)
        if sweeps is not None:
            check_sweeps(run, sweeps)
    looking = Looking(settings, (simulated, real))
    return RealismTask(runs, simulated, real, looking, sweeps, beside, settings, machine, notes)


def evaluate_realism(
    folders: Sequence[Path],
    where: str,
    beside: Beside,
    settings: RealismSettings | None = None,
    machine: Machine | None = None,
    names: Sequence[str] = (),
    progress: Progress = silent,
) -> Realism:
    """Measure runs, and the untranslated simulation, beside real images.

    Args:
        folders: of the runs.
        where: folder or URL of a dataset of simulated frames.
        beside: real frames, and what else there is.
        settings: of the protocol; the defaults when None.
        machine: that runs are loaded to.
        names: of the runs in tables; those of the folders when there are none.
        progress: shows how far it is.

    Raises:
        InputError: as `prepare_realism` and `RealismTask.measure`.
    """
    task = prepare_realism(folders, where, beside, settings, machine, names)
    return task.measure(progress)


def _check_names(runs: Sequence[RunCandidate]) -> None:
    taken = {SIMULATED, OTHER_HALF}
    for run in runs:
        if run.name in taken:
            raise InputError(f"--names: '{run.name}' is the name of a row already")


def _about_frames(frames: Frames) -> dict[str, Any]:
    dataset = frames.dataset
    numbers: NDArray[np.int64] = frames.numbers
    patients = dataset.column("patient")[numbers]
    return {
        "data": dataset.where, "manifest": manifest(dataset), "split": frames.split,
        "frames": numbers.tolist(), "rows": frames.shape[0], "columns": frames.shape[1],
        "patients": len(np.unique(patients[patients >= 0])),
        "provenance": dataset.attributes.provenance, "licence": dataset.attributes.licence,
    }  # fmt: skip
