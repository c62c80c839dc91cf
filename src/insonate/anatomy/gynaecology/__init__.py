"""The scene of gynaecology: uterus, ovaries with their follicles, vagina; no child."""

from insonate.anatomy.gynaecology.masks import STRUCTURES, structure_mask
from insonate.anatomy.gynaecology.patient import GynaecologyPatient
from insonate.anatomy.gynaecology.plan import GynaecologyPlan

__all__ = ["STRUCTURES", "GynaecologyPatient", "GynaecologyPlan", "structure_mask"]
