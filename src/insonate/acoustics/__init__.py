"""Plane-wave acoustics as small functions: interface, attenuation, scattering, pulse, beam.

The theory and its numbered equations are in `docs/primer.rst`.
"""

from insonate.acoustics.tissue import Tissue, TissueTable, load_tissues

__all__ = ["Tissue", "TissueTable", "load_tissues"]
