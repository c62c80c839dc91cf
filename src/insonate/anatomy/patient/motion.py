"""A patient who lives: her fetus' heart beats, both breathe, limbs move, a probe is pressed in.

Vertices move, triangles stay. Every moment stands for itself: time alone says where all is. The
movements follow each other as the body has them: heart, fetal breathing, limbs, the mother's
breathing, the probe.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from insonate.anatomy.fetus.heart_frame import heart_frame
from insonate.anatomy.fetus.heartbeat import heart_displacement
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.settle import settle
from insonate.anatomy.patient.breathing import (
    FetalBreathing,
    MaternalBreathing,
    fetal_breath,
    maternal_breath,
)
from insonate.anatomy.patient.compression import Skin, compressed, deepest_push, pushed
from insonate.anatomy.patient.limbs import Fluid, MovingLimbs
from insonate.anatomy.patient.parameters import fetal_plan, mother_plan
from insonate.anatomy.patient.record import Record
from insonate.errors import InputError
from insonate.geometry import check_pose
from insonate.probe import Probe

__all__ = ["MOTION_OPTIONS", "MOTION_RANGES", "Motion"]

Vector = NDArray[np.float64]
Index = NDArray[np.int64]

#: Lowest and highest value, and the unit. 0 is always allowed: what does not move.
MOTION_RANGES = {
    "heart_rate": (60.0, 220.0, "beats/min"),
    "fetal_breathing": (0.0, 1.0, "share"),
    "limb_movement": (0.0, 1.0, "share"),
    "maternal_breathing": (0.0, 15.0, "mm"),
    "breathing_rate": (6.0, 40.0, "breaths/min"),
}
#: What a user may say of a movement.
MOTION_OPTIONS = (*MOTION_RANGES, "seed")
_BONES = (
    "maternal_bone", "maternal_trabecular_bone", "symphysis_cartilage", "intervertebral_disc",
)  # fmt: skip
_FLUID = "amniotic_fluid"


@dataclass(frozen=True)
class Motion:
    """The movement of a patient.

    Attributes:
        record: of the patient; `Patient.motion` gives it.
        heart_rate: of the fetus, usually 120 to 160 [1/min]; 0 is a heart that stands still.
        fetal_breathing: depth of its breathing movements, 0 to 1.
        limb_movement: how far its joints turn, 0 to 1.
        maternal_breathing: how far a deep breath moves down what is far from spine and
            pelvis [mm]; 5 to 10 are usual.
        breathing_rate: her breaths in a minute [1/min].
        seed: of all that is irregular.

    Raises:
        InputError: a value outside its range; the message states the range.
    """

    record: Record
    heart_rate: float = 140.0
    fetal_breathing: float = 1.0
    limb_movement: float = 1.0
    maternal_breathing: float = 8.0
    breathing_rate: float = 15.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in (f.name for f in fields(self) if f.name in MOTION_RANGES):
            low, high, unit = MOTION_RANGES[name]
            value = getattr(self, name)
            if not (value == 0.0 or low <= value <= high):
                raise InputError(f"{name}: expected 0 or {low:g} to {high:g} {unit}, got {value!r}")

    def vertices(
        self,
        time: float,
        probe: Probe | None = None,
        pose: ArrayLike | None = None,
        pressure: float = 0.0,
    ) -> NDArray[np.float32]:
        """Where all vertices are, `(vertices, 3)`, world [mm].

        Args:
            time: since rest [s].
            probe: whose face the skin comes to lie on; None if it is not touched.
            pose: of the probe as it rests on the skin, `(4, 4)` [mm]; frames are to be taken
                from `pushed` by the same pressure.
            pressure: of the probe, 0 (it touches) to 1 (as deep as the wall yields).

        Raises:
            InputError: a pressure outside its range, or a probe without a pose.
        """
        moved = self.record.surfaces.vertices.astype(np.float64)
        near, place = self._fetus(time)
        moved[near] = place
        breath = maternal_breath(self.seed, time, self.breathing_rate)
        if self.maternal_breathing * breath > 0.0:
            moved += self.maternal_breathing * breath * self._mother.displacement(moved)
        if probe is not None or pose is not None or pressure:
            moved = self._touched(moved, probe, pose, pressure)
        return moved.astype(np.float32)

    def pushed(self, pose: ArrayLike, pressure: float) -> Vector:
        """The pose `(4, 4)` [mm] of a probe that is pressed in: deeper along its beam.

        Args:
            pose: as it rests on the skin, `(4, 4)` [mm].
            pressure: 0 to 1.
        """
        if not 0.0 <= pressure <= 1.0:
            raise InputError(f"pressure: expected 0 to 1, got {pressure!r}")
        return pushed(check_pose(pose), pressure * self.deepest)

    @property
    def deepest(self) -> float:
        """How deep the probe goes at full pressure [mm]."""
        return deepest_push(self.record.truth)

    def _touched(
        self, points: Vector, probe: Probe | None, pose: ArrayLike | None, pressure: float
    ) -> Vector:
        """Points `(points, 3)` [mm] under a probe."""
        if probe is None or pose is None:
            raise InputError("motion: a probe needs a pose, a pose needs a probe")
        rests, deep = check_pose(pose), self.pushed(pose, pressure)
        if pressure:
            points = compressed(points, probe, rests, pressure * self.deepest)
        return self._skin.pressed(points, probe, deep)

    # --- the fetus and what is near it, in its own frame ---

    def _fetus(self, time: float) -> tuple[Index, Vector]:
        """Vertices that the fetus moves, and where they are in the world `(moved, 3)` [mm]."""
        points, moved = self._rest.copy(), np.zeros(len(self._rest), bool)
        if self.heart_rate:
            near, beat = self._by_heart, time * self.heart_rate / 60.0
            points[near] += heart_displacement(self._plan, points[near], beat)
            moved[near] = True
        breath = self.fetal_breathing * fetal_breath(self.seed, time)
        if breath > 0.0:
            near = self._by_breath
            points[near] += breath * self._breathing.displacement(points[near])
            moved[near] = True
        if self.limb_movement:
            points = self._limbs.moved(points, time)
            moved |= self._limbs.moving
        moved &= (points != self._rest).any(axis=1)
        turn, shift = self.record.matrix[:3, :3], self.record.matrix[:3, 3]
        return self._near[moved], points[moved] @ turn.T + shift

    @cached_property
    def _plan(self) -> Plan:
        return settle(fetal_plan(self.record.parameters))

    @cached_property
    def _is_fetal(self) -> NDArray[np.bool_]:
        """Whether vertices belong to the fetus, `(vertices,)`."""
        surfaces = self.record.surfaces
        region = np.array([name.startswith("fetal_") for name in surfaces.regions])
        found = np.zeros(len(surfaces.vertices), bool)
        found[surfaces.faces[region[surfaces.pairs].any(axis=1)]] = True
        return found

    @cached_property
    def _near(self) -> Index:
        """Vertices of the fetus, and of others that it may move."""
        vertices = self.record.surfaces.vertices
        tree = KDTree(vertices[self._is_fetal][::5])
        away = tree.query(vertices, distance_upper_bound=self._plan.sizes.trunk_radius)[0]
        return np.flatnonzero(self._is_fetal | np.isfinite(away))

    @cached_property
    def _rest(self) -> Vector:
        """Those vertices in the fetal frame, `(near, 3)` [mm]."""
        return self._in_fetal_frame(self._near)

    @cached_property
    def _by_heart(self) -> Index:
        frame = heart_frame(self._plan)
        return np.flatnonzero(
            np.abs(self._rest - frame.point(0.15, 0.0, 0.0)).max(axis=1) < frame.unit
        )

    @cached_property
    def _breathing(self) -> FetalBreathing:
        return FetalBreathing(self._plan)

    @cached_property
    def _by_breath(self) -> Index:
        return np.flatnonzero(self._breathing.displacement(self._rest).any(axis=1))

    def _in_fetal_frame(self, index: Index) -> Vector:
        matrix, vertices = self.record.matrix, self.record.surfaces.vertices[index]
        return (vertices.astype(np.float64) - matrix[:3, 3]) @ matrix[:3, :3]

    @cached_property
    def _limbs(self) -> MovingLimbs:
        own = self._is_fetal[self._near]
        fluid = self._fluid(self._near)
        return MovingLimbs(self._plan, self._rest, self.seed, self.limb_movement, fluid, own)

    def _fluid(self, near: Index) -> Fluid:
        """What bounds the amniotic fluid; `near` are the vertices that limbs may move."""
        surfaces = self.record.surfaces
        number = surfaces.regions.index(_FLUID)
        bounds = (surfaces.pairs == number).any(axis=1)
        faces = surfaces.faces[bounds]
        turned = surfaces.pairs[bounds, 1] == number
        faces = np.where(turned[:, None], faces[:, ::-1], faces)
        used, faces = np.unique(faces, return_inverse=True)
        place = np.full(len(surfaces.vertices), -1)
        place[near] = np.arange(len(near))
        corners = faces.reshape(-1, 3).astype(np.int32)
        return Fluid(self._in_fetal_frame(used), corners, place[used])

    # --- the mother ---

    @cached_property
    def _mother(self) -> MaternalBreathing:
        surfaces = self.record.surfaces
        bone = np.isin(surfaces.regions, _BONES)
        bones = np.unique(surfaces.faces[bone[surfaces.pairs].any(axis=1)])
        vertices = surfaces.vertices.astype(np.float64)
        plan = mother_plan(self.record.parameters)
        ends = vertices.min(axis=0), vertices.max(axis=0)
        return MaternalBreathing(vertices[bones], plan.spine_front, *ends)

    @cached_property
    def _skin(self) -> Skin:
        return Skin(self.record.surfaces)
