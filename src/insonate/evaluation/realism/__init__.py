"""Simulated frames that were made to look real, measured: Table 2 of Tomar et al. 2021."""

from insonate.evaluation.realism.comparison import compare_realism
from insonate.evaluation.realism.evaluate import (
    Beside,
    RealismTask,
    evaluate_realism,
    prepare_realism,
)
from insonate.evaluation.realism.results import Realism, write_realism
from insonate.evaluation.realism.settings import RealismSettings
from insonate.evaluation.realism.tables import write_realism_tables

__all__ = [
    "Beside",
    "Realism",
    "RealismSettings",
    "RealismTask",
    "compare_realism",
    "evaluate_realism",
    "prepare_realism",
    "write_realism",
    "write_realism_tables",
]
