"""Frames of a recipe: each depends on its number alone, and holds what it says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from insonate.anatomy import load_scene, views
from insonate.config import from_plain
from insonate.data.rendering import DatasetRecipe, subjects
from insonate.data.rendering.frames import FrameRenderer, NoImageError
from insonate.errors import InputError
from insonate.imaging import Display
from insonate.probe import load_probe
from insonate.sim import Settings, Simulator

PHANTOM = {
    "name": "phantom", "frames": 32, "shard": 4, "quality": "fine",
    "settings": {"rays": 2, "layers": 1},
    "subjects": {"kind": "scene", "scene": "cysts", "frames": 8},
    "poses": {"shift": {"uniform": [-6, 6]}, "roll": {"normal": [0, 10]}},
    "probe": {"preset": "c5_2v", "depth": 90, "scanlines": 48, "samples": 1024},
    "display": {"gain": {"uniform": [-3, 3]}},
    "image": {"rows": 48, "columns": 84,
              "arrays": ["bmode", "bmode_fast", "labels", "attenuation", "shadow", "mask"]},
}  # fmt: skip


def renderer(**changes):
    return FrameRenderer(from_plain(DatasetRecipe, PHANTOM | changes), threads=1)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        if name == "metadata":
            assert one[name] == other[name]
        else:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_a_frame_is_the_same_whoever_renders_it():
    busy = renderer()
    for frame in (3, 17, 4):
        busy.sample(frame)
    assert_same(busy.sample(11), renderer().sample(11))


def test_a_frame_is_what_the_simulator_makes_of_what_it_says():
    sample = renderer().sample(5)
    said = sample["metadata"]
    assert said["probe"]["depth"] == 90.0
    probe = load_probe("c5_2v").replace(depth=90.0, scanlines=48, samples=1024)
    settings = Settings.fine(
        rays=2, layers=1, display=Display(rows=48, gain=said["display"]["gain"])
    )
    frame = Simulator(load_scene("cysts"), probe, settings).frame(sample["pose"], sample["seed"])
    wide = frame.mask.shape[1]
    first = (84 - wide) // 2
    np.testing.assert_array_equal(sample["bmode"][:, first : first + wide], frame.image())
    np.testing.assert_array_equal(sample["labels"][:, first : first + wide], frame.labels)
    assert not sample["mask"][:, :first].any()
    at = np.array([1.0, 1.0]) * frame.origin
    assert sample["origin"] == pytest.approx(at - [first * frame.spacing, 0.0])


def test_a_frame_that_is_rendered_finer_is_averaged():
    plain = renderer().sample(5)
    image = PHANTOM["image"] | {"rows": 24, "columns": 42, "oversample": 2}
    fine = renderer(image=image).sample(5)
    means = plain["bmode"].reshape(24, 2, 42, 2).mean(axis=(1, 3))
    inside = fine["mask"] > 0
    assert np.abs(fine["bmode"] - means)[inside].max() <= 1.0
    assert not fine["bmode"][~inside].any()
    assert fine["spacing"] == pytest.approx(2.0 * np.array(plain["spacing"]))
    half = 0.5 * plain["spacing"][0]
    assert fine["origin"] == pytest.approx(np.array(plain["origin"]) + half)
    np.testing.assert_array_equal(fine["labels"], plain["labels"][1::2, 1::2])


def test_numbers_differ_in_place_seed_and_knobs():
    made = renderer()
    frames = [made.sample(k) for k in range(3)]
    assert len({f["seed"] for f in frames}) == 3
    assert len({f["metadata"]["display"]["gain"] for f in frames}) == 3
    assert len({tuple(f["pose"].ravel()) for f in frames}) == 3


def test_a_pair_shares_its_scatterers():
    """Speckle of both looks alike where they show the same, far more than with another seed."""
    pair = renderer(display={}, poses={}).sample(0)
    other = renderer(display={}, poses={}, seed=99).sample(0)
    inside = (pair["mask"] > 0) & (pair["labels"] > 0)

    def alike(a, b):
        return np.corrcoef(a[inside].astype(float), b[inside].astype(float))[0, 1]

    assert alike(pair["bmode"], pair["bmode_fast"]) > 0.5
    assert (
        alike(pair["bmode"], other["bmode_fast"]) < alike(pair["bmode"], pair["bmode_fast"]) - 0.2
    )


def test_a_sweep_moves_across_the_plane_and_keeps_its_knobs():
    sweep = {"sweep": {"frames": 4, "length": 30, "fan": 20}}
    made = renderer(poses=sweep)
    frames = [made.sample(k) for k in range(5)]
    other = frames.pop()
    steps = [b["pose"][:3, 3] - a["pose"][:3, 3] for a, b in pairwise(frames)]
    start = views("cysts")["top"].pose()
    for step in steps:
        np.testing.assert_allclose(step, 10.0 * start[:3, 1], atol=1e-9)
    turn = np.arccos(frames[0]["pose"][:3, 2] @ frames[3]["pose"][:3, 2])
    assert np.degrees(turn) == pytest.approx(20.0)
    assert len({f["seed"] for f in frames}) == 1
    assert [f["sequence"] for f in frames] == [0, 0, 0, 0]
    assert other["sequence"] == 1


def test_a_dark_frame_is_drawn_again():
    strict = {"attempts": 6, "content": {"cyst*": 0.03}}
    far = {"shift": {"uniform": [-60, 60]}}
    made = renderer(poses=far, reject=strict, quality="fast", settings={})
    frames = [made.sample(k) for k in range(6)]
    assert any(f["metadata"]["attempt"] > 0 for f in frames)
    for frame in frames:
        if frame["metadata"]["accepted"]:
            cysts = [k for k, name in enumerate(made.classes.names) if name.startswith("cyst")]
            assert np.isin(frame["labels"], cysts).sum() >= 0.03 * frame["mask"].sum()


def test_what_never_fits_says_so_and_shows_most():
    frame = renderer(reject={"attempts": 2, "content": {"cyst*": 0.9}}).sample(0)
    assert frame["metadata"]["accepted"] is False


def test_classes_take_the_place_of_regions():
    image = PHANTOM["image"] | {"labels": {"cyst": ["cyst*"]}}
    mine, all_regions = renderer(image=image).sample(2), renderer().sample(2)
    names = renderer().classes.names
    cysts = [k for k, name in enumerate(names) if name.startswith("cyst")]
    np.testing.assert_array_equal(mine["labels"] == 1, np.isin(all_regions["labels"], cysts))


def test_subjects_are_split_whole():
    made = renderer(split={"train": 0.5, "test": 0.5})
    splits = [made.sample(frame)["split"] for frame in (0, 5, 8, 13)]
    assert splits[0] == splits[1]
    assert splits[2] == splits[3]


def test_what_gives_no_image_at_all_is_told_from_a_wrong_recipe():
    bone = {"subjects": {"kind": "scene", "scene": "cysts", "frames": 8}, "quality": "fast"}
    made = renderer(**bone, settings={}, reject={"attempts": 1})
    made._glance = lambda *_: (_ for _ in ()).throw(InputError("the probe is in bone"))
    with pytest.raises(NoImageError, match=r"frame 3: no try gave an image; .* in bone"):
        made.sample(3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"probe": {"preset": "c52v"}}, "unknown probe 'c52v'"),
        ({"probe": {"dept": 3}}, "probe: unknown 'dept'; did you mean 'depth'"),
        ({"display": {"gian": 3}}, "display: unknown 'gian'"),
        ({"settings": {"ray": 3}}, "unknown setting 'ray'"),
        ({"poses": {"kind": "belly"}}, "expected a pregnant subject"),
        ({"subjects": {"kind": "scene", "scene": "cyst", "frames": 8}}, "cyst"),
        ({"subjects": {"kind": "pregnant", "frames": 8, "parameters": {"aeg": 3}}}, "'aeg'"),
        ({"subjects": {"kind": "pregnant", "frames": 8,
                       "parameters": {"gestational_age": 50}}}, "14 to 40 weeks"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_named(change, words):
    with pytest.raises(InputError) as error:
        renderer(**change).sample(0)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_contradictory_subjects_are_drawn_anew(monkeypatch):
    """Two of three fluid indices cannot be had; sooner or later the third is drawn."""

    def built(number, given):
        if given["amniotic_fluid_index"] != 100.0:
            raise InputError("amniotic_fluid_index: expected 89 mm or less here")
        return number, given

    monkeypatch.setattr(subjects, "_pregnant", built)
    who = {"kind": "pregnant", "frames": 8}
    fluid = {"parameters": {"amniotic_fluid_index": {"choice": [100.0, 200.0, 300.0]}}}
    recipe = from_plain(DatasetRecipe, PHANTOM | {"subjects": who | fluid})
    drawn = [subjects.make_subject(recipe, number) for number in range(8)]
    assert len({given["seed"] for _, given in drawn}) == 8
    never = {"parameters": {"amniotic_fluid_index": 200.0}}
    with pytest.raises(InputError, match="16 draws failed, the last one with: amniotic"):
        subjects.make_subject(from_plain(DatasetRecipe, PHANTOM | {"subjects": who | never}), 0)
