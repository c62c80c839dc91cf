"""Feature networks: what the distances of sets of images look through."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insonate.errors import InputError
from insonate.metrics.gray import check_images
from insonate.metrics.resize import resize_bilinear

__all__ = ["FeatureExtractor", "RandomFeatures", "TorchScriptFeatures", "digest", "in_batches"]

#: Images that go through a network at a time, which bounds memory.
BATCH = 16


class FeatureExtractor(Protocol):
    """A network that makes a vector of an image; all of it goes into the key of a score."""

    @property
    def name(self) -> str:
        """Of the network and its weights."""
        ...

    @property
    def layer(self) -> str:
        """That the features come from."""
        ...

    @property
    def resize(self) -> int:
        """Side to which images are resized first [pixels]; 0 is not at all."""
        ...

    @property
    def dimension(self) -> int:
        """Of a feature vector."""
        ...

    def __call__(self, gray: Tensor) -> Tensor:
        """Features `(n, d)` of images `(n, rows, columns)` of gray levels 0 to 255."""
        ...


class RandomFeatures:
    """A convolutional network with fixed random weights: always at hand, the same everywhere.

    Four stages of a convolution of 3 x 3 pixels and a rectifier, each at half the resolution of
    the one before; of every channel of every stage the mean and the standard deviation over the
    image, on a logarithmic scale. Kernels sum to 0, except half of the first stage's, so what
    counts is less how bright an image is than how edges and grain of 1 to some 30 pixels are
    spread, a scattering transform with random filters (Bruna and Mallat 2013). It knows no
    anatomy. Its numbers rank methods on one data set and say nothing beside those of another
    network.
    """

    CHANNELS = (16, 32, 32, 48)
    #: Response to which the logarithm is linear, and beyond which it is a logarithm.
    KNEE = 0.02
    layer = "pyramid"

    def __init__(self, seed: int = 0, resize: int = 0):
        """Draws the weights.

        Args:
            seed: of the weights.
            resize: side to which images are resized first [pixels]; 0 keeps the speckle as it is.

        Raises:
            InputError: a side on which the last stage has nothing to see.
        """
        if resize and resize < self.smallest:
            raise InputError(f"resize: expected 0 or at least {self.smallest}, got {resize}")
        self.name = "random" if seed == 0 else f"random_seed_{seed}"
        self.resize = resize
        self.dimension = 2 * sum(self.CHANNELS)
        self._weights = self._drawn(seed)

    @property
    def smallest(self) -> int:
        """Side of an image that is large enough [pixels]."""
        return 2 ** len(self.CHANNELS)

    def __call__(self, gray: Tensor) -> Tensor:
        """Features of images.

        Args:
            gray: `(n, rows, columns)`, gray levels 0 to 255, of at least 16 pixels a side.

        Returns:
            `(n, 256)` float32.

        Raises:
            InputError: not images, or too small.
        """
        check_images(gray, "images", self.smallest)
        return in_batches(self._features, gray)

    def _features(self, gray: Tensor) -> Tensor:
        values = resize_bilinear(gray, self.resize) if self.resize else gray
        values = (values[:, None] - 128.0) / 128.0
        found = []
        for stage, (weight, bias) in enumerate(self._weights):
            values = functional.avg_pool2d(values, 2) if stage else values
            values = functional.pad(values, (1, 1, 1, 1), mode="replicate")
            values = functional.conv2d(values, weight.to(gray.device), bias.to(gray.device))
            values = functional.relu(values)
            flat = values.flatten(2)
            found += [flat.mean(2), flat.std(2, correction=0)]
        return torch.log1p(torch.cat(found, 1) / self.KNEE)

    def _drawn(self, seed: int) -> list[tuple[Tensor, Tensor]]:
        """Weights and biases of every stage.

        NumPy's generator, since torch does not promise the same numbers on every machine.
        """
        rng = np.random.Generator(np.random.Philox(seed))
        weights, before = [], 1
        for stage, channels in enumerate(self.CHANNELS):
            weight = rng.standard_normal((channels, before, 3, 3))
            bias = 0.1 * rng.standard_normal(channels)
            flat = channels // 2 if stage == 0 else 0
            # Without their mean, kernels see what varies and not how bright it is.
            weight[flat:] -= weight[flat:].mean((2, 3), keepdims=True)
            # Keeps the variance of what goes through a rectifier (He et al. 2015).
            weight *= math.sqrt(2.0 / (9 * before))
            bias *= stage == 0
            weights.append((torch.tensor(weight).float(), torch.tensor(bias).float()))
            before = channels
        return weights


class TorchScriptFeatures:
    """Any network in a TorchScript file.

    It is given `(n, 3, rows, columns)` float32 of gray levels 0 to 255, three times the same, and
    returns `(n, d)`, or `(n, d, h, w)`, which is averaged over h and w.
    """

    layer = "output"

    def __init__(self, path: str | Path, resize: int = 299):
        """Reads the file and runs one image through it.

        Args:
            path: of the TorchScript file.
            resize: side to which images are resized first [pixels]; 0 is not at all.

        Raises:
            InputError: no such file, no TorchScript, or a network that takes or returns another
                shape.
        """
        self._path = Path(path)
        self.name = f"{self._path.stem}-{digest(self._path)}"
        self.resize = resize
        self._network = _script(self._path)
        side = resize or 299
        self.dimension = self(torch.zeros(1, side, side)).shape[1]

    def __call__(self, gray: Tensor) -> Tensor:
        """Features `(n, d)` float32 of images.

        Args:
            gray: `(n, rows, columns)`, gray levels 0 to 255.

        Raises:
            InputError: not images, or a network that does not take or return the shape.
        """
        check_images(gray, "images")
        self._network.to(gray.device)
        return in_batches(self._features, gray)

    def _features(self, gray: Tensor) -> Tensor:
        values = resize_bilinear(gray, self.resize) if self.resize else gray
        try:
            found = self._network(values[:, None].expand(-1, 3, -1, -1))
        except RuntimeError as error:
            shape = (len(gray), 3, *values.shape[1:])
            raise InputError(f"{self._path}: the network does not take {shape}") from error
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        if not isinstance(found, Tensor) or found.ndim not in (2, 4):
            raise InputError(f"{self._path}: expected features (n, d), got {shape}")
        return found.flatten(2).mean(2) if found.ndim == 4 else found


def _script(path: Path) -> torch.nn.Module:
    try:
        with warnings.catch_warnings():
            # Torch would have networks exported otherwise, but files like these are about.
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise InputError(f"{path}: expected a TorchScript file") from error


@torch.no_grad()
def in_batches(network: Callable[[Tensor], Tensor], gray: Tensor) -> Tensor:
    """Features of some images at a time, float32 without gradients."""
    parts = [network(part.to(torch.float32)) for part in gray.split(BATCH)]
    return torch.cat(parts).to(torch.float32)


def digest(path: Path) -> str:
    """First eight hexadecimal digits of a file's SHA-256, as names of weight files have them.

    Args:
        path: of the file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:8]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
