"""The mother: nested layers, neighbours that keep apart, a bladder of the volume asked for."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from insonate.anatomy.implicit import Group, Shape, capsule, ellipsoid, union
from insonate.anatomy.implicit.measure import Measure
from insonate.anatomy.implicit.mesh import count_triangles, mesh_groups, region_tissues
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.mother import (
    MOTHER_TISSUES,
    Mother,
)
from insonate.anatomy.mother.plan import CONJUGATE, MotherPlan
from insonate.anatomy.mother.room import volume

#: Outer length, width and depth of a stand-in for the uterus [mm], by weeks.
SIZES = {None: (48, 50, 38), 14: (125, 90, 78), 20: (170, 122, 105), 28: (215, 155, 133),
         40: (275, 198, 170)}  # fmt: skip
#: What neighbours keep between them at least, so that their meshes do not touch [mm].
CLEAR = 0.25


def stand_in(plan: MotherPlan) -> Shape:
    length, width, depth = SIZES[plan.weeks]
    frame = plan.uterine_frame
    body = ellipsoid(
        frame[:3, 3] + 0.5 * length * frame[:3, 2],
        (0.5 * width, 0.5 * depth, 0.5 * length),
        frame[:3, :3],
    )
    neck = capsule(plan.external_os + 14.0 * plan.cervical_axis, plan.internal_os, 14.0)
    return union(body, neck, blend=10.0)


def with_uterus(weeks, **given) -> Mother:
    plan = MotherPlan(weeks, **given)
    return Mother(plan, stand_in(plan))


MOTHERS = {
    "usual": lambda: with_uterus(28),
    "lean, empty, not pregnant": lambda: with_uterus(None, fat=4.0, bladder_volume=20.0),
    "full, cyst, not pregnant": lambda: with_uterus(
        None, fat=60.0, bladder_volume=500.0, findings={"ovarian_cyst": 80.0}
    ),
    "early, cyst": lambda: with_uterus(
        14, bladder_volume=300.0, findings={"ovarian_cyst": 40.0}, variation={"bowel": -0.7}
    ),
    "term, full": lambda: with_uterus(40, fat=4.0, bladder_volume=500.0),
    "term, empty": lambda: with_uterus(40, fat=60.0, bladder_volume=20.0),
    "no uterus": lambda: Mother(MotherPlan(20.0), None),
}


@pytest.fixture(scope="module")
def mothers():
    made: dict[str, Mother] = {}

    def get(name: str) -> Mother:
        return made.setdefault(name, MOTHERS[name]())

    return get


def bounds(group: Group):
    corners = [part.shape.bounds() for part in group.parts]
    return np.min([c[0] for c in corners], axis=0), np.max([c[1] for c in corners], axis=0)


@cache
def measure(shape: Shape) -> Measure:
    """Compiled once: groups are asked about one another's few points again and again."""
    return Measure(shape)


def outer(group: Group, points):
    return np.min([measure(part.shape)(points) for part in group.parts], axis=0)


def some(names, *always):
    """Parameters of which all but a few are slow: every mother takes seconds to build."""
    return [pytest.param(n, marks=() if n in always else pytest.mark.slow) for n in names]


def points_in(group: Group, count: int, rng) -> np.ndarray:
    points = rng.uniform(*bounds(group), (count, 3))
    return points[outer(group, points) < 0.0]


def makes(group: Group, region: str, points) -> np.ndarray:
    """Whether each point has the label `region` of the group."""
    found = np.zeros(len(points), bool)
    for part in group.parts:
        found = np.where(measure(part.shape)(points) < 0.0, part.region == region, found)
    return found


@pytest.mark.parametrize("name", some(MOTHERS, "usual", "term, full"))
def test_every_group_lies_in_its_container_and_touches_no_neighbour(mothers, name):
    mother = mothers(name)
    groups = mother.groups
    rng = np.random.default_rng(3)
    for group in groups:
        points = points_in(group, 250, rng)
        homes = [h for h in groups if any(p.region == group.inside for p in h.parts)]
        if group.inside != "outside":
            inside = np.any([makes(home, group.inside, points) for home in homes], axis=0)
            assert inside.all(), f"{group.name} leaves {group.inside}"
        for other in groups:
            if other is group or other.inside != group.inside:
                continue
            low, high = bounds(other)
            near = points[((points > low) & (points < high)).all(axis=1)]
            if len(near):
                assert outer(other, near).min() > CLEAR, f"{group.name} touches {other.name}"
        if mother.uterus is not None and group.inside == "peritoneal_fat" and len(points):
            assert distance(mother.uterus, points).min() > CLEAR, group.name


@pytest.mark.parametrize(
    "name", some([name for name in MOTHERS if name != "no uterus"], "usual", "term, full")
)
def test_the_uterus_lies_in_the_cavity(mothers, name):
    mother = mothers(name)
    low, high = mother.uterus.bounds()
    points = np.random.default_rng(0).uniform(low, high, (4000, 3))
    inside = points[distance(mother.uterus, points) < 0.0]
    assert distance(mother.wall.cavity, inside).max() < -5.0


