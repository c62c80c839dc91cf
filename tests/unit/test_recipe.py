"""Recipes: read strictly, changed by name, told apart by what decides a step."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch")

from insonate.errors import InputError
from insonate.recipe import load_recipe
from insonate.recipe.recipe import FREE

SHIPPED = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("method: {name: l2h, inputs: MS}\nbatches: {size: 4}\n")
    return path


def test_what_is_not_said_has_its_default(path):
    recipe = load_recipe(path)
    assert (recipe.method.inputs, recipe.batches.size, recipe.batches.crop) == ("MS", 4, 512)
    assert recipe.training.steps == 50_000


def test_a_recipe_is_read_as_it_was_written(path, tmp_path):
    recipe = load_recipe(path, [("training.clip", "0.5"), ("batches.crop", "null")])
    other = tmp_path / "written.yaml"
    other.write_text(recipe.yaml())
    assert load_recipe(other) == recipe
    assert load_recipe(other).identity == recipe.identity


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("training.steps", "5e4", 50_000),
        ("training.steps", "12", 12),
        ("training.ema", "0.999", 0.999),
        ("training.ema", "9e-1", 0.9),
        ("training.diverged", "1000", 1000.0),
        ("training.compile", "true", True),
        ("training.compile", "False", False),
        ("training.clip", "null", None),
        ("training.clip", "2.0", 2.0),
        ("training.precision", "bf16", "bf16"),
        ("training.precision", "'32'", "32"),
        ("training.schedule", "{kind: halve, hold: 2}", "halve"),
        ("batches.split", "one", "one"),
        ("about", "a tree: green", None),
    ],
)
def test_changes(path, name, text, value):
    if name == "about":
        with pytest.raises(InputError, match="about: expected a text"):
            load_recipe(path, [(name, text)])
        return
    found = load_recipe(path, [(name, text)])
    for part in name.split("."):
        found = getattr(found, part)
    found = getattr(found, "kind", found)
    assert found == value
    assert type(found) is type(value)


def test_precision_may_be_written_as_a_number(path):
    assert load_recipe(path, [("training.precision", "32")]).training.precision == "32"
    path.write_text("method: {name: l2h}\ntraining: {precision: 32}\n")
    assert load_recipe(path).training.precision == "32"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("method: {name: l2h}\ntrainning: {}", "trainning: unknown; did you mean 'training'"),
        ("method: {name: l2h, input: M}", "method.input: unknown; did you mean 'inputs'"),
        ("method: {name: l2h, inputs: MAS}", "method.inputs: expected M or MS or MSA, got 'MAS'"),
        ("method: {name: l3h}", "method.name: 'l3h'; did you mean 'l2h'"),
        ("method: {inputs: M}", "method.name: None; known: bridge, conpres"),
        ("batches: {size: 4}", "method: missing"),
        ("method: {name: l2h}\ntraining: {steps: 0}", "training.steps: expected at least 1, got 0"),
        ("method: {name: l2h}\ntraining: {steps: 1.5}", "training.steps: expected a whole number"),
        ("- method", "expected a recipe, names and values"),
        ("method: {", "not YAML"),
        ("method: {name: l2h}\nbatches: {size: 4, size: 8}", "size: twice"),
    ],
)
def test_recipes_that_are_none(path, text, said):
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_identity_is_what_decides_a_step(path):
    recipe = load_recipe(path)
    values = {"about": "x", "training.compile": "true", "training.channels_last": "true",
              "batches.validation": "test", "training.diverged": "5"}  # fmt: skip
    for name in FREE:
        changed = load_recipe(path, [(name, values.get(name, "7"))])
        assert changed != recipe, name
        assert changed.identity == recipe.identity, name
    for name, text in (("method.inputs", "M"), ("batches.size", "5"), ("training.seed", "1"),
                       ("training.ema", "0.5"), ("training.precision", "bf16")):  # fmt: skip
        assert load_recipe(path, [(name, text)]).identity != recipe.identity, name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_recipes_that_ship(path):
    recipe = load_recipe(path)
    assert recipe.about
    assert yaml.safe_load(recipe.yaml())["method"]["name"] == recipe.method.name
    method = recipe.method.build(5)
    assert recipe.batches.crop is None or recipe.batches.crop % method.stride == 0
