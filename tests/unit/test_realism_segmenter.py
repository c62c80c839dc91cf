"""The network that finds anatomy: what its classes are, that it learns, and that it is kept."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from realism_data import make_simulated

from insonate.data.batches import Chance
from insonate.data.dataset import Attributes, Dataset
from insonate.errors import InputError
from insonate.evaluation.evaluate import silent
from insonate.evaluation.realism import augmentation
from insonate.evaluation.realism.augmentation import augmented
from insonate.evaluation.realism.grouping import IGNORED, OTHER, group_labels
from insonate.evaluation.realism.segmentation import (
    ABOUT,
    WEIGHTS,
    SegmenterSettings,
    find_segmentation,
)
from insonate.nets.segmenter import Segmenter

SHORT = SegmenterSettings(steps=80, size=4, crop=64)


def counts(*pixels):
    found = np.zeros(256, np.int64)
    found[: len(pixels)] = pixels
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_simulated(tmp_path_factory.mktemp("seg") / "simulated.zarr")


@pytest.fixture(scope="module")
def found(data):
    return find_segmentation(data, Path(data).parent / "segmenter", SHORT, "cpu", silent)


# classes


def test_tissues_are_grouped_by_what_their_names_say():
    regions = ("background", "amniotic_fluid", "fetal_skull", "fetal_brain", "skin", "fetal_blood")
    grouping = group_labels(Attributes(regions=regions), counts(9, 5, 5, 5, 5, 5), "x")
    assert grouping.names == ("fluid", "bone", "brain", OTHER)
    assert grouping.table[:7].tolist() == [IGNORED, 0, 1, 2, 3, 0, IGNORED]


def test_the_tissue_of_a_region_counts_before_its_name():
    about = Attributes(regions=("outside", "left_atrium", "wall"), tissues={"left_atrium": "blood"})
    assert group_labels(about, counts(1, 1, 1), "x").names == ("fluid", OTHER)


def test_rare_classes_join_the_others():
    about = Attributes(regions=("outside", "fluid", "bone", "fat"))
    grouping = group_labels(about, counts(0, 5000, 1, 5000), "x")
    assert grouping.names == ("fluid", "fat", OTHER)
    assert grouping.table[1:4].tolist() == [0, 2, 1]


def test_names_that_tell_nothing_are_classes_themselves():
    about = Attributes(regions=("outside", "one", "two", "three"))
    assert group_labels(about, counts(0, 3, 4, 0), "x").names == ("one", "two")


def test_labels_without_a_region_and_single_regions_are_refused():
    about = Attributes(regions=("outside", "one"))
    with pytest.raises(InputError, match="x: label 3 has no region; expected 0 to 1"):
        group_labels(about, counts(1, 1, 0, 1), "x")
    with pytest.raises(InputError, match="x: 1 regions in the frames that train"):
        group_labels(about, counts(1, 1), "x")


# gray values


def test_augmented_images_differ_by_sample_and_stay_black_outside():
    images = torch.zeros(3, 1, 32, 32)
    mask = torch.ones_like(images)
    mask[..., :8] = 0
    changed = augmented(images, mask, Chance(0, 0))
    assert (changed[..., :8] == -1).all()
    assert changed.abs().max() <= 1
    means = changed[..., 8:].mean((1, 2, 3))
    assert len({round(float(mean), 3) for mean in means}) == 3
    assert torch.equal(changed, augmented(images, mask, Chance(0, 0)))
    # the second sample alone, as another rank draws it
    assert torch.equal(changed[1:2], augmented(images[1:2], mask[1:2], Chance(0, 0, 1)))


NONE = {"GAMMA": (1, 1), "GAIN": (1, 1), "OFFSET": (0, 0), "NOISE": 0, "SPECKLE": 0, "BLUR": 0}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        ({}, 0.36),
        ({"GAMMA": (2.0, 2.0)}, 0.36**2),
        ({"GAIN": (1.5, 1.5)}, 0.54),
        ({"OFFSET": (0.1, 0.1)}, 0.46),
        ({"GAIN": (5.0, 5.0)}, 1.0),
        ({"BLUR": 2.0}, 0.36),
    ],
)
def test_gray_values_change_as_they_are_said_to(one, expected, monkeypatch):
    for name, value in (NONE | one).items():
        monkeypatch.setattr(augmentation, name, value)
    images = torch.full((2, 1, 16, 16), 2 * 0.36 - 1)
    found = augmented(images, torch.ones_like(images), Chance(0, 0))
    torch.testing.assert_close((found + 1) / 2, torch.full_like(found, expected))


def test_noise_has_its_size_and_blur_takes_it_away(monkeypatch):
    """Both are drawn for every image, from none to the most."""
    for name, value in (NONE | {"NOISE": 0.1}).items():
        monkeypatch.setattr(augmentation, name, value)
    images = torch.zeros(8, 1, 64, 64)
    sizes = (augmented(images, torch.ones_like(images), Chance(0, 0)) / 2).std((1, 2, 3))
    assert (sizes < 0.105).all()
    assert 0.02 < sizes.mean() < 0.08
    edges = torch.zeros(4, 1, 32, 32)
    edges[..., 16:] = 0.5
    for name, value in (NONE | {"BLUR": 2.0}).items():
        monkeypatch.setattr(augmentation, name, value)
    found = augmented(edges, torch.ones_like(edges), Chance(0, 0))
    steps = found.diff(dim=-1).amax((1, 2, 3))
    assert steps.min() < 0.3
    assert steps.max() <= 0.5
    torch.testing.assert_close(found.mean((1, 2, 3)), torch.full((4,), 0.25))


# network


def test_scores_have_the_size_of_the_images():
    network = Segmenter(3, 8)
    assert network(torch.zeros(2, 1, 64, 96)).shape == (2, 3, 64, 96)
    with pytest.raises(InputError, match="multiples of 32"):
        network(torch.zeros(1, 1, 64, 80))
    with pytest.raises(InputError, match="2 classes or more"):
        Segmenter(1)


# training


def test_it_learns_what_tissue_is_what(found, data):
    dataset = Dataset(data, ("bmode", "labels", "mask"), split="test")
    sample = dataset[0]
    mask = sample["mask"][0] > 0
    classes = found(sample["bmode"][None], mask[None])[0]
    overlap = found.dice(classes, sample["labels"], mask)
    assert found.grouping.names == ("fluid", "bone", OTHER)
    assert overlap[2] > 0.8
    assert np.nanmean(overlap) > 0.4
    assert found.trained_on.tolist() == list(range(15))


def test_what_lies_outside_of_the_mask_is_not_seen(found, data):
    sample = Dataset(data, ("bmode", "mask"), split="test")[0]
    images, mask = sample["bmode"][None], sample["mask"] > 0
    noise = np.random.default_rng(0).uniform(-1.0, 1.0, images.shape).astype(np.float32)
    changed = np.where(mask[:, None], images, noise)
    np.testing.assert_array_equal(found(images, mask), found(changed, mask))


def test_dice_of_the_labels_themselves_is_one_and_absent_classes_do_not_count(found, data):
    sample = Dataset(data, ("labels", "mask"), split="test")[0]
    labels, mask = sample["labels"].copy(), sample["mask"][0] > 0
    wanted = found.grouping.classes(labels).astype(np.int64)
    assert found.dice(wanted, labels, mask).tolist() == [1.0, 1.0, 1.0]
    labels[labels == 3] = 1
    values = found.dice(found.grouping.classes(labels).astype(np.int64), labels, mask)
    assert np.isnan(values[1])
    assert values[[0, 2]].tolist() == [1.0, 1.0]


def test_it_is_trained_once_and_the_same_again(found, data, tmp_path):
    def refused(items, what):
        raise AssertionError("trains again")

    folder = Path(data).parent / "segmenter"
    again = find_segmentation(data, folder, SHORT, "cpu", refused)
    anew = find_segmentation(data, tmp_path / "anew", SHORT, "cpu", silent)
    assert (folder / WEIGHTS).read_bytes() == (tmp_path / "anew" / WEIGHTS).read_bytes()
    assert again.about["sha256"] == anew.about["sha256"]


def test_what_lies_there_must_be_of_these_data_and_whole(found, data, tmp_path):
    folder = Path(data).parent / "segmenter"
    other = make_simulated(tmp_path / "other.zarr", provenance="another")
    with pytest.raises(InputError, match="trained on other data"):
        find_segmentation(other, folder, SHORT, "cpu", silent)
    with pytest.raises(InputError, match="trained with other settings"):
        find_segmentation(data, folder, SegmenterSettings(), "cpu", silent)
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"segmenter.safetensors: damaged"):
        find_segmentation(data, broken, SHORT, "cpu", silent)
    (broken / ABOUT).write_text(json.dumps({"manifest": 3}))
    with pytest.raises(InputError, match="manifest: missing or damaged"):
        find_segmentation(data, broken, SHORT, "cpu", silent)
