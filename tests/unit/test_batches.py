"""Batches by step: every frame once an epoch, the same whoever loads them."""

import itertools
import shutil

import numpy as np
import pytest
import torch

pytest.importorskip("zarr")

from training_pairs import make_pairs, pair

from insonate.data.batches import Batch, Batches, BatchSettings, Chance, manifest, open_split
from insonate.data.dataset import Dataset
from insonate.errors import InputError
from insonate.training.feed import feed

zarr = pytest.importorskip("zarr")
NAMES = ("bmode", "bmode_fast", "labels", "mask")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")


def batches(data, seed=0, rank=0, ranks=1, names=(*NAMES, "index"), **settings):
    given = {"size": 4, "crop": None, "workers": 0} | settings
    dataset = open_split(data, [name for name in names if name != "index"], "train")
    dataset.arrays = names
    return Batches(dataset, BatchSettings(**given), seed, rank, ranks)


def same(one, other):
    assert one.arrays.keys() == other.arrays.keys()
    assert all(torch.equal(one[name], other[name]) for name in one.arrays)


def test_every_frame_once_an_epoch(data):
    """Eight frames by three: epochs end within batches."""
    found = [k for step in range(16) for k in batches(data, size=3)[step]["index"].tolist()]
    epochs = [found[start : start + 8] for start in range(0, 48, 8)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(8))] * 6
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert batches(data, size=3).epoch(8) == 3.0


def test_a_step_needs_no_memory(data):
    forward, backward = batches(data, crop=16), batches(data, crop=16)
    one = [forward[step] for step in range(5)]
    other = [backward[step] for step in reversed(range(5))][::-1]
    for a, b in zip(one, other, strict=True):
        same(a, b)
    assert not torch.equal(one[0]["bmode"], batches(data, seed=1, crop=16)[0]["bmode"])


def test_ranks_share_the_batch_of_one(data):
    whole = batches(data, crop=16, flip=True)[3]
    parts = [batches(data, rank=rank, ranks=2, crop=16, flip=True)[3] for rank in range(2)]
    for name in whole.arrays:
        assert torch.equal(whole[name], torch.cat([part[name] for part in parts]))
    for draw in ("normal", "uniform"):
        one = getattr(whole.chance, draw)(whole["bmode"])
        both = [getattr(part.chance, draw)(part["bmode"]) for part in parts]
        assert torch.equal(one, torch.cat(both))
    shared = {part.chance.shared().random() for part in (whole, *parts)}
    assert len(shared) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_load_the_same(data, workers):
    expected = batches(data, crop=16)
    found = feed(batches(data, crop=16, workers=workers), range(2, 5), torch.device("cpu"))
    for step, batch in zip(range(2, 5), found, strict=True):
        same(batch, expected[step])
        assert torch.equal(batch.chance.normal(batch["bmode"]),
                           expected[step].chance.normal(batch["bmode"]))  # fmt: skip


def test_windows_are_the_same_in_all_arrays_and_anywhere(data):
    found = batches(data, crop=8, flip=True, size=8)
    places, mirrored = set(), 0
    for step in range(12):
        batch = found[step]
        for k, number in enumerate(batch["index"].tolist()):
            frame = pair(number)
            patches = [np.rint((batch[n][k, 0].numpy() + 1) * 127.5) for n in NAMES[:2]]
            patches += [batch["labels"][k].numpy(), batch["mask"][k, 0].numpy()]
            place, flipped = where(frame, patches)
            places.add(place)
            mirrored += flipped
    rows, columns = ({place[axis] for place in places} for axis in range(2))
    assert min(rows) <= 3
    assert max(rows) >= 29
    assert min(columns) <= 3
    assert max(columns) >= 37
    assert 0.3 < mirrored / 96 < 0.7


def where(frame, patches):
    """The only place where all patches are those of the frame, and whether they are mirrored."""
    side = patches[0].shape[0]
    corners = itertools.product(range(40 - side + 1), range(48 - side + 1), (False, True))
    found = []
    for row, column, flipped in corners:
        cut = [frame[name][row : row + side, column : column + side] for name in NAMES]
        cut = [part[:, ::-1] if flipped else part for part in cut]
        if all(np.array_equal(a, b) for a, b in zip(cut, patches, strict=True)):
            found.append(((row, column), flipped))
    assert len(found) == 1
    return found[0]


def test_noise_differs_by_sample_step_draw_and_seed():
    like = torch.empty(2, 50)
    drawn = [
        Chance(0, 0).normal(like), Chance(0, 1).normal(like), Chance(1, 0).normal(like),
        Chance(0, 0, 7).normal(like),
    ]  # fmt: skip
    chance = Chance(0, 0)
    assert torch.equal(chance.normal(like), drawn[0])
    drawn.append(chance.normal(like))
    rows = torch.cat(drawn)
    assert len({tuple(row.tolist()) for row in rows}) == len(rows)
    assert abs(rows.mean()) < 0.2
    assert 0.8 < rows.std() < 1.2


