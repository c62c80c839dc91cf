"""Windows, measures and sweeps of realism: known answers, without a run."""

import dataclasses

import numpy as np
import pytest
from evaluated import COLUMNS, ROWS
from realism_data import make_real, make_simulated, make_sweep, real_frame

from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.evaluation.candidates import Stored
from insonate.evaluation.evaluate import silent
from insonate.evaluation.realism import RealismSettings
from insonate.evaluation.realism.distances import Looking, joined_features, split_in_halves
from insonate.evaluation.realism.frames import Frames, windows_inside
from insonate.evaluation.realism.grouping import group_labels
from insonate.evaluation.realism.measures import Seen, frame_measures
from insonate.evaluation.realism.measuring import Measuring
from insonate.evaluation.realism.results import SIMULATED
from insonate.evaluation.realism.segmentation import Segmentation
from insonate.evaluation.realism.sweeps import Sweeps
from insonate.nets.segmenter import Segmenter

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


def measuring(data, real, settings=SMALL, segmentation=None):
    simulated = Frames(data, ["bmode", "labels", "shadow"], "test")
    reals = Frames(real, ["bmode"], "test")
    columns = frame_measures(settings, simulated.dataset.arrays, segmentation)
    return Measuring(simulated, reals, "bmode", columns, Looking(settings, (simulated, reals)),
                     segmentation)  # fmt: skip


def changing(change):
    """Translates by a function of gray levels and arrays."""

    def translate(arrays, first):
        levels = np.round((arrays["bmode"] + 1.0) * 127.5)
        changed = np.clip(change(levels, arrays), 0, 255) * arrays["mask"]
        return (changed / 127.5 - 1.0).astype(np.float32)

    return translate


def measured(data, real, change, settings=SMALL):
    """Values and distances of images that are changed by a function of gray levels."""
    work = measuring(data, real, settings)
    values, features = work.of(changing(change), "changed", silent)
    return values, work.looking.distances(work.real_features(silent), features)


# windows


def test_windows_lie_in_the_mask_and_touch_no_box():
    mask = np.ones((ROWS, COLUMNS), bool)
    mask[:20, :30] = mask[50:, 60:] = False
    windows = windows_inside(mask, 24, 200, 1.0, np.random.default_rng(0))
    assert len(windows) == 200
    assert all(window.cut(mask).all() for window in windows)
    assert len({(w.row, w.column) for w in windows}) > 100
    some = windows_inside(mask, 24, 200, 0.9, np.random.default_rng(0))
    shares = [window.cut(mask).mean() for window in some]
    assert 0.9 <= min(shares) < 1.0


def test_a_mask_without_room_has_no_windows():
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[::2] = True
    assert windows_inside(mask, 24, 4, 1.0, np.random.default_rng(0)) == []


def test_windows_hang_on_seed_and_frame_only(data):
    whole, some = (Frames(data, ["bmode"], "test", most=most) for most in (None, 3))
    number = int(some.numbers[1])
    at = [int(np.searchsorted(each.dataset.frames, number)) for each in (whole, some)]
    first = whole.windows(at[0], 24, 4, 0, 1.0)
    assert some.windows(at[1], 24, 4, 0, 1.0) == first
    assert whole.windows(at[0], 24, 4, 1, 1.0) != first
    assert whole.windows(at[0] + 1, 24, 4, 0, 1.0) != first


# known answers


def test_what_is_not_changed_is_all_kept(data, real):
    values, _ = measured(data, real, lambda levels, arrays: levels)
    np.testing.assert_allclose(values["content_ssim"], 1.0)
    assert not values["hallucination"].any()
    assert not np.nan_to_num(values["hallucination_black"]).any()
    np.testing.assert_allclose(values["shadow_contrast"], 1.0)


def test_half_the_contrast_is_half_the_shadow(data, real):
    values, _ = measured(data, real, lambda levels, arrays: np.round(0.5 * levels))
    np.testing.assert_allclose(values["shadow_contrast"], 0.5, atol=0.02)


def test_shadows_that_are_filled_have_no_contrast(data, real):
    def filled(levels, arrays):
        lit = np.mean(levels[(arrays["shadow"] < 0.5) & (arrays["labels"][:, None] == 1)])
        return np.where(arrays["shadow"] > 0.5, lit, levels)

    values, _ = measured(data, real, filled)
    assert np.abs(values["shadow_contrast"]).max() < 0.3


@pytest.mark.parametrize(("darker", "expected"), [(50.0, 1.0), (6.0, np.nan), (0.0, np.nan)])
def test_shadows_that_hardly_darken_say_nothing(darker, expected):
    (column,) = (c for c in frame_measures(SMALL, ("labels", "shadow"), None)
                 if c.name == "shadow_contrast")  # fmt: skip
    shadow = np.zeros((20, 20))
    shadow[:, :10] = 1.0
    image, whole = 100.0 - darker * shadow, np.ones((20, 20), np.uint8)
    found = column.of(Seen(image, image, whole > 0, whole, shadow))
    np.testing.assert_equal(found, expected)


def test_content_is_what_has_a_label_or_what_is_not_black(data, real):
    def noise_on_tissue(levels, arrays):
        off = np.random.default_rng(0).normal(0.0, 60.0, levels.shape)
        return np.where(arrays["labels"][:, None] == 1, levels + off, levels)

    values, _ = measured(data, real, noise_on_tissue)
    other = dataclasses.replace(SMALL, content="simulated")
    black, _ = measured(data, real, noise_on_tissue, other)
    assert values["content_ssim"].max() < 0.8
    assert not np.allclose(values["content_ssim"], black["content_ssim"])


