"""One simulated image that stays on the device that rendered it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import warp as wp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from insonate.sim.buffers import Buffers

__all__ = ["DeviceFrame"]


@dataclass(frozen=True)
class DeviceFrame:
    """Images of a `Frame` as Warp arrays, for a network on the same device.

    Attributes:
        bmode: log-compressed image, float32 0 to 1, `(rows, columns)`.
        labels: region of every pixel, uint8 `(rows, columns)`.
        attenuation: integral attenuation map, float32 0 to 1, `(rows, columns)`.
        shadow: share of the beam lost on the way, float32 0 to 1, `(rows, columns)`.
        mask: True within the fan, `(rows, columns)`, on the host as it is that of the probe.
        region_names: by label.
    """

    bmode: wp.array
    labels: wp.array
    attenuation: wp.array
    shadow: wp.array
    mask: NDArray[np.bool_]
    region_names: tuple[str, ...]

    @classmethod
    def of(
        cls, buffers: Buffers, mask: NDArray[np.bool_], region_names: tuple[str, ...]
    ) -> DeviceFrame:
        """What the last frame left in the buffers, which the next one may overwrite.

        Args:
            buffers: of the frame.
            mask: of the fan `(rows, columns)`.
            region_names: by label.
        """
        images = (buffers.image, buffers.label_image, buffers.attenuation_image,
                  buffers.shadow_image)  # fmt: skip
        kept = [wp.clone(image) for image in images]
        wp.synchronize_device(buffers.image.device)  # others read it on streams of their own
        return cls(*kept, mask=mask, region_names=region_names)
