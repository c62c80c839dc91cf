"""A small U-Net that says of which class every pixel is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.errors import InputError
from insonate.nets.sizes import check_images

__all__ = ["Segmenter"]

_GROUPS = 4  # of channels that are normalised together
_DOWNS = 3  # after the first two convolutions, which halve the sides twice


class Segmenter(nn.Module):
    """Images to scores of classes, at a quarter of their resolution, which are interpolated.

    Four levels of two convolutions 3 x 3 each, with group norm and rectifiers; sides are halved
    by averages and doubled bilinearly, with skips (Ronneberger et al. 2015, made small). The
    first level sees a quarter of the resolution, so that the last sees much of a frame: tissues
    that look alike are told by where they lie.

    Args:
        classes: how many are told apart, at least two.
        width: channels of the first level; the others have 2, 4 and 4 times as many.

    Raises:
        InputError: one class only, or a width that four does not divide.
    """

    stride = 2 ** (_DOWNS + 2)

    def __init__(self, classes: int, width: int = 16):
        super().__init__()
        if classes < 2 or width < _GROUPS or width % _GROUPS:
            raise InputError(
                f"segmenter: expected 2 classes or more and a width that {_GROUPS} divides, got "
                f"{classes} and {width}"
            )
        widths = [width, 2 * width, 4 * width, 4 * width]
        self.first = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1), nn.GroupNorm(_GROUPS, width), nn.ReLU(),
            nn.Conv2d(width, width, 4, 2, 1),
        )  # fmt: skip
        self.downs = nn.ModuleList(
            _block(before, after)
            for before, after in zip([width, *widths[:-1]], widths, strict=True)
        )
        self.ups = nn.ModuleList(
            _block(below + beside, beside)
            for below, beside in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores `(batch, classes, rows, columns)` of images `(batch, 1, rows, columns)`.

        Raises:
            InputError: sides that are no multiples of 32, or other channels.
        """
        check_images(images, "segmenter", 1, self.stride, self.stride)
        values, seen = self.first(images), []
        for level, down in enumerate(self.downs):
            values = down(functional.avg_pool2d(values, 2) if level else values)
            seen.append(values)
        seen.pop()
        for up in self.ups:
            values = up(torch.cat([_doubled(values), seen.pop()], dim=1))
        return _doubled(_doubled(self.last(values)))


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, 1, 1), nn.GroupNorm(_GROUPS, after), nn.ReLU(),
        nn.Conv2d(after, after, 3, 1, 1), nn.GroupNorm(_GROUPS, after), nn.ReLU(),
    )  # fmt: skip


def _doubled(values: Tensor) -> Tensor:
    return functional.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)
