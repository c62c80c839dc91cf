"""Properties of patients of many kinds, each built whole: minutes, so they are marked slow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from insonate.anatomy.patient import build
from insonate.anatomy.patient.build import design, kept_planes, mesh
from insonate.anatomy.patient.measure import measure_surfaces
from insonate.anatomy.patient.parameters import Parameters
from insonate.errors import InputError

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "benchmarks")]

import patient_checks as checks  # noqa: E402

import biometry  # noqa: E402

pytestmark = pytest.mark.slow

DETAIL = 800_000
PATIENTS = {
    "14 weeks, breech": {"gestational_age": 14.0, "seed": 1, "presentation": "breech"},
    "18 weeks, transverse": {
        "gestational_age": 18.0, "seed": 2, "presentation": "transverse", "placenta": "low_lying",
        "findings": {"ventriculomegaly": 12.0, "single_umbilical_artery": 1.0},
    },
    "22 weeks": {"gestational_age": 22.0, "seed": 7},
    "22 weeks, back behind": {
        "gestational_age": 22.0, "seed": 3, "back": "posterior", "placenta": "posterior",
        "findings": {"hydronephrosis": 8.0, "short_femur": 0.6, "cleft_lip": 4.0, "fibroid": 60.0},
    },
    "28 weeks, much fluid": {
        "gestational_age": 28.0, "seed": 4, "back": "anterior", "placenta": "fundal",
        "findings": {"double_bubble": 0.8, "polyhydramnios": 300.0, "ovarian_cyst": 60.0},
    },
    "28 weeks, praevia": {
        "gestational_age": 28.0, "seed": 9, "presentation": "breech",
        "findings": {"placenta_praevia": 20.0},
    },
    "34 weeks, little fluid": {
        "gestational_age": 34.0, "seed": 5, "placenta": "left",
        "findings": {"oligohydramnios": 30.0, "absent_stomach": 1.0, "short_cervix": 12.0},
    },
    "40 weeks": {
        "gestational_age": 40.0, "seed": 6, "placenta": "anterior", "fat": 30.0,
        "findings": {"atrioventricular_septal_defect": 0.3},
    },
}  # fmt: skip
#: Tolerances. Triangles are flat and a lattice has a spacing: a vertex may leave its container
#: by DEEP [mm] in FEW vertices of a group; edges that pierce a triangle, as a share of all, and
#: how deep half of them do [mm]. `docs/patient.rst` states them.
FEW, DEEP, PIERCING, HALF = 0.01, 1.0, 0.06, 0.15
#: Caliper on the triangles, true value, relative tolerance.
CALIPERS = {
    "BPD": ("bpd_outer_outer", 0.01), "OFD": ("ofd", 0.01), "HC": ("hc", 0.01),
    "AC": ("ac", 0.01), "FL": ("femur_length", 0.01), "tcd": ("tcd", 0.02),
    "atrium_left": ("atrium_left", 0.05), "atrium_right": ("atrium_right", 0.05),
}  # fmt: skip


#: What is not as it should be yet, by test and patient; `docs/patient.rst` states it.
KNOWN = {
    ("test_every_group_lies_in_its_container_and_beside_its_neighbours", "22 weeks, back behind"): (
        "a hand sinks into the fat: 66 of its 1437 vertices by up to 3.4 mm; head and soft tissue "
        "overlap by 1.06 mm"
    ),
}


@pytest.fixture(autouse=True)
def known(request):
    case = getattr(request.node, "callspec", None)
    reason = KNOWN.get((request.node.originalname, case.params.get("patient"))) if case else None
    if reason:
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


@pytest.fixture(scope="module", params=PATIENTS)
def patient(request):
    anatomy = design(Parameters(detail=DETAIL, **PATIENTS[request.param]))
    return anatomy, mesh(anatomy)


def test_every_region_is_closed_and_has_a_volume(patient):
    assert checks.broken_regions(patient[1]) == []


def test_every_group_lies_in_its_container_and_beside_its_neighbours(patient):
    for breach in checks.breaches(*patient):
        span = patient[1].spans[breach.group]
        assert breach.vertices / (span.last_vertex - span.first_vertex) < FEW, str(breach)
        assert breach.worst < DEEP, str(breach)


def test_few_triangles_cut_each_other_and_not_deeply(patient):
    edges, depths = checks.piercing(patient[1])
    assert len(depths) / edges < PIERCING
    assert sorted(depths)[len(depths) // 2] < HALF


def test_the_fetus_lies_in_the_sac(patient):
    assert checks.room_in_sac(*patient) > 0.2


def test_every_plane_cuts_what_defines_it(patient):
    assert checks.missing_structures(*patient) == []


def test_calipers_on_the_triangles_read_the_truth(patient):
    anatomy, surfaces = patient
    found = measure_surfaces(surfaces, anatomy.planes, anatomy.landmarks)
    for caliper, (truth, tolerance) in CALIPERS.items():
        assert found[caliper] == pytest.approx(anatomy.truth[truth], rel=tolerance), caliper


def test_the_fluid_beside_the_cord_is_what_was_asked_for(patient):
    anatomy = patient[0]
    given = anatomy.parameters.findings
    asked = given.get("oligohydramnios", given.get("polyhydramnios"))
    if asked is not None:
        error = abs(anatomy.truth["amniotic_fluid_index"] - asked)
        assert error < max(0.15 * asked, 10.0)


def test_a_praevia_reaches_over_the_os_as_far_as_asked(patient):
    anatomy = patient[0]
    reaches = anatomy.parameters.findings.get("placenta_praevia")
    if reaches is not None:
        assert anatomy.truth["placenta_edge_to_os"] == pytest.approx(-reaches, abs=3.0)
        assert "placenta" in anatomy.planes["cervix"].shows


def test_fluid_that_cannot_be_met_is_refused_with_what_can(monkeypatch):
    womb = build.build_womb
    monkeypatch.setattr(build, "build_womb", lambda *a, **k: womb(*a, **(k | {"afi": 100.0})))
    monkeypatch.setattr(build, "_ROUNDS", 1)
    with pytest.raises(InputError, match=r"amniotic_fluid_index: expected \d+ mm or less"):
        design(Parameters(amniotic_fluid_index=300.0))


@pytest.mark.parametrize("weeks", [14.0, 16.0, 18.0, 22.0, 26.0, 31.0, 36.0, 40.0])
def test_the_default_detail_is_as_fine_as_promised(weeks):
    surfaces = mesh(design(Parameters(gestational_age=weeks)))
    fetal = np.array([name.startswith(("fetal_", "cord_")) for name in surfaces.regions])
    of_fetus = int(fetal[surfaces.pairs].any(axis=1).sum())
    assert of_fetus >= 400_000
    assert len(surfaces.faces) - of_fetus >= 275_000


def test_coarse_planes_promise_only_what_the_mesh_kept():
    anatomy = design(Parameters(detail=60_000))
    surfaces = mesh(anatomy)
    kept = kept_planes(anatomy.planes, surfaces)
    there = {surfaces.regions[n] for n in np.unique(surfaces.pairs)}
    assert set(kept) <= set(anatomy.planes)
    assert all(plane.shows and set(plane.shows) <= there for plane in kept.values())


@pytest.mark.parametrize("weeks", range(14, 41))
def test_biometry_is_that_of_the_formula_every_week(weeks):
    for measure, row in biometry.row(float(weeks), "intergrowth").items():
        assert abs(row["error"]) < biometry.ALLOWED[measure], (measure, row)


DIGEST = """
import hashlib
from insonate.anatomy.patient.build import design, mesh
from insonate.anatomy.patient.parameters import Parameters
s = mesh(design(Parameters(seed={seed}, detail=60_000)))
arrays = (s.vertices, s.faces, s.pairs, s.normals)
print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


def test_same_parameters_give_the_same_bytes_in_another_process():
    words = [sys.executable, "-c"]
    made = [
        subprocess.run([*words, DIGEST.format(seed=n)], capture_output=True, text=True, check=True)
        for n in (7, 7, 8)
    ]
    one, again, other = (run.stdout for run in made)
    assert one == again != other
