"""Hands and feet: palms, soles, fingers, toes, and the small bones that have ossified.

They are skin around flesh around bone, all inside the region of the skin: fat and core of the
limbs end at wrist and ankle. Lengths are shares of the hand or foot (all E).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.joints import Limb, Segment
from insonate.anatomy.implicit import Shape, capsule, sphere, union

__all__ = ["Digits", "digit_capsules", "small_bones"]

#: Fingers, index to little: lateral place, distance of the knuckle, length beyond it.
_FINGERS = (
    (+0.155, 0.47, 0.44),
    (+0.052, 0.49, 0.51),
    (-0.052, 0.46, 0.48),
    (-0.150, 0.42, 0.40),
)
_PHALANGES = (0.46, 0.31, 0.23)
_FINGER_RADIUS = (0.055, 0.042)
_PALM_RADIUS = (0.10, 0.085)
_FANNED = 0.5
#: Every joint of a finger bends by this in rest [rad]: 40 degrees; the thumb by half.
_CURL = 0.70
#: The thumb: lateral, palmar, distal; of its base, joint, tip.
_THUMB = ((0.12, 0.04, 0.12), (0.24, 0.10, 0.30), (0.25, 0.14, 0.45), (0.20, 0.17, 0.56))
_THUMB_RADIUS = 0.058
#: Toes, first to fifth: lateral place of the joint, its distance from the heel, tip, radius.
_TOES = (
    (-0.125, 0.72, 1.00, 0.058),
    (-0.045, 0.75, 0.97, 0.040),
    (+0.030, 0.72, 0.93, 0.038),
    (+0.098, 0.68, 0.88, 0.036),
    (+0.155, 0.63, 0.82, 0.036),
)
_HEEL = (0.115, 0.115)
_SOLE_RADIUS = 0.075
_INSTEP_RADIUS = 0.105
#: Bones over the radius of what they lie in.
_PHALANX_SHARE, _METACARPAL_SHARE = 0.36, 0.34
_HEEL_BONE = 0.50

Vector = NDArray[np.float64]
Capsule = tuple[Vector, Vector, float, float]


@dataclass(frozen=True)
class Digits:
    """A hand or foot as round cones (start, end, radius, end radius) [mm].

    Attributes:
        palm: palm and thumb's ball, or heel, sole and instep.
        digits: phalanges of all fingers, or the toes.
        long: axes of metacarpals or metatarsals, which lie in the palm.
    """

    palm: tuple[Capsule, ...]
    digits: tuple[Capsule, ...]
    long: tuple[Capsule, ...]


def digit_capsules(limb: Limb) -> Digits:
    """The round cones of a limb's hand or foot."""
    return _hand(limb.tip) if limb.kind == "arm" else _foot(limb.tip)


def _hand(hand: Segment) -> Digits:
    size = float(np.linalg.norm(hand.end - hand.start))
    palm, fingers, long = [], [], []
    for lateral, far, length in _FINGERS:
        base = hand.point(0.06, 0.55 * lateral * size)
        knuckle = hand.point(far, lateral * size)
        palm.append((base, knuckle, _PALM_RADIUS[0] * size, _PALM_RADIUS[1] * size))
        root = hand.point(0.15, 0.65 * lateral * size)
        long.append((root, knuckle, _PALM_RADIUS[1] * size, _PALM_RADIUS[1] * size))
        fingers += _finger(hand, knuckle, lateral, length * size, size)
    thumb = [hand.point(z, x * size, y * size) for x, y, z in _THUMB]
    r = _THUMB_RADIUS * size
    palm.append((thumb[0], thumb[1], 1.3 * r, 1.1 * r))
    fingers += [(thumb[1], thumb[2], r, r), (thumb[2], thumb[3], r, 0.9 * r)]
    return Digits(tuple(palm), tuple(fingers), tuple(long))


def _finger(
    hand: Segment, knuckle: Vector, lateral: float, length: float, size: float
) -> list[Capsule]:
    """Three phalanges that curl towards the palm."""
    found, at = [], knuckle
    radii = np.linspace(*_FINGER_RADIUS, 4) * size
    for k, share in enumerate(_PHALANGES):
        bent = (k + 1) * _CURL
        way = np.array([_FANNED * lateral, np.sin(bent), np.cos(bent)])
        end = at + hand.frame @ (way / np.linalg.norm(way)) * (share * length)
        found.append((at, end, float(radii[k]), float(radii[k + 1])))
        at = end
    return found


def _foot(foot: Segment) -> Digits:
    size = float(np.linalg.norm(foot.end - foot.start))
    along, heel = _HEEL
    r = _SOLE_RADIUS * size
    palm = [(foot.point(along), foot.point(0.30), heel * size, 0.105 * size)]
    toes, long = [], []
    for lateral, far, tip, radius in _TOES:
        base, joint = foot.point(0.34, 0.6 * lateral * size), foot.point(far, lateral * size)
        palm.append((base, joint, 1.1 * r, r))
        long.append((foot.point(0.42, 0.7 * lateral * size), joint, r, r))
        end = foot.point(tip - radius, lateral * size, -0.2 * r)
        toes.append((joint, end, radius * size, radius * size))
    instep = _INSTEP_RADIUS * size
    palm.append((foot.point(0.25, 0.0, 0.08 * size), foot.point(0.55, -0.02 * size), instep, r))
    return Digits(tuple(palm), tuple(toes), tuple(long))


def small_bones(limb: Limb) -> tuple[Shape, float]:
    """Bones of a hand or foot, and the diameter of the thinnest [mm]."""
    rows = digit_capsules(limb)
    bones = [_shaft(row, _METACARPAL_SHARE, 0.14) for row in rows.long]
    bones += [_shaft(row, _PHALANX_SHARE, 0.16) for row in rows.digits]
    thinnest = 2.0 * min(_PHALANX_SHARE * row[3] for row in rows.digits)
    if limb.kind == "leg":
        foot = limb.tip
        size = float(np.linalg.norm(foot.end - foot.start))
        bones.append(sphere(foot.point(_HEEL[0] + 0.01), _HEEL_BONE * _HEEL[1] * size))
    return union(*bones), thinnest


def _shaft(row: Capsule, share: float, gap: float) -> Shape:
    """The ossified middle of a round cone: thinner, and cartilage is left at its ends."""
    start, end, radius, end_radius = row
    way = end - start
    return capsule(start + gap * way, end - gap * way, share * radius, share * end_radius)
