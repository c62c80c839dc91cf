"""What images a network can take, told before it fails somewhere inside."""

from __future__ import annotations

import torch
from torch import Tensor

from insonate.errors import InputError

__all__ = ["check_images"]


#: torch 2.6 knows compilation only, of which exporting is a kind.
_is_exporting = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)


def check_images(images: Tensor, network: str, channels: int, multiple: int, least: int) -> None:
    """Refuse images that a network cannot take; nothing is asked while it is exported.

    Args:
        images: `(batch, channels, rows, columns)`.
        network: its name, for the error.
        channels: that it takes.
        multiple: that rows and columns have to be of [pixels].
        least: rows and columns [pixels].

    Raises:
        InputError: names the network, what it takes and what it was given.
    """
    if torch.onnx.is_in_onnx_export() or _is_exporting():
        return  # sizes are symbols
    found = tuple(images.shape)
    if len(found) != 4 or found[1] != channels:
        raise InputError(f"{network}: expected images (batch, {channels}, rows, columns), "
                         f"got {found}")  # fmt: skip
    rows, columns = found[2:]
    if rows % multiple or columns % multiple or min(rows, columns) < least:
        raise InputError(
            f"{network}: expected rows and columns that are multiples of {multiple} and at least "
            f"{least}, got {rows} x {columns}"
        )
