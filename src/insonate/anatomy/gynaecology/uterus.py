"""The uterus that holds no child: body, cervix, endometrium by phase, fibroid.

It is a bent axis with elliptic sections; s runs along the axis from the internal os [mm],
negative in the cervix. Local axes: x left, y posterior, z towards the fundus.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from insonate.anatomy.gynaecology.cycle import uterine_scale
from insonate.anatomy.gynaecology.plan import GynaecologyPlan
from insonate.anatomy.implicit import Group, Part, Shape, half_space, sphere, sweep, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.pelvis import bone_shape
from insonate.anatomy.mother.wall import base_cavity
from insonate.errors import InputError

__all__ = ["Uterus", "uterus_linings", "uterus_parts"]

Vector = NDArray[np.float64]

#: Length, width and depth [mm] (S 75 x 50 x 25-40), and the cervix's share of the length (S).
_SIZE, _CERVIX_SHARE = (75.0, 50.0, 40.0), 0.37
#: Outline: half-width and half-depth relative to the widest place, at shares of the length
#: from the external os to where the fundus begins (E).
_PROFILE = (0.08, 0.22, 0.38, 0.56, 0.78)
_WIDTH = (0.52, 0.56, 0.50, 0.78, 1.00)
_DEPTH = (0.60, 0.64, 0.58, 0.83, 1.00)
#: Muscle over the top of the cavity [mm] (E: 15-20), and beside its corners.
_FUNDUS, _CORNER = 13.0, 11.0
#: Half-width and half-depth of the cavity from the internal os to the top (E).
_CAVITY = (0.0, 0.25, 0.6, 1.0)
_CAVITY_WIDTH = (0.22, 0.30, 0.62, 1.00)
_CAVITY_DEPTH = (0.35, 0.72, 1.00, 0.80)
#: Height of its rounded ends [mm].
_TOP, _BOTTOM = 3.0, 2.0
#: Junctional zone, the dark halo of inner muscle [mm] (M: 2-8).
_JUNCTIONAL = 3.0
#: Bright border of the trilaminar endometrium and its midline [mm] (E).
_BORDER, _MIDLINE = 1.1, 0.6
#: Below this there are no layers to be told apart [mm] (E).
_LAYERED = 5.5
#: Dark mucosa on either side of the cervical canal, and the canal itself: half-widths and
#: half-depths [mm] (E: lumen 1-2 mm, mucosa 3-5 mm a side).
_MUCOSA, _CANAL = (6.0, 4.0), (2.0, 0.6)
#: Muscle over a fibroid [mm], and over which it rises from the outline (E).
_RIM, _RISE = 2.0, 8.0
#: Where along the body, in its lengths, and in which directions, from straight behind towards
#: the fundus [degrees], it is looked for room.
_FIBROID_LEVELS = (0.55, 0.75, 0.95)
_FIBROID_ANGLES = (0.0, 12.0, -12.0, 24.0, -24.0, 36.0, 48.0, 60.0)
#: Tilt of a retroverted uterus, and how far its internal os lies behind (E).
_RETROVERSION, _BACK = math.radians(-38.0), (10.0, 3.0)
#: Bend between cervix and body (M: 15-30 degrees).
_FLEXION = math.radians(20.0)
_BEND = 12.0
_SECTIONS = 25
#: Lattice of the linings relative to the scene's.
_LINING_FINENESS = 0.45


@dataclass(frozen=True)
class Uterus:
    """Measures and axis.

    Attributes:
        plan: whose uterus it is.
    """

    plan: GynaecologyPlan

    @cached_property
    def size(self) -> Vector:
        """Length along the axis, width and depth, `(3,)` [mm], fibroids apart."""
        own = [self.plan.draws[name] for name in ("length", "width", "depth")]
        size = np.array(_SIZE) * uterine_scale(self.plan.age) * (1.0 + 0.05 * np.array(own))
        size[2] = max(size[2], self.endometrium + 2.0 * _CORNER)
        return size

    @property
    def endometrium(self) -> float:
        """Both layers [mm]."""
        return self.plan.endometrial_thickness

    @property
    def cervix(self) -> float:
        """Length of the cervix [mm]."""
        return _CERVIX_SHARE * float(self.size[0])

    @property
    def body(self) -> float:
        """From the internal os to the fundus [mm]."""
        return float(self.size[0]) - self.cervix

    @property
    def cavity(self) -> float:
        """Length of the cavity [mm]."""
        return self.body - _FUNDUS

    @cached_property
    def frame(self) -> Vector:
        """Local axes at the internal os to the world, `(4, 4)` [mm]."""
        mother, draws = self.plan.mother, self.plan.draws
        back = self.plan.uterus_version == "retroverted"
        tilt = _RETROVERSION if back else mother.uterine_tilt
        tilt += math.radians(6.0) * draws["version"]
        left = math.radians(6.0) * draws["turn"]
        c, s = math.cos(tilt), math.sin(tilt)
        pitch = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
        c, s = math.cos(left), math.sin(left)
        roll = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        frame = np.eye(4)
        frame[:3, :3] = pitch @ roll
        frame[:3, 3] = mother.internal_os + (np.array([0.0, *_BACK]) if back else 0.0)
        return frame

    @cached_property
    def _axis(self) -> tuple[Vector, Vector, Vector]:
        """Positions s, points `(positions, 3)` [mm] and lean [rad] in the local frame."""
        s = np.linspace(-self.cervix - 5.0, self.body + 5.0, 401)
        part = np.clip(0.5 - s / (2.0 * _BEND), 0.0, 1.0)
        bend = -_FLEXION if self.plan.uterus_version == "anteverted" else _FLEXION
        lean = bend * part * part * (3.0 - 2.0 * part)
        way = np.stack([np.zeros_like(s), -np.sin(lean), np.cos(lean)], axis=1)
        steps = 0.5 * (way[1:] + way[:-1]) * np.diff(s)[:, None]
        points = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
        zero = [np.interp(0.0, s, points[:, k]) for k in range(3)]
        return s, points - zero, lean

    def axes(self, s: float) -> Vector:
        """Columns left, posterior and along the axis at `s` in the world, `(3, 3)`."""
        lean = float(np.interp(s, self._axis[0], self._axis[2]))
        c, d = math.cos(lean), math.sin(lean)
        return self.frame[:3, :3] @ np.array([[1.0, 0.0, 0.0], [0.0, c, -d], [0.0, d, c]])

    def point(self, s: float, left: float = 0.0, back: float = 0.0) -> Vector:
        """World position `(3,)` [mm] at `s` along the axis, `left` and `back` from it [mm]."""
        at = np.array([np.interp(s, self._axis[0], self._axis[1][:, k]) for k in range(3)])
        centre = self.frame[:3, :3] @ at + self.frame[:3, 3]
        return centre + self.axes(s) @ np.array([left, back, 0.0])

    def sweep(self, s: ArrayLike, half: ArrayLike, caps: tuple[float, float]) -> Shape:
        """Sections along the axis.

        Args:
            s: knots `(knots,)` [mm].
            half: half-widths and half-depths there, `(knots, 2)` [mm].
            caps: height of the ends [mm].
        """
        s, half = np.asarray(s, np.float64), np.asarray(half, np.float64)
        fine = np.linspace(s[0], s[-1], _SECTIONS)
        widths = PchipInterpolator(s, half)(fine)
        centres = np.array([self.point(x) for x in fine])
        return sweep(centres, np.array([self.axes(x) for x in fine]), widths, caps)

    @cached_property
    def outline(self) -> Shape:
        """Body and cervix without a fibroid."""
        length, width, depth = self.size
        s = np.array(_PROFILE) * length - self.cervix
        half = 0.5 * np.stack([width * np.array(_WIDTH), depth * np.array(_DEPTH)], axis=1)
        ends = (_PROFILE[0] * length, (1.0 - _PROFILE[-1]) * length)
        return self.sweep(s, half, ends)

    def lining(self, around: float) -> Shape:
        """The endometrium grown by `around` mm; negative shrinks it."""
        top, bottom = _TOP, _BOTTOM
        s = np.array(_CAVITY) * (self.cavity - top - bottom) + bottom
        wide = 0.5 * self.size[1] - _CORNER
        width = wide * np.array(_CAVITY_WIDTH) + around
        depth = 0.5 * self.endometrium * np.array(_CAVITY_DEPTH) + around
        half = np.maximum(np.stack([width, depth], axis=1), 0.3)
        return self.sweep(s, half, (max(0.5, bottom + around), max(0.5, top + around)))

    def midline(self) -> Shape:
        """Where both layers of the endometrium meet; it stays inside the innermost layer."""
        s = np.array(_CAVITY[1:]) * (self.cavity - 7.5) + 2.2
        wide = np.array(_CAVITY_WIDTH[1:]) * (0.5 * self.size[1] - _CORNER)
        width = np.maximum(wide - 2.3 * _BORDER, 0.6)
        half = np.stack([width, np.full(len(s), 0.5 * _MIDLINE)], axis=1)
        return self.sweep(s, half, (0.5, 0.5))

    def canal(self, half: tuple[float, float], short: float, end: float) -> Shape:
        """Around the cervical canal.

        Args:
            half: half-width and half-depth [mm].
            short: distance from the external os [mm].
            end: where it ends, s [mm].
        """
        s = np.linspace(short + 1.0 - self.cervix, end - 1.0, 5)
        return self.sweep(s, np.tile(half, (5, 1)), (1.0, 1.0))

    @cached_property
    def fibroid(self) -> Shape | None:
        """In the wall of the body that looks up into the abdomen, beside the cavity.

        Raises:
            InputError: the pelvis has no room for it.
        """
        radius = 0.5 * self.plan.finding("fibroid")
        if not radius:
            return None
        up = 1.0 if self.plan.uterus_version == "anteverted" else -1.0
        away = 0.5 * self.endometrium + _JUNCTIONAL + 1.0 + radius
        along, back = self.axes(self.body)[:, 2], up * self.axes(self.body)[:, 1]
        centres = np.array(
            [
                self.point(share * self.body, 0.15 * radius)
                + away * (math.cos(angle) * back + math.sin(angle) * along)
                for share in _FIBROID_LEVELS
                for angle in np.radians(_FIBROID_ANGLES)
            ]
        )
        room = distance(bone_shape(self.plan.mother), centres) - 2.0 * _RIM
        free = room > radius
        if not free.any():
            raise InputError(
                f"findings: fibroid: expected one for which this pelvis has room, at most "
                f"{math.floor(2.0 * room.max())} mm, got {2.0 * radius:g}"
            )
        beyond = np.maximum(distance(base_cavity(), centres) + radius, 0.0)
        return sphere(centres[int(np.argmin(np.where(free, beyond, np.inf)))], radius)

    @cached_property
    def shape(self) -> Shape:
        """The whole organ with what grows in it."""
        if self.fibroid is None:
            return self.outline
        return union(self.outline, self.fibroid.offset(_RIM), blend=_RISE)

    @cached_property
    def external_os(self) -> Vector:
        """Lower end of the cervix, `(3,)` [mm]."""
        return self.point(-self.cervix)

    @cached_property
    def fundus(self) -> Vector:
        """Upper end of the body, `(3,)` [mm]."""
        return self.point(self.body)


def uterus_parts(uterus: Uterus) -> tuple[Part, ...]:
    """Body and cervix, in painter's order; `uterus_linings` holds what lies in them."""
    below = half_space(uterus.point(0.0), uterus.axes(0.0)[:, 2])
    parts = [
        Part("myometrium", uterus.shape),
        Part("cervix", uterus.outline & below),
        Part("cervical_mucosa", uterus.canal(_MUCOSA, 1.0, 2.0)),
        Part("junctional_zone", uterus.lining(_JUNCTIONAL)),
    ]
    if uterus.fibroid is not None:
        parts.append(Part("fibroid", uterus.fibroid))
    return tuple(parts)


def uterus_linings(uterus: Uterus) -> tuple[Group, ...]:
    """Endometrium with its layers, and the canal: thin, so each on a lattice of its own."""
    layers = [Part("endometrium", uterus.lining(0.0), 0.3 * uterus.endometrium)]
    if uterus.plan.phase == "proliferative" and uterus.endometrium >= _LAYERED:
        layers.append(Part("endometrium_functional", uterus.lining(-_BORDER), 0.6))
    if uterus.endometrium >= _LAYERED:
        layers.append(Part("endometrium_midline", uterus.midline(), _MIDLINE))
    top = 2.0 - _BOTTOM - _JUNCTIONAL - 1.5
    canal = Part("cervical_canal", uterus.canal(_CANAL, 2.5, top), 2.0 * _CANAL[1])
    return (
        *Group.layers("junctional_zone", layers, _LINING_FINENESS),
        Group("cervical_canal", "cervical_mucosa", (canal,), _LINING_FINENESS),
    )
