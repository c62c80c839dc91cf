import fcntl
import json
import multiprocessing
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insonate.data.dataset import (
    IMAGES,
    Attributes,
    Dataset,
    Layout,
    Window,
    create,
    open_writer,
)  # fmt: skip
from insonate.errors import InputError

zarr = pytest.importorskip("zarr")

NAMES = ("bmode", "labels", "mask")


def frame(k, rows=12, columns=10, names=NAMES):
    rng = np.random.default_rng(k)
    sample = {name: rng.integers(0, 256, (rows, columns), dtype=np.uint8) for name in names}
    if "mask" in sample:
        sample["mask"] = (sample["mask"] > 99).astype(np.uint8)
    if "labels" in sample:
        sample["labels"] = sample["labels"] % 3
    pose = np.eye(4)
    pose[:3, 3] = k, 2.0 * k, -k
    return sample | {"pose": pose, "spacing": [0.5, 0.25], "origin": [-1.0, 2.0], "patient": k // 4,
                     "split": k % 3, "seed": 2**64 - 1 - k, "metadata": {"number": k}}  # fmt: skip


def make(where, frames=10, shard=4, missing=(), names=NAMES):
    about = Attributes(regions=("outside", "a", "b"), planes=("head",), licence="CC0")
    with create(where, Layout(frames, 12, 10, names, shard=shard), about) as writer:
        for block in range(writer.layout.blocks):
            numbers = writer.layout.block(block)
            writer.write(block, [None if k in missing else frame(k) for k in numbers])
    return where


def agrees(dataset):
    for index, number in enumerate(dataset.frames.tolist()):
        for name, value in frame(number).items():
            if name in dataset.layout.arrays() and name != "metadata":
                np.testing.assert_array_equal(dataset.raw(name, index), value, err_msg=name)
        assert dataset.metadata(index) == {"number": number}


@pytest.fixture
def where(tmp_path):
    return make(tmp_path / "data.zarr")


def test_what_is_written_is_read(where):
    dataset = Dataset(where)
    assert len(dataset) == 10
    agrees(dataset)
    assert dataset.attributes.regions == ("outside", "a", "b")


def test_zarr_reads_the_same(where):
    group = zarr.open_group(where, mode="r")
    dataset = Dataset(where)
    for name in dataset.layout.arrays():
        whole = np.stack([dataset.raw(name, k) for k in range(10)])
        np.testing.assert_array_equal(whole, group[name][:], err_msg=name)
        np.testing.assert_array_equal(whole, dataset.column(name), err_msg=name)


def test_zarr_reads_other_layouts(tmp_path, where):
    """A dataset that another program wrote, with other chunks and codecs, is read through Zarr."""
    other = tmp_path / "other.zarr"
    shutil.copytree(where, other)
    shutil.rmtree(other / "bmode")
    values = zarr.open_group(where, mode="r")["bmode"][:]
    zarr.open_group(other, mode="r+").create_array("bmode", data=values, chunks=(5, 12, 5))
    agrees(Dataset(other))


def test_frames_that_another_program_left_empty(where):
    """Zarr does not write what is all zero, unless it is asked to."""
    images = zarr.open_group(where, mode="r+")["bmode"]
    images[4:8] = np.stack([frame(4)["bmode"], *[0 * frame(4)["bmode"]] * 3])
    dataset = Dataset(where)
    np.testing.assert_array_equal(dataset.raw("bmode", 4), frame(4)["bmode"])
    assert not dataset.raw("bmode", 5).any()


def test_incomplete_frames_are_skipped_and_rewritten(tmp_path):
    where = make(tmp_path / "data.zarr", missing=(3, 9))
    dataset = Dataset(where)
    assert dataset.frames.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    agrees(dataset)
    with open_writer(where) as writer:
        assert writer.incomplete() == [0, 2]
        writer.write(2, [frame(8), frame(9)])
        assert writer.incomplete() == [0]
    assert Dataset(where).frames.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_failing_rewrite_leaves_no_old_flags(where, monkeypatch):
    with open_writer(where) as writer:
        broken, real = "labels", writer._array

        def array(name):
            if name == broken:
                raise OSError(28, "No space left on device")
            return real(name)

        monkeypatch.setattr(writer, "_array", array)
        with pytest.raises(InputError, match="cannot be written \\(No space left on device\\)"):
            writer.write(1, [frame(50 + k) for k in range(4)])
    dataset = Dataset(where)
    assert dataset.frames.tolist() == [0, 1, 2, 3, 8, 9]
    agrees(dataset)


