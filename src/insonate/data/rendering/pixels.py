"""From a frame's pixels to those of a dataset: the fan centred, cut or padded, and averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.data.rendering.recipe import Image
from insonate.sim import Frame

__all__ = ["Pixels"]


@dataclass(frozen=True)
class Pixels:
    """The pixels that a dataset keeps of a frame.

    Attributes:
        image: of the recipe.
        frame: rendered with `image.oversample` times as many rows.
    """

    image: Image
    frame: Frame

    @property
    def _before(self) -> int:
        """Columns to be put before the frame's first one; negative where some are cut."""
        return (self.image.columns * self.image.oversample - self.frame.mask.shape[1]) // 2

    @property
    def spacing(self) -> float:
        """Of the kept pixels [mm]."""
        return self.frame.spacing * self.image.oversample

    @property
    def origin(self) -> tuple[float, float]:
        """Lateral position and depth of the centre of the kept pixel (0, 0) [mm]."""
        half = 0.5 * (self.image.oversample - 1) * self.frame.spacing
        x, z = self.frame.origin
        return x - self._before * self.frame.spacing + half, z + half

    @property
    def mask(self) -> NDArray[np.uint8]:
        """1 in the fan, by the middle of each kept pixel."""
        return self.sampled(self.frame.mask.astype(np.uint8))

    def averaged(self, bmode: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Means of what is 0 to 1 over each kept pixel of the fan, `(rows, columns)`, 0 to 255."""
        k, wide = self.image.oversample, self._centred(np.clip(bmode, 0.0, 1.0))
        means = wide.reshape(self.image.rows, k, self.image.columns, k).mean(axis=(1, 3))
        return np.round(means * np.float32(255.0)).astype(np.uint8) * self.mask

    def sampled(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What lies in the middle of each kept pixel, `(rows, columns)`."""
        k = self.image.oversample
        return self._centred(image)[k // 2 :: k, k // 2 :: k]

    def position(self, x: float, z: float) -> tuple[float, float] | None:
        """Column and row of a point of the image plane [mm], None outside the image."""
        column, row = (
            (at - zero) / self.spacing for at, zero in zip((x, z), self.origin, strict=True)
        )
        inside = -0.5 <= column < self.image.columns - 0.5 and -0.5 <= row < self.image.rows - 0.5
        return (column, row) if inside else None

    def _centred(self, image: NDArray) -> NDArray:
        """An image with columns added or cut on both sides alike."""
        rows, columns = (n * self.image.oversample for n in (self.image.rows, self.image.columns))
        wide, have = np.zeros((rows, columns), image.dtype), image.shape[1]
        left, right = max(self._before, 0), min(self._before + have, columns)
        wide[:, left:right] = image[:, left - self._before : right - self._before]
        return wide
