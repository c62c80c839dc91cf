"""Limbs that move by themselves: continuous, at rest at time 0, bones stay rigid."""

import numpy as np
import pytest

from insonate.anatomy.fetus.joints import angles
from insonate.anatomy.fetus.limb_motion import SWING, LimbMotion, joint_noise, limb_displacement
from insonate.anatomy.fetus.limbs import limb_landmarks, limb_truth
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.settle import TOLERANCE, Bodies, settle
from insonate.anatomy.fetus.sizes import Sizes
from insonate.biometry import load_law

TIMES = (0.4, 1.7, 5.3, 61.0)


@pytest.fixture(scope="module")
def plan():
    law = load_law("intergrowth")
    sizes = (law.value(name, 22.0) for name in ("BPD", "OFD", "AC", "FL"))
    return settle(Plan(Sizes(22.0, *sizes)))


@pytest.fixture(scope="module")
def motion(plan):
    marks = limb_landmarks(plan)
    points = np.array([marks[name] for name in sorted(marks)])
    return LimbMotion(plan, points, seed=5)


def test_noise_is_smooth_bounded_and_repeats():
    times = np.linspace(-3.0, 20.0, 2301)
    noise = np.array([joint_noise(3, 8, t) for t in times])
    assert np.abs(noise).max() <= 1.0
    assert np.abs(noise).max(axis=0).min() > 0.4
    assert np.abs(np.diff(noise, axis=0)).max() < 0.04
    np.testing.assert_array_equal(joint_noise(3, 8, 0.0), 0.0)
    np.testing.assert_array_equal(joint_noise(3, 8, 12.3), joint_noise(3, 8, 12.3))
    assert np.abs(joint_noise(3, 8, 12.3) - joint_noise(4, 8, 12.3)).max() > 0.1


def test_nothing_moves_at_rest(plan, motion):
    np.testing.assert_allclose(motion.displacement(0.0), 0.0, atol=1e-9)
    np.testing.assert_allclose(motion.angles(0.0), angles(plan))


def test_limbs_move_and_move_continuously(motion):
    times = np.linspace(0.0, 6.0, 121)
    ways = np.array([motion.displacement(t) for t in times])
    assert np.linalg.norm(ways, axis=2).max() > 2.0
    assert np.linalg.norm(np.diff(ways, axis=0), axis=2).max() < 2.0
    np.testing.assert_array_equal(ways[40], motion.displacement(times[40]))


def test_the_femur_stays_as_long_as_it_is(plan):
    marks, truth = limb_landmarks(plan), limb_truth(plan)["femur_length"]
    for side in ("left", "right"):
        ends = np.array([marks[f"femur_proximal_{side}"], marks[f"femur_distal_{side}"]])
        shaft = ends[0] + np.linspace(0.0, 1.0, 20)[:, None] * (ends[1] - ends[0])
        moves = LimbMotion(plan, shaft, seed=5)
        for time in TIMES:
            moved = shaft + moves.displacement(time)
            assert np.linalg.norm(moved[-1] - moved[0]) == pytest.approx(truth, rel=0.01)
            bend = moved - moved[0] - np.linspace(0.0, 1.0, 20)[:, None] * (moved[-1] - moved[0])
            assert np.linalg.norm(bend, axis=1).max() < 0.02 * truth


def test_trunk_and_head_stay_where_they_are(plan):
    trunk = plan.trunk
    s, angle = np.meshgrid(np.linspace(0.32, 0.7, 12), np.linspace(0.0, 2.0 * np.pi, 24))
    skin = [
        trunk.point(a, np.cos(b), np.sin(b)) for a, b in zip(s.ravel(), angle.ravel(), strict=True)
    ]
    inner = [
        trunk.point(a, 0.5 * np.cos(b), 0.5 * np.sin(b))
        for a, b in zip(s[0], angle[::2, 0], strict=True)
    ]
    spine = [trunk.point(a, 0.0, -0.56) for a in np.linspace(0.0, 1.0, 12)]
    brain = plan.head[:3, 3] + 0.9 * plan.sizes.half_width * np.random.default_rng(1).normal(
        size=(30, 3)
    ).clip(-0.5, 0.5)
    fixed = np.concatenate([skin, inner, spine, brain])
    for time in TIMES:
        way = np.linalg.norm(limb_displacement(plan, fixed, time, seed=5), axis=1)
        assert way.max() < 0.05 * plan.sizes.trunk_radius
        assert np.count_nonzero(way) < 0.2 * len(way)


def test_limbs_do_not_run_into_each_other(plan, motion):
    low, high = motion._free
    assert np.abs([low, high]).max() == pytest.approx(SWING)
    assert (low <= 0.0).all()
    assert (high >= 0.0).all()
    bodies = Bodies(plan)
    worst = [bodies.gaps(motion.angles(time)).min() for time in np.linspace(0.0, 60.0, 61)]
    assert np.quantile(worst, 0.1) > -3.0 * TOLERANCE * plan.sizes.trunk_radius


def test_neighbours_move_alike(plan):
    rng = np.random.default_rng(2)
    marks = limb_landmarks(plan)
    for name in ("knee_left", "hip_left", "elbow_right", "wrist_left"):
        points = marks[name] + 8.0 * rng.normal(size=(60, 3))
        close = points + 0.01 * rng.normal(size=points.shape)
        for time in TIMES[:2]:
            apart = limb_displacement(plan, points, time, 5) - limb_displacement(
                plan, close, time, 5
            )
            stretch = np.linalg.norm(apart, axis=1) / np.linalg.norm(points - close, axis=1)
            assert np.quantile(stretch, 0.99) < 3.0
