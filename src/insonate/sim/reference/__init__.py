"""The simulator again, slowly, in NumPy: one path and one line at a time.

It exists to be read beside the primer, and for the tests to hold the kernels to. It uses
the functions of `insonate.acoustics` where the kernels have their own.
"""

from insonate.sim.reference.line import iq_lines
from insonate.sim.reference.path import Echo, Segment, Surfaces, trace_path

__all__ = ["Echo", "Segment", "Surfaces", "iq_lines", "trace_path"]
