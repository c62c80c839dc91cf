"""Pages that stand alone: the report of an evaluation."""

from insonate.evaluation.report.report import chosen_frames, write_report

__all__ = ["chosen_frames", "write_report"]
