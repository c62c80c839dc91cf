"""The fetal head at any age: what it holds, where its calipers lie, what its planes cut."""

from __future__ import annotations

import math

import numpy as np
import pytest

from insonate.anatomy.fetus.head import (
    HEAD_TISSUES,
    head_groups,
    head_landmarks,
    head_limits,
    head_outline,
    head_planes,
    head_truth,
)
from insonate.anatomy.fetus.plan import Plan, Posture
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.fetus.skull import BASE, basion_radius, shifted
from insonate.anatomy.implicit.mesh import region_tissues
from insonate.anatomy.implicit.program import distance
from insonate.biometry import load_law
from insonate.errors import InputError

AGES = (14.0, 17.0, 22.0, 29.0, 40.0)


def make_plan(weeks, **findings):
    law = load_law("intergrowth")
    bpd, ofd, ac, fl = (law.mean(name, weeks) for name in ("BPD", "OFD", "AC", "FL"))
    return Plan(Sizes(weeks, bpd, ofd, ac, fl), Posture(), findings)


def to_fetus(plan, points):
    return np.asarray(points) @ plan.head[:3, :3].T + plan.head[:3, 3]


def cloud(plan, count=40_000, seed=1):
    """Random points around the head, in the fetal frame."""
    b, f = plan.sizes.half_width, plan.sizes.half_length
    box = np.array([[-1.2 * b, -1.35 * f, -1.5 * b], [1.2 * b, 1.2 * f, 1.1 * b]])
    return to_fetus(plan, np.random.default_rng(seed).uniform(*box, (count, 3)))


def regions_at(plan, points):
    """Name of the region at every point; outside of all groups it is empty."""
    names = np.full(len(points), "", dtype=object)
    for group in head_groups(plan):
        for part in group.parts:
            names[distance(part.shape, points) < 0] = part.region
    return names


def plane_points(plan, plane, step=0.5):
    """Points of a standard plane within its reach."""
    u = plane.beams[0]
    v = np.cross(plane.normal, u)
    a = np.arange(-plane.reach, plane.reach, step)
    grid = np.stack(np.meshgrid(a, a), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(*grid.T) < plane.reach]
    return plane.origin + grid[:, :1] * u + grid[:, 1:] * v


def span(plan, regions, start, end, fine=0.01):
    """Length of the line from `start` to `end` that lies in `regions` [mm]."""
    count = int(np.linalg.norm(end - start) / fine)
    points = start + np.linspace(0, 1, count)[:, None] * (end - start)
    inside = np.isin(regions_at(plan, points), regions)
    return inside.sum() * np.linalg.norm(end - start) / (count - 1)


def random_plan(seed):
    """A fetus of any age, size and shape, with findings as severe as it has room for."""
    draw = np.random.default_rng(seed).uniform
    weeks, law = draw(14.0, 40.0), load_law("intergrowth")
    measures = [law.value(name, weeks, draw(-2, 2)) for name in ("BPD", "OFD", "AC", "FL")]
    sizes = Sizes(weeks, *measures)
    limits = head_limits(Plan(sizes))
    findings = {name: draw(0.4, 1.0) * most for name, most in limits.items() if draw() < 0.5}
    names = ("skull_taper", "insula", "insula_+1", "plexus_+1", "dependent_side", "sulcus_28_+1")
    variation = {name: draw(-1.0, 1.0) for name in names}
    return Plan(sizes, Posture(neck=draw(-0.35, 0.8)), findings, variation)


@pytest.mark.parametrize("plan", [*map(make_plan, AGES), *map(random_plan, range(4))])
def test_all_of_the_head_lies_under_its_skin_and_fat(plan):
    points = cloud(plan)
    skin, fat, core = (distance(head_outline(plan, d), points) for d in ("skin", "fat", "core"))
    assert (skin <= fat - 0.05).all()
    assert (fat <= core - 0.05).all()
    skull = head_groups(plan)[0]
    for part in skull.parts:
        inside = distance(part.shape, points) < 0
        assert not inside.any() or core[inside].max() < -0.3, part.region


