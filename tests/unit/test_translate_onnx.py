"""Exported runs: equal to torch at every size, quiet, whole or not there."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("lightning_fabric")
sys.path.insert(0, str(Path(__file__).parent))
import onnx
import onnxruntime
import torch
from synthetic_frame import make_frame
from translated import REGIONS, SMALL, arrays, random_run

from insonate.errors import InputError
from insonate.methods import BridgeConfig, L2HConfig
from insonate.translation import OnnxTranslator, Translator, export_onnx, onnx_export
from insonate.translation.onnx_network import OnnxNetwork


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One file for all tests that only read it: exporting takes seconds."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(random_run(), path)
    return path


SIZES = [(1, 64, 64), (3, 40, 50), (2, 16, 97), (1, 7, 5), (5, 33, 32)]


@pytest.mark.parametrize(("count", "rows", "columns"), SIZES)
def test_equal_to_torch(exported, count, rows, columns):
    given = arrays(count, rows, columns)
    expected = Translator.load(random_run()).frames(given)
    found = OnnxTranslator.open(exported, threads=1).frames(given)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(expected) > 0.05
    assert found.dtype == np.float32


def test_other_programs_need_nothing_of_ours(exported):
    """Named inputs in a dataset's ranges to a masked image, by onnxruntime alone."""
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    inputs = {given.name: (given.type, len(given.shape)) for given in session.get_inputs()}
    assert inputs == {
        "bmode_fast": ("tensor(float)", 4), "mask": ("tensor(float)", 4),
        "labels": ("tensor(int64)", 3), "attenuation": ("tensor(float)", 4),
    }  # fmt: skip
    assert session.get_inputs()[0].shape == ["batch", 1, "rows", "columns"]
    assert session.get_outputs()[0].shape == ["batch", 1, "rows", "columns"]
    given = arrays(2, 30, 41)
    (found,) = session.run(None, {name: given[name] for name in inputs})
    np.testing.assert_allclose(found, Translator.load(random_run()).frames(given), atol=1e-4)
    assert (found[..., :3] == -1.0).all()
    said = session.get_modelmeta().custom_metadata_map
    about = json.loads(said["insonate"])
    assert about["regions"] == list(REGIONS)
    assert (about["stride"], about["step"], about["method"]) == (16, 70, "l2h")
    assert "inputs: MSA" in about["recipe"]
    assert "labels index into the regions, int64" in said["inputs"]


def test_its_interface_is_that_of_translators(exported):
    onnx_look, look = OnnxTranslator.open(exported), Translator.load(random_run())
    assert onnx_look.about == look.about
    frame = make_frame()
    np.testing.assert_allclose(onnx_look(frame).bmode, look(frame).bmode, atol=1e-4)
    with pytest.raises(InputError, match="mine: needs labels"):
        onnx_look.frames({k: v for k, v in arrays().items() if k != "labels"})


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        L2HConfig(**SMALL, inputs="M"),
        L2HConfig(**SMALL, labels="onehot", attenuation="level"),
        L2HConfig(**SMALL, inputs="MS", generator="resnet", blocks=2),
        BridgeConfig(widths=(8, 8), steps=2, noisy=False),
    ],
    ids=["m", "onehot-level", "resnet", "bridge-mean"],
)
def test_other_methods_are_exported(config, tmp_path):
    run = random_run(config)
    export_onnx(run, tmp_path / "model.onnx")
    for count, rows, columns in SIZES[:3]:
        given = arrays(count, rows, columns)
        found = OnnxTranslator.open(tmp_path / "model.onnx").frames(given)
        np.testing.assert_allclose(found, Translator.load(run).frames(given), atol=1e-4)


def test_noise_is_refused(tmp_path):
    words = "mine: the method bridge draws random numbers, which an ONNX file cannot repeat"
    with pytest.raises(InputError, match=words):
        export_onnx(random_run("bridge"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_differs_from_torch_is_not_written(tmp_path, monkeypatch):
    real, run = OnnxNetwork.__call__, random_run("M")
    image = onnx.helper.make_tensor_value_info("translated", onnx.TensorProto.FLOAT, [1, 1, 8, 8])
    model = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [image]))
    monkeypatch.setattr(onnx_export, "_traced", lambda exported, about: model)
    monkeypatch.setattr(onnx_export, "OnnxNetwork", lambda path: Fake(run, real))
    with pytest.raises(InputError, match=r"differs from torch by 1\.0e-02, expected at most"):
        export_onnx(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


class Fake:
    def __init__(self, run, real):
        self.translator = Translator.load(run)
        self.about = self.translator.about

    def __call__(self, given, seed, first):
        return self.translator.frames(given) + np.float32(0.01)


def test_what_cannot_be_exported_is_told_in_a_line(tmp_path, monkeypatch):
    run = random_run("M")

    def fail(*given, **options):
        raise RuntimeError("step 1 of 3") from ValueError("no such operator\nand many lines")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(
        InputError, match=r"mine: l2h cannot be exported \(no such operator\)"
    ) as error:
        export_onnx(run, tmp_path / "model.onnx")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_files_that_are_none(tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("no model")
    other = tmp_path / "other.onnx"
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.save(model, other)
    onnx.helper.set_model_props(model, {"insonate": '{"run": 3}'})
    onnx.save(model, tmp_path / "broken.onnx")
    for name, words in (
        ("none.onnx", "no such file"),
        ("text.onnx", "not an ONNX file that can be run"),
        ("other.onnx", "an ONNX file, but not of insonate export-onnx"),
        ("broken.onnx", r"broken\.onnx: "),
    ):
        with pytest.raises(InputError, match=words) as error:
            OnnxTranslator.open(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("device", ["cuda", "cpu:1", "tpu"])
def test_no_such_device(exported, device):
    if device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is one")
    with pytest.raises(InputError, match=f"--device {device}: "):
        OnnxTranslator.open(exported, device)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected a name that ends in \.onnx"):
        export_onnx(random_run("M"), tmp_path / "model.pt")


def test_torch_is_not_needed_to_run_it(exported):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from insonate.translation import OnnxTranslator\n"
        f"print(OnnxTranslator.open({str(exported)!r}).about.stride)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "16\n"
    assert done.stderr == ""
