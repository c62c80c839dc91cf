"""A run, or what was packed of one, to a method that translates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from insonate.config import read_content
from insonate.errors import InputError
from insonate.methods import Method
from insonate.recipe.card import CARD, read_card
from insonate.recipe.packed import WEIGHTS, load_packed
from insonate.recipe.recipe import Recipe, load_recipe
from insonate.training.checkpoint import Checkpoint, checkpoint_name, checkpoints, first_sound
from insonate.training.run_folder import DATA, RECIPE
from insonate.training.weights import load_weights

__all__ = ["Run", "Weights", "load_run", "recipe_of"]

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
        commit: of the code that trained it, if it is known.
        data: what `data.json` says of the data that it learned from.
    """

    recipe: Recipe
    method: Method
    regions: tuple[str, ...]
    step: int
    folder: Path
    remarks: tuple[str, ...] = ()
    commit: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Of the images that it learned from [pixels]; 0 if it is not known."""
        rows = self.data.get("rows")
        return rows if isinstance(rows, int) else 0


def load_run(
    folder: Path,
    weights: Weights = "best",
    step: int | None = None,
    source: str | None = None,
    to: str | None = None,
) -> Run:
    """What a run has learned, or weights that `insonate pack` wrote of one.

    Args:
        folder: of the run, or of the weights.
        weights: averages, those of the last step, or the best there are: averages if they are
            kept.
        step: of a checkpoint; the latest sound one when None.
        source: domain to translate from, of a method that knows several; its own when None.
        to: domain to translate to, likewise.

    Raises:
        InputError: not a run, no such checkpoint, none that is sound, or it does not translate
            between these domains.
    """
    folder = Path(folder)
    if (folder / RECIPE).is_file():
        return _load_checkpoint(folder, weights, step, (source, to))
    if not (folder / CARD).is_file() and not (folder / WEIGHTS).is_file():
        raise InputError(
            f"{folder}: not a run; expected a folder with a {RECIPE}, or with a {CARD}"
        )
    card, method = load_packed(folder, source, to)
    if weights != "best" or step not in (None, card.step):
        raise InputError(
            f"{folder}: packed weights of step {card.step} alone; expected the weights best"
        )
    return Run(
        card.recipe, method.eval(), card.regions, card.step, folder, (), card.commit,
        card.trained_on,
    )  # fmt: skip


def recipe_of(folder: Path) -> Recipe:
    """The recipe of a run, or of weights that `insonate pack` wrote; no weights are loaded.

    Args:
        folder: of the run, or of the weights.

    Raises:
        InputError: neither, or damaged.
    """
    packed = not (folder / RECIPE).is_file() and (folder / CARD).is_file()
    return read_card(folder).recipe if packed else load_recipe(folder / RECIPE)


def _load_checkpoint(
    folder: Path, weights: Weights, step: int | None, way: tuple[str | None, str | None]
) -> Run:
    recipe, about = load_recipe(folder / RECIPE), _read_about(folder / DATA)
    regions = _regions(folder / DATA, about)
    method = recipe.method.build(max(len(regions), 1))
    try:
        method.turn(*way)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
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
    return Run(
        recipe, method.eval(), regions, checkpoint.step, folder, tuple(remarks),
        checkpoint.commit, about,
    )  # fmt: skip


def _load_weights(method: Method, checkpoint: Checkpoint, weights: Weights) -> None:
    if weights == "average" and not any(
        checkpoint.has(f"{name}_average") for name in method.generators
    ):
        raise InputError(
            f"{checkpoint.folder}: no averages are kept; expected the weights raw or best"
        )
    load_weights(method, checkpoint, averaged=weights != "raw")


def _read_about(path: Path) -> dict[str, Any]:
    said = read_content(path, "description of a run's data")
    return said if isinstance(said, dict) else {}


def _regions(path: Path, about: dict[str, Any]) -> tuple[str, ...]:
    names = about.get("regions")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: damaged; regions: expected a list of names")
    return tuple(names)
