"""Runs side by side on simulated frames, beside real ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate
from insonate.evaluation.comparison import MOST
from insonate.evaluation.evaluate import Machine, open_runs, silent
from insonate.evaluation.held_out import is_same, seen_frames
from insonate.evaluation.plan import Progress
from insonate.evaluation.realism.frames import Frames
from insonate.evaluation.realism.settings import RealismSettings
from insonate.evaluation.realism.strips import real_strip, realism_strips
from insonate.evaluation.strips import Strip

__all__ = ["compare_realism"]


def compare_realism(
    folders: Sequence[Path],
    where: str,
    real: str,
    frames: Sequence[int] = (),
    settings: RealismSettings | None = None,
    machine: Machine | None = None,
    names: Sequence[str] = (),
    zoom: int = 0,
    progress: Progress = silent,
) -> list[Strip]:
    """Whole frames translated by every run, beside the simulation and its semantic map.

    Args:
        folders: of the runs.
        where: folder or URL of a dataset of simulated frames.
        real: folder or URL of a dataset of real frames, some of which come last.
        frames: numbers of simulated frames, of whatever split; spread over the split when there
            are none.
        settings: whose splits, source and number of frames count; four of test when None.
        machine: that runs are loaded to.
        names: of the runs; those of the folders when there are none.
        zoom: side of the window that is enlarged [pixels], where runs change most; 0 is none.
        progress: shows how far it is.

    Raises:
        InputError: no runs, a run without a checkpoint, data without arrays that are needed,
            frames that are not there, or a window that is no part of a frame.
    """
    s = settings or RealismSettings(frames=4)
    count = len(frames) or s.frames or MOST
    if count > MOST:
        raise InputError(f"frames: expected at most {MOST}, got {count}")
    runs = open_runs(folders, where, machine or Machine(), names)
    simulated = _simulated(where, runs, frames, s, count)
    if zoom and not 8 <= zoom <= min(simulated.shape):
        raise InputError(f"--zoom: expected 8 to {min(simulated.shape)} pixels, got {zoom}")
    reals = Frames(real, ["bmode"], s.real_split, s.real_unit, s.real_frames, s.batch)
    strips = realism_strips(simulated, runs, s.source, progress, zoom)
    trained = {run.name: seen_frames(run, where, "train").tolist()
               for run in runs if is_same(run.about["data"], where)}  # fmt: skip
    return [*(_with_warnings(strip, trained) for strip in strips), real_strip(reals)]


def _simulated(
    where: str, runs: Sequence[RunCandidate], frames: Sequence[int], s: RealismSettings, count: int
) -> Frames:
    """The frames that are shown, with all that any run needs of them."""
    there = Dataset(where, ()).layout.images
    needed = [name for run in runs for name in run.about["inputs"]]
    maps = ["labels"] if "labels" in there else []
    arrays = [s.source, *needed, *maps]
    if frames:
        missing = sorted(set(frames) - set(Dataset(where, (), frames=frames).frames.tolist()))
        if missing:
            raise InputError(f"{where}: frame {missing[0]} is not complete; expected others")
        return Frames(where, arrays, s.split, s.unit, None, s.batch, sorted(set(frames)))
    spread = Frames(where, arrays, s.split, s.unit, count, s.batch)
    return Frames(where, arrays, s.split, s.unit, None, s.batch, spread.numbers.tolist())


def _with_warnings(strip: Strip, trained: dict[str, list[int]]) -> Strip:
    """The strip, with the names of runs that were trained on the frame."""
    seen = [name for name, numbers in trained.items() if strip.frame in np.array(numbers)]
    if not seen:
        return strip
    return dataclasses.replace(strip, about=f"{strip.about}; trained on by {', '.join(seen)}")
