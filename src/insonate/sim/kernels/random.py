"""Counter-based randomness: a hash of who asks, never a state."""

import warp as wp

from insonate.acoustics import scattering

__all__ = ["hash_cell", "hash_key", "mix", "normal_pair", "shuffled", "stratum", "uniform"]

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
def shuffled(index: int, count: int, key: wp.uint32) -> int:
    """Where `index` comes in an order of 0 to `count` - 1 that `key` decides.

    A bijection of the next power of two, walked until it falls below `count`, and turned.
    """
    low = wp.uint32(count - 1)
    low = low | (low >> wp.uint32(1))
    low = low | (low >> wp.uint32(2))
    low = low | (low >> wp.uint32(4))
    low = low | (low >> wp.uint32(8))
    x = wp.uint32(index)
    walking = int(1)
    while walking == 1:
        x = ((x + key) * HASH_X) & low
        x = x ^ (x >> wp.uint32(3))
        x = ((x ^ (key >> wp.uint32(8))) * HASH_Y) & low
        x = x ^ (x >> wp.uint32(2))
        x = ((x + (key >> wp.uint32(16))) * HASH_Z) & low
        x = x ^ (x >> wp.uint32(1))
        if x < wp.uint32(count):
            walking = 0
    return int((x + (key >> wp.uint32(4))) % wp.uint32(count))


@wp.func
def stratum(seed: wp.uint32, path: int, rays: int, bounce: int, use: int) -> float:
    """Uniform deviate in (0, 1) of one of the `rays` paths of a beam (:eq:`strata`).

    Every path of a beam draws from another of `rays` equal strata, in an order of its own for
    every bounce and use: as many of them take a branch as its probability says.
    """
    within = uniform(hash_key(seed, path, bounce, use))
    if rays == 1:
        return within
    order = hash_key(seed, path / rays, bounce, -use)
    return (float(shuffled(path % rays, rays, order)) + within) / float(rays)


@wp.func
def normal_pair(u: float, v: float) -> wp.vec2:
    """Two unit normal deviates from two uniform ones (Box and Muller)."""
    radius = wp.sqrt(-2.0 * wp.log(u))
    angle = 6.283185307 * v
    return wp.vec2(radius * wp.cos(angle), radius * wp.sin(angle))
