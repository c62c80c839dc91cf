"""Whether a probe is where a probe can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.probe import Probe
from insonate.scene import Scene

__all__ = ["check_placement"]

#: Impedances between which a tissue lets ultrasound in and out [MRayl].
SOFT = (0.5, 2.6)
#: Widest gap of coupling gel between the face and the skin [mm].
STANDOFF = 40.0


def check_placement(
    scene: Scene, probe: Probe, first_label: NDArray[np.uint8], met: NDArray[np.float32]
) -> None:
    """Refuse a probe inside bone or gas, or with no body in front of it.

    Args:
        scene: the anatomy.
        probe: the transducer.
        first_label: region at the face, per scanline `(scanlines,)`.
        met: distance to the first surface, per scanline, negative if none `(scanlines,)` [mm].

    Raises:
        InputError: the probe cannot be there.
    """
    if scene.triangles == 0:
        return
    if (met < 0).all():
        raise InputError(
            f"pose: the probe is outside the body, no surface within {probe.depth:g} mm of it"
        )
    touching = first_label
    if scene.regions[0].tissue.impedance < SOFT[0]:  # a part of the face may stick out into air
        touching = first_label[first_label > 0]
        if not touching.size:
            gap = f"{met[met >= 0].min():.1f} mm of air"
            raise InputError(f"pose: the probe does not touch the body, there is {gap} between")
    label = int(np.bincount(touching).argmax())
    tissue = scene.regions[label].tissue
    if not SOFT[0] <= tissue.impedance <= SOFT[1]:
        raise InputError(
            f"pose: the probe is inside '{scene.regions[label].name}' ({tissue.name}); "
            "expected soft tissue, fluid or gel at its face"
        )
    if label == 0 and tissue.name == "gel" and met[met >= 0].min() > STANDOFF:
        raise InputError(
            f"pose: the probe is outside the body, its surface is {met[met >= 0].min():.0f} mm "
            f"away; expected at most {STANDOFF:g} mm of gel"
        )
