"""Inception-v3 as the Fréchet distance has it: the graph of 2015 in TensorFlow, unit by unit.

Names are those of the weights file. Three things differ from the network of the paper: averages
over 3 x 3 pixels leave out the padding, the last block pools maxima, and there are 1008 classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Inception"]

#: Which pooling of a block's input the unit `branch_pool` sees, or which pooling is put out.
AVERAGE, MAXIMUM, SHRINK = "average", "maximum", "shrink"


@dataclasses.dataclass(frozen=True)
class Unit:
    """A convolution with normalisation and rectifier.

    Attributes:
        name: as in the weights file.
        source: name of the unit before, `input`, or `pooled`.
        channels: put out.
        kernel: rows and columns [pixels].
        stride: 1 keeps the size, 2 halves it without padding.
    """

    name: str
    source: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1


class Convolution(nn.Module):
    """Convolution without bias, batch normalisation, rectifier."""

    def __init__(
        self, before: int, channels: int, kernel: tuple[int, int], stride: int, padded: bool
    ):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(before, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Channels `(n, channels, rows, columns)`."""
        return functional.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Units side by side and behind each other, put out one after the other."""

    def __init__(self, before: int, units: Sequence[Unit], outputs: Sequence[str], pool: str):
        super().__init__()
        self._units, self._outputs, self._pool = units, outputs, pool
        channels = {"input": before, "pooled": before}
        for unit in units:
            made = Convolution(
                channels[unit.source], unit.channels, unit.kernel, unit.stride, unit.stride == 1
            )
            self.add_module(unit.name, made)
            channels[unit.name] = unit.channels
        self.channels = sum(channels[name] for name in outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Channels `(n, channels, rows, columns)`."""
        found = {"input": x, "pooled": _pooled(x, self._pool)}
        for unit in self._units:
            found[unit.name] = self.get_submodule(unit.name)(found[unit.source])
        return torch.cat([found[name] for name in self._outputs], 1)


class Inception(nn.Module):
    """The network; in evaluation mode, with weights that somebody has to load."""

    def __init__(self) -> None:
        super().__init__()
        for name, before, channels, side, stride, padded in _STEM:
            self.add_module(name, Convolution(before, channels, (side, side), stride, padded))
        before = _STEM[-1][2]
        for name, (units, outputs, pool) in _blocks().items():
            block = Block(before, units, outputs, pool)
            self.add_module(name, block)
            before = block.channels
        self.fc = nn.Linear(before, 1008)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor, layer: str = "2048") -> Tensor:
        """Maps before they are averaged over space.

        Args:
            x: `(n, 3, 299, 299)`, -1 to 1.
            layer: `768`, the end of Mixed_6e, or `2048`, the end of Mixed_7c.

        Returns:
            `(n, 768, 17, 17)` or `(n, 2048, 8, 8)`.
        """
        for name, *_ in _STEM:
            x = self.get_submodule(name)(x)
            if name in _POOLED_AFTER:
                x = functional.max_pool2d(x, 3, 2)
        for name in _blocks():
            x = self.get_submodule(name)(x)
            if layer == "768" and name == "Mixed_6e":
                break
        return x


#: Name, channels before, channels, kernel side [pixels], stride, padded.
_STEM = (
    ("Conv2d_1a_3x3", 3, 32, 3, 2, False),
    ("Conv2d_2a_3x3", 32, 32, 3, 1, False),
    ("Conv2d_2b_3x3", 32, 64, 3, 1, True),
    ("Conv2d_3b_1x1", 64, 80, 1, 1, False),
    ("Conv2d_4a_3x3", 80, 192, 3, 1, False),
)
_POOLED_AFTER = ("Conv2d_2b_3x3", "Conv2d_4a_3x3")
_Plan = tuple[Sequence[Unit], Sequence[str], str]


def _blocks() -> dict[str, _Plan]:
    """All blocks in order, by the names of the weights file."""
    return {
        "Mixed_5b": _fives(32),
        "Mixed_5c": _fives(64),
        "Mixed_5d": _fives(64),
        "Mixed_6a": _to_17(),
        "Mixed_6b": _sevens(128),
        "Mixed_6c": _sevens(160),
        "Mixed_6d": _sevens(160),
        "Mixed_6e": _sevens(192),
        "Mixed_7a": _to_8(),
        "Mixed_7b": _forks(AVERAGE),
        "Mixed_7c": _forks(MAXIMUM),
    }


