"""Values of a DICOM file, which are converted when they are asked for and may then prove broken."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from insonate.data.importers.picture import PictureError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["silent", "text", "value", "whole"]


@contextmanager
def silent() -> Iterator[None]:
    """Without what pydicom and the decoders say: a file counts, or it is skipped with a reason."""
    log = logging.getLogger("pydicom")
    was = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = was


def value(dataset: Dataset, name: str) -> Any:
    """An entry by its keyword; None if there is none.

    Raises:
        PictureError: it cannot be read.
    """
    try:
        with silent():
            return dataset.get(name)
    except Exception as error:  # whatever broken bytes make of it
        raise PictureError("broken DICOM") from error


def text(dataset: Dataset, name: str) -> str:
    """An entry as text without padding; empty if there is none or it cannot be read."""
    try:
        found = value(dataset, name)
        return "" if found is None else str(found).strip("\0 ").rstrip("^")
    except PictureError:
        return ""


def whole(dataset: Dataset, name: str) -> int:
    """An entry as a whole number from 0; 0 if it is none."""
    try:
        return max(int(value(dataset, name) or 0), 0)
    except (PictureError, TypeError, ValueError, OverflowError):
        return 0
