"""Signed distances to surfaces whose triangles know both their sides."""

from insonate.anatomy.implicit.part import Group, Part
from insonate.anatomy.implicit.shape import (
    Shape,
    box,
    capsule,
    ellipsoid,
    half_space,
    intersect,
    sphere,
    subtract,
    sweep,
    tube,
    union,
)

__all__ = [
    "Group",
    "Part",
    "Shape",
    "box",
    "capsule",
    "ellipsoid",
    "half_space",
    "intersect",
    "sphere",
    "subtract",
    "sweep",
    "tube",
    "union",
]
