"""How weights begin."""

from __future__ import annotations

from torch import nn

__all__ = ["normal_weights"]


def normal_weights(network: nn.Module, deviation: float = 0.02) -> nn.Module:
    """Convolutions with weights of a normal distribution around 0, and biases of 0.

    The beginning of pix2pix and CycleGAN (Radford et al. 2016: deviation 0.02). The numbers come
    from torch's generator, which whoever builds the network has seeded.

    Args:
        network: is changed in place, and returned.
        deviation: standard deviation of the weights.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
