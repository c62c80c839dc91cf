"""Batches of two datasets at once, and frames that are resized before windows are cut."""

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("zarr")

from evaluated import tiny
from realism_data import make_real, make_simulated, small_conpres
from training_pairs import make_pairs, pair

from insonate.data.batches import Batches, BatchSettings, Unpaired, open_split
from insonate.data.batches.resizing import resized
from insonate.data.dataset import Attributes, Layout, Window, create
from insonate.errors import InputError
from insonate.methods import CUTConfig, SasanConfig, StarGANConfig
from insonate.recipe.experiment import Sources, assemble
from insonate.training.ranks import Ranks

SIDE = 16


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")


def batches(data, frames=None, **settings):
    dataset = open_split(data, ("bmode", "labels", "mask"), "train")
    if frames is not None:
        dataset.frames = dataset.frames[:frames]
    given = {"size": 2, "crop": SIDE, "workers": 0} | settings
    return Batches(dataset, BatchSettings(**given), 0)


# resizing


def test_means_of_areas_and_labels_that_there_are():
    """Four times as wide as it becomes: a ramp stays a ramp, of two labels none becomes a third."""
    ramp = np.tile(np.linspace(-1.0, 1.0, 64, dtype=np.float32), (32, 1))[None]
    labels = np.where(np.arange(64) < 32, 3, 9).astype(np.int64)[None].repeat(32, 0)
    sample = {"bmode": ramp, "labels": labels, "mask": np.ones((1, 32, 64), np.float32),
              "index": 5}  # fmt: skip
    found = resized(sample, 16, Window(0, 0, 16, 16))
    middle = np.diff(found["bmode"][0, 4, 2:-2])
    assert middle == pytest.approx(np.full(11, 8.0 / 63.0), abs=1e-3)
    assert found["labels"].tolist() == [[3] * 8 + [9] * 8] * 16
    assert found["labels"].dtype == labels.dtype
    assert (found["mask"] == 1).all()
    assert found["index"] == 5


def test_a_window_of_the_square_is_cut_from_all_alike():
    rng = np.random.default_rng(0)
    sample = {"bmode": rng.random((1, 20, 30), np.float32), "labels": rng.integers(0, 4, (20, 30))}
    whole = resized(sample, 24, Window(0, 0, 24, 24))
    part = resized(sample, 24, Window(5, 7, 8, 8))
    assert np.array_equal(part["bmode"], whole["bmode"][:, 5:13, 7:15])
    assert np.array_equal(part["labels"], whole["labels"][5:13, 7:15])


def test_frames_are_resized_to_the_window_itself_when_that_ends(data):
    """Eight frames by two: two epochs end with step 8, and then every sample is a whole frame."""
    found = batches(data, resize=20, resize_epochs=2)
    squares = [resized(found.dataset.sample(k), SIDE, Window(0, 0, SIDE, SIDE)) for k in range(8)]

    def is_whole(step):
        return [any(np.array_equal(image.numpy(), square["bmode"]) for square in squares)
                for image in found[step]["bmode"]]  # fmt: skip

    assert not any(whole for step in range(8) for whole in is_whole(step))
    assert all(whole for step in range(8, 12) for whole in is_whole(step))


def test_both_sides_end_by_the_epoch_of_the_simulated_one(data):
    """Two real frames have seen four times the epochs: they are resized as the others are."""
    both = Unpaired(batches(data, resize=20, resize_epochs=2),
                    batches(data, frames=2, resize=20, resize_epochs=2))  # fmt: skip
    early, late = both.real.at(7, 0.0), both.real.at(8, 2.0)
    assert torch.equal(both[7]["real_bmode"], early["bmode"])
    assert not torch.equal(both[7]["real_bmode"], both.real[7]["bmode"])
    assert torch.equal(both[8]["real_bmode"], late["bmode"])
    assert torch.equal(both[8]["bmode"], both.simulated[8]["bmode"])


def test_without_resizing_an_epoch_changes_nothing(data):
    one = batches(data)
    assert torch.equal(one.at(3, 99.0)["bmode"], one[3]["bmode"])


def test_squares_have_no_windows_to_choose():
    with pytest.raises(InputError, match=r"batches.inside: 0.7 together with batches.resize"):
        BatchSettings(crop=SIDE, resize=20, inside=0.7)


# labels and windows that do not fit


def test_the_frame_that_has_a_label_without_region_is_named(tmp_path):
    """Whatever place shuffling gave it."""
    where, frames = str(tmp_path / "pairs.zarr"), 6
    layout = Layout(frames, 40, 48, ("bmode", "labels", "mask"), shard=8)
    with create(where, layout, Attributes(regions=("outside", "disc"))) as writer:
        samples = [{name: pair(k)[name] for name in ("bmode", "mask")} for k in range(frames)]
        for k, sample in enumerate(samples):
            sample |= {"labels": np.full((40, 48), 7 if k == 2 else 1, np.uint8), "split": 0}
        writer.write(0, samples)
    found = batches(where, size=1)
    said = []
    for step in range(frames):
        try:
            _ = found[step]
        except InputError as error:
            said.append(str(error))
    assert said == [f"{where}: label 7 in frame 2 has no region; expected 0 to 1"]


def recipe_of(method, **settings):
    recipe = tiny()
    return replace(recipe, method=method, batches=replace(recipe.batches, size=1, **settings))


def refused(method, data, real, said, **settings):
    with pytest.raises(InputError, match=said):
        assemble(recipe_of(method, **settings), Sources(data, real), Ranks("cpu"))


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sides")
    return make_simulated(folder / "simulated.zarr"), make_real(folder / "real.zarr")


@pytest.mark.parametrize(
    "method",
    [small_conpres(), CUTConfig(width=4, blocks=1, discriminator_width=4, semantic=True),
     StarGANConfig(width=4, blocks=1, discriminator_width=4, discriminator_layers=2, side=32),
     SasanConfig(width=4, attention_width=4, discriminator_width=4)],
)  # fmt: skip
def test_data_that_lack_labels_or_regions_are_named(sides, tmp_path, method):
    _, real = sides
    bare = make_pairs(tmp_path / "bare.zarr", ("bmode", "mask"))
    refused(method, bare, real, r"bare\.zarr: no labels", crop=32)
    nameless = make_simulated(tmp_path / "nameless.zarr", regions=())
    refused(method, nameless, real, r"nameless\.zarr: labels without names of regions", crop=32)
    single = make_simulated(tmp_path / "single.zarr", regions=("outside",))
    refused(method, single, real, r"single\.zarr: labels: one region only", crop=32)


@pytest.mark.parametrize("crop", [24, None])
def test_windows_of_another_side_are_told_before_the_first_batch(sides, crop):
    method = small_conpres()
    said = r"method.side: 32 pixels, but conpres is to learn from .*; expected batches.crop as"
    refused(method, *sides, said, crop=crop)
    gap = replace(method, class_head="gap")
    assemble(recipe_of(gap, crop=crop), Sources(*sides), Ranks("cpu"))
    assemble(recipe_of(method, crop=32), Sources(*sides), Ranks("cpu"))


def test_consistency_says_what_it_needs():
    with pytest.raises(InputError, match=r"consistency: 1 without .* needs semantic: true"):
        CUTConfig(consistency=1.0)
