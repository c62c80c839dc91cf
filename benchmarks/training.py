"""How fast methods are trained, what they wait for, and how much memory that takes.

    python benchmarks/training.py recipes/l2h-msa-tiny.yaml recipes/l2h-msa.yaml --steps 20
    python benchmarks/training.py RECIPE ... --data pairs.zarr --device cuda --workers 8
    python benchmarks/training.py recipes/conpres-tiny.yaml --data realism.zarr --real hc18.zarr
    python benchmarks/training.py RECIPE ... --changes training.precision=bf16
    python benchmarks/training.py RECIPE ... --out training.json --readme

Without --data, frames are the simulated phantom of benchmarks/dataset.py: 256 x 354 pixels, or
1000 x 1386 if the recipe's windows need it; the same images are the real ones. Each recipe runs in
a process of its own. First come steps that are not timed, then those that give the rate and the
share of waiting, then some with the parts of a step timed one by one, which makes a GPU wait and is
not in the rate.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dataset import IMAGES, simulated
from insonate.data.batches import Batch
from insonate.data.dataset import Attributes, Layout, create
from insonate.recipe import Recipe, load_recipe
from insonate.recipe.experiment import Sources, assemble
from insonate.training import snapshot
from insonate.training.checkpoint import write_checkpoint
from insonate.training.feed import feed
from insonate.training.log import Clock, memory
from insonate.training.loop import Loop
from insonate.training.ranks import Ranks
from insonate.training.validation import Validation
from report import commit, machine, where, write_table

SMALL, LARGE, FRAMES = (256, 354), (1000, 1386), 64
#: Arrays of real images.
REAL = ("bmode", "mask")


def phantom(folder: Path, rows: int, columns: int) -> Sources:
    """Datasets of pairs, and of the same images as real ones; one frame in eight is held out."""
    samples = simulated(rows, columns)
    regions = 1 + max(int(sample["labels"].max()) for sample in samples)
    about = Attributes(regions=tuple(f"region {k}" for k in range(regions)))
    return Sources(
        _written(folder / "pairs.zarr", Layout(FRAMES, rows, columns, IMAGES, shard=16), samples,
                 about),
        _written(folder / "real.zarr", Layout(FRAMES, rows, columns, REAL, shard=16), samples,
                 Attributes()),
    )  # fmt: skip


def _written(path: Path, layout: Layout, samples: list[dict[str, Any]], about: Attributes) -> str:
    with create(path, layout, about) as writer:
        for block in range(layout.blocks):
            chosen = [(samples[k % len(samples)], k) for k in layout.block(block)]
            writer.write(
                block,
                [{name: sample[name] for name in layout.images} | {"split": int(k % 8 == 7)}
                 for sample, k in chosen],
            )  # fmt: skip
    return str(path)


class Stopwatch:
    """Seconds by the name of what took them."""

    def __init__(self, device: torch.device):
        self.device, self.seconds = device, {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Add a block to a name; a GPU is waited for."""
        begin = self._now()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self._now() - begin

    def timed(self, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose calls are added to a name."""

        def call(*given: Any) -> Any:
            with self.timing(name):
                return do(*given)

        return call

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def rate(loop: Loop, batches: Iterator[Batch], steps: int) -> dict[str, float]:
    """Steps a second, and the share of waiting for data."""
    if loop.ranks.device.type == "cuda":
        torch.cuda.synchronize()
    clock = Clock()
    for _ in range(steps):
        with clock.waiting():
            batch = next(batches)
        loop.advance(batch)
    if loop.ranks.device.type == "cuda":
        torch.cuda.synchronize()
    return clock.read(steps)


def parts(loop: Loop, batches: Iterator[Batch], steps: int) -> dict[str, float]:
    """Seconds of a step by part: losses, gradients with the optimiser, averages."""
    watch = Stopwatch(loop.ranks.device)
    loop.optimisers.update = watch.timed("update", loop.optimisers.update)
    loop.averages.update = watch.timed("average", loop.averages.update)
    for _ in range(steps):
        batch = next(batches)
        with watch.timing("step"):
            loop.advance(batch)
    found = {name: seconds / steps for name, seconds in watch.seconds.items()}
    found["losses"] = found["step"] - found["update"] - found["average"]
    return found


def around(loop: Loop, validation: Validation) -> dict[str, float]:
    """Seconds to validate a frame and to write a checkpoint, and its size [MB]."""
    watch = Stopwatch(loop.ranks.device)
    with loop.translating() as method:
        validation.measures(method)  # another size of image: not timed at first
        with watch.timing("validate"):
            validation.measures(method)
    with tempfile.TemporaryDirectory() as folder, watch.timing("checkpoint"):
        files = snapshot.files(loop.method, loop.averages, loop.optimisers)
        path = write_checkpoint(Path(folder), loop.step, files, {}, keep=1)
        size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    frames = max(len(validation.indices), 1)
    return {
        "validate": watch.seconds["validate"] / frames,
        "checkpoint": watch.seconds["checkpoint"],
        "megabytes": size,
    }


def row(recipe: Recipe, name: str, sources: Sources, given: argparse.Namespace) -> dict[str, Any]:
    """Everything about a recipe."""
    ranks = Ranks(given.device, precision=recipe.training.precision)
    with torch.device("meta"):
        unpaired = recipe.method.build(2).real
    sources = sources if unpaired else Sources(sources.data)
    method, batches, validation = assemble(recipe, sources, ranks)
    validation.indices = validation.indices[:2]
    loop = Loop(method, batches, recipe.training, ranks)
    method.train()
    short = max(given.steps // 4, 2)
    fed = feed(batches, range(given.warm + given.steps + short), ranks.device)
    rate(loop, fed, given.warm)
    measured = rate(loop, fed, given.steps)
    peak = memory(ranks.device)["memory"]
    weights = {name: sum(p.numel() for p in net.parameters()) for name, net in
               method.named_children()}  # fmt: skip
    return {
        "recipe": name, "precision": recipe.training.precision, "size": recipe.batches.size,
        "crop": recipe.batches.crop, "workers": recipe.batches.workers, "weights": weights,
        "threads": torch.get_num_threads(), "steps": given.steps, "memory": peak,
        **measured, "parts": parts(loop, fed, short), **around(loop, validation),
    }  # fmt: skip


def chosen(name: str, given: argparse.Namespace) -> Recipe:
    """The recipe of a file, with the changes of the command line."""
    changes = [tuple(change.split("=", 1)) for change in given.changes]
    if given.workers is not None:
        changes.append(("batches.workers", str(given.workers)))
    return load_recipe(Path(name), changes)


def apart(do: Callable[..., Any], *given: Any) -> Any:
    """Call a function in a process of its own, whose memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(do, *given).result()


def measured(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """A recipe's row."""
    recipe, stem = chosen(name, given), Path(name).stem
    if given.data:
        return apart(row, recipe, stem, Sources(given.data, given.real), given)
    size = SMALL if (recipe.batches.crop or 0) <= SMALL[0] else LARGE
    with tempfile.TemporaryDirectory() as folder:
        return apart(row, recipe, stem, apart(phantom, Path(folder), *size), given)


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything, as the JSON object that `--out` writes."""
    on = machine(given.device)
    if given.device.startswith("cuda"):
        on["device"] = torch.cuda.get_device_name()
    rows = [measured(name, given) for name in given.recipes]
    return {"commit": commit(), "machine": on, "torch": str(torch.__version__), "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    on = result["machine"]
    lines = [
        f"{where(on)}, load {on['load']}, torch {result['torch']}, commit {result['commit']}; "
        "waiting is the share of time without a batch to compute on.",
        "",
        "| recipe | precision | batch | steps/s | samples/s | waiting | losses, update, average "
        "[ms] | peak memory [GB] | checkpoint |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in result["rows"]:
        ms = " + ".join(f"{1e3 * r['parts'][name]:.0f}" for name in ("losses", "update", "average"))
        batch = f"{r['size']} x {r['crop'] or 'whole'}"
        lines.append(
            f"| {r['recipe']} | {r['precision']} | {batch} | {r['steps_per_second']:.3g} "
            f"| {r['steps_per_second'] * r['size']:.3g} | {100 * r['waiting']:.1f} % | {ms} "
            f"| {r['memory'] / 1024:.1f} | {r['megabytes']:.0f} MB in {r['checkpoint']:.1f} s |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--data", help="folder or URL of a dataset; the phantom when left out")
    parser.add_argument("--real", help="folder or URL of real images, for recipes that need some")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--warm", type=int, default=5)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--changes", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, help="JSON is written there")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    given = parser.parse_args()
    result = measure(given)
    print(table(result))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if given.readme:
        write_table("training", table(result))


if __name__ == "__main__":
    main()
