"""Fetal growth as small functions: sizes by age, ages by size, weight, dimensions of the body.

The formulas and their sources are in `docs/primer.rst`, section "Fetal growth".
"""

from insonate.biometry.brain import brain_law
from insonate.biometry.dimensions import dimension, load_dimensions
from insonate.biometry.ellipse import ellipse_circumference, ellipse_diameter
from insonate.biometry.growth import LAWS, Law, load_law, z_of_centile

__all__ = [
    "LAWS",
    "Law",
    "brain_law",
    "dimension",
    "ellipse_circumference",
    "ellipse_diameter",
    "load_dimensions",
    "load_law",
    "z_of_centile",
]
