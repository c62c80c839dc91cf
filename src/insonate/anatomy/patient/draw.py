"""What is not said of a patient is drawn from her seed, each thing from a stream of its own.

A new thing to draw changes none of the others, and what is given changes nothing that is drawn.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np

from insonate.anatomy.fetus.plan import Posture

__all__ = ["Draw", "Variation"]


class Draw:
    """Numbers of one patient, by name.

    Args:
        seed: of the patient.
    """

    def __init__(self, seed: int):
        self.seed = seed

    def _stream(self, name: str) -> np.random.Generator:
        key = [self.seed & 0xFFFFFFFFFFFFFFFF, zlib.crc32(name.encode())]
        return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))

    def even(self, name: str, low: float, high: float) -> float:
        """Any number between `low` and `high`."""
        return float(self._stream(name).uniform(low, high))

    def normal(self, name: str, mean: float = 0.0, deviation: float = 1.0) -> float:
        """Normally distributed, at most two deviations from the mean."""
        stream = self._stream(name)
        while abs(value := float(stream.standard_normal())) > 2.0:
            pass
        return mean + deviation * value

    def around(self, name: str, median: float, spread: float) -> float:
        """Log-normally distributed: `spread` is the relative deviation."""
        return median * math.exp(self.normal(name, 0.0, spread))

    def choice(self, name: str, options: Sequence[str], shares: Sequence[float]) -> str:
        """One of `options`, by `shares` that sum to 1."""
        at = np.searchsorted(np.cumsum(shares), self._stream(name).uniform())
        return options[min(int(at), len(options) - 1)]

    def growth(self, measures: Sequence[str], shared: float = 0.7) -> dict[str, float]:
        """A deviation [SD] for each measure; a fetus that is big is big in all of them.

        Args:
            measures: their names.
            shared: correlation between any two.
        """
        common = self.normal("growth") * math.sqrt(shared)
        own = math.sqrt(1.0 - shared)
        return {m: common + own * self.normal(f"growth of {m}") for m in measures}

    def posture(self, flexion: float, limb_flexion: float) -> Posture:
        """An attitude near the flexed rest.

        Args:
            flexion: of trunk, neck and hips, 0 (extended) to 1 (curled up).
            limb_flexion: of knees and elbows, 0 (stretched) to 1 (folded).
        """

        def pair(name: str, degrees: float, spread: float) -> tuple[float, float]:
            left, right = (self.normal(f"{name} {side}", degrees, spread) for side in ("l", "r"))
            return math.radians(left), math.radians(right)

        return Posture(
            trunk=math.radians(20.0 + 80.0 * flexion),
            trunk_left=math.radians(self.normal("bend", 0.0, 3.0)),
            neck=math.radians(-10.0 + 33.0 * flexion),
            hip=pair("hip", 68.0 + 40.0 * flexion + 22.0 * limb_flexion, 8.0),
            knee=pair("knee", 20.0 + 130.0 * limb_flexion, 10.0),
            shoulder=pair("shoulder", 45.0, 12.0),
            elbow=pair("elbow", 35.0 + 115.0 * limb_flexion, 10.0),
            abduction=pair("abduction", 32.0, 6.0),
        )


class Variation(dict[str, float]):
    """A number in [-1, 1] for any name, drawn when it is asked for.

    Args:
        draw: of the patient.
        prefix: of the names of its streams.
    """

    def __init__(self, draw: Draw, prefix: str = ""):
        super().__init__()
        self._draw, self._prefix = draw, prefix

    def __missing__(self, name: str) -> float:
        return self._draw.even(self._prefix + name, -1.0, 1.0)

    def get(self, name: str, default: float = 0.0) -> float:  # type: ignore[override]
        """The number of `name`."""
        return self[name]