def test_truncated(where):
    with open_writer(where) as writer:
        writer.truncate(5)
        assert writer.layout.frames == 5
        for count in (0, 6):
            with pytest.raises(InputError, match="1 to 5"):
                writer.truncate(count)
    assert len(Dataset(where)) == 5
    agrees(Dataset(where))


def test_killed_while_truncating(where):
    """`complete` was cut, the rest was not."""
    zarr.open_group(where, mode="r+")["complete"].resize((5,))
    dataset = Dataset(where, split="train")
    assert dataset.frames.tolist() == [0, 3]
    agrees(dataset)


def test_samples_are_ready_for_torch(where):
    dataset = Dataset(where, (*NAMES, "pose", "index", "coordinates"))
    sample, raw = dataset[3], frame(3)
    assert sample["bmode"].shape == (1, 12, 10)
    assert sample["bmode"].dtype == np.float32
    inside = raw["mask"] > 0
    np.testing.assert_allclose(
        sample["bmode"][0][inside], raw["bmode"][inside] / 127.5 - 1, atol=1e-6
    )
    assert (sample["bmode"][0][~inside] == -1).all()
    assert sample["labels"].dtype == np.int64
    assert sample["index"] == 3
    np.testing.assert_allclose(sample["coordinates"][:, 7, 2], [3 - 1 + 0.5, 6, -3 + 2 + 3.5])


def test_a_window_is_cut_from_the_whole(where):
    dataset = Dataset(where, ("bmode", "labels", "mask", "pose", "coordinates", "index"))
    whole, part = dataset[4], dataset.sample(4, Window(3, 2, 8, 7))
    assert part["index"] == whole["index"]
    np.testing.assert_array_equal(part["pose"], whole["pose"])
    for name in ("bmode", "labels", "mask", "coordinates"):
        np.testing.assert_array_equal(part[name], whole[name][..., 3:11, 2:9], err_msg=name)


@pytest.mark.parametrize("window", [Window(5, 0, 8, 4), Window(-1, 0, 4, 4), Window(0, 7, 4, 4)])
def test_a_window_beyond_the_frame_is_refused(where, window):
    with pytest.raises(InputError, match="within an image of 12 x 10"):
        Dataset(where, ("bmode",)).sample(0, window)


@given(seed=st.integers(0, 99), side=st.integers(1, 10))
def test_windows_are_drawn_within_the_image(seed, side):
    window = Window.draw((12, 10), side, np.random.default_rng(seed))
    assert window.cut(np.zeros((12, 10))).shape == (side, side)


def test_splits_and_frames(where):
    assert Dataset(where, split="train").frames.tolist() == [0, 3, 6, 9]
    assert Dataset(where, split=("train", "test"), frames=range(4)).frames.tolist() == [0, 2, 3]
    with pytest.raises(InputError, match="did you mean 'train'"):
        Dataset(where, split="trian")
    with pytest.raises(InputError, match="did you mean 'labels'"):
        Dataset(where, ["label"])
    for wrong in ([10], [-1], [0.5], [True]):
        with pytest.raises(InputError, match="expected 0 to 9"):
            Dataset(where, frames=wrong)
    with pytest.raises(IndexError):
        Dataset(where)[10]


def numbers(dataset, indices):
    return [int(dataset.raw("seed", k)) for k in indices]


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_read_by_many_processes(where, method):
    dataset = Dataset(where)
    dataset.raw("bmode", 0)
    dataset.column("patient")
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        found = pool.starmap(numbers, [(dataset, [0, 5]), (dataset, [9])])
    assert found == [[2**64 - 1, 2**64 - 6], [2**64 - 10]]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_torch_loads_it(where, workers):
    data = pytest.importorskip("torch.utils.data")
    dataset = Dataset(where, ("bmode", "labels", "pose", "index"))
    loader = data.DataLoader(dataset, batch_size=3, num_workers=workers, shuffle=True)
    seen = []
    for batch in loader:
        for k, index in enumerate(batch["index"].tolist()):
            np.testing.assert_array_equal(batch["labels"][k].numpy(), frame(index)["labels"])
            seen.append(index)
    assert sorted(seen) == list(range(10))


@pytest.mark.filterwarnings("ignore:Numcodecs codecs:UserWarning")
def test_xarray_opens_it(where):
    xarray = pytest.importorskip("xarray")
    with xarray.open_zarr(str(where), consolidated=False) as opened:
        assert dict(opened.sizes)["row"] == 12
        assert opened["bmode"].dims == ("frame", "row", "column")
        np.testing.assert_array_equal(opened["labels"][4].values, frame(4)["labels"])
        np.testing.assert_array_equal(opened["pose"][4].values, frame(4)["pose"])


