"""Whether a run has seen frames that it is measured on, simulated or real."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate
from insonate.evaluation.held_out import is_same, seen_frames
from insonate.evaluation.realism.frames import Frames
from insonate.evaluation.realism.sweeps import Sweeps

__all__ = ["check_real", "check_simulated", "check_sweeps", "input_in_words"]


def check_simulated(run: RunCandidate, frames: Frames) -> list[str]:
    """See that a run was not trained on the simulated frames that are measured.

    Args:
        run: to be measured.
        frames: that it translates.

    Returns:
        Notes on what could not be seen, and on frames that it was watched by.

    Raises:
        InputError: it was.
    """
    data = run.about["data"]
    if not data:
        return [f"{run.name} does not say what it was trained on; whether it has seen these "
                "frames is open."]  # fmt: skip
    if not is_same(data, frames.where):
        return [f"{run.name} was trained on other simulated data; whether it has seen these "
                "frames is open."]  # fmt: skip
    return _checked(run, frames, "simulated")


def check_real(run: RunCandidate, frames: Frames) -> list[str]:
    """See that a run was not trained on the real frames that it is compared with.

    Args:
        run: to be measured.
        frames: of reference.

    Returns:
        Notes, as `check_simulated`; none for a run that never saw real images.

    Raises:
        InputError: it was.
    """
    said = run.about["data"]
    real = said.get("real")
    if not isinstance(real, Mapping):
        # a run of pairs may have learned from these very frames
        return _checked(run, frames, "real") if said and is_same(said, frames.where) else []
    if not is_same(real, frames.where):
        return [f"{run.name} was trained on other real data; whether it has seen these frames "
                "is open."]  # fmt: skip
    return _checked(run, frames, "real")


def check_sweeps(run: RunCandidate, sweeps: Sweeps) -> None:
    """See that a run was not trained on frames of sweeps.

    Args:
        run: to be measured.
        sweeps: that it translates.

    Raises:
        InputError: it was.
    """
    where = sweeps.dataset.where
    if not is_same(run.about["data"], where):
        return
    seen = np.intersect1d(seen_frames(run, where, "train"), sweeps.frames)
    if len(seen):
        raise InputError(
            f"{run.folder}: was trained on {len(seen)} frames of the sweeps in {where}; expected "
            "sweeps that it has not seen"
        )


def input_in_words(run: RunCandidate, source: str) -> list[str]:
    """A note if a run translates another image of the simulator than the one it is compared with.

    Args:
        run: to be measured.
        source: the image of the simulator that stands untranslated in the first row.
    """
    given = [name for name in run.about["inputs"] if name.startswith("bmode")]
    if not given or source in given:
        return []
    return [f"{run.name} translates {given[0]}, not {source}, which its content is compared with."]


def _checked(run: RunCandidate, frames: Frames, what: str) -> list[str]:
    trained = np.intersect1d(seen_frames(run, frames.where, "train"), frames.numbers)
    if len(trained):
        option = "--split" if what == "simulated" else "--real-split"
        raise InputError(
            f"{run.folder}: was trained on {len(trained)} of the {len(frames)} {what} frames that "
            f"are to be measured (split '{frames.split}' by {frames.unit}); expected frames that "
            f"it has not seen, see {option}"
        )
    watched = np.intersect1d(seen_frames(run, frames.where, "validation"), frames.numbers)
    if not len(watched) or what == "real":  # nothing real is looked at while training
        return []
    return [f"{run.name} was watched on {len(watched)} of these frames while it trained."]
