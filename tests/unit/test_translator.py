"""Arrays and frames of the simulator through a run: padded, in one pass, cropped, masked."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("lightning_fabric")
sys.path.insert(0, str(Path(__file__).parent))
from synthetic_frame import make_frame
from translated import REGIONS, SMALL, arrays, random_run, seeing_run

from insonate.data.batches import Batch, Chance, padded
from insonate.errors import InputError
from insonate.methods import L2HConfig
from insonate.translation import Translator


def one_line(error):
    return "\n" not in str(error.value)


def test_padded_as_outside_the_fan_and_cropped():
    run = seeing_run()
    given = arrays(rows=40, columns=50)
    images = Translator.load(run).frames(given)
    (seen,) = run.method.seen
    assert seen["bmode_fast"].shape == seen["mask"].shape == (2, 1, 48, 64)
    assert seen["labels"].shape == (2, 48, 64)
    for name, outside in (("bmode_fast", -1), ("mask", 0), ("labels", 0)):
        assert (seen[name][..., 40:, :] == outside).all()
        assert (seen[name][..., 50:] == outside).all()
        np.testing.assert_array_equal(seen[name][..., :40, :50], given[name])
    assert images.shape == (2, 1, 40, 50)
    assert images.dtype == np.float32
    expected = np.clip(given["bmode_fast"] + np.float32(0.1), -1.0, 1.0)
    np.testing.assert_allclose(images[..., 3:], expected[..., 3:], atol=2e-7)
    assert (images[..., :3] == -1.0).all()  # outside the mask, whatever the method says


def test_sides_that_fit_are_not_padded():
    run = seeing_run()
    Translator.load(run).frames(arrays(rows=32, columns=16))
    assert run.method.seen[0]["mask"].shape == (2, 1, 32, 16)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(2, 40), columns=st.integers(2, 40), stride=st.sampled_from([1, 4, 7, 32]))
def test_mirrored_as_numpy_does(rows, columns, stride):
    image = np.random.default_rng(rows * columns).normal(size=(2, 1, rows, columns))
    below, beside = -rows % stride, -columns % stride
    expected = np.pad(image, ((0, 0), (0, 0), (0, below), (0, beside)), mode="reflect")
    found = padded({"bmode": torch.from_numpy(image)}, stride, "reflect")["bmode"]
    np.testing.assert_array_equal(found, expected)


def test_one_pass_over_the_whole_image():
    """The paper: the full field of view is padded with -1, translated in one pass, and cropped."""
    run, given = random_run(), arrays(1, 40, 50)
    outside = {"bmode_fast": -1.0}
    by_hand = {
        name: np.pad(
            array, [(0, 0)] * (array.ndim - 2) + [(0, 8), (0, 14)],
            constant_values=outside.get(name, 0),
        )
        for name, array in given.items()
    }  # fmt: skip
    batch = Batch({n: torch.from_numpy(a) for n, a in by_hand.items()}, Chance(0, 0))
    expected = run.method.translate(batch)[..., :40, :50].numpy()
    np.testing.assert_array_equal(Translator.load(run).frames(given), expected)
    assert np.ptp(expected) > 0.1


def test_padding_matters_only_if_asked_for():
    run, given = random_run(), arrays(1, 40, 50)
    outside, mirrored = (
        Translator.load(run, padding=padding).frames(given) for padding in ("outside", "reflect")
    )
    assert np.abs(outside - mirrored).max() > 1e-4
    whole = arrays(1, 32, 48)
    same = [Translator.load(run, padding=p).frames(whole) for p in ("outside", "reflect")]
    np.testing.assert_array_equal(*same)


def test_noise_follows_the_frame_and_not_the_batch():
    translator, given = Translator.load(random_run("bridge"), seed=3), arrays(3)
    together = translator.frames(given)
    for k in range(3):
        alone = translator.frames({name: a[k : k + 1] for name, a in given.items()}, first=k)
        np.testing.assert_allclose(alone[0], together[k], atol=1e-5)
    moved = translator.frames({name: a[:1] for name, a in given.items()}, first=1)
    assert np.abs(moved[0] - together[0]).max() > 0.01
    other = Translator.load(random_run("bridge"), seed=4).frames(given)
    assert np.abs(other - together).max() > 0.01
    np.testing.assert_array_equal(translator.frames(given), together)


def test_threads_do_not_matter():
    translator, given, before = Translator.load(random_run()), arrays(), torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(translator.frames(given))
    torch.set_num_threads(before)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


@pytest.mark.parametrize("way", [{"precision": "bf16"}, {"channels_last": True}])
def test_faster_ways_give_the_same_image(way):
    given = arrays()
    plain = Translator.load(random_run()).frames(given)
    fast = Translator.load(random_run(), **way).frames(given)
    assert fast.dtype == np.float32
    # bf16 keeps 8 bits of a number, through nine layers
    np.testing.assert_allclose(fast, plain, atol=0.05 if "precision" in way else 1e-4)
    if "precision" in way:
        assert np.abs(fast - plain).max() > 1e-5  # it was used


@pytest.mark.slow
def test_compiled_gives_the_same_image():
    given = arrays(1)
    plain = Translator.load(random_run()).frames(given)
    compiled = Translator.load(random_run(), compile=True).frames(given)
    np.testing.assert_allclose(compiled, plain, atol=1e-4)


def test_tensors_and_more_arrays_than_needed_are_taken():
    given = arrays()
    translator = Translator.load(random_run("M"))
    tensors = {name: torch.from_numpy(array) for name, array in given.items()}
    np.testing.assert_array_equal(translator.frames(tensors), translator.frames(given))


def test_what_it_says_of_itself():
    about = Translator.load(random_run()).about
    assert about.inputs == ("bmode_fast", "mask", "labels", "attenuation")
    assert (about.run, about.method, about.step, about.stride) == ("mine", "l2h", 70, 16)
    assert about.image == "bmode_fast"
    assert about.words() == f"mine (l2h, step 70, weights {about.weights})"
    assert about.weights == Translator.load(random_run()).about.weights
    assert about.weights != Translator.load(random_run(seed=1)).about.weights


def test_weights_of_the_discriminator_do_not_count():
    run = random_run()
    before = Translator.load(run).about.weights
    with torch.no_grad():
        next(iter(run.method.get_submodule("discriminator").parameters())).zero_()
    assert Translator.load(run).about.weights == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attenuation": None, "labels": None}, "mine: needs labels, attenuation; got"),
        ({"mask": np.ones((2, 1, 40, 51), np.float32)}, "expected arrays of one size"),
        (
            {"labels": np.full((2, 40, 50), 3)},
            "labels without a region of the run; expected 0 to 2",
        ),
        ({"labels": np.full((2, 40, 50), -1)}, "labels without a region of the run"),
    ],
)
def test_bad_arrays(change, words):
    given = {n: a for n, a in (arrays() | change).items() if a is not None}
    with pytest.raises(InputError, match=words) as error:
        Translator.load(random_run()).frames(given)
    assert one_line(error)


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_out_of_memory_is_told(monkeypatch, failure):
    run = random_run("M")

    def fail(batch):
        raise failure

    monkeypatch.setattr(run.method, "translate", fail)
    with pytest.raises(InputError, match="on cpu; images of 2 x 1 x 40 x 50: ") as error:
        Translator.load(run).frames(arrays())
    assert one_line(error)


def test_other_errors_are_not_memory(monkeypatch):
    run = random_run("M")
    monkeypatch.setattr(run.method, "translate", lambda batch: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Translator.load(run).frames(arrays())


@pytest.mark.parametrize("device", ["tpu", "cuda:77", "meta", "", "cpu:9", "cpu:0"])
def test_no_such_device(device):
    with pytest.raises(InputError, match="--device") as error:
        Translator.load(random_run(), device=device)
    assert one_line(error)


def test_a_negative_seed():
    with pytest.raises(InputError, match="--seed: expected at least 0, got -3") as error:
        Translator.load(random_run("bridge"), seed=-3)
    assert one_line(error)


def test_a_frame_of_the_simulator():
    frame = make_frame(rows=30, columns=32)
    run = random_run()
    look = Translator.load(run)(frame)
    labels = np.where(frame.mask, frame.labels, 0).astype(np.int64)
    given = {
        "bmode_fast": np.where(frame.mask, 2.0 * frame.bmode - 1.0, -1.0)[None, None],
        "mask": frame.mask[None, None],
        "labels": labels[None],
        "attenuation": (frame.attenuation * frame.mask)[None, None],
    }
    given = {n: a if n == "labels" else a.astype(np.float32) for n, a in given.items()}
    expected = (Translator.load(run).frames(given)[0, 0] + 1.0) / 2.0
    np.testing.assert_allclose(look.bmode, expected, atol=1e-6)
    assert look.bmode.dtype == np.float32
    assert look.bmode.shape == frame.bmode.shape
    assert 0.0 <= look.bmode.min() <= look.bmode.max() <= 1.0
    assert not look.bmode[~frame.mask].any()
    assert look.labels is frame.labels
    assert look.pose is frame.pose
    assert np.abs(look.bmode - frame.bmode).max() > 0.05


def test_a_frame_has_the_range_of_a_dataset():
    """Gray level 51 of 255 is -0.6 to a network, whether it comes from a file or a frame."""
    run = seeing_run()
    frame = make_frame(bmode=np.full((24, 32), 51 / 255, np.float32))
    Translator.load(run)(frame)
    seen = run.method.seen[0]["bmode_fast"][0, 0, :24, :32].numpy()
    np.testing.assert_allclose(seen[frame.mask], -0.6, atol=1e-6)
    assert (seen[~frame.mask] == -1.0).all()


def test_regions_are_known_by_name():
    run = seeing_run()
    frame = make_frame(region_names=("outside", "kidney", "liver"))  # of the run: liver, kidney
    Translator.load(run)(frame)
    seen = run.method.seen[0]["labels"][0, :24, :32].numpy()
    assert (seen[3, :16] == REGIONS.index("kidney")).all()
    assert (seen[3, 16:] == REGIONS.index("liver")).all()
    assert not seen[:2].any()


def test_unknown_regions_are_named():
    frame = make_frame(region_names=("outside", "liver", "renal_cortex"))
    translator = Translator.load(seeing_run())
    words = "frame: regions that the run was not trained with: renal_cortex; expected"
    with pytest.raises(InputError, match=words) as error:
        translator(frame)
    assert one_line(error)
    renamed = Translator(translator.network, renamed={"renal_cortex": "kidney"})
    assert renamed(frame).bmode.shape == frame.bmode.shape
    with pytest.raises(InputError, match="--rename: the run has no region 'kidny'; did you mean"):
        Translator(translator.network, renamed={"renal_cortex": "kidny"})(frame)


def test_labels_are_not_needed_where_they_are_not_used():
    frame = make_frame(region_names=("outside", "here", "there"))
    assert Translator.load(random_run("M"))(frame).bmode.any()


def test_a_run_that_needs_coordinates(monkeypatch):
    run = seeing_run()
    monkeypatch.setattr(run.method, "inputs", ("bmode_fast", "mask", "coordinates"))
    frame = make_frame()
    Translator.load(run)(frame)
    seen = run.method.seen[0]["coordinates"][0, :, 5, 6].numpy()
    np.testing.assert_allclose(seen, frame.coordinates()[5, 6], rtol=1e-6)
    monkeypatch.setattr(run.method, "inputs", ("bmode_fast", "elastogram"))
    with pytest.raises(InputError, match="needs elastogram, which frames do not have"):
        Translator.load(run)(frame)


def test_onehot_labels_and_other_maps():
    config = L2HConfig(**SMALL, labels="onehot", attenuation="shadow")
    frame = make_frame(shadow=np.random.default_rng(0).random((24, 32), np.float32))
    bright = make_frame(shadow=np.zeros((24, 32), np.float32))
    look = Translator.load(random_run(config))
    assert np.abs(look(frame).bmode - look(bright).bmode).max() > 1e-4
