"""Gray levels: what every measure takes, and whether it can take it.

Images are `(n, rows, columns)` tensors of gray levels, 0 to 255. Masks are `(n, rows, columns)`
or `(rows, columns)`, true where a pixel counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from insonate.errors import InputError

__all__ = ["WHITE", "check_images", "check_pair", "masked_mean", "matching_mask", "quantize"]

#: Gray level of white; of black it is 0.
WHITE = 255.0


def quantize(images: Tensor, rounding: bool = True) -> Tensor:
    """Gray levels of images in [-1, 1], as a file of 8 bits would hold them.

    Args:
        images: `(n, rows, columns)` or `(n, 1, rows, columns)`, black is -1 and white 1.
        rounding: to whole levels; histograms depend on it.

    Returns:
        `(n, rows, columns)` float32, 0 to 255.

    Raises:
        InputError: another shape, or values that are no numbers.
    """
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    check_images(images, "images")
    levels = (images.to(torch.float32).clamp(-1.0, 1.0) + 1.0) * (WHITE / 2.0)
    return levels.round() if rounding else levels


def check_images(images: Tensor, name: str, smallest: int = 1) -> None:
    """Refuses what is not a stack of images.

    Args:
        images: to be `(n, rows, columns)`.
        name: of the argument, for the error line.
        smallest: side that is still large enough [pixels].

    Raises:
        InputError: another number of axes, no image, too small, or values that are no numbers.
    """
    shape = tuple(images.shape)
    if images.ndim != 3 or 0 in shape:
        raise InputError(f"{name}: expected images (n, rows, columns), got shape {shape}")
    if min(shape[1:]) < smallest:
        raise InputError(f"{name}: expected at least {smallest} pixels a side, got {shape[1:]}")
    if images.is_floating_point() and not bool(torch.isfinite(images).all()):
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity")


def check_pair(image: Tensor, target: Tensor, smallest: int = 1) -> tuple[Tensor, Tensor]:
    """Two stacks of images of one shape, in double precision.

    Args:
        image: `(n, rows, columns)`, gray levels.
        target: the same shape, gray levels.
        smallest: side that is still large enough [pixels].

    Raises:
        InputError: not images, too small, or of two shapes.
    """
    check_images(image, "image", smallest)
    check_images(target, "target", smallest)
    if image.shape != target.shape:
        shapes = f"{tuple(image.shape)} and {tuple(target.shape)}"
        raise InputError(f"image, target: expected one shape, got {shapes}")
    return image.double(), target.to(image.device).double()


def matching_mask(mask: Tensor, images: Tensor, name: str = "mask") -> Tensor:
    """A mask as booleans for every image.

    Args:
        mask: `(n, rows, columns)` or `(rows, columns)`; true, or not 0, where a pixel counts.
        images: `(n, rows, columns)`.
        name: of the argument, for the error line.

    Raises:
        InputError: another shape, or a mask without a pixel.
    """
    if tuple(mask.shape) not in (tuple(images.shape), tuple(images.shape[1:])):
        shapes = f"{tuple(images.shape)}, got {tuple(mask.shape)}"
        raise InputError(f"{name}: expected the shape of the images {shapes}")
    mask = (mask.to(images.device) != 0).expand(images.shape)
    empty = (~mask.flatten(1).any(1)).nonzero().flatten().tolist()
    if empty:
        raise InputError(f"{name}: empty for image {empty[0]}; expected at least one pixel")
    return mask


def masked_mean(values: Tensor, mask: Tensor | None, name: str = "mask") -> Tensor:
    """Mean over the pixels of each image, or over those that count.

    Args:
        values: `(n, rows, columns)`.
        mask: `(n, rows, columns)` or `(rows, columns)`; without, all pixels.
        name: of the mask, for the error line.

    Returns:
        `(n,)`.

    Raises:
        InputError: another shape, or a mask without a pixel.
    """
    if mask is None:
        return values.flatten(1).mean(1)
    inside = matching_mask(mask, values, name)
    total = torch.where(inside, values, torch.zeros_like(values)).flatten(1).sum(1)
    return total / inside.flatten(1).sum(1)
