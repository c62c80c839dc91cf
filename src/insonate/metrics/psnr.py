"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from insonate.metrics.gray import WHITE, check_pair, masked_mean

__all__ = ["psnr"]


def psnr(image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """10 log10(255² / MSE) of every image [dB]; infinite where nothing differs.

    The paper of low and high quality prints 255 in place of 255²; its values of 25 to 29 dB fit
    the square only.

    Args:
        image: `(n, rows, columns)`, gray levels 0 to 255.
        target: the same shape.
        mask: pixels over which errors are averaged; without, all.

    Returns:
        `(n,)` float64 [dB].

    Raises:
        InputError: shapes that differ, or an empty mask.
    """
    image, target = check_pair(image, target)
    mean_squared_error = masked_mean((image - target).square(), mask)
    return 10.0 * torch.log10(WHITE**2 / mean_squared_error)
