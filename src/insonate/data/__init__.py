"""Files out: PNG, figures, tracked MHA sequences, NIfTI labels, ultrasound DICOM, meshes."""

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

__all__ = [
    "FORMATS",
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
