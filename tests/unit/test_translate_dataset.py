"""Datasets translated into datasets and folders: what changes, what stays, what is refused."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")
sys.path.insert(0, str(Path(__file__).parent))
import looked_at
from looked_at import make_dataset
from translated import random_run, seeing_run

from insonate.data.dataset import Dataset, gray_levels
from insonate.errors import InputError
from insonate.translation import Translator, translate_dataset, translate_to_png

IMAGES = ("bmode", "bmode_fast", "labels", "attenuation", "mask")


def changes(count=12):
    """What pairs have beside the images of `looked_at`."""
    rng = np.random.default_rng(5)
    made = {}
    for k in range(count):
        mask = looked_at.sample(k)["mask"]
        shape = (2, *mask.shape)
        fast, attenuation = rng.integers(0, 256, shape, dtype=np.uint8) * mask
        made[k] = {"bmode_fast": fast, "attenuation": attenuation}
    return made


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    where = tmp_path_factory.mktemp("data") / "pairs.zarr"
    return str(make_dataset(where, change=changes(), images=IMAGES))


@pytest.fixture(scope="module")
def translator():
    return Translator.load(random_run())


def test_images_change_and_all_else_stays(pairs, translator, tmp_path):
    out = str(tmp_path / "new.zarr")
    assert translate_dataset(translator, pairs, out, split="test", batch=3) == 4
    before, after = Dataset(pairs, split="test"), Dataset(out)
    assert after.frames.tolist() == [0, 1, 2, 3]
    assert after.layout.images == IMAGES
    for k in range(4):
        for name in before.layout.arrays():
            if name not in ("bmode", "metadata"):
                np.testing.assert_array_equal(before.raw(name, k), after.raw(name, k), name)
        assert after.metadata(k) == {"number": 8 + k, "translated_frame": 8 + k}
        assert (after.raw("bmode", k) != before.raw("bmode", k)).mean() > 0.5
        assert not after.raw("bmode", k)[before.raw("mask", k) == 0].any()
    for name in ("regions", "tissues", "planes", "splits", "licence"):
        assert getattr(after.attributes, name) == getattr(before.attributes, name)
    said = after.attributes.provenance
    assert said.startswith("made bmode: bmode_fast translated by mine (l2h, step 70, weights ")
    assert translator.about.weights in said


def test_images_are_those_of_the_translator(pairs, translator, tmp_path):
    out = str(tmp_path / "new.zarr")
    translate_dataset(translator, pairs, out, batch=5)
    data = Dataset(pairs, ("bmode_fast", "mask", "labels", "attenuation"))
    for k in (0, 7, 11):
        given = {name: array[None] for name, array in data[k].items()}
        expected = gray_levels(translator.frames(given, first=k)[0, 0])
        found = Dataset(out).raw("bmode", k).astype(int)
        assert np.abs(found - expected).max() <= 1  # batches of another size round elsewhere


def test_noise_does_not_depend_on_batches(pairs, tmp_path):
    translator = Translator.load(random_run("bridge"))
    found = []
    for batch in (1, 3):
        out = str(tmp_path / f"{batch}.zarr")
        translate_dataset(translator, pairs, out, split="test", batch=batch)
        found.append(np.stack([Dataset(out).raw("bmode", k) for k in range(4)]).astype(int))
    assert np.abs(found[0] - found[1]).max() <= 1


def test_labels_are_mapped_by_name(tmp_path):
    regions = ("outside", "kidney", "liver")  # of the run: outside, liver, kidney
    where = make_dataset(tmp_path / "data.zarr", change=changes(), images=IMAGES, regions=regions)
    run = seeing_run()
    translate_dataset(Translator.load(run), str(where), str(tmp_path / "new.zarr"), batch=12)
    seen = run.method.seen[0]["labels"][0, :24, :20].numpy()
    np.testing.assert_array_equal(seen, np.array([0, 2, 1])[looked_at.sample(0)["labels"]])
    kept = Dataset(tmp_path / "new.zarr")
    np.testing.assert_array_equal(kept.raw("labels", 0), looked_at.sample(0)["labels"])


def test_another_array_can_be_translated(tmp_path):
    where = str(make_dataset(tmp_path / "data.zarr"))
    translator = Translator.load(random_run("M"))
    with pytest.raises(InputError, match="no bmode_fast, which mine needs; it has bmode, labels"):
        translate_dataset(translator, where, str(tmp_path / "new.zarr"))
    assert not (tmp_path / "new.zarr").exists()
    assert translate_dataset(translator, where, str(tmp_path / "new.zarr"), source="bmode") == 12
    assert Dataset(tmp_path / "new.zarr").layout.images == ("bmode", "labels", "mask")


def test_goes_on_where_it_stopped(pairs, tmp_path, monkeypatch):
    out, whole = str(tmp_path / "new.zarr"), str(tmp_path / "whole.zarr")
    run = random_run("bridge")
    translate_dataset(Translator.load(run), pairs, whole)
    stopping, calls = Translator.load(run), []

    def stop(arrays, seed, first):
        calls.append(first)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return Translator.load(run).network(arrays, seed, first)

    monkeypatch.setattr(stopping, "network", stop)
    monkeypatch.setattr(stop, "about", Translator.load(run).about, raising=False)
    with pytest.raises(KeyboardInterrupt):
        translate_dataset(stopping, pairs, out)
    assert len(Dataset(out)) == 8
    seen = []
    translate_dataset(Translator.load(run), pairs, out, done=seen.append)
    assert seen == [8, 12]
    for k in range(12):
        np.testing.assert_array_equal(Dataset(out).raw("bmode", k), Dataset(whole).raw("bmode", k))


def test_another_translation_is_not_mixed_in(pairs, translator, tmp_path):
    out = str(tmp_path / "new.zarr")
    translate_dataset(translator, pairs, out, split="test")
    other = Translator.load(random_run(seed=1))
    for wrong, split in ((other, "test"), (translator, "train")):
        with pytest.raises(InputError, match="exists already, of another translation"):
            translate_dataset(wrong, pairs, out, split=split)


def test_a_dataset_is_not_translated_into_itself(pairs, translator):
    before = sorted(Path(pairs).rglob("*"))
    for out in (pairs, f"{pairs}/new.zarr", f"file://{pairs}/new.zarr"):
        with pytest.raises(InputError, match="which is read; expected another place") as error:
            translate_dataset(translator, pairs, out)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="which is read; expected another place"):
        translate_to_png(translator, pairs, Path(pairs) / "new")
    assert sorted(Path(pairs).rglob("*")) == before


def test_frames_that_are_not_complete_are_left_out(tmp_path, translator):
    zarr = pytest.importorskip("zarr")
    where = make_dataset(tmp_path / "data.zarr", change=changes(), images=IMAGES)
    zarr.open_group(where, mode="r+")["complete"][2:5] = 0
    out = str(tmp_path / "new.zarr")
    assert translate_dataset(translator, str(where), out) == 9
    assert [Dataset(out).metadata(k)["number"] for k in range(9)] == [0, 1, *range(5, 12)]


def test_folders_of_png(pairs, translator, tmp_path):
    out, data = tmp_path / "new", str(tmp_path / "new.zarr")
    assert translate_to_png(translator, pairs, out, split="test") == 4
    translate_dataset(translator, pairs, data, split="test")
    for k in range(4):
        shown = np.asarray(Image.open(out / "images" / f"000000{k}.png"))
        np.testing.assert_array_equal(shown, Dataset(data).raw("bmode", k))
    assert (out / "index.csv").is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(InputError, match="holds something"):
        translate_to_png(translator, pairs, out)


def test_a_failure_leaves_no_folder(pairs, translator, tmp_path, monkeypatch):
    def fail(arrays, first=0):
        raise InputError("out of memory")

    monkeypatch.setattr(translator, "frames", fail)
    with pytest.raises(InputError, match="out of memory"):
        translate_to_png(translator, pairs, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_unknown_regions_are_told_before_anything_is_written(tmp_path, translator):
    regions = ("outside", "spleen", "kidney")
    where = make_dataset(tmp_path / "data.zarr", change=changes(), images=IMAGES, regions=regions)
    with pytest.raises(InputError, match="regions that the run was not trained with: spleen"):
        translate_dataset(translator, str(where), str(tmp_path / "new.zarr"))
    assert not (tmp_path / "new.zarr").exists()


def test_labels_beyond_the_names(tmp_path, translator):
    wrong = {3: {**changes()[3], "labels": np.full((24, 20), 9, np.uint8)}}
    where = make_dataset(tmp_path / "data.zarr", change=changes() | wrong, images=IMAGES)
    with pytest.raises(InputError, match="labels without a region of the run"):
        translate_dataset(translator, str(where), str(tmp_path / "new.zarr"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"split": "tests"}, "no split 'tests'; did you mean 'test'"),
        ({"batch": 0}, "--batch: expected at least 1, got 0"),
        ({"source": "shadow"}, "no shadow, which mine needs"),
    ],
)
def test_bad_input(pairs, translator, tmp_path, given, words):
    with pytest.raises(InputError, match=words) as error:
        translate_dataset(translator, pairs, str(tmp_path / "new.zarr"), **given)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_no_dataset(translator, tmp_path):
    with pytest.raises(InputError, match="no dataset"):
        translate_dataset(translator, str(tmp_path / "no.zarr"), str(tmp_path / "new.zarr"))
