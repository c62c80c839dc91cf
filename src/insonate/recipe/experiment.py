"""A recipe and data to a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from insonate.data.batches import Batches, Feed, Unpaired, manifest, open_split, real_seed
from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.methods import Method
from insonate.recipe.recipe import Recipe
from insonate.training.checkpoint import Checkpoint, checkpoint_name
from insonate.training.faults import telling_memory
from insonate.training.log import Progress
from insonate.training.loop import Loop
from insonate.training.ranks import Ranks
from insonate.training.run_folder import RunFolder, manifest_of
from insonate.training.training_run import TrainingRun
from insonate.training.validation import Validation
from insonate.training.versions import versions

__all__ = ["Sources", "assemble", "train"]

#: Share of steps at a learning rate of 0 that passes without a word.
MOST_IDLE = 0.05


def train(
    recipe: Recipe,
    data: str,
    out: Path,
    real: str | None = None,
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
        real: folder or URL of a dataset of real images, for a method that learns from them.
        device: cpu, cuda, or one such as cuda:1.
        devices: processes of this machine, a GPU each; 1, or what torchrun started.
        nodes: machines; 1, or what torchrun started.
        silent: show no progress.

    Returns:
        The folder.

    Raises:
        InputError: data or folder do not fit the recipe, or training cannot go on.
    """
    ranks = Ranks(device, devices, nodes, recipe.training.precision)
    try:
        with telling_memory(ranks.device):
            _train(recipe, Sources(data, real), out, ranks, silent)
    except BaseException:
        ranks.end()
        raise
    return out


def _train(recipe: Recipe, sources: Sources, out: Path, ranks: Ranks, silent: bool) -> None:
    method, batches, validation = ranks.each(lambda: assemble(recipe, sources, ranks))
    about = ranks.first(lambda: _about(batches))
    made_with = versions(ranks.device, ranks.count)
    folder = RunFolder(out, recipe.yaml(), recipe.is_same, manifest_of(about), made_with)
    with ranks.holding(folder.claim()):
        ranks.first(lambda: folder.open(about))
        loop = Loop(method, batches, recipe.training, ranks)
        if ranks.is_first:
            _warn_of_idle_steps(loop)
        checkpoint = _resume(folder, loop)
        progress = Progress(recipe.training.steps, loop.step, silent or not ranks.is_first)
        with closing(progress):
            if checkpoint is not None:
                progress.tell(f"{out}: going on from step {loop.step}")
            run = TrainingRun(loop, folder, validation, progress)
            run.go(checkpoint.state.get("journal") if checkpoint else None)
            progress.tell(str(out))


@dataclass(frozen=True)
class Sources:
    """What a method learns from.

    Attributes:
        data: folder or URL of a dataset.
        real: the same of real images; None for a method that learns from pairs.
    """

    data: str
    real: str | None = None


def assemble(recipe: Recipe, sources: Sources, ranks: Ranks) -> tuple[Method, Feed, Validation]:
    """Method, batches and validation of a recipe.

    Args:
        recipe: of the experiment.
        sources: that it learns from.
        ranks: that train together.

    Raises:
        InputError: the data do not fit the recipe.
    """
    data, choice, training = sources.data, recipe.batches, recipe.training
    torch.manual_seed(training.seed)
    method = _method(recipe, Dataset(data, ()))
    batches = _batches(recipe, method, sources, ranks)
    _check_windows(recipe, method, batches.dataset)
    held_out = open_split(data, method.needs, choice.validation, choice.unit)
    return method, batches, Validation(held_out, training.validation_frames, training.seed, ranks)


def _method(recipe: Recipe, dataset: Dataset) -> Method:
    """For the regions of a dataset, if it has those that the method needs."""
    regions = dataset.attributes.regions
    lacking = _lacking(dataset)
    try:
        method = recipe.method.build(max(len(regions), 1))
    except InputError as error:
        if not str(error).startswith("labels:"):
            raise
        raise InputError(f"{dataset.where}: {lacking or error}") from error
    if "labels" in method.needs and "labels" in dataset.layout.images and not regions:
        raise InputError(f"{dataset.where}: {lacking}")
    return method


