"""The discriminator of pix2pix, which judges patches."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.blur import BlurDown
from insonate.nets.initialise import normal_weights, xavier_weights
from insonate.nets.sizes import check_images

__all__ = ["PatchGAN"]

_WIDEST = 8  # channels grow to this many times the width
_SLOPE = 0.2  # of leaky rectifiers


class PatchGAN(nn.Module):
    """A map of scores, each of a patch: 70 x 70 pixels with 4 layers.

    Convolutions 4 x 4, of stride 2 but the last two, of instance norm but the first and the
    last, with leaky rectifiers between. (Isola et al. 2017.)

    Args:
        inputs: channels of all that is judged together.
        width: channels after the first layer; they double until 8 times as many.
        layers: convolutions with features, which the last one, to the score, is not counted
            among (pix2pix counts one less).
        antialias: as CUT: sides are halved by a blur behind a convolution; its weights begin as
            CUT's do, too.
    """

    def __init__(self, inputs: int, width: int = 64, layers: int = 4, antialias: bool = False):
        super().__init__()
        self.inputs, self.halvings = inputs, layers - 1
        widths = [width * min(2**level, _WIDEST) for level in range(layers)]
        strides = [1 if antialias else 2] * self.halvings + [1]
        self.blur = BlurDown() if antialias else None
        self.features = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride, 1)
            for before, after, stride in zip([inputs, *widths[:-1]], widths, strides, strict=True)
        )
        self.score = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        (xavier_weights if antialias else normal_weights)(self)

    def forward(self, images: Tensor) -> Tensor:
        """Scores `(batch, 1, rows, columns)` of patches, unbounded; rows and columns are fewer.

        Raises:
            InputError: images too small for a patch, or other channels.
        """
        check_images(images, "PatchGAN", self.inputs, 1, 3 * 2**self.halvings)
        values = images
        for number, layer in enumerate(self.features):
            values = functional.instance_norm(layer(values)) if number else layer(values)
            values = functional.leaky_relu(values, _SLOPE)
            if self.blur is not None and number < self.halvings:
                values = self.blur(values)
        return self.score(values)
