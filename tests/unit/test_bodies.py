import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.acoustics import load_tissues
from insonate.anatomy.solids import box, sphere
from insonate.errors import InputError
from insonate.scene import Body, Membrane, Sheet, assemble, inside

TISSUES = load_tissues()
GEL, LIVER, BLOOD, BONE = (
    TISSUES[name] for name in ("gel", "liver_adult", "blood", "cortical_bone_adult")
)


def body(name, solid, tissue=LIVER, priority=0):
    return Body(name, solid.vertices, solid.faces, tissue, priority)


def pairs_of(scene):
    return {tuple(pair) for pair in scene.pairs.tolist()}


@given(st.lists(st.tuples(*[st.floats(-2, 2)] * 3), min_size=1, max_size=50))
def test_inside_a_sphere(points):
    points = np.array(points, np.float32)
    ball = sphere((0, 0, 0), 1.0, subdivisions=3)
    distance = np.linalg.norm(points, axis=1)
    clear = np.abs(distance - 1.0) > 0.01
    found = inside(points, ball.vertices, ball.faces)
    assert np.array_equal(found[clear], distance[clear] < 1)


def test_inside_tolerates_a_hole():
    ball = sphere((0, 0, 0), 1.0, subdivisions=3)
    points = np.array([[0, 0, 0], [0.5, 0.5, 0], [0, 0, 0.8], [0, 0, 2]], np.float32)
    assert inside(points, ball.vertices, ball.faces[20:]).tolist() == [True, True, True, False]


def test_one_body_borders_the_outside():
    scene = assemble([body("liver", sphere((0, 0, 0), 5.0, 2))], GEL)
    assert scene.labels == {"outside": 0, "liver": 1}
    assert pairs_of(scene) == {(0, 1)}
    assert scene.triangles == 320


def test_nested_bodies_border_each_other():
    vein, liver = sphere((0, 0, 0), 1.0, 2), sphere((0, 0, 0), 5.0, 2)
    scene = assemble([body("liver", liver), body("vein", vein, BLOOD, 1)], GEL)
    assert pairs_of(scene) == {(0, 1), (1, 2)}


def test_order_does_not_matter_where_priorities_differ():
    liver = body("liver", sphere((0, 0, 0), 5.0, 2))
    vein = body("vein", sphere((0, 0, 0), 1.0, 2), BLOOD, 1)
    names = lambda scene: {  # noqa: E731
        (scene.regions[a].name, scene.regions[b].name) for a, b in scene.pairs
    }
    assert names(assemble([liver, vein], GEL)) == names(assemble([vein, liver], GEL))


def test_what_lies_in_a_body_of_higher_priority_is_dropped():
    hidden = body("hidden", sphere((0, 0, 0), 1.0, 2), BLOOD, priority=0)
    scene = assemble([hidden, body("bone", sphere((0, 0, 0), 5.0, 2), BONE, priority=1)], GEL)
    assert scene.triangles == 320
    assert pairs_of(scene) == {(0, scene.labels["bone"])}


def test_overlap_goes_to_the_higher_priority():
    left = body("left", sphere((-2, 0, 0), 5.0, 4), LIVER, 0)
    right = body("right", sphere((2, 0, 0), 5.0, 4), BONE, 1)
    scene = assemble([left, right], GEL)
    assert pairs_of(scene) == {(0, 1), (0, 2), (1, 2)}
    centroid = scene.vertices[scene.faces].mean(axis=1)
    within_right = np.linalg.norm(centroid - [2, 0, 0], axis=1) < 4.9
    assert not within_right.any()  # nothing of the left one is left in there
    shared = (scene.pairs == [1, 2]).all(axis=1)
    assert np.linalg.norm(centroid[shared] - [-2, 0, 0], axis=1).max() < 5.0


def test_bodies_of_one_name_are_one_region_without_inner_walls():
    one, two = sphere((-2, 0, 0), 5.0, 3), sphere((2, 0, 0), 5.0, 3)
    scene = assemble([body("bone", one, BONE), body("bone", two, BONE)], GEL)
    assert len(scene.regions) == 2
    assert pairs_of(scene) == {(0, 1)}
    centroid = scene.vertices[scene.faces].mean(axis=1)
    assert not inside(centroid[centroid[:, 0] > 0.2], one.vertices, one.faces).any()


def test_membrane_lies_in_one_region():
    sheet = Sheet("amnion", TISSUES["amnion_membrane"], 0.1)
    skin, ball = sphere((0, 0, 0), 2.0, 2), sphere((0, 0, 0), 5.0, 2)
    membrane = Membrane(sheet, skin.vertices, skin.faces)
    scene = assemble([body("liver", ball)], GEL, membranes=[membrane])
    on_sheet = scene.sheet_of == 0
    assert on_sheet.sum() == 320
    assert {tuple(p) for p in scene.pairs[on_sheet].tolist()} == {(1, 1)}


@pytest.mark.parametrize("spoil", ["empty", "nan"])
def test_bodies_that_cannot_be_used(spoil):
    solid = box((0, 0, 0), (1, 1, 1))
    vertices, faces = solid.vertices.copy(), solid.faces
    if spoil == "empty":
        faces = faces[:0]
    else:
        vertices[3, 1] = np.nan
    with pytest.raises(InputError, match="body 'liver'"):
        assemble([Body("liver", vertices, faces, LIVER)], GEL)
