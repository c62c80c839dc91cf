"""All that a run has learned, as tensors by file; and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from insonate.errors import InputError
from insonate.training.averages import Averages
from insonate.training.checkpoint import Checkpoint
from insonate.training.optimisers import Optimisers
from insonate.training.trainable import Trainable

__all__ = ["broken", "files", "load_weights", "restore"]

#: File of what belongs to a method and to none of its networks.
OWN = "method"


def files(
    method: Trainable, averages: Averages, optimisers: Optimisers
) -> dict[str, dict[str, Tensor]]:
    """Tensors by file and name."""
    found = {name: dict(network.state_dict()) for name, network in method.named_children()}
    own = dict(method.named_buffers(recurse=False))
    if own:
        found[OWN] = own
    found |= {f"{name}_average": dict(t) for name, t in averages.tensors().items()}
    return found | {"optimisers": optimisers.tensors()}


def broken(found: Mapping[str, Mapping[str, Tensor]]) -> str | None:
    """The first tensor with a number that is not finite, as FILE: NAME."""
    for file, tensors in found.items():
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                return f"{file}: {name}"
    return None


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
        _copy(network.state_dict(), checkpoint.load(file), f"{checkpoint.folder}/{file}")
    own = dict(method.named_buffers(recurse=False))
    if own:
        _copy(own, checkpoint.load(OWN), f"{checkpoint.folder}/{OWN}")


def restore(
    method: Trainable, averages: Averages, optimisers: Optimisers, checkpoint: Checkpoint
) -> None:
    """Go on from a checkpoint.

    Raises:
        InputError: a file is damaged, or of other networks.
    """
    load_weights(method, checkpoint, averaged=False)
    for name, average in averages.tensors().items():
        file = f"{name}_average"
        _copy(average, checkpoint.load(file), f"{checkpoint.folder}/{file}")
    optimisers.load(checkpoint.load("optimisers"), f"{checkpoint.folder}/optimisers")


def _copy(into: Mapping[str, Tensor], stored: Mapping[str, Tensor], where: str) -> None:
    """Copy tensors by name, each of which must be there and fit."""
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
