"""Loss of amplitude along a path, in the field's units: dB, cm, MHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["DB_PER_NEPER", "attenuation_db", "intensity_coefficient", "two_way_decay"]

#: Decibels of one neper of amplitude: 20 log10(e).
DB_PER_NEPER = 20.0 / np.log(10.0)


def attenuation_db(alpha0: ArrayLike, power: ArrayLike, f: float) -> NDArray[np.float64]:
    """One-way attenuation of amplitude [dB/cm] by the power law (:eq:`attenuation`).

    Args:
        alpha0: attenuation at 1 MHz [dB/(cm MHz^n)].
        power: exponent n.
        f: frequency [MHz].
    """
    return np.asarray(alpha0, dtype=np.float64) * f ** np.asarray(power, dtype=np.float64)


def two_way_decay(alpha: ArrayLike) -> NDArray[np.float64]:
    """Decay of the two-way amplitude with one-way distance [1/mm] (:eq:`decay`).

    Args:
        alpha: one-way attenuation [dB/cm].
    """
    return 2.0 * np.asarray(alpha, dtype=np.float64) / (10.0 * DB_PER_NEPER)


def intensity_coefficient(alpha: ArrayLike) -> NDArray[np.float64]:
    """One-way decay of intensity [1/cm], the mu of the attenuation map (:eq:`integral`).

    Args:
        alpha: one-way attenuation [dB/cm].
    """
    return 2.0 * np.asarray(alpha, dtype=np.float64) / DB_PER_NEPER
