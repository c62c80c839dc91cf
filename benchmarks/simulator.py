"""How fast a frame is: per stage, from a cold start, after a deformation, beside others.

    python benchmarks/simulator.py              a table
    python benchmarks/simulator.py --json       one JSON object
    python benchmarks/simulator.py --readme     the table in README.md is rewritten

A frame is what `Simulator.frame` returns: 256 lines of 3072 samples, traced, textured, received,
compressed and scan-converted to 1000 x 1386 pixels, with the labels, the attenuation map, the
shadow map and the mask. The scene has 675 840 triangles (`nested.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from insonate.sim import Settings, Simulator
from nested import benchmark_probe, breathe, nested, pose
from peers import PEERS, measure, peak_memory
from report import commit, machine, where, write_table


def spread(times: list[float]) -> dict[str, float]:
    """Least and median of `times` [ms]."""
    return {"min": round(min(times), 2), "median": round(float(np.median(times)), 2)}


def time_frames(simulator: Simulator, repeats: int) -> dict[str, float]:
    """Times of whole frames, each with another seed, after three to warm up [ms].

    `cpu` is the least time summed over cores, which neighbours on the machine hardly change.
    """
    times, work = [], []
    for seed in range(-3, repeats):
        begin, cpu = time.perf_counter(), time.process_time()
        simulator.frame(pose(), seed=abs(seed))
        if seed >= 0:
            times.append((time.perf_counter() - begin) * 1e3)
            work.append((time.process_time() - cpu) * 1e3)
    return spread(times) | {"cpu": round(min(work), 2)}


def time_stages(simulator: Simulator, repeats: int) -> dict[str, float]:
    """Least time of every stage [ms]; their sum exceeds no frame's time by much."""
    simulator.launch.profile = True
    seen: dict[str, list[float]] = {}
    for seed in range(repeats):
        simulator.frame(pose(), seed=seed)
        for stage, took in simulator.timings.items():
            seen.setdefault(stage, []).append(took)
    simulator.launch.profile = False
    return {stage: round(min(times), 2) for stage, times in seen.items()}


def time_refit(simulator: Simulator, repeats: int) -> dict[str, float]:
    """Times to move every vertex: upload, bounding volumes, normals [ms]."""
    shapes = [breathe(simulator.scene, amount) for amount in (0.0, 1.0, 2.0)]
    times = []
    for k in range(-2, repeats):
        begin = time.perf_counter()
        simulator.set_vertices(shapes[k % 3])
        simulator.launch.synchronize()
        if k >= 0:
            times.append((time.perf_counter() - begin) * 1e3)
    simulator.set_vertices(simulator.scene.vertices)
    return spread(times)


def first_frame(device: str) -> dict[str, float]:
    """In this process: build and first frame [s], and the most memory it took [MB]."""
    scene, probe = nested(), benchmark_probe()
    begin = time.perf_counter()
    simulator = Simulator(scene, probe, Settings.fast(), device=device)
    built = time.perf_counter()
    simulator.frame(pose())
    fast = time.perf_counter()
    memory = peak_memory()
    simulator.configure(settings=Settings.fine())
    simulator.frame(pose())
    return {
        "build_s": round(built - begin, 2),
        "frame_s": round(fast - built, 2),
        "memory_fast_mb": memory,
        "memory_fine_mb": peak_memory(),
    }


def fresh_process(device: str, cache: str) -> dict[str, float]:
    """`first_frame` in a new process whose kernel cache is the folder `cache`."""
    command = [sys.executable, __file__, "--first-frame", "--device", device]
    environment = os.environ | {"WARP_CACHE_PATH": cache}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def starts(device: str) -> dict[str, dict[str, float]]:
    """First frames with an empty kernel cache and with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        return {name: fresh_process(device, cache) for name in ("cold", "warm")}


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Everything, as the JSON object that `--json` prints."""
    scene, probe = nested(), benchmark_probe()
    simulator = Simulator(scene, probe, Settings.fast(), device=options.device)
    on = machine(str(simulator.launch.device.name) if options.device != "cpu" else "cpu")
    frames, stages, image = {}, {}, (0, 0)
    for quality in ("fast", "fine"):
        simulator.configure(settings=Settings.preset(quality))
        frames[quality] = time_frames(simulator, options.repeats)
        stages[quality] = time_stages(simulator, options.repeats)
        image = simulator.frame(pose()).bmode.shape
    refit = time_refit(simulator, options.repeats)
    del simulator
    return {
        "commit": commit(),
        "machine": on,
        "triangles": len(scene.faces),
        "scanlines": probe.scanlines,
        "samples": probe.samples,
        "image": list(image),
        "side_products": ["labels", "attenuation", "shadow", "mask"],
        "repeats": options.repeats,
        "fast_ms": frames["fast"]["min"],
        "fine_ms": frames["fine"]["min"],
        "refit_ms": refit["min"],
        "fast": frames["fast"],
        "fine": frames["fine"],
        "refit": refit,
        "stages": stages,
        "first_frame": starts(options.device),
        "peers": beside(options, frames["fast"]["min"], frames["fine"]["min"]),
    }


