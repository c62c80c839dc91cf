"""Shapes compiled to flat arrays that the kernels walk through.

A shape becomes postfix code: primitives push their distance, joints take two off the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.implicit import distance_kernels as kernels
from insonate.anatomy.implicit.shape import Combined, Grown, Primitive, Rippled, Shape
from insonate.anatomy.implicit.threads import in_threads

__all__ = ["Program", "compile_shapes", "distance", "gradient"]

_KINDS = {"ellipsoid": 0, "capsule": 1, "box": 2, "half_space": 3, "sweep": 4, "lattice": 5}
_JOINTS = {"union": kernels.UNION, "intersect": kernels.INTERSECT, "subtract": kernels.SUBTRACT}


@dataclass(frozen=True)
class Program:
    """Compiled shapes.

    Attributes:
        code: operation and primitive index, `(steps, 2)`.
        value: blend, growth or height of every step, `(steps,)` [mm].
        primitives: one row each, `(primitives, 24)`: kind, place, inverse axes, sizes, ball;
            or the low and high corner of what a jump passes over.
        tables: sections of all sweeps and nodes of all lattices, one after the other
            `(numbers,)` [mm].
        start: first step of every shape and the end of the last, `(shapes + 1,)`.
        boxes: low and high corner around every shape, `(shapes, 6)` [mm].
    """

    code: NDArray[np.int32]
    value: NDArray[np.float64]
    primitives: NDArray[np.float64]
    tables: NDArray[np.float64]
    start: NDArray[np.int32]
    boxes: NDArray[np.float64]

    @property
    def arrays(self) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
        """What every kernel takes first."""
        return self.code, self.value, self.primitives, self.tables, self.start


@dataclass
class _Names:
    """Equal expressions get one number, however often they were written or moved."""

    known: dict[tuple, int] = field(default_factory=dict)
    used: dict[int, int] = field(default_factory=dict)
    seen: dict[int, tuple[Shape, int]] = field(default_factory=dict)

    def of(self, shape: Shape) -> int:
        """Number of a shape; what it is made of is counted once for every time it is met."""
        if id(shape) in self.seen:
            name = self.seen[id(shape)][1]
        else:
            name = self.known.setdefault(self._key(shape), len(self.known))
            self.seen[id(shape)] = shape, name
        self.used[name] = self.used.get(name, 0) + 1
        return name

    def _table(self, leaf: Primitive) -> object:
        """A moved leaf keeps its table; sweeps are small enough to be compared."""
        if leaf.table is None or leaf.kind == "lattice":
            return id(leaf.table)
        return leaf.table.tobytes()

    def _key(self, shape: Shape) -> tuple:
        if isinstance(shape, Primitive):
            return shape.kind, shape.frame.tobytes(), shape.sizes, self._table(shape)
        if isinstance(shape, Combined):
            return shape.how, self.of(shape.first), self.of(shape.second), shape.blend
        if isinstance(shape, Grown):
            return "grown", self.of(shape.shape), shape.by
        if isinstance(shape, Rippled):
            place = b"" if shape.frame is None else shape.frame.tobytes()
            return (
                "rippled", self.of(shape.shape), shape.height, shape.wavelength, shape.phase, place,
            )  # fmt: skip
        raise TypeError(f"no such shape: {type(shape).__name__}")


@dataclass
class _Compiler:
    names: _Names
    code: list[tuple[int, int]] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    primitives: list[NDArray[np.float64]] = field(default_factory=list)
    tables: list[NDArray[np.float64]] = field(default_factory=list)
    rows: dict[int, int] = field(default_factory=dict)
    registers: dict[int, int] = field(default_factory=dict)
    filled: int = 0

    def shape(self, shape: Shape) -> None:
        """Append the code that leaves the shape's distance on the stack.

        What appears more than once is kept in a register, and looked up at the same point.
        """
        name = self.names.seen[id(shape)][1]
        simple = isinstance(shape, Primitive) and shape.table is None
        if simple or self.names.used[name] < 2 or len(self.registers) >= kernels.REGISTERS:
            self.fresh(shape)
            return
        register = self.registers.setdefault(name, len(self.registers))
        recall = self.jump(kernels.RECALL, register)
        self.fresh(shape)
        self.step(kernels.STORE, register, 0.0)
        self.land(recall)

    def fresh(self, shape: Shape) -> None:
        """Append the code that works the shape's distance out."""
        if isinstance(shape, Primitive):
            self.step(kernels.PUSH, self.primitive(shape), 0.0)
        elif isinstance(shape, Combined):
            self.combined(shape)
        elif isinstance(shape, Grown):
            self.shape(shape.shape)
            self.step(kernels.GROW, 0, shape.by)
        elif isinstance(shape, Rippled):
            self.shape(shape.shape)
            self.step(kernels.RIPPLE, self.ripple(shape), shape.height)

    def combined(self, shape: Combined) -> None:
        """A joint; its second shape is passed over where it is too far away to matter."""
        self.shape(shape.first)
        if shape.how == "union" and isinstance(shape.second, Primitive):
            self.step(kernels.UNION_LEAF, self.primitive(shape.second), shape.blend)
            return
        skips = {"union": kernels.SKIP_UNION, "subtract": kernels.SKIP_SUBTRACT}
        skip = None
        if shape.how in skips:
            row = np.zeros(kernels.ROW)
            row[1:4], row[4:7] = shape.second.bounds()
            self.primitives.append(row)
            skip = self.jump(skips[shape.how], len(self.primitives) - 1, shape.blend)
        self.shape(shape.second)
        self.step(_JOINTS[shape.how], 0, shape.blend)
        if skip is not None:
            self.land(skip)

    def step(self, operation: int, index: int, value: float) -> None:
        self.code.append((operation, index))
        self.value.append(value)

    def jump(self, operation: int, index: int, value: float = 0.0) -> int:
        """A step that may go on elsewhere; the next step, never run, holds where."""
        self.step(operation, index, value)
        self.step(kernels.TARGET, 0, 0.0)
        return len(self.code) - 1

    def land(self, target: int) -> None:
        """The jump whose target is at `target` goes on here."""
        self.code[target] = (kernels.TARGET, len(self.code))

    def primitive(self, leaf: Primitive) -> int:
        name = self.names.seen[id(leaf)][1]
        if name in self.rows:
            return self.rows[name]
        row = np.zeros(kernels.ROW)
        row[0] = _KINDS[leaf.kind]
        row[1:4] = leaf.frame[:3, 3]
        row[4:13] = leaf.frame[:3, :3].T.ravel()
        row[13 : 13 + len(leaf.sizes)] = leaf.sizes
        if leaf.table is not None:
            row[21:23] = self.filled, len(leaf.table)
            self.tables.append(leaf.table.ravel())
            self.filled += leaf.table.size
        row[23] = float(np.linalg.norm(leaf.reach))
        if leaf.kind == "capsule":
            row[23] = 0.5 * leaf.sizes[0] + max(leaf.sizes[1:])
        self.primitives.append(row)
        self.rows[name] = len(self.primitives) - 1
        return self.rows[name]

    def ripple(self, shape: Rippled) -> int:
        frame = np.eye(4) if shape.frame is None else shape.frame
        row = np.zeros(kernels.ROW)
        row[1:4] = frame[:3, 3]
        row[4:13] = frame[:3, :3].T.ravel()
        row[13:15] = 2.0 * np.pi / shape.wavelength, shape.phase
        self.primitives.append(row)
        return len(self.primitives) - 1


