"""What a translator asks of a network, whatever computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from insonate.translation.about import About

__all__ = ["Arrays", "Network"]

#: Arrays of some frames by name, as `Dataset` gives them, stacked.
Arrays = Mapping[str, NDArray[Any]]


class Network(Protocol):
    """Translates whole images of any size.

    Attributes:
        about: what it is.
    """

    about: About

    def __call__(self, arrays: Arrays, seed: int, first: int) -> NDArray[np.float32]:
        """Images in [-1, 1], -1 outside the mask, `(batch, 1, rows, columns)`.

        Args:
            arrays: all that `about.inputs` names.
            seed: of the noise, where a method draws some.
            first: number of the first frame; a frame's noise follows from seed and number.

        Raises:
            InputError: out of memory.
        """
        ...
