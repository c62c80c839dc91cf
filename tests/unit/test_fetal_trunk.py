"""The fetal trunk: it keeps its measures and its organs stay where they belong."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insonate.anatomy.fetus import spine, trunk
from insonate.anatomy.fetus.abdomen import DUODENUM, STOMACH
from insonate.anatomy.fetus.diaphragm import diaphragm_dome
from insonate.anatomy.fetus.kidneys import largest_pelvis
from insonate.anatomy.fetus.plan import Plan, Posture
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.fetus.trunk_frame import ABDOMEN_S
from insonate.anatomy.implicit import Part, union
from insonate.anatomy.implicit.program import distance
from insonate.biometry import load_law
from insonate.errors import InputError

AGES = (14.0, 22.0, 40.0)


def a_plan(weeks: float, findings=None, posture=None, ac: float = 1.0) -> Plan:
    law = load_law("intergrowth")
    bpd, ofd, mean, fl = (law.mean(name, weeks) for name in ("BPD", "OFD", "AC", "FL"))
    return Plan(Sizes(weeks, bpd, ofd, mean * ac, fl), posture or Posture(), findings or {})


@cache
def parts_of(weeks: float, **findings: float) -> tuple[Part, ...]:
    return trunk.trunk_groups(a_plan(weeks, findings))[0].parts


def region(parts, *names: str):
    shapes = [part.shape for part in parts if part.region in names]
    return union(*shapes) if shapes else None


def girth(plan: Plan, s: float) -> float:
    """Circumference of the outer skin in the section at `s`, found by bisection along rays."""
    centre, axes = plan.trunk.centre(s), plan.trunk.axes(s)
    angle = np.linspace(0.0, 2.0 * np.pi, 721)
    ways = np.cos(angle)[:, None] * axes[:, 0] + np.sin(angle)[:, None] * axes[:, 1]
    skin = trunk.trunk_outline(plan, "skin")
    low, high = np.zeros(len(angle)), np.full(len(angle), 1.6 * plan.sizes.trunk_radius)
    for _ in range(30):
        middle = 0.5 * (low + high)
        inside = distance(skin, centre + middle[:, None] * ways) < 0.0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return float(np.linalg.norm(np.diff(centre + low[:, None] * ways, axis=0), axis=1).sum())


@pytest.mark.parametrize("weeks", AGES)
@pytest.mark.parametrize("flexion", [0.3, 1.047, 1.6])
def test_the_abdomen_has_its_circumference(weeks, flexion):
    plan = a_plan(weeks, posture=Posture(trunk=flexion))
    assert girth(plan, 0.565) == pytest.approx(plan.sizes.ac, rel=0.005)


@pytest.mark.parametrize("weeks", [18.0, 22.0, 28.0, 38.0])
def test_the_chest_has_its_circumference(weeks):
    plan = a_plan(weeks)
    assert girth(plan, 0.40) == pytest.approx(plan.sizes["thoracic_circumference"], rel=0.02)
    assert trunk.trunk_truth(plan)["tc"] == pytest.approx(girth(plan, 0.40), rel=0.005)


def around(plan: Plan, count: int, seed: int) -> np.ndarray:
    """Points in a box around the trunk `(count, 3)`."""
    low, high = trunk.trunk_outline(plan, "skin").bounds()
    return np.random.default_rng(seed).uniform(low, high, (count, 3))


def assert_contained(plan: Plan, parts) -> None:
    points = around(plan, 20_000, 5)
    depth = distance(trunk.trunk_outline(plan, "core"), points)
    # where the core's distance is not exact its offset is a little off
    points = points[(depth > -0.50) & (depth < 8.0)]
    for part in parts:
        inside = distance(part.shape, points) < 0.0
        assert not inside.any(), f"{part.region} leaves the core at {points[inside][0]}"


@pytest.mark.parametrize("weeks", [14.0, 22.0, 40.0])
def test_nothing_leaves_the_soft_tissue(weeks):
    assert_contained(a_plan(weeks), parts_of(weeks))


@settings(max_examples=2, deadline=None)
@given(
    weeks=st.floats(14.0, 40.0),
    flexion=st.floats(0.3, 1.6),
    ac=st.floats(0.88, 1.12),
    finding=st.sampled_from(["hydronephrosis", "hydronephrosis_right", "double_bubble"]),
    share=st.floats(0.0, 1.0),
)
def test_nothing_leaves_the_soft_tissue_of_any_fetus(weeks, flexion, ac, finding, share):
    plan = a_plan(weeks, {}, Posture(trunk=flexion), ac)
    most = min(largest_pelvis(plan), 20.0)
    degree = 4.0 + share * (most - 4.0) if "hydro" in finding else 0.3 + 0.7 * share
    plan = a_plan(weeks, {finding: degree}, Posture(trunk=flexion), ac)
    assert_contained(plan, trunk.trunk_groups(plan)[0].parts)


def assert_apart(first, second, points) -> None:
    both = (distance(first, points) < 0.0) & (distance(second, points) < 0.0)
    assert not both.any(), f"they meet at {points[both][0]}"


@pytest.mark.parametrize("weeks", AGES)
def test_organs_do_not_meet(weeks):
    parts, plan = parts_of(weeks), a_plan(weeks)
    points = around(plan, 10_000, 1)
    for first, second in (
        ("fetal_stomach", "fetal_portal_vein"),
        ("fetal_stomach", "fetal_kidney_left"),
        ("fetal_gallbladder", "fetal_umbilical_vein"),
        ("fetal_kidney_left", "fetal_vertebrae"),
        ("fetal_kidney_right", "fetal_vertebrae"),
        ("fetal_bladder", "fetal_umbilical_artery"),
        ("fetal_aorta", "fetal_vertebrae"),
        ("fetal_aorta", "fetal_inferior_vena_cava"),
        ("fetal_vertebrae", "fetal_spinal_cord"),
    ):
        assert_apart(region(parts, first), region(parts, second), points)


@pytest.mark.parametrize("weeks", AGES)
def test_the_abdomen_stays_below_the_diaphragm(weeks):
    plan, parts = a_plan(weeks), parts_of(weeks)
    points = around(plan, 8_000, 2)
    above = diaphragm_dome(plan)
    for name in ("fetal_liver", "fetal_stomach", "fetal_spleen", "fetal_kidney_left"):
        assert_apart(region(parts, name), above, points)


@pytest.mark.parametrize("weeks", AGES)
def test_the_plane_of_the_circumference_shows_what_defines_it(weeks):
    plan, parts = a_plan(weeks), parts_of(weeks)
    for name, plane in trunk.trunk_planes(plan).items():
        if name not in ("abdominal_circumference", "kidneys", "cord_insertion", "spine_sagittal"):
            continue
        points = in_plane(plane)
        for shown in plane.shows:
            assert (distance(region(parts, shown), points) < 0.0).any(), f"{name}: {shown}"
        for hidden in plane.hides:
            assert (distance(region(parts, hidden), points) > 0.0).all(), f"{name}: {hidden}"


def in_plane(plane) -> np.ndarray:
    across = np.cross(plane.normal, plane.beams[0])
    grid = np.linspace(-plane.reach, plane.reach, 101)
    x, y = np.meshgrid(grid, grid)
    return plane.origin + x.reshape(-1, 1) * across + y.reshape(-1, 1) * plane.beams[0]


def crossing(shape, start: np.ndarray, way: np.ndarray, most: float) -> float:
    """How far `shape` reaches from `start` along the unit vector `way` [mm]."""
    t = np.linspace(0.0, most, 4001)
    return float(t[np.argmax(distance(shape, start + t[:, None] * way) > 0.0)])


@pytest.mark.parametrize(
    ("weeks", "degree"), [(22.0, 0.0), (22.0, 5.0), (22.0, 15.0), (34.0, 20.0)]
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_renal_pelvis_has_the_width_asked_for(weeks, degree, side):
    name = "hydronephrosis" if side == "left" else "hydronephrosis_right"
    plan = a_plan(weeks, {name: degree} if degree else {})
    parts = parts_of(weeks, **({name: degree} if degree else {}))
    at = trunk.trunk_landmarks(plan)
    ends = at[f"renal_pelvis_{side}_anterior"], at[f"renal_pelvis_{side}_posterior"]
    middle, way = 0.5 * (ends[0] + ends[1]), ends[1] - ends[0]
    way /= np.linalg.norm(way)
    fluid = region(parts, f"fetal_renal_pelvis_{side}")
    width = sum(crossing(fluid, middle, sign * way, 20.0) for sign in (1.0, -1.0))
    expected = degree or plan.sizes["renal_pelvis"]
    assert width == pytest.approx(expected, abs=0.05)
    assert trunk.trunk_truth(plan)[f"renal_pelvis_{side}"] == pytest.approx(expected)


def test_a_pelvis_wider_than_the_trunk_allows_is_refused():
    with pytest.raises(InputError, match=r"hydronephrosis: expected at most 8\.\d mm at 14 weeks"):
        trunk.trunk_groups(a_plan(14.0, {"hydronephrosis": 15.0}))


def test_the_stomach_goes_with_the_finding():
    assert region(parts_of(22.0, absent_stomach=1.0), "fetal_stomach") is None
    full = trunk.trunk_truth(a_plan(22.0))
    half = trunk.trunk_truth(a_plan(22.0, {"absent_stomach": 0.5}))
    assert half["stomach_ap"] == pytest.approx(full["stomach_ap"] * 0.5 ** (1 / 3))
    for plane in trunk.trunk_planes(a_plan(22.0, {"absent_stomach": 1.0})).values():
        assert "fetal_stomach" not in plane.shows


def test_the_stomach_lies_left_and_the_vein_turns_right():
    plan, parts = a_plan(22.0), parts_of(22.0)
    centre, axes = plan.trunk.centre(0.565), plan.trunk.axes(0.565)
    assert (plan.trunk.point(*STOMACH) - centre) @ axes[:, 0] > 5.0
    points = in_plane(trunk.trunk_planes(plan)["abdominal_circumference"])
    veins = points[distance(region(parts, "fetal_portal_vein"), points) < 0.0]
    assert np.median((veins - centre) @ axes[:, 0]) < 0.0


def test_two_bubbles_are_one_room():
    plan, parts = a_plan(24.0, {"double_bubble": 0.7}), parts_of(24.0, double_bubble=0.7)
    duodenum = region(parts, "fetal_duodenum")
    bubbles = duodenum | region(parts, "fetal_stomach")
    truth = trunk.trunk_truth(plan)
    equivalent = np.sqrt(truth["stomach_transverse"] * truth["stomach_ap"])
    assert truth["duodenum"] == pytest.approx(0.7 * equivalent)
    line = np.linspace(plan.trunk.point(*DUODENUM), plan.trunk.point(*STOMACH), 60)
    assert (distance(bubbles, line) < 0.0).all()
    assert not (distance(region(parts_of(24.0), "fetal_stomach"), line) < 0.0).all()
    assert region(parts_of(24.0), "fetal_duodenum") is None


@pytest.mark.parametrize("weeks", AGES)
def test_the_second_bubble_is_round_where_the_abdomen_is_measured(weeks):
    plan, parts = a_plan(weeks, {"double_bubble": 0.8}), parts_of(weeks, double_bubble=0.8)
    axes, diameter = plan.trunk.axes(ABDOMEN_S), trunk.trunk_truth(plan)["duodenum"]
    grid = np.linspace(-0.6, 0.6, 61) * diameter
    x, y = (side.reshape(-1, 1) for side in np.meshgrid(grid, grid))
    points = plan.trunk.point(ABDOMEN_S, *DUODENUM[1:]) + x * axes[:, 0] + y * axes[:, 1]
    inside = distance(region(parts, "fetal_duodenum"), points) < 0.0
    disc = np.hypot(x, y)[:, 0] < 0.5 * diameter
    assert inside[disc].mean() > 0.85


def test_centres_of_bone_appear_in_their_order():
    assert not spine.is_bone("S2", 21.0, arch=True)
    assert spine.is_bone("S2", 22.0, arch=True)
    assert spine.is_bone("S2", 21.0, arch=False)
    assert spine.is_bone("L5", 16.0, arch=True)
    assert spine.is_bone("C3", 14.0, arch=True)
    assert spine.is_bone("S5", 30.0, arch=True)


def test_the_cord_rises_with_age():
    levels = [spine.conus(a_plan(weeks)) for weeks in (14.0, 20.0, 30.0, 40.0)]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(0.86, abs=0.005)
    assert spine.vertebra_s("L1") - 0.03 < levels[-1] < spine.vertebra_s("L2")


@pytest.mark.parametrize("weeks", AGES)
def test_the_canal_keeps_its_width(weeks):
    plan, parts = a_plan(weeks), parts_of(weeks)
    s = spine.vertebra_s("L2")
    at = spine.vertebra(plan, s)
    way = at.frame[:3, 0]
    bone = region(parts, "fetal_vertebrae")
    line = at.point(0.0, at.behind) + np.linspace(-1, 1, 2001)[:, None] * way * at.canal[0]
    assert (distance(bone, line) > -0.02).all()
    assert trunk.trunk_truth(plan)["canal_width"] == pytest.approx(2.0 * at.canal[0])


def test_every_region_has_a_tissue():
    used = {part.region for weeks in (14.0, 30.0) for part in parts_of(weeks)}
    assert used <= set(trunk.TRUNK_TISSUES)
