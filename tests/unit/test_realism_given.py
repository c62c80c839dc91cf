"""What an evaluation of realism is given: splits, borders, segmenters, runs of other input."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("zarr")

from evaluated import tiny
from realism_data import make_real

from insonate.cli.evaluate import Evaluate
from insonate.cli.evaluate_realism import _settings
from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate
from insonate.evaluation.held_out import seen_frames
from insonate.evaluation.realism.frames import Frames
from insonate.evaluation.realism.held_out import input_in_words
from insonate.evaluation.realism.segmentation import (
    ABOUT,
    SegmenterSettings,
    default_folder,
    find_segmentation,
)

TRAIN, VALIDATION, TEST = range(15), range(15, 20), range(20, 30)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Half train, a sixth is validation, the others test."""
    return make_real(tmp_path_factory.mktemp("given") / "real.zarr")


@pytest.mark.parametrize(
    ("said", "numbers"),
    [("test", [*TEST]), ("test validation", [*VALIDATION, *TEST]), ("train test", [*TRAIN, *TEST]),
     ("held-out", [*VALIDATION, *TEST])],
)  # fmt: skip
def test_splits_together_and_all_that_is_held_out(real, said, numbers):
    frames = Frames(real, ["bmode"], said)
    assert frames.numbers.tolist() == numbers
    assert frames.split == said


def test_held_out_of_splits_that_are_dealt_anew(real):
    trained = set(Frames(real, ["bmode"], "train", "frame").numbers.tolist())
    rest = Frames(real, ["bmode"], "held-out", "frame").numbers.tolist()
    assert sorted([*trained, *rest]) == list(range(30))
    assert not trained & set(rest)


@pytest.mark.parametrize("said", ["tset", "test tset", ""])
def test_a_split_that_there_is_not(real, said):
    with pytest.raises(InputError, match=r"real.zarr: no split '(tset)?'"):
        Frames(real, ["bmode"], said)


@pytest.mark.parametrize(
    ("asked", "beside", "pairs"),
    [(None, "valid", "matlab"), ("matlab", "matlab", "matlab"), ("valid", "valid", "valid")],
)
def test_a_border_that_is_asked_for_is_kept(asked, beside, pairs):
    given = Evaluate((), border=asked)
    assert _settings(given).border == beside
    assert given._settings().border == pairs


def test_a_segmenter_is_named_by_data_and_settings(real, tmp_path):
    settings = SegmenterSettings(steps=3)
    others = [replace(settings, steps=4), replace(settings, unit="frame")]
    assert len({default_folder(real, each) for each in (settings, *others)}) == 3
    assert default_folder(real, settings) == default_folder(real, SegmenterSettings(steps=3))
    other = make_real(tmp_path / "other.zarr", 12)
    assert default_folder(other, settings) != default_folder(real, settings)


def test_a_segmenter_of_other_data_names_the_option(real, tmp_path):
    (tmp_path / ABOUT).write_text(
        '{"manifest": "0", "settings": {}, "classes": [], "table": [], "frames": [], "sha256": ""}'
    )
    with pytest.raises(InputError, match=r"other data than .*; expected another --segmenter"):
        find_segmentation(real, tmp_path, SegmenterSettings(), "cpu", lambda items, what: items)


def candidate(folder, *inputs):
    run = RunCandidate("L2H", Path(folder), "")
    run.__dict__["about"] = {"inputs": list(inputs)}
    return run


def test_a_run_of_another_input_is_noted(tmp_path):
    said = input_in_words(candidate(tmp_path, "bmode_fast", "mask"), "bmode")
    assert said == ["L2H translates bmode_fast, not bmode, which its content is compared with."]
    assert not input_in_words(candidate(tmp_path, "bmode_fast", "mask"), "bmode_fast")
    assert not input_in_words(candidate(tmp_path, "bmode", "mask"), "bmode")
    assert not input_in_words(candidate(tmp_path, "labels", "mask"), "bmode")


def test_what_a_run_has_seen_is_known_without_its_weights(real, tmp_path):
    """There are no weights in this folder."""
    (tmp_path / "recipe.yaml").write_text(tiny().yaml())
    run = candidate(tmp_path)
    assert seen_frames(run, real, "train").tolist() == [*TRAIN]
    assert seen_frames(run, real, "validation").tolist() == [*VALIDATION]
