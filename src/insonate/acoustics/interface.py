"""A plane wave at an interface between two fluids.

Every angle is measured from the interface's normal; an interface takes a wave from
medium 1 to medium 2. All functions work element by element on arrays of one shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "acceptance_slope",
    "facet_slope",
    "mirror_spreading",
    "pressure_reflection",
    "rough_cosine",
    "sheet_reflection",
    "snell_cosine",
    "specular_lobe",
]

LOBE_LIMIT = np.deg2rad(75.0)
#: Distance behind a mirror for which its spreading is taken [mm].
MIRROR_REACH = 10.0


def snell_cosine(c1: ArrayLike, c2: ArrayLike, cos_incident: ArrayLike) -> NDArray[np.float64]:
    """Cosine of the refracted angle, by speed of sound (:eq:`snell`).

    Args:
        c1: speed of sound in front of the interface [any unit].
        c2: speed of sound behind it [same unit].
        cos_incident: cosine of the angle of incidence.

    Returns:
        Cosine of the angle of refraction; 0 at and beyond the critical angle.
    """
    ratio = np.asarray(c2, dtype=np.float64) / np.asarray(c1, dtype=np.float64)
    sin2 = ratio**2 * (1.0 - np.asarray(cos_incident, dtype=np.float64) ** 2)
    return np.sqrt(np.maximum(1.0 - sin2, 0.0))


def pressure_reflection(
    z1: ArrayLike, z2: ArrayLike, cos_incident: ArrayLike, cos_refracted: ArrayLike
) -> NDArray[np.float64]:
    """Pressure reflection coefficient of a fluid interface (:eq:`reflection`).

    Args:
        z1: impedance in front of the interface [any unit].
        z2: impedance behind it [same unit].
        cos_incident: cosine of the angle of incidence.
        cos_refracted: cosine of the angle of refraction; 0 means total reflection.

    Returns:
        Reflection coefficient in [-1, 1]; its square is the reflected share of the power.
    """
    front = np.multiply(z2, cos_incident, dtype=np.float64)
    back = np.multiply(z1, cos_refracted, dtype=np.float64)
    return (front - back) / (front + back)


def facet_slope(roughness: ArrayLike) -> NDArray[np.float64]:
    """Rms slope per axis of a surface whose normals follow a power cosine (:eq:`roughness`)."""
    return 1.0 / np.sqrt(np.asarray(roughness, dtype=np.float64) + 1.0)


def acceptance_slope(f_number: float) -> float:
    """Surface slope [rad] that the receive aperture accepts: half its half-angle (:eq:`lobe`)."""
    return 1.0 / (4.0 * f_number)


def specular_lobe(
    cos_incident: ArrayLike, roughness: ArrayLike, acceptance: float
) -> NDArray[np.float64]:
    """Amplitude that a rough interface returns to the probe (:eq:`lobe`).

    Args:
        cos_incident: cosine between the ray and the smooth normal.
        roughness: exponent of the power cosine of the facets' normals.
        acceptance: slope that the aperture accepts [rad], from `acceptance_slope`.

    Returns:
        Factor on the normal-incidence reflection, 1 for a smooth interface at 0 degrees.
    """
    cos = np.maximum(np.asarray(cos_incident, dtype=np.float64), np.cos(LOBE_LIMIT))
    tan2 = 1.0 / cos**2 - 1.0
    width2 = facet_slope(roughness) ** 2 + acceptance**2
    return acceptance / np.sqrt(width2) * np.exp(-tan2 / (4.0 * width2)) / cos**2


def mirror_spreading(curvature: ArrayLike) -> NDArray[np.float64]:
    """Two-way amplitude that a convex mirror leaves in the beam (:eq:`spreading`).

    Args:
        curvature: sum of the principal curvatures, convex to the wave is positive [1/mm].

    Returns:
        Factor on the reflected path: 1 for flat and hollow mirrors, small for ribs.
    """
    convex = np.maximum(np.asarray(curvature, dtype=np.float64), 0.0)
    return 1.0 / (1.0 + 2.0 * convex * MIRROR_REACH)


def rough_cosine(uniform: ArrayLike, roughness: ArrayLike) -> NDArray[np.float64]:
    """Cosine between a facet's normal and the smooth one, power-cosine law (:eq:`roughness`).

    Args:
        uniform: uniform deviates in (0, 1].
        roughness: exponent s; 0 is diffuse, infinity is a mirror.
    """
    return np.asarray(uniform, dtype=np.float64) ** (1.0 / (np.asarray(roughness) + 1.0))


def sheet_reflection(
    z_outside: ArrayLike, z_sheet: ArrayLike, c_sheet: ArrayLike, thickness: ArrayLike, f: float
) -> NDArray[np.float64]:
    """Magnitude of the reflection by a membrane much thinner than a wavelength (:eq:`sheet`).

    Args:
        z_outside: impedance of the medium on both sides [any unit].
        z_sheet: impedance of the membrane [same unit].
        c_sheet: speed of sound in the membrane [mm/us].
        thickness: of the membrane [mm].
        f: frequency [MHz].
    """
    k = 2.0 * np.pi * f / np.asarray(c_sheet, dtype=np.float64)
    thickness = np.asarray(thickness, dtype=np.float64)
    z_outside, z_sheet = np.asarray(z_outside, np.float64), np.asarray(z_sheet, np.float64)
    return np.minimum(np.abs(k * thickness * (z_sheet / z_outside - z_outside / z_sheet) / 2), 1.0)
