"""Rendering a whole dataset: workers get a subject each, flags in the store tell the progress."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import insonate
from insonate.config import to_plain
from insonate.data.dataset import Attributes, Writer, create, open_writer
from insonate.data.dataset.store import exists, open_group
from insonate.data.rendering.frames import FrameRenderer, NoImageError, changed_probe
from insonate.data.rendering.recipe import DatasetRecipe
from insonate.data.rendering.subjects import classes_of, planes_of, tissues_of
from insonate.errors import InputError

__all__ = ["Task", "Workers", "render_dataset", "render_task"]


@dataclass(frozen=True)
class Task:
    """Shards of one subject, for one worker.

    Attributes:
        recipe: of the dataset.
        where: the dataset's folder or URL.
        blocks: numbers of shards that are not complete.
    """

    recipe: DatasetRecipe
    where: str
    blocks: tuple[int, ...]


class Workers(Protocol):
    """Whoever renders tasks: processes of this machine, or a cluster."""

    def run(self, tasks: Sequence[Task]) -> None:
        """Render them all; a worker that dies is replaced.

        Raises:
            InputError: a frame that cannot be rendered or written.
        """
        ...


def render_task(task: Task, device: str = "cpu", threads: int | None = None) -> int:
    """Render the shards of a task that are not complete; returns how many frames were.

    A task may be run again at any time, by anybody: what is complete is left alone, and what is
    not comes out the same.
    """
    writer = Writer(task.where)
    complete = writer.complete()
    frames = {block: writer.layout.block(block) for block in task.blocks}
    left = [b for b, f in frames.items() if not complete[f.start : f.stop].all()]
    renderer = FrameRenderer(task.recipe, device, threads)
    for block in left:
        writer.write(block, [_sample(renderer, frame) for frame in frames[block]])
    return sum(len(frames[block]) for block in left)


def _sample(renderer: FrameRenderer, frame: int) -> dict[str, Any] | None:
    """A frame, or None where every try failed: one of thousands does not end the run."""
    try:
        return renderer.sample(frame)
    except NoImageError:
        return None


def render_dataset(
    recipe: DatasetRecipe,
    where: str | os.PathLike[str],
    workers: Workers,
    progress: Callable[[int], None] | None = None,
    every: float = 1.0,
) -> int:
    """Render a dataset, or what is missing of it.

    Args:
        recipe: of the dataset.
        where: folder or URL; one that was begun by this recipe is gone on with.
        workers: who renders.
        progress: called with the number of frames that are complete.
        every: how often it is called [s].

    Returns:
        How many frames were rendered now.

    Raises:
        InputError: the recipe cannot be rendered, another one was begun there, another process
            writes there, or it cannot be written.
    """
    with _opened(recipe, where) as writer:
        before = writer.complete().sum()
        tasks = _tasks(recipe, str(where), writer.incomplete())
        with _told(writer, progress, every):
            workers.run(tasks)
        complete = writer.complete()
    if not complete.all():
        first = int(np.flatnonzero(~complete)[0])
        raise InputError(
            f"{where}: {(~complete).sum()} frames could not be rendered, the first is {first}; "
            "the others are complete"
        )
    return int(complete.sum() - before)


@contextmanager
def _opened(recipe: DatasetRecipe, where: str | os.PathLike[str]) -> Iterator[Writer]:
    plain = to_plain(recipe)
    if not exists(where):
        with create(where, recipe.layout(), _attributes(recipe, plain)) as writer:
            yield writer
        return
    begun = dict(open_group(where).attrs).get("recipe")
    if begun != plain:
        raise InputError(f"{where}: was begun with {_difference(begun, plain)}; give another --out")
    with open_writer(where) as writer:
        yield writer


def _difference(begun: Any, plain: Mapping[str, Any]) -> str:
    if not isinstance(begun, Mapping) or not begun:
        return "no recipe"
    changed = [name for name in plain if begun.get(name) != plain[name]]
    return f"another recipe ({', '.join(changed) or 'of another version'} differ)"


def _attributes(recipe: DatasetRecipe, plain: Mapping[str, Any]) -> Attributes:
    said = f"rendered by insonate {insonate.__version__} from the recipe '{recipe.name}'"
    return Attributes(
        regions=classes_of(recipe).names,
        planes=planes_of(recipe),
        splits=tuple(recipe.split),
        landmarks=recipe.image.landmarks,
        provenance=f"{said}. {recipe.provenance}".strip(". ") + ".",
        licence=recipe.licence,
        tissues=tissues_of(recipe),
        probe=_one_probe(recipe),
        recipe=plain,
    )


def _one_probe(recipe: DatasetRecipe) -> dict[str, Any]:
    """The probe, where all frames have the same."""
    given = recipe.probe
    if "preset" not in given or any(value.kind != "constant" for value in given.values()):
        return {}
    return to_plain(changed_probe({name: value.values[0] for name, value in given.items()}))


def _tasks(recipe: DatasetRecipe, where: str, blocks: Sequence[int]) -> list[Task]:
    """One task a subject, so that each is built once."""
    by_subject: dict[int, list[int]] = {}
    for block in blocks:
        by_subject.setdefault(block * recipe.shard // recipe.subjects.frames, []).append(block)
    return [Task(recipe, where, tuple(found)) for found in by_subject.values()]


@contextmanager
def _told(writer: Writer, progress: Callable[[int], None] | None, every: float) -> Iterator[None]:
    """Report the frames that are complete, from a thread beside."""
    if progress is None:
        yield
        return
    over = threading.Event()

    def tell() -> None:
        with suppress(InputError, OSError):  # a look that fails is no reason to stop
            progress(int(writer.complete().sum()))

    def watch() -> None:
        while not over.wait(every):
            tell()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        tell()
