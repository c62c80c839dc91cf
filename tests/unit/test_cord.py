"""The umbilical cord: its way through the fluid, its vessels, its root."""

import numpy as np
import pytest

from insonate.anatomy.fetus.cord import (
    CORD_TISSUES,
    cord_calibres,
    cord_groups,
    cord_origin,
    cord_parts,
    cord_path,
    cord_truth,
)
from insonate.anatomy.fetus.cord_path import CLEARANCE, find_path, frames_along
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.implicit import ellipsoid, sphere, union
from insonate.anatomy.implicit.measure import Measure
from insonate.anatomy.implicit.mesh import region_tissues
from insonate.anatomy.implicit.program import distance, gradient
from insonate.biometry import load_law


def make_plan(weeks, **findings):
    law = load_law("intergrowth")
    bpd, ofd, ac, fl = (law.value(name, weeks) for name in ("BPD", "OFD", "AC", "FL"))
    return Plan(Sizes(weeks, bpd, ofd, ac, fl), findings=findings)


def make_womb(plan):
    """A body with a knee in the cord's way, in an egg; the placenta is behind the body."""
    r = plan.sizes.trunk_radius
    start, way = cord_origin(plan)
    knee = start + way * 2.2 * r
    body = union(plan.trunk.outline(), sphere(knee, 0.5 * r))
    sac = ellipsoid((0.0, -0.8 * r, 0.0), (2.3 * r, 2.8 * r, 3.4 * r))
    end = np.array([1.0, 1.5 * r, 1.5 * r])
    for _ in range(20):
        end -= distance(sac, [end])[0] * gradient(sac, [end])[0]
    return start, way, end, -gradient(sac, [end])[0], body, sac


def along(path):
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])


@pytest.fixture(scope="module", params=[14.0, 22.0, 40.0])
def laid(request):
    plan = make_plan(request.param)
    womb = make_womb(plan)
    return plan, womb, cord_path(plan, *womb)


def test_the_path_joins_its_ends_the_right_way(laid):
    _, (start, way, end, normal, _, _), path = laid
    np.testing.assert_allclose(path[0], start)
    np.testing.assert_allclose(path[1] - path[0], np.linalg.norm(path[1] - path[0]) * way)
    np.testing.assert_allclose(path[-2], end, atol=1e-9)
    np.testing.assert_allclose(path[-1], end - 1.5 * normal, atol=1e-9)


def test_the_path_is_clear_of_everything(laid):
    plan, (_, _, _, _, body, sac), path = laid
    radius = 0.5 * plan.sizes["cord_diameter"]
    far = along(path)
    clear = np.minimum(distance(body, path), -distance(sac, path))
    free = (far > radius + 6.0) & (far < far[-1] - radius - 4.0)
    assert clear[free].min() > radius + 0.5 * CLEARANCE
    i, j = np.triu_indices(len(path), 1)
    apart = np.linalg.norm(path[i] - path[j], axis=1)
    assert apart[far[j] - far[i] > 6.0 * radius].min() > 2.0 * radius - 0.3


def test_the_path_is_smooth_and_about_as_long_as_wanted(laid):
    plan, (start, _, end, _, _, _), path = laid
    radius, far = 0.5 * plan.sizes["cord_diameter"], along(path)
    assert far[-1] > 1.15 * np.linalg.norm(end - start)
    assert far[-1] < 1.25 * 2.5 * plan.sizes["spine_length"]
    step = np.diff(far)[3:-4]
    curved = np.linalg.norm(np.diff(path, 2, axis=0), axis=1)[3:-4] / step.mean() ** 2
    assert 1.0 / curved.max() > 0.4 * radius


def test_the_path_is_deterministic_and_takes_functions(laid):
    plan, (*ends, body, sac), path = laid
    if plan.sizes.weeks < 20.0:
        again = cord_path(plan, *ends, Measure(body), Measure(sac))
        np.testing.assert_array_equal(path, again)


def test_a_longer_cord_takes_detours():
    sac = sphere((0.0, 0.0, 0.0), 60.0)
    body = sphere((0.0, 30.0, 0.0), 10.0)
    start, end = np.array([0.0, 20.0, 0.0]), np.array([0.0, -60.0, 0.0])
    ends = (start, (0.0, -1.0, 0.0), end, (0.0, 1.0, 0.0))
    short = along(find_path(*ends, 50.0, body, sac, 4.0))[-1]
    long = along(find_path(*ends, 200.0, body, sac, 4.0))[-1]
    assert short == pytest.approx(81.5, rel=0.03)
    assert 130.0 < long < 215.0


