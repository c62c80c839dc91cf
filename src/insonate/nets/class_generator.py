"""The class-conditional generator of ConPres: content in, the look of a class out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.blur import BilinearUp
from insonate.nets.last import as_images
from insonate.nets.resnet import Padding, ResidualBlock
from insonate.nets.sizes import check_images

__all__ = ["ClassGenerator", "FirstFeature", "UpOrder"]

#: Where sides are doubled: behind the convolution, as the paper's table says, or before it.
UpOrder = Literal["conv_upsample", "upsample_conv"]
#: What contrastive losses see first: the pixels, or what the first convolution makes of them.
FirstFeature = Literal["pixels", "stem"]


class ClassGenerator(nn.Module):
    """Images to the images of a class (Tomar et al. 2021, table 3).

    Encoder: convolution 7 x 7, two 4 x 4 of stride 2, residual blocks, all with instance norm.
    Decoder, without any norm, which would erase planes that are the same everywhere: one plane
    a class beside the code, residual blocks, two convolutions 3 x 3 whose results are doubled,
    convolution 3 x 3, tanh.

    Args:
        classes: how many.
        width: channels after the first convolution; four times as many in the code.
        blocks: residual ones in the encoder, and in the decoder.
        padding: of the convolutions that keep the size.
        up_order: where sides are doubled.
        reinject: planes of the class are put back after every block of the decoder.
        first: feature of the contrastive loss.
        regions: of semantic maps that come as a channel each, with a first convolution of their
            own; none when 0.
    """

    stride, inputs = 4, 1

    def __init__(
        self,
        classes: int = 3,
        width: int = 64,
        blocks: int = 4,
        padding: Padding = "reflect",
        up_order: UpOrder = "conv_upsample",
        reinject: bool = False,
        first: FirstFeature = "pixels",
        regions: int = 0,
    ):
        super().__init__()
        self.classes, self.up_order, self.reinject, self.first = classes, up_order, reinject, first
        code, wide = 4 * width, 4 * width + classes

        def conv(before: int, after: int, side: int) -> nn.Conv2d:
            return nn.Conv2d(before, after, side, 1, side // 2, padding_mode=padding)

        self.stem = conv(1, width, 7)
        self.region_stem = conv(regions, width, 7) if regions else None
        self.halves = nn.ModuleList(nn.Conv2d(k * width, 2 * k * width, 4, 2, 1) for k in (1, 2))
        self.encoder = nn.ModuleList(ResidualBlock(code, padding) for _ in range(blocks))
        self.decoder = nn.ModuleList(
            ResidualBlock(wide, padding, norm=False) for _ in range(blocks)
        )
        self.ups = nn.ModuleList([conv(wide, 2 * width, 3), conv(2 * width, width, 3)])
        self.last, self.larger = conv(width, 1, 3), BilinearUp()
        seen = min(3, blocks)
        self.channels = (1 if first == "pixels" else width, 2 * width, code, *[code] * seen)

    def forward(self, images: Tensor, target: Tensor, regions: Tensor | None = None) -> Tensor:
        """Images of a class, `(batch, 1, rows, columns)` in [-1, 1].

        Args:
            images: `(batch, 1, rows, columns)`.
            target: class of each, int64 `(batch,)`.
            regions: of semantic maps, as `encode` takes them.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        return self.decode(self.encode(images, regions)[0], target)

    def encode(self, images: Tensor, regions: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """The content of images, and the features of the contrastive loss.

        Args:
            images: `(batch, 1, rows, columns)`.
            regions: what is encoded in their place, `(batch, regions, rows, columns)`.

        Returns:
            Code `(batch, 4 width, rows / 4, columns / 4)`; pixels, both convolutions that halve
            before their norm, up to three blocks, `(batch, channels[k], ...)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        check_images(images, "generator", 1, self.stride, 2 * self.stride)
        own = self.region_stem if regions is not None else None
        values = self.stem(images) if own is None else own(regions)
        seen = [images if self.first == "pixels" else values]
        for half in self.halves:
            values = half(functional.relu(functional.instance_norm(values)))
            seen.append(values)
        values = functional.relu(functional.instance_norm(values))
        for number, block in enumerate(self.encoder):
            values = block(values)
            seen += [values] if number < len(self.channels) - 3 else []
        return values, seen

    def decode(self, code: Tensor, target: Tensor) -> Tensor:
        """Images of a class from a code.

        Args:
            code: as `encode` gives it.
            target: class of each, int64 `(batch,)`.
        """
        planes = functional.one_hot(target, self.classes).to(code.dtype)[:, :, None, None]
        planes = planes.expand(-1, -1, *code.shape[-2:])
        values = torch.cat([code, planes], dim=1)
        for block in self.decoder:
            values = block(values)
            if self.reinject:
                values = torch.cat([values[:, : -self.classes], planes], dim=1)
        for up in self.ups:
            behind = self.up_order == "conv_upsample"
            values = self.larger(up(values)) if behind else up(self.larger(values))
            values = functional.relu(values)
        return as_images(self.last(values))
