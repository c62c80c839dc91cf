"""The loop that trains a method: optimisers, precision, ranks, checkpoints, logs."""

from insonate.training.settings import Schedule, TrainingSettings

__all__ = ["Schedule", "TrainingSettings"]
