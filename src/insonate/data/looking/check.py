"""Whether a dataset is sound: every complete frame is read and held against the attributes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Dataset
from insonate.errors import InputError

__all__ = ["Finding", "check"]

#: How far a pose may be from a rotation.
RIGID = 1e-4
_NAMED = 6  # frames in a line
_Note = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or worth knowing.

    Attributes:
        fault: that the dataset should not be used as it is.
        what: is wrong, in words.
        frames: numbers of those that it concerns.
    """

    fault: bool
    what: str
    frames: tuple[int, ...] = ()

    def __str__(self) -> str:
        """A line: the kind, what, and the first of the frames."""
        kind = "fault" if self.fault else "remark"
        if not self.frames:
            return f"{kind}: {self.what}"
        few = ", ".join(map(str, self.frames[:_NAMED]))
        more = ", ..." if len(self.frames) > _NAMED else ""
        count = f"{len(self.frames)} frame{'s' if len(self.frames) > 1 else ''}"
        return f"{kind}: {self.what}: {count} ({few}{more})"


def check(
    where: str | os.PathLike[str],
    progress: Callable[[Iterable[int]], Iterable[int]] = lambda frames: frames,
) -> list[Finding]:
    """Read every complete frame and say what is wrong with it.

    Args:
        where: folder or URL of a dataset.
        progress: is given the frames to go through, such as tqdm.

    Returns:
        Faults first. None when all is well.

    Raises:
        InputError: no dataset at all.
    """
    dataset = Dataset(where)
    found: dict[tuple[bool, str], list[int]] = defaultdict(list)
    hashes: dict[bytes, list[int]] = defaultdict(list)
    for index in progress(range(len(dataset))):
        _check_frame(dataset, index, found, hashes)
    findings = [Finding(fault, what, tuple(n)) for (fault, what), n in found.items()]
    findings += [*_whole(dataset), *_duplicates(dataset, hashes)]
    return sorted(findings, key=lambda finding: not finding.fault)


def _whole(dataset: Dataset) -> list[Finding]:
    """What concerns the dataset, not a frame."""
    about, missing = dataset.attributes, dataset.layout.frames - len(dataset)
    findings = []
    if not len(dataset):
        findings.append(Finding(True, "no frame is complete"))
    elif missing:
        findings.append(Finding(False, f"{missing} frames are not complete, and not read"))
    if "labels" in dataset.layout.images and not about.regions:
        findings.append(Finding(False, "labels, but the attribute regions is empty"))
    if not about.licence:
        findings.append(Finding(False, "the attribute licence is empty"))
    return findings + _leaks(dataset)


def _leaks(dataset: Dataset) -> list[Finding]:
    """Patients, and sequences of patients, with frames in more than one split."""
    try:
        patient, sequence, split = (
            dataset.column(name)[dataset.frames] for name in ("patient", "sequence", "split")
        )
    except InputError as error:
        return [Finding(True, str(error))]
    findings = []
    both = np.stack([patient, sequence], axis=1)
    for name, keys, known in (
        ("patient", patient[:, None], patient >= 0),
        ("sequence", both, sequence >= 0),
    ):
        known &= split >= 0
        groups, group = np.unique(keys[known], axis=0, return_inverse=True)
        pairs = np.unique(np.stack([group.ravel(), split[known]], axis=1), axis=0)
        leaking = np.flatnonzero(np.bincount(pairs[:, 0], minlength=len(groups)) > 1)
        if len(leaking):
            some = ", ".join(str(groups[k][-1]) for k in leaking[:_NAMED])
            more = ", ..." if len(leaking) > _NAMED else ""
            what = f"{len(leaking)} {name}s in more than one split ({name} {some}{more})"
            findings.append(Finding(True, what))
    return findings


def _duplicates(dataset: Dataset, hashes: dict[bytes, list[int]]) -> list[Finding]:
    """Frames of equal pixels; in two splits they are a fault."""
    try:
        split = dataset.column("split")
    except InputError:
        return []  # said already
    same = [numbers for numbers in hashes.values() if len(numbers) > 1]
    leaking = [n for n in same if len({int(split[k]) for k in n if split[k] >= 0}) > 1]
    others = [n for n in same if n not in leaking]
    findings = []
    for fault, groups in ((True, leaking), (False, others)):
        frames = tuple(sorted(k for numbers in groups for k in numbers))
        if frames:
            where = " in different splits" if fault else ""
            findings.append(Finding(fault, f"equal bmode{where}", frames))
    return findings


