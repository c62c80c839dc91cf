"""The learned methods, one file each; the union below is the only list of them."""

from __future__ import annotations

import typing

from insonate.methods.bridge import BridgeConfig
from insonate.methods.conpres import ConPresConfig
from insonate.methods.cut import CUTConfig
from insonate.methods.cyclegan import CycleGANConfig
from insonate.methods.l2h import L2HConfig
from insonate.methods.method import Adam, Losses, Method
from insonate.methods.sasan import SasanConfig
from insonate.methods.stargan import StarGANConfig
from insonate.methods.unsb import UNSBConfig

__all__ = [
    "METHODS",
    "Adam",
    "BridgeConfig",
    "CUTConfig",
    "ConPresConfig",
    "CycleGANConfig",
    "L2HConfig",
    "Losses",
    "Method",
    "MethodConfig",
    "SasanConfig",
    "StarGANConfig",
    "UNSBConfig",
]

#: A new method is a file, a line here, and a recipe.
MethodConfig = (
    L2HConfig
    | BridgeConfig
    | CUTConfig
    | ConPresConfig
    | CycleGANConfig
    | StarGANConfig
    | SasanConfig
    | UNSBConfig
)
METHODS = {config.name: config for config in typing.get_args(MethodConfig)}
