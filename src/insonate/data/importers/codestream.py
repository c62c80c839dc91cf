"""The size that a compressed image claims, read from its head before anything is allocated."""

from __future__ import annotations

import struct

__all__ = ["codestream_size"]

_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start of frame, all kinds of JPEG
_JPEG_LS = 0xF7
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length


def codestream_size(stream: bytes) -> tuple[int, int] | None:
    """Rows and columns of JPEG, JPEG-LS or JPEG 2000; None if it is none of these, or broken."""
    try:
        if stream[:2] == b"\xff\xd8":
            return _jpeg(stream)
        start = stream[:65536].find(b"\xff\x4f\xff\x51")  # also within a JP2 file
        if start >= 0:
            right, bottom, left, top = struct.unpack_from(">4I", stream, start + 8)
            return bottom - top, right - left
    except (struct.error, IndexError):
        pass
    return None


def _jpeg(stream: bytes) -> tuple[int, int] | None:
    at = 2
    while at < len(stream):
        if stream[at] != 0xFF:
            return None
        marker = stream[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _SIZES or marker == _JPEG_LS:
            rows, columns = struct.unpack_from(">2H", stream, at + 5)
            return rows, columns
        else:
            at += 2 + max(struct.unpack_from(">H", stream, at + 2)[0], 2)
    return None
