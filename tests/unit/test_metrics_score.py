"""Scores know what made them, refuse to be mixed, and survive a file."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from speckle_field import gray

from insonate.config import from_plain, to_plain
from insonate.errors import InputError
from insonate.metrics import (
    ContentSsim,
    Frechet,
    Kernel,
    Made,
    MsSsim,
    PatchKl,
    Psnr,
    RandomFeatures,
    Score,
    Ssim,
    check_comparable,
    joined,
    score_images,
)

NUMBERS = st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20)


def features(n, seed=0):
    return torch.tensor(np.random.default_rng(seed).random((n, 256)))


def test_a_key_names_all_that_changes_the_number():
    kernel = Kernel(RandomFeatures(resize=299))
    key = kernel.score(features(443), features(443, 1)).key
    assert key == "KID-random-pyramid-d256-n443-subset221-resize299"
    assert Frechet(RandomFeatures()).score(features(9), features(7)).key == (
        "FID-random-pyramid-d256-n9x7-native"
    )
    other = Kernel(RandomFeatures(seed=3), seed=1).score(features(8), features(8, 1))
    assert other.key == "KID-random_seed_3-pyramid-d256-n8-subset4-native-subsets100-seed1"
    assert Psnr().made.key == "PSNR"
    assert Ssim("matlab").made.key == "SSIM-matlab"
    assert PatchKl().made.key == "pKL-half-whole-bins50-patch32"
    assert PatchKl("skip_empty", fan_only=True).made.key == "pKL-skip_empty-fan_only-bins50-patch32"


def test_every_switch_makes_another_key():
    measures = [Psnr(), Ssim(), Ssim("matlab"), ContentSsim(), ContentSsim("matlab"), MsSsim()]
    measures += [PatchKl(), PatchKl("one"), PatchKl(fan_only=True)]
    assert len({m.made.key for m in measures}) == len(measures)


def test_measures_score_images():
    image, target = gray(64, 1.0, 0, 2), gray(64, 1.0, 7, 2)
    mask = torch.zeros(64, 64)
    mask[:40] = 1
    for measure in (Psnr(), Ssim(), ContentSsim(), PatchKl(), PatchKl(fan_only=True)):
        score = score_images(measure, image, target, mask)
        assert score.values.shape == (2,)
        np.testing.assert_array_equal(score.values, measure(image, target, mask))
        assert score.key == f"{measure.made.key}-masked"
    bare = score_images(Psnr(), image, target)
    assert bare.key == "PSNR"
    with pytest.raises(InputError, match="PSNR and PSNR-masked"):
        check_comparable((bare, score_images(Psnr(), image, target, mask)))
    with pytest.raises(InputError, match="takes none"):
        score_images(MsSsim(), image, target, mask)


def test_patch_kl_has_the_target_first():
    from insonate.metrics import patch_kl

    image, target = gray(64, 1.0, 0) / 3, gray(64, 1.0, 7)
    assert score_images(PatchKl(), image, target).values == patch_kl(target, image).numpy()


def test_content_is_required_of_content_ssim():
    image = gray(64, 1.0, 0)
    with pytest.raises(InputError, match="content"):
        score_images(ContentSsim(), image, image)


def test_measures_say_which_way_they_point():
    better = {"higher": (Psnr, Ssim, MsSsim, ContentSsim), "lower": (PatchKl, Frechet, Kernel)}
    for way, measures in better.items():
        assert all(m.better == way for m in measures)


def test_a_summary_is_that_of_numpy():
    values = np.random.default_rng(0).normal(25.0, 4.0, 101)
    found = Score(values, Made("PSNR")).summary()
    assert (found.mean, found.std, found.count) == (values.mean(), values.std(), 101)
    assert (found.low, found.high) == (np.sort(values)[5], np.sort(values)[95])


def test_a_summary_with_a_perfect_image():
    found = Score(np.array([30.0, np.inf]), Made("PSNR")).summary()
    assert found.mean == np.inf


def test_scores_by_other_networks_or_counts_are_not_mixed():
    few = Kernel(RandomFeatures()).score(features(20), features(20, 1))
    more = Kernel(RandomFeatures()).score(features(30), features(30, 1))
    for mix in (check_comparable, joined):
        with pytest.raises(InputError, match=r"KID-random.*n20.*and KID-random.*n30"):
            mix((few, more))
    with pytest.raises(InputError, match="cannot be compared"):
        few.difference(more)
    one, two = (Score(np.zeros(n), Made("PSNR")) for n in (3, 4))
    with pytest.raises(InputError, match="expected pairs, got 3 and 4"):
        one.difference(two)


def test_parts_are_joined_in_order():
    parts = [Score(np.array([1.0, 2.0]), Made("PSNR")), Score(np.array([3.0]), Made("PSNR"))]
    assert joined(parts).values.tolist() == [1.0, 2.0, 3.0]
    assert joined(parts).difference(Score(np.ones(3), Made("PSNR"))).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(InputError, match="at least one"):
        joined([])


@given(NUMBERS)
def test_scores_survive_a_file(numbers):
    score = Score(np.array(numbers), Made("KID", {"extractor": "random", "n": 443, "at": 0.5}))
    text = json.dumps(to_plain(score), allow_nan=False)
    again = from_plain(Score, json.loads(text))
    np.testing.assert_array_equal(again.values, score.values)
    assert again.made == score.made
    assert again.key == "KID-random-n443-at0.5"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": ["high"]}, r"scores.json: values\[0\]: expected a number, got 'high'"),
        ({"values": [True]}, "expected a number"),
        ({"values": []}, "expected at least one, got none"),
        ({"values": 3.0}, "values: expected a list"),
        ({"made": {"measure": "PSNR", "settings": {}, "key": "SSIM"}}, "expected 'PSNR'"),
        ({"made": {"measure": "PSNR", "settings": {"a": None}, "key": "x"}}, "text or a number"),
        ({"made": {"measure": "PSNR", "key": "PSNR"}}, "settings: missing"),
        ({"mean": 3.0}, "mean: unknown"),
    ],
)
def test_a_spoilt_file_is_refused(change, message):
    plain = Score(np.array([1.0]), Made("PSNR")).plain()
    with pytest.raises(InputError, match=message) as caught:
        Score.parse({**plain, **change}, "scores.json: ")
    assert "\n" not in str(caught.value)


def test_values_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"PSNR: expected values \(n,\)"):
        Score(np.zeros((2, 2)), Made("PSNR"))
    with pytest.raises(InputError, match="masked: expected a text or a number"):
        Made("PSNR", {"masked": True})
