"""The dimensions of one fetus: what its age gives, times what makes it this one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from insonate.biometry import dimension

__all__ = ["Sizes"]


@dataclass(frozen=True)
class Sizes:
    """All dimensions of a fetus [mm].

    Attributes:
        weeks: gestational age [weeks].
        bpd: biparietal diameter, outer to outer [mm].
        ofd: occipitofrontal diameter [mm].
        ac: abdominal circumference [mm].
        fl: length of the ossified femoral shaft [mm].
        factors: individual variation by dimension, 1 where none is given.
    """

    weeks: float
    bpd: float
    ofd: float
    ac: float
    fl: float
    factors: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """Dimension `name` of `insonate.biometry.dimension` [mm], with its variation.

        Raises:
            InputError: no such dimension.
        """
        return dimension(name, self.weeks) * self.factors.get(name, 1.0)

    @property
    def half_width(self) -> float:
        """B, half the biparietal diameter [mm]."""
        return 0.5 * self.bpd

    @property
    def half_length(self) -> float:
        """F, half the occipitofrontal diameter [mm]."""
        return 0.5 * self.ofd

    @property
    def trunk_radius(self) -> float:
        """R, radius of the circle as long as the abdominal circumference [mm]."""
        return self.ac / (2.0 * math.pi)

    @property
    def heart_diameter(self) -> float:
        """D, diameter of the circle as long as the cardiac circumference [mm]."""
        return self["cardiac_circumference"] / math.pi