@pytest.mark.parametrize("name", MOTHERS)
def test_the_bladder_holds_what_was_asked_for(mothers, name):
    mother = mothers(name)
    assert_allclose(volume(mother.bladder.urine, 1.2), mother.plan.bladder_volume, rtol=0.02)
    assert mother.truth["bladder_volume"] == pytest.approx(mother.plan.bladder_volume, rel=0.02)


@pytest.mark.parametrize("name", ["usual", "term, empty", "lean, empty, not pregnant"])
def test_fat_is_as_thick_in_front_as_asked_for(mothers, name):
    mother = mothers(name)
    assert mother.truth["maternal_fat"] == pytest.approx(mother.plan.fat, rel=0.08)
    flank = np.array([[400.0, 60.0, 200.0]])
    gap = distance(mother.wall.fascia, flank) - distance(mother.wall.fat, flank)
    assert gap[0] < 0.8 * mother.plan.fat


def test_the_layers_have_their_thickness_everywhere(mothers):
    mother = mothers("usual")
    wall, rng = mother.wall, np.random.default_rng(1)
    points = rng.uniform((-200, -150, -100), (200, 200, 350), (4000, 3))
    muscle = distance(wall.preperitoneal, points) - distance(wall.fascia, points)
    assert_allclose(muscle, mother.plan.muscle + 1.6, atol=1e-9)
    skin = distance(wall.fat, points) - distance(wall.skin, points)
    assert_allclose(skin, mother.plan.skin, atol=1e-9)


def test_the_pelvis_has_its_conjugate():
    plan = MotherPlan(None)
    behind = np.array([0.0, 16.0, -2.0])
    assert np.linalg.norm(plan.promontory - behind) == pytest.approx(CONJUGATE)
    mother = Mother(plan, None)
    near = np.abs(distance(mother.bones, plan.promontory[None]))
    assert near[0] < 6.0


@pytest.mark.parametrize("weeks", [14, 20, 28, 40])
def test_the_usual_uterus_clears_the_promontory(weeks):
    plan = MotherPlan(weeks)
    assert distance(stand_in(plan), plan.promontory[None])[0] > 3.0
    assert distance(stand_in(plan), plan.symphysis[None])[0] > 8.0


def test_a_cyst_has_its_diameter(mothers):
    mother = mothers("early, cyst")
    cyst = next(p.shape for g in mother.groups for p in g.parts if p.region == "ovarian_cyst")
    low, high = cyst.bounds()
    assert_allclose(high - low, 40.0)
    others = (mother.uterus, mother.bones, mother.bladder.outer)
    assert min(distance(other, [0.5 * (low + high)])[0] for other in others) > 20.0


def test_every_region_has_a_tissue(mothers):
    regions = {p.region for name in MOTHERS for g in mothers(name).groups for p in g.parts}
    assert regions <= set(MOTHER_TISSUES)
    assert set(region_tissues(MOTHER_TISSUES)) == set(MOTHER_TISSUES)


def test_bowel_has_gas_in_some_loops_but_not_before_a_grown_womb(mothers):
    def loops(name, region):
        return [g for g in mothers(name).groups if g.name.startswith(region)]

    walls = len(loops("no uterus", "bowel_wall"))
    assert walls / 5 < len(loops("no uterus", "bowel_gas")) < walls / 2
    mother = mothers("usual")
    assert mother.uterus is not None
    gas, top = loops("usual", "bowel_gas"), mother.uterus.bounds()[1][2]
    assert len(gas) >= 2
    for group in gas:
        low, high = bounds(group)
        assert 0.5 * (low + high)[2] > top - 25.0 or 0.5 * (low + high)[1] > 45.0


def test_landmarks_lie_on_the_skin(mothers):
    mother = mothers("usual")
    skin = [mother.landmarks[name] for name in ("umbilicus", "xiphoid", "suprapubic")]
    assert_allclose(distance(mother.wall.skin, skin), 0.0, atol=0.01)
    assert mother.landmarks["umbilicus"][1] < -60.0  # a belly of 28 weeks


def test_meshes_are_closed(mothers):
    chosen = ("skin", "bladder_wall", "bladder_urine", "rectus_left", "ovary_left")
    groups = [g for g in mothers("usual").groups if g.name in chosen]
    layers = [g for g in mothers("usual").groups if g.name in ("subcutaneous_fat", "wall_fascia",
              "preperitoneal_fat", "peritoneum", "peritoneal_fat")]  # fmt: skip
    surfaces = mesh_groups([*layers, *groups], 2.0)
    for region in range(len(surfaces.regions)):
        front, back = (surfaces.pairs[:, side] == region for side in (0, 1))
        faces = np.concatenate([surfaces.faces[front], surfaces.faces[back][:, ::-1]])
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        forward, turned = np.unique(edges, axis=0), np.unique(edges[:, ::-1], axis=0)
        assert_allclose(forward, turned)


def test_detail_is_as_promised(mothers):
    groups = mothers("usual").groups
    coarse = sum(count_triangles(group, 2.0 * group.fineness) for group in groups)
    assert 4 * coarse > 300_000
