"""A sweep: the probe slides along the phantom; frames with their poses, as a tracker gives them.

python examples/sweep.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from insonate import Frame, Settings, Simulator, load_probe, load_scene, look_at
from insonate.data import write_frames


def setup(count: int) -> list[NDArray[np.float64]]:
    """Poses `(4, 4)` [mm] along 24 mm of elevation, looking straight down."""
    return [look_at((0, 0, z), (0, 10, z)) for z in np.linspace(-12.0, 12.0, count)]


def run(poses: list[NDArray[np.float64]], settings: Settings | None = None) -> Iterator[Frame]:
    """One frame a pose; the tissue's texture stays where it is, as the seed is one."""
    simulator = Simulator(load_scene("qa"), load_probe("c5_2v"), settings or Settings.fast())
    return simulator.frames(poses, seed=1)


def main() -> None:
    """Write a sequence of images with transforms, and a picture of every frame."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/sweep")
    poses = setup(25)
    frames = tqdm(run(poses), total=len(poses), unit="frame")
    paths = write_frames(frames, folder, formats=("png", "mha"))
    print("\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main()
