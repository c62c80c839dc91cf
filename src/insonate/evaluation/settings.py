"""What is measured, on which parts of which frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from insonate.config import check_fields
from insonate.data.batches import Unit
from insonate.errors import InputError
from insonate.metrics import Border, EmptyBins

__all__ = ["EvaluationSettings"]

#: Side of the paper's crops, and of those of frames that are too small for them [pixels].
PAPER_CROP, SMALL_CROP = 512, 128


@dataclass(frozen=True)
class EvaluationSettings:
    """The protocol of Zhang et al. 2020 (L2H), Table 2, and what may be changed of it.

    Attributes:
        split: that is measured.
        unit: what the split never divides: as the dataset has it (stored), or dealt anew by
            frame, sequence or patient, as recipes can say.
        crop: side of the square crops [pixels]; 512 if the frames have it, else 128, or what
            there is, when None.
        crops: of every frame, in random places that are the same for all runs.
        tile: side of the tiles whose features are compared [pixels], two by two around the
            centre; 299 if the frames have twice that, else half of their shorter side, when None.
        seed: of the places.
        inside: least share of a crop that lies in the fan, where a frame has room for one.
        border: SSIM at the edges of a crop: `matlab` of the whole crop as in the paper, `valid`
            of the windows that lie in it.
        rule: for the empty bins of pKL.
        translate: crops and tiles themselves, as in the paper, or whole frames which are cut
            afterwards.
        whole: measure whole frames, within the fan, instead of crops.
        features: `random`, `inception:PATH` (2048 numbers), `inception768:PATH`, or
            `torchscript:PATH`.
        frames: at most so many, spread over the split; all when None.
        batch: images that are translated at once.
    """

    split: str = "test"
    unit: Unit = "stored"
    crop: int | None = None
    crops: int = 4
    tile: int | None = None
    seed: int = 0
    inside: float = 0.1
    border: Border = "matlab"
    rule: EmptyBins = "half"
    translate: Literal["crops", "frames"] = "crops"
    whole: bool = False
    features: str = "random"
    frames: int | None = None
    batch: int = 16

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            InputError: with what was expected.
        """
        check_fields(self)
        least = {"crop": 32, "crops": 1, "tile": 16, "frames": 1, "batch": 1, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise InputError(f"{name}: expected at least {low}, got {value}")
        if not 0.0 <= self.inside <= 1.0:
            raise InputError(f"inside: expected a share from 0 to 1, got {self.inside:g}")

    def crop_side(self, shape: tuple[int, int]) -> int:
        """Side of the crops of frames `(rows, columns)` [pixels].

        Raises:
            InputError: the frames are smaller.
        """
        shorter = min(shape)
        side = self.crop or (PAPER_CROP if shorter >= PAPER_CROP else min(SMALL_CROP, shorter))
        if side > shorter:
            raise InputError(_too_large("crop", side, shape, shorter))
        return side

    def tile_side(self, shape: tuple[int, int]) -> int:
        """Side of the tiles of frames `(rows, columns)` [pixels].

        Raises:
            InputError: two of them do not fit.
        """
        side = self.tile or min(299, min(shape) // 2)
        if 2 * side > min(shape):
            raise InputError(_too_large("tile", side, shape, min(shape) // 2))
        return side


def _too_large(name: str, side: int, shape: tuple[int, int], most: int) -> str:
    what = "two of them side by side are larger" if name == "tile" else "larger"
    return (
        f"{name}: {side} pixels, {what} than the frames, {shape[0]} x {shape[1]}; "
        f"expected at most {most}"
    )
