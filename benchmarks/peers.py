"""One frame by other simulators that `pip install` brings, on the benchmark's probe.

    python benchmarks/peers.py pymust     prints one JSON object

Every peer sums the echoes of point scatterers over the elements of the array; none of them
knows anatomy, refraction or labels. Each gets the same probe (192 elements, 8 MHz, 70 degrees,
15 cm), one unfocused transmit and the same few scatterers, because their cost grows with the
number of scatterers and transmits: Insonate's frame holds focused lines and a scatterer in every
0.15 mm voxel. The ratios in the README are therefore in the peers' favour.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "measure", "peak_memory"]

SPEED = 1540.0  # m/s; the peers take SI units
ELEMENTS, PITCH, WIDTH, RADIUS = 192, 0.255e-3, 0.23e-3, 40e-3
FREQUENCY, BANDWIDTH, RATE = 8e6, 60.0, 32e6
DEPTH, VIEW, LINES, SAMPLES = 150e-3, np.radians(70.0), 256, 3072


@dataclass(frozen=True)
class Cloud:
    """Scatterers spread evenly over the fan: lateral and depth from the face [m]."""

    x: NDArray[np.float64]
    z: NDArray[np.float64]
    amplitude: NDArray[np.float64]


def peak_memory() -> int:
    """Most memory that this process held so far [MB]."""
    status = Path("/proc/self/status")  # ru_maxrss would count the parent before exec too
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _cloud(count: int) -> Cloud:
    rng = np.random.default_rng(0)
    angle = (rng.random(count) - 0.5) * VIEW
    reach = np.sqrt(rng.uniform(RADIUS**2, (RADIUS + DEPTH) ** 2, count))
    amplitude = rng.uniform(0.5, 1.5, count)
    return Cloud(reach * np.sin(angle), reach * np.cos(angle) - RADIUS, amplitude)


def _face() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions `(elements, 2)` [m] and angles of the elements [rad]."""
    angle = (np.arange(ELEMENTS, dtype=np.float64) - (ELEMENTS - 1) / 2.0) * PITCH / RADIUS
    return RADIUS * np.stack([np.sin(angle), np.cos(angle) - 1.0], axis=1), angle


def _clock(stages: dict[str, float], name: str, call: Callable[[], Any]) -> Any:
    begin = time.perf_counter()
    result = call()
    stages[name] = (time.perf_counter() - begin) * 1e3
    return result


def _pymust(cloud: Cloud) -> tuple[dict[str, float], str]:
    import pymust

    param = pymust.getparam("C5-2v")
    param.fc, param.bandwidth, param.c, param.fs = FREQUENCY, BANDWIDTH, SPEED, RATE
    param.Nelements, param.pitch, param.width = ELEMENTS, PITCH, WIDTH
    param.kerf, param.radius, param.fnumber = PITCH - WIDTH, RADIUS, 1.5
    chord = RADIUS - float(np.ravel(param.getElementPositions()[3])[0])
    delay, stages = pymust.txdelay(param, 0.0), {}
    x, z = cloud.x, cloud.z + chord
    echo = _clock(stages, "simus", lambda: pymust.simus(x, z, cloud.amplitude, delay, param)[0])
    iq = _clock(stages, "rf2iq", lambda: pymust.rf2iq(echo, RATE, FREQUENCY))
    grid_x, grid_z = _grid(chord)
    shape = 1j * np.array(iq.shape)
    image = []
    stages["dasmtx (once a geometry)"] = stages["das"] = stages["bmode"] = 0.0
    for part in np.array_split(np.arange(LINES), 8):  # the whole matrix needs 13 GB
        once: dict[str, float] = {}
        at = grid_x[:, part].copy(), grid_z[:, part].copy()
        matrix = _clock(
            once, "dasmtx (once a geometry)", lambda at=at: pymust.dasmtx(shape, *at, delay, param)
        )
        das = _clock(once, "das", lambda m=matrix: m @ iq.flatten(order="F"))
        image.append(das.reshape(at[0].shape, order="F"))
        stages = {name: ms + once.get(name, 0.0) for name, ms in stages.items()}
    _clock(stages, "bmode", lambda: pymust.bmode(np.concatenate(image, axis=1), 60))
    return stages, "RF, IQ, delay-and-sum on 256 x 3072 samples, log compression"


