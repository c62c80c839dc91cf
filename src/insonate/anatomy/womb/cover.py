"""A simple surface around the fetus, and what of it can bend the wall of the cavity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from insonate.anatomy.implicit import Shape, capsule, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.implicit.shape import Combined, Grown, Primitive, Rippled
from insonate.anatomy.womb.cavity import BEND

__all__ = ["covered", "pruned"]

Vector = NDArray[np.float64]

#: What is thinner than this share of the thickest part goes into mittens of at most this size.
_THIN, _MITTEN = 0.08, 0.5
#: Mittens are wider by this, for the creases between what they hold [mm].
_EASE = 0.5


def covered(fetus: Shape) -> Shape:
    """The fetus in mittens, socks and mask: a surface around it of fewer primitives."""
    leaves = _leaves(fetus)
    girth = np.array([_radius(leaf) for leaf in leaves])
    thin = [leaf for leaf, r in zip(leaves, girth, strict=True) if r < _THIN * girth.max()]
    if len(thin) < 2:
        return fetus
    rest = _without(fetus, {id(leaf) for leaf in leaves} - {id(leaf) for leaf in thin})
    tree = linkage(np.array([leaf.frame[:3, 3] for leaf in thin]), "complete")
    label = fcluster(tree, _MITTEN * girth.max(), "distance")
    groups = [
        [leaf for leaf, own in zip(thin, label, strict=True) if own == group]
        for group in range(1, int(label.max()) + 1)
    ]
    mittens = [_mitten(group) for group in groups]
    return union(*mittens) if rest is None else union(rest, *mittens)


def pruned(cover: Shape, wall: Shape, reach: float) -> Shape | None:
    """What of the cover can bend the `wall`; None if it lies deep inside as a whole.

    Args:
        cover: around the fetus.
        wall: of the cavity.
        reach: how near to the wall the fetus has an effect [mm].
    """
    leaves = _leaves(cover)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 3)] * 3), axis=-1).reshape(-1, 3)
    points, cells = [], []
    for leaf in leaves:
        points.append((grid * leaf.reach) @ leaf.frame[:3, :3].T + leaf.frame[:3, 3])
        cells.append(0.5 * float(np.linalg.norm(leaf.reach)))
    depth = distance(wall, np.concatenate(points)).reshape(len(leaves), -1).max(axis=1)
    margin = reach + BEND + _largest_blend(cover)
    near = {
        id(leaf)
        for leaf, deep, cell in zip(leaves, depth, cells, strict=True)
        if deep + cell > -margin
    }
    return _without(cover, near)


def _leaves(shape: Shape) -> list[Primitive]:
    """Primitives that add to a shape."""
    if isinstance(shape, Primitive):
        return [shape]
    if isinstance(shape, Combined):
        added = [shape.first, shape.second] if shape.how == "union" else [shape.first]
        return [leaf for side in added for leaf in _leaves(side)]
    assert isinstance(shape, Grown | Rippled)
    return _leaves(shape.shape)


def _radius(leaf: Primitive) -> float:
    return max(leaf.sizes[1:3]) if leaf.kind == "capsule" else float(leaf.reach.min())


def _mitten(leaves: list[Primitive]) -> Shape:
    """A capsule around all of them."""
    ends, girths = [], []
    for leaf in leaves:
        straight = leaf.kind == "capsule"
        half = 0.5 * leaf.sizes[0] * leaf.frame[:3, 2] if straight else np.zeros(3)
        ends += [leaf.frame[:3, 3] - half, leaf.frame[:3, 3] + half]
        girths += [_radius(leaf) if straight else float(leaf.reach.max())] * 2
    at, girth = np.array(ends), np.array(girths)
    middle = at.mean(axis=0)
    way = np.linalg.svd(at - middle)[2][0]
    along = (at - middle) @ way
    radius = (np.linalg.norm(at - middle - along[:, None] * way, axis=1) + girth).max() + _EASE
    return capsule(middle + along.min() * way, middle + along.max() * way, float(radius))


def _largest_blend(shape: Shape) -> float:
    if isinstance(shape, Combined):
        inner = max(_largest_blend(shape.first), _largest_blend(shape.second))
        return max(shape.blend, inner)
    return _largest_blend(shape.shape) if isinstance(shape, Grown | Rippled) else 0.0


def _without(shape: Shape, kept: set[int]) -> Shape | None:
    """The shape reduced to the leaves that are `kept`, without what is cut from it."""
    if isinstance(shape, Combined):
        first = _without(shape.first, kept)
        second = _without(shape.second, kept) if shape.how == "union" else None
        if first is None or second is None:
            return second if first is None else first
        return Combined("union", first, second, shape.blend)
    if isinstance(shape, Grown | Rippled):
        inner = _without(shape.shape, kept)
        grown = shape.by if isinstance(shape, Grown) else shape.height
        return None if inner is None else inner.offset(grown)
    return shape if id(shape) in kept else None
