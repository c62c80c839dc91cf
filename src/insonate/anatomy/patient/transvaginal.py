"""The place of a probe in the vagina, from which the cervix is measured.

Through the wall of the abdomen it lies too deep behind the pubic bone. The anatomy has no
vagina: the probe's face lies in the soft tissue below the external os.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.scene_spec import View

__all__ = ["cervix_view"]

#: Between the probe's face and the external os, and the depth of the image [mm].
_BELOW, _DEPTH = 6.0, 70.0


def cervix_view(landmarks: Mapping[str, NDArray[np.float64]]) -> View:
    """The endocavity probe before the cervix, its canal along the middle of the image.

    Args:
        landmarks: `(3,)` in the world [mm], "internal_os" and "external_os" among them.
    """
    internal, external = landmarks["internal_os"], landmarks["external_os"]
    axis = (internal - external) / np.linalg.norm(internal - external)
    at, aim = external - _BELOW * axis, external
    return View(
        at=(float(at[0]), float(at[1]), float(at[2])),
        aim=(float(aim[0]), float(aim[1]), float(aim[2])),
        lateral=(0.0, 1.0, 0.0),
        probe="endocavity",
        depth=_DEPTH,
        about="cervix, transvaginal",
    )
