"""`insonate render-dataset` as a user runs it: broken off, killed, gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from insonate.data.dataset import Dataset
from insonate.errors import InputError

RECIPE = {
    "name": "phantom", "frames": 22, "shard": 2, "quality": "fast",
    "subjects": {"kind": "scene", "scene": "cysts", "frames": 4},
    "poses": {"shift": {"uniform": [-6, 6]}},
    "probe": {"preset": "c5_2v", "depth": 90, "scanlines": 48, "samples": 1024},
    "image": {"rows": 48, "columns": 80, "arrays": ["bmode", "labels", "mask"]},
}  # fmt: skip


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def command(recipe, out, *words):
    program = Path(sys.executable).parent / "insonate"
    return [str(program), "render-dataset", str(recipe), "--out", str(out), *words]


def run(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=300, check=False)


def frames(path):
    dataset = Dataset(path, ("bmode", "labels", "pose", "seed"))
    return [{name: dataset.raw(name, k) for name in dataset.arrays} for k in range(len(dataset))]


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    recipe = folder / "mine.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE))
    done = run(recipe, folder / "data.zarr", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "22 frames" in done.stdout
    return folder / "data.zarr"


def test_a_dataset_is_what_the_recipe_says(whole):
    dataset = Dataset(whole)
    assert len(dataset) == 22
    assert dataset.attributes.recipe["name"] == "phantom"
    assert dataset.attributes.licence == "CC0-1.0"
    assert "insonate" in dataset.attributes.provenance
    assert dataset[0]["bmode"].shape == (1, 48, 80)
    assert np.isfinite(dataset.coordinates(0)).all()
    assert sorted(set(dataset.column("patient"))) == list(range(6))
    for patient in range(6):  # never in two splits
        assert len(set(dataset.column("split")[dataset.column("patient") == patient])) == 1


def killed(process, path, least):
    """Kill a run and all its workers as soon as some frames are there."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        if (path / "complete").is_dir() and len(list((path / "complete").rglob("c*/*"))) >= least:
            break
        time.sleep(0.01)
    assert process.poll() is None, "was done before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_that_was_killed_goes_on_and_ends_the_same(recipe, tmp_path, whole):
    out = tmp_path / "data.zarr"
    process = subprocess.Popen(
        command(recipe, out, "--workers", "1"), start_new_session=True, stderr=subprocess.DEVNULL
    )
    killed(process, out, least=2)
    before = len(Dataset(out))
    assert 0 < before < 22
    done = run(recipe, out, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert_same(frames(out), frames(whole))
    again = run(recipe, out)
    assert "nothing was left to render" in again.stdout


def children(pid):
    """Worker processes of a run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            words = (status.parent / "cmdline").read_text()
        except OSError:
            continue
        if f"PPid:\t{pid}\n" in text and "spawn_main" in words:
            found.append(int(status.parent.name))
    return found


def test_a_worker_that_is_killed_is_replaced(recipe, tmp_path, whole):
    out = tmp_path / "data.zarr"
    process = subprocess.Popen(command(recipe, out, "--workers", "2"), stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while time.monotonic() < end and not list((out / "complete").rglob("c*/*")):
        time.sleep(0.01)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    assert process.wait(timeout=200) == 0
    assert_same(frames(out), frames(whole))


def test_two_writers_on_one_store(recipe, tmp_path):
    from insonate.config import to_plain
    from insonate.data.dataset import Attributes, create
    from insonate.data.rendering import load_recipe

    made = load_recipe(recipe)
    with create(tmp_path / "data.zarr", made.layout(), Attributes(recipe=to_plain(made))):
        done = run(recipe, tmp_path / "data.zarr")
    assert done.returncode != 0
    assert "another process" in done.stderr
    assert len(done.stderr.strip().splitlines()[-1:]) == 1


def test_a_run_that_was_killed_while_the_store_was_made_goes_on(recipe, tmp_path, whole):
    from insonate.data.dataset import store

    out = tmp_path / "data.zarr"
    store.new_group(out)  # the attributes that make it a dataset come later
    done = run(recipe, out, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert_same(frames(out), frames(whole))


def test_a_frame_without_an_image_is_left_out_and_said(recipe, tmp_path, monkeypatch):
    from insonate.data.rendering import load_recipe
    from insonate.data.rendering import run as running
    from insonate.data.rendering.frames import FrameRenderer, NoImageError

    class Here:
        def run(self, tasks):
            for task in tasks:
                running.render_task(task)

    def sample(self, frame):
        if frame == 7:
            raise NoImageError("frame 7: no try gave an image")
        return rendered(self, frame)

    rendered = FrameRenderer.sample
    monkeypatch.setattr(FrameRenderer, "sample", sample)
    with pytest.raises(InputError, match="1 frames could not be rendered, the first is 7"):
        running.render_dataset(load_recipe(recipe), tmp_path / "data.zarr", Here())
    assert len(Dataset(tmp_path / "data.zarr")) == 21


def test_no_cluster_at_an_address_is_said_at_once(recipe, tmp_path):
    pytest.importorskip("ray")
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1"):
        done = run(recipe, tmp_path / "data.zarr", "--ray", address)
        assert done.returncode != 0
        assert "no cluster there" in done.stderr.splitlines()[-1]


def test_another_recipe_is_refused(tmp_path, whole):
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(RECIPE | {"seed": 5}))
    done = run(other, whole)
    assert done.returncode != 0
    assert "another recipe (seed differ)" in done.stderr


def test_a_frame_that_cannot_be_rendered_stops_the_run_in_one_line(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(RECIPE | {"probe": {"preset": "c5_2v", "depth": -3}}))
    done = run(bad, tmp_path / "data.zarr", "--workers", "1")
    assert done.returncode != 0
    assert "depth" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


CLUSTER = """
import os, signal, sys, threading, time
from pathlib import Path
import ray
from insonate.data.rendering import load_recipe
from insonate.data.rendering.cluster import RayCluster
from insonate.data.rendering.run import render_dataset

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
out, recipe = Path(sys.argv[2]), load_recipe(sys.argv[1])

def kill_one():
    while not list((out / "complete").rglob("c*/*")):
        time.sleep(0.01)
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = status.read_text()
        except OSError:
            continue
        if words.startswith("ray::render_task"):
            os.kill(int(status.parent.name), signal.SIGKILL)
            print("killed", flush=True)
            return

thread = threading.Thread(target=kill_one)
thread.start()
print("rendered", render_dataset(recipe, out, RayCluster("auto")))
thread.join()
"""


@pytest.mark.slow
def test_a_cluster_of_two_workers_loses_one_and_nothing_else(recipe, tmp_path, whole):
    pytest.importorskip("ray")
    out = tmp_path / "data.zarr"
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER, str(recipe), str(out)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "killed" in done.stdout
    assert "rendered 22" in done.stdout
    assert_same(frames(out), frames(whole))
