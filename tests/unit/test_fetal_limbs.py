"""Arms and legs: joints, nesting, exact lengths, and that limbs do not cut the body."""

import itertools
import math

import numpy as np
import pytest

from insonate.anatomy.fetus.joints import LIMBS, RANGES, angles, limbs, segment_lengths, with_angles
from insonate.anatomy.fetus.limb_flesh import DEPTHS
from insonate.anatomy.fetus.limbs import (
    LIMB_TISSUES,
    limb_groups,
    limb_landmarks,
    limb_outline,
    limb_planes,
    limb_truth,
)
from insonate.anatomy.fetus.plan import Plan, Posture
from insonate.anatomy.fetus.settle import TOLERANCE, Bodies, nearest_on_segments, settle
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.implicit.mesh import region_tissues
from insonate.anatomy.implicit.program import distance, gradient
from insonate.biometry import load_law

WEEKS = (14.0, 18.5, 22.0, 30.0, 40.0)


def make_plan(weeks, posture=None, **findings):
    law = load_law("intergrowth")
    bpd, ofd, ac, fl = (law.value(name, weeks) for name in ("BPD", "OFD", "AC", "FL"))
    fl *= findings.get("short_femur", 1.0)
    return Plan(Sizes(weeks, bpd, ofd, ac, fl), posture or Posture(), findings)


def surface_points(shape, rng, count=2000):
    """Points on a shape: random ones in its box, moved along the slope."""
    low, high = shape.bounds()
    points = low + (high - low) * rng.random((count, 3))
    for _ in range(4):
        points -= distance(shape, points)[:, None] * gradient(shape, points)
    return points[np.abs(distance(shape, points)) < 0.01]


def random_posture(rng):
    def pair(low, high):
        return tuple(rng.uniform(low, high, 2))

    return Posture(
        trunk=rng.uniform(0.5, 1.4),
        neck=rng.uniform(-0.2, 0.7),
        hip=pair(1.2, 2.3),
        knee=pair(0.3, 2.3),
        shoulder=pair(0.1, 1.8),
        elbow=pair(0.6, 2.3),
        abduction=pair(0.0, 0.6),
    )


@pytest.mark.parametrize("weeks", WEEKS)
def test_segments_join_and_have_their_lengths(weeks):
    plan = make_plan(weeks)
    for limb in limbs(plan):
        lengths = segment_lengths(plan, limb.kind)
        for segment, length in zip((limb.upper, limb.lower, limb.tip), lengths, strict=True):
            assert np.linalg.norm(segment.end - segment.start) == pytest.approx(length)
            np.testing.assert_allclose(segment.frame.T @ segment.frame, np.eye(3), atol=1e-9)
        np.testing.assert_allclose(limb.upper.end, limb.lower.start)
    assert segment_lengths(plan, "leg")[0] == pytest.approx(1.18 * plan.sizes.fl)


def test_a_limb_bends_the_way_joints_do():
    straight = {"shoulder": 0.0, "hip": 0.0, "knee": 0.0, "elbow": 0.0, "abduction": 0.0}
    plan = make_plan(22.0, Posture(**{name: (value, value) for name, value in straight.items()}))
    posture = {**straight, "shoulder": 1.0, "hip": 1.0, "knee": 1.0, "elbow": 1.0}
    bent = make_plan(22.0, Posture(**{name: (value, value) for name, value in posture.items()}))
    front = -plan.trunk.axes(0.5)[:, 1]
    for before, after in zip(limbs(plan), limbs(bent), strict=True):
        assert (after.upper.end - before.upper.end) @ front > 0.5 * plan.sizes.fl
        turned = np.arccos(after.upper.frame[:, 2] @ after.lower.frame[:, 2])
        assert turned == pytest.approx(1.0)
        forward = after.lower.frame[:, 2] @ after.upper.frame[:, 1]
        assert forward == pytest.approx(math.sin(1.0) * (1 if before.kind == "arm" else -1))


def test_left_and_right_mirror_each_other():
    left, right = limb_landmarks(make_plan(22.0)), limb_landmarks(make_plan(22.0))
    for name, at in left.items():
        if name.endswith("left"):
            other = right[name.replace("left", "right")]
            np.testing.assert_allclose(at, other * [-1.0, 1.0, 1.0], atol=1e-6)


def test_angles_go_into_the_plan_and_come_back():
    rng = np.random.default_rng(3)
    wanted = np.array([[rng.uniform(*ends) for ends in RANGES[kind]] for kind, _ in LIMBS])
    np.testing.assert_allclose(angles(with_angles(make_plan(22.0), wanted)), wanted, atol=1e-12)


def test_nearest_points_of_segments():
    rng = np.random.default_rng(1)
    a, b, c, d = rng.normal(size=(4, 50, 3))
    s, t, apart = nearest_on_segments(a, b, c, d)
    grid = np.linspace(0.0, 1.0, 201)
    first = a[:, None] + grid[:, None] * (b - a)[:, None]
    second = c[:, None] + grid[:, None] * (d - c)[:, None]
    brute = np.linalg.norm(first[:, :, None] - second[:, None], axis=3).min(axis=(1, 2))
    np.testing.assert_allclose(apart, brute, atol=0.02)
    assert ((s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)).all()


