"""PSNR, SSIM, MS-SSIM, content SSIM, patch KL and Dice, against known values and other programs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from speckle_field import gray

from insonate.errors import InputError
from insonate.metrics import (
    content_ssim,
    dice,
    ms_ssim,
    patch_kl,
    psnr,
    quantize,
    ssim,
    ssim_map,
)

RULES = ("epsilon_1e-10", "epsilon_1e-5", "epsilon_1e-2", "half", "one", "skip_empty")
IMAGE_MEASURES = (psnr, ssim, patch_kl)


def pair(side=64, seed=0):
    """An image and one like it, as translation makes it."""
    target = gray(side, 1.0, seed)
    image = (0.65 * target + 0.35 * gray(side, 1.0, seed + 100) + 5.0).clamp(0, 255).round()
    return image, target


def images(seed, side=40):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.integers(0, 256, (2, side, side)).astype(float))


def test_gray_levels_are_those_of_a_file():
    levels = quantize(torch.tensor([[[-1.0, -2.0, 0.0, 0.3, 1.0, 7.0]]]))
    assert levels.tolist() == [[[0, 0, 128, 166, 255, 255]]]
    bare = quantize(torch.full((1, 1, 2, 2), 0.3), rounding=False)
    assert bare.shape == (1, 2, 2)
    assert bare[0, 0, 0] == pytest.approx(1.3 * 127.5)


def test_psnr_of_a_known_error():
    target = torch.full((1, 8, 8), 100.0)
    # An error of 10 everywhere: 20 log10(25.5).
    assert psnr(target + 10, target)[0] == pytest.approx(20 * np.log10(25.5), abs=1e-9)
    assert psnr(target, target)[0] == np.inf


def test_psnr_of_a_mask_sees_the_mask_only():
    image, target = pair()
    mask = torch.zeros(64, 64)
    mask[:, :32] = 1
    spoilt = image.clone()
    spoilt[:, :, 32:] = 0
    assert psnr(spoilt, target, mask) == psnr(image, target, mask)
    assert psnr(spoilt, target) != psnr(image, target)
    assert psnr(image, target, mask)[0] == pytest.approx(psnr(image[..., :32], target[..., :32])[0])


def test_psnr_agrees_with_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    image, target = pair()
    other = metrics.peak_signal_noise_ratio(target[0].numpy(), image[0].numpy(), data_range=255)
    assert psnr(image, target)[0] == pytest.approx(other, abs=1e-9)


def skimage_ssim(image, target, **more):
    metrics = pytest.importorskip("skimage.metrics")
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return metrics.structural_similarity(
        target[0].numpy(), image[0].numpy(), data_range=255, **(wang | more)
    )


def test_ssim_agrees_with_scikit_image():
    image, target = pair()
    assert ssim(image, target)[0] == pytest.approx(skimage_ssim(image, target), abs=1e-9)
    _, full = skimage_ssim(image, target, full=True)
    mirrored = ssim_map(image, target, "symmetric")[0].numpy()
    np.testing.assert_allclose(mirrored, full, atol=1e-9)


def test_ssim_is_not_the_default_of_scikit_image():
    """Its uniform window of 7 x 7 is another measure: 0.02 more on speckle."""
    image, target = pair(128)
    uniform = skimage_ssim(image, target, gaussian_weights=False, win_size=7)
    assert 0.004 < uniform - ssim(image, target)[0] < 0.05


def test_ssim_agrees_with_pytorch_msssim():
    other = pytest.importorskip("pytorch_msssim")
    image, target = pair()
    theirs = other.ssim(image[:, None], target[:, None], data_range=255, size_average=False)
    assert ssim(image, target)[0] == pytest.approx(float(theirs[0]), abs=1e-6)


def test_ssim_agrees_with_monai():
    monai = pytest.importorskip("monai.metrics.regression")
    image, target = pair()
    means, _ = monai.compute_ssim_and_cs(
        image[:, None].float(), target[:, None].float(), 2, (11, 11), (1.5, 1.5), 255.0
    )
    assert ssim(image, target)[0] == pytest.approx(float(means.mean()), abs=1e-5)


def wang_ssim(x, y, mode):
    """The equation of Wang et al. 2004, written with another filter."""
    at = np.arange(-5, 6)
    window = np.exp(-(at**2) / 4.5) / np.exp(-(at**2) / 4.5).sum()

    def mean(v):
        return ndimage.correlate1d(
            ndimage.correlate1d(v, window, 0, mode=mode), window, 1, mode=mode
        )

    a, b = mean(x), mean(y)
    c1, c2 = 2.55**2, 7.65**2
    top = (2 * a * b + c1) * (2 * (mean(x * y) - a * b) + c2)
    return top / ((a**2 + b**2 + c1) * (mean(x * x) - a**2 + mean(y * y) - b**2 + c2))


def test_border_of_matlab_repeats_the_edge():
    image, target = pair()
    expected = wang_ssim(image[0].numpy(), target[0].numpy(), "nearest")
    np.testing.assert_allclose(ssim_map(image, target, "matlab")[0], expected, atol=1e-9)
    assert ssim(image, target, "matlab")[0] == pytest.approx(expected.mean(), abs=1e-9)
    # The three agree to some 1e-3 on speckle, and are never the same.
    values = [float(ssim(image, target, border)[0]) for border in ("valid", "matlab", "symmetric")]
    assert len({round(v, 6) for v in values}) == 3
    assert max(values) - min(values) < 5e-3


def test_ssim_of_even_images_is_luminance():
    # (2 * 100 * 50 + C1) / (100² + 50² + C1): there is no structure.
    a, b = torch.full((1, 16, 16), 100.0), torch.full((1, 16, 16), 50.0)
    assert ssim(a, b)[0] == pytest.approx((10000 + 2.55**2) / (12500 + 2.55**2), abs=1e-9)


@pytest.mark.parametrize("border", ["valid", "matlab"])
def test_content_is_the_map_over_the_content(border):
    image, target = pair()
    content = torch.zeros(1, 64, 64)
    content[:, 20:40, 10:50] = 1
    shown = ssim_map(image, target, border)
    start = 5 if border == "valid" else 0
    expected = shown[0, 20 - start : 40 - start, 10 - start : 50 - start].mean()
    assert content_ssim(target, image, content, border)[0] == pytest.approx(float(expected))


def test_ms_ssim_agrees_with_pytorch_msssim():
    other = pytest.importorskip("pytorch_msssim")
    image, target = pair(192)
    theirs = other.ms_ssim(image[:, None], target[:, None], data_range=255, size_average=False)
    assert ms_ssim(image, target)[0] == pytest.approx(float(theirs[0]), abs=1e-6)
    assert ms_ssim(target, target)[0] == pytest.approx(1.0)


def test_ms_ssim_agrees_with_monai():
    monai = pytest.importorskip("monai.metrics.regression")
    image, target = pair(192)
    other = monai.MultiScaleSSIMMetric(2, data_range=255.0, kernel_size=11, kernel_sigma=1.5)
    theirs = float(other(image[:, None].float(), target[:, None].float()))
    assert ms_ssim(image, target)[0] == pytest.approx(theirs, abs=1e-5)


def test_ms_ssim_of_unlike_images_is_zero_and_a_number():
    image = gray(176)
    assert ms_ssim(255.0 - image, image)[0] == 0.0


def test_patch_kl_of_one_patch_by_hand():
    """Two levels in the target, one of them in the image: with half a count added to 50 bins."""
    target = torch.zeros(1, 32, 32)
    target[:, 16:] = 255
    image = torch.zeros(1, 32, 32)
    p = np.array([512.5, 512.5] + [0.5] * 48) / 1049
    q = np.array([1024.5, 0.5] + [0.5] * 48) / 1049
    assert patch_kl(target, image)[0] == pytest.approx(stats.entropy(p, q), abs=1e-12)
    # Only the bin that both have counts, and it has half the pixels: 0.5 log 0.5.
    assert patch_kl(target, image, "skip_empty")[0] == pytest.approx(0.5 * np.log(0.5))


def test_patch_kl_bins_are_those_of_numpy():
    target, image = images(3, 32)[:1], images(4, 32)[:1]
    counts = [np.histogram(x, 50, (0, 255))[0] + 0.5 for x in (target, image)]
    assert patch_kl(target, image)[0] == pytest.approx(stats.entropy(*counts), abs=1e-12)


def test_patch_kl_hangs_on_the_rule_for_empty_bins():
    """Two fields of one law at 512 x 512: the smaller the count added, the larger the number.

    0.123, 0.078, 0.052, 0.035, 0.032 and 0.032 were measured on another pair of such fields.
    """
    a, b = gray(512, 1.0, 1), gray(512, 1.0, 2)
    values = [float(patch_kl(a, b, rule)[0]) for rule in RULES]
    assert values[:5] == sorted(values[:5], reverse=True)
    np.testing.assert_allclose(values, [0.123, 0.078, 0.052, 0.035, 0.032, 0.032], rtol=0.15)


def test_patch_kl_has_a_direction():
    narrow, wide = gray(32, 1.0, 1) / 4, gray(32, 1.0, 2)
    assert patch_kl(wide, narrow)[0] > 1.3 * patch_kl(narrow, wide)[0]


def test_patches_outside_the_fan():
    a, b = images(5, 64)[:1], images(6, 64)[:1]
    fan = torch.zeros(64, 64)
    fan[:32] = 1  # two of four patches
    fan[32:, :8] = 1  # a quarter of a third
    alone = [float(patch_kl(a[:, r : r + 32, c : c + 32], b[:, r : r + 32, c : c + 32])[0])
             for r in (0, 32) for c in (0, 32)]  # fmt: skip
    assert patch_kl(a, b)[0] == pytest.approx(sum(alone) / 4)
    assert patch_kl(a, b, fan=fan)[0] == pytest.approx(sum(alone[:3]) / 4)
    assert patch_kl(a, b, fan=fan, fan_only=True)[0] == pytest.approx(sum(alone[:2]) / 2)


def test_what_is_left_over_of_patches_is_not_seen():
    a, b = images(7, 40)[:1], images(8, 40)[:1]
    assert patch_kl(a, b)[0] == patch_kl(a[:, :32, :32], b[:, :32, :32])[0]


def test_dice_by_hand():
    a = torch.tensor([[[0, 0, 1, 1]]])
    b = torch.tensor([[[0, 1, 1, 1]]])
    found = dice(a, b, 3)[0]
    assert found[:2].tolist() == pytest.approx([2 / 3, 4 / 5])
    assert torch.isnan(found[2])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_properties_of_image_measures(seed):
    a, b = images(seed), images(seed + 1)
    assert bool((ssim(a, b).abs() <= 1).all())
    torch.testing.assert_close(ssim(a, b), ssim(b, a))
    torch.testing.assert_close(psnr(a, b), psnr(b, a))
    torch.testing.assert_close(psnr(a, b), psnr(a.flip(2), b.flip(2)))
    torch.testing.assert_close(ssim(a, b), ssim(a.mT, b.mT))
    for rule in RULES:
        assert bool((patch_kl(a, a, rule) == 0).all())
        if rule != "skip_empty":
            assert bool((patch_kl(a, b, rule) > 0).all())
    np.testing.assert_allclose(ssim(a, a), 1.0)
    labels = a.long() % 3
    assert dice(labels, labels, 4).nan_to_num(1.0).min() == 1.0


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31))
def test_images_are_measured_one_by_one(seed):
    a, b = images(seed), images(seed + 1)
    mask = torch.ones(2, 40, 40)
    mask[1, :20] = 0
    for measure in IMAGE_MEASURES:
        whole = measure(a, b)
        assert whole.dtype == torch.float64
        assert whole[1] == measure(a[1:], b[1:])[0]
    assert ssim(a, b, mask=mask)[1] == ssim(a[1:], b[1:], mask=mask[1])[0]


@pytest.mark.parametrize("measure", [*IMAGE_MEASURES, ms_ssim, ssim_map])
def test_shapes_that_differ_are_refused(measure):
    with pytest.raises(InputError, match="expected one shape"):
        measure(torch.zeros(1, 200, 200), torch.zeros(1, 200, 201))
    with pytest.raises(InputError, match="expected images"):
        measure(torch.zeros(200, 200), torch.zeros(200, 200))
    with pytest.raises(InputError, match="NaN"):
        measure(torch.full((1, 200, 200), np.nan), torch.zeros(1, 200, 200))


@pytest.mark.parametrize(("measure", "side"), [(ssim, 10), (ms_ssim, 160), (patch_kl, 31)])
def test_images_smaller_than_the_window_are_refused(measure, side):
    small = torch.zeros(1, side, 300)
    with pytest.raises(InputError, match=f"at least {side + 1} pixels"):
        measure(small, small)
    measure(torch.zeros(1, side + 1, 300), torch.zeros(1, side + 1, 300))


def test_empty_masks_are_refused():
    a = torch.zeros(2, 64, 64)
    mask = torch.ones(2, 64, 64)
    mask[1] = 0
    with pytest.raises(InputError, match="empty for image 1"):
        psnr(a, a, mask)
    with pytest.raises(InputError, match="empty for image 1"):
        ssim(a, a, mask=mask)
    with pytest.raises(InputError, match="fan: empty"):
        patch_kl(a, a, fan=mask)
    corner = torch.zeros(64, 64)
    corner[:8, :8] = 1
    with pytest.raises(InputError, match="no patch"):
        patch_kl(a, a, fan=corner, fan_only=True)
    with pytest.raises(InputError, match="shape of the images"):
        ssim(a, a, mask=torch.ones(1, 60, 64))


def test_unknown_switches_are_refused():
    a = torch.zeros(1, 64, 64)
    with pytest.raises(InputError, match="did you mean 'matlab'"):
        ssim(a, a, "matlap")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="did you mean 'half'"):
        patch_kl(a, a, "halve")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="fan_only"):
        patch_kl(a, a, fan_only=True)


def test_labels_beyond_the_regions_are_refused():
    labels = torch.full((1, 4, 4), 3)
    with pytest.raises(InputError, match="from 0 to 2"):
        dice(labels, labels, 3)
    with pytest.raises(InputError, match="one shape"):
        dice(labels, labels[:, :3], 4)
    with pytest.raises(InputError, match="one shape"):
        dice(labels[:0], labels[:0], 4)
