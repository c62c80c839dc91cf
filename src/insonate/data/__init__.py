"""Files out: PNG, figures, MHA sequences, NIfTI labels, ultrasound DICOM, meshes; and datasets."""

from typing import TYPE_CHECKING, Any

from insonate.data.dicom import DicomFile
from insonate.data.figure import write_figure
from insonate.data.files import make_folder
from insonate.data.meshes import write_glb, write_plys
from insonate.data.mha import MhaSequence
from insonate.data.nifti import NiftiLabels
from insonate.data.palette import label_colors
from insonate.data.png import write_png
from insonate.data.record import Record
from insonate.data.write import FORMATS, write_frames

if TYPE_CHECKING:
    from insonate.data.dataset import Dataset

__all__ = [
    "FORMATS",
    "Dataset",
    "DicomFile",
    "MhaSequence",
    "NiftiLabels",
    "Record",
    "label_colors",
    "make_folder",
    "write_figure",
    "write_frames",
    "write_glb",
    "write_plys",
    "write_png",
]


def __getattr__(name: str) -> Any:
    """`Dataset` when it is asked for: whoever writes pictures does not wait for it."""
    if name == "Dataset":
        from insonate.data.dataset import Dataset

        return Dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
