"""Looks of rendered frames: which network makes them, and frames with what it made."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from insonate.cli.needs import need
from insonate.cli.trained import load
from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.looks import Look
    from insonate.sim import Frame
    from insonate.translation import Translator

__all__ = ["load_look", "looked"]

#: Rows of an image may differ from those that a network knows by this share, without a word.
ALIKE = 0.25

_LEARNED_FROM = {
    "enhanced": "pairs of fast and fine images (l2h, bridge)",
    "realistic": "simulated and real images (conpres, cut and others)",
}


def load_look(look: Look | None, weights: Path | None, device: str, rows: int) -> Translator | None:
    """The network of a look; None if none is asked for.

    Args:
        look: that is asked for.
        weights: folder of a run or of packed weights, or an ONNX file; those that ship when None.
        device: cpu, cuda or cuda:1.
        rows: of the images [pixels]; a word if the network knows others.

    Raises:
        InputError: weights without a look, none that ship, or those of another look.
    """
    if look is None:
        if weights is not None:
            raise InputError("--weights: has no use without --look")
        return None
    from insonate.looks import shipped

    found = weights or shipped(look)
    if found is None:
        raise InputError(
            f"--look {look}: no weights ship for it; expected --weights RUN, a run of insonate "
            f"train on {_LEARNED_FROM[look]}"
        )
    if found.suffix.lower() == ".onnx":
        from insonate.translation import OnnxTranslator

        translator = OnnxTranslator.open(found, device)
        _check_kind(look, translator)
        return translator
    need("torch", "zarr")
    from insonate.translation import Translator

    run = load(found)
    translator = Translator.load(run, device)
    _check_kind(look, translator)
    _tell_rows(found, run.rows, rows)
    return translator


def looked(frames: Iterable[Frame], look: Translator) -> Iterator[Frame]:
    """Frames with what a network makes of them beside their simulated image.

    Args:
        frames: of the simulator.
        look: that translates.
    """
    for number, frame in enumerate(frames):
        yield dataclasses.replace(frame, looks={look.about.look: look(frame, number).bmode})


def _tell_rows(weights: Path, known: int, rows: int) -> None:
    """Say so if a network has learned from images of another size, whose speckle is another."""
    if known and not 1 - ALIKE <= rows / known <= 1 + ALIKE:
        print(
            f"insonate: {weights}: learned from images of {known} rows, these have {rows}; "
            f"--set display.rows={known} renders such",
            file=sys.stderr,
        )


def _check_kind(look: Look, translator: Translator) -> None:
    about = translator.about
    if about.look == look:
        return
    is_one = f"{about.method} is for --look {about.look}" if about.look else (
        f"{about.method} translates {about.source} to {about.to}"
    )  # fmt: skip
    raise InputError(
        f"--look {look}: {about.run} is none; {is_one}; expected what has learned from "
        f"{_LEARNED_FROM[look]}"
    )