def _check_windows(recipe: Recipe, method: Method, dataset: Dataset) -> None:
    """See that the method can take what batches are made of."""
    crop = recipe.batches.crop
    if crop is not None and crop % method.stride:
        raise InputError(
            f"batches.crop: {crop} pixels; expected a multiple of the method's stride, "
            f"{method.stride} pixels"
        )
    shape = (crop, crop) if crop else (dataset.layout.rows, dataset.layout.columns)
    if method.window is not None and shape != (method.window, method.window):
        raise InputError(
            f"method.side: {method.window} pixels, but {recipe.method.name} is to learn from "
            f"{'windows' if crop else 'whole frames'} of {shape[0]} x {shape[1]}; expected "
            "batches.crop as method.side, or class_head: gap"
        )


def _lacking(dataset: Dataset) -> str:
    """What a dataset lacks for a method that learns from labels; nothing if it has that."""
    if "labels" not in dataset.layout.images:
        return "no labels, which the method learns from"
    if not dataset.attributes.regions:
        return "labels without names of regions; the method needs to know them"
    return ""


def _batches(recipe: Recipe, method: Method, sources: Sources, ranks: Ranks) -> Feed:
    """Of one dataset, or of simulated and real frames that do not belong together."""
    choice, name, real = recipe.batches, recipe.method.name, sources.real

    def drawn(data: str, arrays: Sequence[str], seed: int) -> Batches:
        dataset = open_split(data, arrays, choice.split, choice.unit)
        return Batches(dataset, choice, seed, ranks.rank, ranks.count, method.draws)

    simulated = drawn(sources.data, method.needs, recipe.training.seed)
    if not method.real:
        if real is not None:
            raise InputError(f"--real: has no use with {name}, which learns from pairs")
        return simulated
    if real is None:
        raise InputError(f"--real: missing; {name} needs a dataset of real images beside --data")
    if manifest(Dataset(real, ())) == manifest(simulated.dataset):
        raise InputError(f"--real: {real} is the simulated dataset itself; expected real images")
    return Unpaired(simulated, drawn(real, method.real, real_seed(recipe.training.seed)))


def _about(batches: Feed) -> dict[str, Any]:
    """What `data.json` says."""
    about = _about_dataset(batches.dataset)
    if isinstance(batches, Unpaired):
        about["real"] = _about_dataset(batches.real.dataset)
    return about


def _about_dataset(dataset: Dataset) -> dict[str, Any]:
    layout = dataset.layout
    return {
        "data": dataset.where,
        "manifest": manifest(dataset),
        "regions": list(dataset.attributes.regions),
        "rows": layout.rows,
        "columns": layout.columns,
    }


def _warn_of_idle_steps(loop: Loop) -> None:
    """Say so if a schedule, which counts epochs, leaves many of the steps nothing to learn."""
    schedule, steps = loop.settings.schedule, loop.settings.steps
    epochs = loop.batches.epoch(steps)
    share = schedule.idle(epochs)
    if share > MOST_IDLE:
        print(
            f"insonate: training.schedule: hold {schedule.hold} + decay {schedule.decay} epochs, "
            f"but {steps} steps are {epochs:.4g} epochs of these data; the learning rate is 0 in "
            f"the last {share:.0%} of them",
            file=sys.stderr,
        )


def _resume(folder: RunFolder, loop: Loop) -> Checkpoint | None:
    """Go on from the latest sound checkpoint, the same on all ranks."""
    ranks = loop.ranks

    def tell(words: str) -> None:
        print(f"insonate: {words}", file=sys.stderr)

    def choose() -> int | None:
        checkpoint = folder.resume(loop.restore, tell)
        folder.cut_back(checkpoint.step if checkpoint else 0)
        return checkpoint.step if checkpoint else None

    step = ranks.first(choose)
    if step is None:
        return None
    checkpoint = Checkpoint.open(folder.checkpoints / checkpoint_name(step))
    if not ranks.is_first:
        loop.restore(checkpoint)
    return checkpoint
