"""Rendering datasets from recipes, on one machine or many."""

from insonate.data.rendering.recipe import DatasetRecipe, load_recipe, recipe_names

__all__ = ["DatasetRecipe", "load_recipe", "recipe_names"]
