"""Standard planes of the uterus and the ovaries, and where the probe shows them from."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.gynaecology.ovary import Ovary
from insonate.anatomy.gynaecology.uterus import Uterus
from insonate.anatomy.gynaecology.vagina import PROBE_RADIUS, Vagina
from insonate.anatomy.planes import Plane
from insonate.anatomy.scene_spec import View

__all__ = ["abdominal_planes", "pose_view", "vaginal_planes"]

Vector = NDArray[np.float64]

#: How far the probe can be tilted from the vagina's axis: for the uterus, an ovary, a cyst
#: [rad] (E).
_TILT_UTERUS, _TILT_OVARY, _TILT_CYST = np.radians([28.0, 45.0, 60.0])
#: Steps of the turn about the beam that is looked for [rad].
_ROLLS = np.radians(np.arange(0.0, 180.0, 5.0))
_BODY = ("myometrium", "junctional_zone", "endometrium")
#: Where the probe lies above the symphysis, and how far it is pressed in [mm].
_SUPRAPUBIC, _PRESSED = 42.0, 2.0
#: Depth of the image [mm].
_DEPTH = {"endocavity": 60.0, "c5_2v": 120.0}


def vaginal_planes(vagina: Vagina, ovaries: tuple[Ovary, ...]) -> dict[str, Plane]:
    """Planes through the centre of the face of a probe in the fornix."""
    uterus, pivot = vagina.uterus, vagina.pivot
    body = uterus.point(0.45 * uterus.body)
    left, beam = uterus.axes(0.0)[:, 0], _tilted(vagina, body, _TILT_UTERUS)
    beam = _unit(beam - (beam @ left) * left)
    across = _unit(body - pivot)
    planes = {
        "uterus_sagittal": Plane(
            body, left, (beam,), shows=(*_BODY, "cervix"), reach=0.42 * float(uterus.size[0])
        ),
        "uterus_transverse": Plane(
            body, _unit(np.cross(across, left)), (across,), shows=_BODY, reach=30.0
        ),
    }
    for ovary in ovaries:
        most = _TILT_OVARY if ovary.cyst is None else _TILT_CYST
        beam = _tilted(vagina, _middle(ovary), most)
        planes[f"ovary_{ovary.side}"] = _through(ovary, pivot, beam)
    return planes


def abdominal_planes(
    uterus: Uterus, ovaries: tuple[Ovary, ...], suprapubic: Vector
) -> dict[str, Plane]:
    """Planes through a point on the skin `(3,)` [mm], behind which the bladder is full."""
    body = uterus.point(0.35 * uterus.body)
    beam = _unit(body - suprapubic)
    left = np.array([1.0, 0.0, 0.0])
    planes = {
        "uterus_transabdominal": Plane(
            body, _unit(left - (left @ beam) * beam), (beam,), shows=(*_BODY, "bladder_urine")
        )
    }
    for ovary in ovaries:
        beam = _unit(_middle(ovary) - suprapubic)
        name = f"ovary_{ovary.side}_transabdominal"
        planes[name] = _through(ovary, suprapubic, beam)
    return planes


def _middle(ovary: Ovary) -> Vector:
    """What to look at: the ovary, or where it meets its cyst."""
    if ovary.cyst is None:
        return ovary.centre
    end = float(ovary.semi_axes[0])
    return ovary.centre + 0.5 * (ovary.cyst.diameter + end) * ovary.axes[:, 0]


def _tilted(vagina: Vagina, target: Vector, most: float) -> Vector:
    """Direction to the target, or as near to it as the vagina lets the probe turn."""
    way, shaft = _unit(target - vagina.pivot), vagina.shaft
    if way @ shaft >= math.cos(most):
        return way
    aside = _unit(way - (way @ shaft) * shaft)
    return math.cos(most) * shaft + math.sin(most) * aside


def _through(ovary: Ovary, eye: Vector, beam: Vector) -> Plane:
    """The plane through `eye` and the ovary that cuts most of its follicles.

    If the beam does not point to the ovary, only one plane holds both; a cyst, too, fixes it.
    """
    way = _unit(_middle(ovary) - eye)
    free = beam @ way > 0.9999 and ovary.cyst is None
    first = beam if beam @ way < 0.9999 else ovary.axes[:, 0]
    side = _unit(np.cross(way, first))
    normals = [math.cos(r) * side + math.sin(r) * np.cross(way, side) for r in _ROLLS]
    normal = max(normals if free else [side], key=lambda n: _cut(ovary, n))
    cut = [
        ball.region
        for ball in ovary.balls
        if abs((ball.centre - _middle(ovary)) @ normal) < 0.35 * ball.diameter
    ]
    reach = float(ovary.semi_axes.max()) + (0.5 * ovary.cyst.diameter if ovary.cyst else 0.0)
    return Plane(_middle(ovary), normal, (beam,), shows=(f"ovary_{ovary.side}", *cut), reach=reach)


def _cut(ovary: Ovary, normal: Vector) -> float:
    """Area of what is round where a plane through the ovary's middle cuts it [mm2]."""
    away = np.array([(ball.centre - _middle(ovary)) @ normal for ball in ovary.balls])
    radii = 0.5 * np.array([ball.diameter for ball in ovary.balls])
    return round(float(np.maximum(radii**2 - away**2, 0.0).sum()), 6)


def pose_view(plane: Plane, eye: Vector, vaginal: bool, about: str) -> View:
    """The probe that shows a plane.

    Args:
        plane: whose first beam is the central scanline.
        eye: centre of the curve of the endocavity probe's face, or the skin `(3,)` [mm].
        vaginal: which of the two.
        about: what is to be seen.
    """
    beam = plane.beams[0]
    at = eye + (PROBE_RADIUS if vaginal else _PRESSED) * beam
    right = np.cross(plane.normal, beam)
    probe = "endocavity" if vaginal else "c5_2v"
    depth = max(_DEPTH[probe], float(np.linalg.norm(plane.origin - at)) + plane.reach + 12.0)
    return View(
        at=_tuple(at), aim=_tuple(at + 50.0 * beam), lateral=_tuple(_facing(right)),
        probe=probe, depth=float(np.ceil(depth)), about=about,
    )  # fmt: skip


def _facing(right: Vector) -> Vector:
    """The image's right: the patient's left, or behind, or her feet, as is customary."""
    most = int(np.argmax(np.abs(right)))
    return right if right[most] * (-1.0 if most == 2 else 1.0) > 0.0 else -right


def _unit(vector: Vector) -> Vector:
    return vector / math.sqrt(vector @ vector)


def _tuple(vector: Vector) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in vector)
    return x, y, z
