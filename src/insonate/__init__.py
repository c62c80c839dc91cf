"""Insonate: ultrasound that looks real, in real time, with every label for free."""

import warp as _warp

_warp.config.quiet = True

__version__ = "0.1.0"
