"""A recipe and data to a run; a run to a method that translates."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from insonate.data.batches import Batches, manifest, open_split
from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.methods import Method
from insonate.recipe.recipe import Recipe, load_recipe
from insonate.training import snapshot
from insonate.training.checkpoint import Checkpoint, checkpoint_name, checkpoints
from insonate.training.log import Progress
from insonate.training.loop import Loop
from insonate.training.ranks import Ranks
from insonate.training.run_folder import DATA, RECIPE, RunFolder
from insonate.training.training_run import TrainingRun
from insonate.training.validation import Validation
from insonate.training.versions import versions

__all__ = ["Run", "load_run", "train"]

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


def train(
    recipe: Recipe,
    data: str,
    out: Path,
    device: str = "cpu",
    devices: int | None = None,
    nodes: int | None = None,
    silent: bool = False,
) -> Path:
    """Train a method, or go on where that stopped.

    Args:
        recipe: of the experiment.
        data: folder or URL of a dataset.
        out: folder of the run.
        device: cpu, cuda, or one such as cuda:1.
        devices: processes of this machine, a GPU each; 1, or what torchrun started.
        nodes: machines; 1, or what torchrun started.
        silent: show no progress.

    Returns:
        The folder.

    Raises:
        InputError: data or folder do not fit the recipe, or training cannot go on.
    """
    training = recipe.training
    ranks = Ranks(device, devices, nodes, training.precision)
    method, batches, validation = _assemble(recipe, data, ranks)
    about = _about(batches.dataset)
    made_with = versions(ranks.device, ranks.count)
    folder = RunFolder(out, recipe.identity, about["manifest"], made_with)
    lock = folder.claim()
    ranks.first(lock.__enter__)
    try:
        ranks.first(lambda: folder.open(recipe.yaml(), about, _identity))
        loop = Loop(method, batches, training, ranks)
        checkpoint = _resume(folder, loop)
        progress = Progress(training.steps, loop.step, silent or not ranks.is_first)
        if checkpoint is not None:
            progress.tell(f"{out}: going on from step {loop.step}")
        run = TrainingRun(loop, folder, validation, progress)
        try:
            run.go(checkpoint.state["journal"] if checkpoint else None)
        finally:
            progress.close()
    finally:
        if ranks.is_first:
            lock.__exit__(None, None, None)
    return out


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


def _assemble(recipe: Recipe, data: str, ranks: Ranks) -> tuple[Method, Batches, Validation]:
    """Method, batches and validation of a recipe."""
    regions = Dataset(data, ()).attributes.regions
    torch.manual_seed(recipe.training.seed)
    method = recipe.method.build(max(len(regions), 1))
    if "labels" in method.needs and not regions:
        raise InputError(f"{data}: labels without names of regions; the method needs to know them")
    choice, training = recipe.batches, recipe.training
    dataset = open_split(data, method.needs, choice.split, choice.unit)
    batches = Batches(dataset, choice, training.seed, ranks.rank, ranks.count)
    held_out = open_split(data, method.needs, choice.validation, choice.unit)
    return method, batches, Validation(held_out, training.validation_frames, training.seed, ranks)


def _about(dataset: Dataset) -> dict[str, Any]:
    """What `data.json` says."""
    layout = dataset.layout
    return {
        "data": dataset.where,
        "manifest": manifest(dataset),
        "regions": list(dataset.attributes.regions),
        "rows": layout.rows,
        "columns": layout.columns,
    }


def _resume(folder: RunFolder, loop: Loop) -> Checkpoint | None:
    """Go on from the latest sound checkpoint, the same on all ranks."""
    ranks = loop.ranks

    def choose() -> int | None:
        checkpoint = folder.resume(loop.restore, lambda words: print(
            f"insonate: {words}", file=sys.stderr))  # fmt: skip
        step = checkpoint.step if checkpoint else 0
        folder.cut_back(step)
        return checkpoint.step if checkpoint else None

    step = ranks.first(choose)
    if step is None:
        return None
    checkpoint = Checkpoint.open(folder.checkpoints / checkpoint_name(step))
    if not ranks.is_first:
        loop.restore(checkpoint)
    return checkpoint


def _load_first_sound(
    method: Method, folders: list[Path], recipe: Recipe, weights: Weights
) -> Checkpoint:
    for number, path in enumerate(folders):
        try:
            checkpoint = Checkpoint.open(path)
            if checkpoint.state.get("identity") != recipe.identity:
                raise InputError(f"{path}: foreign checkpoint, of another recipe")
            if weights == "average" and not any(
                checkpoint.has(f"{name}_average") for name in method.generators
            ):
                raise InputError(f"{path}: no averages are kept; expected the weights raw or best")
            snapshot.load_weights(method, checkpoint, averaged=weights != "raw")
            return checkpoint
        except InputError:
            if number + 1 == len(folders):
                raise
    raise AssertionError("no folders")


def _identity(path: Path) -> str:
    return load_recipe(path).identity


def _regions(path: Path) -> tuple[str, ...]:
    try:
        said: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return tuple(str(name) for name in said["regions"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged; expected what data the run has") from error
