"""Runs measured on held-out frames: Table 2 of Zhang et al. 2020 for any set of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from insonate.data.batches import manifest
from insonate.data.dataset import Dataset
from insonate.evaluation.candidates import Candidate, RunCandidate, Stored, name_runs
from insonate.evaluation.differences import Difference, differences, frame_means
from insonate.evaluation.distances import distance_measures, distances, extractor_of
from insonate.evaluation.held_out import check_held_out
from insonate.evaluation.measures import patch_measures
from insonate.evaluation.measuring import Measuring
from insonate.evaluation.places import PLACES
from insonate.evaluation.plan import Plan, Progress
from insonate.evaluation.results import Evaluation, Patch, Row
from insonate.evaluation.settings import EvaluationSettings
from insonate.recipe import Weights
from insonate.training.versions import versions
from insonate.translation.torch_network import Precision

__all__ = ["Machine", "Task", "evaluate", "made_with", "open_runs", "prepare", "silent"]


@dataclass(frozen=True)
class Machine:
    """Where runs are loaded to, and how.

    Attributes:
        device: "cpu", "cuda" or "cuda:1".
        precision: of the networks, "32" or "bf16".
        weights: averages, those of the last step (raw), averages if they are kept (best), or
            averages and those of the last step as two candidates (both).
    """

    device: str = "cpu"
    precision: Precision = "32"
    weights: Weights | Literal["both"] = "best"


def silent(items: Any, what: str) -> Any:
    """Shows no progress."""
    return items


def open_runs(
    folders: Sequence[Path], where: str, machine: Machine, names: Sequence[str] = ()
) -> list[RunCandidate]:
    """Runs that can be measured on a dataset; each is loaded once to see that it can be.

    Args:
        folders: of the runs.
        where: folder or URL of the dataset.
        machine: that they are loaded to.
        names: in tables; of the folders when there are none.

    Raises:
        InputError: no runs, not a run, no checkpoint, or regions that a run does not know.
    """
    regions = Dataset(where, ()).attributes.regions
    named = zip(name_runs(folders, names), folders, strict=True)
    runs = [
        run
        for name, folder in named
        for run in _weighted(RunCandidate(name, Path(folder), where, regions), machine)
    ]
    for run in runs:
        _ = run.about  # loads it
    return runs


def _weighted(run: RunCandidate, machine: Machine) -> list[RunCandidate]:
    """A run on a machine with the weights that are wanted; two candidates with both."""

    def loaded(name: str, weights: Weights) -> RunCandidate:
        on = {"device": machine.device, "precision": machine.precision}
        return dataclasses.replace(run, name=name, weights=weights, **on)

    if machine.weights != "both":
        return [loaded(run.name, machine.weights)]
    best, raw = loaded(run.name, "best"), loaded(f"{run.name}, raw", "raw")
    # without averages both are the same
    return [best] if best.about["weights"] == raw.about["weights"] else [best, raw]


@dataclass(frozen=True)
class Task:
    """An evaluation that can be done: everything was found and fits.

    Attributes:
        runs: to be measured.
        measuring: what is measured, on which frames.
        machine: that runs are loaded to.
        notes: that a reader should see.
    """

    runs: Sequence[RunCandidate]
    measuring: Measuring
    machine: Machine
    notes: Sequence[str]

    def measure(self, progress: Progress = silent) -> Evaluation:
        """Measure the untranslated input and every run against the target.

        Frames are read, translated and measured some at a time, and one run is in memory at a
        time.

        Args:
            progress: shows how far it is.

        Raises:
            InputError: a frame that cannot be read, or images that are no numbers.
        """
        begin, measuring, plan = time.perf_counter(), self.measuring, self.measuring.plan
        real = measuring.features(Stored("target", "bmode"), progress)
        rows = [_row(each, measuring, real, progress) for each in (Stored(), *self.runs)]
        patches = [
            Patch(int(plan.dataset.frames[index]), window)
            for index in plan.chosen
            for window in plan.windows(int(index))
        ]
        return Evaluation(
            plan.settings, _about_data(plan), patches, measuring.measures, measuring.places,
            distance_measures(measuring.extractor), rows, _differences(measuring, rows, patches),
            made_with(self.machine, time.perf_counter() - begin), self.notes,
        )  # fmt: skip


def prepare(
    folders: Sequence[Path],
    where: str,
    settings: EvaluationSettings,
    machine: Machine | None = None,
    names: Sequence[str] = (),
) -> Task:
    """See that runs can be measured on a dataset.

    Args:
        folders: of the runs.
        where: folder or URL of a dataset of pairs.
        settings: of the protocol.
        machine: that runs are loaded to.
        names: of the runs in tables; those of the folders when there are none.

    Raises:
        InputError: what cannot be measured: no runs, a run without a checkpoint, or that was
            trained on these frames; data without the arrays that are needed; crops larger than
            frames; no such feature network.
    """
    machine = machine or Machine()
    runs = open_runs(folders, where, machine, names)
    plan = Plan(where, settings, [name for run in runs for name in run.about["inputs"]])
    notes = [f"{run.name}: {remark}" for run in runs for remark in run.about["remarks"]]
    notes += [note for run in runs for note in check_held_out(run, plan)]
    measuring = _measuring(plan, machine.device)
    tiles, dimension = 4 * len(plan), measuring.extractor.dimension
    if tiles <= dimension:
        notes.append(
            f"FID is of {tiles} tiles, fewer than the {dimension} numbers of a tile: too large, "
            "and to be compared with that of as many tiles only."
        )
    return Task(runs, measuring, machine, notes)


def evaluate(
    folders: Sequence[Path],
    where: str,
    settings: EvaluationSettings | None = None,
    machine: Machine | None = None,
    names: Sequence[str] = (),
    progress: Progress = silent,
) -> Evaluation:
    """Measure runs, and the untranslated input, against the target.

    Args:
        folders: of the runs.
        where: folder or URL of a dataset of pairs.
        settings: of the protocol; the paper's when None.
        machine: that runs are loaded to.
        names: of the runs in tables; those of the folders when there are none.
        progress: shows how far it is.

    Raises:
        InputError: as `prepare` and `Task.measure`.
    """
    settings = settings or EvaluationSettings()
    return prepare(folders, where, settings, machine, names).measure(progress)


def _measuring(plan: Plan, device: str) -> Measuring:
    there = plan.maps
    side = min(plan.shape) if plan.settings.whole else plan.crop
    return Measuring(
        plan,
        patch_measures(plan.settings, side),
        [place for place in PLACES if place.needs in there],
        extractor_of(plan.settings.features),
        device,
    )


def _row(candidate: Candidate, measuring: Measuring, real: torch.Tensor, progress: Progress) -> Row:
    found = measuring.of(candidate, progress)
    about = candidate.about if isinstance(candidate, RunCandidate) else {}
    plan = measuring.plan
    whole = plan.settings.whole or plan.settings.translate == "frames"
    scores = distances(
        measuring.extractor, real, found.features,
        tile=plan.tile, tiles_of="frames" if whole else "centres",
    )  # fmt: skip
    return Row(candidate.name, found.values, scores, about)


def _differences(
    measuring: Measuring, rows: Sequence[Row], patches: Sequence[Patch]
) -> list[Difference]:
    found: list[Difference] = []
    frames = np.array([patch.frame for patch in patches], np.int64)
    for measure in (each for each in measuring.measures if each.short):
        values = {row.name: row.values[measure.name] for row in rows}
        if not measuring.plan.settings.whole:
            found += differences(measure, values, "patch")
        means = {name: frame_means(of, frames) for name, of in values.items()}
        found += differences(measure, means, "frame")
    for place in measuring.places:
        found += differences(place, {row.name: row.values[place.name] for row in rows}, "frame")
    return found


def _about_data(plan: Plan) -> dict[str, Any]:
    dataset = plan.dataset
    return {
        "data": dataset.where,
        "manifest": manifest(dataset),
        "split": plan.settings.split,
        "frames": plan.numbers.tolist(),
        "rows": plan.shape[0],
        "columns": plan.shape[1],
        "crop": None if plan.settings.whole else plan.crop,
        "tile": plan.tile,
        "licence": dataset.attributes.licence,
    }


def made_with(machine: Machine, seconds: float) -> dict[str, Any]:
    """What an evaluation was made with: versions, machine, how long it took [s]."""
    return {
        **versions(torch.device(machine.device)),
        "precision": machine.precision,
        "weights": machine.weights,
        "seconds": round(seconds, 1),
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