def _check_frame(
    dataset: Dataset,
    index: int,
    found: dict[tuple[bool, str], list[int]],
    hashes: dict[bytes, list[int]],
) -> None:
    number = int(dataset.frames[index])

    def fault(what: str) -> None:
        found[True, what].append(number)

    def remark(what: str) -> None:
        found[False, what].append(number)

    arrays: dict[str, NDArray[Any]] = {}
    for name in dataset.layout.arrays():
        try:
            arrays[name] = dataset.raw(name, index)
        except InputError:
            fault(f"{name} cannot be read")
    _check_images(dataset, arrays, fault, remark)
    _check_columns(dataset, arrays, fault)
    if "landmarks" in arrays:
        _check_landmarks(dataset, arrays["landmarks"], fault, remark)
    try:
        dataset.metadata(index)
    except InputError:
        fault("metadata is not JSON")
    if "bmode" in arrays and arrays["bmode"].any():
        hashes[blake2b(arrays["bmode"].tobytes(), digest_size=16).digest()].append(number)


def _check_images(
    dataset: Dataset, arrays: dict[str, NDArray[Any]], fault: _Note, remark: _Note
) -> None:
    bmode, labels, mask = (arrays.get(name) for name in ("bmode", "labels", "mask"))
    regions = dataset.attributes.regions
    if labels is not None and regions and int(labels.max()) >= len(regions):
        fault(f"labels beyond the {len(regions)} regions")
    if mask is not None:
        _check_mask(mask, arrays, fault)
        said = None if labels is None else labels[(mask == 0) & (labels > 0)]
        if said is not None and (said != dataset.attributes.unlabelled).any():
            remark("labels reach outside the mask")
    if bmode is not None and bmode.min() == bmode.max():
        remark("bmode is of one gray value")


def _check_mask(mask: NDArray[Any], arrays: dict[str, NDArray[Any]], fault: _Note) -> None:
    outside = mask == 0
    if mask.max() > 1:
        fault("mask with values other than 0 and 1")
    if outside.all():
        fault("mask is empty")
    for name in ("bmode", "bmode_fast"):
        if name in arrays and arrays[name][outside].any():
            fault(f"{name} is not black outside the mask")


def _check_columns(dataset: Dataset, arrays: dict[str, NDArray[Any]], fault: _Note) -> None:
    about = dataset.attributes
    if "pose" in arrays and (wrong := _pose_is(arrays["pose"])):
        fault(wrong)
    spacing = arrays.get("spacing")
    if spacing is not None and not np.isnan(spacing).all() and not _positive(spacing):
        fault("spacing is not positive")
    origin = arrays.get("origin")
    if origin is not None and not (np.isnan(origin).all() or np.isfinite(origin).all()):
        fault("origin is not finite")
    for name, names in (("plane", about.planes), ("split", about.splits)):
        if name in arrays and not -1 <= int(arrays[name]) < len(names):
            fault(f"{name} beyond the {len(names)} that have names")
    for name in ("patient", "sequence"):
        if name in arrays and int(arrays[name]) < -1:
            fault(f"{name} is below -1")


def _positive(values: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(values).all() and (values > 0.0).all())


def _pose_is(pose: NDArray[np.float64]) -> str:
    """What is wrong with a pose `(4, 4)`, nothing if it is rigid or not known."""
    if np.isnan(pose).all():
        return ""
    if not np.isfinite(pose).all():
        return "pose is not finite"
    turn = pose[:3, :3]
    rigid = np.abs(turn.T @ turn - np.eye(3)).max() < RIGID and np.linalg.det(turn) > 0.0
    return "" if rigid and np.array_equal(pose[3], [0, 0, 0, 1]) else "pose is not rigid"


def _check_landmarks(
    dataset: Dataset, landmarks: NDArray[np.float32], fault: _Note, remark: _Note
) -> None:
    if np.isinf(landmarks).any() or (np.isnan(landmarks[:, 0]) != np.isnan(landmarks[:, 1])).any():
        fault("landmarks are not finite")
        return
    known = landmarks[~np.isnan(landmarks[:, 0])]
    size = np.array([dataset.layout.columns, dataset.layout.rows])
    if ((known < -0.5) | (known > size - 0.5)).any():
        remark("landmarks outside the image")
