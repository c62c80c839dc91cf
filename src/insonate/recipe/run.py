"""A run to a method that translates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from insonate.errors import InputError
from insonate.methods import Method
from insonate.recipe.recipe import Recipe, load_recipe
from insonate.training.checkpoint import Checkpoint, checkpoint_name, checkpoints
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
    """

    recipe: Recipe
    method: Method
    regions: tuple[str, ...]
    step: int
    folder: Path


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
    checkpoint = _load_first_sound(method, found, recipe, weights)
    return Run(recipe, method.eval(), regions, checkpoint.step, folder)


def _load_first_sound(
    method: Method, folders: list[Path], recipe: Recipe, weights: Weights
) -> Checkpoint:
    for number, path in enumerate(folders):
        try:
            checkpoint = Checkpoint.open(path)
            if not recipe.is_same(checkpoint.recipe):
                raise InputError(f"{path}: foreign checkpoint, of another recipe")
            if weights == "average" and not any(
                checkpoint.has(f"{name}_average") for name in method.generators
            ):
                raise InputError(f"{path}: no averages are kept; expected the weights raw or best")
            load_weights(method, checkpoint, averaged=weights != "raw")
            return checkpoint
        except InputError:
            if number + 1 == len(folders):
                raise
    raise AssertionError("no folders")


def _regions(path: Path) -> tuple[str, ...]:
    try:
        said: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return tuple(str(name) for name in said["regions"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged; expected what data the run has") from error
