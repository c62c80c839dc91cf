"""The skin of whom a frame shows, built anew from the parameters that were kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.scene import Scene

__all__ = ["skin_points"]

#: Triangles of a patient of whom only the outline is wanted.
COARSE = 60_000


def skin_points(metadata: Mapping[str, Any], count: int = 5000) -> NDArray[np.float64]:
    """Points on the skin of a rendered frame's patient, `(count, 3)` [mm].

    Args:
        metadata: of the frame; its `subject` says who it is.
        count: of points, spread evenly.

    Raises:
        InputError: the frame was not rendered, or its parameters cannot be met.
    """
    subject = metadata.get("subject")
    if not isinstance(subject, Mapping):
        raise InputError("metadata: no subject, which rendered frames have; no skin to draw")
    scene = _scene(dict(subject))
    corners = scene.vertices[scene.faces[(scene.pairs == 0).any(axis=1)]].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.linalg.norm(np.cross(first, second), axis=1)
    draw = np.random.default_rng(0)
    chosen = draw.choice(len(corners), count, p=area / area.sum())
    u, v = draw.random((2, count, 1))
    u, v = np.where(u + v > 1.0, 1.0 - u, u), np.where(u + v > 1.0, 1.0 - v, v)
    return corners[chosen, 0] + u * first[chosen] + v * second[chosen]


def _scene(subject: dict[str, Any]) -> Scene:
    from insonate.anatomy.gynaecology import GynaecologyPatient
    from insonate.anatomy.patient import Patient
    from insonate.anatomy.phantoms import PHANTOMS

    kind, name = subject.pop("kind", None), str(subject.get("scene"))
    if kind == "scene" and name in PHANTOMS:  # by name only: no file is opened
        return PHANTOMS[name]()
    try:
        if kind == "pregnant":
            subject["detail"] = COARSE
            return Patient(**subject).scene()
        if kind == "gynaecology":
            return GynaecologyPatient(**subject).scene()
    except TypeError as error:
        raise InputError(f"metadata: subject has an unknown parameter ({error})") from error
    raise InputError(f"metadata: no skin is known of a subject of kind {str(kind)[:40]!r}")
