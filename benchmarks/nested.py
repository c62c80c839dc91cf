"""The benchmark's scene: nested bumpy balls behind an abdominal wall, of any triangle count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import load_tissues
from insonate.anatomy.solids import Solid, sphere
from insonate.geometry import look_at
from insonate.probe import Probe, load_probe
from insonate.scene import Region, Scene

__all__ = ["benchmark_probe", "breathe", "nested", "pose"]


@dataclass(frozen=True)
class Ball:
    """A closed body: its tissue, its diameter and the depth of its top [mm]."""

    tissue: str
    diameter: float
    top: float


#: From the outside in: a wall, placenta, a pocket of fluid with a small part in it. No bone and
#: no gas, so that most of the beam gets through; seven eighths of the fan are full of speckle.
BALLS = (
    Ball("skin", 200.0, 0.0),
    Ball("fat_subcutaneous", 194.0, 2.0),
    Ball("muscle_abdominal", 172.0, 14.0),
    Ball("placenta", 132.0, 30.0),
    Ball("amniotic_fluid", 70.0, 60.0),
    Ball("fetal_soft_tissue", 20.0, 80.0),
)
#: 675 840 triangles.
DEFAULT_LEVELS = (6, 6, 6, 7, 6, 5)
BUMP = 0.004  #: height of the bumps over the radius
GAP = 0.5  #: of gel between the probe's face and the skin [mm]


@cache
def _unit_sphere(level: int) -> Solid:
    return sphere((0.0, 0.0, 0.0), 1.0, level)


def _bumpy(ball: Ball, level: int) -> NDArray[np.float32]:
    """Vertices of a ball with bumps, world [mm]; y is depth."""
    unit = _unit_sphere(level).vertices
    bump = np.sin(9.0 * unit[:, 0]) * np.sin(7.0 * unit[:, 1]) * np.sin(8.0 * unit[:, 2])
    radius = ball.diameter / 2.0
    at = radius * (1.0 + BUMP * bump)[:, None] * unit + [0.0, ball.top + radius, 0.0]
    return at.astype(np.float32)


def nested(levels: tuple[int, ...] = DEFAULT_LEVELS, seed: int = 0) -> Scene:
    """The nested balls, their triangles in random order, without analytic normals.

    Args:
        levels: subdivisions of the icosahedron behind each ball; n of them make 20 * 4^n
            triangles, the default makes 675 840 in all.
        seed: of the order.
    """
    table = load_tissues()
    parts = [_bumpy(ball, level) for ball, level in zip(BALLS, levels, strict=True)]
    starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
    meshes = [_unit_sphere(level).faces + k for level, k in zip(levels, starts, strict=True)]
    faces = np.concatenate(meshes)
    inside = np.repeat(np.arange(1, len(BALLS) + 1), [len(mesh) for mesh in meshes])
    order = np.random.default_rng(seed).permutation(len(faces))
    return Scene(
        vertices=np.concatenate(parts),
        faces=faces[order],
        pairs=np.stack([inside - 1, inside], axis=1)[order].astype(np.int32),
        regions=(
            Region("outside", table["gel"]),
            *(Region(ball.tissue, table[ball.tissue]) for ball in BALLS),
        ),
        name="nested balls",
        provenance="analytic benchmark scene of this package",
    )


def breathe(scene: Scene, amount: float) -> NDArray[np.float32]:
    """All vertices moved by a smooth deformation of up to `amount` mm, `(vertices, 3)`."""
    at = scene.vertices
    shift = np.stack([np.sin(at[:, k - 1] / 25.0) for k in range(3)], axis=1)
    return (at + amount * shift).astype(np.float32)


def pose() -> NDArray[np.float64]:
    """Pose `(4, 4)` of a probe on the skin, looking at the middle."""
    return look_at((0.0, -GAP, 0.0), (0.0, 100.0, 0.0))


def benchmark_probe(**changes: object) -> Probe:
    """The probe of Zhang et al. 2020: 256 lines, 3072 samples, 70 degrees, 15 cm."""
    return load_probe("paper_convex").replace(**changes)
