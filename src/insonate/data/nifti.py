"""Labels as NIfTI, in the place where they lie in the world."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import medical, replacing
from insonate.data.palette import label_colors
from insonate.errors import InputError
from insonate.sim.frame import Frame

__all__ = ["NiftiLabels", "stack_step"]

STEP_TOLERANCE = 1e-3  # mm
TURN_TOLERANCE = 1e-6  # mm a pixel: a micrometre across an image


class NiftiLabels:
    """Label volumes whose voxel (column, row, slice) lies at its world position.

    A volume has columns along i and rows along j; k follows the right-hand rule, against the
    probe's elevation axis. NIfTI counts in RAS, so a viewer shows the negated x and y of the
    world, which is LPS. A sweep of parallel, evenly spaced frames becomes one volume
    `labels.nii.gz`; any other sweep one volume of a single slice per frame,
    `labels/0000.nii.gz`. `labels.txt` names and colours the labels for ITK-SNAP.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        """Take the folder that `save` writes to.

        Raises:
            InputError: SimpleITK is not installed.
        """
        medical("SimpleITK")
        self.folder = Path(folder)
        self._labels: list[NDArray] = []
        self._matrices: list[NDArray[np.float64]] = []
        self._names: tuple[str, ...] = ()
        self._spacing = 1.0

    def add(self, frame: Frame) -> None:
        """Note the labels of a frame and where they lie."""
        self._labels.append(frame.labels)
        self._matrices.append(frame.image_to_world())
        self._names, self._spacing = frame.region_names, frame.spacing

    def save(self) -> list[Path]:
        """Write the volumes and the names of the labels.

        Raises:
            InputError: there are no frames, or a file cannot be written.
        """
        if not self._labels:
            raise InputError(f"{self.folder}: no frames to write")
        step = stack_step(self._matrices) if self._one_shape() else None
        if step is not None:
            order = slice(None, None, -1 if step < 0 else 1)
            volume = np.stack(self._labels[order])
            paths = [self._write("labels.nii.gz", volume, self._matrices[order][0], abs(step))]
        elif len(self._labels) == 1:
            paths = [self._slice("labels.nii.gz", 0)]
        else:
            names = [f"labels/{index:04d}.nii.gz" for index in range(len(self._labels))]
            paths = [self._slice(name, index) for index, name in enumerate(names)]
        return [*paths, self._write_names()]

    def _one_shape(self) -> bool:
        return len({labels.shape for labels in self._labels}) == 1

    def _slice(self, name: str, index: int) -> Path:
        volume = self._labels[index][None]
        return self._write(name, volume, self._matrices[index], self._spacing)

    def _write(
        self, name: str, volume: NDArray, matrix: NDArray[np.float64], thickness: float
    ) -> Path:
        """Write `volume` `[slice, row, column]` with `matrix` of its first slice [mm]."""
        sitk = medical("SimpleITK")
        spacing = np.linalg.norm(matrix[:3, :2], axis=0)
        i, j = (matrix[:3, :2] / spacing).T
        image = sitk.GetImageFromArray(np.ascontiguousarray(volume))
        image.SetSpacing([*spacing.tolist(), float(thickness)])
        image.SetDirection(np.stack([i, j, np.cross(i, j)], axis=1).ravel().tolist())
        image.SetOrigin(matrix[:3, 3].tolist())
        target = self.folder / name
        with replacing(target) as path:
            try:
                sitk.WriteImage(image, str(path))
            except RuntimeError as error:
                raise InputError(f"{target}: cannot be written (SimpleITK)") from error
        return target

    def _write_names(self) -> Path:
        """The label file of ITK-SNAP: number, colour, opacity, visibility, name."""
        colors = label_colors(len(self._names)).tolist()
        lines = ["# index red green blue opacity visible mesh name"]
        for label, (name, (red, green, blue)) in enumerate(zip(self._names, colors, strict=True)):
            on = int(label > 0)
            quoted = name.replace('"', "'")
            lines.append(f'{label} {red} {green} {blue} {on} {on} {on} "{quoted}"')
        target = self.folder / "labels.txt"
        with replacing(target) as path:
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return target


def stack_step(matrices: list[NDArray[np.float64]]) -> float | None:
    """Distance of parallel, evenly spaced images along i x j [mm], or None for other sweeps.

    Args:
        matrices: from (column, row, 0, 1) of each image to the world, `(4, 4)` [mm].
    """
    if len(matrices) < 2:
        return None
    poses = np.stack(matrices)
    moved = poses[:, :3, 3] - poses[0, :3, 3]
    normal = np.cross(poses[0, :3, 0], poses[0, :3, 1])
    normal /= np.linalg.norm(normal)
    step = float(moved[-1] @ normal) / (len(poses) - 1)
    turned = np.abs(poses[:, :3, :2] - poses[0, :3, :2]).max() > TURN_TOLERANCE
    uneven = np.abs(moved - np.arange(len(poses))[:, None] * step * normal).max() > STEP_TOLERANCE
    return None if turned or uneven or abs(step) <= STEP_TOLERANCE else step
