"""`insonate render`: a scene, a probe and poses to files."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from tyro.conf import UseAppendAction, arg

from insonate.cli.look import load_look, looked
from insonate.cli.placement import Placement, anterior_pose
from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.probe import Probe
    from insonate.scene import Scene
    from insonate.sim import Frame, Settings, Simulator

__all__ = ["Render"]

#: Frames in a second of a film, and the longest film [s].
RATE, LONGEST = 25.0, 60.0

Format = Literal["png", "figure", "mha", "nifti", "dicom"]


@dataclass(frozen=True)
class Render(Placement):
    """Render B-mode images with labels, attenuation, shadow and mask.

    The probe is put by --at and --aim, by a file of poses or by a view of the scene; without
    any, by the scene's first view, or else in the middle of its front. Many poses make a sweep.
    """

    quality: Literal["fast", "fine", "scanner"] = "fast"
    """fast: 1 ray a scanline; fine: 32 rays in each of 3 elevation layers; scanner: five looks
    compounded, with the haze, the clutter and the gray map of a scanner."""
    even_tgc: bool = False
    """set the TGC sliders from a first image, so that tissue is evenly bright over depth."""
    seed: int = 1
    """of scatterers, rays and noise."""
    film: Annotated[float | None, arg(metavar="SECONDS", help_behavior_hint="")] = None
    """of a patient who lives, 25 frames a second: heartbeat, breath and limbs; the probe rests."""
    passes: int = 1
    """bundles of rays to accumulate for each image, as for a probe that rests."""
    set: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME=VALUE")] = ()
    """change a setting: rays=8, display.gain=3 [dB], probe.steering=10 [degrees]."""
    out: Path = Path("out")
    """folder for the files."""
    format: tuple[Format, ...] = ("png", "figure")
    """kinds of file."""
    look: Annotated[Literal["enhanced", "realistic"] | None, arg(help_behavior_hint="")] = None
    """have every image translated by a network as well: enhanced as slower rendering would, or
    realistic like images of a scanner; not for diagnosis."""
    weights: Annotated[Path | None, arg(metavar="RUN", help_behavior_hint="")] = None
    """of the look: folder of a run, or what `insonate pack` or `export-onnx` wrote; those that
    ship."""
    device: str = "cpu"
    """cpu, cuda or cuda:1."""

    def run(self) -> None:
        """Render, write, and say where the files are."""
        from insonate.cli.overrides import override
        from insonate.data import make_folder, write_frames
        from insonate.sim import Settings
        from insonate.sim.quiet import start_engine

        view = self.chosen_view()
        poses, probe = self.poses(view), self.chosen_probe(view)
        settings, probe = override(Settings.preset(self.quality), probe, self.set)
        if self.passes < 1:
            raise InputError(f"--passes: expected at least 1, got {self.passes}")
        self._check_film(len(poses))
        look = load_look(self.look, self.weights, self.device, settings.display.rows)
        make_folder(self.out)
        start_engine(self.device)
        scene = self.load_scene()
        poses = poses or [anterior_pose(scene)]
        if self.film is not None:
            poses = poses * max(round(self.film * RATE), 1)
        frames = self._frames(scene, probe, settings, poses)
        clock = Clock(frames if look is None else looked(frames, look), len(poses))
        notes = {"scene": scene.name, "settings": dataclasses.asdict(settings)}
        notes |= {"quality": self.quality, "passes": self.passes}
        sweep = len(poses) > 1
        looks = {} if look is None else {look.about.look: look.about.words()}
        paths = write_frames(clock, self.out, self.format, sweep=sweep, notes=notes, looks=looks)
        print(f"{self.out}: {', '.join(str(path.relative_to(self.out)) for path in paths)}")
        print(clock.report())

    def _frames(
        self, scene: Scene, probe: Probe, settings: Settings, poses: Sequence[NDArray[np.float64]]
    ) -> Iterator[Frame]:
        """A frame a pose; a patient's skin yields to the probe, at each pose anew."""
        from insonate.anatomy import is_patient, press
        from insonate.sim import Simulator

        if not is_patient(self.scene):
            simulator = Simulator(scene, probe, settings, device=self.device)
            self._set_tgc(simulator, poses[0])
            yield from simulator.frames(poses, self.seed, self.passes)
            return
        if self.film is not None:
            yield from self._living(scene, probe, settings, poses)
            return
        for shot, pose in enumerate(poses):
            pressed = press(scene, probe, pose)
            simulator = Simulator(pressed, probe, settings, device=self.device)
            self._set_tgc(simulator, pose)
            settings = simulator.settings
            yield simulator.frame(pose, self.seed, self.passes, shot)

    def _set_tgc(self, simulator: Simulator, pose: NDArray[np.float64]) -> None:
        """Set the sliders at a pose, if that is asked for and not done yet."""
        if self.even_tgc and not any(simulator.settings.display.tgc):
            simulator.even_tgc(pose, self.seed)

    def _living(
        self, scene: Scene, probe: Probe, settings: Settings, poses: Sequence[NDArray[np.float64]]
    ) -> Iterator[Frame]:
        """A frame a moment of a patient's life; the triangles stay, their corners move."""
        from insonate.anatomy import in_air
        from insonate.anatomy.patient.patient_file import load_patient
        from insonate.sim import Simulator

        motion = load_patient(self.scene).motion()
        simulator = Simulator(in_air(scene), probe, settings, device=self.device)
        for shot, pose in enumerate(poses):
            simulator.set_vertices(motion.vertices(shot / RATE, probe, pose))
            self._set_tgc(simulator, pose)
            yield simulator.frame(pose, self.seed, self.passes, shot)

    def _check_film(self, poses: int) -> None:
        """Refuse a film of what does not live, of many poses, or without an end."""
        from insonate.anatomy import is_patient

        if self.film is None:
            return
        if not is_patient(self.scene):
            raise InputError(f"--film: '{self.scene}' is not a patient; nothing in it moves")
        if poses > 1:
            raise InputError(f"--film: expected one pose of the probe, got {poses}")
        if not 0.0 < self.film <= LONGEST:
            raise InputError(f"--film: expected up to {LONGEST:g} s, got {self.film:g}")


class Clock:
    """Frames with their rendering timed and, if there are many, a progress bar."""

    def __init__(self, frames: Iterable[Frame], count: int):
        self.frames, self.count = frames, count
        self.times: list[float] = []  # ms

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; a bar is shown only where a person can see it."""
        from tqdm import tqdm

        with tqdm(total=self.count, unit="frame", disable=True if self.count < 2 else None) as bar:
            begin = time.perf_counter()
            for frame in self.frames:
                self.times.append((time.perf_counter() - begin) * 1e3)
                yield frame
                bar.update()
                begin = time.perf_counter()

    def report(self) -> str:
        """How long frames took; the first one also loads the kernels."""
        first, *later = self.times
        if not later:
            return f"1 frame in {first:.0f} ms, start-up included"
        return (
            f"{len(self.times)} frames, {statistics.median(later):.1f} ms per frame "
            f"(the first {first:.0f} ms, start-up included)"
        )
