"""Discriminators of SASAN: of patches, all layers of which halve, and of codes of any size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.sizes import check_images

__all__ = ["CodeJudge", "HalvingPatchGAN"]

_SLOPE = 0.2  # of leaky rectifiers


class HalvingPatchGAN(nn.Module):
    """Scores of patches, by convolutions 4 x 4 of stride 2 and one of stride 1 to the score.

    Instance norm but behind the first and the last, leaky rectifiers between.

    Args:
        inputs: channels of images.
        widths: channels after every layer that halves.
    """

    def __init__(self, inputs: int = 1, widths: Sequence[int] = (64, 128, 256, 512)):
        super().__init__()
        self.inputs, self.least = inputs, 2 ** (len(widths) + 1)
        self.features = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1)
            for before, after in zip([inputs, *widths], widths, strict=False)
        )
        self.score = nn.Conv2d(widths[-1], 1, 4, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores `(batch, 1, rows, columns)` of patches, unbounded.

        Raises:
            InputError: images too small for a patch, or of other channels.
        """
        check_images(images, "discriminator", self.inputs, 1, self.least)
        values = images
        for number, layer in enumerate(self.features):
            values = functional.instance_norm(layer(values)) if number else layer(values)
            values = functional.leaky_relu(values, _SLOPE)
        return self.score(values)


class CodeJudge(nn.Module):
    """A score of a whole code, by a perceptron, of the mean over its places.

    SASAN flattens the code instead, which fixes the size of images and takes 67 million weights.

    Args:
        channels: of the code, and of the hidden layer.
    """

    def __init__(self, channels: int = 128):
        super().__init__()
        self.hidden, self.score = nn.Linear(channels, channels), nn.Linear(channels, 1)

    def forward(self, mean: Tensor) -> Tensor:
        """Scores `(batch, 1)`, unbounded, of mean codes `(batch, channels)`."""
        return self.score(functional.leaky_relu(self.hidden(mean), _SLOPE))