@pytest.mark.parametrize("seed", range(6))
def test_settled_limbs_cut_nothing(seed):
    rng = np.random.default_rng(seed)
    plan = make_plan(rng.uniform(14.0, 40.0), random_posture(rng))
    before = Bodies(plan).gaps(angles(plan)).min()
    settled = settle(plan)
    after = Bodies(settled).gaps(angles(settled)).min()
    assert after >= min(before, -TOLERANCE * plan.sizes.trunk_radius)
    assert after >= -TOLERANCE * plan.sizes.trunk_radius
    for row, (kind, _) in zip(angles(settled), LIMBS, strict=True):
        low, high = np.array(RANGES[kind]).T
        assert (row >= low - 1e-6).all()
        assert (row <= high + 1e-6).all()


def test_settling_is_deterministic_and_settled_plans_stay():
    plan = make_plan(26.0)
    once = settle(plan)
    np.testing.assert_array_equal(angles(once), angles(settle(plan)))
    np.testing.assert_allclose(angles(once), angles(settle(once)), atol=1e-12)
    assert Bodies(plan).gaps(angles(plan)).min() < -TOLERANCE * plan.sizes.trunk_radius


@pytest.mark.parametrize("weeks", WEEKS)
def test_everything_stays_in_its_container(weeks):
    plan, rng = settle(make_plan(weeks)), np.random.default_rng(int(weeks))
    outlines = {depth: limb_outline(plan, depth) for depth in DEPTHS}
    for outer, inner in itertools.pairwise(DEPTHS):
        points = surface_points(outlines[inner], rng, 8000)
        assert distance(outlines[outer], points).max() < -0.2, (outer, inner)
    groups = {group.name: group for group in limb_groups(plan)}
    for group in groups.values():
        around = {"fetal_soft_tissue": outlines["core"], "fetal_skin": outlines["skin"]}
        if group.inside == "fetal_cartilage":
            leg = groups[group.name.replace("knee", "leg")]
            shapes = {part.region: part.shape for part in leg.parts}
            around["fetal_cartilage"] = shapes["fetal_cartilage"]
            bones = [part.shape for part in leg.parts[2:]]
        for part in group.parts:
            points = surface_points(part.shape, rng)
            assert len(points) > 50
            assert distance(around[group.inside], points).max() < -0.28, (group.name, part.region)
            if group.inside == "fetal_cartilage":
                assert min(distance(bone, points).min() for bone in bones) > 0.28
            if group.inside == "fetal_skin":
                assert distance(outlines["fat"], points).min() > 0.28, (group.name, part.region)
            assert part.region in LIMB_TISSUES


def test_regions_have_tissues():
    assert region_tissues(LIMB_TISSUES)["fetal_femur_left"].density > 1500


@pytest.mark.parametrize("weeks", WEEKS)
@pytest.mark.parametrize("degree", [0.0, 0.6])
def test_the_femur_is_as_long_as_its_truth(weeks, degree):
    plan = settle(make_plan(weeks, **({"short_femur": degree} if degree else {})))
    truth = limb_truth(plan)["femur_length"]
    assert truth == pytest.approx(plan.sizes.fl)
    marks = limb_landmarks(plan)
    for side in ("left", "right"):
        group = next(g for g in limb_groups(plan) if g.name == f"fetal_leg_{side}")
        shaft = next(p for p in group.parts if p.region == f"fetal_femur_{side}").shape
        start, end = marks[f"femur_proximal_{side}"], marks[f"femur_distal_{side}"]
        along = (end - start) / np.linalg.norm(end - start)
        t = np.array([-0.002, 0.002, truth - 0.002, truth + 0.002])
        inside = distance(shaft, start + t[:, None] * along) < 0.0
        assert inside.tolist() == [False, True, True, False]
        skin = distance(limb_outline(plan, "skin") | plan.trunk.outline(), [start, end])
        assert skin.max() < -2.0


def test_short_femur_is_rhizomelic():
    normal, short = limb_truth(make_plan(24.0)), limb_truth(make_plan(24.0, short_femur=0.64))
    assert short["femur_length"] == pytest.approx(0.64 * normal["femur_length"])
    assert short["humerus_length"] == pytest.approx(0.64 * normal["humerus_length"])
    assert short["tibia_length"] == pytest.approx(0.8 * normal["tibia_length"])
    assert short["foot_length"] == pytest.approx(normal["foot_length"])


def test_femur_planes_hold_the_femur():
    plan = settle(make_plan(22.0))
    marks = limb_landmarks(plan)
    for side in ("left", "right"):
        plane = limb_planes(plan)[f"femur_{side}"]
        for end in ("proximal", "distal"):
            off = (marks[f"femur_{end}_{side}"] - plane.origin) @ plane.normal
            assert abs(off) < 1e-9
            assert np.linalg.norm(marks[f"femur_{end}_{side}"] - plane.origin) < plane.reach
        axis = marks[f"femur_distal_{side}"] - marks[f"femur_proximal_{side}"]
        assert abs(plane.beams[0] @ axis) < 1e-9
        assert abs(plane.beams[0] @ plane.normal) < 1e-9
