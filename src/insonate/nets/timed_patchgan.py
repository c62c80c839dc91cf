"""A discriminator of patches that knows what time it is (UNSB, Kim et al. 2024)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.blur import BlurDown
from insonate.nets.patchgan import PatchGAN
from insonate.nets.sizes import check_images
from insonate.nets.timed_unet import waves

__all__ = ["TimedPatchGAN"]

_SLOPE = 0.2  # of leaky rectifiers


class TimedPatchGAN(nn.Module):
    """CUT's `PatchGAN`, whose features are shifted by the time.

    Args:
        inputs: channels of all that is judged together.
        width: channels after the first layer.
        layers: convolutions with features.
    """

    def __init__(self, inputs: int, width: int = 64, layers: int = 4):
        super().__init__()
        plain = PatchGAN(inputs, width, layers, antialias=True)
        self.inputs, self.halvings = inputs, plain.halvings
        self.features, self.score, self.blur = plain.features, plain.score, BlurDown()
        self.waves, known = width + width % 2, 4 * width
        self.of_time = nn.Sequential(nn.Linear(self.waves, known), nn.SiLU())
        self.shifts = nn.ModuleList(
            nn.Linear(known, layer.out_channels)
            for layer in self.features
            if isinstance(layer, nn.Conv2d)
        )

    def forward(self, images: Tensor, times: Tensor) -> Tensor:
        """Scores `(batch, 1, rows, columns)` of patches, unbounded; rows and columns are fewer.

        Args:
            images: `(batch, inputs, rows, columns)`.
            times: `(batch,)`, 0 to 1.

        Raises:
            InputError: images too small for a patch, or other channels.
        """
        check_images(images, "timed PatchGAN", self.inputs, 1, 3 * 2**self.halvings)
        time = self.of_time(waves(times, self.waves))
        values = images
        for number, (layer, shift) in enumerate(zip(self.features, self.shifts, strict=True)):
            values = functional.instance_norm(layer(values)) if number else layer(values)
            values = functional.leaky_relu(values + shift(time)[:, :, None, None], _SLOPE)
            if number < self.halvings:
                values = self.blur(values)
        return self.score(values)
