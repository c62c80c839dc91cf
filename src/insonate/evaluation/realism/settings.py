"""What is measured of simulated frames that were made to look real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from insonate.config import check_fields
from insonate.data.batches import Unit
from insonate.errors import InputError
from insonate.metrics import Border

__all__ = ["RealismSettings"]

#: Side of the windows, where frames have twice that [pixels].
SIDE = 128


@dataclass(frozen=True)
class RealismSettings:
    """The protocol of Tomar et al. 2021 (ConPres), Table 2, and what may be changed of it.

    Attributes:
        split: of the simulated frames that are measured.
        unit: what that split never divides: as the dataset has it (stored), or dealt anew by
            frame, sequence or patient, as recipes can say.
        real_split: of the real frames that they are compared with; several names with spaces
            between, or `held-out`, every split but `train`. `split` may be so, too.
        real_unit: the same of these.
        source: the image of the simulator that stands untranslated in the first row.
        content: pixels that content SSIM counts: with a label that is not background, or brighter
            than black in the simulated image.
        border: SSIM at the edges of a frame.
        on: what distances are of: square windows within the mask, which tell nothing of the
            shape of the fan, or whole frames, black outside, as in the paper.
        window: side of the windows [pixels]; 128, or half of the shorter side of small frames,
            when None.
        windows: of every frame, in random places that are the same for all runs.
        inside: least share of a window that lies in the mask.
        seed: of the places, of halves, of resamples.
        features: `random`, `inception:PATH` (2048 numbers), `inception768:PATH`, or
            `torchscript:PATH`.
        resamples: of the intervals of distances.
        frames: at most so many simulated ones, spread over the split; all when None.
        real_frames: at most so many real ones; all when None.
        batch: frames that are translated at once.
    """

    split: str = "test"
    unit: Unit = "stored"
    real_split: str = "test"
    real_unit: Unit = "stored"
    source: Literal["bmode", "bmode_fast"] = "bmode"
    content: Literal["labels", "simulated"] = "labels"
    border: Border = "valid"
    on: Literal["windows", "frames"] = "windows"
    window: int | None = None
    windows: int = 4
    inside: float = 1.0
    seed: int = 0
    features: str = "random"
    resamples: int = 200
    frames: int | None = None
    real_frames: int | None = None
    batch: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            InputError: with what was expected.
        """
        check_fields(self)
        least = {"window": 16, "windows": 1, "frames": 1, "real_frames": 1, "batch": 1,
                 "seed": 0, "resamples": 2}  # fmt: skip
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise InputError(f"{name}: expected at least {low}, got {value}")
        if not 0.5 <= self.inside <= 1.0:
            raise InputError(f"inside: expected a share from 0.5 to 1, got {self.inside:g}")

    def side(self, *shapes: tuple[int, int]) -> int:
        """Side of the windows of frames `(rows, columns)` of all datasets [pixels].

        Raises:
            InputError: frames of one of them are smaller.
        """
        shorter = min(min(shape) for shape in shapes)
        side = self.window or min(SIDE, shorter // 2)
        if side > shorter:
            raise InputError(
                f"window: {side} pixels, larger than frames of {shorter} pixels; expected at most "
                f"{shorter}"
            )
        return side
