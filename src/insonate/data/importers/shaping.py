"""One frame as the dataset wants it: cut, brought to the size of all, its geometry with it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset.layout import METADATA
from insonate.data.importers.source import Imported
from insonate.data.importers.survey import Place, visible

__all__ = ["fitting", "shaped"]

_ROOM = METADATA - 512  # bytes, for what a source says; the rest is for what is found


def shaped(
    frame: Imported, place: Place, rows: int, columns: int, resize: bool, unlabelled: int | None
) -> dict[str, Any]:
    """A sample for a dataset's writer, without the numbers of patient, sequence and split.

    The image keeps its proportions and lies in the upper left; what is left over is black and
    outside the mask.

    Args:
        frame: as it was found.
        place: where it is cut.
        rows: of the dataset [pixels].
        columns: of the dataset [pixels].
        resize: make it as large as fits; else it has its own size.
        unlabelled: what to fill labels with if it has none; None if the dataset has none.
    """
    box, shape = place.box, (frame.image.shape[0], frame.image.shape[1])
    mask = visible(place, shape) if frame.mask is None else (frame.mask > 0).astype(np.uint8)
    if frame.hidden is not None:
        mask = mask * (1 - frame.hidden)
    image = frame.image * mask if place.blank else frame.image
    new = _new_size(box.rows, box.columns, rows, columns) if resize else (box.rows, box.columns)
    canvas = rows, columns
    sample: dict[str, Any] = {
        "bmode": _put(_resized(box.cut(image), new, smooth=True), canvas),
        "mask": _put(_resized(box.cut(mask), new, smooth=False), canvas),
    }
    if unlabelled is not None:
        labels = np.full(shape, unlabelled, np.uint8) if frame.labels is None else frame.labels
        sample["labels"] = _put(_resized(box.cut(labels), new, smooth=False), canvas)
    scale = box.rows / new[0], box.columns / new[1]
    return sample | _geometry(frame, place, scale) | {"metadata": _metadata(frame, place, scale)}


def _new_size(rows: int, columns: int, to_rows: int, to_columns: int) -> tuple[int, int]:
    scale = min(to_rows / rows, to_columns / columns)
    return (
        min(max(round(rows * scale), 1), to_rows),
        min(max(round(columns * scale), 1), to_columns),
    )


def _resized(image: NDArray[np.uint8], size: tuple[int, int], smooth: bool) -> NDArray[np.uint8]:
    if image.shape == size:
        return image
    from PIL import Image

    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize((size[1], size[0]), how))


def _put(image: NDArray[np.uint8], canvas: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape == canvas:
        return image
    put = np.zeros(canvas, np.uint8)
    rows, columns = min(image.shape[0], canvas[0]), min(image.shape[1], canvas[1])
    put[:rows, :columns] = image[:rows, :columns]
    return put


def _geometry(frame: Imported, place: Place, scale: tuple[float, float]) -> dict[str, Any]:
    """Spacing, origin and pose after the cut and the resize; scale is old pixels a new one."""
    said: dict[str, Any] = {} if frame.pose is None else {"pose": frame.pose}
    if frame.spacing is None:
        return said
    down, across = frame.spacing
    said["spacing"] = np.array([down * scale[0], across * scale[1]])
    origin = frame.origin
    if origin is None and frame.pose is not None:
        origin = 0.0, 0.0
    elif origin is None and place.area is not None and place.area.face is not None:
        column, row = place.area.face
        origin = -column * across, -row * down
    if origin is None:
        return said
    first = [b + (s - 1.0) / 2.0 for b, s in zip((place.box.left, place.box.top), scale[::-1],
                                                strict=True)]  # fmt: skip
    said["origin"] = np.array([origin[0] + first[0] * across, origin[1] + first[1] * down])
    return said


def _metadata(frame: Imported, place: Place, scale: tuple[float, float]) -> dict[str, Any]:
    """What the source says, and what was found, in the dataset's pixels where it is a place."""
    box = place.box
    said: dict[str, Any] = fitting(frame.metadata, _ROOM)
    said["crop"] = [box.left, box.top, box.columns, box.rows]
    if max(abs(s - 1.0) for s in scale) > 1e-9:
        said["scale"] = [round(1.0 / s, 6) for s in scale]
    if place.area is not None:
        said["area"] = place.area.moved(-box.left, -box.top).described()
    for name in ("patient", "sequence"):
        if getattr(place, name):
            said[name] = getattr(place, name)[:100]
    return said


def fitting(metadata: Mapping[str, Any], room: int) -> dict[str, Any]:
    """What JSON can say, in so many bytes: the longest entries are dropped until it fits."""
    said = {str(key)[:100]: _plain(value) for key, value in metadata.items()}
    while len(_json(said)) > room:
        del said[max(said, key=lambda key: len(_json(said[key])))]
    return said


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key)[:100]: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (bool, int)) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value).encode("utf-8", "replace").decode()
