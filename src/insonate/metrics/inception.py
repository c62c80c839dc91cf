"""Inception features with weights that the user brings."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from insonate.errors import InputError
from insonate.metrics.features import digest, in_batches
from insonate.metrics.gray import check_images
from insonate.metrics.inception_graph import Inception
from insonate.metrics.resize import resize_bilinear

__all__ = ["InceptionFeatures", "InceptionLayer"]

#: `768`: the end of Mixed_6e; `2048`: the last average. Both averaged over space.
InceptionLayer = Literal["768", "2048"]


class InceptionFeatures:
    """Inception-v3 of the Fréchet distance, with the weights that most papers use.

    They do not come with this package. The file is `weights-inception-2015-12-05-6726825d.pth`
    of torch-fidelity, or `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid, which is the same.
    """

    resize = 299

    def __init__(self, path: str | Path, layer: InceptionLayer = "2048"):
        """Reads the weights.

        Args:
            path: of the weights file.
            layer: that features come from.

        Raises:
            InputError: no such file, other weights than this network's, or an unknown layer.
        """
        if layer not in ("768", "2048"):
            raise InputError(f"layer: expected 768 or 2048, got {layer!r}")
        path = Path(path)
        self.name = f"inception-{digest(path)}"
        self.layer = layer
        self.dimension = int(layer)
        self._network = _with_weights(path)

    def __call__(self, gray: Tensor) -> Tensor:
        """Features of images, resized to 299 x 299 pixels, shape not kept.

        Args:
            gray: `(n, rows, columns)`, gray levels 0 to 255.

        Returns:
            `(n, 768)` or `(n, 2048)` float32.

        Raises:
            InputError: not images.
        """
        check_images(gray, "images")
        self._network.to(gray.device)
        return in_batches(self._features, gray)

    def _features(self, gray: Tensor) -> Tensor:
        values = (resize_bilinear(gray, self.resize) - 128.0) / 128.0
        maps = self._network(values[:, None].expand(-1, 3, -1, -1), self.layer)
        return maps.mean((2, 3))


def _with_weights(path: Path) -> Inception:
    # On no device, so that no weights are drawn which the file's replace.
    with torch.device("meta"):
        network = Inception()
    given, wanted = _read(path), network.state_dict()
    for name, tensor in wanted.items():
        # Counts of training batches, which some copies of the file do not have.
        if name.endswith("num_batches_tracked"):
            given[name] = torch.zeros((), dtype=torch.int64)
        _check_tensor(path, name, given.get(name), tuple(tensor.shape))
    foreign = sorted(set(given) - set(wanted))
    if foreign:
        raise InputError(f"{path}: {foreign[0]}: not of Inception-v3 of the Fréchet distance")
    weights = {name: given[name].to(tensor.dtype) for name, tensor in wanted.items()}
    network.load_state_dict(weights, assign=True)
    return network


def _check_tensor(path: Path, name: str, given: object, shape: tuple[int, ...]) -> None:
    if not isinstance(given, Tensor):
        raise InputError(f"{path}: {name}: missing; expected weights of Inception-v3")
    if tuple(given.shape) != shape:
        raise InputError(f"{path}: {name}: expected shape {shape}, got {tuple(given.shape)}")


def _read(path: Path) -> dict[str, Any]:
    """The tensors of a weights file by name; nothing in it is run."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: expected a file of weights by torch.save") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise InputError(f"{path}: expected tensors by name")
    return dict(found)
