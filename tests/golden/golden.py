"""Golden pictures: small frames kept as arrays, and how near a new one must be.

`python tests/golden/golden.py --update "why they change"` renders them anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from insonate import Settings, Simulator, load_probe
from insonate.anatomy.phantoms import PHANTOMS, phantom_pose
from insonate.imaging import Display

FOLDER = Path(__file__).parent
LAYERS = ("bmode", "labels", "attenuation", "shadow")
#: Name of a picture: phantom, probe, quality.
CASES = {
    "qa_fast": ("qa", "c5_2v", "fast"),
    "qa_fine": ("qa", "c5_2v", "fine"),
    "cysts_paper": ("cysts", "paper_convex", "fine"),
    "wires_phased": ("wires", "phased_p4", "fast"),
    "layers_linear": ("layers", "linear_l12_3v", "fine"),
    "half_plane_fine": ("half_plane", "linear_l11", "fine"),
}


def render(name: str) -> dict[str, np.ndarray]:
    """The picture's layers, 8 bits each, `(rows, columns)`."""
    phantom, probe, quality = CASES[name]
    settings = Settings.preset(quality, display=Display(rows=112), haze=-45.0)
    small = load_probe(probe).replace(scanlines=96)
    frame = Simulator(PHANTOMS[phantom](), small, settings).frame(phantom_pose(), seed=7)
    layers = {layer: getattr(frame, layer) for layer in LAYERS}
    return {
        k: v if k == "labels" else np.round(v * 255).astype(np.uint8) for k, v in layers.items()
    }


def complaints(seen: dict[str, np.ndarray], kept: dict[str, np.ndarray]) -> list[str]:
    """What differs more than another CPU's rounding can explain; empty if nothing does."""
    out = []
    for layer in LAYERS:
        if seen[layer].shape != kept[layer].shape:
            out.append(f"{layer}: {seen[layer].shape}, kept {kept[layer].shape}")
            continue
        difference = seen[layer].astype(int) - kept[layer].astype(int)
        limit = 0 if layer == "labels" else 8
        share = np.mean(np.abs(difference) > limit)
        if share > 0.0025:
            out.append(f"{layer}: {share:.2%} of the pixels differ by more than {limit}")
        if layer != "labels" and worst_block(difference) > 3.0:
            out.append(f"{layer}: a block of 16x16 pixels is {worst_block(difference):.1f} off")
    return out


def worst_block(difference: np.ndarray, edge: int = 16) -> float:
    """Largest mean difference over blocks: a bias that single pixels would not show."""
    rows, columns = (n // edge * edge for n in difference.shape)
    blocks = difference[:rows, :columns].reshape(rows // edge, edge, columns // edge, edge)
    return float(np.abs(blocks.mean(axis=(1, 3))).max())


def keep(name: str, layers: dict[str, np.ndarray]) -> Path:
    """Write a picture's layers beside this file."""
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **layers)  # type: ignore[arg-type]
    return path


def load(name: str) -> dict[str, np.ndarray]:
    """The kept layers of a picture."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def show(folder: Path, name: str, seen: dict[str, np.ndarray], kept: dict[str, np.ndarray]) -> Path:
    """Write new, kept and difference side by side for a person to look at."""
    pair = [seen["bmode"].astype(int), kept["bmode"].astype(int)]
    strip = np.hstack([*pair, np.clip(128 + pair[0] - pair[1], 0, 255)])
    path = folder / f"{name}.png"
    Image.fromarray(strip.astype(np.uint8)).save(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", metavar="REASON", help="render anew, and say why")
    reason = parser.parse_args().update
    if not reason:
        sys.exit("nothing done: --update needs a reason, to be put into docs/log.md")
    for case in CASES:
        print(keep(case, render(case)), reason)