def test_frames_do_not_turn():
    t = np.linspace(0.0, 2.0, 50)
    path = np.stack([np.cos(t), np.sin(t), 0.3 * t], axis=1)
    tangent, one, two = frames_along(path)
    np.testing.assert_allclose(np.cross(one, two), tangent, atol=1e-9)
    assert np.abs(np.einsum("ij,ij->i", np.diff(one, axis=0), two[1:])).max() < 1e-3


def surface_points(shape, rng, count=400):
    low, high = shape.bounds()
    points = low + (high - low) * rng.random((count, 3))
    for _ in range(6):
        points -= distance(shape, points)[:, None] * gradient(shape, points)
    return points[np.abs(distance(shape, points)) < 0.01]


def test_vessels_stay_in_the_jelly_and_apart(laid):
    plan, _, path = laid
    rng = np.random.default_rng(1)
    (jelly,) = cord_parts(plan, path)
    (group,) = cord_groups(plan, path)
    assert group.inside == jelly.region
    walls = [part for part in group.parts if part.region == "cord_vessel_wall"]
    lumina = group.parts[len(walls) :]
    assert [part.region for part in lumina] == [
        "cord_vein",
        "cord_artery_left",
        "cord_artery_right",
    ]
    for wall, lumen in zip(walls, lumina, strict=True):
        points = surface_points(wall.shape, rng)
        assert len(points) > 100
        assert distance(jelly.shape, points).max() < -0.28
        assert distance(lumen.shape, points).min() == pytest.approx(wall.thickness, abs=0.02)
        # in the tightest bends walls touch, lumina never
        others = [distance(other.shape, points).min() for other in walls if other is not wall]
        assert min(others) > -2.0 * wall.thickness


def test_the_helix_is_left_handed_and_coils_as_often_as_it_says():
    plan = make_plan(22.0)
    path = np.stack([np.zeros(60), np.zeros(60), np.linspace(0.0, 180.0, 60)], axis=1)
    (group,) = cord_groups(plan, np.concatenate([path, [[0.0, 0.0, 181.5]]]))
    vein = next(part.shape for part in group.parts if part.region == "cord_vein")
    z = np.linspace(20.0, 150.0, 66)
    angle = np.linspace(-np.pi, np.pi, 180, endpoint=False)
    ring = 1.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    where = []
    for height in z:
        points = np.column_stack([ring, np.full(len(angle), height)])
        where.append(angle[np.argmin(distance(vein, points))])
    turns = np.diff(np.unwrap(where)[[0, -1]])[0] / (2.0 * np.pi)
    assert turns < 0.0
    assert -turns == pytest.approx(13.0 * plan.sizes["coiling"], rel=0.05)
    assert cord_truth(plan)["cord_coiling"] == pytest.approx(plan.sizes["coiling"])


@pytest.mark.parametrize("weeks", [14.0, 22.0, 32.0, 40.0])
def test_calibres_fit_the_cord(weeks):
    plan = make_plan(weeks)
    vein, left, right = cord_calibres(plan)
    assert vein == pytest.approx(plan.sizes["umbilical_vein"])
    assert left == right == pytest.approx(plan.sizes["umbilical_artery"])


def test_a_single_artery_is_wider_and_alone():
    normal, single = make_plan(24.0), make_plan(24.0, single_umbilical_artery=1.0)
    half = make_plan(24.0, single_umbilical_artery=0.5)
    assert cord_truth(normal)["cord_vessels"] == 3.0
    assert cord_truth(single)["cord_vessels"] == 2.0
    assert cord_calibres(single)[1] == 0.0
    assert cord_calibres(single)[2] > 1.3 * cord_calibres(normal)[2]
    assert cord_calibres(half)[1] == pytest.approx(0.5 * cord_calibres(normal)[1])
    assert cord_truth(single)["cord_coiling"] < cord_truth(normal)["cord_coiling"]
    path = np.stack([np.zeros(20), np.zeros(20), np.linspace(0.0, 60.0, 20)], axis=1)
    (group,) = cord_groups(single, path)
    assert "cord_artery_left" not in [part.region for part in group.parts]


def test_the_cord_starts_in_the_wall():
    for weeks in (14.0, 40.0):
        plan = make_plan(weeks)
        start, way = cord_origin(plan)
        depth = -distance(plan.trunk.outline(), [start])[0]
        wall = plan.sizes["skin"] + plan.sizes["wall_fat"]
        assert depth == pytest.approx(wall - 0.5, abs=0.15)
        assert way @ gradient(plan.trunk.outline(), [start])[0] > 0.9


def test_regions_have_tissues():
    assert region_tissues(CORD_TISSUES)["cord_artery_left"].echogenicity < -20