def test_samples_of_a_url_are_the_same(where):
    there = Dataset(make("memory://samples/data.zarr"), (*NAMES, "pose", "seed"))
    here = Dataset(where, (*NAMES, "pose", "seed"))
    for index in range(10):
        for name, value in here[index].items():
            np.testing.assert_array_equal(value, there[index][name], err_msg=name)
    with pytest.raises(IndexError):
        there[10]


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_urls(tmp_path, scheme):
    place = tmp_path if scheme == "file" else f"/{tmp_path.name}"
    where = f"{scheme}://{place}/data.zarr"
    agrees(Dataset(make(where, missing=(2,))))
    with pytest.raises(InputError, match="exists already"):
        make(where)
    with open_writer(where) as writer:
        assert writer.incomplete() == [0]
    with pytest.raises(InputError, match=r"no dataset|not a dataset"):
        Dataset(f"{scheme}://{place}/missing.zarr")
    with pytest.raises(InputError, match="cannot be opened"):
        Dataset("nosuch://place/data.zarr")


def test_two_writers(where):
    with open_writer(where):
        with pytest.raises(InputError, match="another process is writing"), open_writer(where):
            pass
        agrees(Dataset(where))  # reading goes on
    with open_writer(where):
        pass


def test_created_once(where, tmp_path):
    before = sorted(where.rglob("*"))
    with pytest.raises(InputError, match="exists already"):
        make(where)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="exists already"):
        make(tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]
    assert sorted(where.rglob("*")) == before


def test_creation_that_was_interrupted_is_begun_anew(tmp_path, monkeypatch):
    from insonate.data.dataset import writer

    with monkeypatch.context() as patched:
        patched.setattr(writer, "kind_and_schema", lambda: 1 / 0)
        with pytest.raises(InputError):
            make(tmp_path / "data.zarr")
    with pytest.raises(InputError, match="not a dataset"):
        Dataset(tmp_path / "data.zarr")
    agrees(Dataset(make(tmp_path / "data.zarr")))


def edit(where, **changes):
    path = where / "zarr.json"
    said = json.loads(path.read_text())
    said["attributes"] |= changes
    path.write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "newer insonate"),
        ({"schema": None}, "newer insonate"),
        ({"kind": "photographs"}, "not a dataset of insonate"),
        ({"layout": {}}, "layout is broken"),
        ({"layout": 7}, "layout is broken"),
        ({"regions": 5}, "attributes are broken"),
        ({"probe": "convex"}, "attribute probe"),
    ],
)
def test_other_groups(where, changes, words):
    edit(where, **changes)
    with pytest.raises(InputError, match=words) as caught:
        Dataset(where)
    assert "\n" not in str(caught.value)


def test_not_datasets(tmp_path):
    with pytest.raises(InputError, match="no dataset"):
        Dataset(tmp_path / "nowhere")
    zarr.create_group(tmp_path / "foreign.zarr")
    with pytest.raises(InputError, match="not a dataset of insonate"):
        Dataset(tmp_path / "foreign.zarr")
    (tmp_path / "foreign.zarr" / "zarr.json").write_text('{"zarr_')
    with pytest.raises(InputError, match="not a dataset that can be read"):
        Dataset(tmp_path / "foreign.zarr")


def test_array_that_is_not_what_the_layout_says(where):
    edit(where, layout={"rows": 13, "columns": 10, "shard": 4, "images": ["bmode"],
                        "landmarks": []})  # fmt: skip
    with pytest.raises(InputError, match="bmode is not what the layout says"):
        Dataset(where).raw("bmode", 0)


def broken(where, name, index=5):
    with pytest.raises(InputError, match=f"{name} of frame {index} is broken") as caught:
        Dataset(where).raw(name, index)
    assert "\n" not in str(caught.value)


def test_broken_files_are_named(where):
    file = where / "bmode/c/1/0/0"
    whole = file.read_bytes()
    for wrong in (b"", whole[:-7], whole[:40], b"x" * len(whole)):
        file.write_bytes(wrong)
        broken(where, "bmode")
    turned = bytearray(whole)
    turned[len(whole) // 4] ^= 16
    file.write_bytes(turned)
    dataset = Dataset(where)
    bad = []
    for index in range(4, 8):
        try:
            np.testing.assert_array_equal(dataset.raw("bmode", index), frame(index)["bmode"])
        except InputError:
            bad.append(index)
    assert len(bad) == 1, "one bit spoils one frame, and is noticed"
    file.unlink()
    broken(where, "bmode")
    (where / "pose/c/1/0/0").write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 40)
    broken(where, "pose")
    with pytest.raises(InputError, match="pose is broken"):
        Dataset(where).column("pose")