class Reading(Segmentation):
    """Reads labels that were drawn as gray levels, 60 apart."""

    def __call__(self, images, mask):
        labels = np.round((images[:, 0] + 1.0) * 127.5 / 60.0).astype(int)
        return self.grouping.classes(labels).astype(np.int64)


def test_dice_is_of_what_is_found_in_translations(data, real):
    """Labels drawn as they are, and with bone drawn as the tissue around it."""
    counts = np.bincount([1, 2, 3], minlength=256)
    grouping = group_labels(Dataset(data, ()).attributes, counts, data)
    reading = Reading(Segmenter(3, 4), grouping, np.zeros(0, np.int64), {"sha256": "0" * 64})
    work = measuring(data, real, SMALL, reading)
    assert [c.name for c in work.columns][1:4] == ["dice", "dice_fluid", "dice_bone"]

    def drawn(levels, arrays):
        return 60.0 * arrays["labels"][:, None]

    def boneless(levels, arrays):
        labels = arrays["labels"][:, None]
        return 60.0 * np.where(labels == 3, 1, labels)

    right, wrong = (work.of(changing(each), "drawn", silent)[0] for each in (drawn, boneless))
    for name in ("dice", "dice_fluid", "dice_bone"):
        np.testing.assert_array_equal(right[name], 1.0)
    np.testing.assert_array_equal(wrong["dice_fluid"], 1.0)
    np.testing.assert_array_equal(wrong["dice_bone"], 0.0)
    assert (wrong["dice"] < 2 / 3).all()
    assert (wrong["dice"] > 0.6).all()


def test_distances_fall_as_images_become_like_real_ones(data, real):
    """From simulated speckle over a blend to frames drawn as the real ones are."""

    def blend(share):
        def of(levels, arrays):
            others = np.stack([real_frame(500 + k)["bmode"] for k in range(len(levels))])
            return (1.0 - share) * levels + share * others[:, None]

        return of

    found = [measured(data, real, blend(share))[1] for share in (0.0, 0.6, 1.0)]
    for name in ("fid", "kid"):
        means = [each[name].score.values.mean() for each in found]
        assert means[0] > 1.5 * means[1] > 2.0 * means[2]
        assert found[2][name].interval.high < found[0][name].interval.low
    assert abs(found[2]["kid"].score.values.mean()) < 0.1 * found[0]["kid"].score.values.mean()


def test_the_shape_of_the_fan_changes_windows_not_at_all(data, folder):
    """Real frames with content of the same law but another mask: near in windows, far in frames."""

    def narrow(k, rows=ROWS, columns=COLUMNS):
        wide = real_frame(k, rows, columns)
        x = np.arange(columns)
        mask = wide["mask"] * (np.abs(x - columns / 2) < 16).astype(np.uint8)
        return {"bmode": wide["bmode"] * mask, "mask": mask}

    wide = make_real(folder / "wide.zarr")
    slim = make_real(folder / "slim.zarr", frame=narrow)
    sides = Frames(wide, ["bmode"], "test"), Frames(slim, ["bmode"], "train")
    found = {}
    for on in ("windows", "frames"):
        looking = Looking(dataclasses.replace(SMALL, on=on), sides)
        a, b = (joined_features([looking.of_frames(f, "bmode", c) for c in f.chunks()])
                for f in sides)  # fmt: skip
        found[on] = float(looking.distances(a, b)["kid"].score.values.mean())
    assert abs(found["windows"]) < 0.02
    assert found["frames"] > 0.2


def test_halves_share_no_frame_and_no_patient(folder):
    where = make_real(folder / "patients.zarr", patients=lambda k: k // 2)
    frames = Frames(where, ["bmode"], "train")
    looking = Looking(SMALL, (frames, frames))
    whole = joined_features([looking.of_frames(frames, "bmode", c) for c in frames.chunks()])
    first, second = split_in_halves(whole, frames, 0)
    assert len(first.frames) + len(second.frames) == len(whole.frames)
    assert not set(first.frames // 2) & set(second.frames // 2)
    assert 0.3 < len(first.frames) / len(whole.frames) < 0.7


# sweeps


def test_images_that_move_do_not_flicker_and_gains_do(folder):
    sweeps = Sweeps(make_sweep(folder / "moving.zarr"), [], "bmode", 3)
    assert sweeps.pairs == 6
    still = sweeps.measure(Stored(SIMULATED, "bmode").open(), "s", silent)
    assert still["flicker"].max() < 2.0
    np.testing.assert_allclose(still["flicker_ratio"], 1.0)
    calls = []

    def gaining(arrays, first):
        """Every frame that is even is brighter by 10 levels."""
        even = np.array([(first + k) % 2 == 0 for k in range(len(arrays["bmode"]))])
        calls.append(first)
        return arrays["bmode"] + even[:, None, None, None] * np.float32(10.0 / 127.5)

    found = sweeps.measure(gaining, "g", silent)
    np.testing.assert_allclose(found["flicker"], 10.0, atol=1.0)
    assert calls == [0, 3, 4, 7]


def test_a_dataset_without_sequences_has_no_sweeps(real):
    with pytest.raises(InputError, match="no sequence of two frames or more"):
        Sweeps(real, [], "bmode", 4)
