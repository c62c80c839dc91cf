"""Runs measured against each other: the papers' tables, significance, reports, comparisons."""

from insonate.evaluation.comparison import compare, write_comparison
from insonate.evaluation.evaluate import Machine, Task, evaluate, prepare
from insonate.evaluation.results import Evaluation, write_results
from insonate.evaluation.settings import EvaluationSettings
from insonate.evaluation.writing import write_tables

__all__ = [
    "Evaluation",
    "EvaluationSettings",
    "Machine",
    "Task",
    "compare",
    "evaluate",
    "prepare",
    "write_comparison",
    "write_results",
    "write_tables",
]
