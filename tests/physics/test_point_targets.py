"""Lateral widths of point targets against a reference table measured with PyMUST.

The reference for the convex probe at 100 mm, 1.936 mm, is the width with a transmit beam that
is not focused there: PyMUST 0.1.9 turns the delay law of a convex array around when the focus
lies more than twice the radius deep (100 mm > 2 x 49.57 mm), so the beam spreads and the
receive aperture alone sets the width. A transmit focus fixed at 60 mm gives the same width
(1.921 mm), for the same reason. Focused at 100 mm, with the sign corrected, PyMUST finds
1.410 mm. The table below holds both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from insonate.acoustics import Tissue, pulse
from insonate.probe import Probe, load_probe
from insonate.scene import PointTargets, Region, Scene
from insonate.sim import Settings, Simulator


@dataclass(frozen=True)
class Row:
    """A probe as driven, where the target is, and the -6 dB width that is due [mm]."""

    name: str
    probe: Probe
    depth: float
    width: float
    tolerance: float
    must: str  # PyMUST's name of the array
    elements: int


def _row(name: str, width: float, must: str, elements: int, target: float, focus: float) -> Row:
    preset = {"L11-5v": "linear_l11", "P4-2v": "phased_p4", "C5-2v": "c5_2v"}[must]
    probe = load_probe(preset)
    aperture = elements * probe.pitch
    driven = probe.replace(
        focus=focus,
        transmit_f_number=focus / aperture,
        receive_aperture=aperture,
        receive_f_number=min(1.5, target / aperture),
    )
    if probe.kind == "linear":
        driven = driven.replace(receive_f_number=target / aperture)
    tolerance = 0.15 if probe.kind == "convex" else 0.10
    return Row(name, driven, target, width, tolerance, must, elements)


TABLE = [
    _row("linear F 1.56", 0.319, "L11-5v", 64, target=30.0, focus=30.0),
    _row("linear F 3.12", 0.595, "L11-5v", 32, target=30.0, focus=30.0),
    _row("phased F 3.12", 1.633, "P4-2v", 64, target=60.0, focus=60.0),
    _row("convex F 1.88", 0.900, "C5-2v", 63, target=60.0, focus=60.0),
    _row("convex F 3.13, transmit at 60 mm", 1.936, "C5-2v", 63, target=100.0, focus=60.0),
    _row("convex F 3.13, transmit at 100 mm", 1.410, "C5-2v", 63, target=100.0, focus=100.0),
]
every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def full_width(x: np.ndarray, profile: np.ndarray, level: float = 0.5) -> float:
    """Width of the main lobe of `profile` at `level` of its maximum, in the unit of `x`."""
    peak = int(np.argmax(profile))
    low = profile < level * profile[peak]
    right = peak + int(np.argmax(low[peak:]))
    left = peak - int(np.argmax(low[peak::-1]))
    assert low[right], "the profile does not fall to the level within the window"
    assert low[left], "the profile does not fall to the level within the window"
    edges = [
        np.interp(level * profile[peak], profile[[out, into]], x[[out, into]])
        for out, into in ((right, right - 1), (left, left + 1))
    ]
    return float(edges[0] - edges[1])


@every_row
def test_the_model_meets_the_table(row: Row) -> None:
    sigma = row.probe.lateral_sigma(np.array([row.depth]))[0]
    assert sigma * pulse.FWHM_PER_SIGMA == pytest.approx(row.width, rel=row.tolerance)


def test_convex_width_knows_whether_the_transmit_beam_is_focused() -> None:
    fixed, focused = (row.probe.lateral_sigma(np.array([row.depth]))[0] for row in TABLE[-2:])
    assert fixed / focused == pytest.approx(1.936 / 1.410, rel=0.05)


def _must_echo(row: Row, lateral: float) -> float:
    """Largest envelope that PyMUST receives on the central line from a target beside it."""
    pymust = pytest.importorskip("pymust")
    param = pymust.getparam(row.must)
    param.Nelements, param.fs, param.c, param.fnumber = row.elements, 8.0 * param.fc, 1540.0, 0
    x, z, _, _ = param.getElementPositions()
    chord = float(z.max()) - float(z[0, 0])  # PyMUST counts depth from the chord
    focus, target = row.probe.focal_depth * 1e-3 + chord, row.depth * 1e-3 + chord
    delay = -np.hypot(x, z - focus) / param.c  # not pymust.txdelay: see the top of this file
    delay = param.TXdelay = delay - delay.min()
    rf, _ = pymust.simus(np.array([lateral * 1e-3]), np.array([target]), np.ones(1), delay, param)
    iq = pymust.rf2iq(np.vstack([rf, np.zeros((60, row.elements))]), param.fs, param.fc)
    line = np.linspace(target - 1.5e-3, target + 1.5e-3, 300)
    das = pymust.dasmtx(1j * np.array(iq.shape), np.zeros_like(line), line, delay, param)
    return float(np.abs(das @ iq.flatten(order="F")).max())


@every_row
def test_pymust_agrees_with_the_table_and_with_the_model(row: Row) -> None:
    half = np.linspace(0.0, 0.75 * row.width, 9)
    echo = np.array([_must_echo(row, lateral) for lateral in half])
    x, profile = np.concatenate([-half[:0:-1], half]), np.concatenate([echo[:0:-1], echo])
    live = full_width(x, profile)
    assert live == pytest.approx(row.width, rel=0.02)
    sigma = row.probe.lateral_sigma(np.array([row.depth]))[0]
    assert sigma * pulse.FWHM_PER_SIGMA == pytest.approx(live, rel=row.tolerance)


def _wire(depth: float) -> Scene:
    """A wire across the image plane, in a fluid as fast as the display assumes."""
    fluid = Tissue("fluid", speed_of_sound=1540.0, density=1000.0, attenuation=0.0)
    along = np.array([0.0, 1.0, 0.0], np.float32)
    targets = PointTargets(np.array([[0.0, 0.0, depth]], np.float32), np.zeros(1), along)
    nothing = np.zeros((0, 3), np.float32), np.zeros((0, 3)), np.zeros((0, 2))
    return Scene(*nothing, (Region("outside", fluid),), targets=targets)


@every_row
def test_a_rendered_wire_meets_the_table(row: Row) -> None:
    probe = row.probe.replace(scanlines=512)
    bare = Settings.fast(scatterers=False, noise_level=None, face_reflection=0.0, keep_iq=True)
    frame = Simulator(_wire(row.depth), probe, bare).frame(np.eye(4), seed=0)
    assert frame.iq is not None
    envelope = np.abs(frame.iq)
    line, sample = np.unravel_index(np.argmax(envelope), envelope.shape)
    assert probe.depths()[sample] == pytest.approx(row.depth, abs=2.0 * probe.sample_spacing)
    spacing = probe.line_spacing(np.array([row.depth]))[0]
    assert abs(line - 255.5) <= 1.0
    # the wire's echo lies on an arc across the lines, so take each line's largest value near it
    near = np.abs(probe.depths() - row.depth) < 1.0
    profile = envelope[:, near].max(axis=1)
    width = full_width(np.arange(512) * spacing, profile)
    assert width == pytest.approx(row.width, rel=row.tolerance)