def test_padding_is_outside_the_fan(data):
    batch = batches(data, names=(*NAMES, "attenuation"))[0]
    padded = batch.padded(32)
    assert padded["bmode"].shape == (4, 1, 64, 64)
    assert padded["labels"].shape == (4, 64, 64)
    for name, value in (("bmode", -1), ("bmode_fast", -1), ("mask", 0), ("attenuation", 0),
                        ("labels", 0)):  # fmt: skip
        assert torch.equal(padded[name][..., :40, :48], batch[name])
        assert (padded[name][..., 40:, :] == value).all()
        assert (padded[name][..., 48:] == value).all()
    same(batch.padded(8), batch)


def test_an_array_that_a_batch_has_not(data):
    with pytest.raises(InputError, match="batch: no array 'lables'; did you mean 'labels'"):
        batches(data)[0]["lables"]
    assert len(Batch({"bmode": torch.zeros(3, 1, 2, 2)}, Chance(0, 0))) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"crop": 41}, r"batches.crop: 41 pixels, larger than the frames .*, 40 x 48; .* most 40"),
        ({"size": 3}, r"batches.size: 3 samples, expected a multiple of the 2 ranks"),
        ({"size": 0}, r"batches.size: expected at least 1, got 0"),
        ({"crop": 0}, r"batches.crop: expected at least 1"),
        ({"workers": -1}, r"batches.workers: expected at least 0"),
    ],
)  # fmt: skip
def test_batches_that_cannot_be(data, settings, said):
    with pytest.raises(InputError, match=said):
        batches(data, ranks=2, **settings)


def test_a_split_without_frames(tmp_path):
    few = make_pairs(tmp_path / "few.zarr", frames=4)
    with pytest.raises(InputError, match="no frames to make batches of"):
        Batches(open_split(few, NAMES, "test"), BatchSettings(crop=None), 0)


def test_stored_splits(data):
    found = {name: open_split(data, NAMES, name).frames.tolist() for name in
             ("train", "validation", "test")}  # fmt: skip
    assert found == {"train": list(range(8)), "validation": [8, 9], "test": [10, 11]}


@pytest.mark.parametrize("unit", ["frame", "patient"])
def test_splits_dealt_anew(tmp_path, unit):
    data = make_pairs(tmp_path / "many.zarr", frames=40)
    zarr.open_group(data, mode="r+")["complete"][7] = 0
    names = ("train", "validation", "test")
    found = [open_split(data, NAMES, name, unit).frames for name in names]
    assert sorted(np.concatenate(found).tolist()) == [k for k in range(40) if k != 7]
    assert [len(frames) for frames in found] == pytest.approx([31, 4, 4], abs=1)
    if unit == "patient":
        patients = [set((frames // 2).tolist()) for frames in found]
        assert not any(a & b for a, b in itertools.combinations(patients, 2))


def test_splits_that_cannot_be(data):
    with pytest.raises(InputError, match="no split 'training'; did you mean 'train'"):
        open_split(data, NAMES, "training")
    with pytest.raises(InputError, match="no split 'training' by frame; did you mean 'train'"):
        open_split(data, NAMES, "training", "frame")
    with pytest.raises(InputError, match="have no known sequence"):
        open_split(data, NAMES, "train", "sequence")


def test_missing_arrays_are_all_named(tmp_path):
    data = make_pairs(tmp_path / "pairs.zarr", ("bmode", "mask"))
    said = (
        r"no bmode_fast, labels; expected bmode, bmode_fast, labels, mask, there are bmode, mask$"
    )
    with pytest.raises(InputError, match=rf"pairs\.zarr: {said}"):
        open_split(data, NAMES, "train")


def test_the_manifest_is_that_of_the_data(data, tmp_path):
    copy = tmp_path / "copy.zarr"
    shutil.copytree(data, copy)
    before = manifest(Dataset(data, ()))
    assert manifest(Dataset(copy, ("bmode",), split="test")) == before
    group = zarr.open_group(copy, mode="r+")
    for name in ("complete", "split", "patient"):
        kept = int(group[name][2])
        group[name][2] = 0 if name == "complete" else kept + 1
        assert manifest(Dataset(copy, ())) != before, name
        group[name][2] = kept
    assert manifest(Dataset(copy, ())) == before
    group.attrs["regions"] = ["outside", "square"]
    assert manifest(Dataset(copy, ())) != before


def test_a_loader_that_was_killed_is_told(data):
    import os
    import signal

    class Killed(Batches):
        def __getitem__(self, step):
            os.kill(os.getpid(), signal.SIGKILL)

    given = batches(data)
    killed = Killed(given.dataset, BatchSettings(size=2, crop=None, workers=1), 0)
    with pytest.raises(InputError, match=r"batches.workers: a process that loads was killed"):
        next(feed(killed, range(1), torch.device("cpu")))
