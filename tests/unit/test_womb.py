"""The womb holds the fetus, has the fluid asked for, and puts the placenta where it is asked."""

import math
from functools import cache

import numpy as np
import pytest

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.implicit import capsule, ellipsoid, union
from insonate.anatomy.implicit.program import distance, gradient
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.womb import WOMB_TISSUES, build_womb
from insonate.anatomy.womb.build import fluid_index
from insonate.anatomy.womb.cavity import CLEARANCE, yielding
from insonate.anatomy.womb.cover import covered, pruned
from insonate.anatomy.womb.fluid import Lattice
from insonate.anatomy.womb.norms import by_week
from insonate.anatomy.womb.uterus import RIM
from insonate.errors import InputError

#: BPD, OFD, AC, FL at some ages (INTERGROWTH-21st means) [mm].
MEASURES = {
    14: (29.6, 33.8, 80.6, 13.1),
    22: (55.0, 69.2, 169.6, 36.7),
    30: (78.9, 98.0, 253.8, 55.5),
    40: (94.9, 115.8, 349.8, 72.1),
}


@cache
def fetus(weeks):
    """A plan and a stand-in for its skin: head, trunk, and legs and arms of one piece."""
    plan = Plan(Sizes(weeks, *MEASURES[weeks]))
    b, f, r = plan.sizes.half_width, plan.sizes.half_length, plan.sizes.trunk_radius
    head = ellipsoid((0, 0, 0), (b + 3, f + 3, b + 3)).moved(plan.head)
    limbs = []
    for side in (-1.0, 1.0):
        hip, knee = plan.trunk.point(0.885, 0.5 * side, 0.1), plan.trunk.point(0.72, side, 1.5)
        foot = plan.trunk.point(0.98, -0.2 * side, 1.4)
        limbs += [capsule(hip, knee, 0.36 * r, 0.3 * r), capsule(knee, foot, 0.26 * r, 0.16 * r)]
        hand = plan.trunk.point(0.3, 0.5 * side, 1.5)
        limbs.append(capsule(plan.trunk.point(0.25, 0.9 * side, 0), hand, 0.22 * r, 0.12 * r))
    return plan, union(head, plan.trunk.outline(), *limbs, blend=0.1 * r)


@cache
def _womb(weeks, items):
    given = dict(items)
    for name in ("findings", "variation"):
        if name in given:
            given[name] = dict(given[name])
    plan, skin = fetus(weeks)
    return build_womb(MotherPlan(float(weeks)), plan, skin, **given)


def womb_of(weeks, **given):
    return _womb(
        weeks,
        tuple((k, tuple(v.items()) if isinstance(v, dict) else v) for k, v in given.items()),
    )


def on_surface(shape, count=1500):
    """Points on a surface, by walking down its distance."""
    low, high = shape.bounds()
    points = np.random.default_rng(1).uniform(low, high, (count, 3))
    for _ in range(16):
        slope = gradient(shape, points)
        slope /= np.maximum(np.linalg.norm(slope, axis=1), 0.2)[:, None]
        points = points - distance(shape, points)[:, None] * slope
    return points[np.abs(distance(shape, points)) < 0.02]


CASES = [
    (14, {"presentation": "transverse", "back": "posterior", "placenta": "fundal"}),
    (22, {}),
    (22, {"placenta": "praevia", "presentation": "breech", "back": "posterior"}),
    (30, {"placenta": "right", "back": "anterior", "findings": {"oligohydramnios": 30.0}}),
    (30, {"findings": {"polyhydramnios": 300.0}, "placenta": "posterior", "contraction": 1.0}),
    (40, {"placenta": "low_lying", "back": "right", "findings": {"short_cervix": 12.0}}),
]
IDS = [f"{weeks}-{'-'.join(str(v) for v in given.values()) or 'default'}" for weeks, given in CASES]


@pytest.mark.parametrize(("weeks", "given"), CASES, ids=IDS)
def test_the_fetus_stays_inside_and_the_placenta_whole(weeks, given):
    womb = womb_of(weeks, **given)
    skin = fetus(weeks)[1].moved(womb.matrix)
    points = on_surface(skin)
    assert len(points) > 400
    assert distance(womb.sac, points).max() < -0.7
    wall = on_surface(womb.sac)
    assert distance(skin, wall).min() > 0.7


