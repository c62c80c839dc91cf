"""Frames of the simulator through a network without leaving the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
import warp as wp
from torch import Tensor

from insonate.data.batches import Chance
from insonate.errors import InputError
from insonate.sim import DeviceFrame
from insonate.translation.torch_network import TorchNetwork

if TYPE_CHECKING:
    from insonate.translation.translator import Translator

__all__ = ["translate_on_device"]


def translate_on_device(
    translator: Translator, frames: Sequence[DeviceFrame], first: int = 0
) -> Tensor:
    """Translate frames of one size in one pass; images never leave the device.

    Args:
        translator: of a run, on the simulator's device.
        frames: of `Simulator.device_frame`.
        first: number of the first of them; a frame's noise follows from seed and number.

    Returns:
        Float32 `(frames, 1, rows, columns)` in [-1, 1], -1 outside the fan.

    Raises:
        InputError: an exported run, frames of several sizes or of regions that the run was not
            trained with, an array that frames do not have, or out of memory.
    """
    network = translator.network
    if not isinstance(network, TorchNetwork):
        raise InputError(f"{translator.about.run}: an ONNX file; expected a run")
    sizes = {frame.mask.shape for frame in frames}
    if len(sizes) != 1:
        raise InputError(f"expected frames of one size, got {len(sizes)} sizes")
    names = dict.fromkeys((*translator.about.inputs, "mask"))
    given = [_Given(frame, translator, network.device) for frame in frames]
    arrays = {name: torch.stack([each.array(name) for each in given]) for name in names}
    return network.guarded(arrays, Chance(translator.seed, 0, first))


class _Given:
    """A frame as a dataset would hold it, as tensors, but not rounded to 8 bits."""

    def __init__(self, frame: DeviceFrame, translator: Translator, device: torch.device):
        self.frame, self.translator, self.device = frame, translator, device
        self.mask = torch.from_numpy(frame.mask).to(device)

    def array(self, name: str) -> Tensor:
        """An array by name, `(..., rows, columns)`."""
        made: dict[str, Callable[[], Tensor]] = {
            "bmode": self._bmode, "bmode_fast": self._bmode, "labels": self._labels,
            "mask": lambda: self.mask.float()[None],
            "attenuation": lambda: self._share(self.frame.attenuation),
            "shadow": lambda: self._share(self.frame.shadow),
        }  # fmt: skip
        if name not in made:
            run = self.translator.about.run
            raise InputError(f"{run}: needs {name}, which frames on a device do not have")
        return made[name]()

    def _bmode(self) -> Tensor:
        return torch.where(self.mask, 2.0 * self._tensor(self.frame.bmode) - 1.0, -1.0)[None]

    def _labels(self) -> Tensor:
        table = torch.from_numpy(self.translator.table(self.frame.region_names, "frame"))
        return table.to(self.device)[self._tensor(self.frame.labels).long()] * self.mask

    def _share(self, image: wp.array) -> Tensor:
        return (self._tensor(image).clamp(0.0, 1.0) * self.mask)[None]

    def _tensor(self, image: wp.array) -> Tensor:
        return wp.to_torch(image, requires_grad=False).to(self.device)