@pytest.mark.parametrize("plan", [*map(make_plan, AGES), *map(random_plan, range(4))])
def test_the_brain_lies_within_the_cavity_of_the_skull(plan):
    skull, brain, _ = head_groups(plan)
    points = cloud(plan)
    around = np.full(len(points), "", dtype=object)
    for part in skull.parts:
        around[distance(part.shape, points) < 0] = part.region
    cavity = next(part for part in skull.parts if part.region == "fetal_subarachnoid")
    room = distance(cavity.shape, points)
    for part in brain.parts:
        inside = distance(part.shape, points) < 0
        assert (around[inside] == brain.inside).all(), part.region
        assert not inside.any() or room[inside].max() < -0.3, part.region


@pytest.mark.parametrize("weeks", AGES)
def test_the_place_of_the_spine_stays_free(weeks):
    plan = make_plan(weeks)
    basion = to_fetus(plan, plan.in_head(0.0, 0.15, BASE))
    rays = np.random.default_rng(2).normal(size=(500, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    points = basion + rays * np.random.default_rng(3).uniform(0, basion_radius(plan), (500, 1))
    assert (regions_at(plan, points) == "").all()


@pytest.mark.parametrize("weeks", AGES)
def test_calipers_across_the_skull(weeks):
    plan = make_plan(weeks)
    marks, truth = head_landmarks(plan), head_truth(plan)
    left, right = marks["bpd_left"], marks["bpd_right"]
    bone, middle = head_groups(plan)[0].parts[0].shape, 0.5 * (left + right)
    assert np.allclose(distance(bone, [left, right]), 0.0, atol=1e-6)
    assert truth["bpd_outer_outer"] == pytest.approx(plan.sizes.bpd)
    assert truth["bpd_outer_inner"] == pytest.approx(
        plan.sizes.bpd - plan.sizes["skull_thickness"], abs=0.02
    )
    y = np.linspace(-0.5, 0.5, 101)[:, None] * plan.sizes.ofd * plan.head[:3, 1]
    beside = distance(bone, 1.0001 * (left - middle) + middle + y)
    assert (beside > 0).all()  # nowhere wider
    ends = marks["ofd_front"], marks["ofd_back"]
    assert np.allclose(distance(bone, ends), 0.0, atol=1e-6)
    assert truth["ofd"] == pytest.approx(plan.sizes.ofd)
    assert truth["hc"] == pytest.approx(load_law("intergrowth").mean("HC", weeks), rel=0.02)


@pytest.mark.parametrize(
    ("weeks", "findings"),
    [
        (14.0, {}),
        (22.0, {}),
        (36.0, {}),
        (22.0, {"ventriculomegaly": 11.0, "enlarged_cisterna_magna": 11.0}),
        (32.0, {"ventriculomegaly": 20.0, "enlarged_cisterna_magna": 14.0}),
    ],
)
def test_calipers_within_the_brain(weeks, findings):
    plan = make_plan(weeks, **findings)
    marks, truth = head_landmarks(plan), head_truth(plan)
    fluid = ("fetal_ventricle", "fetal_choroid_plexus")
    for side in ("left", "right"):
        ends = np.array([marks[f"atrium_{side}_medial"], marks[f"atrium_{side}_lateral"]])
        beyond = ends + [[-1.1], [1.1]] * (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        assert span(plan, fluid, *beyond) == pytest.approx(truth["atrium"], abs=0.03)
    assert truth["atrium"] == pytest.approx(findings.get("ventriculomegaly", 7.0))
    hemispheres = ("fetal_cerebellum", "fetal_vermis")
    left, right = marks["tcd_left"], marks["tcd_right"]
    outside = 1.1 * (left - right) / 2 + (left + right) / 2
    opposite = 1.1 * (right - left) / 2 + (left + right) / 2
    assert span(plan, hemispheres, outside, opposite) == pytest.approx(truth["tcd"], abs=0.05)
    front, back = marks["cisterna_magna_front"], marks["cisterna_magna_back"]
    ahead = front - 0.3 * (back - front)
    names = regions_at(plan, [front - 0.02 * (back - front), front + 0.02 * (back - front)])
    assert list(names) == ["fetal_vermis", "fetal_cisterna_magna"]
    vermis = span(plan, ("fetal_vermis",), ahead, back)
    assert vermis == pytest.approx(0.3 * np.linalg.norm(back - front), abs=0.03)
    assert truth["cisterna_magna"] == pytest.approx(
        findings.get("enlarged_cisterna_magna", plan.sizes["cisterna_magna"])
    )
    skull = head_groups(plan)[0]
    cavity = next(p for p in skull.parts if p.region == "fetal_subarachnoid").shape
    assert abs(distance(cavity, [back])[0]) < 1e-3


@pytest.mark.parametrize("weeks", AGES)
def test_the_nuchal_fold_and_the_eyes_are_as_measured(weeks):
    plan = make_plan(weeks)
    marks, truth = head_landmarks(plan), head_truth(plan)
    assert abs(distance(head_outline(plan, "skin"), [marks["nuchal_fold_skin"]])[0]) < 0.01
    assert truth["nuchal_fold"] == pytest.approx(plan.sizes["nuchal_fold"], rel=0.05)
    left, right = marks["orbit_left_outer"], marks["orbit_right_outer"]
    eyes = span(plan, ("fetal_eye", "fetal_lens"), left, right)
    assert eyes == pytest.approx(2 * plan.sizes["orbit_diameter"], abs=0.05)
    assert truth["interorbital_outer"] == pytest.approx(plan.sizes["interorbital_outer"])
    assert truth["interorbital_inner"] == pytest.approx(plan.sizes["interorbital_inner"])
    top, end = marks["nasal_bone_top"], marks["nasal_bone_end"]
    bone = span(plan, ("fetal_nasal_bone",), top + 0.2 * (top - end), end + 0.2 * (end - top))
    assert bone == pytest.approx(plan.sizes["nasal_bone"], abs=0.05)


@pytest.mark.parametrize("weeks", [15.0, 20.0])
def test_every_plane_cuts_what_defines_it(weeks):
    plan = make_plan(weeks)
    for name, plane in head_planes(plan).items():
        assert np.linalg.norm(plane.normal) == pytest.approx(1.0)
        assert all(abs(beam @ plane.normal) < 1e-9 for beam in plane.beams)
        seen = set(regions_at(plan, plane_points(plan, plane)))
        outer = {"fetal_skin", "fetal_soft_tissue"}
        assert set(plane.shows) - outer <= seen, name
        assert not set(plane.hides) & seen, name


def test_the_planes_are_tilted_as_they_should_be():
    for weeks in AGES:
        plan = make_plan(weeks)
        planes = head_planes(plan)
        cosine = planes["transthalamic"].normal @ planes["transcerebellar"].normal
        assert 15.0 < math.degrees(math.acos(cosine)) < 35.0


def test_a_cleft_opens_the_lip_on_its_side():
    plan, normal = make_plan(24.0, cleft_lip=3.0), make_plan(24.0)
    x = 0.25 * plan.sizes["mouth_width"]
    lip = [
        to_fetus(plan, shifted(plan.in_head(0, -1.05, -0.93), side * x, 0, 0)) for side in (1, -1)
    ]
    whole, cleft = (distance(head_outline(p, "skin"), lip) for p in (normal, plan))
    assert (whole < -0.2).all()
    assert cleft[0] > 1.0
    assert cleft[1] < -0.2
    arch = [p.shape for p in head_groups(plan)[0].parts if p.region == "fetal_maxilla"][1]
    assert distance(arch, to_fetus(plan, [plan.in_head(0, -0.92, -0.85)]))[0] < 0


def test_a_finding_that_does_not_fit_is_refused_with_its_limit():
    plan = make_plan(15.0, ventriculomegaly=24.0)
    most = head_limits(plan)["ventriculomegaly"]
    with pytest.raises(InputError, match=rf"ventriculomegaly: expected at most {most:.1f} mm"):
        head_groups(plan)


def test_there_is_no_cavum_before_16_weeks():
    early = {part.region for group in head_groups(make_plan(15.0)) for part in group.parts}
    later = {part.region for group in head_groups(make_plan(18.0)) for part in group.parts}
    assert not {"fetal_cavum", "fetal_corpus_callosum"} & early
    assert {"fetal_cavum", "fetal_corpus_callosum"} <= later
    assert "cavum" not in head_landmarks(make_plan(15.0))


def test_every_region_has_a_tissue():
    names = {part.region for group in head_groups(make_plan(22.0)) for part in group.parts}
    assert names == set(region_tissues(HEAD_TISSUES))
