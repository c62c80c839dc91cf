"""The probes that ship, by name."""

from __future__ import annotations

import math

from insonate.errors import InputError, closest
from insonate.probe.probe import Probe

__all__ = ["PRESETS", "load_probe"]

# c5_2v, linear_l11, linear_l12_3v and phased_p4 carry the array geometry that their makers
# publish (as tabulated by the MUST toolbox); c5_2v_res is the c5_2v driven in the upper half of
# its band, as scanners do for resolution where little has to be penetrated; paper_convex is the
# sector of Zhang et al. 2020 (70 degrees, 15 cm, 8 MHz), its radius inferred from the aspect of
# their images, and its attenuation set to the lower frequency that a real probe would need to see
# 15 cm deep. endocavity is a typical 4-9 MHz transvaginal array (10 mm radius, 140 degrees), not
# one maker's: its pitch fills the arc, its lens is an estimate.
PRESETS: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe(
            name="paper_convex", kind="convex", radius=40.0, field_of_view=math.radians(70.0),
            depth=150.0, frequency=8.0, bandwidth=0.6, elements=192, pitch=0.255,
            elevation_height=13.0, elevation_focus=60.0, attenuation_frequency=3.5,
        ),
        Probe(
            name="c5_2v", kind="convex", radius=49.57, field_of_view=math.radians(74.6),
            depth=150.0, frequency=3.57, bandwidth=0.79, elements=128, pitch=0.508,
            elevation_height=13.5, elevation_focus=60.0,
        ),
        Probe(
            name="linear_l11", kind="linear", depth=50.0, frequency=7.6, bandwidth=0.77,
            elements=128, pitch=0.30, elevation_height=5.0, elevation_focus=18.0,
            transmit_f_number=2.5, receive_aperture=20.0,
        ),
        Probe(
            name="linear_l12_3v", kind="linear", depth=50.0, frequency=7.54, bandwidth=0.93,
            elements=192, pitch=0.20, elevation_height=5.0, elevation_focus=20.0,
            transmit_f_number=2.5, receive_aperture=20.0,
        ),
        Probe(
            name="phased_p4", kind="phased", field_of_view=math.radians(90.0), depth=160.0,
            frequency=2.72, bandwidth=0.74, elements=64, pitch=0.30,
            elevation_height=14.0, elevation_focus=60.0,
        ),
        Probe(
            name="endocavity", kind="convex", radius=10.0, field_of_view=math.radians(140.0),
            depth=80.0, frequency=6.5, bandwidth=0.77, elements=128, pitch=0.191,
            elevation_height=5.5, elevation_focus=28.0, focus=30.0,
            transmit_f_number=3.0, receive_f_number=2.0, receive_aperture=12.0,
        ),
    )
}  # fmt: skip
PRESETS["c5_2v_res"] = PRESETS["c5_2v"].replace(name="c5_2v_res", frequency=4.6, bandwidth=0.5)


def load_probe(name: str) -> Probe:
    """The preset called `name`.

    Raises:
        InputError: no preset has that name.
    """
    if name not in PRESETS:
        raise InputError(f"unknown probe '{name}'; {closest(name, PRESETS)}")
    return PRESETS[name]
