"""Where the probe is held: around a standard plane, anywhere on the belly, or on a sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy import View
from insonate.anatomy.patient.draw import Draw
from insonate.data.rendering.distribution import draw_of
from insonate.data.rendering.recipe import DatasetRecipe, Poses
from insonate.data.rendering.subjects import Subject
from insonate.errors import InputError
from insonate.geometry import look_at, rotation_about

__all__ = ["Hold", "hold"]

Pose = NDArray[np.float64]

#: How far outside the skin a probe begins to be lowered onto it, and how far it may fall [mm].
ABOVE, FALL = 60.0, 200.0
#: How far from straight in front a free hand holds the probe [rad].
ASIDE = math.radians(50.0)
#: How deep the face is put into skin that yields [mm]; pressing does the rest.
PUSHED = 2.0


@dataclass(frozen=True)
class Hold:
    """The probe, as it is held for a frame.

    Attributes:
        pose: probe to world, `(4, 4)` [mm].
        plane: standard plane that it is near, "" for none.
        view: that the probe's settings come from.
    """

    pose: Pose
    plane: str
    view: View


def hold(
    recipe: DatasetRecipe, planes: Sequence[str], subject: Subject, frame: int, attempt: int
) -> Hold:
    """How the probe is held for a frame.

    The frames of a sweep share their draws and differ in how far the probe has come.

    Raises:
        InputError: the subject has none of the planes that are asked for.
    """
    poses, sweep = recipe.poses, recipe.poses.sweep
    number = frame if sweep is None else frame // sweep.frames
    draw = draw_of(recipe.seed, "pose", number, attempt)
    if poses.kind.draw(draw, "kind") == "belly":
        held = Hold(_on_belly(subject, draw), "", next(iter(subject.views.values())))
    else:
        name = _plane(recipe, planes, subject, number, draw)
        view = subject.views[name]
        held = Hold(_near(poses, view.pose(), draw), name, view)
    if sweep is None:
        return Hold(_seated(subject, held.pose), held.plane, held.view)
    share = (frame % sweep.frames) / (sweep.frames - 1) - 0.5
    pose = held.pose.copy()
    pose[:3, 3] += share * sweep.length.draw(draw, "length") * pose[:3, 1]
    tilt = math.radians(share * sweep.fan.draw(draw, "fan"))
    pose[:3, :3] = rotation_about(pose[:3, 0], tilt) @ pose[:3, :3]
    return Hold(_seated(subject, pose), held.plane, held.view)


def _plane(
    recipe: DatasetRecipe, planes: Sequence[str], subject: Subject, number: int, draw: Draw
) -> str:
    """The plane whose turn it is, or one by weight."""
    names = sorted(name for name in subject.views if name in planes)
    if not names:
        raise InputError(f"poses.planes: subject {subject.number} shows none of them")
    if recipe.poses.balance:
        turns = draw_of(recipe.seed, "turns", subject.number)
        order = sorted(names, key=lambda name: turns.even(name, 0.0, 1.0))
        return order[number % len(order)]
    weights = np.array([recipe.poses.planes.get(name, 1.0) for name in names])
    return draw.choice("plane", names, list(weights / weights.sum()))


def _near(poses: Poses, pose: Pose, draw: Draw) -> Pose:
    """A pose moved and turned a little, about the middle of the face."""
    moved = pose.copy()
    for axis, name in ((0, "along"), (1, "across")):
        moved[:3, 3] += poses.shift.draw(draw, name) * pose[:3, axis]
        tilt = math.radians(poses.tilt.draw(draw, f"tilt {name}"))
        moved[:3, :3] = rotation_about(pose[:3, axis], tilt) @ moved[:3, :3]
    roll = math.radians(poses.roll.draw(draw, "roll"))
    moved[:3, :3] = rotation_about(moved[:3, 2], roll) @ moved[:3, :3]
    return moved


def _on_belly(subject: Subject, draw: Draw) -> Pose:
    """A pose that looks at any point of the womb from any place in front of it, at any roll.

    Raises:
        InputError: the subject has no belly to be examined.
    """
    if not subject.target:
        raise InputError("poses.kind: belly: expected a pregnant subject")
    low, high = subject.target_box
    aim = [draw.even(f"aim {axis}", low[axis], high[axis]) for axis in range(3)]
    aside, along = (draw.even(name, -ASIDE, ASIDE) for name in ("aside", "head or foot"))
    way = rotation_about((0, 0, 1), aside) @ rotation_about((1, 0, 0), along) @ (0.0, 1.0, 0.0)
    return look_at(aim - FALL * way, aim, draw.even("turn", 0.0, 2.0 * math.pi))


def _seated(subject: Subject, pose: Pose) -> Pose:
    """The pose lowered along its beam until the face lies on the skin."""
    if not subject.pressed:
        return pose
    beam = pose[:3, 2]
    start = pose[:3, 3] - ABOVE * beam
    distance, _ = subject.skin.first_hit(start[None], beam[None], ABOVE + FALL)
    if not np.isfinite(distance[0]):
        return pose  # beside the body: the frame will be dark, and drawn again
    seated = pose.copy()
    seated[:3, 3] = start + (distance[0] + PUSHED) * beam
    return seated
