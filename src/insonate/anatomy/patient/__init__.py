"""Patients from parameters: as many as anyone wants, each with exact ground truth."""

from insonate.anatomy.patient.parameters import Parameters
from insonate.anatomy.patient.patient import Patient

__all__ = ["Parameters", "Patient"]
