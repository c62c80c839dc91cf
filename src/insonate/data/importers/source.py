"""What every importer yields: single frames with what their files say of them, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Imported", "Item", "Skipped", "Source", "inside"]


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels, `left <= column < right` and `top <= row < bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def rows(self) -> int:
        """Height [pixels]."""
        return self.bottom - self.top

    @property
    def columns(self) -> int:
        """Width [pixels]."""
        return self.right - self.left

    def cut(self, image: NDArray[Any]) -> NDArray[Any]:
        """The part of an image `(rows, columns)` in the box."""
        return image[self.top : self.bottom, self.left : self.right]

    def within(self, rows: int, columns: int) -> Box:
        """The part of the box that lies in an image of a size; empty if none does."""
        left, top = min(max(self.left, 0), columns), min(max(self.top, 0), rows)
        right, bottom = max(min(self.right, columns), left), max(min(self.bottom, rows), top)
        return Box(left, top, right, bottom)


@dataclass(frozen=True)
class Imported:
    """A frame as it was found.

    Attributes:
        image: gray values, uint8 `(rows, columns)`.
        labels: index into the source's regions, uint8 `(rows, columns)`.
        mask: 1 where the image has content, uint8 `(rows, columns)`; found from the image if
            None and the source is of ultrasound.
        hidden: 1 where the screen hides the image or draws upon it, uint8 `(rows, columns)`;
            nothing is if None.
        spacing: of rows and of columns [mm].
        origin: lateral and depth of the centre of pixel (0, 0) in the probe frame [mm].
        pose: probe to world `(4, 4)` [mm].
        area: where the ultrasound is, as the file says; never anything outside of it is kept,
            unless whole images are asked for.
        patient: key of whom it shows; equal keys are one patient. Never a name.
        sequence: key of what it was recorded in.
        plane: name of the standard plane.
        split: that it was in, as its source says.
        metadata: what else is known, as JSON can say it.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None
    mask: NDArray[np.uint8] | None = None
    hidden: NDArray[np.uint8] | None = None
    spacing: tuple[float, float] | None = None
    origin: tuple[float, float] | None = None
    pose: NDArray[np.float64] | None = None
    area: Box | None = None
    patient: str = ""
    sequence: str = ""
    plane: str = ""
    split: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A frame, or a whole file, that is left out.

    Attributes:
        where: file, and frame if it has several.
        reason: in few words and without numbers, so that equal ones can be counted.
        frames: how many are lost with it.
    """

    where: str
    reason: str
    frames: int = 1


Item = Imported | Skipped


class Source(Protocol):
    """Something to import. It is gone through twice, and says the same both times.

    Attributes:
        kind: what it is, in two or three words, such as "images" or "tracked sequence".
        ultrasound: that what is outside the fan is no tissue; frames are cropped to it.
        private: that whatever is outside the ultrasound may name the patient: a frame whose
            ultrasound is not found is skipped.
        notes: what a user should be told, a line each.
        provenance: where it comes from, for the attributes.
    """

    kind: str
    ultrasound: bool
    private: bool
    provenance: str

    @property
    def regions(self) -> tuple[str, ...]:
        """Names by label; empty if there are no labels. Asked for after the first time."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user, after it was gone through."""
        ...

    def __len__(self) -> int:
        """How many frames to expect, at most."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """Frames, and what is left out, in a fixed order.

        Raises:
            InputError: nothing of it can be used.
        """
        ...


def inside(file: Path, root: Path) -> bool:
    """True for a file that is there and, links followed, lies in a folder.

    Args:
        file: perhaps a link.
        root: the folder, resolved; or the file itself.
    """
    try:
        return file.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        return False
