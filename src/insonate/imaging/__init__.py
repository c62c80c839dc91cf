"""From IQ lines to the picture: display settings and scan conversion."""

from insonate.imaging.display import Display
from insonate.imaging.even_tgc import even_tgc
from insonate.imaging.scan_convert import Raster, make_raster, scan_convert

__all__ = ["Display", "Raster", "even_tgc", "make_raster", "scan_convert"]
