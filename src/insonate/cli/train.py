"""`insonate train`: a recipe and a dataset to a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, Suppress, arg

from insonate.cli.needs import need
from insonate.errors import InputError

__all__ = ["Train", "split_changes"]

Changes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Train:
    """Train a method on a dataset; the same command again goes on where that stopped.

    Whatever a recipe says can be changed by its name: --training.steps 50000 --method.inputs MS
    --batches.size=8; --show prints the recipe with every key. `docs/training.rst` tells the rest.
    """

    recipe: Positional[Annotated[Path, arg(metavar="RECIPE")]]
    """a recipe file (.yaml)."""
    data: Annotated[str | None, arg(metavar="DATA", help_behavior_hint="")] = None
    """folder or URL of a dataset."""
    real: Annotated[str | None, arg(metavar="DATA", help_behavior_hint="")] = None
    """the same of real images, for a method that learns from images that are not paired."""
    out: Annotated[Path | None, arg(metavar="RUN", help_behavior_hint="")] = None
    """folder of the run; out/RECIPE."""
    device: str = "cpu"
    """cpu, cuda or cuda:1."""
    devices: Annotated[int | None, arg(metavar="N", help_behavior_hint="")] = None
    """processes of this machine, a GPU each; 1, or what torchrun started."""
    nodes: Annotated[int | None, arg(metavar="N", help_behavior_hint="")] = None
    """machines; 1, or what torchrun started."""
    show: bool = False
    """print the recipe with its changes, and stop."""
    changes: Suppress[Changes] = ()

    def run(self) -> None:
        """Train, show the progress, and say where the run is."""
        need("torch", "lightning_fabric", "safetensors", "tensorboard", "zarr")
        from insonate.recipe import load_recipe, train

        recipe = load_recipe(self.recipe, self.changes)
        if self.show:
            print(recipe.yaml(), end="")
            return
        if self.data is None:
            raise InputError("--data: missing; expected folder or URL of a dataset")
        out = self.out or Path("out") / self.recipe.stem
        train(recipe, self.data, out, self.real, self.device, self.devices, self.nodes)


def split_changes(words: Sequence[str]) -> tuple[list[str], Changes]:
    """Words of a command line without those that change a recipe, and the changes.

    Args:
        words: of which `--a.b VALUE` and `--a.b=VALUE` are changes.

    Raises:
        InputError: a change without a value.
    """
    known: list[str] = []
    changes: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or "." not in name:
            known.append(word)
            continue
        value = value if equals else next(rest, None)
        if value is None or (not equals and value.startswith("--")):
            raise InputError(f"--{name}: expected a value behind it")
        changes.append((name, value))
    return known, tuple(changes)
