"""Whether a run has seen the frames that it is measured on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.data.batches import BatchSettings, Unit, manifest, open_split
from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate
from insonate.evaluation.plan import Plan
from insonate.recipe import load_run

__all__ = ["check_held_out", "same_data", "trained_on"]


def check_held_out(run: RunCandidate, plan: Plan) -> list[str]:
    """See that a run was not trained on what is measured.

    Returns:
        Notes on what could not be seen, and on frames that it was watched by.

    Raises:
        InputError: it was.
    """
    batches, split = _batches(run), plan.settings.split
    if not same_data(run, plan):
        also = f", and its split was '{split}' too" if split == batches.split else ""
        return [
            f"{run.name} was trained on other data; whether it has seen these frames is open{also}."
        ]
    trained = len(trained_on(run, plan))
    if trained:
        raise InputError(
            f"{run.folder}: was trained on {trained} of the {len(plan)} frames that are to be "
            f"measured (split '{batches.split}' by {batches.unit}, measured is '{split}' by "
            f"{plan.settings.unit}); expected frames that it has not seen"
        )
    watched = len(_shared(plan, batches.validation, batches.unit))
    if not watched:
        return []
    return [f"{run.name} was watched on {watched} of these frames while it trained."]


def same_data(run: RunCandidate, plan: Plan) -> bool:
    """True if the run learned from this very dataset, as it is now."""
    return run.about["data"].get("manifest") == manifest(Dataset(plan.dataset.where, ()))


def trained_on(run: RunCandidate, plan: Plan) -> NDArray[np.int64]:
    """Numbers of the plan's frames that a run of the same data was trained on `(n,)`."""
    batches = _batches(run)
    return _shared(plan, batches.split, batches.unit)


def _batches(run: RunCandidate) -> BatchSettings:
    return load_run(run.folder, run.weights).recipe.batches


def _shared(plan: Plan, split: str, unit: Unit) -> NDArray[np.int64]:
    frames = open_split(plan.dataset.where, (), split, unit).frames
    return plan.numbers[np.isin(plan.numbers, frames)]
