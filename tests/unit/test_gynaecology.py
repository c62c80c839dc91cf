"""The gynaecology scene: follicles of given diameters, closed surfaces, masks that show them."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insonate import Settings, Simulator
from insonate.anatomy.gynaecology import STRUCTURES, GynaecologyPatient, structure_mask
from insonate.anatomy.gynaecology.ovary import make_ovary
from insonate.anatomy.gynaecology.tissues import tissues_of
from insonate.anatomy.gynaecology.uterus import uterus_linings
from insonate.anatomy.implicit import Group, Part, sphere
from insonate.anatomy.implicit.mesh import mesh_groups, region_tissues
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.pelvis import bone_shape
from insonate.errors import InputError

#: A pelvis of fat alone, around the organs [mm].
FAT = Group(
    "fat", "outside", (Part("peritoneal_fat", sphere((0.0, 55.0, 10.0), 115.0)),), fineness=6.0
)
LEFT, RIGHT = (18.0, 6.0, 5.0, 4.0, 2.0), (9.0,) * 6 + (3.0,) * 9


@functools.cache
def meshed(**parameters):
    patient = GynaecologyPatient(follicles_left=LEFT, follicles_right=RIGHT, **parameters)
    return patient, mesh_groups([FAT, *patient.organs], 1.0)


def volume(surfaces, region):
    """Enclosed volume of a region [ml], by the divergence theorem."""
    label = surfaces.regions.index(region)
    corners = surfaces.vertices.astype(np.float64)[surfaces.faces]
    cones = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6000.0
    return cones[surfaces.pairs[:, 1] == label].sum() - cones[surfaces.pairs[:, 0] == label].sum()


def test_follicles_have_the_diameters_that_were_asked_for():
    patient, surfaces = meshed()
    for side, diameters in (("left", LEFT), ("right", RIGHT)):
        for number, diameter in enumerate(diameters, start=1):
            region = f"follicle_{side}_{number}"
            exact = np.pi / 6.0 * diameter**3 / 1000.0
            assert volume(surfaces, region) == pytest.approx(exact, rel=0.03), region
            assert patient.truth[f"{region}_volume"] == pytest.approx(exact)
            assert patient.truth[region] == pytest.approx(diameter)


def test_ovaries_have_the_volume_that_is_recorded():
    patient, surfaces = meshed()
    for side in ("left", "right"):
        inside = [region for region in surfaces.regions if f"_{side}" in region]
        found = sum(volume(surfaces, region) for region in inside)
        assert found == pytest.approx(patient.truth[f"ovary_{side}_volume"], rel=0.02)


def test_all_surfaces_are_closed():
    _, surfaces = meshed()
    edges = np.concatenate([surfaces.faces[:, [k, (k + 1) % 3]] for k in range(3)]).astype(np.int64)
    key = edges.min(axis=1) * len(surfaces.vertices) + edges.max(axis=1)
    which = np.unique(key, return_inverse=True)[1].ravel()
    way = np.where(edges[:, 0] < edges[:, 1], 1, -1)
    for label, region in enumerate(surfaces.regions):
        side = (surfaces.pairs[:, 1] == label).astype(int) - (surfaces.pairs[:, 0] == label)
        assert not np.bincount(which, weights=way * np.tile(side, 3)).any(), region


def test_same_seed_same_bytes():
    first, second = (
        mesh_groups([FAT, *GynaecologyPatient(seed=5).organs], 4.0).vertices for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()
    other = mesh_groups([FAT, *GynaecologyPatient(seed=6).organs], 4.0).vertices
    assert first.shape != other.shape or not np.array_equal(first, other)


@functools.cache
def frames():
    patient, surfaces = meshed()
    given = {"outside": "gel", **tissues_of(surfaces.regions)}
    scene = surfaces.scene(region_tissues(given))
    found = {}
    for name, view in patient.views.items():
        simulator = Simulator(scene, view.load_probe(), Settings.fast())
        found[name] = simulator.frame(view.pose(), seed=1)
    return patient, found


def test_ovary_views_show_ovary_and_follicles():
    _, found = frames()
    for side in ("left", "right"):
        frame = found[f"ovary_{side}"]
        ovary = structure_mask(frame.labels, frame.region_names, f"ovary_{side}")
        follicles = structure_mask(frame.labels, frame.region_names, f"follicles_{side}")
        assert ovary.sum() * frame.spacing**2 > 100.0
        assert follicles.sum() * frame.spacing**2 > 50.0
        assert not (follicles & ~ovary).any()
        stroma = ovary & ~follicles & (frame.labels != 0)
        assert frame.bmode[follicles].mean() < 0.5 * frame.bmode[stroma].mean()


def test_a_follicle_is_seen_at_its_diameter():
    _, found = frames()
    frame = found["ovary_left"]
    mask = structure_mask(frame.labels, frame.region_names, "follicle_left_1")
    assert mask.sum() * frame.spacing**2 == pytest.approx(np.pi / 4.0 * 18.0**2, rel=0.1)


def test_planes_cut_what_they_show():
    patient, found = frames()
    for name, plane in patient.planes.items():
        names = {found[name].region_names[label] for label in np.unique(found[name].labels)}
        assert set(plane.shows) <= names, name


def test_uterus_view_shows_three_layers_before_ovulation_only():
    _, found = frames()
    frame = found["uterus_sagittal"]
    layers = {
        name: frame.bmode[structure_mask(frame.labels, frame.region_names, name)].mean()
        for name in ("endometrium_functional", "endometrium_midline")
    }
    assert layers["endometrium_midline"] > 1.3 * layers["endometrium_functional"]
    late = GynaecologyPatient(cycle_day=22)
    regions = [g.name for g in uterus_linings(late.uterus)]
    assert "endometrium" in regions
    assert "endometrium_functional" not in regions


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"age": 12}, "age: expected 15 to 60 years"),
        ({"cycle_day": 29}, "cycle_day: expected 1 to 28"),
        ({"cycle_day": 3.5}, "cycle_day: expected a whole number"),
        ({"follicles_left": (1.0,)}, "follicles_left: expected 2 to 40 mm"),
        (
            {"follicles_right": (5.0,) * 31},
            "follicles_right: expected at most 30 follicles",
        ),
        ({"follicles_left": "many"}, "follicles_left: expected diameters in mm"),
        ({"bladder_volume": -5}, "bladder_volume: expected 20 to 500 ml"),
        ({"fat": float("nan")}, "fat: expected 4 to 60 mm"),
        ({"endometrium": 40}, "endometrium: expected 1 to 20 mm"),
        ({"uterus_version": "sideways"}, "uterus_version: expected anteverted or retroverted"),
        ({"findings": {"cleft_lip": 3}}, "findings: expected fibroid or ovarian_cyst"),
        ({"findings": {"ovarian_cyst": 5}}, "ovarian_cyst: expected 20 to 120 mm"),
        ({"detail": 10}, "detail: expected 60000 to 3e\\+06 triangles"),
    ],
)
def test_bad_parameters_are_told_the_range(parameters, says):
    with pytest.raises(InputError, match=says):
        GynaecologyPatient(**parameters)


def test_more_than_fits_is_told_the_limit():
    with pytest.raises(InputError, match=r"follicles_left: 30 of 1005 ml .* at most 120 mm long"):
        _ = GynaecologyPatient(follicles_left=(40.0,) * 30).ovaries


diameters = st.lists(st.floats(2.0, 26.0), max_size=30)


@settings(max_examples=6, deadline=None)
@given(left=diameters, seed=st.integers(0, 1000), day=st.integers(1, 28))
def test_no_two_follicles_overlap_and_none_leaves_its_ovary(left, seed, day):
    patient = GynaecologyPatient(follicles_left=tuple(left), seed=seed, cycle_day=day)
    ovary = make_ovary(patient, "left")
    assert len(ovary.follicles) == len(left)
    for i, ball in enumerate(ovary.balls):
        assert distance(ovary.shape, [ball.centre])[0] < -0.5 * ball.diameter - 1.2
        for other in ovary.balls[:i]:
            apart = np.linalg.norm(ball.centre - other.centre)
            assert apart > 0.5 * (ball.diameter + other.diameter) + 0.6


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 1000),
    age=st.floats(15.0, 60.0),
    day=st.integers(1, 28),
    version=st.sampled_from(["anteverted", "retroverted"]),
    fibroid=st.sampled_from([0.0, 12.0, 40.0]),
    bladder=st.floats(20.0, 500.0),
)
def test_linings_nest_and_neighbours_keep_apart(seed, age, day, version, fibroid, bladder):
    patient = GynaecologyPatient(
        seed=seed,
        age=age,
        cycle_day=day,
        uterus_version=version,
        bladder_volume=bladder,
        findings={"fibroid": fibroid} if fibroid else {},
    )
    parts = {part.region: part.shape for group in patient.organs for part in group.parts}
    surfaces = mesh_groups([FAT, *patient.organs], 2.0)
    at = {
        name: surfaces.vertices[span.first_vertex : span.last_vertex]
        for name, span in surfaces.spans.items()
    }
    for group in patient.organs:
        if group.inside in parts:
            assert distance(parts[group.inside], at[group.name]).max() < -0.25, group.name
    capsules = ("ovary_left_capsule", "ovary_right_capsule")
    left, right = (at[name] for name in capsules)
    for organ in (patient.uterus.shape, patient.vagina.shape):
        assert min(distance(organ, left).min(), distance(organ, right).min()) > 0.8
    assert distance(patient.ovaries[0].shape, right).min() > 0.8
    bones = bone_shape(patient.mother)
    assert min(distance(bones, at[name]).min() for name in ("uterus", *capsules)) > 0.8


def test_a_cyst_and_a_fibroid_are_as_large_as_they_were_asked_for():
    patient = GynaecologyPatient(findings={"ovarian_cyst": 45.0, "fibroid": 30.0})
    surfaces = mesh_groups([FAT, *patient.organs], 1.5)
    assert volume(surfaces, "ovarian_cyst") == pytest.approx(np.pi / 6 * 45.0**3 / 1000, rel=0.03)
    assert volume(surfaces, "fibroid") == pytest.approx(np.pi / 6 * 30.0**3 / 1000, rel=0.03)
    assert patient.truth["ovarian_cyst"] == pytest.approx(45.0)
    inside = [region for region in surfaces.regions if "_left" in region or "cyst" in region]
    found = sum(volume(surfaces, region) for region in inside)
    assert found == pytest.approx(patient.truth["ovary_left_volume"], rel=0.02)


def test_an_unknown_structure_suggests_one():
    with pytest.raises(InputError, match="did you mean 'ovary_left'"):
        structure_mask(np.zeros((2, 2), np.uint8), ["outside"], "ovary_lefd")
    assert set(STRUCTURES) >= {"ovary_left", "follicles_right", "uterus"}
