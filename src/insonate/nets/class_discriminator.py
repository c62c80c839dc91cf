"""The discriminator of StarGAN and ConPres: is a patch real, and of which class is the image."""

from __future__ import annotations

import itertools
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from insonate.errors import InputError
from insonate.nets.sizes import check_images

__all__ = ["ClassDiscriminator", "ClassHead"]

#: A convolution over all there is, which fixes the size of images; or a mean, and a linear map.
ClassHead = Literal["kernel", "gap"]
_SLOPE = 0.01  # of leaky rectifiers


class ClassDiscriminator(nn.Module):
    """Scores of patches, and the class of the image (Choi et al. 2018).

    Convolutions 4 x 4 of stride 2 with leaky rectifiers and no norm, whose channels double; then
    a convolution 3 x 3 to the scores, and one over all rows and columns to the classes, both
    without bias. With 4 layers a patch is 78 x 78 pixels.

    Args:
        inputs: channels of images.
        width: channels after the first layer.
        layers: that halve.
        classes: how many.
        side: of the images that it can judge [pixels], for the head `kernel`.
        head: of the classes.
    """

    def __init__(
        self,
        inputs: int = 1,
        width: int = 64,
        layers: int = 4,
        classes: int = 3,
        side: int = 256,
        head: ClassHead = "kernel",
    ):
        super().__init__()
        self.inputs, self.head, self.side = inputs, head, side
        self.multiple = 2**layers
        widths = [inputs, *(width * 2**level for level in range(layers))]
        self.features = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1) for before, after in itertools.pairwise(widths)
        )
        self.score = nn.Conv2d(widths[-1], 1, 3, 1, 1, bias=False)
        kernel = side // 2**layers if head == "kernel" else 1
        self.classify = nn.Conv2d(widths[-1], classes, kernel, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of patches `(batch, 1, rows, columns)` and logits of classes `(batch, classes)`.

        Raises:
            InputError: images of another size than the head takes, or of other channels.
        """
        check_images(images, "discriminator", self.inputs, self.multiple, self.multiple)
        if self.head == "kernel" and images.shape[-2:] != (self.side, self.side):
            raise InputError(
                f"discriminator: expected images of side x side, {self.side} x {self.side}, got "
                f"{images.shape[-2]} x {images.shape[-1]}; method.side is to be batches.crop"
            )
        values = images
        for layer in self.features:
            values = functional.leaky_relu(layer(values), _SLOPE)
        whole = values if self.head == "kernel" else values.mean(dim=(2, 3), keepdim=True)
        return self.score(values), self.classify(whole).flatten(1)
