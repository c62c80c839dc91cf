"""What was built is kept, and the cache neither grows without end nor removes what is not its."""

import os

import numpy as np
import pytest

from insonate.anatomy import array_cache
from insonate.anatomy.array_cache import load_arrays, store_arrays

KEYS = [f"patient-{n:032x}" for n in range(4)]
ARRAYS = {"vertices": np.arange(3000.0)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("INSONATE_CACHE", str(tmp_path))
    return tmp_path


def test_arrays_and_words_come_back(folder):
    store_arrays(KEYS[0], ARRAYS, {"matrix": np.eye(2), "count": np.int64(3)})
    arrays, about = load_arrays(KEYS[0], ["vertices"])
    assert np.array_equal(arrays["vertices"], ARRAYS["vertices"])
    assert about == {"matrix": [[1.0, 0.0], [0.0, 1.0]], "count": 3}


def test_a_damaged_file_counts_as_none(folder):
    store_arrays(KEYS[0], ARRAYS, {})
    path = folder / f"{KEYS[0]}.npz"
    path.write_bytes(path.read_bytes()[:500])
    assert load_arrays(KEYS[0], ["vertices"]) is None
    assert load_arrays(KEYS[1], ["vertices"]) is None


def test_the_longest_unused_are_removed(folder, monkeypatch):
    foreign = folder / "experiment.npz"
    np.savez(foreign, **ARRAYS)
    for age, key in enumerate(KEYS[:3]):
        store_arrays(key, ARRAYS, {})
        os.utime(folder / f"{key}.npz", (age, age))
    load_arrays(KEYS[0], ["vertices"])  # now the latest that was used
    monkeypatch.setattr(array_cache, "LARGEST", 3 * (folder / f"{KEYS[0]}.npz").stat().st_size)
    store_arrays(KEYS[3], ARRAYS, {})
    kept = {path.stem for path in folder.iterdir()}
    assert kept == {KEYS[0], KEYS[2], KEYS[3], "experiment"}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("INSONATE_CACHE", str(blocked / "cache"))
    store_arrays(KEYS[0], ARRAYS, {})
    assert load_arrays(KEYS[0], ["vertices"]) is None
