"""Reading a picture that others made: gray, 8 bits, never larger than allowed."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ENDINGS", "Gray", "PictureError", "eight_bits", "gray", "read_labels", "read_pictures"]

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
#: A pixel is coloured if its largest and smallest part differ by this much.
COLOURED = 24
#: Least share of coloured pixels that is worth saying.
WORTH_SAYING = 0.001
#: Least share of what is not black that is white, in a mask in black and white.
_WHITE = 0.95
#: Most values of a mask in gray that are taken for labels.
_MANY_LABELS = 64
_BROKEN = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError,
           AttributeError, ZeroDivisionError, OverflowError, MemoryError, NotImplementedError,
           RuntimeError, AssertionError, struct.error)  # fmt: skip


class PictureError(Exception):
    """A picture that cannot be used; the text says why, without numbers or names."""


@dataclass(frozen=True)
class Gray:
    """A picture in gray.

    Attributes:
        image: uint8 `(rows, columns)`.
        notes: what was changed, for metadata: the bits that it had, its share of colour.
        pages: of the file that it is from.
    """

    image: NDArray[np.uint8]
    notes: dict[str, Any]
    pages: int = 1


def read_pictures(path: Path, pixels: int, pages: int) -> Iterator[Gray | PictureError]:
    """The pages of a file: one, or of a TIFF as many as it has.

    Args:
        path: of the file.
        pixels: most of a page.
        pages: most of a file.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                yield from _pages(picture, pixels, pages)
        except (PictureError, *_BROKEN, Image.DecompressionBombError) as error:
            yield PictureError(_reason(error))


def _pages(picture: Image.Image, pixels: int, pages: int) -> Iterator[Gray]:
    count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    if count > pages:
        raise PictureError("more pages than allowed")
    most = _largest_value(picture, count, pixels) if count > 1 and _is_deep(picture) else 0
    for page in range(count):
        if count > 1:
            picture.seek(page)
        yield replace(_gray(picture, pixels, most), pages=count)


def _is_deep(picture: Image.Image) -> bool:
    return picture.mode in ("I", "F") or picture.mode.startswith("I;16")


def _largest_value(picture: Image.Image, count: int, pixels: int) -> int:
    """Of all pages that can be read, so that they are made darker by the same factor."""
    most = 0
    for page in range(count):
        try:
            picture.seek(page)
            _check_size(picture, pixels)
            if _is_deep(picture):
                most = max(most, int(np.asarray(picture).max(initial=0)))
        except (PictureError, *_BROKEN):  # told when the page is read for itself
            break
    return most


def read_labels(path: Path, pixels: int, numbers: bool = False) -> NDArray[np.uint8]:
    """A picture of labels, uint8 `(rows, columns)`: 0, and 1 or more.

    Pixels of a palette are labels as they are. Black and white is 0 and 1, also where lossy
    compression blurred it.

    Args:
        path: of the file.
        pixels: most of it.
        numbers: that values are labels, so that 255 does not mean white.

    Raises:
        PictureError: not a picture, in colour, or with values that are no labels.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                _check_size(picture, pixels)
                lossy, numbers = picture.format == "JPEG", numbers or picture.mode == "P"
                values = np.asarray(picture)
        except (PictureError, *_BROKEN, Image.DecompressionBombError) as error:
            raise PictureError(f"mask: {_reason(error)}") from error
    if values.ndim == 3:
        if not (values[..., :3] == values[..., :1]).all():
            raise PictureError("mask in colour")
        values = values[..., 0]
    return _labels(values, lossy, numbers)


def _labels(values: NDArray[Any], lossy: bool, numbers: bool) -> NDArray[np.uint8]:
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    if not np.issubdtype(values.dtype, np.integer) or values.ndim != 2:
        raise PictureError("mask without whole numbers")
    most = int(values.max(initial=0))
    if int(values.min(initial=0)) < 0:
        raise PictureError("mask with values that are no labels")
    if most < 32 or (numbers and most < 256 and not lossy):
        return values.astype(np.uint8)
    top = 255 if most < 256 else 65535
    light = values[values > (top // 32 if lossy else 0)]
    if not numbers and (light > top - top // 32).mean() >= _WHITE:
        return (values > top // 2).astype(np.uint8)
    # a picture in gray, or a mask with soft edges, has more values than there are regions
    if lossy or most > 255 or len(np.unique(values)) > _MANY_LABELS:
        raise PictureError("mask with values that are no labels")
    return values.astype(np.uint8)


def _gray(picture: Image.Image, pixels: int, most: int) -> Gray:
    _check_size(picture, pixels)
    if _is_deep(picture):
        return eight_bits(np.asarray(picture), most)
    if picture.mode in ("L", "1"):
        return Gray(np.asarray(picture.convert("L")), {})
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        from PIL import Image

        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture.convert("RGBA"))
    return gray(np.asarray(picture.convert("RGB")))


def gray(image: NDArray[np.uint8]) -> Gray:
    """Luma (Rec. 601) of a picture uint8 `(rows, columns, 3)`, and how much of it is coloured."""
    spread = image.max(2).astype(np.int16) - image.min(2)
    share = float((spread >= COLOURED).mean())
    luma = image @ np.array([0.299, 0.587, 0.114], np.float32)
    notes = {"colour": round(share, 4)} if share > WORTH_SAYING else {}
    return Gray(np.rint(luma).astype(np.uint8), notes)


def eight_bits(values: NDArray[Any], most: int = 0) -> Gray:
    """The upper eight of those bits that are used.

    Args:
        values: whole numbers from 0 `(rows, columns)`.
        most: largest value of all pages that belong together.

    Raises:
        PictureError: there are no whole numbers, or negative ones.
    """
    if not np.issubdtype(values.dtype, np.integer) or values.ndim != 2:
        raise PictureError("pixels that are not whole numbers")
    if int(values.min(initial=0)) < 0:
        raise PictureError("negative pixels")
    bits = max(int(values.max(initial=most)).bit_length(), 8)
    return Gray((values >> (bits - 8)).astype(np.uint8), {"bits": bits} if bits > 8 else {})


def _check_size(picture: Image.Image, pixels: int) -> None:
    columns, rows = picture.size
    if not rows * columns:
        raise PictureError("without pixels")
    if rows * columns > pixels:
        raise PictureError("larger than allowed")


def _reason(error: BaseException) -> str:
    if isinstance(error, PictureError):
        return str(error)
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not a picture"
    if isinstance(error, Image.DecompressionBombError):
        return "larger than allowed"
    return "broken or truncated picture"
