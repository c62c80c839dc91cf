"""Signed distances: exact where they claim to be, bounded where they do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from insonate.anatomy.implicit import (
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
from insonate.anatomy.implicit.frozen import frozen
from insonate.anatomy.implicit.program import distance, gradient
from insonate.geometry import rotation_about

RNG = np.random.default_rng(5)


def points(count: int = 400, size: float = 60.0) -> np.ndarray:
    return np.random.default_rng(1).uniform(-size, size, (count, 3))


def rigid(axis=(0.3, -0.5, 0.8), angle=0.7, shift=(5.0, -3.0, 8.0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation_about(axis, angle), shift
    return matrix


def shapes() -> dict[str, Shape]:
    at = np.linspace(0.0, 1.0, 21)
    curve = np.stack([0 * at, 20 * at**2, 60 * at], axis=1)
    frames = np.repeat(np.eye(3)[None], 21, axis=0)
    return {
        "ellipsoid": ellipsoid((1, 2, 3), (20, 12, 30)),
        "egg": ellipsoid((0, 0, 0), (20, 24, 30), taper=0.08),
        "capsule": capsule((0, 0, 0), (20, 5, 3), 8, 3),
        "tube": tube([(0, 0, 0), (10, 0, 0), (15, 8, 0)], [4, 3, 5], blend=2.0),
        "box": box((0, 0, 0), (10, 20, 5), rounding=2.0),
        "half_space": half_space((0, 0, 5), (0, 0.6, 0.8)),
        "sweep": sweep(curve, frames, np.stack([12 + 4 * at, 9 - 3 * at], axis=1), (6, 6)),
        "union": union(sphere((0, 0, 0), 10), sphere((14, 0, 0), 9), blend=4.0),
        "intersect": intersect(sphere((0, 0, 0), 20), box((0, 0, 9), (30, 30, 8)), blend=2.0),
        "subtract": subtract(sphere((0, 0, 0), 20), capsule((0, 0, 0), (0, 0, 30), 6)),
        "offset": ellipsoid((0, 0, 0), (20, 12, 30)).offset(-3.0),
        "rippled": sphere((0, 0, 0), 20).rippled(0.5, 12.0, 1.0),
    }


@pytest.mark.parametrize("radii", [(38, 31, 33), (1, 10, 5), (20, 20, 3), (7, 7, 7)])
def test_ellipsoid_distance_against_a_cloud_on_its_surface(radii):
    radii = np.array(radii, float)
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 400), np.linspace(0, 2 * np.pi, 800))
    unit = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
    cloud = (unit * radii).reshape(-1, 3)
    at = RNG.uniform(-1.5, 1.5, (500, 3)) * radii
    inside = ((at / radii) ** 2).sum(axis=1) < 1
    expected = np.where(inside, -1, 1) * cKDTree(cloud).query(at)[0]
    assert np.abs(distance(ellipsoid((0, 0, 0), radii), at) - expected).max() < 0.012 * radii.max()


def test_ellipsoid_distance_on_its_planes_of_symmetry():
    """Newton's start is singular there: the foot lies off the plane."""
    shape = ellipsoid((0, 0, 0), (38, 31, 33))
    at = [[0, 0, 0], [38, 0, 0], [40, 0, 0], [0, 30, 0], [0, 0, 40], [1, 0, 0]]
    found = distance(shape, at)
    assert found[:5] == pytest.approx([-31, 0, 2, -1, 7], abs=1e-6)
    assert -31.0 <= found[5] < -30.9


def test_round_cone_distance():
    shape = capsule((0, 0, 0), (10, 0, 0), 3, 2)
    assert distance(shape, [[-3, 0, 0], [12, 0, 0], [5, 0, 0]]) == pytest.approx([0, 0, -2.5])
    assert distance(sphere((1, 1, 1), 4), [[1, 1, 8]])[0] == pytest.approx(3.0)


@pytest.mark.parametrize("name", shapes())
def test_distances_grow_as_fast_as_the_labelling_assumes(name):
    """Blocks are skipped where the distance says so: its slope must stay below the bound."""
    from insonate.anatomy.implicit.label_kernels import STEEP

    slope = np.linalg.norm(gradient(shapes()[name], points()), axis=1)
    assert slope.max() < STEEP
    assert np.median(slope) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("name", shapes())
def test_moving_a_shape_moves_its_distance(name):
    matrix, shape = rigid(), shapes()[name]
    at = points(100)
    moved = at @ matrix[:3, :3].T + matrix[:3, 3]
    assert distance(shape.moved(matrix), moved) == pytest.approx(distance(shape, at), abs=1e-7)


@pytest.mark.parametrize("name", [n for n in shapes() if n != "half_space"])
def test_bounds_hold_the_shape(name):
    shape = shapes()[name].moved(rigid())
    low, high = shape.bounds()
    at = points(20000)
    inside = at[distance(shape, at) < 0]
    assert len(inside)
    assert (inside > low - 1e-9).all()
    assert (inside < high + 1e-9).all()


@given(st.floats(0.1, 3.0), st.integers(0, 2**31 - 1))
@settings(max_examples=20, deadline=None)
def test_joints_are_those_of_sets(by, seed):
    one, two = shapes()["ellipsoid"], shapes()["capsule"]
    at = np.random.default_rng(seed).uniform(-40, 40, (50, 3))
    a, b = distance(one, at), distance(two, at)
    assert distance(one | two, at) == pytest.approx(np.minimum(a, b))
    assert distance(one & two, at) == pytest.approx(np.maximum(a, b))
    assert distance(one - two, at) == pytest.approx(np.maximum(a, -b))
    assert distance(one.offset(by), at) == pytest.approx(a - by)
    blended = distance(union(one, two, blend=by), at)
    assert (blended <= np.minimum(a, b) + 1e-9).all()
    assert (blended >= np.minimum(a, b) - 0.25 * by - 1e-9).all()


def test_a_long_union_skips_leaves_without_changing_the_distance():
    balls = [sphere(p, 2.0) for p in points(60, 30.0)]
    expected = np.min([distance(ball, points(200)) for ball in balls], axis=0)
    assert distance(union(*balls), points(200)) == pytest.approx(expected)


def test_a_straight_sweep_is_an_elliptic_cylinder():
    curve = np.stack([np.zeros(9), np.zeros(9), np.linspace(-20, 20, 9)], axis=1)
    shape = sweep(curve, np.repeat(np.eye(3)[None], 9, axis=0), np.full((9, 2), [10, 6]), (5, 5))
    at = [[0, 0, 3], [12, 0, -7], [0, 8, 11], [0, 0, 27], [0, 0, -25]]
    assert distance(shape, at) == pytest.approx([-6, 2, 2, 2, 0], abs=1e-6)


def test_a_frozen_shape_is_nearly_the_shape_wherever_it_is_moved():
    shape, at = shapes()["union"], points(2000, 40.0)
    copy = frozen(shape, 1.0, 6.0)
    exact, near = distance(shape, at), np.abs(distance(shape, at)) < 6
    assert np.abs(distance(copy, at) - exact)[near].max() < 0.2
    assert ((distance(copy, at) < 0) == (exact < 0))[np.abs(exact) > 0.2].all()
    slope = np.linalg.norm(gradient(copy, at), axis=1)
    assert slope.max() < 1.05
    matrix = rigid()
    moved = at @ matrix[:3, :3].T + matrix[:3, 3]
    assert distance(copy.moved(matrix), moved) == pytest.approx(distance(copy, at), abs=1e-7)
