"""One experiment as data, and what becomes of it."""

from insonate.recipe.experiment import Run, load_run, train
from insonate.recipe.recipe import Recipe, load_recipe

__all__ = ["Recipe", "Run", "load_recipe", "load_run", "train"]
