"""A contact sheet: many frames side by side, with their labels on them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from insonate.data.dataset import Dataset
from insonate.data.files import replacing
from insonate.data.palette import label_colors
from insonate.errors import InputError

__all__ = ["overlaid", "write_sheet"]

#: Share of a label's colour inside a region; its edge has all of it.
OPACITY = 0.28
MOST = 400  # frames
_GAP, _TEXT, _LEGEND = 6, 16, 18  # pixels
_PAPER, _INK = (18, 18, 20), (225, 225, 225)


def write_sheet(
    where: str | os.PathLike[str],
    path: str | os.PathLike[str],
    count: int = 24,
    width: int = 256,
    split: str | None = None,
    labels: bool = True,
) -> list[int]:
    """Write a contact sheet of frames that are spread evenly over a dataset.

    Args:
        where: folder or URL of a dataset.
        path: of the PNG file.
        count: how many frames, at most.
        width: of each frame in the sheet [pixels].
        split: only of this one.
        labels: lay them over the images, where there are some.

    Returns:
        Numbers of the frames that are shown.

    Raises:
        InputError: no frames, too many asked for, or the file cannot be written.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"frames: expected 1 to {MOST}, got {count}")
    if not 32 <= width <= 1024:
        raise InputError(f"width: expected 32 to 1024 pixels, got {width}")
    dataset = Dataset(where, split=split)
    if not len(dataset):
        raise InputError(f"{where}: no complete frames to show")
    shown = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round())
    labelled = labels and "labels" in dataset.layout.images
    cells = [_cell(dataset, int(index), width, labelled) for index in shown]
    present = sorted(set().union(*(found for _, found in cells)))
    sheet = _arranged([cell for cell, _ in cells])
    if labelled:
        sheet = _with_legend(sheet, dataset.attributes.regions, present)
    with replacing(path) as beside:
        sheet.save(beside, format="PNG")
    return dataset.frames[shown.astype(int)].tolist()


def overlaid(bmode: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image with its labels in colour, edges full, `(rows, columns, 3)`.

    Args:
        bmode: gray values, `(rows, columns)`.
        labels: of the same shape; 0 is left gray.
    """
    share = np.where(_edges(labels), 0.85, OPACITY) * (labels > 0)
    gray = np.repeat(bmode[..., None], 3, axis=2).astype(np.float64)
    mixed = gray + share[..., None] * (label_colors(256)[labels] - gray)
    return np.round(mixed).astype(np.uint8)


def _edges(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with a neighbour, below or to the right, of another label."""
    edge = np.zeros(labels.shape, bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return edge


def _cell(dataset: Dataset, index: int, width: int, labelled: bool) -> tuple[Image.Image, set[int]]:
    """A frame with a line beneath it, and the labels in it."""
    rows, columns = dataset.layout.rows, dataset.layout.columns
    height = max(round(width * rows * _aspect(dataset, index) / columns), 1)
    bmode = Image.fromarray(dataset.raw("bmode", index))
    image = np.asarray(bmode.resize((width, height), Image.Resampling.LANCZOS))
    present: set[int] = set()
    if labelled:
        stored = Image.fromarray(dataset.raw("labels", index))
        labels = np.array(stored.resize((width, height), Image.Resampling.NEAREST))
        if dataset.attributes.unlabelled is not None:
            labels[labels == dataset.attributes.unlabelled] = 0
        image, present = overlaid(image, labels), set(np.unique(labels).tolist()) - {0}
    cell = Image.new("RGB", (width, height + _TEXT), _PAPER)
    cell.paste(Image.fromarray(image).convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(cell)
    draw.text((2, height + 2), _caption(dataset, index), fill=_INK, font=_font())
    return cell, present


def _aspect(dataset: Dataset, index: int) -> float:
    """Height of a pixel by its width, 1 if that is not known or odd."""
    down, across = dataset.raw("spacing", index).tolist()
    aspect = down / across if across > 0.0 else 1.0
    return aspect if 0.2 < aspect < 5.0 else 1.0


def _caption(dataset: Dataset, index: int) -> str:
    about = dataset.attributes
    words = [str(dataset.frames[index])]
    for name, names in (("split", about.splits), ("plane", about.planes)):
        number = int(dataset.raw(name, index))
        if 0 <= number < len(names):
            words.append(names[number].replace("_", " "))
    patient = int(dataset.raw("patient", index))
    return ", ".join(words + ([f"patient {patient}"] if patient >= 0 else []))


def _arranged(cells: list[Image.Image]) -> Image.Image:
    """Cells in rows; the sheet is about as wide as it is high, or wider."""
    wide, high = max(c.width for c in cells), max(c.height for c in cells)
    across = min(len(cells), max(round((1.5 * len(cells) * high / wide) ** 0.5), 1))
    down = -(-len(cells) // across)
    size = (across * (wide + _GAP) + _GAP, down * (high + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    for k, cell in enumerate(cells):
        row, column = divmod(k, across)
        sheet.paste(cell, (_GAP + column * (wide + _GAP), _GAP + row * (high + _GAP)))
    return sheet


def _with_legend(sheet: Image.Image, regions: tuple[str, ...], present: list[int]) -> Image.Image:
    """The sheet with the names of its labels beneath it."""
    names = [regions[k] if k < len(regions) else f"label {k}" for k in present]
    widest = max((_font().getlength(name) for name in names), default=0.0)
    step = int(widest) + 30
    across = max((sheet.width - 2 * _GAP) // step, 1)
    lines = -(-len(names) // across)
    whole = Image.new("RGB", (sheet.width, sheet.height + lines * _LEGEND + _GAP), _PAPER)
    whole.paste(sheet, (0, 0))
    draw, colors = ImageDraw.Draw(whole), label_colors(256)
    for k, (label, name) in enumerate(zip(present, names, strict=True)):
        x, y = _GAP + (k % across) * step, sheet.height + (k // across) * _LEGEND
        draw.rectangle((x, y + 2, x + 10, y + 12), fill=tuple(colors[label].tolist()))
        draw.text((x + 15, y), name, fill=_INK, font=_font())
    return whole


def _font() -> Any:
    return ImageFont.load_default(11)
