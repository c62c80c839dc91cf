"""A pregnant patient from parameters: surfaces, tissues, and all that is known about her."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit.mesh import Surfaces, region_tissues
from insonate.anatomy.patient.build import TISSUES
from insonate.anatomy.patient.motion import MOTION_OPTIONS, Motion
from insonate.anatomy.patient.parameters import Parameters
from insonate.anatomy.patient.record import Record, load_record
from insonate.anatomy.planes import Plane
from insonate.anatomy.scene_spec import View
from insonate.errors import InputError, closest
from insonate.scene import Scene

__all__ = ["Patient"]


@dataclass(frozen=True)
class Patient(Parameters):
    """A pregnant patient with her fetus, 14 to 40 weeks.

    Parameters are those of `Parameters`; what is not given is drawn from the seed. She is built
    when something of her is asked for first, and kept in the user's cache folder.

        patient = Patient(gestational_age=28, findings={"hydronephrosis": 9})
        simulator = Simulator(patient.scene(), load_probe("c5_2v"))
        simulator.frame(patient.views["four_chamber"].pose())

    Raises:
        InputError: a parameter outside its range; the message states the range.
    """

    @cached_property
    def _record(self) -> Record:
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(Parameters)}
        return load_record(Parameters(**given))

    @property
    def parameters(self) -> Parameters:
        """All parameters, those that were drawn filled in."""
        return self._record.parameters

    @property
    def surfaces(self) -> Surfaces:
        """Triangles, and where those of every part are."""
        return self._record.surfaces

    def scene(self) -> Scene:
        """Triangles with tissues, for the simulator."""
        return self.surfaces.scene(region_tissues(self._tissues()), name=self.name)

    def motion(self, **options: float) -> Motion:
        """Her movement: the fetal heart, breathing of both, limbs, a probe that presses.

        Args:
            options: those of `Motion`, such as `heart_rate`.

        Raises:
            InputError: an option that there is not, or a value outside its range.
        """
        unknown = set(options) - set(MOTION_OPTIONS)
        if unknown:
            raise InputError(
                f"motion: unknown '{min(unknown)}'; {closest(min(unknown), MOTION_OPTIONS)}"
            )
        return Motion(self._record, **options)  # type: ignore[arg-type]

    def _tissues(self) -> dict[str, str | Mapping[str, object]]:
        return {region: TISSUES[region] for region in self.surfaces.regions}

    @property
    def name(self) -> str:
        """Age and seed in short."""
        return f"patient_{self.gestational_age:g}w_{self.seed}"

    @property
    def planes(self) -> Mapping[str, Plane]:
        """Standard planes in the world, by name."""
        return self._record.planes

    @property
    def views(self) -> Mapping[str, View]:
        """A place of the probe for every standard plane that can be seen from the skin."""
        return self._record.views

    @property
    def landmarks(self) -> Mapping[str, NDArray[np.float64]]:
        """Points `(3,)` in the world [mm], by name."""
        return self._record.landmarks

    @property
    def truth(self) -> Mapping[str, float]:
        """True values of what is measured, by name [mm], volumes in ml."""
        return self._record.truth
