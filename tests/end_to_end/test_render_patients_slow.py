"""Datasets of patients: planes, classes and landmarks are those of the anatomy. Builds patients."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from insonate import Patient
from insonate.config import from_plain
from insonate.data.rendering import DatasetRecipe, load_recipe
from insonate.data.rendering.distribution import Distribution
from insonate.data.rendering.frames import FrameRenderer
from insonate.data.rendering.subjects import PLANES, classes_of

pytestmark = pytest.mark.slow

FAST = {
    "name": "patients", "frames": 64, "shard": 4, "quality": "fast", "seed": 5,
    "subjects": {"frames": 32, "parameters": {"gestational_age": 22, "detail": 300_000}},
    "probe": {"preset": "c5_2v", "depth": 180, "scanlines": 96, "samples": 2048},
}  # fmt: skip
HEAD = ("bpd_left", "bpd_right", "ofd_front", "ofd_back")


def renderer(**changes):
    return FrameRenderer(from_plain(DatasetRecipe, FAST | changes))


def test_planes_are_those_of_a_patient():
    assert set(PLANES["pregnant"]) | {"cervix"} == set(Patient().planes)


def test_landmarks_lie_on_the_skull():
    image = {
        "rows": 400,
        "columns": 560,
        "arrays": ["bmode", "labels"],
        "landmarks": HEAD,
        "slack": 4.0,
    }
    image["labels"] = {"skull": ["fetal_skull*", "fetal_suture*"]}
    sample = renderer(image=image, poses={"planes": {"transthalamic": 1}}).sample(0)
    seen = [at for at in sample["landmarks"] if np.isfinite(at).all()]
    assert len(seen) == 4
    rows, columns = np.nonzero(sample["labels"])
    for column, row in seen:
        away = np.hypot(rows - row, columns - column).min() * sample["spacing"][0]
        assert away < 2.5  # mm: the calipers go round the outside
    across = np.hypot(*(seen[0] - seen[1])) * sample["spacing"][0]
    bpd = Patient(gestational_age=22, detail=300_000, seed=_seed(sample)).truth["bpd_outer_outer"]
    assert across == pytest.approx(bpd, abs=1.0)


def _seed(sample):
    return sample["metadata"]["subject"]["seed"]


def test_a_free_hand_sees_the_womb_from_skin_that_touches():
    image = {"rows": 160, "columns": 224, "arrays": ["bmode", "labels", "mask"]}
    made = renderer(image=image, poses={"kind": "belly"}, reject={"content": {"fetal_*": 0.02}})
    names = np.array(made.classes.names)
    for frame in range(8):
        sample = made.sample(frame)
        assert sample["plane"] == -1
        if sample["metadata"]["accepted"]:
            fetal = np.char.startswith(names[sample["labels"]], "fetal_") & (sample["mask"] > 0)
            assert fetal.sum() >= 0.02 * sample["mask"].sum()
            top = sample["labels"][:20, 96:128][sample["mask"][:20, 96:128] > 0]
            assert (names[top] != "outside").mean() > 0.8


def test_a_sweep_over_the_belly_stays_on_the_skin():
    image = {"rows": 160, "columns": 224, "arrays": ["bmode", "labels", "mask"]}
    poses = {"sweep": {"frames": 8, "length": 60}, "planes": {"abdominal_circumference": 1}}
    made = renderer(image=image, poses=poses)
    frames = [made.sample(k) for k in range(8)]
    steps = np.diff([f["pose"][:3, 3] for f in frames], axis=0)
    across = [step @ frames[0]["pose"][:3, 1] for step in steps]
    assert across == pytest.approx([60.0 / 7.0] * 7, abs=1e-6)
    names = np.array(made.classes.names)
    for sample in frames:
        top = sample["labels"][:20, 96:128][sample["mask"][:20, 96:128] > 0]
        assert (names[top] != "outside").mean() > 0.8


def test_follicles_are_inside_their_ovary():
    recipe = load_recipe("ovary")
    image = dataclasses.replace(recipe.image, rows=192, columns=256)
    light = {"detail": Distribution("constant", (200_000,))}
    subjects = dataclasses.replace(
        recipe.subjects, parameters=dict(recipe.subjects.parameters) | light
    )
    made = FrameRenderer(recipe.replace(image=image, quality="fast", subjects=subjects))
    names = classes_of(recipe).names
    sample = made.sample(0)
    labels = sample["labels"]
    ovary = np.isin(labels, [names.index("ovary"), names.index("follicle"), names.index("cyst")])
    assert (labels == names.index("ovary")).sum() > 50
    if (labels == names.index("follicle")).any():
        row, column = np.nonzero(labels == names.index("follicle"))
        box = np.nonzero(ovary)
        assert box[0].min() <= row.min()
        assert row.max() <= box[0].max()
        assert box[1].min() <= column.min()
        assert column.max() <= box[1].max()
