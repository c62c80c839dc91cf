"""Folds of a dataset for cross-validation, as a file that any program reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from insonate.data.dataset import Dataset
from insonate.data.dataset.splits import Fold, folds, groups_by
from insonate.data.files import replacing
from insonate.errors import InputError

__all__ = ["write_folds"]


def write_folds(
    where: str | os.PathLike[str],
    path: str | os.PathLike[str],
    count: int,
    distance: float,
    angle: float,
    by: str = "frame",
) -> list[Fold]:
    """Write which frames train, are held out and are left out, by their numbers in the dataset.

    Args:
        where: folder or URL of the dataset.
        path: of the JSON file.
        count: of folds.
        distance: frames nearer than this to a held-out pose [mm] and
        angle: turned less than this from it [rad] are left out of training.
        by: frame, sequence or patient; what no block cuts.

    Returns:
        The folds, of frame numbers.

    Raises:
        InputError: frames without a pose or a known group, too many folds, or a file that cannot
            be written.
    """
    dataset = Dataset(where)
    poses = dataset.column("pose")[dataset.frames]
    columns = {name: dataset.column(name)[dataset.frames] for name in ("sequence", "patient")}
    try:
        found = folds(poses, count, groups_by(by, columns), distance, angle)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    numbered = [
        Fold(*(dataset.frames[n] for n in (f.training, f.held_out, f.excluded))) for f in found
    ]
    said = {
        "distance_mm": distance,
        "angle_degrees": round(float(np.degrees(angle)), 9),
        "by": by,
        "folds": [{name: n.tolist() for name, n in vars(fold).items()} for fold in numbered],
    }
    with replacing(path) as beside:
        Path(beside).write_text(json.dumps(said) + "\n", encoding="utf-8")
    return numbered
