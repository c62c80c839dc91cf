"""Films translated frame by frame: MP4, MOV, MKV, AVI and GIF, in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import gray_levels, network_values
from insonate.data.files import replacing
from insonate.data.importers.find_fan import Content
from insonate.data.importers.picture import gray
from insonate.errors import InputError
from insonate.translation.overwriting import refuse_overwriting
from insonate.translation.pictures import LARGEST, found_mask, read_mask
from insonate.translation.translator import Translator

__all__ = ["translate_video"]

#: Readers of FFmpeg that may look at a file; others could name further files or addresses.
_READERS = "mov,matroska,avi,gif,mpeg,mpegts,ogg,asf"
#: Codec, kind of pixels and its options by ending; x264 is nearly, ffv1 entirely without loss.
_CODECS = {
    ".mp4": ("libx264", "yuv420p", {"crf": "12"}),
    ".mov": ("libx264", "yuv420p", {"crf": "12"}),
    ".mkv": ("ffv1", "gray", {}),
    ".avi": ("ffv1", "gray", {}),
    ".gif": ("gif", "gray", {}),
}
#: Frames that the fan is looked for in.
_LOOKED_AT = 200
_USUAL_RATE = 25  # frames a second, of a file that does not say

Done = Callable[[int], None]
Write = Callable[[NDArray[np.uint8]], None]


def translate_video(
    translator: Translator,
    video: Path,
    out: Path,
    mask: Path | None = None,
    batch: int = 4,
    done: Done = lambda count: None,
) -> tuple[int, bool]:
    """Translate the frames of a film; sound is left out.

    Args:
        translator: that translates, from an image and its mask alone.
        video: the film; colours become gray.
        out: film of the same size and rate; MKV and AVI are without loss.
        mask: picture of the fan; it is looked for when None.
        batch: frames in one pass.
        done: is told how many frames are translated.

    Returns:
        How many frames there are, and whether the fan is known.

    Raises:
        InputError: the run needs what films do not have, the film cannot be read, or the
            output cannot be written, or is the film or its mask.
    """
    _refuse_what_is_needed(translator)
    if out.suffix.lower() not in _CODECS:
        raise InputError(f"--out {out}: expected a name that ends in {', '.join(_CODECS)}")
    if batch < 1:
        raise InputError(f"--batch: expected at least 1, got {batch}")
    refuse_overwriting([out], [video] if mask is None else [video, mask])
    fan, known = _fan(video, mask)
    count = 0
    with (
        _opened(video) as (container, stream),
        _film(out, _rate(stream), *fan.shape) as write,
    ):
        frames = _frames(video, container, stream)
        while some := list(islice(frames, batch)):
            for image in _translated(translator, video, some, fan, count):
                write(image)
            count += len(some)
            done(count)
    return count, known


def _refuse_what_is_needed(translator: Translator) -> None:
    about = translator.about
    others = [
        name for name in about.inputs if name == "labels" or name not in (about.image, "mask")
    ]
    if others:
        raise InputError(
            f"{about.run}: needs {', '.join(others)}, which films do not have; "
            "expected a run that needs the image and its mask alone, or --data"
        )


def _fan(video: Path, mask: Path | None) -> tuple[NDArray[np.uint8], bool]:
    """Mask `(rows, columns)` of all frames, and whether it is known to be the fan."""
    content, shape = Content(), (0, 0)
    with _opened(video) as (container, stream):
        for image in islice(_frames(video, container, stream), _LOOKED_AT):
            shape = image.shape
            if mask is not None:
                break
            content.add(image)
    if not all(shape):
        raise InputError(f"{video}: no frames in it")
    return found_mask(content, *shape) if mask is None else (read_mask(mask, shape), True)


def _translated(
    translator: Translator,
    video: Path,
    frames: list[NDArray[np.uint8]],
    fan: NDArray[np.uint8],
    first: int,
) -> NDArray[np.uint8]:
    if any(frame.shape != fan.shape for frame in frames):
        raise InputError(f"{video}: frames change in size; expected {fan.shape[0]} rows, "
                         f"{fan.shape[1]} columns throughout")  # fmt: skip
    images = np.stack([network_values("bmode", frame, fan) for frame in frames])
    masks = np.broadcast_to(fan[None, None].astype(np.float32), images.shape)
    arrays = {translator.about.image: images, "mask": masks}
    return gray_levels(translator.frames(arrays, first)[:, 0])


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and the first film in it; only the file itself is read, whatever it says."""
    av = _av()
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        with _telling(f"{path}: not a film that can be read"):
            container = av.open(file, options={"format_whitelist": _READERS})
        with container:
            if not container.streams.video:
                raise InputError(f"{path}: no film in it")
            stream = container.streams.video[0]
            _refuse_large(path, stream.codec_context)
            yield container, stream


def _refuse_large(path: Path, about: Any) -> None:
    if about.width * about.height > LARGEST:
        raise InputError(f"{path}: frames larger than {LARGEST // 1_000_000} megapixels")


def _frames(path: Path, container: Any, stream: Any) -> Iterator[NDArray[np.uint8]]:
    """Frames in gray, uint8 `(rows, columns)`."""
    with _telling(f"{path}: broken or truncated film"):
        for frame in container.decode(stream):
            _refuse_large(path, frame)
            yield gray(frame.to_ndarray(format="rgb24")).image


def _rate(stream: Any) -> Fraction:
    """Frames a second [1/s]."""
    return stream.average_rate or stream.guessed_rate or Fraction(_USUAL_RATE)


@contextmanager
def _film(out: Path, rate: Fraction, rows: int, columns: int) -> Iterator[Write]:
    """What writes a frame, uint8 `(rows, columns)`, to a film that is whole or not there."""
    av = _av()
    codec, pixels, options = _CODECS[out.suffix.lower()]
    odd = 2 if pixels == "yuv420p" else 1
    with (
        replacing(out) as beside,
        _telling(f"{out}: cannot be written"),
        # an absolute path, which no protocol's name can begin
        av.open(str(beside.absolute()), "w") as container,
    ):
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height = -(-columns // odd) * odd, -(-rows // odd) * odd
        stream.pix_fmt = pixels

        def write(image: NDArray[np.uint8]) -> None:
            wide = np.zeros((stream.height, stream.width), np.uint8)
            wide[:rows, :columns] = image
            container.mux(stream.encode(av.VideoFrame.from_ndarray(wide, format="gray")))

        yield write
        container.mux(stream.encode())


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Turn what FFmpeg raises into one line.

    Args:
        what: cannot be done, and where.

    Raises:
        InputError: with the reason in brackets.
    """
    try:
        yield
    except InputError:
        raise
    except (_av().FFmpegError, ValueError, OSError) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise InputError(f"{what} ({reason})") from error


def _av() -> ModuleType:
    """PyAV, which only films need.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise InputError('films need PyAV: pip install "insonate[learning]"') from error
    return av
