"""One experiment as data."""

from insonate.recipe.recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe"]
