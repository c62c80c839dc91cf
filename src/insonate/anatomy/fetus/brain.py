"""The fetal cerebrum: hemispheres with their fissures, deep nuclei, midline and its cavum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.hindbrain import Hindbrain
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.skull import Cranium, cavity, shifted
from insonate.anatomy.fetus.ventricles import FILM, Ventricles
from insonate.anatomy.implicit import (
    Part,
    Shape,
    box,
    ellipsoid,
    half_space,
    intersect,
    subtract,
    sweep,
    union,
)
from insonate.geometry import rotation_about

__all__ = ["Brain"]

#: Between the brain's parts and the skull, so that their surfaces never touch [mm].
CLEARANCE = 0.45
#: The cavum, in units of (B, F, B), and its half-height over B (M: 8 mm high at 22 weeks).
CAVUM, CAVUM_HEIGHT = (0.0, -0.36, 0.10), 0.16
#: Its leaflets [mm] (E).
LEAFLET = 0.6
#: Pia with the vessels on it, where it lines a fissure [mm] (E).
PIA = 0.7
#: The window of the falx: cavum, corpus callosum and thalami pass through it.
WINDOW, WINDOW_HALF = (0.0, -0.10, 0.0), (0.52, 0.385)
#: The insula over (F, B), and half its height over B.
INSULA, INSULA_HEIGHT = (-0.10, -0.04), 0.19
#: How far it turns away from the midline at its front [rad] (E).
INSULA_TURN = -0.12
#: The opercula close over the insula: half-length of the opening over F at these weeks (M).
OPENING_WEEKS, OPENING = (16.0, 20.0, 24.0, 30.0), (0.28, 0.25, 0.20, 0.03)
#: How the parieto-occipital fissures turn forwards from the midline [rad] (E).
POF_TURN = 0.35
#: Convexity sulci: angle from the front [degrees], height over B. They appear from 25 weeks (M).
SULCI = ((28, 0.05), (47, 0.25), (66, 0.15), (100, 0.3), (118, 0.05), (136, 0.2), (155, 0.0))
SULCI_FROM, SULCI_GROW, SULCI_DEEPEST = 25.0, 0.7, 8.0

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Brain:
    """What lies within the meninges of a fetus, in its head frame.

    Attributes:
        plan: of the fetus.
    """

    plan: Plan

    @cached_property
    def cranium(self) -> Cranium:
        """The skull around it."""
        return Cranium.of(self.plan)

    @cached_property
    def ventricles(self) -> Ventricles:
        """The lateral ventricles."""
        return Ventricles(self.plan)

    @cached_property
    def hindbrain(self) -> Hindbrain:
        """Cerebellum, brainstem and cisterna magna."""
        return Hindbrain(self.plan)

    @property
    def depth(self) -> float:
        """Of the brain's surface under the outside of the skull [mm]."""
        return self.ventricles.brain_depth

    @cached_property
    def vault(self) -> Shape:
        """The cavity of the skull less a film of fluid."""
        return cavity(self.plan, self.cranium).offset(-CLEARANCE)

    def parts(self) -> tuple[Part, ...]:
        """All of the brain, in painter's order."""
        return (
            self.hindbrain.cistern(self.vault),
            *self._cerebrum(),
            *self._deep(),
            *self.hindbrain.stem(self.vault),
            *self.ventricles.parts(),
            *self._septum(),
            *self._falx(),
            *self.hindbrain.parts(self.vault),
        )

    def plexus_parts(self) -> tuple[Part, ...]:
        """The choroid plexus inside the ventricles, clear of what is painted over them."""
        over = [*self._septum(), *self._falx()]
        taken = union(*(part.shape for part in over)).offset(FILM)
        parts = self.ventricles.plexus_parts()
        return tuple(replace(part, shape=part.shape - taken) for part in parts)

    @property
    def falx_width(self) -> float:
        """Thickness of the falx [mm]."""
        return self.plan.sizes["falx_width"]

    def _cerebrum(self) -> tuple[Part, ...]:
        hull = intersect(self.cranium.surface(self.depth), self.vault, blend=1.0)
        notches = [self._sylvian(side) for side in (1.0, -1.0)]
        brain = subtract(hull, self.hindbrain.fossa(), blend=1.5)
        brain = subtract(brain, *notches, blend=1.2)
        lining = union(*(self._insula(side) for side in (1.0, -1.0)), *self._fissures())
        return Part("fetal_brain", brain), Part("fetal_sulci", intersect(lining, brain), PIA)

    def _sylvian(self, side: float) -> Shape:
        """The fissure as a trough that is open to the outside, down to the insula."""
        plan = self.plan
        half = float(np.interp(plan.sizes.weeks, OPENING_WEEKS, OPENING))
        half = max(half * plan.sizes.half_length, 0.7)
        deep = max(plan.sizes["sylvian_fissure_depth"], 0.6)
        half_sides = (deep, half, max(INSULA_HEIGHT * plan.sizes.half_width, 0.7))
        turn = rotation_about((0, 0, 1), side * (INSULA_TURN + 0.1 * plan.vary("insula")))
        trough = box(self._opercula(side), half_sides, turn, 0.6 * min(half_sides))
        return trough.rippled(0.02 * half, 0.8 * half, 2.0 * plan.vary(f"insula_{side:+.0f}"))

    def _opercula(self, side: float) -> Vector:
        """Where the brain's surface would be over the insula, `(3,)` [mm]."""
        _, y, z = self.plan.in_head(0.0, *INSULA)
        return np.array([side * self.cranium.width_at(y, z, self.depth), y, z])

    def _insula(self, side: float) -> Shape:
        """Pia in the depth of the fissure."""
        deep = 0.75 * self.plan.sizes["sylvian_fissure_depth"]
        medial = half_space(shifted(self._opercula(side), -side * deep, 0, 0), (side, 0, 0))
        return intersect(self._sylvian(side).offset(PIA), medial)

    def _fissures(self) -> list[Shape]:
        """Parieto-occipital fissures at the midline; later in gestation, convexity sulci."""
        plan = self.plan
        deep = max(plan.sizes["parieto_occipital_fissure_depth"], 0.5) + 0.5 * self.falx_width
        half = (deep, 0.5 * PIA, 0.20 * plan.sizes.half_width)
        at = plan.in_head(0.0, 0.58, 0.30)
        plates = [box(at, half, rotation_about((0, 0, 1), side * POF_TURN)) for side in (1, -1)]
        grown = SULCI_GROW * (plan.sizes.weeks - SULCI_FROM)
        if grown > 0.0:
            plates += [
                self._sulcus(side, angle, z, min(grown, SULCI_DEEPEST))
                for side in (1.0, -1.0)
                for angle, z in SULCI
            ]
        return plates

    def _sulcus(self, side: float, angle: float, z: float, deep: float) -> Shape:
        """A plate from the surface inwards, turned a little by what is this fetus' own."""
        turn = np.radians(angle + 4.0 * self.plan.vary(f"sulcus_{angle:.0f}_{side:+.0f}"))
        out = np.array([side * np.sin(turn), -np.cos(turn), 0.0])
        a, b, c = self.cranium.radii(self.depth)
        height = z * self.plan.sizes.half_width
        ring = np.sqrt(1.0 - (height / c) ** 2)
        at = out * ring / shifted(np.hypot(out[0] / a, out[1] / b), 0.0, 0.0, height)
        axes = np.stack([out, np.cross([0.0, 0.0, 1.0], out), [0.0, 0.0, 1.0]], axis=1)
        return box(at, (deep, 0.5 * PIA, 0.30 * self.plan.sizes.half_width), axes)

    def _deep(self) -> tuple[Part, ...]:
        """Thalami and the third ventricle between them."""
        plan = self.plan
        width, length = plan.sizes["thalamus_width"], plan.sizes["thalamus_length"]
        slit = plan.sizes["third_ventricle_width"]
        half = (0.5 * width, 0.5 * length, 0.5 * width)
        middle = plan.in_head(0.0, 0.03, 0.0)
        lobes = [
            ellipsoid(shifted(middle, side * 0.5 * (width + slit), 0.0, 0.0), half)
            for side in (1.0, -1.0)
        ]
        b = plan.sizes.half_width
        third = box(middle, (0.5 * slit, 0.42 * length, 0.15 * b), rounding=0.45 * slit)
        return (
            Part("fetal_thalamus", union(*lobes)),
            Part("fetal_third_ventricle", third, slit),
        )

    def _septum(self) -> tuple[Part, ...]:
        """The cavum between its leaflets, and the corpus callosum over it; from 16 weeks."""
        plan = self.plan
        width, length = plan.sizes["csp_width"], plan.sizes["csp_length"]
        if width <= 0.0:
            return ()
        height = CAVUM_HEIGHT * plan.sizes.half_width
        at, half = plan.in_head(*CAVUM), np.array([0.5 * width, 0.5 * length, height])
        fluid = box(at, half, rounding=0.4 * width)
        leaflets = box(at, half + np.array([LEAFLET, -0.12 * length, -0.05 * height]), rounding=0.3)
        return (
            Part("fetal_corpus_callosum", self._callosum(), self._callosum_size[1]),
            Part("fetal_cavum_wall", leaflets, LEAFLET),
            Part("fetal_cavum", fluid),
        )

    @property
    def _callosum_size(self) -> tuple[float, float]:
        sizes = self.plan.sizes
        return sizes["corpus_callosum_width"], sizes["corpus_callosum_thickness"]

    def _callosum(self) -> Shape:
        """An arc from the genu over the cavum to the splenium, as long as measured."""
        width, thick = self._callosum_size
        half = 0.5 * (self.plan.sizes["corpus_callosum_length"] - thick)
        middle = self.plan.in_head(0.0, -0.20, 0.20)
        angle = np.radians(np.linspace(-30.0, 195.0, 25))
        rise = 0.17 * self.plan.sizes.half_width
        centres = np.stack([0 * angle, -half * np.cos(angle), rise * np.sin(angle)], axis=1)
        way = np.gradient(centres, axis=0)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        across = np.broadcast_to([1.0, 0.0, 0.0], way.shape)
        frames = np.stack([across, np.cross(way, across), way], axis=2)
        sections = np.full((len(angle), 2), (0.5 * width, 0.5 * thick))
        return sweep(middle + centres, frames, sections, (0.5 * thick, 0.5 * thick))

    def _falx(self) -> tuple[Part, ...]:
        """A sickle in the midline, open where the hemispheres are joined."""
        plan, width = self.plan, self.falx_width
        b, f = plan.sizes.half_width, plan.sizes.half_length
        plate = box((0.0, 0.0, 0.4 * b), (0.5 * width, f, 0.55 * b))
        window = ellipsoid(plan.in_head(*WINDOW), (b, WINDOW_HALF[0] * f, WINDOW_HALF[1] * b))
        above = half_space(plan.in_head(0.0, 0.0, self.hindbrain.tentorium), (0.0, 0.0, -1.0))
        return (Part("fetal_falx", subtract(intersect(plate, self.vault, above), window), width),)
