"""How weights begin."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["normal_weights", "xavier_weights"]


def normal_weights(network: nn.Module, deviation: float = 0.02) -> nn.Module:
    """Convolutions with weights of a normal distribution around 0, and biases of 0.

    The beginning of pix2pix and CycleGAN (Radford et al. 2016: deviation 0.02). The numbers come
    from torch's generator, which whoever builds the network has seeded.

    Args:
        network: is changed in place, and returned.
        deviation: standard deviation of the weights.
    """
    return _begin(network, lambda weight: nn.init.normal_(weight, 0.0, deviation))


def xavier_weights(network: nn.Module, gain: float = 0.02) -> nn.Module:
    """Weights of a normal distribution whose spread falls with the fan (Glorot and Bengio 2010).

    The beginning of CUT (Park et al. 2020: gain 0.02); biases are 0.

    Args:
        network: is changed in place, and returned.
        gain: times the spread.
    """
    return _begin(network, lambda weight: nn.init.xavier_normal_(weight, gain))


def _begin(network: nn.Module, draw: Callable[[Tensor], object]) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            draw(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
