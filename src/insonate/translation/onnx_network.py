"""An exported run in onnxruntime; torch is not needed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import from_plain
from insonate.errors import InputError
from insonate.translation.about import About
from insonate.translation.network import Arrays
from insonate.translation.translator import Translator

__all__ = ["KEY", "OUTPUT", "OnnxNetwork", "OnnxTranslator"]

#: Of the metadata that `export_onnx` writes: JSON of `About`.
KEY = "insonate"
#: Name of the model's output.
OUTPUT = "translated"


class OnnxNetwork:
    """A model of `insonate export-onnx` on a device.

    Args:
        path: of the file.
        device: "cpu", "cuda" or "cuda:1".
        threads: on the CPU; all cores when None.

    Raises:
        InputError: onnxruntime is not installed or has no such device, or another kind of file.
    """

    def __init__(
        self, path: str | os.PathLike[str], device: str = "cpu", threads: int | None = None
    ):
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file")
        self._session: Any = _session(Path(path), device, threads)
        self.about = _about(Path(path), self._session)

    def __call__(self, arrays: Arrays, seed: int, first: int) -> NDArray[np.float32]:
        """Images in [-1, 1], as `Network` says it; there is no noise to draw."""
        given = {name: np.ascontiguousarray(arrays[name]) for name in self.about.inputs}
        size = " x ".join(map(str, next(iter(given.values())).shape))
        try:
            images = self._session.run([OUTPUT], given)[0]
        except Exception as error:  # onnxruntime has no error of its own for memory
            if "alloc" in str(error).lower():
                raise InputError(f"out of memory for images of {size}; expected fewer") from error
            raise
        if "mask" in arrays and "mask" not in self.about.inputs:
            return images * arrays["mask"] + (arrays["mask"] - 1.0)
        return images


class OnnxTranslator(Translator):
    """An exported run, with the interface of `Translator`."""

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], device: str = "cpu", threads: int | None = None
    ) -> OnnxTranslator:
        """The translator of a file.

        Args:
            path: of the file (.onnx).
            device: "cpu", "cuda" or "cuda:1".
            threads: on the CPU; all cores when None.

        Raises:
            InputError: as `OnnxNetwork` says.
        """
        return cls(OnnxNetwork(path, device, threads))


def _session(path: Path, device: str, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(f'{path}: needs onnxruntime: pip install "insonate[onnx]"') from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = threads or 0
    providers = _providers(onnxruntime.get_available_providers(), device)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # it has many errors, for many kinds of broken files
        raise InputError(f"{path}: not an ONNX file that can be run") from error


def _providers(there: list[str], device: str) -> list[Any]:
    kind, _, number = device.partition(":")
    if kind == "cpu" and not number:
        return ["CPUExecutionProvider"]
    if kind == "cuda" and (number or "0").isdigit():
        if "CUDAExecutionProvider" not in there:
            raise InputError(f"--device {device}: this onnxruntime has no CUDA; try cpu")
        return [("CUDAExecutionProvider", {"device_id": int(number or 0)})]
    raise InputError(f"--device {device}: expected cpu, cuda or cuda:1")


def _about(path: Path, session: Any) -> About:
    said = session.get_modelmeta().custom_metadata_map.get(KEY)
    if said is None:
        raise InputError(f"{path}: an ONNX file, but not of insonate export-onnx")
    try:
        plain = json.loads(said)
    except ValueError as error:
        raise InputError(f"{path}: its metadata is broken") from error
    return from_plain(About, plain, f"{path}: ")
