"""Frames as PNG: what a browser shows and a data loader reads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from insonate.data.files import replacing
from insonate.data.palette import label_colors
from insonate.data.record import TRANSLATED
from insonate.sim.frame import Frame

__all__ = ["write_png"]


def write_png(frame: Frame, folder: str | os.PathLike[str], index: int | None = None) -> list[Path]:
    """Write the images of a frame.

    `bmode` has 8 bits; `labels` is a palette image whose pixel values are the labels;
    `attenuation` and `shadow` have 16 bits, 65535 being 1; `mask` has one. The resolution tag
    (dots per inch) holds the pixel spacing. Looks are `bmode_NAME`, and say what they are.

    Args:
        frame: to write.
        folder: made if need be.
        index: in a sweep, which puts each kind into a folder of its own (`bmode/0007.png`);
            None names the files by their kind alone (`bmode.png`).

    Returns:
        The files.

    Raises:
        InputError: a file cannot be written.
    """
    images = {
        "bmode": Image.fromarray(frame.image()),
        "labels": _labels(frame),
        "attenuation": Image.fromarray(_deep(frame.attenuation)),
        "shadow": Image.fromarray(_deep(frame.shadow)),
        "mask": Image.fromarray(frame.mask),
    }
    images |= {f"bmode_{look}": Image.fromarray(frame.image(look)) for look in frame.looks}
    paths = []
    for kind, image in images.items():
        name = f"{kind}.png" if index is None else f"{kind}/{index:04d}.png"
        paths.append(Path(folder) / name)
        with replacing(paths[-1]) as path:
            said = _said(kind)
            image.save(path, format="PNG", dpi=(25.4 / frame.spacing,) * 2, pnginfo=said)
    return paths


def _said(kind: str) -> PngInfo | None:
    """What a picture has to say of itself."""
    if not kind.startswith("bmode_"):
        return None
    said = PngInfo()
    said.add_text("Comment", f"{TRANSLATED}; frames.json tells by which")
    return said


def _deep(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.round(np.clip(values, 0.0, 1.0) * 65535.0).astype(np.uint16)


def _labels(frame: Frame) -> Image.Image:
    image = Image.fromarray(frame.labels)
    image.putpalette(label_colors(256).tobytes())  # turns a gray image into a palette one
    return image
