"""A patient for a second: the heart beats, mother and fetus breathe, limbs move, under a probe.

python examples/living_patient.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from insonate import Frame, Patient, Settings, Simulator
from insonate.anatomy import in_air
from insonate.data import write_frames

#: Frames in a second, as a scanner has them at this depth.
RATE = 25.0
#: Of what the wall yields.
PRESSURE = 0.3


def setup(count: int) -> list[float]:
    """Times of `count` frames [s]."""
    return [float(time) for time in np.arange(count) / RATE]


def run(
    times: list[float], patient: Patient | None = None, settings: Settings | None = None
) -> Iterator[Frame]:
    """The four chambers at every one of the times [s]; the probe rests."""
    patient = patient or Patient()
    motion, view = patient.motion(heart_rate=145.0), patient.views["four_chamber"]
    probe, pose = view.load_probe(), view.pose()
    simulator = Simulator(in_air(patient.scene()), probe, settings or Settings.fast())
    for shot, time in enumerate(times):
        simulator.set_vertices(motion.vertices(time, probe, pose, PRESSURE))
        yield simulator.frame(motion.pushed(pose, PRESSURE), seed=1, shot=shot)


def main() -> None:
    """Write a sequence of images with transforms, and a picture of every frame."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/living")
    times = setup(25)
    paths = write_frames(
        tqdm(run(times), total=len(times), unit="frame"), folder, formats=("png", "mha")
    )
    print("\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main()
