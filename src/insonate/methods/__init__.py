"""The learned methods, one file each; the union below is the only list of them."""

from __future__ import annotations

import typing

from insonate.methods.bridge import BridgeConfig
from insonate.methods.l2h import L2HConfig
from insonate.methods.method import Adam, Losses, Method

__all__ = ["METHODS", "Adam", "BridgeConfig", "L2HConfig", "Losses", "Method", "MethodConfig"]

#: A new method is a file, a line here, and a recipe.
MethodConfig = L2HConfig | BridgeConfig
METHODS = {config.name: config for config in typing.get_args(MethodConfig)}
