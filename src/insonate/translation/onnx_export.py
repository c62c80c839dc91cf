"""A run as one ONNX file that other programs use without us: from arrays to masked images.

The condition channels, the padding to the network's stride, the crop and the mask are all inside;
inputs are named and ranged as in a dataset.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from insonate.data.batches import Chance
from insonate.data.files import replacing
from insonate.errors import InputError
from insonate.methods import Method
from insonate.recipe import Run
from insonate.translation.about import About
from insonate.translation.onnx_network import KEY, OUTPUT, OnnxNetwork
from insonate.translation.torch_network import about_run, translated

__all__ = ["TOLERANCE", "export_onnx"]

#: Largest difference from torch, of images in [-1, 1].
TOLERANCE = 1e-4
OPSET = 18
#: Batch, rows and columns that a new file is compared with torch at.
_COMPARED = ((1, 40, 56), (2, 72, 33))


class Exported(nn.Module):
    """A method as a function of its inputs in their order.

    Args:
        method: in evaluation mode.
    """

    def __init__(self, method: Method):
        super().__init__()
        self.method = method

    def forward(self, *arrays: Tensor) -> Tensor:
        """Images in [-1, 1], -1 outside the mask, `(batch, 1, rows, columns)`."""
        named = dict(zip(self.method.inputs, arrays, strict=True))
        return translated(self.method, named, _NoChance(0, 0))


class _NoChance(Chance):
    """Random numbers of a graph, which has none."""

    def _fill(self, like: Tensor, draw: Any) -> Tensor:
        raise InputError("draws random numbers, which an ONNX file cannot repeat")

    def shared(self) -> np.random.Generator:
        raise InputError("draws random numbers, which an ONNX file cannot repeat")


def export_onnx(run: Run, out: str | os.PathLike[str]) -> About:
    """Write a run's translation as ONNX, for batches and images of any size.

    The file is compared with torch before it takes its place.

    Args:
        run: with its weights loaded, on the CPU.
        out: of the file (.onnx).

    Returns:
        What the file says of itself.

    Raises:
        InputError: the packages for it are not installed, the method draws random numbers or
            cannot be exported, the file differs from torch, or it cannot be written.
    """
    path, onnx = Path(out), _onnx()
    if path.suffix.lower() != ".onnx":
        raise InputError(f"--out {path}: expected a name that ends in .onnx")
    about, exported = about_run(run), Exported(run.method.eval().cpu())
    try:
        with torch.inference_mode():
            exported(*_example(about, 1, 2 * about.stride, 2 * about.stride).values())
    except InputError as error:
        raise InputError(f"{about.run}: the method {about.method} {error}") from error
    with replacing(path) as beside:
        model = _traced(exported, about)
        _describe(onnx, model, about)
        onnx.save(model, beside)
        _compare(exported, OnnxNetwork(beside), path)
    return about


def _traced(exported: Exported, about: About) -> Any:
    """The model in ONNX, with free batch, rows and columns."""
    example = _example(about, 2, 2 * about.stride + 8, 3 * about.stride + 24)
    free = {0: "batch", -2: "rows", -1: "columns"}
    dims = {name: torch.export.Dim(name) for name in free.values()}
    shapes = tuple(
        {axis % array.ndim: dims[name] for axis, name in free.items()} for array in example.values()
    )
    try:
        with quiet():
            program: Any = torch.onnx.export(
                exported, tuple(example.values()), dynamo=True, opset_version=OPSET,
                input_names=list(example), output_names=[OUTPUT], dynamic_shapes=(shapes,),
                verbose=False,
            )  # fmt: skip
            return program.model_proto
    except Exception as error:  # whatever the exporter makes of a method
        cause = error.__cause__ or error
        reason = (str(cause).splitlines() or [type(cause).__name__])[0][:160]
        raise InputError(f"{about.run}: {about.method} cannot be exported ({reason})") from error


def _describe(onnx: ModuleType, model: Any, about: About) -> None:
    said = {
        KEY: json.dumps(asdict(about)),
        "inputs": ", ".join(f"{name} {_RANGES[name]}" for name in about.inputs),
        "output": f"{OUTPUT}, B-mode in [-1, 1], -1 outside the mask",
    }
    onnx.helper.set_model_props(model, said)
    for axis, name in ((2, "rows"), (3, "columns")):  # instead of how they were worked out
        model.graph.output[0].type.tensor_type.shape.dim[axis].dim_param = name
    model.producer_name = "insonate"
    model.doc_string = f"{about.words()}: {said['inputs']} to {said['output']}"


#: What inputs hold, as a dataset gives them.
_RANGES: Mapping[str, str] = {
    "bmode": "B-mode in [-1, 1]",
    "bmode_fast": "fast B-mode in [-1, 1]",
    "labels": "index into the regions, int64",
    "attenuation": "integral attenuation in [0, 1]",
    "shadow": "share of the beam that is lost in [0, 1]",
    "mask": "1 in the fan, 0 outside",
    "coordinates": "world position of every pixel [mm]",
}


def _example(about: About, batch: int, rows: int, columns: int) -> dict[str, Tensor]:
    """Arrays of random frames, in their ranges; the fan is the middle of the image."""
    rng = np.random.default_rng(rows * columns)
    mask = np.zeros((batch, 1, rows, columns), np.float32)
    mask[..., 1 : rows - 1, 2 : columns - 2] = 1.0
    made: dict[str, Any] = {"mask": mask}
    for name in about.inputs:
        if name == "labels":
            made[name] = rng.integers(0, max(len(about.regions), 1), (batch, rows, columns))
        elif name == "coordinates":
            made[name] = rng.normal(0.0, 50.0, (batch, 3, rows, columns)).astype(np.float32)
        elif name != "mask":
            made[name] = rng.random((batch, 1, rows, columns), np.float32)
            if name.startswith("bmode"):
                made[name] = np.where(mask > 0, 2.0 * made[name] - 1.0, -1.0).astype(np.float32)
    return {name: torch.from_numpy(made[name]) for name in about.inputs}


def _compare(exported: Exported, network: OnnxNetwork, path: Path) -> None:
    """Refuse a file that computes something else than torch does."""
    for size in _COMPARED:
        arrays = _example(network.about, *size)
        with torch.inference_mode():
            expected = exported(*arrays.values()).numpy()
        found = network({name: array.numpy() for name, array in arrays.items()}, 0, 0)
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise InputError(
                f"{path}: differs from torch by {difference:.1e}, expected at most "
                f"{TOLERANCE:.0e}; not written"
            )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the exporter says about itself off the screen."""
    talkative = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [logger.level for logger in talkative]
    for logger in talkative:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(talkative, levels, strict=True):
            logger.setLevel(level)


def _onnx() -> ModuleType:
    """ONNX with what exports and runs it.

    Raises:
        InputError: a part of it is not installed.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            f'{error.name} is not installed; export needs: pip install "insonate[onnx]"'
        ) from error
    return onnx
