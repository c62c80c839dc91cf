"""How the cost of a frame grows with rays, layers, triangles, samples and scanlines.

    python benchmarks/scaling.py            up to 0.7 M triangles and 32 rays, a minute or two
    python benchmarks/scaling.py --full     up to 5 M triangles, 64 rays and 15 layers
    python benchmarks/scaling.py --json     one JSON object instead of tables

One number is swept at a time; the others stay at 8 rays, 3 layers, 3072 samples, 256 lines and
the small scene of `nested.py`. The sweep over triangles adds the time to build a simulator and
the time to move all vertices.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from insonate.probe import Probe
from insonate.scene import Scene
from insonate.sim import Settings, Simulator
from nested import benchmark_probe, nested, pose
from report import commit, machine
from simulator import time_refit

#: Subdivisions of the nested balls' icosahedra, from 7 680 triangles to 5 345 280.
SCENES = (
    (3, 3, 3, 3, 3, 3),
    (4, 4, 4, 4, 4, 4),
    (5, 5, 5, 5, 5, 5),
    (6, 6, 6, 7, 6, 5),
    (7, 7, 7, 8, 7, 6),
    (8, 8, 8, 8, 6, 5),
)
SMALL = (5, 5, 5, 5, 5, 5)
BASE = Settings.fine(rays=8, layers=3)

Row = dict[str, float]


def least_frame(simulator: Simulator, repeats: int) -> Row:
    """Least times of a frame, and of its stages that sweeps change [ms]."""
    whole: list[float] = []
    stages: list[dict[str, float]] = []
    simulator.launch.profile = True
    for seed in range(-1, repeats):
        begin = time.perf_counter()
        simulator.frame(pose(), seed=abs(seed))
        whole.append((time.perf_counter() - begin) * 1e3)
        stages.append(dict(simulator.timings))
    simulator.launch.profile = False
    kept = ("trace", "amplitude", "scatter")
    least = {f"{name}_ms": min(stage.get(name, 0.0) for stage in stages[1:]) for name in kept}
    return {"frame_ms": min(whole[1:])} | least


class Sweeps:
    """Runs sweeps on one device."""

    def __init__(self, device: str, full: bool, repeats: int):
        self.device, self.full, self.repeats = device, full, repeats
        self.scene = nested(SMALL)
        self.simulator = Simulator(self.scene, benchmark_probe(), BASE, device=device)

    def settings(self, name: str, values: Sequence[int]) -> Iterator[Row]:
        """Sweep a setting."""
        for value in values:
            self.simulator.configure(settings=BASE.replace(**{name: value}))
            yield {name: value} | least_frame(self.simulator, self.repeats)
        self.simulator.configure(settings=BASE)

    def probe(self, name: str, values: Sequence[int]) -> Iterator[Row]:
        """Sweep a number of the probe."""
        for value in values:
            self.simulator.configure(probe=benchmark_probe(**{name: value}))
            yield {name: value} | least_frame(self.simulator, self.repeats)
        self.simulator.configure(probe=benchmark_probe())

    def triangles(self) -> Iterator[Row]:
        """Sweep the scene."""
        for levels in SCENES if self.full else SCENES[:4]:
            yield _of_scene(nested(levels), benchmark_probe(), self.device, self.repeats)

    def all(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """The sweeps by name."""
        more = self.full
        rays = (1, 2, 4, 8, 16, 32, 64) if more else (1, 4, 16, 32)
        layers = (1, 3, 5, 9, 15) if more else (1, 3, 5)
        samples = (2560, 3072, 4096, 6144, 8192) if more else (3072, 6144)
        lines = (64, 128, 256, 512, 1024) if more else (128, 256, 512)
        return {
            "rays": lambda: self.settings("rays", rays),
            "layers": lambda: self.settings("layers", layers),
            "samples": lambda: self.probe("samples", samples),
            "scanlines": lambda: self.probe("scanlines", lines),
            "triangles": self.triangles,
        }


def _of_scene(scene: Scene, probe: Probe, device: str, repeats: int) -> Row:
    begin = time.perf_counter()
    simulator = Simulator(scene, probe, BASE, device=device)
    built = (time.perf_counter() - begin) * 1e3
    frame = least_frame(simulator, repeats)
    refit = time_refit(simulator, repeats)["min"]
    return {"triangles": len(scene.faces)} | frame | {"build_ms": built, "refit_ms": refit}


def growth(rows: Sequence[Row], name: str) -> str:
    """What the frame costs at the end of a sweep against its beginning."""
    first, last = rows[0], rows[-1]
    one_more = (last["frame_ms"] - first["frame_ms"]) / (last[name] - first[name])
    times, more = last["frame_ms"] / first["frame_ms"], last[name] / first[name]
    return f"{more:.3g} times the {name}: {times:.2g} times the frame, {one_more:.3g} ms each"


def table(name: str, rows: Sequence[Row]) -> str:
    """One sweep as Markdown."""
    heads = [head.replace("_ms", " ms") for head in rows[0]]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [f"{v:,.0f}" if k == name else f"{v:.1f}" for k, v in row.items()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, f"\n{growth(rows, name)}\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--full", action="store_true", help="to 5 M triangles, 64 rays")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument("--repeats", type=int, default=4, help="the least of so many is shown")
    options = parser.parse_args()
    sweeps: dict[str, Any] = {}
    for name, sweep in Sweeps(options.device, options.full, options.repeats).all().items():
        sweeps[name] = [{key: round(value, 3) for key, value in row.items()} for row in sweep()]
        if not options.json:
            print(table(name, sweeps[name]), flush=True)
    if options.json:
        about = {"commit": commit(), "machine": machine(options.device)}
        print(json.dumps(about | {"sweeps": sweeps}))


if __name__ == "__main__":
    main()
