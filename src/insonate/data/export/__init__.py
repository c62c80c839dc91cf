"""Datasets for other programs: PNG folders, NIfTI, COCO, nnU-Net."""

from insonate.data.export.export import FORMATS, export

__all__ = ["FORMATS", "export"]
