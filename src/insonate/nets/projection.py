"""Features to points on a sphere, where contrastive losses compare them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.initialise import xavier_weights

__all__ = ["Projection"]

_SMALL = 1e-7  # least length of a vector


class Projection(nn.Module):
    """A perceptron with two layers for each kind of feature, to vectors of length 1 (CUT).

    Args:
        channels: of each kind of feature.
        width: of the hidden layer and of the vectors.
    """

    def __init__(self, channels: Sequence[int], width: int = 256):
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(count, width), nn.ReLU(), nn.Linear(width, width))
            for count in channels
        )
        xavier_weights(self)

    def forward(self, kind: int, vectors: Tensor) -> Tensor:
        """Vectors `(..., width)` of length 1, in 32 bits, of vectors `(..., channels[kind])`."""
        return functional.normalize(self.heads[kind](vectors).float(), dim=-1, eps=_SMALL)
