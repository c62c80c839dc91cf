"""One experiment as data, and what becomes of it."""

from typing import TYPE_CHECKING, Any

from insonate.recipe.recipe import Recipe, load_recipe
from insonate.recipe.run import Run, Weights, load_run, recipe_of

if TYPE_CHECKING:
    from insonate.recipe.experiment import train

__all__ = ["Recipe", "Run", "Weights", "load_recipe", "load_run", "recipe_of", "train"]


def __getattr__(name: str) -> Any:
    """`train` is imported when it is asked for: it takes seconds, and translating needs it not."""
    if name != "train":
        raise AttributeError(f"module 'insonate.recipe' has no attribute '{name}'")
    from insonate.recipe.experiment import train

    return train
