"""The U-Net of pix2pix: down to one pixel and up again, with what was seen on the way."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.initialise import normal_weights
from insonate.nets.last import as_images
from insonate.nets.sizes import check_images

__all__ = ["UNet"]

_WIDEST = 8  # channels grow to this many times the width
_SLOPE = 0.2  # of leaky rectifiers on the way down


class UNet(nn.Module):
    """Images to images by convolutions 4 x 4 of stride 2, down and up, with skips.

    Down: leaky rectifier, convolution, instance norm, where the first has the convolution alone
    and the innermost no norm. Up: rectifier, transposed convolution, instance norm, then the
    images of the same size from the way down are put beside; the last ends with tanh. No
    dropout. (Isola et al. 2017, `unet_256`, with instance norm for batch norm.)

    Args:
        inputs: channels of the images that it takes.
        outputs: channels of the images that it gives, in [-1, 1].
        width: channels after the first convolution; they double until 8 times as many.
        downs: how often sides are halved.
        residual: what is learned is a change of the first channels.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        width: int = 64,
        downs: int = 8,
        residual: bool = False,
    ):
        super().__init__()
        self.inputs, self.stride, self.residual = inputs, 2**downs, residual
        widths = [width * min(2**level, _WIDEST) for level in range(downs)]
        self.downs = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1)
            for before, after in zip([inputs, *widths], widths, strict=False)
        )
        # the way up: innermost first; all but the innermost take the skip as well
        befores = [widths[-1], *(2 * w for w in widths[-2::-1])]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, 2, 1)
            for before, after in zip(befores, [*widths[-2::-1], outputs], strict=True)
        )
        normal_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, outputs, rows, columns)` of `(batch, inputs, rows, columns)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        check_images(images, "U-Net", self.inputs, self.stride, self.stride)
        first, *middle, innermost = self.downs
        seen = [first(images)]
        for down in middle:
            seen.append(functional.instance_norm(down(functional.leaky_relu(seen[-1], _SLOPE))))
        values = innermost(functional.leaky_relu(seen[-1], _SLOPE))
        *ups, last = self.ups
        for up in ups:
            values = functional.instance_norm(up(functional.relu(values)))
            values = torch.cat([seen.pop(), values], dim=1)
        return as_images(last(functional.relu(values)), images if self.residual else None)
