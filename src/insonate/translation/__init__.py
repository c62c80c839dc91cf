"""Trained methods put to use: images of any size, sweeps, films, other programs."""

from typing import TYPE_CHECKING, Any

from insonate.translation.about import About
from insonate.translation.datasets import translate_dataset, translate_to_png
from insonate.translation.onnx_network import OnnxTranslator
from insonate.translation.pictures import translate_pictures
from insonate.translation.translator import Translator
from insonate.translation.video import translate_video

if TYPE_CHECKING:
    from insonate.translation.onnx_export import export_onnx

__all__ = [
    "About",
    "OnnxTranslator",
    "Translator",
    "export_onnx",
    "translate_dataset",
    "translate_pictures",
    "translate_to_png",
    "translate_video",
]


def __getattr__(name: str) -> Any:
    """`export_onnx` when it is asked for: it brings torch with it."""
    if name == "export_onnx":
        from insonate.translation.onnx_export import export_onnx

        return export_onnx
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
