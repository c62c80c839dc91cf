"""A frame of a dataset by its number: drawn, rendered, judged, and packed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import to_plain
from insonate.data.rendering.distribution import Distribution, draw_of
from insonate.data.rendering.holding import Hold, hold
from insonate.data.rendering.pixels import Pixels
from insonate.data.rendering.recipe import DatasetRecipe
from insonate.data.rendering.subjects import Subject, classes_of, make_subject, planes_of
from insonate.errors import InputError, closest
from insonate.imaging import Display
from insonate.probe import Probe, load_probe
from insonate.sim import Frame, Settings, Simulator
from insonate.sim.frame import SHADOW

__all__ = ["FrameRenderer", "NoImageError", "changed_probe"]

#: How much longer a frame is drawn again while not one try gave an image.
PATIENCE = 8
_DEGREES = ("field_of_view", "steering")


class NoImageError(InputError):
    """No try at a frame gave an image."""


@dataclass(frozen=True)
class _Setup:
    """All that is drawn for one try at a frame."""

    held: Hold
    probe: Probe
    settings: Settings
    seed: int
    attempt: int


@dataclass(frozen=True)
class _Glance:
    """A try as the fast engine sees it; it shows what the fine image will."""

    setup: _Setup
    frame: Frame
    vertices: NDArray[np.float32]
    shortfall: float


class FrameRenderer:
    """Renders frames of a recipe by number; a frame depends on its number alone.

    Args:
        recipe: of the dataset.
        device: "cpu", "cuda" or "cuda:1".
        threads: on the CPU; all cores when None. Frames do not depend on it.

    Raises:
        InputError: the recipe names what there is not.
    """

    def __init__(self, recipe: DatasetRecipe, device: str = "cpu", threads: int | None = None):
        self.recipe, self.device, self.threads = recipe, device, threads
        self.classes = classes_of(recipe)
        self.planes = planes_of(recipe)
        self._subject: Subject | None = None
        self._simulator: Simulator | None = None
        self._vertices: NDArray[np.float32] | None = None  # that the simulator has

    def sample(self, frame: int) -> dict[str, Any]:
        """A frame, as `insonate.data.dataset.Writer` takes it.

        Raises:
            NoImageError: no try gave an image; names the frame and the last reason.
            InputError: the recipe asks for what there is not.
        """
        subject = self._examine(frame // self.recipe.subjects.frames)
        best: _Glance | None = None
        problem = ""
        for attempt in range(PATIENCE * self.recipe.reject.attempts):
            if best is not None and attempt >= self.recipe.reject.attempts:
                break
            setup = self._draw(subject, frame, attempt)
            try:
                glance = self._glance(subject, setup)
            except InputError as error:  # such as a probe in bone
                problem = str(error)
                continue
            if best is None or glance.shortfall < best.shortfall:
                best = glance
            if glance.shortfall == 0.0:
                break
        if best is None:
            raise NoImageError(f"frame {frame}: no try gave an image; the last: {problem}")
        return self._pack(subject, frame, best)

    def _examine(self, number: int) -> Subject:
        """The subject of a number; the last one is kept."""
        if self._subject is None or self._subject.number != number:
            self._simulator = self._vertices = None
            self._subject = make_subject(self.recipe, number)
        return self._subject

    def _draw(self, subject: Subject, frame: int, attempt: int) -> _Setup:
        recipe, sweep = self.recipe, self.recipe.poses.sweep
        number = frame if sweep is None else frame // sweep.frames
        draw = draw_of(recipe.seed, "frame", number, attempt)
        held = hold(recipe, self.planes, subject, frame, attempt)

        def drawn(group: str, given: Mapping[str, Distribution]) -> dict[str, Any]:
            return {name: value.draw(draw, f"{group} {name}") for name, value in given.items()}

        probe = drawn("probe", recipe.probe)
        settings = drawn("settings", recipe.settings)
        chosen = Settings.preset(recipe.quality)
        display = dataclasses.replace(
            chosen.display, **_known(Display, "display", drawn("display", recipe.display)),
            rows=recipe.image.rows * recipe.image.oversample,
        )  # fmt: skip
        return _Setup(
            held=held,
            probe=changed_probe(probe, held.view.load_probe()),
            settings=chosen.replace(display=display, **settings),
            seed=draw.seed,
            attempt=attempt,
        )

    def _engine(
        self,
        subject: Subject,
        setup: _Setup,
        settings: Settings,
        vertices: NDArray[np.float32],
    ) -> Simulator:
        """The subject's simulator, set and with its vertices moved, if they are not there yet."""
        if self._simulator is None:
            self._simulator = Simulator(
                subject.scene, setup.probe, settings, self.device, self.threads
            )
        else:
            self._simulator.configure(setup.probe, settings)
        if subject.pressed and self._vertices is not vertices:
            self._simulator.set_vertices(vertices)
            self._vertices = vertices
        return self._simulator

    def _glance(self, subject: Subject, setup: _Setup) -> _Glance:
        pose, settings = setup.held.pose, setup.settings
        if self.recipe.quality != "fast":
            settings = Settings.fast(display=settings.display)
        vertices = subject.vertices(setup.probe, pose)
        engine = self._engine(subject, setup, settings, vertices)
        if self.recipe.even_tgc:
            engine.even_tgc(pose, setup.seed)
            chosen = setup.settings.replace(display=engine.settings.display)
            setup = dataclasses.replace(setup, settings=chosen)
        frame = engine.frame(pose, setup.seed)
        return _Glance(setup, frame, vertices, self._shortfall(frame))

    def _shortfall(self, frame: Frame) -> float:
        """How much is missing of what the recipe asks to be seen, 0 when nothing is."""
        reject = self.recipe.reject
        fan = max(int(frame.mask.sum()), 1)
        lit = float((frame.mask & (frame.shadow < SHADOW)).sum()) / fan
        missing = [reject.lit - lit]
        for pattern, share in reject.content.items():
            labels = [k for k, name in enumerate(frame.region_names) if fnmatchcase(name, pattern)]
            seen = float((np.isin(frame.labels, labels) & frame.mask).sum()) / fan
            missing.append(share - seen)
        return max(0.0, *missing)

    def _pack(self, subject: Subject, frame: int, glance: _Glance) -> dict[str, Any]:
        setup, fine = glance.setup, self._fine(subject, glance)
        pixels = Pixels(self.recipe.image, fine)
        table = self.classes.lookup(fine.region_names)
        sample: dict[str, Any] = {
            "bmode": pixels.averaged(fine.bmode),
            "bmode_fast": pixels.averaged(glance.frame.bmode),
            "labels": pixels.sampled(table[fine.labels] * fine.mask.astype(np.uint8)),
            "attenuation": pixels.averaged(fine.attenuation),
            "shadow": pixels.averaged(fine.shadow),
            "mask": pixels.mask,
        }
        sample = {name: sample[name] for name in self.recipe.image.arrays}
        if self.recipe.image.landmarks:
            sample["landmarks"] = self._landmarks(subject, pixels, glance.vertices)
        return sample | {
            "pose": setup.held.pose,
            "spacing": (pixels.spacing, pixels.spacing),
            "origin": pixels.origin,
            "patient": subject.number,
            "sequence": self._sequence(frame),
            "plane": self.planes.index(setup.held.plane) if setup.held.plane else -1,
            "split": self.recipe.split_of(subject.number),
            "seed": setup.seed,
            "metadata": self._metadata(subject, glance),
        }

    def _fine(self, subject: Subject, glance: _Glance) -> Frame:
        """The image of the recipe's quality, with the same scatterers as the glance."""
        if self.recipe.quality == "fast":
            return glance.frame
        engine = self._engine(subject, glance.setup, glance.setup.settings, glance.vertices)
        return engine.frame(glance.setup.held.pose, glance.setup.seed)

    def _landmarks(
        self, subject: Subject, pixels: Pixels, vertices: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Column and row of each landmark near the plane, NaN for the others."""
        image = self.recipe.image
        found = np.full((len(image.landmarks), 2), np.nan, np.float32)
        world, to_probe = subject.pressed_landmarks(vertices), np.linalg.inv(pixels.frame.pose)
        for k, name in enumerate(image.landmarks):
            if name in world:
                x, y, z = (to_probe @ [*world[name], 1.0])[:3]
                at = pixels.position(x, z)
                if at is not None and abs(y) <= image.slack:
                    found[k] = at
        return found

    def _sequence(self, frame: int) -> int:
        sweep = self.recipe.poses.sweep
        return -1 if sweep is None else frame // sweep.frames

    def _metadata(self, subject: Subject, glance: _Glance) -> dict[str, Any]:
        setup = glance.setup
        return {
            "subject": {"kind": self.recipe.subjects.kind, **subject.parameters},
            "plane": setup.held.plane,
            "attempt": setup.attempt,
            "accepted": glance.shortfall == 0.0,
            "probe": to_plain(setup.probe),
            "display": to_plain(setup.settings.display),
        }


def changed_probe(changes: Mapping[str, Any], own: Probe | None = None) -> Probe:
    """A preset, or `own`, with a recipe's changes.

    Raises:
        InputError: no such preset or field, or a probe that cannot exist.
    """
    rest = {name: value for name, value in changes.items() if name != "preset"}
    probe = load_probe(changes["preset"]) if "preset" in changes or own is None else own
    radians = {name: math.radians(rest[name]) for name in _DEGREES if name in rest}
    return probe.replace(**_known(Probe, "probe", rest | radians))


def _known(of: type, group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in dataclasses.fields(of)}
    for name in given:
        if name not in names:
            raise InputError(f"{group}: unknown '{name}'; {closest(name, names)}")
    return dict(given)