def compile_shapes(shapes: Sequence[Shape]) -> Program:
    """Shapes as arrays, numbered as given."""
    names, start = _Names(), [0]
    for shape in shapes:
        names.of(shape)
    compiler = _Compiler(names)
    for shape in shapes:
        compiler.shape(shape)
        start.append(len(compiler.code))
    tables = np.concatenate(compiler.tables) if compiler.tables else np.zeros(1)
    return Program(
        code=np.array(compiler.code, np.int32).reshape(-1, 2),
        value=np.array(compiler.value, np.float64),
        primitives=np.array(compiler.primitives, np.float64).reshape(-1, kernels.ROW),
        tables=np.ascontiguousarray(tables),
        start=np.array(start, np.int32),
        boxes=np.array([np.concatenate(shape.bounds()) for shape in shapes]).reshape(-1, 6),
    )


def distance(shape: Shape, points: ArrayLike) -> NDArray[np.float64]:
    """Signed distance `(points,)` [mm] of `points` `(points, 3)` [mm], negative inside."""
    at = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
    out = np.empty(len(at))
    arrays = compile_shapes([shape]).arrays
    in_threads(lambda a, b: kernels.distances(*arrays, 0, at[a:b], out[a:b]), len(at))
    return out


def gradient(shape: Shape, points: ArrayLike) -> NDArray[np.float64]:
    """Slope of the distance at `points` `(points, 3)` [mm], `(points, 3)`: outwards."""
    at = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
    out = np.empty_like(at)
    arrays = compile_shapes([shape]).arrays
    in_threads(lambda a, b: kernels.gradients(*arrays, 0, at[a:b], out[a:b]), len(at))
    return out
