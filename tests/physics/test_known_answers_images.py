"""Known answers K33-K38 and K41-K43: geometry, display, side products, coherence in motion."""

import numpy as np
import pytest
from rendered import CLEAR, LINEAR_DISPLAY, PROBE, render, simulator, tissue
from scipy.ndimage import gaussian_filter

from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose
from insonate.geometry import rotation_about
from insonate.imaging.display import Display
from insonate.imaging.scan_convert import image_box, make_raster, scan_convert
from insonate.probe import PRESETS, load_probe
from insonate.sim import Settings, Simulator

PAPER = load_probe("paper_convex")
qualities = pytest.mark.parametrize("quality", ["fast", "fine"])


def test_k33_mask_of_the_paper_preset():
    # analytic area 21 074.85 mm2 (K32); the specification counted 852 316 pixels
    raster = make_raster(PAPER, 1000)
    assert raster.shape == (1000, 1386)
    assert raster.mask.sum() == pytest.approx(852_316, rel=1e-3)
    assert raster.mask.sum() * raster.spacing**2 == pytest.approx(21_074.85, rel=1e-3)
    assert raster.mask.mean() == pytest.approx(0.6150, abs=1e-3)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_k33_mask_has_the_area_of_the_fan(name):
    probe = PRESETS[name]
    raster = make_raster(probe, 800)
    cells = probe.line_spacing(probe.depths()) * probe.sample_spacing * probe.scanlines
    assert raster.mask.sum() * raster.spacing**2 == pytest.approx(cells.sum(), rel=2e-3)


@pytest.mark.parametrize(
    ("radius", "width", "height", "columns"),
    [(40.0, 217.959, 157.234, 1386), (50.0, 229.431, 159.042, 1443)],
)
def test_k34_image_box(radius, width, height, columns):
    probe = PAPER.replace(radius=radius)
    assert image_box(probe)[2:] == pytest.approx((width, height), abs=1e-3)
    raster = make_raster(probe, 1000)
    assert raster.shape[1] == columns
    assert raster.spacing * 1000 == pytest.approx(height, abs=1e-3)


def test_k35_one_bright_line_is_as_wide_as_its_cell_and_runs_radially():
    probe = PAPER.replace(scanlines=192)
    raster = make_raster(probe, 1000)
    polar = np.zeros((192, 3072), np.float32)
    polar[120] = 1.0
    image = scan_convert(polar, raster)
    x = raster.origin[0] + np.arange(raster.shape[1]) * raster.spacing
    angle = probe.line_coordinates()[120]
    step = probe.line_step
    assert step == pytest.approx(6.3632e-3, abs=1e-7)
    for z, width in ((2.0, step * 42.0), (75.0, step * 115.0), (145.0, step * 185.0)):
        row = round((z - raster.origin[1]) / raster.spacing)
        depth = raster.origin[1] + row * raster.spacing
        profile = image[row]
        centre = np.sum(profile * x) / np.sum(profile)
        assert centre == pytest.approx((depth + 40) * np.tan(angle), abs=0.5 * raster.spacing)
        # a triangle's area is its full width at half maximum; along the row, not the arc
        reach = np.hypot(centre, depth + 40) - 40
        across = np.sum(profile) * raster.spacing * np.cos(angle)
        assert across == pytest.approx(step * (40 + reach), abs=0.5 * raster.spacing)
        assert width == pytest.approx(step * (40 + z), rel=1e-6)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_k36_constant_polar_image_stays_constant(name):
    probe = PRESETS[name]
    raster = make_raster(probe, 300)
    image = scan_convert(np.full((probe.scanlines, probe.samples), 0.7, np.float32), raster)
    assert np.all(image[raster.mask] == np.float32(0.7))
    assert np.all(image[~raster.mask] == 0)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_k36_the_engine_converts_as_the_reference_does(name):
    frame = render(phantoms.cysts(), PRESETS[name], display=Display(rows=300))
    raster = make_raster(PRESETS[name], 300)
    assert np.abs(frame.bmode - scan_convert(frame.polar, raster)).max() < 1e-3
    assert np.array_equal(frame.mask, raster.mask)
    assert np.all(frame.bmode[~frame.mask] == 0)
    for product in (frame.bmode, frame.attenuation, frame.shadow):
        assert np.isfinite(product).all()
        assert product.min() >= 0
        assert product.max() <= 1


