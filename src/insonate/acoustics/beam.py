"""The focused beam: Gaussian widths with depth, and what the aperture makes of them.

Widths are standard deviations of amplitude profiles exp(-x^2 / 2 sigma^2).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "SIGMA_PER_LAMBDA_F",
    "aperture_profile",
    "gaussian_sigma",
    "hermite_layers",
    "rayleigh_range",
    "two_way_sigma",
    "waist",
]

#: One-way sigma at the focus, in units of wavelength times f-number (:eq:`waist`).
SIGMA_PER_LAMBDA_F = 0.512


def waist(wavelength: float, f_number: ArrayLike) -> NDArray[np.float64]:
    """One-way sigma at the focus [mm] of an aperture without apodisation (:eq:`waist`)."""
    return SIGMA_PER_LAMBDA_F * wavelength * np.asarray(f_number, dtype=np.float64)


def rayleigh_range(sigma0: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """Depth over which a beam of waist `sigma0` [mm] widens by sqrt(2) [mm] (:eq:`beam`)."""
    return 2.0 * math.pi * np.asarray(sigma0, dtype=np.float64) ** 2 / wavelength


def gaussian_sigma(
    depth: ArrayLike, focus: float, sigma0: float, wavelength: float
) -> NDArray[np.float64]:
    """One-way sigma of a beam focused at `focus` (:eq:`beam`), all in mm."""
    reach = (np.asarray(depth, dtype=np.float64) - focus) / rayleigh_range(sigma0, wavelength)
    return sigma0 * np.sqrt(1.0 + reach**2)


def two_way_sigma(transmit: ArrayLike, receive: ArrayLike) -> NDArray[np.float64]:
    """Sigma of the product of a transmit and a receive profile (:eq:`two-way`), in mm."""
    tx, rx = np.asarray(transmit, np.float64), np.asarray(receive, np.float64)
    return 1.0 / np.sqrt(1.0 / tx**2 + 1.0 / rx**2)


def hermite_layers(layers: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Elevation layers as deviates of a unit Gaussian, with amplitude weights (:eq:`layers`).

    Returns:
        Deviates `(layers,)` and weights `(layers,)` whose squares sum to 1, so that the
        speckle level does not depend on the number of layers.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(layers)
    return nodes, weights / np.linalg.norm(weights)


def aperture_profile(
    lateral: NDArray[np.float64],
    depth: float,
    elements: NDArray[np.float64],
    normals: NDArray[np.float64],
    width: float,
    wavelength: float,
    focus: float,
) -> NDArray[np.float64]:
    """One-way amplitude of an array focused on its axis, by summing elements (:eq:`aperture`).

    Args:
        lateral: where to look, `(points,)` [mm].
        depth: of the points [mm].
        elements: element centres as (lateral, depth), `(elements, 2)` [mm].
        normals: their unit normals as (lateral, depth), `(elements, 2)`.
        width: of an element [mm].
        wavelength: [mm].
        focus: depth of the focus [mm].

    Returns:
        Amplitude `(points,)`, 1 at its maximum.
    """
    points = np.stack([lateral, np.full_like(lateral, depth)], axis=-1)
    ray = points[:, None] - elements[None]
    distance = np.linalg.norm(ray, axis=-1)
    cos = np.einsum("pec,ec->pe", ray, normals) / distance
    sin = np.sqrt(np.maximum(1.0 - cos**2, 0.0))
    directivity = np.maximum(cos, 0.0) * np.sinc(width * sin / wavelength)
    delay = np.hypot(elements[:, 0], focus - elements[:, 1])
    phase = 2.0 * math.pi / wavelength * (distance - delay)
    field = np.abs(np.sum(directivity * np.exp(1j * phase) / np.sqrt(distance), axis=1))
    return field / field.max()
