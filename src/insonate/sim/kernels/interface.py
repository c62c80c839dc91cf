"""Plane waves at an interface: the device twin of `insonate.acoustics.interface`."""

import warp as wp

from insonate.acoustics import interface

__all__ = [
    "facet_normal",
    "lifted",
    "mirror_spreading",
    "mirrored",
    "pressure_reflection",
    "reflect",
    "refract",
    "sheet_reflection",
    "snell_cosine",
    "specular_lobe",
]

MIRROR_REACH = wp.constant(interface.MIRROR_REACH)
LOBE_LIMIT = wp.constant(0.25881904510252074)  # cos 75 degrees
REFERENCE_REFLECTION = wp.constant(0.4)


@wp.func
def snell_cosine(c1: float, c2: float, cos1: float) -> float:
    """Cosine of the refracted angle (:eq:`snell`); 0 beyond the critical angle."""
    ratio = c2 / c1
    return wp.sqrt(wp.max(1.0 - ratio * ratio * (1.0 - cos1 * cos1), 0.0))


@wp.func
def pressure_reflection(z1: float, z2: float, cos1: float, cos2: float) -> float:
    """Pressure reflection coefficient (:eq:`reflection`)."""
    return (z2 * cos1 - z1 * cos2) / (z2 * cos1 + z1 * cos2)


@wp.func
def sheet_reflection(z1: float, z2: float, c2: float, thickness: float, f: float) -> float:
    """Reflection by a membrane much thinner than a wavelength (:eq:`sheet`)."""
    k = 6.283185307 * f / c2
    return wp.min(wp.abs(0.5 * k * thickness * (z2 / z1 - z1 / z2)), 1.0)


@wp.func
def specular_lobe(cos1: float, roughness: float, acceptance: float) -> float:
    """Amplitude that a rough interface returns to the probe (:eq:`lobe`)."""
    cos = wp.max(cos1, LOBE_LIMIT)
    tan2 = 1.0 / (cos * cos) - 1.0
    width2 = 1.0 / (roughness + 1.0) + acceptance * acceptance
    return acceptance / wp.sqrt(width2) * wp.exp(-tan2 / (4.0 * width2)) / (cos * cos)


@wp.func
def mirror_spreading(curvature: float) -> float:
    """Two-way amplitude that a convex mirror leaves in the beam (:eq:`spreading`)."""
    return 1.0 / (1.0 + 2.0 * wp.max(curvature, 0.0) * MIRROR_REACH)


@wp.func
def lifted(gamma: float, exponent: float) -> float:
    """Reflection with weak interfaces lifted (:eq:`lift`); exponent 1 is physics."""
    if exponent == 1.0:
        return gamma
    lift = REFERENCE_REFLECTION * wp.pow(wp.abs(gamma) / REFERENCE_REFLECTION, exponent)
    return wp.sign(gamma) * lift


@wp.func
def mirrored(v: wp.vec3, normal: wp.vec3) -> wp.vec3:
    """Mirror image of any vector at a plane."""
    return v - 2.0 * wp.dot(v, normal) * normal


@wp.func
def reflect(direction: wp.vec3, normal: wp.vec3) -> wp.vec3:
    """Mirror `direction` at a surface whose `normal` faces it."""
    return wp.normalize(mirrored(direction, normal))


@wp.func
def refract(direction: wp.vec3, normal: wp.vec3, ratio: float, cos1: float, cos2: float) -> wp.vec3:
    """Bend `direction` at a surface whose `normal` faces it; `ratio` is c2/c1."""
    return wp.normalize(ratio * direction + (ratio * cos1 - cos2) * normal)


@wp.func
def facet_normal(normal: wp.vec3, roughness: float, u: float, v: float) -> wp.vec3:
    """A facet's normal drawn about the smooth one by the power cosine (:eq:`roughness`)."""
    cos = wp.pow(u, 1.0 / (roughness + 1.0))
    sin = wp.sqrt(wp.max(1.0 - cos * cos, 0.0))
    axis = wp.where(wp.abs(normal[0]) > 0.9, wp.vec3(0.0, 1.0, 0.0), wp.vec3(1.0, 0.0, 0.0))
    s = wp.normalize(wp.cross(normal, axis))
    t = wp.cross(normal, s)
    angle = 6.283185307 * v
    return wp.normalize(cos * normal + sin * (wp.cos(angle) * s + wp.sin(angle) * t))