@qualities
def test_k37_attenuation_map(quality):
    # mu = 0.9210 /cm: exp(-mu 5) = 0.0100, over the 98th percentile exp(-mu 0.3)
    block = phantoms.homogeneous(tissue(attenuation=0.5))
    probe = PAPER.replace(attenuation_frequency=8.0)
    frame = render(block, probe, quality, display=Display(rows=1000))
    z = frame.origin[1] + np.arange(1000) * frame.spacing
    middle = frame.attenuation[:, frame.attenuation.shape[1] // 2]
    assert np.interp(50.0, z, middle) == pytest.approx(0.01318, rel=0.02)
    assert np.interp(2.0, z, middle) == 1.0
    assert np.interp(3.1, z, middle) < 1.0


@pytest.mark.parametrize(("level", "gray"), [(0, 255), (-10, 212), (-30, 128), (-60, 0)])
def test_k38_log_map(level, gray):
    # white lies 25 dB above liver speckle at -40 dB; the plate's echo is its reflection
    gamma = 10 ** ((-15 + level) / 20)
    plate = tissue(density=CLEAR.density * (1 + gamma) / (1 - gamma))
    depth = PROBE.depths()[1500]
    display = Display(tgc_attenuation=0.0, rows=PROBE.samples)
    scene = phantoms.plate(float(depth), None, plate, CLEAR)
    image = render(scene, scatterers=False, display=display).image()
    assert image[1490:1510].max(axis=0) == pytest.approx(gray, abs=1)


def moved_with_the_probe(quality):
    """One frame, and one after the body and the probe were turned and moved together."""
    liver = phantoms.phantom_tissues()["liver_adult"]
    scene = phantoms.cysts((12.0,), (60.0,), tissue=liver)
    engine = simulator(scene, PAPER.replace(scanlines=64), quality)
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation_about((1, 2, 3), 0.7), (13, -27, 31)
    before = engine.frame(phantom_pose(), seed=3)
    vertices = scene.vertices @ motion[:3, :3].T + motion[:3, 3]
    engine.set_vertices(vertices.astype(np.float32))
    return before, engine.frame(motion @ phantom_pose(), seed=3)


@qualities
def test_k41_body_and_probe_moved_together_give_the_same_image(quality):
    before, after = moved_with_the_probe(quality)
    # rounding takes a few samples into the next voxel; all else is the same
    assert np.corrcoef(before.polar.ravel(), after.polar.ravel())[0, 1] > 0.99
    assert np.mean(np.abs(before.polar - after.polar) > 0.01) < 0.08
    assert np.mean(before.labels == after.labels) > 0.9999
    assert np.abs(before.attenuation - after.attenuation).max() < 0.01


@qualities
def test_k41_texture_moves_with_the_body(quality):
    scene = phantoms.homogeneous(CLEAR)
    engine = simulator(scene, PROBE, quality)
    before = engine.frame(phantom_pose(), seed=3).polar
    engine.set_vertices(scene.vertices + np.array([PROBE.line_step, 0, 0], np.float32))
    after = engine.frame(phantom_pose(), seed=3).polar
    assert np.corrcoef(before[:-1].ravel(), after[1:].ravel())[0, 1] > 0.95
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] < 0.5


def test_k41_the_probe_moved_alone_sees_the_texture_where_it_was():
    engine = simulator(phantoms.homogeneous(CLEAR))
    before = engine.frame(phantom_pose(), seed=3).polar
    after = engine.frame(phantom_pose(PROBE.line_step), seed=3).polar
    assert np.corrcoef(before[1:].ravel(), after[:-1].ravel())[0, 1] > 0.95


QA = phantoms.qa()
C5 = load_probe("c5_2v").replace(scanlines=96)


def qa_frame(quality, seed=0, rows=200, **options):
    settings = Settings.preset(quality, keep_iq=True, display=Display(rows=rows))
    return Simulator(QA, C5, settings, **options).frame(phantom_pose(), seed)


@qualities
def test_k42_one_seed_one_frame(quality):
    engine = simulator(QA, C5, quality, noise_level=-115.0, face_reflection=0.3)
    first = engine.frame(phantom_pose(), seed=5)
    for history in (lambda: engine.frame(phantom_pose(3.0), seed=6), lambda: None):
        history()
        again = engine.frame(phantom_pose(), seed=5)
        for name in ("bmode", "labels", "attenuation", "shadow", "iq"):
            assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert not np.array_equal(first.iq, engine.frame(phantom_pose(), seed=6).iq)


@qualities
def test_k42_threads_and_engines_do_not_change_the_frame(quality):
    one, two = qa_frame(quality, threads=1), qa_frame(quality, threads=2)
    assert np.array_equal(one.iq, two.iq)
    assert np.array_equal(one.bmode, two.bmode)


def test_k42_fast_and_fine_share_scatterers():
    fast = render(phantoms.homogeneous(CLEAR), seed=4).polar
    one_layer = {"layers": 1, "scatterer_lines": 1}
    fine = render(phantoms.homogeneous(CLEAR), quality="fine", seed=4, **one_layer).polar
    other = render(phantoms.homogeneous(CLEAR), quality="fine", seed=5, **one_layer).polar
    assert np.corrcoef(fast.ravel(), fine.ravel())[0, 1] > 0.99
    assert abs(np.corrcoef(fast.ravel(), other.ravel())[0, 1]) < 0.05


def structural_similarity(a, b):
    """SSIM of two images in 0..1 (Wang et al. 2004, Gaussian window of 1.5 pixels)."""

    def mean(x):
        return gaussian_filter(x, 1.5)

    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return (2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))


def distance_of_fast_and_fine(seed=0):
    """PSNR [dB] and SSIM of a fast frame to the fine one; `seed` of the fast one."""
    fast, fine = qa_frame("fast", seed, rows=400), qa_frame("fine", rows=400)
    a, b = fast.bmode.astype(float), fine.bmode.astype(float)
    psnr = -10 * np.log10(np.mean((a - b)[fast.mask] ** 2))
    return psnr, structural_similarity(a, b)[fast.mask].mean()


def test_k43_psnr_of_fast_and_fine():
    # Zhang et al. 2020 report 25.31 +- 4.07 dB
    psnr, ssim = distance_of_fast_and_fine()
    assert 20 < psnr < 30
    assert psnr > distance_of_fast_and_fine(seed=1)[0] + 3  # they share their scatterers
    assert ssim > 0.4


@pytest.mark.xfail(strict=True, reason="0.82 on a phantom; the band is that of real anatomy")
def test_k43_ssim_of_fast_and_fine():
    # Zhang et al. 2020 report 0.64 +- 0.17
    assert distance_of_fast_and_fine()[1] < 0.8


def test_display_of_the_tests_is_linear_in_db():
    frame = render(phantoms.homogeneous(CLEAR))
    db = 20 * np.log10(np.abs(frame.iq)) - (-40.0 + LINEAR_DISPLAY.white_level)
    inside = (frame.polar > 0) & (frame.polar < 1)
    assert 120 * (frame.polar - 1)[inside] == pytest.approx(db[inside], abs=0.01)
