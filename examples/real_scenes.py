"""The two real scenes, seen by two convex probes, and where the probes were held.

INSONATE_DATA=FOLDER python examples/real_scenes.py [PICTURES]

The first run builds the scenes (a minute on two cores) and keeps them in the user's cache.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from insonate import Frame, Settings, Simulator, load_probe, load_scene
from insonate.anatomy import View, preview, views
from insonate.imaging.display import Display
from insonate.probe import Probe

SCENES = Path(__file__).parents[1] / "recipes" / "scenes"
PROBES = ("c5_2v", "paper_convex")
ROWS = 540
FAT = (-3.0, -2.0, 0.0, 0.0, -1.0, -2.0, -3.0, -3.0)
FLUID = (-1.0, -1.0, -1.0, 0.0, 0.0, -2.0, -5.0, -7.0)
#: What the operator set for each view: gain [dB] and the eight sliders of the TGC [dB].
KNOBS = {
    "liver_kidney": (0.0, FAT),
    "liver_front": (0.0, FAT),
    "liver_long": (0.0, FAT),
    "bladder_uterus": (-3.0, FLUID),
    "transventricular": (0.0, FLUID),
    "transthalamic": (0.0, FLUID),
}
NAMES = ("female_abdomen", "fetal_head")


def settings(view: str, rows: int = ROWS) -> Settings:
    """Fine quality, with the haze and the near-field clutter that fluid shows on a scanner."""
    gain, tgc = KNOBS[view]
    return Settings.fine(
        haze=-34.0, clutter=-3.0, clutter_depth=10.0, display=Display(gain=gain, tgc=tgc, rows=rows)
    )


def run(name: str, chosen: Settings | None = None) -> Iterator[tuple[str, str, Frame]]:
    """Every view of a scene with every probe: view, probe and frame."""
    path = SCENES / f"{name}.yaml"
    scene = load_scene(path)
    for title, view in views(path).items():
        for probe in PROBES:
            simulator = Simulator(scene, _at_depth(probe, view), chosen or settings(title))
            yield title, probe, simulator.frame(view.pose(), seed=1)


def _at_depth(name: str, view: View) -> Probe:
    probe = load_probe(name)
    return probe if view.depth is None else probe.replace(depth=view.depth)


def save(frame: Frame, path: Path) -> None:
    """Write a frame in 64 gray levels, which keeps speckle below 200 kB."""
    gray = (frame.image() // 4) * 4
    Image.fromarray(gray).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Write a picture for every view and probe, and a preview of every view."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/real_scenes")
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        for view, probe, frame in run(name):
            save(frame, folder / f"{view}_{probe}.png")
        path = SCENES / f"{name}.yaml"
        scene = load_scene(path)
        for title, view in views(path).items():
            preview(scene, view.load_probe(), view.pose(), folder / f"{title}_preview.png")


if __name__ == "__main__":
    main()