def _grid(chord: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lateral and depth of the samples `(samples, lines)` [m], depth from the array's chord."""
    angle = ((np.arange(LINES) + 0.5) / LINES - 0.5) * VIEW
    reach = RADIUS + (np.arange(SAMPLES)[:, None] + 0.5) * DEPTH / SAMPLES
    return reach * np.sin(angle), reach * np.cos(angle) - RADIUS + chord


def _zea(cloud: Cloud) -> tuple[dict[str, float], str]:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import jax  # pyright: ignore[reportMissingImports]
    from zea.simulator import simulate_rf  # pyright: ignore[reportMissingImports]

    face, _ = _face()
    face = np.insert(face, 1, 0.0, axis=1).astype(np.float32)
    at = np.stack([cloud.x, np.zeros_like(cloud.x), cloud.z], axis=1).astype(np.float32)
    zero, ones = np.zeros((1, ELEMENTS), np.float32), np.ones((1, ELEMENTS), np.float32)
    once = np.zeros(1, np.float32)

    def echo(at: Any, amplitude: Any) -> Any:
        return simulate_rf(
            at, amplitude, face, False, 1e-3, 1000.0, SPEED, 6500, FREQUENCY, RATE, zero, once,
            WIDTH, 0.0, ones, once,
        )  # fmt: skip

    compiled, batch, stages = jax.jit(echo), 100, {}
    amplitude = cloud.amplitude.astype(np.float32)
    compiled(at[:batch], amplitude[:batch]).block_until_ready()  # compile outside the clock

    def run() -> None:
        for k in range(0, len(at), batch):
            compiled(at[k : k + batch], amplitude[k : k + batch]).block_until_ready()

    _clock(stages, "simulate_rf", run)
    return stages, "RF alone, no beamforming; JAX on the CPU, compiled beforehand"


def _jaxus(cloud: Cloud) -> tuple[dict[str, float], str]:
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
    from jaxus import simulate_rf_transmit  # pyright: ignore[reportMissingImports]

    face, angle = _face()
    at = jnp.array(np.stack([cloud.x, cloud.z], axis=1))
    stages: dict[str, float] = {}

    def run() -> None:
        echo = simulate_rf_transmit(
            6500, at, jnp.array(cloud.amplitude), jnp.zeros(ELEMENTS), jnp.array(face),
            jnp.array(angle), jnp.ones(ELEMENTS), 0.0, WIDTH / (SPEED / FREQUENCY), RATE,
            FREQUENCY, wavefront_only=True,
        )  # fmt: skip
        echo.block_until_ready()

    _clock(stages, "simulate_rf_transmit", run)
    return (
        stages,
        "RF of the first wavefront alone, no beamforming; JAX on the CPU, compiling included",
    )


#: Name of the distribution, what to import, and one frame of it.
PEERS: dict[str, tuple[str, Callable[[Cloud], tuple[dict[str, float], str]]]] = {
    "pymust": ("PyMUST", _pymust),
    "zea": ("zea", _zea),
    "jaxus": ("jaxus", _jaxus),
}


def measure(name: str, scatterers: int, python: str = sys.executable) -> dict[str, Any] | None:
    """One frame by peer `name`, in a process of its own; None where it is not installed.

    Args:
        name: key of `PEERS`.
        scatterers: to simulate.
        python: interpreter of an environment with the peer.
    """
    command = [python, str(Path(__file__)), name, "--scatterers", str(scatterers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{name}: {(done.stderr.splitlines() or ['failed'])[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=sorted(PEERS))
    parser.add_argument("--scatterers", type=int, default=1000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    distribution, frame = PEERS[options.name]
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        print(f"{distribution} is not installed here", file=sys.stderr)
        return 1
    stages, covers = frame(_cloud(options.scatterers))
    once = sum(ms for stage, ms in stages.items() if "once" in stage)
    result = {
        "version": version,
        "covers": covers,
        "scatterers": options.scatterers,
        "transmits": 1,
        "frame_ms": round(sum(stages.values()) - once, 1),
        "stages": {stage: round(ms, 1) for stage, ms in stages.items()},
        "memory_mb": peak_memory(),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
