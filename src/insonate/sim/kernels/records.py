"""What the tracer writes down and the other stages read.

Depths are display depths: what a scanner that assumes 1.54 mm/us would show [mm].
"""

import warp as wp

__all__ = ["Echo", "Medium", "Segment"]


@wp.struct
class Medium:
    """One region's tissue in engine units."""

    speed: float  # [mm/us]
    impedance: float  # [MRayl]
    decay: float  # of two-way amplitude [1/mm]
    mu: float  # one-way decay of intensity [1/mm]
    roughness: float  # power-cosine exponent
    thickness: float  # sigma of the fuzzy boundary [mm]
    texture: float  # rms scatterer amplitude re unit reflector; 0 is anechoic
    table: int  # first entry of its texture's scatterers
    modulation: float  # slow brightness variation [nepers of amplitude]
    modulation_rate: float  # [1/mm]


@wp.struct
class Segment:
    """A stretch of a path inside one region."""

    start: float  # display depth [mm]
    end: float
    amplitude: float  # two-way, at the start
    decay: float  # of two-way amplitude with display depth [1/mm]
    stretch: float  # display depth per path length
    region: int
    reflections: int  # met so far on the path
    bend: float  # of the beam's axis, from the scanline [rad]
    rest: wp.vec3  # tissue-fixed position at the start [mm]
    rest_step: wp.vec3  # of that position with display depth


@wp.struct
class Echo:
    """What an interface returns to the probe."""

    surface: float  # display depth of the interface [mm]
    depth: float  # where its fuzziness puts the incoherent part [mm]
    coherent: float  # amplitude that adds up over a bundle
    incoherent: float  # amplitude whose phase the fuzzy boundary scrambles
    phase: float  # of the incoherent part [rad]
    gas: float  # amplitude that rings down behind it