def beside(options: argparse.Namespace, fast: float, fine: float) -> dict[str, Any]:
    """One frame of every peer that is installed, and how many of ours fit into it."""
    found = {}
    for name in options.peers:
        peer = measure(name, options.scatterers, options.peers_python)
        if peer is not None:
            ratios = {"over_fast": peer["frame_ms"] / fast, "over_fine": peer["frame_ms"] / fine}
            found[name] = peer | {key: round(ratio) for key, ratio in ratios.items()}
    return found


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    on, stages, first = result["machine"], result["stages"], result["first_frame"]
    rows, columns = result["image"]
    lines = [
        f"{result['triangles']:,} triangles, {result['scanlines']} lines x {result['samples']} "
        f"samples, {rows} x {columns} pixels, with {', '.join(result['side_products'])}; "
        f"{where(on)}, load {on['load']}; least (median) of {result['repeats']}; "
        f"commit {result['commit']}.",
        "",
        "| ms | `fast` (1 ray, 1 layer) | `fine` (32 rays, 3 layers) |",
        "|---|---|---|",
    ]
    lines.append("| **frame** | " + " | ".join(_least(result[q]) for q in ("fast", "fine")) + " |")
    if on["device"] == "cpu":
        work = " | ".join(f"{result[q]['cpu']:.1f}" for q in ("fast", "fine"))
        lines.append(f"| summed over cores | {work} |")
    for stage in stages["fine"]:
        cells = [f"{stages[q][stage]:.1f}" if stage in stages[q] else "" for q in stages]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    cold, warm = first["cold"], first["warm"]
    lines += [
        "",
        f"All vertices moved: {_least(result['refit'])} ms. First frame of a new process: "
        f"{cold['build_s'] + cold['frame_s']:.1f} s when kernels must be compiled, "
        f"{warm['build_s'] + warm['frame_s']:.1f} s after that, of which the scene takes "
        f"{warm['build_s']:.1f} s. Memory: {warm['memory_fast_mb']:.0f} MB `fast`, "
        f"{warm['memory_fine_mb']:.0f} MB `fine`.",
    ]
    return "\n".join([*lines, *_peer_rows(result)])


def _least(times: dict[str, float]) -> str:
    return f"{times['min']:.1f} ({times['median']:.1f})"


def _peer_rows(result: dict[str, Any]) -> list[str]:
    if not result["peers"]:
        return []
    lines = [
        "",
        "What else can be installed, for one frame of the same probe, run on the CPU of the same "
        "machine. They sum point scatterers over array elements and know no anatomy; each got one "
        "unfocused transmit and few scatterers, and its time grows with both.",
        "",
        "| | scatterers | s | `fast` frames in that time | covers |",
        "|---|---|---|---|---|",
    ]
    for name, peer in result["peers"].items():
        lines.append(
            f"| {name} {peer['version']} | {peer['scatterers']} | {peer['frame_ms'] / 1e3:.1f} | "
            f"{peer['over_fast']:,} | {peer['covers']} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument("--repeats", type=int, default=20, help="at least 15 for a record")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter with the peers")
    parser.add_argument("--scatterers", type=int, default=1000, help="for the peers")
    parser.add_argument("--first-frame", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first_frame:
        print(json.dumps(first_frame(options.device)))
        return
    result = measure_all(options)
    if options.readme:
        write_table("benchmark", table(result))
    print(json.dumps(result) if options.json else table(result))


if __name__ == "__main__":
    main()
