"""The protocol of an evaluation: which parts of frames, measured how, differing by how much."""

import csv
import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluated import COLUMNS, IMAGES, ROWS, make_pairs, make_run, tiny

from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation import (
    EvaluationSettings,
    Machine,
    evaluate,
    prepare,
    write_results,
    write_tables,
)
from insonate.evaluation.candidates import RunCandidate, Stored, name_runs
from insonate.evaluation.distances import extractor_of
from insonate.evaluation.measures import BEST_PSNR, patch_measures
from insonate.evaluation.measuring import Measuring
from insonate.evaluation.places import PLACES
from insonate.evaluation.plan import Plan
from insonate.evaluation.tables import Cell, Table, place_table, quality_table
from insonate.metrics import RandomFeatures
from insonate.recipe import load_run

SMALL = EvaluationSettings(crop=32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("pairs") / "pairs.zarr")


@pytest.fixture(scope="module")
def runs(data):
    folder = Path(data).parent
    return [make_run(data, folder / "m"), make_run(data, folder / "msa", "MSA")]


@pytest.fixture(scope="module")
def found(data, runs):
    return evaluate(runs, data, SMALL, names=("M", "MSA"))


class Off:
    """Images that are wrong by so many gray levels everywhere in the fan."""

    def __init__(self, levels, name="off"):
        self.levels, self.name = levels, name

    def open(self):
        def translate(arrays, first):
            gray = np.round((arrays["bmode"] + 1.0) * 127.5)
            gray += np.where(gray > 127, -self.levels, self.levels) * arrays["mask"]
            return (gray / 127.5 - 1.0).astype(np.float32)

        return translate


def silent(items, what):
    return items


def measured(data, candidate, settings=SMALL):
    plan = Plan(data, settings)
    side = min(plan.shape) if settings.whole else plan.crop
    measuring = Measuring(plan, patch_measures(settings, side), PLACES, RandomFeatures())
    return measuring.of(candidate, silent)


# what


def test_a_known_error(data):
    """10 gray levels off everywhere in the fan: PSNR 20 log10(255 / 10), errors 10."""
    found = measured(data, Off(10), EvaluationSettings(whole=True)).values
    np.testing.assert_allclose(found["psnr"], 20.0 * math.log10(25.5), rtol=1e-12)
    for name in ("shadow_error", "lit_error", "attenuated_error", "border_error"):
        np.testing.assert_allclose(found[name], 10.0, err_msg=name)


def test_the_target_itself(data):
    found = measured(data, Stored("target", "bmode")).values
    assert (found["psnr"] == BEST_PSNR).all()
    np.testing.assert_allclose(found["ssim"], 1.0)
    np.testing.assert_allclose(found["pkl"], 0.0, atol=1e-12)
    np.testing.assert_allclose(found["border_edges"], 1.0)
    np.testing.assert_allclose(found["speckle"], 1.0)
    assert (found["shadow_level"] == 0.0).all()


def test_rounding_is_the_best_psnr():
    """An error that is even between half a gray level below and above has the square 1/12."""
    assert pytest.approx(58.92, abs=0.005) == BEST_PSNR


