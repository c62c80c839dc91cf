"""A run to a method that translates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from insonate.config import read_content
from insonate.errors import InputError
from insonate.methods import Method
from insonate.recipe.recipe import Recipe, load_recipe
from insonate.training.checkpoint import Checkpoint, checkpoint_name, checkpoints, first_sound
from insonate.training.run_folder import DATA, RECIPE
from insonate.training.weights import load_weights

__all__ = ["Run", "Weights", "load_run"]

#: Averages, those of the last step, or the best there are: averages if they are kept.
Weights = Literal["best", "average", "raw"]


@dataclass(frozen=True)
class Run:
    """What a run has learned.

    Attributes:
        recipe: of the run.
        method: with its weights, ready to translate.
        regions: that labels count, as in the data it learned from.
        step: how many it had done.
        folder: of the run.
        remarks: which later checkpoints were passed over, and why, a line each.
    """

    recipe: Recipe
    method: Method
    regions: tuple[str, ...]
    step: int
    folder: Path
    remarks: tuple[str, ...] = ()


def load_run(folder: Path, weights: Weights = "best", step: int | None = None) -> Run:
    """What a run has learned.

    Args:
        folder: of the run.
        weights: averages, those of the last step, or the best there are: averages if they are
            kept.
        step: of a checkpoint; the latest sound one when None.

    Raises:
        InputError: not a run, no such checkpoint, or none that is sound.
    """
    folder = Path(folder)
    if not (folder / RECIPE).is_file():
        raise InputError(f"{folder}: not a run; expected a folder with a {RECIPE}")
    recipe, regions = load_recipe(folder / RECIPE), _regions(folder / DATA)
    method = recipe.method.build(max(len(regions), 1))
    found = checkpoints(folder / "checkpoints")
    if step is not None:
        found = [folder / "checkpoints" / checkpoint_name(step)]
    if not found:
        raise InputError(f"{folder}: no checkpoint yet")
    remarks: list[str] = []

    def load(checkpoint: Checkpoint) -> None:
        checkpoint.check_recipe(recipe.is_same)
        _load_weights(method, checkpoint, weights)

    checkpoint = first_sound(
        found, load, lambda error, other: remarks.append(f"{error}; passed over for {other}")
    )
    return Run(recipe, method.eval(), regions, checkpoint.step, folder, tuple(remarks))


def _load_weights(method: Method, checkpoint: Checkpoint, weights: Weights) -> None:
    if weights == "average" and not any(
        checkpoint.has(f"{name}_average") for name in method.generators
    ):
        raise InputError(
            f"{checkpoint.folder}: no averages are kept; expected the weights raw or best"
        )
    load_weights(method, checkpoint, averaged=weights != "raw")


def _regions(path: Path) -> tuple[str, ...]:
    said = read_content(path, "description of a run's data")
    names = said.get("regions") if isinstance(said, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: damaged; regions: expected a list of names")
    return tuple(names)
