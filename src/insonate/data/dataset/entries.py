"""What a writer is given, made to fit an array: nothing is cut, wrapped round or guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset.layout import METADATA, Array
from insonate.errors import InputError

__all__ = ["entry", "packed", "unpacked"]


def entry(name: str, value: Any, array: Array) -> NDArray[Any]:
    """A frame's entry of an array.

    Args:
        name: of the array.
        value: what is to be kept; of `metadata` a mapping.
        array: its type and shape.

    Raises:
        InputError: wrong size or type, or a number that the type cannot hold.
    """
    if name == "metadata":
        return packed(value)
    given = np.asarray(value)
    if given.shape != array.shape:
        raise InputError(f"{name}: expected {_by(array.shape)}, got {_by(given.shape)}")
    if array.dtype == "uint8":
        if given.dtype not in (np.uint8, np.bool_):
            raise InputError(f"{name}: expected 8 bits a pixel, got {given.dtype}")
        return given
    if given.dtype.kind not in ("iuf" if array.dtype.startswith("float") else "iu"):
        raise InputError(f"{name}: expected {array.dtype}, got {given.dtype}")
    if given.dtype.kind in "iu" and np.dtype(array.dtype).kind in "iu":
        limits = np.iinfo(array.dtype)
        if not all(limits.min <= number <= limits.max for number in given.ravel().tolist()):
            raise InputError(f"{name}: expected {limits.min} to {limits.max}, got {value}")
    return given.astype(array.dtype)


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a number"


def packed(metadata: Any) -> NDArray[np.uint8]:
    """A description as JSON in UTF-8, zeros behind, `(METADATA,)`.

    Raises:
        InputError: JSON cannot say it, or it is too long.
    """
    if not isinstance(metadata, Mapping):
        raise InputError(f"metadata: expected a mapping, got {type(metadata).__name__}")
    try:
        text = json.dumps(
            metadata, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
        )
        raw = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"metadata: JSON cannot say it ({error})") from error
    if len(raw) > METADATA:
        raise InputError(f"metadata: {len(raw)} bytes, at most {METADATA} can be kept")
    return np.frombuffer(raw.ljust(METADATA, b"\0"), np.uint8)


def _plain(value: Any) -> Any:
    """Numbers and arrays of NumPy as JSON knows them."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__}")


def unpacked(raw: NDArray[np.uint8]) -> dict[str, Any]:
    """The inverse of `packed`.

    Args:
        raw: bytes, `(METADATA,)`.

    Raises:
        ValueError: it is not JSON.
    """
    text = raw.tobytes().rstrip(b"\0")
    if not text:
        return {}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not a mapping")
    return found
