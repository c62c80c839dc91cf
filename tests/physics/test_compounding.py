"""Spatial compounding: geometry of the steered looks, speckle, shadows, rims."""

import dataclasses

import numpy as np
import pytest
from rendered import CLEAR, LINEAR_DISPLAY, PROBE, render, simulator, snr, tissue

from insonate.acoustics import load_tissues
from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose
from insonate.anatomy.solids import box
from insonate.errors import InputError
from insonate.probe import load_probe
from insonate.scene import Body, assemble
from insonate.sim import Settings, Simulator

CONVEX = load_probe("c5_2v").replace(scanlines=384, depth=100.0)
#: So wide that every look reaches the middle.
WIDE = PROBE.replace(elements=1024, scanlines=171)
BLACK = tissue(attenuation=1000.0)
ANGLE = np.radians(12.0)
FINE_PIXELS = dataclasses.replace(LINEAR_DISPLAY, rows=1000)


def envelope(frame):
    """Compounded envelope before scan conversion, `(scanlines, samples)`."""
    return 10.0 ** (frame.polar * 120.0 / 20.0)


def between(frame, top, bottom):
    z = frame.probe.depths()
    return (z >= top) & (z < bottom)


def test_k31_compounding_of_looks():
    # M looks whose envelopes correlate by r: 1.913 sqrt(M / (1 + (M - 1) r)); r = 0 is K31
    scene, correlation = phantoms.homogeneous(CLEAR), []
    for looks in (3, 5):
        frame = render(scene, WIDE, compound=looks, compound_angle=ANGLE)
        seen = snr(envelope(frame)[70:101, between(frame, 10, 90)])
        assert seen <= 1.913 * np.sqrt(looks) * 1.03
        correlation.append((looks * (1.913 / seen) ** 2 - 1) / (looks - 1))
    # They share scatterers, so they are nearly but not quite independent.
    assert correlation == pytest.approx([0.15, 0.15], abs=0.04)


def test_the_mean_level_stays():
    frames = [render(phantoms.homogeneous(CLEAR), compound=looks) for looks in (1, 5)]
    levels = [envelope(f)[:, between(f, 5, 140)].mean(axis=1) for f in frames]
    assert np.mean(levels[1]) == pytest.approx(np.mean(levels[0]), rel=0.02)
    # no step at the rim, where fewer looks see the tissue
    smooth = np.convolve(levels[1], np.ones(4) / 4, "valid")
    assert np.ptp(20 * np.log10(smooth)) < 0.6


@pytest.mark.parametrize("probe", [CONVEX, PROBE.replace(scanlines=384)], ids=["convex", "linear"])
@pytest.mark.parametrize("change", [{}, {"compound": 5}], ids=["one", "compound"])
def test_a_steered_look_shows_a_wire_in_its_place(probe, change):
    x, z = 7.3, 61.0
    angle = 0.0 if change else 0.15
    scene = phantoms.wires((z,), (x,), CLEAR, -20.0)
    frame = render(
        scene, probe.replace(steering=angle), scatterers=False, display=FINE_PIXELS, **change
    )
    at = frame.coordinates()
    power = np.where(frame.bmode > frame.bmode.max() - 0.1, 10.0 ** (frame.bmode * 12.0), 0.0)
    seen = np.tensordot(power, at, 2) / power.sum()
    assert seen == pytest.approx((phantom_pose() @ [x, 0.0, z, 1.0])[:3], abs=0.1)


@pytest.mark.parametrize("name", ["c5_2v", "linear_l11"])
@pytest.mark.parametrize("steering", [-0.2, 0.1])
def test_steered_lines_pass_where_they_say(name, steering):
    probe = load_probe(name).replace(steering=steering)
    straight = probe.replace(steering=0.0)
    depth = np.array([0.0, 3.0, 20.0, 45.0])
    reach, aside = probe.steered(depth)
    origins, directions, _ = probe.rays()
    coordinates = probe.line_coordinates()
    at, along, _ = straight.rays()
    for z, t, shift in zip(depth, reach, aside, strict=True):
        points = origins + t * directions
        for k in range(3):
            own = np.interp(coordinates - shift, coordinates, (at + z * along)[:, k])
            inside = np.abs(coordinates - shift) < np.abs(coordinates).max()
            assert points[inside, k] == pytest.approx(own[inside], abs=2e-3)


def strip(half):
    """Speckle with a strip at 40 mm that lets nothing through, `half` wide to either side."""
    solid = box((-half, 40, -40), (half, 41, 40))
    block = box((-80, -5, -60), (80, 200, 60))
    bodies = [
        Body("block", block.vertices, block.faces, CLEAR, 0),
        Body("strip", solid.vertices, solid.faces, BLACK, 1),
    ]
    return assemble(bodies, load_tissues()["gel"])


def test_the_umbra_is_a_triangle():
    scene, half = strip(4.0), 4.0
    tip = 41.0 + half / np.tan(ANGLE)  # 59.8 mm: from there the outer looks see the axis
    one = render(scene, WIDE)
    three = render(scene, WIDE, compound=3, compound_angle=ANGLE)
    middle = slice(84, 87)
    level = {
        k: [envelope(f)[middle, between(f, *d)].mean() for d in ((44, tip - 7), (tip + 12, 100))]
        for k, f in (("one", one), ("three", three))
    }
    lit = envelope(one)[:8, between(one, 44, 100)].mean()
    assert np.divide(level["one"], lit) == pytest.approx([0.0, 0.0], abs=0.02)
    assert level["three"][0] / lit < 0.05
    assert level["three"][1] / lit == pytest.approx(2 / 3, rel=0.1)


def test_side_products_are_those_of_the_look_straight_ahead():
    scene = strip(4.0)
    one, three = render(scene, compound=1), render(scene, compound=3)
    for name in ("labels", "attenuation", "shadow", "mask"):
        assert np.array_equal(getattr(one, name), getattr(three, name)), name
    assert one.iq is not None
    assert three.iq is not None
    assert np.array_equal(one.iq, three.iq)
    assert not np.array_equal(one.bmode, three.bmode)


def test_compounding_accumulates_and_repeats():
    engine = simulator(strip(4.0), quality="fine", rays=4, compound=3)
    a, b = (engine.frame(phantom_pose(), 1, passes=2).bmode for _ in range(2))
    assert np.array_equal(a, b)
    assert np.isfinite(a).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"compound": 2}, "odd number of looks, got 2"),
        ({"compound": 0}, "compound: expected 1 to 15, got 0"),
        ({"compound": 17}, "compound: expected 1 to 15, got 17"),
        ({"compound_angle": 0.0}, "compound_angle: expected up to 0.52 rad"),
        ({"compound_angle": 0.6}, "compound_angle: expected up to 0.52 rad"),
    ],
)
def test_compounding_that_no_scanner_offers_is_refused(change, told):
    with pytest.raises(InputError, match=told):
        Settings.fast(**change)


def test_a_phased_array_cannot_compound():
    with pytest.raises(InputError, match="takes no steering, nor compounding"):
        Simulator(phantoms.homogeneous(), load_probe("phased_p4"), Settings.fast(compound=3))
