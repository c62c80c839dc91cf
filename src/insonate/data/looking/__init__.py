"""What a dataset holds: in words, checked frame by frame, in pictures."""

from insonate.data.looking.check import Finding, check
from insonate.data.looking.figures import write_histograms, write_poses
from insonate.data.looking.info import info, info_words
from insonate.data.looking.sheet import write_sheet

__all__ = [
    "Finding",
    "check",
    "info",
    "info_words",
    "write_histograms",
    "write_poses",
    "write_sheet",
]
