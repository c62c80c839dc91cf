"""`insonate render-dataset`: frames by the thousand, from a recipe to a dataset."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from insonate.cli.progress import Bar
from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.data.rendering.run import Workers

__all__ = ["RenderDataset"]


@dataclass(frozen=True)
class RenderDataset:
    """Render a dataset from a recipe; a run that was broken off goes on where it stopped.

    A frame depends on the recipe and its number alone, whoever renders it. Recipes that ship:
    papers, papers-small, papers-tiny, tiny, ovary, tracked, realism, realism-tiny,
    realism-sweep. `docs/rendering.rst` tells what one
    may say.
    """

    recipe: Positional[Annotated[str, arg(metavar="RECIPE")]]
    """a recipe file (.yaml), or the name of one that ships."""
    out: Annotated[str, arg(metavar="DATA")] = "data.zarr"
    """folder or URL of the dataset."""
    frames: Annotated[int | None, arg(metavar="N", help_behavior_hint="")] = None
    """render only so many frames; those of the recipe otherwise."""
    workers: Annotated[int | None, arg(metavar="N", help_behavior_hint="")] = None
    """processes of this machine; one a core, or one a GPU."""
    ray: Annotated[str | None, arg(metavar="ADDRESS", help_behavior_hint="")] = None
    """render on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT or local."""
    device: str = "cpu"
    """cpu, cuda (every GPU) or cuda:1."""

    def run(self) -> None:
        """Render, show the progress, and say what there is."""
        from insonate.data.rendering import load_recipe
        from insonate.data.rendering.run import render_dataset

        recipe = load_recipe(self.recipe)
        if self.frames is not None:
            recipe = recipe.replace(frames=self.frames)
        workers = self._workers()
        bar = Bar(recipe.frames)
        begin = time.perf_counter()
        try:
            count = render_dataset(recipe, self.out, workers, bar.show)
        finally:
            bar.close()
        took = time.perf_counter() - begin
        rate = f", {count / took:.2f} frames a second" if count else ", nothing was left to render"
        print(f"{self.out}: {recipe.frames} frames{rate}")

    def _workers(self) -> Workers:
        if self.ray is None:
            from insonate.data.rendering.pool import ProcessPool

            return ProcessPool(self.workers, self.device)
        if self.workers is not None:
            raise InputError("--workers: the cluster knows its own; expected without --ray")
        from insonate.data.rendering.cluster import RayCluster

        return RayCluster(self.ray, self.device)
