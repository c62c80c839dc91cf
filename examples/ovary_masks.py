"""Both ovaries through the vagina: image, mask of the ovary, masks of its follicles.

python examples/ovary_masks.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from insonate import Frame, GynaecologyPatient, Settings, Simulator
from insonate.anatomy.gynaecology import structure_mask


def masks(frame: Frame, side: str) -> Mapping[str, NDArray[np.bool_]]:
    """Pixels of an ovary with all that it holds, and of each follicle that can be seen."""
    names = [f"ovary_{side}", *(n for n in frame.region_names if n.startswith(f"follicle_{side}"))]
    found = {n: structure_mask(frame.labels, frame.region_names, n) & frame.mask for n in names}
    return {name: mask for name, mask in found.items() if mask.any()}


def main() -> None:
    """Render, write PNGs, and print areas."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/ovaries")
    folder.mkdir(parents=True, exist_ok=True)
    patient = GynaecologyPatient(follicles_left=(18, 6, 5, 4, 3), follicles_right=(9, 8, 7, 6, 5))
    scene = patient.scene()
    for side in ("left", "right"):
        view = patient.views[f"ovary_{side}"]
        frame = Simulator(scene, view.load_probe(), Settings.fine()).frame(view.pose(), seed=1)
        Image.fromarray(frame.image()).save(folder / f"image_{side}.png")
        for name, mask in masks(frame, side).items():
            Image.fromarray(mask).save(folder / f"{name}.png")
            print(f"{name:18} {mask.sum() * frame.spacing**2:7.1f} mm2")
    print(folder)


if __name__ == "__main__":
    main()
