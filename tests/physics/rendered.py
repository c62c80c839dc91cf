"""What the tests of rendered frames share: a plain probe, plain tissues, levels in dB.

The probe is linear, so that every scanline looks straight down; 64 lines 0.6 mm apart over
150 mm in 3072 samples at 8 MHz. With 250 rows a pixel's centre is a line's centre, so the
side products need no interpolation.
"""

import dataclasses

import numpy as np

from insonate.acoustics import Tissue
from insonate.anatomy.phantoms import phantom_pose, phantom_tissues
from insonate.imaging.display import Display
from insonate.probe import Probe
from insonate.sim import Settings, Simulator

PROBE = Probe(
    name="test", kind="linear", depth=150.0, frequency=8.0, bandwidth=0.6, elements=384,
    pitch=0.1, elevation_height=13.5, elevation_focus=60.0, scanlines=64, focus=70.0,
)  # fmt: skip
#: Lossless, matched to the display's speed, without an interface of its own.
CLEAR = Tissue("clear", 1540.0, 1050.0, 0.0, roughness=1e5, thickness=0.0)
LINEAR_DISPLAY = Display(dynamic_range=120.0, tgc_attenuation=0.0, white_level=60.0, rows=250)
PLAIN = {
    "noise_level": None,
    "face_reflection": 0.0,
    "ring_down": 0.0,
    "keep_iq": True,
    "display": LINEAR_DISPLAY,
}


def tissue(name="", **changes):
    """A tissue that ships, or the clear one, with smooth, sharp, even surfaces."""
    plain = {"thickness": 0.0, "roughness": 1e5, "modulation": 0.0}
    parent = phantom_tissues()[name] if name else CLEAR
    return dataclasses.replace(parent, **{**plain, **changes})


def simulator(scene, probe=PROBE, quality="fast", **settings):
    return Simulator(scene, probe, Settings.preset(quality, **{**PLAIN, **settings}))


def render(scene, probe=PROBE, quality="fast", seed=0, passes=1, **settings):
    return simulator(scene, probe, quality, **settings).frame(phantom_pose(), seed, passes)


def level_db(values):
    """Mean power in dB."""
    return 10.0 * np.log10(np.mean(np.abs(values) ** 2))


def rows(frame, top, bottom):
    """Samples of all lines between two display depths [mm]."""
    z = frame.probe.depths()
    return frame.iq[:, (z >= top) & (z < bottom)]


def lines(probe, left, right):
    """Which scanlines of a linear probe lie between two lateral positions [mm]."""
    u = probe.line_coordinates()
    return (u >= left) & (u < right)


def peak_depth(profile, spacing, near, reach=3.0):
    """Depth of the maximum of |profile| within `reach` of `near`, by a parabola [mm]."""
    z = (np.arange(len(profile)) + 0.5) * spacing
    inside = np.flatnonzero(np.abs(z - near) < reach)
    n = inside[np.argmax(np.abs(profile[inside]))]
    a, b, c = np.log(np.abs(profile[n - 1 : n + 2]) + 1e-30)
    return z[n] + 0.5 * (a - c) / (a - 2 * b + c) * spacing


def snr(envelope):
    return np.mean(envelope) / np.std(envelope)


def upsampled(profile, factor=32):
    """A complex profile on a finer grid, band-limited; its ends must be quiet."""
    n = len(profile)
    spectrum = np.zeros(n * factor, complex)
    coarse = np.fft.fft(profile)
    spectrum[: n // 2], spectrum[-(n // 2) :] = coarse[: n // 2], coarse[-(n // 2) :]
    return np.fft.ifft(spectrum) * factor


def width_6db(profile, spacing, factor=32):
    """Full width where |profile| is above half its peak [unit of spacing]."""
    fine = np.abs(upsampled(profile, factor))
    return np.count_nonzero(fine >= fine.max() / 2) * spacing / factor
