"""A trained method put to use: arrays, and frames of the simulator, to translated images."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.sim import DeviceFrame, Frame
from insonate.translation.about import About
from insonate.translation.network import Arrays, Network
from insonate.translation.regions import label_table

if TYPE_CHECKING:
    from torch import Tensor

    from insonate.data.batches import Padding
    from insonate.recipe import Run, Weights
    from insonate.translation.torch_network import Precision

__all__ = ["Translator"]


class Translator:
    """Translates whole images of any size.

        look = Translator.load("runs/l2h")
        image = look(simulator.frame(pose)).bmode     # pose to fast image to enhanced image

    Args:
        network: that computes; `load` makes one of a run.
        seed: of the noise, where the method draws some.
        renamed: what regions of the data are called in the run, where that differs.

    Raises:
        InputError: a negative seed.
    """

    def __init__(self, network: Network, seed: int = 0, renamed: Mapping[str, str] | None = None):
        if seed < 0:
            raise InputError(f"--seed: expected at least 0, got {seed}")
        self.network, self.seed, self.renamed = network, seed, dict(renamed or {})
        self._table = lru_cache(maxsize=8)(self._new_table)

    @classmethod
    def load(
        cls,
        run: Run | str | os.PathLike[str],
        device: str = "cpu",
        precision: Precision = "32",
        weights: Weights = "best",
        padding: Padding = "outside",
        channels_last: bool = False,
        compile: bool = False,
        seed: int = 0,
    ) -> Translator:
        """The translator of a run; `load_run` first turns one to another direction.

        Args:
            run: its folder, or that of packed weights, or the run as `load_run` gives it.
            device: "cpu", "cuda" or "cuda:1".
            precision: of the networks, "32" or "bf16".
            weights: averages, those of the last step, or the best there are: averages if they are
                kept.
            padding: of sides that are no multiples of the stride: what lies outside of a fan
                (outside), or the image mirrored (reflect).
            channels_last: memory layout of weights and images.
            compile: networks by torch.compile.
            seed: of the noise, where the method draws some.

        Raises:
            InputError: no run, no such device, or weights that are not the run's.
        """
        from insonate.recipe import Run, load_run
        from insonate.translation.torch_network import TorchNetwork

        found = run if isinstance(run, Run) else load_run(Path(run), weights)
        network = TorchNetwork(found, device, precision, padding, channels_last, compile)
        return cls(network, seed)

    @property
    def about(self) -> About:
        """What translates."""
        return self.network.about

    def frames(self, arrays: Mapping[str, Any], first: int = 0) -> NDArray[np.float32]:
        """Translate some frames of one size, in one pass.

        Args:
            arrays: by name, as `Dataset` gives them, stacked, arrays or tensors: images
                `(frames, 1, rows, columns)` in their ranges, `labels` `(frames, rows, columns)`
                by the run's regions. What the run does not need is passed over.
            first: number of the first of them; a frame's noise follows from seed and number.

        Returns:
            In [-1, 1], -1 outside the mask, `(frames, 1, rows, columns)`.

        Raises:
            InputError: arrays that are missing or of another size, labels that the run does
                not have, or out of memory.
        """
        given = self._needed(arrays)
        return self.network(given, self.seed, first)

    def __call__(self, frame: Frame, number: int = 0) -> Frame:
        """A frame of the simulator with its image translated; all else stays.

        Args:
            frame: rendered fast, or as the run's data was.
            number: of the frame in a sweep; another one has other noise, where the method
                draws some.

        Raises:
            InputError: regions that the run was not trained with.
        """
        names = dict.fromkeys((*self.about.inputs, "mask"))
        arrays = {name: self._of_frame(frame, name)[None] for name in names}
        image = self.frames(arrays, number)[0, 0]
        shown = np.where(frame.mask, (image + 1.0) / 2.0, np.float32(0.0))
        return dataclasses.replace(frame, bmode=shown.astype(np.float32))

    def on_device(self, frames: Sequence[DeviceFrame], first: int = 0) -> Tensor:
        """Frames translated in one pass, without leaving the device that rendered them.

        Args:
            frames: of one size, as `Simulator.device_frame` gives them.
            first: number of the first of them; a frame's noise follows from seed and number.

        Returns:
            Float32 `(frames, 1, rows, columns)` in [-1, 1], -1 outside the fan.

        Raises:
            InputError: as `translate_on_device` says.
        """
        from insonate.translation.on_device import translate_on_device

        return translate_on_device(self, frames, first)

    def table(self, regions: Sequence[str], where: str) -> NDArray[np.int64]:
        """For every label of the data the label that the run knows, `(256,)`; -1 for none.

        Args:
            regions: of the data by label; none if they are the run's.
            where: the data, for errors.

        Raises:
            InputError: regions that the run was not trained with; names them.
        """
        return self._table(tuple(regions), where)

    def _new_table(self, regions: tuple[str, ...], where: str) -> NDArray[np.int64]:
        return label_table(regions, self.about.regions, self.renamed, where)

    def _of_frame(self, frame: Frame, name: str) -> NDArray[Any]:
        """What a dataset would hold of a frame, in its range, but not rounded to 8 bits."""
        if name in ("bmode", "bmode_fast"):
            return np.where(frame.mask, 2.0 * frame.bmode - 1.0, -1.0).astype(np.float32)[None]
        if name == "labels":
            table = self.table(frame.region_names, "frame")
            return np.where(frame.mask, table[frame.labels], 0)
        if name == "mask":
            return frame.mask.astype(np.float32)[None]
        if name == "coordinates":
            return frame.coordinates().transpose(2, 0, 1)
        if name not in ("attenuation", "shadow"):
            raise InputError(f"{self.about.run}: needs {name}, which frames do not have")
        return (np.clip(getattr(frame, name), 0.0, 1.0) * frame.mask)[None]

    def _needed(self, arrays: Mapping[str, Any]) -> Arrays:
        about = self.about
        missing = [name for name in about.inputs if name not in arrays]
        if missing:
            raise InputError(f"{about.run}: needs {', '.join(missing)}; got {', '.join(arrays)}")
        names = [*about.inputs, *(["mask"] if "mask" in arrays else [])]
        given = {name: np.asarray(arrays[name]) for name in dict.fromkeys(names)}
        sizes = {(array.shape[0], *array.shape[-2:]) for array in given.values()}
        if len(sizes) > 1:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in given.items())
            raise InputError(f"{about.run}: expected arrays of one size, got {shapes}")
        if "labels" in given:
            self._check_labels(given["labels"])
        return given

    def _check_labels(self, labels: NDArray[Any]) -> None:
        count = len(self.about.regions)
        least, most = int(labels.min(initial=0)), int(labels.max(initial=0))
        if least < 0 or most >= count:
            raise InputError(
                f"{self.about.run}: labels without a region of the run; expected 0 to {count - 1}"
            )
