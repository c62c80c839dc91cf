"""`insonate calibrate`: where the image lies on a tracked probe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from insonate.errors import InputError

__all__ = ["Calibrate"]


@dataclass(frozen=True)
class Calibrate:
    """Find ImageToProbe from a scan of a pinhead that rests while the probe moves around it.

    The pinhead should be seen all over the image, by a probe that is turned by tens of degrees
    about two axes; the pose paper took 87 images. Wrong picks are found and left out.
    """

    points: tyro.conf.Positional[Path]
    """table (CSV) with the columns frame, column, row: where the pinhead is in which image."""
    poses: Path
    """tracked sequence of the scan (.mha, .nrrd), or poses of the probe (.npy, .csv, .json)."""
    probe: str = "Probe"
    """name of what is tracked, in a sequence."""
    out: Annotated[Path, tyro.conf.arg(metavar="XML")] = Path("out/calibration.xml")
    """for --calibration of an import, and for PLUS."""

    def run(self) -> None:
        """Solve, write, and say how well the images agree."""
        from insonate.data.importers.calibration import calibrate
        from insonate.data.importers.pin_scan import read_pin_scan
        from insonate.data.importers.plus import write_configuration

        pixels, poses, untracked = read_pin_scan(self.points, self.poses, self.probe)
        try:
            found = calibrate(pixels, poses)
        except InputError as error:
            raise InputError(f"{self.points}: {error}") from error
        write_configuration(self.out, found.image_to_probe, found.residual, self.probe)
        left_out = len(found.used) - int(found.used.sum())
        print(
            f"{found.used.sum()} images agree to {found.residual:.3f} mm (RMS, largest "
            f"{found.residuals[found.used].max():.3f} mm); {left_out} left out as outliers, "
            f"{untracked} without valid tracking"
        )
        print(
            f"pixel {found.spacing[1]:.5f} x {found.spacing[0]:.5f} mm (across, down); standard "
            f"error of a place in the image up to {found.uncertainty:.3f} mm"
        )
        print(self.out)
