"""What is measured of every translated frame, beside the simulated one that it was made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.evaluation.measures import Measure
from insonate.evaluation.places import SHADOW
from insonate.evaluation.realism.grouping import BACKGROUND
from insonate.evaluation.realism.segmentation import Segmentation
from insonate.evaluation.realism.settings import RealismSettings
from insonate.metrics import ContentSsim, Hallucination, Made, hallucination, shadow_contrast

__all__ = ["SWEEP_COLUMNS", "Column", "FrameMeasure", "Seen", "frame_measures"]

Image = NDArray[np.float64]
#: Shadows that darken tissue by less say nothing [gray levels].
FAINT = 8.0
#: Dice of these classes has columns of its own.
NAMED = ("fluid", "bone", "brain")


@dataclass(frozen=True)
class Seen:
    """A frame as it was simulated and as it was translated.

    Attributes:
        simulated: gray levels 0 to 255, `(rows, columns)`.
        translated: the same shape.
        fan: where there is content, mask `(rows, columns)`.
        labels: of regions `(rows, columns)`, if the dataset has them.
        shadow: share of the beam that is lost `(rows, columns)`, if the dataset has it.
        dice: of every class of a segmenter `(classes,)`, if there is one.
    """

    simulated: Image
    translated: Image
    fan: NDArray[np.bool_]
    labels: NDArray[np.integer] | None = None
    shadow: NDArray[np.floating] | None = None
    dice: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls, simulated: Image, translated: Image, sample: Mapping[str, NDArray[Any]],
        dice: NDArray[np.float64] | None,
    ) -> Seen:  # fmt: skip
        """From both images and the arrays of a frame as a dataset gives them.

        Args:
            simulated: gray levels `(rows, columns)`.
            translated: gray levels `(rows, columns)`.
            sample: arrays by name, `(..., rows, columns)`.
            dice: of every class `(classes,)`, if there is a segmenter.
        """
        flat = {k: v.reshape(simulated.shape) for k, v in sample.items() if k in _MAPS}
        fan = flat["mask"] > 0 if "mask" in flat else np.ones(simulated.shape, bool)
        return cls(simulated, translated, fan, flat.get("labels"), flat.get("shadow"), dice)

    @cached_property
    def invented(self) -> Hallucination:
        """How much of it shows what the simulation does not explain."""
        return hallucination(self.simulated, self.translated, self.fan, self.labels)


_MAPS = ("mask", "labels", "shadow")


@dataclass(frozen=True, kw_only=True)
class Column(Measure):
    """A column with a value for every frame, or for every two consecutive ones.

    Attributes:
        made: what a score of it carries.
    """

    made: Made


@dataclass(frozen=True, kw_only=True)
class FrameMeasure(Column):
    """A column of whole frames.

    Attributes:
        of: its value in a frame; NaN where the frame has nothing of the kind.
        needs: arrays of the dataset.
    """

    of: Callable[[Seen], float]
    needs: tuple[str, ...] = ()


def frame_measures(
    settings: RealismSettings, there: Sequence[str], segmentation: Segmentation | None
) -> list[FrameMeasure]:
    """Columns that a dataset has the arrays for.

    Args:
        settings: of the protocol.
        there: names of its arrays.
        segmentation: network that finds anatomy, if there is one.
    """
    found = [_content(settings)]
    if segmentation is not None:
        found += _dice_columns(segmentation)
    found += [_HALLUCINATED, _IN_BLACK, _SHADOW]
    return [column for column in found if set(column.needs) <= set(there)]


def _content(settings: RealismSettings) -> FrameMeasure:
    """Content SSIM of Tomar et al. 2021, x 100."""
    measure = ContentSsim(settings.border)
    labelled = settings.content == "labels"

    def of(seen: Seen) -> float:
        content = seen.labels != BACKGROUND if labelled else seen.simulated > 0
        content = torch.from_numpy(np.asarray(content & seen.fan))[None]
        inside = content if settings.border != "valid" else content[:, 5:-5, 5:-5]
        if not inside.any():
            return float("nan")
        pair = [torch.from_numpy(each)[None] for each in (seen.translated, seen.simulated)]
        return float(measure(pair[0], pair[1], content)[0])

    about = "labels that are not background" if labelled else "the simulation is not black"
    return FrameMeasure(
        name="content_ssim", title="SSIM [%]", better="higher", scale=100.0, of=of,
        made=measure.made.also(content=settings.content), needs=("labels",) if labelled else (),
        about=f"structural similarity to the simulated image, where {about}",
    )  # fmt: skip


def _dice_columns(segmentation: Segmentation) -> list[FrameMeasure]:
    names = segmentation.grouping.names
    made = Made("Dice", {"classes": len(names), "segmenter": segmentation.about["sha256"][:8]})

    def column(name: str, title: str, of: Callable[[NDArray[np.float64]], float]) -> FrameMeasure:
        about = "of what a network that knows simulated images finds, beside the labels"
        return FrameMeasure(
            name=name, title=title, better="higher", digits=1, scale=100.0,
            made=made.also(of=name), about=f"Dice {about}",
            of=lambda seen: float("nan") if seen.dice is None else of(seen.dice),
        )  # fmt: skip

    found = [column("dice", "Dice [%]", _mean)]
    for k, name in enumerate(names):
        if name in NAMED:
            found.append(column(f"dice_{name}", f"Dice, {name} [%]", lambda d, k=k: float(d[k])))
    return found


def _mean(values: NDArray[np.float64]) -> float:
    """Of the classes that are there."""
    present = values[np.isfinite(values)]
    return float(present.mean()) if len(present) else float("nan")


def _shadow_kept(seen: Seen) -> float:
    """Shadow contrast after translation, as a share of that before."""
    if seen.shadow is None or seen.labels is None:
        return float("nan")
    dark = seen.fan & (seen.shadow > SHADOW) & (seen.labels != BACKGROUND)
    lit = seen.fan & (seen.shadow <= SHADOW) & (seen.labels != BACKGROUND)
    before, after = (
        shadow_contrast(image, seen.labels, dark, lit)
        for image in (seen.simulated, seen.translated)
    )
    return after / before if before >= FAINT else float("nan")


_HALLUCINATED = FrameMeasure(
    name="hallucination", title="hallucinated [%]", better="lower", scale=100.0,
    of=lambda seen: seen.invented.rate, made=Made("hallucination", {"of": "fan"}),
    about="share of the fan, without borders of regions, with a structure that the simulation "
    "does not explain",
)  # fmt: skip
_IN_BLACK = FrameMeasure(
    name="hallucination_black", title="in black [%]", better="lower", scale=100.0,
    of=lambda seen: seen.invented.echo_free, made=Made("hallucination", {"of": "black"}),
    about="the same, as a share of the pixels where the simulation is black",
)  # fmt: skip
_SHADOW = FrameMeasure(
    name="shadow_contrast", title="shadow contrast", better="one", digits=3,
    of=_shadow_kept, made=Made("shadow_contrast", {"of": "regions"}), needs=("shadow", "labels"),
    about=f"how much darker a tissue is where more than {SHADOW:g} of the beam is lost, as a share "
    "of what it is in the simulation; 1 is kept, 0 is lost",
)  # fmt: skip


#: Columns of two consecutive frames of a sweep.
SWEEP_COLUMNS = (
    Column(
        name="flicker", title="flicker [gray levels]", better="lower",
        made=Made("flicker", {"motion": "simulated", "of": "levels"}),
        about="mean |difference| of consecutive frames of a sweep after motion is taken out",
    ),
    Column(
        name="flicker_ratio", title="flicker, ratio", better="lower", digits=3,
        made=Made("flicker", {"motion": "simulated", "of": "ratio"}),
        about="the same as a share of that of the simulation, whose speckle changes as well",
    ),
)  # fmt: skip
