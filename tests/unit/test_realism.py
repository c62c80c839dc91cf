"""Realism beside real images: what is measured, on which frames, and what is refused."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from evaluated import COLUMNS, ROWS, make_run
from realism_data import (
    FRAMES,
    make_real,
    make_simulated,
    make_sweep,
    small_conpres,
    train_unpaired,
)

from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.realism import (
    Beside,
    RealismSettings,
    compare_realism,
    evaluate_realism,
    prepare_realism,
    write_realism,
    write_realism_tables,
)
from insonate.evaluation.realism.report import chosen_by_content, write_realism_report
from insonate.evaluation.realism.results import OTHER_HALF, SIMULATED
from insonate.evaluation.realism.tables import content_table, realism_table

SMALL = RealismSettings(window=24, resamples=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("realism")


@pytest.fixture(scope="module")
def data(folder):
    return make_simulated(folder / "simulated.zarr")


@pytest.fixture(scope="module")
def real(folder):
    return make_real(folder / "real.zarr")


@pytest.fixture(scope="module")
def run(folder, data, real):
    return train_unpaired(data, real, folder / "cut")


@pytest.fixture(scope="module")
def found(folder, data, real, run):
    sweep = make_sweep(folder / "sweep.zarr")
    beside = Beside(real, sweep, folder / "segmenter", 3)
    return evaluate_realism([run], data, beside, SMALL, names=("<CUT>",))


# the whole


def test_rows_columns_and_numbers(found):
    assert [row.name for row in found.rows] == [SIMULATED, "<CUT>", OTHER_HALF]
    names = [column.name for column in found.measured]
    assert names[:2] == ["content_ssim", "dice"]
    assert {"hallucination", "shadow_contrast", "fid", "kid", "flicker"} <= set(names)
    assert [m.title for m in found.distances] == ["FID, random", "KID, random"]
    assert len(found.data["simulated"]["frames"]) == len(found.data["real"]["frames"]) == 10
    row = found.rows[1]
    assert all(len(row.values[column.name]) == 10 for column in found.columns)
    assert len(row.values["flicker"]) == 6
    assert row.about["ways"] == [["simulated", "real"]]
    for distance in row.distances.values():
        value = distance.score.values.mean()
        assert distance.interval.low < value < distance.interval.high
    tested = {(d.first, d.second, d.by) for d in found.differences}
    assert tested == {(SIMULATED, "<CUT>", "frame")}


def test_the_untranslated_simulation_is_never_called_best(found):
    for column in found.measured:
        assert SIMULATED not in found.best(column)
        assert OTHER_HALF not in found.best(column)


def test_keys_say_network_windows_and_numbers(found):
    key = found.rows[1].distances["kid"].score.key
    assert key.startswith("KID-random-pyramid-d256-n40")
    assert key.endswith("windows-side24")


def test_files_and_tables(found, tmp_path):
    write_realism(found, tmp_path)
    write_realism_tables(found, tmp_path)
    said = json.loads((tmp_path / "results.json").read_text("utf-8"))
    scores = {(s["candidate"], s["column"]): s for s in said["scores"]}
    assert scores["<CUT>", "fid"]["low"] < scores["<CUT>", "fid"]["mean"]
    assert scores[SIMULATED, "content_ssim"]["mean"] == pytest.approx(1.0)
    lines = list(csv.DictReader((tmp_path / "frames.csv").read_text("utf-8").splitlines()))
    assert len(lines) == 20
    text = (tmp_path / "table.md").read_text("utf-8")
    assert "| simulated | 100.00" in text
    assert "Real images: 10 of Real <b>heads</b>, CC BY 4.0, split test." in text
    assert "n = 10 simulated and 10 real held-out frames" in text
    assert [name for name, _ in content_table(found).rows] == [SIMULATED, "<CUT>"]
    assert len(realism_table(found).rows) == 3


def test_report_escapes_and_shows(found, data, real, run, tmp_path):
    numbers = chosen_by_content(found, 1)
    strips = compare_realism([run], data, real, numbers, names=("<CUT>",))
    page = write_realism_report(found, tmp_path / "r.html", strips).read_text("utf-8")
    assert "&lt;CUT&gt;" in page
    assert "<CUT>" not in page
    assert "Real &lt;b&gt;heads&lt;/b&gt;" in page
    assert page.count("semantic map</b>") == len(numbers)
    assert "content_SSIM-valid-labels-n10" in page


def test_batches_of_frames_change_nothing(data, real, run):
    settings = [dataclasses.replace(SMALL, batch=batch, frames=8) for batch in (1, 5)]
    rows = [evaluate_realism([run], data, Beside(real, steps=0), s).rows[1] for s in settings]
    for name, values in rows[0].values.items():
        np.testing.assert_allclose(values, rows[1].values[name], atol=1e-5)
    for name, distance in rows[0].distances.items():
        other = rows[1].distances[name].score.values
        np.testing.assert_allclose(distance.score.values, other, rtol=1e-4)


def test_a_run_that_learned_from_pairs_is_measured_too(data, real, folder):
    m = make_run(data, folder / "m")
    row = evaluate_realism([m], data, Beside(real, steps=0), SMALL).rows[1]
    assert row.about["ways"] == []
    assert row.values["content_ssim"].mean() < 1.0


# held out


def test_frames_that_a_run_was_trained_on_are_refused(data, real, run):
    for change, words in (
        ({"split": "train"}, r"15 of the 15 simulated frames .* see --split"),
        ({"real_split": "train"}, r"15 of the 15 real frames .* see --real-split"),
    ):
        settings = dataclasses.replace(SMALL, **change)
        with pytest.raises(InputError, match=f"{run}: was trained on {words}"):
            prepare_realism([run], data, Beside(real), settings)


def test_frames_that_a_run_was_watched_on_are_noted(data, real, run, folder):
    longer = make_simulated(folder / "longer.zarr", 60)
    watched = train_unpaired(longer, real, folder / "watched")
    settings = dataclasses.replace(SMALL, split="validation")
    notes = prepare_realism([watched], longer, Beside(real), settings).notes
    assert notes == ["watched was watched on 10 of these frames while it trained."]


def test_other_data_are_noted_on_both_sides(data, run, folder):
    others = make_simulated(folder / "others.zarr", provenance="another")
    reals = make_real(folder / "reals.zarr", FRAMES + 2)
    notes = prepare_realism([run], others, Beside(reals), SMALL).notes
    assert [("simulated" in note, "real" in note) for note in notes] == [
        (True, False),
        (False, True),
    ]


def test_a_run_of_pairs_may_not_have_learned_from_the_real_frames(data, folder):
    both = make_simulated(folder / "both.zarr", provenance="both")
    m = make_run(both, folder / "of_both")
    with pytest.raises(InputError, match="15 of the 15 real frames"):
        prepare_realism([m], data, Beside(both), dataclasses.replace(SMALL, real_split="train"))


def test_a_segmenter_may_not_have_learned_from_the_frames(real, run, folder):
    """That of a dataset that the run has not seen, of which frames that train are measured."""
    unseen = make_simulated(folder / "unseen.zarr", provenance="unseen")
    settings = dataclasses.replace(SMALL, split="train")
    beside = Beside(real, None, folder / "of_unseen", 1)
    with pytest.raises(InputError, match="the segmenter was trained on 15 of the frames that are"):
        evaluate_realism([run], unseen, beside, settings)


def test_sweeps_that_a_run_was_trained_on_are_refused(data, real, run):
    with pytest.raises(InputError, match=f"{run}: was trained on 15 frames of the sweeps in"):
        prepare_realism([run], data, Beside(real, sweep=data), SMALL)


# what cannot be measured


def test_too_few_frames_are_counted(data, real, run, folder):
    few = make_real(folder / "few.zarr", 12)
    with pytest.raises(InputError, match=r"few.zarr: 4 real frames of split 'test'.* need 8"):
        prepare_realism([run], data, Beside(few), SMALL)
    with pytest.raises(InputError, match=r"simulated.zarr: 3 simulated frames .* need 8"):
        prepare_realism([run], data, Beside(real), dataclasses.replace(SMALL, frames=3))


def test_too_few_frames_with_room_are_counted(data, real, run):
    settings = dataclasses.replace(SMALL, window=62)
    with pytest.raises(InputError, match=r"0 of 10 real frames .* room for a window of 62 pixels"):
        evaluate_realism([run], data, Beside(real, steps=0), settings)


def test_frames_of_two_sizes_have_windows_of_one(data, run, folder):
    larger = make_real(folder / "larger.zarr", size=(ROWS + 16, COLUMNS))
    whole = dataclasses.replace(SMALL, on="frames")
    with pytest.raises(InputError, match=r"frames of 80 x 80, .* are 64 x 80; expected one size"):
        prepare_realism([run], data, Beside(larger), whole)
    row = evaluate_realism([run], data, Beside(larger, steps=0), SMALL).rows[1]
    assert np.isfinite(row.distances["fid"].score.values).all()


def test_bad_settings_and_data(data, real, run):
    with pytest.raises(InputError, match="window: 100 pixels, larger than frames of 64"):
        prepare_realism([run], data, Beside(real), RealismSettings(window=100))
    with pytest.raises(InputError, match="is the simulated dataset; expected real images"):
        prepare_realism([run], data, Beside(data), SMALL)
    with pytest.raises(InputError, match="name of a row already"):
        prepare_realism([run], data, Beside(real), SMALL, names=(SIMULATED,))
    with pytest.raises(InputError, match=r"inside: expected a share from 0\.5 to 1, got 2"):
        RealismSettings(inside=2.0)
    with pytest.raises(InputError, match="window: expected at least 16, got 8"):
        RealismSettings(window=8)
    with pytest.raises(InputError, match="no split 'tset'"):
        prepare_realism([run], data, Beside(real), RealismSettings(real_split="tset"))


# pictures


def test_strips_of_semantic_maps_for_runs_that_can(data, real, run, folder):
    conpres = train_unpaired(data, real, folder / "conpres", small_conpres())
    strips = compare_realism([run, conpres], data, real, [25, 28], zoom=16)
    names = [[panel.name for panel in strip.panels] for strip in strips]
    assert names[0] == ["simulated", "cut", "conpres", "semantic map"]
    assert names[1] == names[2] == ["semantic map", "conpres", "simulated"]
    assert [strip.frame for strip in strips[:6]] == [25, 25, 25, 28, 28, 28]
    assert "semantic map to real" in strips[1].about
    assert "semantic map to simulated" in strips[2].about
    assert not np.array_equal(strips[1].panels[1].image, strips[2].panels[1].image)
    assert strips[-1].panels[0].name.startswith("real, ")
    assert strips[0].zoom is not None
    assert strips[0].panels[-1].image.shape == (ROWS, COLUMNS, 3)


def test_strips_tell_who_was_trained_on_a_frame(data, real, run):
    strips = compare_realism([run], data, real, [2, 25])
    assert strips[0].about.endswith("trained on by cut")
    assert "trained" not in strips[1].about
    missing = Dataset(data, ()).layout.frames
    with pytest.raises(InputError, match="expected 0 to"):
        compare_realism([run], data, real, [missing])
