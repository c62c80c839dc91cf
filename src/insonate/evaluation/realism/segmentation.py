"""A network that finds anatomy in simulated images, trained once and kept in a folder.

Applied to translations it says whether what the labels tell can still be seen.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import functional

from insonate.config import read_content
from insonate.data.batches import Batch, Batches, BatchSettings, Unit, manifest, open_split, padded
from insonate.data.dataset import Dataset
from insonate.data.files import make_folder, replacing
from insonate.errors import InputError
from insonate.evaluation.plan import Progress
from insonate.evaluation.realism.augmentation import augmented
from insonate.evaluation.realism.grouping import IGNORED, Grouping, group_labels
from insonate.metrics import dice
from insonate.nets.segmenter import Segmenter

__all__ = ["Segmentation", "SegmenterSettings", "default_folder", "find_segmentation"]

_RATE = 3e-3  # of learning, at the start
ABOUT, WEIGHTS = "segmenter.json", "segmenter.safetensors"


@dataclass(frozen=True)
class SegmenterSettings:
    """How the network is trained.

    Attributes:
        source: image of the simulator that it learns from.
        split: of the frames that train it.
        unit: what that split never divides.
        steps: of Adam, from 3e-3 along a cosine.
        size: crops of a step.
        crop: side of the crops, at most [pixels].
        width: channels of its first level.
        seed: of weights, crops and gray values.
    """

    source: str = "bmode"
    split: str = "train"
    unit: Unit = "stored"
    steps: int = 800
    size: int = 8
    crop: int = 192
    width: int = 16
    seed: int = 0


@dataclass(frozen=True)
class Segmentation:
    """The trained network.

    Attributes:
        network: on its device.
        grouping: what its classes are.
        trained_on: numbers of the frames that it has seen `(n,)`.
        about: what is said of it: settings, data, classes, frames that it has seen.
        device: "cpu", "cuda" or "cuda:1".
    """

    network: Segmenter
    grouping: Grouping
    trained_on: NDArray[np.int64]
    about: Mapping[str, Any]
    device: str = "cpu"

    def __call__(self, images: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Class of every pixel `(n, rows, columns)`.

        Args:
            images: `(n, 1, rows, columns)` in [-1, 1].
            mask: of the content `(n, rows, columns)`; what is outside is black.
        """
        rows, columns = images.shape[-2:]
        black = np.where(mask[:, None], images, np.float32(-1.0))
        given = padded({"bmode": torch.from_numpy(black).to(self.device)}, Segmenter.stride)
        with torch.inference_mode():
            scores = self.network(given["bmode"])
        return scores.argmax(1)[:, :rows, :columns].cpu().numpy()

    def dice(
        self, found: NDArray[np.int64], labels: NDArray[np.integer], mask: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Dice of every class of one frame `(classes,)`; NaN where the labels do not have it.

        Args:
            found: class of every pixel `(rows, columns)`.
            labels: of the dataset, the same shape.
            mask: of the content, the same shape.
        """
        wanted = self.grouping.classes(labels)
        counted = mask & (wanted != IGNORED)
        classes = len(self.grouping.names)
        if not counted.any():
            return np.full(classes, np.nan)
        pair = [torch.from_numpy(each[counted].astype(np.int64))[None, None]
                for each in (found, wanted)]  # fmt: skip
        values = dice(pair[0], pair[1], classes)[0].numpy()
        present = np.bincount(wanted[counted], minlength=classes)[:classes] > 0
        return np.where(present, values, np.nan)


def default_folder(where: str, settings: SegmenterSettings) -> Path:
    """Where the network is kept, if nobody says so: named by what data and settings are.

    Args:
        where: folder or URL of a dataset.
        settings: of its training.
    """
    said = json.dumps(dataclasses.asdict(settings), sort_keys=True).encode()
    made = hashlib.sha256(said).hexdigest()
    return Path("out") / f"segmenter-{manifest(Dataset(where, ()))[:8]}-{made[:6]}"


def find_segmentation(
    where: str,
    folder: Path,
    settings: SegmenterSettings,
    device: str,
    progress: Progress,
) -> Segmentation:
    """The network of a dataset: as it lies in a folder, or trained and put there.

    Args:
        where: folder or URL of a dataset with labels.
        folder: of the network.
        settings: of its training.
        device: where it trains, and is used.
        progress: shows how far training is.

    Raises:
        InputError: a network of other data or settings lies there, a damaged one, or no labels.
    """
    if not (folder / ABOUT).exists():
        _write(folder, *_trained(where, settings, device, progress))
    return _read(where, folder, settings, device)


def _trained(
    where: str, settings: SegmenterSettings, device: str, progress: Progress
) -> tuple[Segmenter, dict[str, Any]]:
    batches = _batches(where, settings)
    dataset = batches.dataset
    grouping = group_labels(dataset.attributes, _counts(dataset), where)
    torch_seed = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=torch_seed)))
        network = Segmenter(len(grouping.names), settings.width).to(device)
    adam = torch.optim.Adam(network.parameters(), _RATE)
    weights = _weights(dataset, grouping).to(device)
    for step in progress(range(settings.steps), "training a segmenter"):
        adam.param_groups[0]["lr"] = 0.5 * _RATE * (1.0 + math.cos(math.pi * step / settings.steps))
        adam.zero_grad()
        _loss(network, batches[step].to(device), grouping, weights, settings.source).backward()
        adam.step()
    about = {
        "insonate": "segmenter", "data": where, "manifest": manifest(Dataset(where, ())),
        "settings": dataclasses.asdict(settings), "classes": list(grouping.names),
        "table": grouping.table.tolist(), "frames": dataset.frames.tolist(),
    }  # fmt: skip
    return network.eval(), about


def _batches(where: str, settings: SegmenterSettings) -> Batches:
    there = Dataset(where, ()).layout
    arrays = [settings.source, "labels", *(["mask"] if "mask" in there.images else [])]
    dataset = open_split(where, arrays, settings.split, settings.unit)
    stride = Segmenter.stride
    crop = min(settings.crop, min(there.rows, there.columns) // stride * stride)
    if not crop:
        raise InputError(
            f"{where}: frames of {there.rows} x {there.columns}; a segmenter needs {stride} a side"
        )
    batch = BatchSettings(size=settings.size, crop=crop, inside=0.5, flip=True, workers=0)
    return Batches(dataset, batch, settings.seed)


def _counts(dataset: Dataset, most: int = 100) -> NDArray[np.int64]:
    """Pixels of every label in some frames `(256,)`."""
    counts = np.zeros(256, np.int64)
    for index in np.unique(np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round()):
        counts += np.bincount(dataset.raw("labels", int(index)).ravel(), minlength=256)
    return counts


def _weights(dataset: Dataset, grouping: Grouping) -> Tensor:
    """Of the classes in the loss: rare ones count more, by the root of how rare they are."""
    counts = _counts(dataset)
    shares = np.array([counts[grouping.table == k].sum() for k in range(len(grouping.names))])
    weights = 1.0 / np.sqrt(np.maximum(shares / shares.sum(), 1e-4))
    return torch.from_numpy(weights / weights.mean()).float()


def _loss(
    network: Segmenter, batch: Batch, grouping: Grouping, weights: Tensor, source: str
) -> Tensor:
    """Cross-entropy, and 1 - Dice over classes, so that small ones count too."""
    mask = batch.arrays.get("mask", torch.ones_like(batch[source]))
    table = torch.from_numpy(grouping.table.astype(np.int64)).to(mask.device)
    wanted = torch.where(mask[:, 0] > 0, table[batch["labels"]], IGNORED)
    scores = network(augmented(batch[source], mask, batch.chance))
    counted = wanted != IGNORED
    if not bool(counted.any()):
        return 0.0 * scores.sum()  # crops of background alone
    entropy = functional.cross_entropy(scores, wanted, weights, ignore_index=IGNORED)
    share = scores.softmax(1) * counted[:, None]
    classes = torch.arange(len(weights), device=mask.device)[:, None, None]
    truth = (wanted[:, None] == classes).float()
    both = (share * truth).sum((0, 2, 3))
    overlap = (2.0 * both + 1.0) / ((share + truth).sum((0, 2, 3)) + 1.0)
    return entropy + 1.0 - overlap.mean()


def _write(folder: Path, network: Segmenter, about: Mapping[str, Any]) -> None:
    make_folder(folder)
    raw = save({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})
    with replacing(folder / WEIGHTS) as path:
        path.write_bytes(raw)
    said = {**about, "sha256": hashlib.sha256(raw).hexdigest()}
    with replacing(folder / ABOUT) as path:  # last: without it there is no network
        path.write_text(json.dumps(said) + "\n", encoding="utf-8")


def _read(where: str, folder: Path, settings: SegmenterSettings, device: str) -> Segmentation:
    path = folder / ABOUT
    about = read_content(path, "description of a segmenter")
    said = dict(_checked(about, path))
    if said["manifest"] != manifest(Dataset(where, ())):
        raise InputError(f"{path}: trained on other data than {where}; expected another "
                         "--segmenter")  # fmt: skip
    if said["settings"] != dataclasses.asdict(settings):
        raise InputError(f"{path}: trained with other settings; expected another --segmenter")
    grouping = Grouping(tuple(said["classes"]), np.array(said["table"], np.uint8))
    network = Segmenter(len(grouping.names), settings.width)
    try:
        raw = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(raw).hexdigest() != said["sha256"]:
            raise InputError(f"{folder / WEIGHTS}: damaged; remove the folder to train it anew")
        network.load_state_dict(load(raw))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{folder / WEIGHTS}: damaged; remove the folder to train it anew"
                         ) from error  # fmt: skip
    numbers = np.array(said["frames"], np.int64)
    return Segmentation(network.eval().to(device), grouping, numbers, said, device)


_KEYS: Mapping[str, type] = {
    "manifest": str, "settings": dict, "classes": list, "table": list, "frames": list,
    "sha256": str,
}  # fmt: skip


def _checked(about: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """What a description holds, each of the type that it has to be."""
    for key, kind in _KEYS.items():
        value = about.get(key) if isinstance(about, dict) else None
        if not isinstance(value, kind):
            raise InputError(f"{path}: {key}: missing or damaged; remove the folder")
        yield key, value
    yield "data", str(about.get("data", ""))
