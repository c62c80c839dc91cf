"""How fast frames are written to a dataset and read from it, and how much room they take.

    python benchmarks/dataset.py                 three sizes, a minute or two
    python benchmarks/dataset.py --json          one JSON object instead of the table
    python benchmarks/dataset.py --folder DIR    on the disk of that folder

The frames are simulated: B-mode fast and fine, labels, attenuation and mask of the phantom,
each frame of a seed of its own. Reading is of samples ready for torch with all five; files are
in the system's cache, as in the second and every later epoch.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from insonate import Settings, Simulator, load_probe, load_scene, look_at
from insonate.data.dataset import Dataset, Layout, create
from report import commit, machine, where

#: Rows and columns of an image, and how many frames are written and read.
SIZES = ((128, 128, 512), (256, 354, 256), (1000, 1386, 48))
IMAGES = ("bmode", "bmode_fast", "labels", "attenuation", "mask")
#: Frames that are simulated; the others repeat them.
DISTINCT = 8
PROCESSES = (1, 2, 4)

Sample = dict[str, Any]


def simulated(rows: int, columns: int) -> list[Sample]:
    """Frames of the phantom, cut or padded to a number of columns."""
    pose = look_at(at=(0, 0, 0), aim=(0, 10, 0))
    simulator = Simulator(load_scene("qa"), load_probe("paper_convex"), Settings.fast())
    pair = []
    for settings in (Settings.fast(), Settings.fine(rays=8)):
        display = dataclasses.replace(settings.display, rows=rows)
        simulator.configure(settings=settings.replace(display=display))
        pair.append([simulator.frame(pose, seed) for seed in range(1, DISTINCT + 1)])
    samples = []
    for fast, fine in zip(*pair, strict=True):
        images = {
            "bmode": fine.image(),
            "bmode_fast": fast.image(),
            "labels": fine.labels,
            "attenuation": np.round(np.clip(fine.attenuation, 0, 1) * 255).astype(np.uint8),
            "mask": fine.mask.astype(np.uint8),
        }
        cut = {name: fitted(image, columns) for name, image in images.items()}
        samples.append(cut | {"pose": fine.pose, "seed": fine.seed, "metadata": {"scene": "qa"}})
    return samples


def fitted(image: np.ndarray, columns: int) -> np.ndarray:
    """An image with columns cut or added at its right."""
    wide = np.zeros((image.shape[0], columns), np.uint8)
    kept = min(columns, image.shape[1])
    wide[:, :kept] = image[:, :kept]
    return wide


def write(folder: Path, samples: list[Sample], frames: int) -> float:
    """Write a dataset; returns frames a second."""
    rows, columns = samples[0]["bmode"].shape
    begin = time.perf_counter()
    with create(folder, Layout(frames, rows, columns, IMAGES)) as writer:
        for block in range(writer.layout.blocks):
            numbers = writer.layout.block(block)
            writer.write(block, [samples[k % DISTINCT] for k in numbers])
    return frames / (time.perf_counter() - begin)


def read(folder: Path, numbers: np.ndarray, ready: Any = None) -> None:
    """Read samples, in a process of its own once all have opened the dataset."""
    dataset = Dataset(folder, IMAGES)
    dataset[0]
    if ready is not None:
        ready.wait()
    for number in numbers.tolist():
        dataset[number]
    if ready is not None:
        ready.wait()


def read_rate(folder: Path, frames: int, processes: int, random: bool) -> float:
    """Frames a second of samples read in some order by some processes, each its share."""
    rng = np.random.default_rng(0)
    order = np.arange(4 * frames) % frames
    order = rng.permutation(order) if random else order
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    shares = np.array_split(order, processes)
    started = [context.Process(target=read, args=(folder, share, ready)) for share in shares]
    for process in started:
        process.start()
    ready.wait()
    begin = time.perf_counter()
    ready.wait()
    took = time.perf_counter() - begin
    for process in started:
        process.join()
    return len(order) / took


def measure(place: str | None) -> list[dict[str, Any]]:
    """A row for every size."""
    rows = []
    for height, width, frames in SIZES:
        samples = simulated(height, width)
        with tempfile.TemporaryDirectory(dir=place) as folder:
            data = Path(folder) / "data.zarr"
            row: dict[str, Any] = {"rows": height, "columns": width, "frames": frames}
            row["written"] = write(data, samples, frames)
            sizes = [file.stat().st_size for file in data.rglob("*") if file.is_file()]
            row["bytes"] = sum(sizes) / frames
            row["raw"] = len(IMAGES) * height * width
            row["sequential"] = read_rate(data, frames, 1, random=False)
            for count in PROCESSES:
                row[f"random_{count}"] = read_rate(data, frames, count, random=True)
        rows.append(row)
    return rows


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    on = result["machine"]
    heads = ["pixels", "kB a frame", "of raw [%]", "written", "read in order", "read at random"]
    heads += [f"by {count} processes" for count in PROCESSES[1:]]
    lines = [
        f"Frames a second, five images each; {where(on)}, load {on['load']}; "
        f"commit {result['commit']}.",
        "",
        f"| {' | '.join(heads)} |",
        "|" + "---|" * len(heads),
    ]
    for row in result["rows"]:
        rates = [row["written"], row["sequential"], *(row[f"random_{n}"] for n in PROCESSES)]
        cells = [f"{row['rows']} x {row['columns']}", f"{row['bytes'] / 1e3:.1f}"]
        cells += [f"{100.0 * row['bytes'] / row['raw']:.0f}", *(f"{rate:,.0f}" for rate in rates)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", help="to write to; the system's temporary one if not given")
    given = parser.parse_args()
    result = {"commit": commit(), "machine": machine(), "rows": measure(given.folder)}
    print(json.dumps(result) if given.json else table(result))


if __name__ == "__main__":
    main()
