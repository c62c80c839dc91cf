"""The first frame: a phantom, a probe and a pose; then everything that the frame knows.

python examples/first_frame.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from insonate import Frame, Settings, Simulator, load_probe, load_scene, look_at
from insonate.data import write_figure, write_png


def setup(settings: Settings) -> Simulator:
    """A simulator of the quality-assurance phantom under a convex probe."""
    return Simulator(load_scene("qa"), load_probe("c5_2v"), settings)


def run(settings: Settings | None = None) -> Frame:
    """Look straight down from the middle of the phantom's surface."""
    simulator = setup(settings or Settings.fine())
    return simulator.frame(look_at(at=(0, 0, 0), aim=(0, 10, 0)), seed=1)


def main() -> None:
    """Write the images one by one and as a figure; say what was seen."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/first_frame")
    frame = run()
    paths = [*write_png(frame, folder), *write_figure(frame, folder / "figure.png")]
    rows, columns = frame.bmode.shape
    print(f"{columns} x {rows} pixels of {frame.spacing:.3f} mm")
    for label, name in enumerate(frame.region_names):
        area = (frame.labels[frame.mask] == label).sum() * frame.spacing**2 / 100
        print(f"{area:8.1f} cm2  {name}")
    print("\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main()
