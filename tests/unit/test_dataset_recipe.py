"""Recipes of datasets: those that ship, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import yaml

from insonate.anatomy.gynaecology import GynaecologyPatient
from insonate.config import from_plain, to_plain
from insonate.data.rendering import DatasetRecipe, load_recipe, recipe_names
from insonate.data.rendering.subjects import PLANES, classes_of, planes_of
from insonate.errors import InputError
from insonate.probe import load_probe
from insonate.sim.frame import make_raster

SMALL = {"name": "small", "frames": 4, "image": {"rows": 32, "columns": 32}}


def test_the_recipes_that_ship():
    assert recipe_names() == [
        "ovary", "papers", "papers-small", "papers-tiny", "realism", "realism-sweep",
        "realism-tiny", "tiny", "tracked",
    ]  # fmt: skip


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_ships_is_read_back_and_has_labels(name):
    recipe = load_recipe(name)
    assert from_plain(DatasetRecipe, to_plain(recipe)) == recipe
    assert recipe.name == name
    assert len(classes_of(recipe).names) <= 255
    assert planes_of(recipe)


def test_papers_are_those_of_the_paper():
    recipe = load_recipe("papers")
    probe = load_probe(recipe.probe["preset"].values[0])
    assert (recipe.frames, recipe.image.rows, recipe.image.columns) == (6669, 1000, 1386)
    assert make_raster(probe, recipe.image.rows).mask.shape == (1000, 1386)
    assert (probe.frequency, probe.depth, probe.scanlines) == (8.0, 150.0, 256)
    assert recipe.quality == "fine"
    assert {"bmode", "bmode_fast", "labels", "attenuation"} <= set(recipe.image.arrays)
    small = load_recipe("papers-small")
    same = dataclasses.replace(small, name=recipe.name, image=recipe.image, shard=recipe.shard)
    assert same == recipe
    assert (small.image.rows, small.image.columns) == (256, 354)


def test_planes_are_those_of_the_subjects():
    assert set(PLANES["gynaecology"]) == set(GynaecologyPatient().planes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 0}, "frames: expected 1 to"),
        ({"image": {"rows": 32}}, "image.columns: missing"),
        ({"image": {"rows": 32, "columns": 32, "arrays": ["bmoed"]}}, "did you mean 'bmode'"),
        ({"image": {"rows": 32, "columns": 32, "arrays": ["labels"]}}, "bmode among them"),
        ({"subjects": {"frames": 10}}, "subjects.frames: expected a multiple of shard (16)"),
        ({"subjects": {"kind": "scene"}}, "subjects.scene: expected"),
        ({"subjects": {"scene": "qa"}}, "subjects.scene: expected"),
        ({"subjects": {"kind": "man"}}, "expected pregnant or gynaecology or scene"),
        ({"poses": {"sweep": {"frames": 7}}}, "poses.sweep.frames"),
        ({"poses": {"shift": {"uniform": [2, 1]}}}, "poses.shift.uniform: expected the lower"),
        ({"split": {"train": 0}}, "split: expected shares"),
        ({"reject": {"attempts": 0}}, "reject.attempts: expected 1"),
        ({"qualty": "fine"}, "qualty: unknown; did you mean 'quality'"),
    ],
)
def test_what_cannot_be_rendered_is_named(tmp_path, change, words):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(SMALL | change))
    with pytest.raises(InputError) as error:
        load_recipe(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_name_and_an_unknown_plane():
    with pytest.raises(InputError, match="unknown recipe 'paper'; did you mean 'papers'"):
        load_recipe("paper")
    recipe = from_plain(DatasetRecipe, SMALL | {"poses": {"planes": {"femur": 1}}})
    with pytest.raises(InputError, match=r"poses\.planes: unknown 'femur'"):
        planes_of(recipe)


def test_a_gynaecological_dataset_names_its_classes():
    recipe = from_plain(
        DatasetRecipe,
        SMALL | {"subjects": {"kind": "gynaecology"},
                 "image": {"rows": 32, "columns": 32, "arrays": ["bmode", "labels"]}},
    )  # fmt: skip
    with pytest.raises(InputError, match=r"image\.labels: expected"):
        classes_of(recipe)


def test_a_subject_keeps_its_split_however_many_there_are():
    recipe = load_recipe("papers-small")
    few = recipe.replace(frames=640)
    assert [few.split_of(k) for k in range(10)] == [recipe.split_of(k) for k in range(10)]
    counts = np.bincount([recipe.split_of(k) for k in range(recipe.subject_count)])
    assert counts / recipe.subject_count == pytest.approx([0.8, 0.1, 0.1], abs=0.03)
    assert sorted(load_recipe("tiny").split_of(k) for k in range(3)) == [0, 1, 2]


def test_the_last_class_that_fits_takes_a_region():
    classes = classes_of(load_recipe("ovary"))
    table = classes.lookup(["outside", "ovary_left", "follicle_left_1", "follicle_left_1_x"])
    names = [classes.names[label] for label in table[:4]]
    assert names == ["background", "ovary", "follicle", "follicle"]
