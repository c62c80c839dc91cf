"""How long a translation takes: network by network, way by way, and from a pose to the image.

    python benchmarks/inference.py [--recipes l2h-msa conpres] [--ways fp32 bf16 onnx] [--json]
    python benchmarks/inference.py --device cuda       on a machine with a GPU
    python benchmarks/inference.py --run RUN           a trained run instead of random weights
    python benchmarks/inference.py --readme            the table in README.md is rewritten

Weights are random unless a run is given: how long it takes does not depend on them. A time is
the median of at least three images, one at a time, after two that do not count; arrays lie on
the device already, and the image stays there. From pose to image all is counted: rendering on
that device, the way through the host, translation, and the frame on the host; the last column has
images stay on the device from the rays to the translated image.

L2H networks enhance fast images; CUT and ConPres make simulated images realistic.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from insonate import Settings, Simulator, load_probe, load_scene, look_at
from insonate.data.batches import Chance
from insonate.errors import InputError
from insonate.recipe import Run, load_recipe, load_run
from insonate.sim.quiet import start_engine
from insonate.translation import Translator, export_onnx
from insonate.translation.onnx_network import OnnxNetwork
from insonate.translation.torch_network import TorchNetwork
from report import REPOSITORY, commit, machine, where, write_table

#: Rows and columns: the full field of view of the paper, and the small datasets.
SIZES = ((1000, 1386), (256, 354))
#: What is done to the networks, by name.
WAYS: dict[str, dict[str, Any]] = {
    "fp32": {},
    "fp32 channels_last": {"channels_last": True},
    "bf16": {"precision": "bf16"},
    "bf16 channels_last": {"precision": "bf16", "channels_last": True},
    "fp32 compile": {"compile": True},
    "bf16 channels_last compile": {"precision": "bf16", "channels_last": True, "compile": True},
}
ALL_WAYS = (*WAYS, "onnx")
#: Of the networks that are measured; each as in its paper, and small enough for a CPU.
RECIPES = ("l2h-msa", "l2h-msa-tiny", "cut", "cut-tiny", "conpres", "conpres-tiny")
ENOUGH = 4.0  # s, of repetitions
FEWEST, MOST = 3, 50


def random_run(recipe: str, regions: tuple[str, ...]) -> Run:
    """A run of a recipe that has learned nothing."""
    said = load_recipe(REPOSITORY / "recipes" / f"{recipe}.yaml")
    torch.manual_seed(0)
    return Run(said, said.method.build(len(regions)).eval(), regions, 0, Path(recipe))


def arrays(run: Run, rows: int, columns: int) -> dict[str, np.ndarray]:
    """One frame of noise, in the ranges of a dataset."""
    rng = np.random.default_rng(0)
    given: dict[str, np.ndarray] = {}
    for name in dict.fromkeys((*run.method.inputs, "mask")):
        values = rng.random((1, 1, rows, columns), np.float32)
        if name == "labels":
            values = rng.integers(0, len(run.regions), (1, rows, columns))
        given[name] = np.ones_like(values) if name == "mask" else values
    return given


def median_ms(work: Callable[[], object], device: str = "cpu") -> float:
    """Median time of some work [ms]."""

    def timed() -> float:
        begin = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    for _ in range(2):
        timed()
    times: list[float] = []
    while len(times) < FEWEST or (sum(times) < ENOUGH and len(times) < MOST):
        times.append(timed())
    return 1e3 * statistics.median(times)


def torch_ms(run: Run, way: str, device: str, size: tuple[int, int]) -> float:
    """Time of an image in torch [ms]."""
    run = dataclasses.replace(run, method=run.method.cpu().float())
    network = TorchNetwork(run, device, **WAYS[way])
    given = {n: torch.from_numpy(a).to(device) for n, a in arrays(run, *size).items()}
    return median_ms(lambda: network.images(given, Chance(0, 0)), device)


def onnx_ms(path: Path, run: Run, device: str, size: tuple[int, int]) -> float:
    """Time of an image in onnxruntime [ms], from host to host."""
    network, given = OnnxNetwork(path, device), arrays(run, *size)
    return median_ms(lambda: network(given, 0, 0))


def network_rows(name: str, make: Callable[[], Run], given: argparse.Namespace) -> list[dict]:
    """A row for every size and way of a network; what cannot be done here has no time."""
    rows = []
    method = make().method
    weights = sum(w.numel() for n in method.used for w in method.get_submodule(n).parameters())
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        if "onnx" in given.ways:
            export_onnx(make(), model)
        for size in SIZES:
            for way in given.ways:
                try:
                    took = (
                        onnx_ms(model, make(), given.device, size)
                        if way == "onnx"
                        else torch_ms(make(), way, given.device, size)
                    )
                except (InputError, RuntimeError) as error:
                    print(f"{name} {way}: {str(error).splitlines()[0]}")
                    continue
                rows.append(
                    {"network": name, "weights": weights, "size": size, "way": way, "ms": took}
                )
    return rows


def end_to_end(name: str, make: Callable[[], Run], device: str, rows: int) -> dict[str, Any]:
    """Stages from a pose to the translated image [ms]."""
    way = "bf16 channels_last" if device != "cpu" else "fp32"
    settings = Settings.fast()
    display = dataclasses.replace(settings.display, rows=rows)
    scene, probe = load_scene("qa"), load_probe("paper_convex")
    simulator = Simulator(scene, probe, settings.replace(display=display), device=device)
    regions = tuple(region.name for region in scene.regions)
    run = dataclasses.replace(make(), regions=regions)
    look = Translator(TorchNetwork(run, device, **WAYS[way]))
    pose = look_at(at=(0, 0, 0), aim=(0, 10, 0))
    frame = simulator.frame(pose)
    return {
        "network": name, "size": frame.bmode.shape, "way": way,
        "render": median_ms(lambda: simulator.frame(pose)),
        "translate": median_ms(lambda: look(frame)),
        "total": median_ms(lambda: look(simulator.frame(pose))),
        "stays": median_ms(lambda: look.on_device([simulator.device_frame(pose)]), device),
    }  # fmt: skip


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything, as the JSON object that `--json` prints."""
    on = machine(given.device)
    if given.device != "cpu":
        on["device"] = torch.cuda.get_device_name(given.device)
    start_engine(given.device)
    scene = load_scene("qa")
    regions = tuple(region.name for region in scene.regions)
    networks: dict[str, Callable[[], Run]] = {
        name: lambda name=name: random_run(name, regions) for name in given.recipes
    }
    if given.run:
        networks = {given.run.name: lambda: load_run(given.run)}
    rows = [row for name, make in networks.items() for row in network_rows(name, make, given)]
    stages = []
    if not given.run:  # a run knows the regions of its data, not those of the phantom
        for name, make in networks.items():
            stages += [end_to_end(name, make, given.device, size) for size, _ in SIZES]
    return {"commit": commit(), "machine": on, "torch": torch.__version__,
            "threads": torch.get_num_threads(), "trained": bool(given.run), "rows": rows,
            "stages": stages}  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    on = result["machine"]
    weights = "trained weights" if result["trained"] else "random weights"
    ways = list(dict.fromkeys(row["way"] for row in result["rows"]))
    lines = [
        f"ms an image, {weights}; {where(on)}, load {on['load']}, torch {result['torch']}, commit "
        f"{result['commit']}. Zhang et al. report 12.6 ms for the full field of view (RTX 2080 Ti, "
        "TensorRT).",
        "",
        f"| network | weights | pixels | {' | '.join(ways)} |",
        "|" + "---|" * (3 + len(ways)),
    ]
    for name, count, size in dict.fromkeys(
        (row["network"], row["weights"], tuple(row["size"])) for row in result["rows"]
    ):
        found = {
            row["way"]: row["ms"]
            for row in result["rows"]
            if row["network"] == name and tuple(row["size"]) == size
        }
        cells = [f"{found[way]:.1f}" if way in found else "" for way in ways]
        lines.append(
            f"| {name} | {count / 1e6:.1f} M | {size[0]} x {size[1]} | {' | '.join(cells)} |"
        )
    return "\n".join(lines + stage_table(result["stages"]))


def stage_table(stages: list[dict[str, Any]]) -> list[str]:
    """Lines of the second table: from a pose to the translated image."""
    if not stages:
        return []
    lines = ["", "| pose to image | pixels | way | render | translate | together | staying on the "
             "device [ms] |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in stages:
        size = " x ".join(map(str, row["size"]))
        times = " | ".join(f"{row[name]:.1f}" for name in ("render", "translate", "total", "stays"))
        lines.append(f"| {row['network']} | {size} | {row['way']} | {times} |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--run", type=Path, help="folder of a trained run")
    parser.add_argument("--ways", nargs="+", choices=ALL_WAYS, default=list(ALL_WAYS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    given = parser.parse_args()
    result = measure(given)
    print(json.dumps(result) if given.json else table(result))
    if given.readme:
        write_table("inference", table(result))


if __name__ == "__main__":
    main()