@pytest.mark.parametrize("change", [{"translate": "frames"}, {"batch": 1}, {"batch": 64}])
def test_how_it_is_cut_does_not_matter_to_what_works_pixel_by_pixel(data, change):
    """Same crops, same values, whatever is translated at once."""
    first = measured(data, Off(6))
    second = measured(data, Off(6), dataclasses.replace(SMALL, **change))
    for name, values in first.values.items():
        np.testing.assert_allclose(values, second.values[name], rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(first.features, second.features, rtol=1e-4, atol=1e-6)


class Numbered:
    """Images with the gray level of their number, as a method that draws noise by number."""

    name = "numbered"

    def open(self):
        def translate(arrays, first):
            numbers = first + np.arange(len(arrays["bmode"]), dtype=np.float32)
            return np.zeros_like(arrays["bmode"]) + (numbers / 127.5 - 1.0)[:, None, None, None]

        return translate


def test_noise_goes_by_number_and_not_by_batch(data):
    first = measured(data, Numbered(), dataclasses.replace(SMALL, batch=1))
    second = measured(data, Numbered(), dataclasses.replace(SMALL, batch=12))
    for name, values in first.values.items():
        np.testing.assert_allclose(values, second.values[name], rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(first.features, second.features, rtol=1e-4, atol=1e-6)
    assert len(np.unique(first.values["psnr"])) == 16  # no two crops of one number


def test_tiles_are_those_of_the_centre(data):
    plan = Plan(data, SMALL)
    gray = np.stack([plan.dataset[k]["bmode"][0] for k in range(len(plan))])
    gray = np.round((gray + 1.0) * 127.5)[:, :, 8:72]  # 64 of 80 columns
    cut = gray.reshape(len(plan), 2, 32, 2, 32).transpose(0, 1, 3, 2, 4).reshape(-1, 32, 32)
    found = measured(data, Stored("target", "bmode")).features
    expected = RandomFeatures()(torch.from_numpy(cut).float())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_scores_carry_what_made_them(found, data, runs):
    row = found.rows[0]
    keys = {measure.name: found.score(row, measure).key for measure in found.columns
            if found.score(row, measure)}  # fmt: skip
    assert keys["ssim"] == "SSIM-matlab-crops_of_crops-side32-n16"
    assert "half" in keys["pkl"]
    assert "random" in keys["fid"]
    assert "tile32" in keys["fid"]
    whole = evaluate(runs[:1], data, EvaluationSettings(whole=True))
    assert whole.score(whole.rows[0], whole.measures[1]).key == "SSIM-matlab-frames-side64-n4"


# who


def test_names_of_runs(tmp_path):
    a, b = tmp_path / "x" / "run", tmp_path / "y" / "run"
    assert name_runs([a, tmp_path / "z"]) == ["run", "z"]
    assert name_runs([a, b]) == ["x/run", "y/run"]
    assert name_runs([a, b], ["M", "MS"]) == ["M", "MS"]
    for folders, names, words in (
        ([], [], "runs: none given"),
        ([a, a], [], "comes twice"),
        ([a, b], ["M"], "--names: 1 for 2 runs"),
        ([a, b], ["M", "M"], "two runs have one name"),
        ([a], ["low quality"], "two runs have one name"),
    ):
        with pytest.raises(InputError, match=words):
            name_runs(folders, names)


def test_a_run_is_not_measured_on_what_it_learned_from(data, runs):
    with pytest.raises(InputError, match=r"trained on 6 of the 6 frames .*'train' by stored"):
        prepare(runs, data, EvaluationSettings(split="train", crop=32))
    (note, _, tiles_note) = prepare(
        runs, data, EvaluationSettings(split="validation", crop=32)
    ).notes
    assert note == "m was watched on 2 of these frames while it trained."
    assert f"8 tiles, fewer than the {RandomFeatures().dimension} numbers" in tiles_note
    assert len(prepare(runs, data, SMALL).notes) == 1


def test_splits_that_are_dealt_anew_are_looked_through(data, tmp_path):
    """A run that dealt its own split has seen frames which the dataset calls test."""
    recipe = tiny()
    dealt = dataclasses.replace(recipe.batches, unit="frame")
    run = make_run(data, tmp_path / "dealt", batches=dealt)
    with pytest.raises(InputError, match=r"trained on \d of the 4 frames .* by frame"):
        prepare([run], data, SMALL)
    prepare([run], data, dataclasses.replace(SMALL, unit="frame"))


def test_other_data_is_said(data, runs, tmp_path):
    other = make_pairs(tmp_path / "other.zarr", count=16)
    notes = prepare(runs[:1], other, SMALL).notes
    assert "m was trained on other data; whether it has seen these frames is open." in notes
    note, *_ = prepare(runs[:1], other, EvaluationSettings(split="train", crop=32)).notes
    assert note.endswith("frames is open, and its split was 'train' too.")


def test_regions_are_found_by_name(data, runs, tmp_path):
    """The same frames under other labels give the same images."""
    names = ("outside", "bone", "tissue", "cyst")
    other = make_pairs(tmp_path / "other.zarr", regions=names)
    plan, table = Plan(data, SMALL), np.array([0, 2, 3, 1])
    sample = {k: v[None] for k, v in plan.dataset[0].items()}
    regions = Dataset(data, ()).attributes.regions
    ours = RunCandidate("ms", runs[1], data, regions).open()(sample, 0)
    renamed = sample | {"labels": table[sample["labels"]]}
    theirs = RunCandidate("ms", runs[1], other, names).open()(renamed, 0)
    np.testing.assert_array_equal(ours, theirs)
    other_anatomy = RunCandidate("ms", runs[1], data, regions).open()(renamed, 0)
    assert (ours != other_anatomy).any()
    strange = RunCandidate("ms", runs[1], data, ("outside", "x", "y", "z"))
    with pytest.raises(InputError, match="regions that the run was not trained with: x, y, z"):
        strange.open()


def test_missing_arrays_are_named(tmp_path, runs):
    names = tuple(name for name in IMAGES if name not in ("bmode_fast", "attenuation"))
    bare = make_pairs(tmp_path / "bare.zarr", images=names)
    with pytest.raises(InputError, match="no array bmode_fast, attenuation, which the evaluation"):
        prepare(runs, bare, SMALL)


def test_places_are_measured_where_the_data_has_them(tmp_path, runs):
    bare = make_pairs(tmp_path / "bare.zarr", images=("bmode", "bmode_fast", "mask"))
    task = prepare(runs[:1], bare, SMALL)
    assert list(task.measuring.places) == []
    assert task.measure().rows[1].values.keys() == {
        "psnr", "ssim", "pkl", "pkl_skip_empty"
    }  # fmt: skip


def test_a_split_without_frames(tmp_path, runs):
    with pytest.raises(InputError, match="no split 'tst'; did you mean 'test'"):
        prepare(runs, make_pairs(tmp_path / "a.zarr"), EvaluationSettings(split="tst"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("randm", "features: 'randm'; did you mean 'random'"),
        ("inception", "expected inception:PATH"),
        ("torchscript:nowhere.pt", "nowhere.pt: cannot be read"),
    ],
)
def test_feature_networks_that_are_not_there(text, words):
    with pytest.raises(InputError, match=words):
        extractor_of(text)


# written


def test_files_agree_with_each_other(found, tmp_path):
    write_results(found, tmp_path)
    write_tables(found, tmp_path)
    said = json.loads((tmp_path / "results.json").read_text())
    with (tmp_path / "patches.csv").open() as file:
        patches = list(csv.DictReader(file))
    assert len(patches) == 3 * 4 * 4
    mine = [float(line["psnr"]) for line in patches if line["candidate"] == "MSA"]
    (score,) = [s for s in said["scores"] if s["candidate"] == "MSA" and s["column"] == "psnr"]
    assert score["mean"] == pytest.approx(np.mean(mine), rel=1e-5)
    assert score["percentile_5"] == pytest.approx(np.percentile(mine, 5), rel=1e-5)
    assert score["n"] == 16
    assert [c["name"] for c in said["candidates"]] == ["low quality", "M", "MSA"]
    assert said["candidates"][2]["inputs"] == ["bmode_fast", "mask", "labels", "attenuation"]
    assert said["candidates"][1]["step"] == 2
    assert said["data"]["frames"] == [8, 9, 10, 11]
    assert {d["by"] for d in said["differences"]} == {"patch", "frame"}
    with (tmp_path / "table.csv").open() as file:
        table = {line["candidate"]: line for line in csv.DictReader(file)}
    assert float(table["MSA"]["PSNR [dB] mean"]) == pytest.approx(score["mean"], abs=0.006)
    mine = [float(line["pkl"]) for line in patches if line["candidate"] == "MSA"]
    worst = 100.0 * np.percentile(mine, 95)  # high is bad of what should be low
    assert float(table["MSA"]["pKL (x 100) 95 %"]) == pytest.approx(worst, abs=0.006)
    assert len((tmp_path / "frames.csv").read_text().splitlines()) == 1 + 3 * 4


def test_significance_is_written(found, tmp_path):
    write_tables(found, tmp_path)
    with (tmp_path / "significance.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(found.differences)
    tests = [d for d in found.differences if (d.measure, d.first) == ("psnr", "low quality")]
    for test in (test for test in tests if test.second == "MSA"):
        (line,) = [line for line in lines if (line["measure"], line["by"], line["first"],
                   line["second"]) == ("psnr", test.by, "low quality", "MSA")]  # fmt: skip
        assert [float(line[name]) for name in ("difference", "effect", "holm")] == [
            test.difference, test.effect, test.holm
        ]  # fmt: skip
        text = (tmp_path / "table.md").read_text().split(f"**Significance, by {test.by}**")[1]
        (row,) = [row for row in text.split("**")[0].splitlines() if "| low quality - MSA " in row]
        shown = f"{test.difference:+.2f} ({test.effect:+.2f}, p {test.holm:.3f})"
        assert row.split(" | ")[1] == shown


def test_the_full_table_has_more(found):
    """Spread of KID over subsets, and pKL without empty bins, whatever rule is asked for."""
    short, full = quality_table(found), quality_table(found, full=True)
    titles = [title for title, _ in full.heads]
    assert set(titles) - {title for title, _ in short.heads} == {"pKL, empty bins skipped (x 100)"}
    row = found.rows[1]
    said = row.distances["kid"].summary()
    assert full.rows[1][1][-1].text == f"{said.mean:.3f} \u00b1 {said.std:.3f}"
    assert short.rows[1][1][-1].text == f"{said.mean:.3f}"
    assert found.score(row, found.measures[3]).made.settings["rule"] == "skip_empty"
    assert "pkl_skip_empty" not in {d.measure for d in found.differences}
    other = dataclasses.replace(SMALL, rule="skip_empty")
    assert [m.name for m in patch_measures(other, 32)] == ["psnr", "ssim", "pkl"]


def test_remarks_on_a_run_are_notes(data, runs, monkeypatch):
    def remarked(folder, weights, **way):
        run = load_run(folder, weights, **way)
        object.__setattr__(run, "remarks", ("000002: damaged, passed over",))
        return run

    monkeypatch.setattr("insonate.evaluation.candidates.load_run", remarked)
    notes = prepare(runs[:1], data, SMALL).notes
    assert notes[0] == "m: 000002: damaged, passed over"


def test_the_same_evaluation_twice(found, data, runs):
    again = evaluate(runs, data, SMALL)
    for a, b in zip(found.rows, again.rows, strict=True):
        for name in a.values:
            np.testing.assert_array_equal(a.values[name], b.values[name], err_msg=name)
        assert a.distances["fid"].values == b.distances["fid"].values


def test_tables_mark_the_best():
    table = Table(
        "T", [("PSNR", ("mean", "std"))], [("a|b", [Cell("3.0", True), Cell("1.0")])], ["n = 1."]
    )
    lines = table.markdown().splitlines()
    assert lines[2:5] == [
        "| | PSNR mean | PSNR std |",
        "|---|---|---|",
        "| a\\|b | **3.0** | 1.0 |",
    ]
    assert table.csv() == "candidate,PSNR mean,PSNR std\na|b,3.0,1.0\n"


def test_best_is_by_the_way_of_the_measure(found):
    for measure in found.columns:
        means = {row.name: found.score(row, measure) for row in found.rows}
        values = {k: float(s.values.mean()) for k, s in means.items() if s is not None}
        if not values:
            assert found.best(measure) == set()
            continue
        by = {"higher": max, "lower": min}.get(measure.better)
        if by is not None:
            most = by(values.values())
            assert found.best(measure) == {name for name, v in values.items() if v == most}
    assert len(quality_table(found).rows[0][1]) == 3 * 3 + 2
    assert len(place_table(found).rows[0][1]) == len(found.places)


def test_frames_are_spread(data):
    plan = Plan(data, EvaluationSettings(crop=32, frames=2))
    assert plan.numbers.tolist() == [8, 11]
    assert plan.shape == (ROWS, COLUMNS)


def test_raw_weights_and_averages_side_by_side(data, runs, tmp_path):
    training = dataclasses.replace(tiny().training, ema=0.5)
    averaged = make_run(data, tmp_path / "averaged", training=training)
    task = prepare([averaged, runs[0]], data, SMALL, Machine(weights="both"), ("A", "M"))
    assert [run.name for run in task.runs] == ["A", "A, raw", "M"]  # M kept no averages
    average, raw, other = (run.about["weights"] for run in task.runs)
    assert average != raw
    assert raw == other  # keeping an average changes nothing that is learned


def test_regions_are_looked_at_before_anything_is_measured(runs, tmp_path):
    other = make_pairs(tmp_path / "other.zarr", regions=("outside", "tissue", "cist", "bone"))
    with pytest.raises(InputError, match="regions that the run was not trained with: cist"):
        prepare(runs, other, SMALL)
