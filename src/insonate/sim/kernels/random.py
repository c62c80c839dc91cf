"""Counter-based randomness: a hash of who asks, never a state."""

import warp as wp

from insonate.acoustics import scattering

__all__ = ["hash_cell", "hash_key", "mix", "normal_pair", "uniform"]

HASH_X = wp.constant(wp.uint32(scattering.HASH_X))
HASH_Y = wp.constant(wp.uint32(scattering.HASH_Y))
HASH_Z = wp.constant(wp.uint32(scattering.HASH_Z))
MIX_1 = wp.constant(wp.uint32(scattering.MIX_1))
MIX_2 = wp.constant(wp.uint32(scattering.MIX_2))
SCALE = wp.constant(float(2.0**-24))


@wp.func
def mix(bits: wp.uint32) -> wp.uint32:
    a = (bits ^ (bits >> wp.uint32(16))) * MIX_1
    b = (a ^ (a >> wp.uint32(15))) * MIX_2
    return b ^ (b >> wp.uint32(16))


@wp.func
def hash_cell(x: int, y: int, z: int, seed: wp.uint32) -> wp.uint32:
    bits = wp.uint32(x) * HASH_X + wp.uint32(y) * HASH_Y + wp.uint32(z) * HASH_Z
    return mix(bits ^ seed)


@wp.func
def hash_key(seed: wp.uint32, ray: int, bounce: int, use: int) -> wp.uint32:
    """Key of one random number: whose ray, at which bounce, for what."""
    return mix(hash_cell(ray, bounce, use, seed))


@wp.func
def uniform(bits: wp.uint32) -> float:
    """Uniform deviate in (0, 1)."""
    return (float(bits >> wp.uint32(8)) + 0.5) * SCALE


@wp.func
def normal_pair(u: float, v: float) -> wp.vec2:
    """Two unit normal deviates from two uniform ones (Box and Muller)."""
    radius = wp.sqrt(-2.0 * wp.log(u))
    angle = 6.283185307 * v
    return wp.vec2(radius * wp.cos(angle), radius * wp.sin(angle))