@pytest.mark.parametrize(("weeks", "given"), CASES, ids=IDS)
def test_layers_nest_strictly(weeks, given):
    womb = womb_of(weeks, **given)
    lining, outer = on_surface(womb.lining), womb.outer
    assert distance(outer, lining).max() < -0.7
    for part in womb.content_parts():
        assert distance(womb.lining, on_surface(part.shape, 400)).max() < -0.3, part.region
    regions = {part.region for group in womb.groups() for part in group.parts}
    for group in womb.groups():
        assert group.inside in regions | {"peritoneal_fat"}
    regions |= {part.region for part in womb.content_parts()}
    assert regions <= set(WOMB_TISSUES)


@pytest.mark.parametrize(("weeks", "given"), CASES, ids=IDS)
def test_the_fluid_has_the_index_that_was_asked_for(weeks, given):
    womb = womb_of(weeks, **given)
    findings = given.get("findings", {})
    median = by_week("amniotic_fluid_index", weeks)
    wanted = findings.get("oligohydramnios", findings.get("polyhydramnios", median))
    assert womb.truth()["amniotic_fluid_index"] == pytest.approx(wanted, rel=0.05)
    assert womb.truth()["deepest_pocket"] >= womb.truth()["amniotic_fluid_index"] / 4


def test_the_index_is_what_a_ball_of_fluid_has():
    ball = ellipsoid((0, 0, 0), (40, 30, 50))
    lattice = Lattice.around(ball, np.eye(3), 8.0)
    fluid = lattice.examine(-lattice.distance(ball), np.zeros(3))
    # A pocket as wide as the probe is aligned with the axis, and 4 mm away from it all around.
    chord = 60.0 * math.sqrt(1 - (4 / 40) ** 2 - (4 / 50) ** 2)
    assert fluid.pockets == pytest.approx(np.full(4, chord), rel=0.06)
    assert fluid.volume == pytest.approx(4 / 3 * math.pi * 4 * 3 * 5, rel=0.01)


@pytest.mark.parametrize("presentation", ["cephalic", "breech"])
@pytest.mark.parametrize("back", ["left", "anterior"])
def test_the_fetus_lies_as_asked(presentation, back):
    womb = womb_of(22, presentation=presentation, back=back)
    plan, _ = fetus(22)
    turn = womb.frame[:3, :3].T @ womb.matrix[:3, :3]
    assert np.allclose(turn.T @ turn, np.eye(3), atol=1e-9)
    head = turn @ plan.head[:3, 3]
    assert (head[2] < 0) == (presentation == "cephalic")
    behind = turn @ np.array([0.0, 1.0, 0.0])
    assert behind @ {"left": (1, 0, 0), "anterior": (0, -1, 0)}[back] > 0.8


@pytest.mark.parametrize(
    ("given", "edge", "tolerance"),
    [
        ({"findings": {"placenta_praevia": 30.0}}, -30.0, 2.5),
        ({"findings": {"placenta_praevia": 15.0}}, -15.0, 2.5),
        ({"placenta": "low_lying"}, 10.0, 3.0),
    ],
)
def test_the_edge_of_the_placenta_is_where_it_is_asked(given, edge, tolerance):
    truth = womb_of(22, **given).truth()
    assert truth["placenta_edge_to_os"] == pytest.approx(edge, abs=tolerance)


def test_the_placenta_has_its_size():
    womb = womb_of(22)
    truth = womb.truth()
    assert truth["placenta_volume"] == pytest.approx(by_week("placenta_volume", 22), rel=0.1)
    assert truth["placenta_thickness"] == pytest.approx(by_week("placenta_thickness", 22), rel=0.1)
    assert truth["placenta_edge_to_os"] > 20.0
    insertion = womb.landmarks()["placental_cord_insertion"]
    assert abs(distance(womb.sac, insertion[None])[0]) < 0.5
    assert distance(womb.placenta, insertion[None])[0] < 0.0


def test_a_short_cervix_lets_fluid_into_its_canal():
    womb = womb_of(40, placenta="low_lying", back="right", findings={"short_cervix": 12.0})
    marks = womb.landmarks()
    canal = marks["internal_os"] - marks["external_os"]
    assert np.linalg.norm(canal) == pytest.approx(12.0)
    way = canal / 12.0
    along = marks["external_os"] + np.linspace(0, 14, 281)[:, None] * way
    fluid = np.flatnonzero(distance(womb.sac, along) < 0.0)
    assert 0.05 * fluid[0] == pytest.approx(12.0, abs=0.2)


@pytest.mark.parametrize("placenta", ["anterior", "praevia"])
def test_the_canal_ends_below_what_lies_above(placenta):
    womb = womb_of(22, placenta=placenta)
    canal = next(g for g in womb.groups() if g.name == "cervical_canal")
    cervix = womb.chamber.design.cervix.shape.moved(womb.frame)
    for part in canal.parts:
        points = on_surface(part.shape, 400)
        assert len(points)
        assert distance(womb.lining, points).min() > RIM
        assert distance(cervix, points).max() < 0.0


