"""Weights of a checkpoint to a method; all that translating needs of a run."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from insonate.errors import InputError
from insonate.training.checkpoint import Checkpoint
from insonate.training.trainable import Trainable

__all__ = ["OWN", "copy_tensors", "load_weights"]

#: File of what belongs to a method and to none of its networks.
OWN = "method"


def load_weights(method: Trainable, checkpoint: Checkpoint, averaged: bool) -> None:
    """Give a method the weights of a checkpoint.

    Args:
        method: of the recipe that the checkpoint belongs to.
        checkpoint: to read.
        averaged: take averages, of the networks that have them.

    Raises:
        InputError: a file is damaged, or of other networks.
    """
    for name, network in method.named_children():
        file = f"{name}_average" if averaged and checkpoint.has(f"{name}_average") else name
        copy_tensors(network.state_dict(), checkpoint.load(file), f"{checkpoint.folder}/{file}")
    own = dict(method.named_buffers(recurse=False))
    if own:
        copy_tensors(own, checkpoint.load(OWN), f"{checkpoint.folder}/{OWN}")


def copy_tensors(into: Mapping[str, Tensor], stored: Mapping[str, Tensor], where: str) -> None:
    """Copy tensors by name, each of which must be there and fit.

    Args:
        into: those of a network.
        stored: those of a file.
        where: its name, without the ending.

    Raises:
        InputError: they are of another network.
    """
    for name in stored:
        if name not in into:
            raise InputError(f"{where}.safetensors: {name}: the method has no such weights")
    with torch.no_grad():
        for name, tensor in into.items():
            if name not in stored:
                raise InputError(f"{where}.safetensors: {name}: missing")
            if stored[name].shape != tensor.shape:
                raise InputError(
                    f"{where}.safetensors: {name}: expected the shape {tuple(tensor.shape)}, got "
                    f"{tuple(stored[name].shape)}"
                )
            tensor.copy_(stored[name])
