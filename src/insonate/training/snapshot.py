"""All that a run has learned, as tensors by file; and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from insonate.training.averages import Averages
from insonate.training.checkpoint import Checkpoint
from insonate.training.optimisers import Optimisers
from insonate.training.trainable import Trainable
from insonate.training.weights import OWN, copy_tensors, load_weights

__all__ = ["broken", "files", "restore"]


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


def restore(
    method: Trainable, averages: Averages, optimisers: Optimisers, checkpoint: Checkpoint
) -> None:
    """Go on from a checkpoint.

    Raises:
        InputError: a file is damaged, or of other networks.
    """
    _make_buffers(method, checkpoint)
    load_weights(method, checkpoint, averaged=False)
    for name, average in averages.tensors().items():
        file = f"{name}_average"
        copy_tensors(average, checkpoint.load(file), f"{checkpoint.folder}/{file}")
    optimisers.load(checkpoint.load("optimisers"), f"{checkpoint.folder}/optimisers")


def _make_buffers(method: Trainable, checkpoint: Checkpoint) -> None:
    """Make the buffers that come with a first batch, such as pools of images, to be loaded."""
    if not checkpoint.has(OWN):
        return
    there = dict(method.named_buffers(recurse=False))
    weights = (p for _, network in method.named_children() for p in network.parameters())
    device = next(weights).device
    for name, tensor in checkpoint.load(OWN).items():
        if name not in there:
            method.register_buffer(name, torch.zeros_like(tensor, device=device))
