"""A dataset survives what kills its writer: signals, a full disk, a second writer."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from insonate.data.dataset import Dataset, open_writer
from insonate.errors import InputError

pytest.importorskip("zarr")

FRAMES = 64
#: A frame is its number in every pixel; a writer that begins anew writes another generation.
WRITER = """
import resource, sys
import numpy as np
from insonate.data.dataset import Layout, create, open_writer
from insonate.errors import InputError

where, generation, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

def frame(k):
    rng = np.random.default_rng([k, generation])
    image = rng.integers(0, 256, (96, 80), dtype=np.uint8)
    return {"bmode": image, "labels": image // 8, "seed": k, "patient": generation,
            "metadata": {"sum": int(image.sum()), "generation": generation}}

def fill(writer, blocks):
    for block in blocks:
        writer.write(block, [frame(k) for k in writer.layout.block(block)])
        print(block, flush=True)

try:
    if generation == 0:
        with create(where, Layout(64, 96, 80, ("bmode", "labels"), shard=4)) as writer:
            fill(writer, range(writer.layout.blocks))
    else:
        with open_writer(where) as writer:
            fill(writer, range(writer.layout.blocks))
except InputError as error:
    sys.exit(f"insonate: {error}")
"""


def start(where, generation, limit=0):
    words = [sys.executable, "-c", WRITER, str(where), str(generation), str(limit)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, bufsize=1)


def wait_for(process, lines):
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(lines)]


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def whole(where):
    """Check every frame that counts; returns how many those are, by generation."""
    dataset = Dataset(where)
    found = {}
    for index, number in enumerate(dataset.frames.tolist()):
        image, said = dataset.raw("bmode", index), dataset.metadata(index)
        assert int(image.sum()) == said["sum"], f"frame {number} is half old, half new"
        np.testing.assert_array_equal(dataset.raw("labels", index), image // 8)
        assert dataset.raw("seed", index) == number
        assert dataset.raw("patient", index) == said["generation"]
        found[said["generation"]] = found.get(said["generation"], 0) + 1
    return found


def test_killed_at_random_moments(tmp_path):
    where, rng = tmp_path / "data.zarr", np.random.default_rng(1)
    process = start(where, 0)
    wait_for(process, 3)
    time.sleep(rng.uniform(0.0, 0.1))
    kill(process)
    before = sum(whole(where).values())
    assert 12 <= before < FRAMES
    for generation in range(1, 6):
        process = start(where, generation)
        wait_for(process, int(rng.integers(1, 6)))
        time.sleep(rng.uniform(0.0, 0.06))
        kill(process)
        found = whole(where)
        assert found[generation] >= 4
        assert sum(found.values()) >= before - 4, "more is lost than the shard in flight"
        before = sum(found.values())
    process = start(where, 9)
    process.communicate()
    assert process.returncode == 0
    assert whole(where) == {9: FRAMES}
    assert not list(where.rglob("*.partial"))


def test_second_writer_is_told(tmp_path):
    where = tmp_path / "data.zarr"
    first = start(where, 0)
    wait_for(first, 1)
    first.send_signal(signal.SIGSTOP)
    _, said = (second := start(where, 1)).communicate()
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert second.returncode == 1
    assert said.count("\n") == 1
    assert "another process is writing to it" in said
    assert first.returncode == 0
    assert whole(where) == {0: FRAMES}


def test_full_disk(tmp_path):
    """No file may grow beyond 20 kB, less than a shard of images."""
    where = tmp_path / "data.zarr"
    process = start(where, 0)
    wait_for(process, 4)
    kill(process)
    before = whole(where)[0]
    _, said = (limited := start(where, 1, limit=20_000)).communicate()
    assert limited.returncode == 1
    assert said.count("\n") == 1
    assert "cannot be written (File too large)" in said
    assert whole(where) == {0: before - 4}, "only the shard that was being written is lost"
    assert not list(where.rglob("*.partial"))


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(tmp_path):
    where = tmp_path / "data.zarr"
    start(where, 0).communicate()
    where.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"), open_writer(where):
            pass
    finally:
        where.chmod(0o700)
