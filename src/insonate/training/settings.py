"""How long, how fast, and how carefully a method is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Schedule", "TrainingSettings"]


@dataclass(frozen=True)
class Schedule:
    """Learning rate over epochs, as a factor of every optimiser's own.

    Attributes:
        kind: constant; linear, 1 for `hold` epochs and then down to 0 in `decay`; halve, by two
            every `hold` epochs.
        hold: epochs.
        decay: epochs.
    """

    kind: Literal["constant", "linear", "halve"] = "constant"
    hold: int = 0
    decay: int = 0


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