def _fives(pooled: int) -> _Plan:
    """Kernels of 5, twice 3, and 1, at 35 x 35."""
    units = (
        Unit("branch1x1", "input", 64),
        Unit("branch5x5_1", "input", 48),
        Unit("branch5x5_2", "branch5x5_1", 64, (5, 5)),
        Unit("branch3x3dbl_1", "input", 64),
        Unit("branch3x3dbl_2", "branch3x3dbl_1", 96, (3, 3)),
        Unit("branch3x3dbl_3", "branch3x3dbl_2", 96, (3, 3)),
        Unit("branch_pool", "pooled", pooled),
    )
    return units, ("branch1x1", "branch5x5_2", "branch3x3dbl_3", "branch_pool"), AVERAGE


def _to_17() -> _Plan:
    units = (
        Unit("branch3x3", "input", 384, (3, 3), 2),
        Unit("branch3x3dbl_1", "input", 64),
        Unit("branch3x3dbl_2", "branch3x3dbl_1", 96, (3, 3)),
        Unit("branch3x3dbl_3", "branch3x3dbl_2", 96, (3, 3), 2),
    )
    return units, ("branch3x3", "branch3x3dbl_3", "pooled"), SHRINK


def _sevens(inner: int) -> _Plan:
    """Kernels of 7, row and column apart, at 17 x 17."""
    row, column = (1, 7), (7, 1)
    units = (
        Unit("branch1x1", "input", 192),
        Unit("branch7x7_1", "input", inner),
        Unit("branch7x7_2", "branch7x7_1", inner, row),
        Unit("branch7x7_3", "branch7x7_2", 192, column),
        Unit("branch7x7dbl_1", "input", inner),
        Unit("branch7x7dbl_2", "branch7x7dbl_1", inner, column),
        Unit("branch7x7dbl_3", "branch7x7dbl_2", inner, row),
        Unit("branch7x7dbl_4", "branch7x7dbl_3", inner, column),
        Unit("branch7x7dbl_5", "branch7x7dbl_4", 192, row),
        Unit("branch_pool", "pooled", 192),
    )
    return units, ("branch1x1", "branch7x7_3", "branch7x7dbl_5", "branch_pool"), AVERAGE


def _to_8() -> _Plan:
    units = (
        Unit("branch3x3_1", "input", 192),
        Unit("branch3x3_2", "branch3x3_1", 320, (3, 3), 2),
        Unit("branch7x7x3_1", "input", 192),
        Unit("branch7x7x3_2", "branch7x7x3_1", 192, (1, 7)),
        Unit("branch7x7x3_3", "branch7x7x3_2", 192, (7, 1)),
        Unit("branch7x7x3_4", "branch7x7x3_3", 192, (3, 3), 2),
    )
    return units, ("branch3x3_2", "branch7x7x3_4", "pooled"), SHRINK


def _forks(pool: str) -> _Plan:
    """Kernels of 3 that fork into row and column, at 8 x 8."""
    row, column = (1, 3), (3, 1)
    units = (
        Unit("branch1x1", "input", 320),
        Unit("branch3x3_1", "input", 384),
        Unit("branch3x3_2a", "branch3x3_1", 384, row),
        Unit("branch3x3_2b", "branch3x3_1", 384, column),
        Unit("branch3x3dbl_1", "input", 448),
        Unit("branch3x3dbl_2", "branch3x3dbl_1", 384, (3, 3)),
        Unit("branch3x3dbl_3a", "branch3x3dbl_2", 384, row),
        Unit("branch3x3dbl_3b", "branch3x3dbl_2", 384, column),
        Unit("branch_pool", "pooled", 192),
    )
    forked = ("branch3x3_2a", "branch3x3_2b", "branch3x3dbl_3a", "branch3x3dbl_3b")
    return units, ("branch1x1", *forked, "branch_pool"), pool


def _pooled(x: Tensor, how: str) -> Tensor:
    if how == AVERAGE:
        return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return functional.max_pool2d(x, 3, 1, 1) if how == MAXIMUM else functional.max_pool2d(x, 3, 2)
