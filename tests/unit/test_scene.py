import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.errors import InputError
from insonate.scene import PointTargets, Region, Scene, Sheet

LIVER = load_tissues()["liver_adult"]
REGIONS = (Region("outside", LIVER), Region("inside", LIVER))
VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def tetrahedron(**changes):
    fields = {
        "vertices": VERTICES,
        "faces": FACES,
        "pairs": np.tile([0, 1], (4, 1)),
        "regions": REGIONS,
        "name": "tetrahedron",
    }
    return Scene(**{**fields, **changes})


def test_arrays_are_brought_into_one_layout():
    scene = tetrahedron(vertices=VERTICES.astype(float)[::1], faces=FACES.astype(np.int64))
    assert scene.vertices.dtype == np.float32
    assert scene.faces.dtype == scene.pairs.dtype == np.int32
    assert scene.sheet_of is not None
    assert np.all(scene.sheet_of == -1)


def test_labels_bounds_and_counts():
    targets = PointTargets(np.array([[0, 0, 9]], np.float32), np.zeros(1, np.float32))
    scene = tetrahedron(targets=targets)
    assert scene.triangles == 4
    assert scene.labels == {"outside": 0, "inside": 1}
    low, high = scene.bounds()
    assert low.tolist() == [0, 0, 0]
    assert high.tolist() == [1, 1, 9]


def test_targets_alone_are_a_scene():
    targets = PointTargets(np.zeros((1, 3), np.float32), np.zeros(1, np.float32))
    scene = tetrahedron(vertices=[], faces=[], pairs=[], targets=targets)
    assert scene.triangles == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vertices": [], "faces": [], "pairs": []}, "empty mesh"),
        ({"vertices": np.where(VERTICES == 1, np.nan, VERTICES)}, "vertex 1 is NaN or infinite"),
        ({"vertices": np.where(VERTICES == 1, np.inf, VERTICES)}, "vertex 1 is NaN or infinite"),
        ({"regions": ()}, "no regions"),
        ({"faces": FACES + 1}, "faces must index 0 to 3"),
        ({"faces": FACES - 1}, "faces must index 0 to 3"),
        ({"pairs": np.tile([0, 2], (4, 1))}, "pairs must index 0 to 1"),
        ({"pairs": np.tile([0, 1], (3, 1))}, "one pair"),
        ({"sheet_of": np.zeros(4, int)}, "sheet index beyond"),
        ({"sheet_of": np.zeros(3, int), "sheets": (Sheet("s", LIVER, 0.1),)}, "sheet index"),
    ],
)
def test_scenes_that_cannot_be_traced(changes, message):
    with pytest.raises(InputError, match=f"scene 'tetrahedron': .*{message}"):
        tetrahedron(**changes)