def test_the_wall_yields_to_a_cord_outside_of_the_sac():
    womb, radius = womb_of(22), 6.0
    wall = on_surface(womb.sac, 60)[0]
    out = gradient(womb.sac, wall[None])[0]
    across = np.linalg.svd(out[None])[2][1]
    path = wall + 4.0 * out + np.linspace(-15, 15, 12)[:, None] * across
    yielding_womb = womb.yielding(path, radius)
    assert distance(yielding_womb.sac, path[:-1]).max() < -(radius + CLEARANCE) + 0.01
    assert distance(yielding_womb.outer, path[:-1]).max() < -(radius + CLEARANCE)
    middle = womb.frame[:3, :3] @ womb.chamber.pear.centre + womb.frame[:3, 3]
    assert womb.yielding(middle + 0.05 * (path - path.mean(axis=0)), 1.0) is womb


def test_a_fluid_index_given_comes_before_that_of_a_finding():
    plan = fetus(22)[0]
    assert fluid_index(plan, 90.0, {"oligohydramnios": 30.0}) == 90.0
    assert fluid_index(plan, None, {"oligohydramnios": 30.0}) == 30.0
    assert fluid_index(plan, None, {}) == by_week("amniotic_fluid_index", 22)


def test_fibroids_lie_in_the_wall():
    womb = womb_of(22, findings={"fibroid": 40.0})
    assert womb.truth()["fibroid_1"] == 40.0
    points = on_surface(next(g for g in womb.groups() if g.name == "fibroids").parts[0].shape)
    assert distance(womb.outer, points).max() < -1.0
    assert distance(womb.lining, points).min() > 1.0


def test_what_is_pruned_does_not_bend_the_wall():
    wall = ellipsoid((0, 0, 0), (60, 60, 90))
    near = capsule((0, 0, 0), (0, 50, 0), 9)
    far = capsule((0, 0, -20), (0, 0, 20), 10)
    body = union(near, far, blend=2.0)
    less = pruned(body, wall, 2.0)
    assert less is near
    points = np.random.default_rng(0).uniform(-90, 90, (4000, 3))
    full, short = (distance(yielding(wall, shape), points) for shape in (body, less))
    assert np.array_equal(full < 0, short < 0)


def test_the_cover_holds_what_it_covers():
    body = ellipsoid((0, 0, 0), (30, 30, 60))
    fingers = [capsule((33, 3 * k, 5 * k), (45, 4 * k, 8 * k), 1.5) for k in range(4)]
    hand = union(body, *fingers, blend=1.0)
    cover = covered(hand)
    points = np.random.default_rng(0).uniform(-70, 70, (20000, 3))
    inside = distance(hand, points) < 0.0
    assert distance(cover, points[inside]).max() < 0.0
    assert distance(cover, points).min() < 0.0 < distance(cover, np.array([[45.0, -25, 0]]))[0]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"presentation": "sideways"}, "presentation"),
        ({"back": "up"}, "back"),
        ({"placenta": "anteror"}, "did you mean 'anterior'"),
        ({"afi": 700.0}, "10 to 400"),
        ({"contraction": 2.0}, "0 to 1"),
        ({"findings": {"short_cervix": 50.0}}, "5 to 25"),
    ],
)
def test_what_cannot_be_built_is_refused(given, text):
    with pytest.raises(InputError, match=text):
        womb_of(22, **given)


def test_planes_hold_their_beams_and_cut_what_they_show():
    womb = womb_of(22)
    parts = [part for group in womb.groups() for part in group.parts] + list(womb.content_parts())
    for name, plane in womb.planes().items():
        assert np.linalg.norm(plane.normal) == pytest.approx(1.0)
        for beam in plane.beams:
            assert np.linalg.norm(beam) == pytest.approx(1.0), name
            assert beam @ plane.normal == pytest.approx(0.0, abs=1e-9)
        across = np.cross(plane.beams[0], plane.normal)
        a = np.linspace(-plane.reach, plane.reach, 121)
        grid = a[:, None, None] * across + a[None, :, None] * plane.beams[0]
        labels = np.full(a.size**2, "", object)
        for part in parts:
            labels[distance(part.shape, (plane.origin + grid).reshape(-1, 3)) < 0.0] = part.region
        assert set(plane.shows) <= set(labels), name
