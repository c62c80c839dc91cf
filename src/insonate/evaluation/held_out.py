"""Whether a run has seen the frames that it is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insonate.data.batches import manifest, open_split
from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate
from insonate.evaluation.plan import Plan

__all__ = ["check_held_out", "is_same", "same_data", "seen_frames", "trained_on"]


def check_held_out(run: RunCandidate, plan: Plan) -> list[str]:
    """See that a run was not trained on what is measured.

    Returns:
        Notes on what could not be seen, and on frames that it was watched by.

    Raises:
        InputError: it was.
    """
    batches, split = run.recipe.batches, plan.settings.split
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
    watched = len(_shared(run, plan, "validation"))
    if not watched:
        return []
    return [f"{run.name} was watched on {watched} of these frames while it trained."]


def same_data(run: RunCandidate, plan: Plan) -> bool:
    """True if the run learned from this very dataset, as it is now."""
    return is_same(run.about["data"], plan.dataset.where)


def trained_on(run: RunCandidate, plan: Plan) -> NDArray[np.int64]:
    """Numbers of the plan's frames that a run of the same data was trained on `(n,)`."""
    return _shared(run, plan, "train")


def is_same(said: Mapping[str, Any], where: str) -> bool:
    """True if what a run says of its data is this very dataset, as it is now."""
    return said.get("manifest") == manifest(Dataset(where, ()))


def seen_frames(
    run: RunCandidate, where: str, what: Literal["train", "validation"]
) -> NDArray[np.int64]:
    """Numbers of frames of a dataset that a run of it was trained on, or watched by, `(n,)`.

    Args:
        run: that learned from the dataset.
        where: folder or URL of the dataset.
        what: train, or validation.
    """
    batches = run.recipe.batches
    split = batches.split if what == "train" else batches.validation
    return open_split(where, (), split, batches.unit).frames


def _shared(
    run: RunCandidate, plan: Plan, what: Literal["train", "validation"]
) -> NDArray[np.int64]:
    return plan.numbers[np.isin(plan.numbers, seen_frames(run, plan.dataset.where, what))]