@given(place=st.integers(0, 10_000), value=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=60, deadline=None)
def test_mutated_shards_are_noticed(tmp_path_factory, place, value, cut):
    where = tmp_path_factory.getbasetemp() / "mutated.zarr"
    if not where.exists():
        make(where)
    file = where / "bmode/c/0/0/0"
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[place % len(whole)] ^= value
    file.write_bytes(changed[: place % len(whole)] if cut else changed)
    try:
        dataset = Dataset(where)
        for index in range(4):
            try:
                found = dataset.raw("bmode", index)
            except InputError:
                continue
            np.testing.assert_array_equal(found, frame(index)["bmode"])
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bmode": np.zeros((3, 3), np.uint8)}, "bmode: expected 12 x 10, got 3 x 3"),
        ({"bmode": np.zeros((12, 10))}, "expected 8 bits"),
        ({"bmode": None}, "without 'bmode'"),
        ({"pose": np.eye(3)}, "pose: expected 4 x 4, got 3 x 3"),
        ({"patient": 1.5}, "patient: expected int32"),
        ({"patient": 2**31}, "expected -2147483648 to"),
        ({"seed": -1}, "expected 0 to"),
        ({"metadata": {"a": float("nan")}}, "metadata: JSON"),
        ({"metadata": {"a": object()}}, "metadata: JSON cannot say it .a object"),
        ({"metadata": {"a": "\ud800"}}, "metadata: JSON"),
        ({"metadata": [1]}, "expected a mapping"),
        ({"metadata": {"a": "x" * 5000}}, "at most 4096"),
        ({"lables": 3}, "did you mean 'labels'"),
    ],
)
def test_samples_that_do_not_fit(where, change, words):
    with open_writer(where) as writer, pytest.raises(InputError, match=words):
        writer.write(0, [frame(0), frame(1) | change, frame(2), frame(3)])
    agrees(Dataset(where))
    assert len(Dataset(where)) == 10


def test_shards_that_there_are(where):
    with open_writer(where) as writer:
        for block in (-1, 3):
            with pytest.raises(InputError, match="expected 0 to 2"):
                writer.write(block, [frame(0)] * 4)
        with pytest.raises(InputError, match="expected 2 frames, got 4"):
            writer.write(2, [frame(0)] * 4)


@pytest.mark.parametrize(
    "wrong",
    [{"frames": 0}, {"rows": 1.5}, {"columns": 20_000}, {"shard": True}, {"images": ("labels",)},
     {"images": ("bmode", "colour")}, {"images": ("bmode", "bmode")}, {"landmarks": ("a", "a")}],
)  # fmt: skip
def test_layouts_that_cannot_be(wrong):
    with pytest.raises(InputError):
        Layout(**({"frames": 1, "rows": 2, "columns": 2} | wrong))


def test_left_overs_are_swept(where):
    left = where / "bmode/c/1/0/0.abc.partial"
    left.write_bytes(b"half")
    with open_writer(where):
        assert not left.exists()
    agrees(Dataset(where))


def test_lock_is_the_systems(where):
    with (where / ".writer").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"), open_writer(where):
            pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)  # fmt: skip


@given(
    count=st.integers(1, 5),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    shard=st.integers(1, 4),
    names=st.sets(st.sampled_from([name for name in IMAGES if name != "bmode"])),
    described=st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    dark=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_round_trips(tmp_path_factory, count, size, shard, names, described, dark):
    where = tmp_path_factory.mktemp("round") / "data.zarr"
    names, points = ("bmode", *sorted(names)), ("tip", "end")
    samples = [frame(k, *size, names=names) for k in range(count)]
    for k, sample in enumerate(samples):
        sample["landmarks"] = np.float32([[k, 1.5], [np.nan, 2.0]])
        sample["metadata"] = described
        if dark:
            sample["bmode"][:] = 0
    with create(where, Layout(count, *size, names, points, shard)) as writer:
        for block in range(writer.layout.blocks):
            writer.write(block, [samples[k] for k in writer.layout.block(block)])
    dataset = Dataset(where)
    assert dataset.attributes.landmarks == points
    for k, sample in enumerate(samples):
        for name in (*names, "pose", "seed", "landmarks"):
            np.testing.assert_array_equal(dataset.raw(name, k), sample[name])
        assert dataset.metadata(k) == described


def test_the_dataset_is_found_by_its_room():
    code = (
        "import sys, insonate.data\n"
        "assert 'insonate.data.dataset' not in sys.modules\n"
        "from insonate.data import Dataset\n"
        "from insonate.data.dataset import Dataset as same\n"
        "assert Dataset is same and not hasattr(insonate.data, 'Datasets')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
