"""Where the probe is and which one, from the words of the command line."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from tyro.conf import Positional, arg

from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.anatomy import View
    from insonate.probe import Probe
    from insonate.scene import Scene

__all__ = ["Placement", "anterior_pose", "patience"]

PROBE = "c5_2v"
PATIENCE = 3.0  # s


@dataclass(frozen=True)
class Placement:
    """The options that put a probe on a scene."""

    scene: Positional[Annotated[str, arg(metavar="SCENE")]]
    """a scene file (.yaml), a patient file (.json, .yaml), or the name of a scene that ships."""
    probe: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")] = None
    """of a probe that ships; that of the view, or c5_2v."""
    at: Annotated[str | None, arg(metavar="X,Y,Z", help_behavior_hint="")] = None
    """middle of the probe's face, world [mm]."""
    aim: Annotated[str | None, arg(metavar="X,Y,Z", help_behavior_hint="")] = None
    """a point on the central scanline, world [mm]."""
    roll: float = 0.0
    """turn about the central scanline [degrees]; 90 makes a transverse plane sagittal."""
    pose: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """one or many probe-to-world matrices [mm]: .json, .csv, .txt or .npy."""
    view: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")] = None
    """of the scene; its first one if nothing else is said."""
    depth: Annotated[float | None, arg(metavar="MM", help_behavior_hint="")] = None
    """of the image [mm]; that of the view or the probe."""
    data: Annotated[Path | None, arg(metavar="DIR", help_behavior_hint="")] = None
    """folder with the anatomy that the scene file names."""

    def load_scene(self) -> Scene:
        """The scene; a word of patience if it has to be built."""
        from insonate.anatomy import load_scene

        with patience():
            return load_scene(self.scene, self.data)

    def chosen_view(self) -> View | None:
        """The view asked for, or the scene's first, unless the probe is put in another way."""
        from insonate.anatomy import find_view, is_patient, views
        from insonate.sim.quiet import start_engine

        given = {"--at": self.at, "--pose": self.pose, "--view": self.view}
        ways = [option for option, value in given.items() if value is not None]
        if len(ways) > 1:
            raise InputError(f"{' and '.join(ways)}: expected one way to put the probe")
        if (self.at is None) != (self.aim is None):
            raise InputError("--at and --aim: expected both or neither")
        if is_patient(self.scene):
            start_engine()  # her views are looked for with its rays
        with patience():
            if self.view is not None:
                return find_view(self.scene, self.view, self.data)
            known = views(self.scene, self.data)
        return None if ways else next(iter(known.values()), None)

    def chosen_probe(self, view: View | None) -> Probe:
        """The probe asked for, or that of the view, at the depth asked for."""
        from insonate.probe import load_probe

        if self.probe is None and view is not None:
            probe = view.load_probe()
        else:
            probe = load_probe(self.probe or PROBE)
        return probe if self.depth is None else probe.replace(depth=self.depth)

    def poses(self, view: View | None) -> list[NDArray[np.float64]]:
        """Poses asked for, `(4, 4)` each [mm]; none if only the scene can tell."""
        from insonate.geometry import look_at
        from insonate.geometry.pose_file import read_poses

        if self.pose is not None:
            return read_poses(self.pose)
        if self.at is not None and self.aim is not None:
            at, aim = _point("--at", self.at), _point("--aim", self.aim)
            if not math.isfinite(self.roll):
                raise InputError(f"--roll: expected an angle in degrees, got {self.roll}")
            return [look_at(at, aim, math.radians(self.roll))]
        return [] if view is None else [view.pose()]


@contextmanager
def patience() -> Iterator[None]:
    """Say a word of patience if a scene takes long, because it has to be built."""
    words = "insonate: building the scene; it is kept for the next time"
    timer = threading.Timer(PATIENCE, print, [words], {"file": sys.stderr})
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _point(option: str, text: str) -> list[float]:
    try:
        point = [float(part) for part in text.split(",")]
    except ValueError:
        point = []
    if len(point) != 3 or not all(math.isfinite(value) for value in point):
        raise InputError(f"{option}: expected x,y,z in mm, such as 0,-120,30, got '{text}'")
    return point


def anterior_pose(scene: Scene) -> NDArray[np.float64]:
    """Pose `(4, 4)` [mm] of a probe on the front (-y) of a scene's middle, looking back."""
    from insonate.geometry import look_at

    lo, hi = (corner.astype(np.float64) for corner in scene.bounds())
    x, y, z = (lo[0] + hi[0]) / 2.0, lo[1], (lo[2] + hi[2]) / 2.0
    heights = _heights(scene, x, z)
    at = np.array([x, heights.min() if heights.size else y, z])
    return look_at(at, at + np.array([0.0, 1.0, 0.0]))


def _heights(scene: Scene, x: float, z: float) -> NDArray[np.float64]:
    """The y at which the line through (x, z) along y crosses triangles, `(crossings,)` [mm]."""
    corners = scene.vertices[scene.faces].astype(np.float64)  # (faces, 3, 3)
    flat = corners[:, :, [0, 2]] - [x, z]
    near = (flat.min(axis=1) <= 0).all(axis=1) & (flat.max(axis=1) >= 0).all(axis=1)
    corners, flat = corners[near], flat[near]
    a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=1)
    area = weights.sum(axis=1)
    hit = (area != 0) & ((weights * np.sign(area)[:, None]) >= 0).all(axis=1)
    return (weights[hit] * corners[hit, :, 1]).sum(axis=1) / area[hit]


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
