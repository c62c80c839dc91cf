"""Patients: parameters, calipers on triangles, closed surfaces, one patient built whole."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.anatomy.implicit import Group, Part, capsule, ellipsoid, sphere
from insonate.anatomy.implicit.mesh import mesh_groups
from insonate.anatomy.patient.build import design, mesh
from insonate.anatomy.patient.measure import boundary, crossings, cut, measure_surfaces
from insonate.anatomy.patient.parameters import Parameters, fill, sizes_of
from insonate.anatomy.planes import Plane
from insonate.errors import InputError

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "end_to_end"), str(TESTS.parent / "benchmarks")]

import patient_checks as checks  # noqa: E402

import biometry  # noqa: E402

ACROSS = Plane(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]))


@pytest.fixture(scope="module")
def bodies():
    """A ball around a smaller one, and a rod beside them."""
    outer = Group("outer", "outside", (Part("ball", sphere((0, 0, 0), 30)),))
    inner = Group("inner", "ball", (Part("core", ellipsoid((2, 0, 0), (20, 10, 12))),))
    rod = Group("rod", "outside", (Part("rod", capsule((40, 0, -15), (40, 0, 15), 3)),))
    return mesh_groups((outer, inner, rod), 1.5)


def test_a_section_is_as_long_as_the_circle(bodies):
    section = cut(bodies, ("ball", "core"), ACROSS).around(np.zeros(2))
    circle = 2.0 * math.pi * math.sqrt(30.0**2 - 1.0)
    assert section.perimeter() == pytest.approx(circle, rel=2e-3)
    assert section.hull() == pytest.approx(circle, rel=2e-3)
    assert section.extent(np.array([1.0, 0.0])) == pytest.approx(circle / math.pi, rel=2e-3)


def test_only_the_outermost_line_around_a_point_is_taken(bodies):
    section = cut(bodies, ("ball", "rod"), ACROSS)
    assert len(np.unique(section.loops)) == 3
    around = section.around(section.flat(np.array([[40.0, 0.0, 0.0]]))[0])
    assert around.perimeter() == pytest.approx(2.0 * math.pi * 3.0, rel=0.02)
    assert section.around(np.zeros(2)).perimeter() == pytest.approx(2 * math.pi * 30.0, rel=0.01)


def test_a_line_crosses_where_the_surfaces_are(bodies):
    start, way = np.array([-50.0, 0.3, 0.2]), np.array([1.0, 0.0, 0.0])
    met = crossings(bodies, ("ball",), start, way)
    assert met == pytest.approx([20.0, 32.0, 72.0, 80.0], abs=0.2)
    assert crossings(bodies, ("ball", "core"), start, way) == pytest.approx([20, 80], abs=0.1)
    assert len(boundary(bodies, ("nothing",))) == 0


@pytest.mark.parametrize("weeks", [14.0, 38.0])
def test_biometry_of_the_mesh_is_that_of_the_formula(weeks):
    for measure, row in biometry.row(weeks, "intergrowth").items():
        assert abs(row["error"]) < biometry.ALLOWED[measure], (measure, row)


@pytest.fixture(scope="module")
def patient():
    """Shapes and triangles of the patient that ships, at the least detail."""
    anatomy = design(Parameters(detail=60_000))
    return anatomy, mesh(anatomy)


def test_every_boundary_is_closed_and_oriented(patient):
    for number, name in enumerate(patient[1].regions):
        assert checks.open_edges(checks.boundary(patient[1], number)) == 0, name


def test_the_fetus_lies_in_the_sac_and_clear_of_the_placenta(patient):
    anatomy, surfaces = patient
    assert checks.room_in_sac(anatomy, surfaces) > 0.2


def test_the_skull_and_the_abdomen_are_measured_on_any_detail(patient):
    anatomy, surfaces = patient
    found = measure_surfaces(surfaces, anatomy.planes, anatomy.landmarks)
    assert found["BPD"] == pytest.approx(anatomy.truth["bpd_outer_outer"], rel=0.01)
    assert found["OFD"] == pytest.approx(anatomy.truth["ofd"], rel=0.01)
    assert found["HC"] == pytest.approx(anatomy.truth["hc"], rel=0.01)


def test_seeds_differ_plausibly():
    bpd, presentation, fat = [], set(), []
    for seed in range(60):
        filled = fill(Parameters(seed=seed))
        bpd.append(sizes_of(filled).bpd)
        presentation.add(filled.presentation)
        fat.append(filled.fat)
    assert presentation == {"cephalic", "breech", "transverse"}
    assert 1.0 < np.std(bpd) < 4.0
    assert np.mean(bpd) == pytest.approx(55.0, abs=1.0)
    assert len(set(fat)) == 60


def test_what_is_given_changes_nothing_that_is_drawn():
    one, two = fill(Parameters(seed=3)), fill(Parameters(seed=3, presentation="transverse"))
    assert one.fat == two.fat
    assert one.placenta == two.placenta
    assert sizes_of(one) == sizes_of(two)


@given(
    weeks=st.floats(14.0, 40.0),
    seed=st.integers(0, 2**64 - 1),
    law=st.sampled_from(["intergrowth", "hadlock"]),
)
def test_every_seed_has_a_head_of_plausible_shape(weeks, seed, law):
    sizes = sizes_of(Parameters(gestational_age=weeks, seed=seed, law=law))
    assert 0.68 <= round(sizes.bpd / sizes.ofd, 9) <= 0.94


@given(weeks=st.floats(14.0, 40.0), seed=st.integers(0, 2**64 - 1))
@pytest.mark.parametrize("centile", [0.1, 99.9])
@pytest.mark.parametrize("law", ["intergrowth", "hadlock"])
@pytest.mark.parametrize("measure", ["HC", "BPD", "AC", "FL"])
def test_the_smallest_and_the_largest_can_be_asked_for(measure, law, centile, weeks, seed):
    given = {"gestational_age": weeks, "seed": seed, "law": law}
    sizes = sizes_of(Parameters(**given, centiles={measure: centile}))
    typical = sizes_of(Parameters(**given, centiles={measure: 50.0}))
    size, middle = ((s.bpd if measure in ("HC", "BPD") else s.ac if measure == "AC" else s.fl)
                    for s in (sizes, typical))  # fmt: skip
    assert (size < middle) == (centile < 50.0)


DIGEST = """
import hashlib, json
from insonate.anatomy.implicit.mesh import mesh_groups
from insonate.anatomy.fetus.head import head_groups
from insonate.anatomy.patient.parameters import Parameters, fetal_plan, fill
from dataclasses import replace
plan = fetal_plan(fill(Parameters(seed=11)))
head = [replace(g, inside="outside") for g in head_groups(plan)[:1]]
s = mesh_groups(head, 4.0)
print(hashlib.sha256(s.vertices.tobytes() + s.faces.tobytes()).hexdigest())
"""


def test_another_process_makes_the_same_bytes():
    runs = [
        subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert len({run.stdout for run in runs}) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"gestational_age": 12.0}, "14 to 40 weeks"),
        ({"gestational_age": 41.0}, "14 to 40 weeks"),
        ({"rectus": -3.0}, "3 to 15 mm"),
        ({"fat": -1.0}, "4 to 60 mm"),
        ({"fetuses": 2}, "twins"),
        ({"detail": 1000}, "60000 to 3000000 triangles"),
        ({"presentation": "sideways"}, "presentation"),
        ({"findings": {"ventriculomegaly": 400.0}}, "10 to 25 mm"),
        ({"findings": {"webbed_feet": 1.0}}, "unknown finding"),
        ({"centiles": {"BPD": 100.0}}, "0.1 to 99.9"),
    ],
)
def test_bad_parameters_state_the_valid_range(given, words):
    with pytest.raises(InputError, match=words) as caught:
        Parameters(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weeks", "finding", "degree"),
    [
        (14.0, "hydronephrosis", 20.0),
        (14.0, "hydronephrosis_right", 20.0),
        (15.0, "ventriculomegaly", 24.0),
        (14.0, "cleft_lip", 8.0),
    ],
)
def test_a_finding_that_has_no_room_is_refused_before_the_build(weeks, finding, degree):
    with pytest.raises(InputError, match=f"{finding}: expected .* at {weeks:g} weeks") as caught:
        design(Parameters(gestational_age=weeks, findings={finding: degree}))
    assert "\n" not in str(caught.value)
