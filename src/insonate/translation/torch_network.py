"""A run's method in torch: padded to its stride, in one pass, cropped back, masked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from insonate.data.batches import Batch, Chance, Padding
from insonate.errors import InputError
from insonate.methods import Method
from insonate.methods.conditions import black_outside
from insonate.recipe import Run
from insonate.recipe.packed import look_of, way_of
from insonate.training.faults import telling_memory
from insonate.translation.about import About
from insonate.translation.network import Arrays

__all__ = ["Precision", "TorchNetwork", "about_run", "translated"]

#: Of the networks: 32 bits, or 16 where autocast thinks them enough.
Precision = Literal["32", "bf16"]


class TorchNetwork:
    """A trained method on a device.

    Args:
        run: with its weights loaded.
        device: "cpu", "cuda" or "cuda:1".
        precision: of the networks.
        padding: of images whose sides are no multiples of the method's stride.
        channels_last: memory layout of weights and images.
        compile: networks by torch.compile; each size of images is compiled when it comes first.

    Raises:
        InputError: no such device.
    """

    def __init__(
        self,
        run: Run,
        device: str = "cpu",
        precision: Precision = "32",
        padding: Padding = "outside",
        channels_last: bool = False,
        compile: bool = False,
    ):
        self.about = about_run(run)
        self.device, self.precision = find_device(device), precision
        self.padding: Padding = padding
        with telling_memory(self.device, "the networks need a larger one"):
            self.method = run.method.eval().to(self.device)
        if channels_last:
            self.method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if compile:
            for name in self.method.used:
                self.method.get_submodule(name).compile()

    def __call__(self, arrays: Arrays, seed: int, first: int) -> NDArray[np.float32]:
        """Images in [-1, 1], as `Network` says it."""
        given = {
            name: torch.from_numpy(np.require(a, None, ["C", "W"])) for name, a in arrays.items()
        }
        return self.guarded(given, Chance(seed, 0, first)).cpu().numpy()

    def guarded(self, arrays: Mapping[str, Tensor], chance: Chance) -> Tensor:
        """The same on the device, with too little memory told.

        Args:
            arrays: `(batch, ..., rows, columns)` each, wherever they are.
            chance: random numbers of these frames.

        Raises:
            InputError: out of memory.
        """
        size = " x ".join(map(str, next(iter(arrays.values())).shape))
        advice = f"images of {size}: expected fewer at a time, or precision bf16"
        with telling_memory(self.device, advice):
            moved = {name: tensor.to(self.device) for name, tensor in arrays.items()}
            return self.images(moved, chance)

    def images(self, arrays: Mapping[str, Tensor], chance: Chance) -> Tensor:
        """The same on the device, float32 `(batch, 1, rows, columns)`, without waiting for it.

        Args:
            arrays: on the device, `(batch, ..., rows, columns)` each.
            chance: random numbers of these frames.
        """
        half = self.precision == "bf16"
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=half),
        ):
            return translated(self.method, arrays, chance, self.padding).float()


def translated(
    method: Method, arrays: Mapping[str, Tensor], chance: Chance, padding: Padding = "outside"
) -> Tensor:
    """Images of a method, of the size of its inputs, `(batch, 1, rows, columns)` in [-1, 1].

    Args:
        method: in evaluation mode.
        arrays: that it needs, `(batch, ..., rows, columns)` each.
        chance: random numbers of these frames.
        padding: up to the method's stride.
    """
    rows, columns = next(iter(arrays.values())).shape[-2:]
    images = method.translate(Batch(arrays, chance).padded(method.stride, padding))
    images = images[..., :rows, :columns].clamp(-1.0, 1.0)
    return black_outside(images, arrays["mask"]) if "mask" in arrays else images


def about_run(run: Run) -> About:
    """What a run's translator says of itself."""
    source, to = way_of(run.method)
    return About(
        run=run.folder.resolve().name,
        method=run.recipe.method.name,
        inputs=tuple(run.method.inputs),
        regions=tuple(run.regions),
        stride=run.method.stride,
        step=run.step,
        weights=weights_hash(run.method),
        recipe=run.recipe.yaml(),
        source=source or "",
        to=to or "",
        look=look_of(run.method) or "",
    )


def weights_hash(method: Method) -> str:
    """A hash of the weights that `translate` uses, by name and value."""
    digest = hashlib.sha256()
    for network in method.used:
        for name, tensor in sorted(method.get_submodule(network).state_dict().items()):
            values: Any = tensor.detach().cpu().contiguous().numpy()
            digest.update(f"{network}.{name} {values.dtype} {values.shape}".encode())
            digest.update(values.tobytes())
    return digest.hexdigest()[:16]


def find_device(name: str) -> torch.device:
    """A device of torch by name.

    Raises:
        InputError: there is none of that name.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"--device {name}: torch has no such device here; try cpu") from error
    if device.type not in ("cpu", "cuda") or (device.type == "cpu" and name != "cpu"):
        raise InputError(f"--device {name}: expected cpu, cuda or cuda:1")
    return device
