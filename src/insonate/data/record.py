"""What a folder of frames must not lose: poses, spacing, region names, probe, seeds, notes."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

import insonate
from insonate.data.files import replacing
from insonate.sim.frame import Frame

__all__ = ["TRANSLATED", "Record"]

#: What every file of a look says.
TRANSLATED = "Translated by a network, not simulated physics; not for diagnosis"


class Record:
    """A JSON file that describes frames.

    It holds `poses` (probe to world [mm]), `image_to_probe` (column, row, 0, 1 to the probe
    frame [mm]), `spacing` [mm], `shape` (rows, columns), `regions` by label, the `probe`
    (mm, MHz, rad), the `seeds`, the version that made them, and notes of the writer's own.
    As a file of poses only the poses are read from it; the rest is there to be read by people
    and by their programs.
    """

    def __init__(self, path: str | os.PathLike[str], notes: Mapping[str, object] | None = None):
        """Take the path of the file that `save` writes.

        Args:
            path: of the file.
            notes: what frames do not know, such as the scene's name and the settings.
        """
        self.path, self.notes = Path(path), dict(notes or {})
        self._last: Frame | None = None
        self._poses: list[list[list[float]]] = []
        self._seeds: list[int] = []

    def add(self, frame: Frame) -> None:
        """Note a frame."""
        self._last = frame
        self._poses.append(frame.pose.tolist())
        self._seeds.append(int(frame.seed))

    def save(self) -> list[Path]:
        """Write the file; the geometry is that of the frames, all of one size.

        Raises:
            InputError: the file cannot be written.
        """
        if self._last is None:
            return []
        frame = self._last
        content = {
            "insonate": insonate.__version__,
            **self.notes,
            "probe": dataclasses.asdict(frame.probe),
            "spacing": float(frame.spacing),
            "shape": list(frame.bmode.shape),
            "image_to_probe": frame.image_to_probe().tolist(),
            "regions": list(frame.region_names),
            "seeds": self._seeds,
            "poses": self._poses,
        }
        with replacing(self.path) as path:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return [self.path]
