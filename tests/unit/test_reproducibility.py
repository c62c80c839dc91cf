"""docs/reproducibility.rst says what recipes say."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "reproducibility.rst").read_text(encoding="utf-8")
ROWS = re.findall(r"   \* - ``(\S+-tiny)``\n((?:     - .*\n)+)", PAGE)
UNPAIRED = {"conpres", "cut", "cut-s", "cut-sc", "cyclegan", "stargan", "sasan", "unsb"}


def test_every_tiny_recipe_of_the_comparison_has_a_row():
    assert {name.removesuffix("-tiny") for name, _ in ROWS} == UNPAIRED


@pytest.mark.parametrize(("name", "cells"), ROWS)
def test_what_tiny_recipes_differ_in(name, cells):
    recipe = yaml.safe_load((REPOSITORY / "recipes" / f"{name}.yaml").read_text(encoding="utf-8"))
    method, batches, training = recipe["method"], recipe["batches"], recipe["training"]
    rates = [1e4 * method[adam]["lr"] if adam in method else 1e4 * method["adam"]["lr"]
             for adam in ("adam", "discriminator_adam")]  # fmt: skip
    said = [cell.strip()[2:] for cell in cells.splitlines()]
    assert said[:4] == [
        f"{training['steps']:,} x {batches['size']}",
        f"{rates[0]:.3g}, {rates[1]:.3g}",
        f"{method['width']}, {method['discriminator_width']}",
        f"{batches['inside']}",
    ]
    for key, value in re.findall(r"``(\w+): (\w+)``", said[4]):
        assert str({**method, **training}[key]) == value
    assert training["ema"] == 0.995
    assert training.get("clip") == (10 if name == "conpres-tiny" else None)
    if "steps are those of attention" in said[4]:
        assert f"{method['pretrain_steps']:,} steps" in said[4]
