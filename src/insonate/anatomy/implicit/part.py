"""Anatomy as groups of parts: what is painted over what, and what lies inside what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from insonate.anatomy.implicit.shape import Shape

__all__ = ["Group", "Part"]


@dataclass(frozen=True)
class Part:
    """A shape filled with one region.

    Attributes:
        region: name of the label; several parts may share it, the surface between them is
            dropped then.
        shape: its surface.
        thickness: smallest thickness of a thin part [mm]; it keeps parts thinner than the
            lattice from breaking up.
        shell: a thin part whose inside is painted over, as a skull by what it holds; it grows
            to the outside only.
    """

    region: str
    shape: Shape
    thickness: float = float("inf")
    shell: bool = False


@dataclass(frozen=True)
class Group:
    """Parts that are meshed together, later ones painted over earlier ones.

    Attributes:
        name: of the group, such as "fetal_head".
        inside: region that surrounds the group; it has to hold the whole group strictly.
        parts: in painter's order.
        fineness: spacing of its lattice relative to that of the whole; 0.5 is twice as fine.
    """

    name: str
    inside: str
    parts: tuple[Part, ...]
    fineness: float = 1.0

    def moved(self, matrix: ArrayLike) -> Group:
        """The group after a rigid motion `(4, 4)` [mm]."""
        matrix = np.asarray(matrix, np.float64)
        parts = tuple(replace(part, shape=part.shape.moved(matrix)) for part in self.parts)
        return replace(self, parts=parts)

    @staticmethod
    def layers(inside: str, layers: Sequence[Part], fineness: float = 1.0) -> tuple[Group, ...]:
        """Nested surfaces from outside to inside, each a group of its own.

        Nothing has to be as thick as the lattice is wide; the shapes must nest strictly.
        """
        groups, around = [], inside
        for layer in layers:
            groups.append(Group(layer.region, around, (layer,), fineness))
            around = layer.region
        return tuple(groups)
