"""How long, how fast, and how carefully a method is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from insonate.errors import InputError

__all__ = ["Schedule", "TrainingSettings"]


@dataclass(frozen=True)
class Schedule:
    """Learning rate over epochs, as a factor of every optimiser's own.

    Attributes:
        kind: constant; linear, 1 for `hold` epochs and then down to 0 in `decay`; halve, by two
            every `hold` epochs.
        hold: epochs.
        decay: epochs.

    Raises:
        InputError: a number of epochs that the kind cannot use.
    """

    kind: Literal["constant", "linear", "halve"] = "constant"
    hold: int = 0
    decay: int = 0

    def __post_init__(self) -> None:
        """Refuse epochs that make no schedule."""
        least = {"constant": (0, 0), "linear": (0, 1), "halve": (1, 0)}[self.kind]
        _at_least(self, "training.schedule.", {"hold": least[0], "decay": least[1]})

    def idle(self, epochs: float) -> float:
        """The share of so many epochs in which learning rates are 0."""
        if self.kind != "linear" or epochs <= 0.0:
            return 0.0
        return max(0.0, 1.0 - (self.hold + self.decay) / epochs)

    def factor(self, epoch: float) -> float:
        """What learning rates are multiplied with after so many epochs.

        It changes from one epoch to the next, not within. Linear is 1 - max(0, e - n) / (m + 1)
        in epoch e = 1, 2, ... with n epochs held and m of decay, and 0 after them.
        """
        if self.kind == "linear":
            late = max(0, int(epoch) + 1 - self.hold)
            return max(0.0, 1.0 - late / (self.decay + 1))
        if self.kind == "halve":
            return 0.5 ** (int(epoch) // self.hold)
        return 1.0


@dataclass(frozen=True)
class TrainingSettings:
    """The loop.

    Attributes:
        steps: in all.
        seed: of weights, batches and noise.
        precision: of the networks: 32, or bf16 with losses and weights in 32 bits.
        clip: greatest norm of a network's gradient; None does not clip.
        schedule: of learning rates.
        ema: decay of the average that is kept of generators; 0 keeps none.
        log_every: steps between lines of the log.
        validate_every: steps between validations, with their pictures.
        checkpoint_every: steps between checkpoints.
        validation_frames: that are measured, at most.
        keep: checkpoints that stay.
        diverged: a loss beyond this is given up.
        channels_last: memory layout of networks and images.
        compile: networks by torch.compile.

    Raises:
        InputError: a number out of its range; names it.
    """

    steps: int = 50_000
    seed: int = 0
    precision: Literal["32", "bf16"] = "32"
    clip: float | None = None
    schedule: Schedule = field(default_factory=Schedule)
    ema: float = 0.0
    log_every: int = 50
    validate_every: int = 1000
    checkpoint_every: int = 1000
    validation_frames: int = 32
    keep: int = 2
    diverged: float = 1e6
    channels_last: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no loop can use."""
        least = {
            "steps": 1, "seed": 0, "log_every": 1, "validate_every": 1, "checkpoint_every": 1,
            "validation_frames": 0, "keep": 1,
        }  # fmt: skip
        _at_least(self, "training.", least)
        if self.clip is not None and self.clip <= 0.0:
            raise InputError(f"training.clip: expected more than 0, or null, got {self.clip:g}")
        if not 0.0 <= self.ema < 1.0:
            raise InputError(f"training.ema: expected 0 or more and less than 1, got {self.ema:g}")
        if self.diverged <= 0.0:
            raise InputError(f"training.diverged: expected more than 0, got {self.diverged:g}")


def _at_least(settings: object, prefix: str, least: dict[str, int]) -> None:
    for name, low in least.items():
        if getattr(settings, name) < low:
            raise InputError(
                f"{prefix}{name}: expected at least {low}, got {getattr(settings, name)}"
            )
