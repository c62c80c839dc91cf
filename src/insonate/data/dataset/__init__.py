"""The one kind of dataset: a Zarr group of frames with everything known about them."""

from insonate.data.dataset.dataset import Dataset
from insonate.data.dataset.layout import IMAGES, SCHEMA, Attributes, Layout
from insonate.data.dataset.values import gray_levels, network_values
from insonate.data.dataset.window import Window
from insonate.data.dataset.writer import Writer, create, open_writer

__all__ = [
    "IMAGES",
    "SCHEMA",
    "Attributes",
    "Dataset",
    "Layout",
    "Window",
    "Writer",
    "create",
    "gray_levels",
    "network_values",
    "open_writer",
]
