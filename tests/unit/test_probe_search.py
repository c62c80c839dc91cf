"""Places for the probe: near, in touch, and with nothing hard in the way."""

import math

import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.anatomy.patient.probe_search import TOO_DEEP_FOR_BONE, Contact, Seeker, Window
from insonate.anatomy.patient.sight import OPAQUE, Sight
from insonate.anatomy.phantoms import box, sphere
from insonate.anatomy.planes import Plane
from insonate.scene import Body, assemble

TISSUES = load_tissues()
WINDOW = Window(-60.0, 60.0)


def body(plate=None, tissue="cortical_bone_adult", deep=80.0):
    """A block with its skin at y = 0, a ball in it, and a plate 3 mm thick before the ball."""
    block, ball = box((-150, 0, -120), (150, 220, 120)), sphere((0, deep, 0), 12.0, 3)
    bodies = [
        Body("block", block.vertices, block.faces, TISSUES["liver_adult"], 0),
        Body("ball", ball.vertices, ball.faces, TISSUES["spleen"], 1),
    ]
    if plate is not None:
        low, high = plate
        slab = box((low, 40, -50), (high, 43, 50))
        bodies.append(Body("plate", slab.vertices, slab.faces, TISSUES[tissue], 1))
    return assemble(bodies, TISSUES["gel"])


def plane(deep=80.0, **changes):
    return Plane(
        np.array([0.0, deep, 0.0]),
        np.array([0.0, 0.0, 1.0]),
        shows=("ball",),
        reach=20.0,
        **changes,
    )


def best(scene, wanted) -> Contact:
    contact = Seeker(scene, WINDOW).best(wanted)
    assert contact is not None
    return contact


def test_the_nearest_place_is_the_best_if_nothing_is_in_the_way():
    contact = best(body(), plane())
    assert contact.seen == 1.0
    np.testing.assert_allclose(contact.beam, (0, 1, 0), atol=0.15)
    assert abs(contact.at[0]) < 30.0
    assert 65.0 < contact.depth < 82.0  # pushed in, as a curved face on flat skin has to be


@pytest.mark.parametrize("tissue", ["cortical_bone_adult", "air_bowel_gas"])
def test_the_probe_goes_round_what_is_hard(tissue):
    contact = best(body((-70.0, 12.0), tissue), plane())
    assert contact.at[0] > 20.0
    assert contact.seen > 0.9


def test_behind_a_wide_plate_nothing_is_seen():
    assert Seeker(body((-149.0, 149.0)), WINDOW).best(plane()) is None


def test_a_face_that_hangs_over_an_edge_is_no_place():
    """The window allows only what lies beside the body's edge: half the face would be in air."""
    narrow = Window(112.0, 119.0)
    across = Plane(np.array([0.0, 80.0, 110.0]), np.array([1.0, 0.0, 0.0]), shows=("ball",))
    assert Seeker(body(), narrow).best(across) is None


def test_a_bone_is_shown_across_the_beam_and_not_too_deep():
    axis = np.array([math.cos(0.3), math.sin(0.3), 0.0])
    contact = best(body(), plane(axis=axis))
    assert abs(contact.beam @ axis) < math.sin(math.radians(16.5))
    deep = TOO_DEEP_FOR_BONE + 40.0
    assert Seeker(body(deep=deep), WINDOW).best(plane(deep, axis=axis)) is None


def test_sight_counts_thickness_surfaces_and_angle():
    bone, liver = TISSUES["cortical_bone_adult"], TISSUES["liver_adult"]
    sight = Sight(body((-60.0, 60.0)), 3.0)
    starts = np.array([[0.0, 5, 0], [0.0, 5, 0], [100.0, 5, 0], [0.0, 38, 0]])
    ends = np.array([[0.0, 80, 0], [0.0, 35, 0], [100.0, 80, 0], [55.0, 80, 0]])
    loss = sight.loss(starts, ends, np.full(4, 2))
    z1, z2 = liver.impedance, bone.impedance
    through = -40.0 * math.log10(1.0 - ((z2 - z1) / (z2 + z1)) ** 2)
    told = 2.0 * float(bone.attenuation_at(3.0)) * 0.3 + through
    np.testing.assert_allclose(loss, [told, 0.0, 0.0, OPAQUE], atol=0.1)  # the last: too slanted
    assert sight.loss(starts[:1], ends[:1], np.array([3]))[0] == 0.0  # it does not hide itself
