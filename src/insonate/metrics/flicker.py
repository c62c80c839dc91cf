"""How much images of a sweep change from frame to frame, beyond what moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.metrics.motion import displacement, warped

__all__ = ["flicker"]


def flicker(
    simulated: Sequence[NDArray[np.floating]],
    translated: Sequence[NDArray[np.floating]],
    fan: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean |difference| of consecutive frames after motion is taken out, within the fan.

    Motion is that of the simulated frames. What is left of the simulation itself is what comes
    into the plane, and speckle that changes with it.

    Args:
        simulated: gray levels of consecutive frames, `(rows, columns)` each.
        translated: of the same frames.
        fan: where there is content.

    Returns:
        Of translated and of simulated frames, `(frames - 1,)` each [gray levels].

    Raises:
        InputError: fewer than two frames, shapes that differ, or a fan that motion leaves empty.
    """
    if len(simulated) != len(translated) or len(simulated) < 2:
        counts = f"{len(simulated)} and {len(translated)}"
        raise InputError(f"simulated, translated: expected as many frames, 2 or more, got {counts}")
    left: list[tuple[float, float]] = []
    for k in range(len(simulated) - 1):
        shift = displacement(simulated[k], simulated[k + 1])
        seen = fan & (warped(fan.astype(np.float64), shift) > 0.99) & _within(shift)
        if not seen.any():
            raise InputError("fan: empty after motion; expected frames that show the same place")
        off = [np.abs(f[k + 1] - warped(f[k], shift))[seen].mean() for f in (translated, simulated)]
        left.append((float(off[0]), float(off[1])))
    of_translated, of_simulated = np.array(left).T
    return of_translated, of_simulated


def _within(shift: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels that come from within the image."""
    places = np.indices(shift.shape[1:]) + shift
    rows, columns = shift.shape[1:]
    inside = (places >= 0).all(0) & (places[0] <= rows - 1) & (places[1] <= columns - 1)
    return np.asarray(inside)
