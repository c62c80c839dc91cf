"""Distances of sets of images: which network looks, and what it says."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from insonate.errors import InputError, closest
from insonate.evaluation.measures import Measure
from insonate.metrics import (
    FeatureExtractor,
    Frechet,
    InceptionFeatures,
    Kernel,
    RandomFeatures,
    Score,
    TorchScriptFeatures,
)

__all__ = ["distance_measures", "distances", "extractor_of"]

_KINDS = ("random", "inception", "inception768", "torchscript")


def extractor_of(text: str) -> FeatureExtractor:
    """The feature network that a setting names.

    Args:
        text: `random`, `inception:PATH`, `inception768:PATH` or `torchscript:PATH`.

    Raises:
        InputError: another word, no path, or not such a network's file.
    """
    kind, _, path = text.partition(":")
    if kind not in _KINDS:
        raise InputError(f"features: '{kind}'; {closest(kind, _KINDS)}")
    if kind == "random":
        return RandomFeatures()
    if not path:
        raise InputError(f"features: expected {kind}:PATH with the file of the network")
    if kind == "torchscript":
        return TorchScriptFeatures(Path(path))
    return InceptionFeatures(Path(path), "768" if kind == "inception768" else "2048")


def distance_measures(extractor: FeatureExtractor) -> tuple[Measure, Measure]:
    """The columns FID and KID, which name the network unless it is Inception."""
    named = "" if extractor.name.startswith("inception") else f", {extractor.name.split('-')[0]}"
    by = f"of features {extractor.name}, {extractor.layer}"
    return (
        Measure(
            name="fid", title=f"FID{named}", better="lower", digits=3,
            about=f"Fréchet distance {by}",
        ),
        Measure(
            name="kid", title=f"KID{named}", better="lower", digits=3,
            about=f"kernel distance {by}; its spread is over subsets",
        ),
    )  # fmt: skip


def distances(
    extractor: FeatureExtractor, real: Tensor, translated: Tensor, **made: str | int
) -> dict[str, Score]:
    """Scores of a candidate's tiles beside the target's, by the names of the columns.

    Args:
        extractor: that the features are of.
        real: features `(n, d)`.
        translated: features `(n, d)`.
        made: what the scores carry besides.
    """
    scores = {
        "fid": Frechet(extractor).score(real, translated),
        "kid": Kernel(extractor).score(real, translated),
    }
    return {name: Score(score.values, score.made.also(**made)) for name, score in scores.items()}
