"""`insonate patient`: a patient from parameters to files."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import UseAppendAction, arg

from insonate.cli.lists import table
from insonate.cli.placement import patience
from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.anatomy.patient import Parameters, Patient

__all__ = ["MakePatient"]

Meshes = Literal["ply", "glb", "both", "none"]


def _drawn(metavar: str, hint: str = "drawn from the seed") -> Any:
    """An option that may be left out: what stands for its value, and what happens then."""
    return arg(metavar=metavar, help_behavior_hint=f"({hint})")


@dataclass(frozen=True)
class MakePatient:
    """Make a pregnant patient: meshes, ground truth and a preview.

    What is not given is drawn from the seed. The same words give the same bytes; a patient
    that was built once is kept for the next time. `docs/patient.rst` lists what can be said.
    """

    ga: Annotated[float | None, _drawn("WEEKS", "22")] = None
    """gestational age, 14 to 40 [weeks], days as sevenths."""
    seed: Annotated[int | None, _drawn("N", "7")] = None
    """of everything that is not given."""
    law: Annotated[str | None, _drawn("NAME", "intergrowth")] = None
    """of growth: intergrowth or hadlock."""
    centile: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="MEASURE=P")] = ()
    """of BPD, OFD, HC, AC or FL, 0.1 to 99.9, such as AC=10; HC sets BPD and OFD."""
    fetuses: Annotated[int | None, _drawn("N", "1")] = None
    """one; twins cannot be made yet."""
    presentation: Annotated[str | None, _drawn("NAME")] = None
    """of the fetus: cephalic, breech or transverse."""
    back: Annotated[str | None, _drawn("NAME")] = None
    """of the fetus: left, right, anterior or posterior."""
    flexion: Annotated[float | None, _drawn("SHARE")] = None
    """of the fetus, 0 (extended) to 1 (curled up)."""
    limb_flexion: Annotated[float | None, _drawn("SHARE")] = None
    """of knees and elbows, 0 (stretched) to 1 (folded)."""
    placenta: Annotated[str | None, _drawn("NAME")] = None
    """anterior, posterior, fundal, left, right, low_lying or praevia."""
    afi: Annotated[float | None, _drawn("MM", "by age")] = None
    """amniotic fluid index, 10 to 400 [mm]."""
    contraction: Annotated[float | None, _drawn("SHARE", "0")] = None
    """of the uterine wall, 0 to 1."""
    fat: Annotated[float | None, _drawn("MM")] = None
    """under the mother's skin, 4 to 60 [mm]."""
    rectus: Annotated[float | None, _drawn("MM", "by age")] = None
    """thickness of the mother's rectus muscle, 3 to 15 [mm]."""
    bladder: Annotated[float | None, _drawn("ML")] = None
    """urine in the mother's bladder, 20 to 500 [ml]."""
    finding: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME=DEGREE")] = ()
    """what deviates, such as hydronephrosis=9 [mm]; --list-findings shows all."""
    detail: Annotated[int | None, _drawn("N", "840000")] = None
    """triangles, about; 60 thousand to 3 million."""
    file: Annotated[Path | None, _drawn("FILE", "none")] = None
    """a patient file to start from (.yaml, or patient.json); other options win."""
    out: Path = Path("out/patient")
    """folder for the files."""
    format: Meshes = "ply"
    """of the meshes: ply is a file a region, glb one file (glTF)."""
    preview: bool = True
    """draw preview.png, with the standard planes rendered."""
    list_views: bool = False
    """list her standard planes, with the probe's places, and write nothing."""
    list_findings: bool = False
    """list what findings there are, and write nothing."""

    def run(self) -> None:
        """Make her, write, and say where the files are and how long it took."""
        if self.list_findings:
            print(_list_findings())
            return
        from insonate.anatomy.patient import Patient
        from insonate.sim.quiet import start_engine

        given = self.parameters()
        patient = Patient(**{f.name: getattr(given, f.name) for f in dataclasses.fields(given)})
        if self.list_views:
            start_engine()
            with patience():
                print(_list_views(patient))
            return
        self._write(patient)

    def parameters(self) -> Parameters:
        """What the words say.

        Raises:
            InputError: a parameter outside its range, or words that are none.
        """
        from insonate.anatomy.patient.parameters import Parameters
        from insonate.anatomy.patient.patient_file import read_parameters

        base = read_parameters(self.file) if self.file is not None else Parameters()
        words = {
            "gestational_age": self.ga, "seed": self.seed, "law": self.law,
            "fetuses": self.fetuses, "presentation": self.presentation, "back": self.back,
            "flexion": self.flexion, "limb_flexion": self.limb_flexion, "placenta": self.placenta,
            "amniotic_fluid_index": self.afi, "contraction": self.contraction,
            "fat": self.fat, "rectus": self.rectus, "bladder_volume": self.bladder,
            "detail": self.detail,
        }  # fmt: skip
        changes: dict[str, Any] = {k: word for k, word in words.items() if word is not None}
        for name, option, pairs in (
            ("centiles", "--centile", self.centile),
            ("findings", "--finding", self.finding),
        ):
            changes[name] = {**getattr(base, name), **_pairs(option, pairs)}
        return dataclasses.replace(base, **changes)

    def _write(self, patient: Patient) -> None:
        from insonate.data import make_folder, write_glb, write_plys
        from insonate.data.ground_truth import ground_truth, write_ground_truth
        from insonate.sim.quiet import start_engine

        make_folder(self.out)
        start_engine()
        clock = _Clock()
        with patience():
            scene = clock.time("patient", patient.scene)
        files: list[Path] = []
        if self.format in ("ply", "both"):
            files += clock.time("ply", lambda: write_plys(scene, self.out / "meshes"))
        if self.format in ("glb", "both"):
            files += clock.time("glb", lambda: write_glb(scene, self.out / "patient.glb"))
        if self.preview:
            from insonate.data.patient_figure import write_patient_figure

            path = self.out / "preview.png"
            files += clock.time("preview", lambda: write_patient_figure(patient, path))
        names = [str(path.relative_to(self.out)) for path in files]
        content = ground_truth(patient, scene, names)
        write_ground_truth(content, self.out / "patient.json")
        count = content["triangles"]
        print(f"{patient.name}: {count['fetus']} triangles in the fetus, {count['mother']} around")
        print(f"{self.out}: {', '.join(_short(['patient.json', *names]))}")
        print(clock.report())


class _Clock:
    """How long each step took."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}  # s

    def time(self, name: str, step: Callable[[], Any]) -> Any:
        """Do a step and note its time."""
        begin = time.perf_counter()
        result = step()
        self.steps[name] = time.perf_counter() - begin
        return result

    def report(self) -> str:
        """The steps in a line."""
        return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.steps.items())


def _short(names: Iterable[str]) -> list[str]:
    """File names, those of the meshes counted."""
    names = list(names)
    meshes = [name for name in names if name.startswith("meshes")]
    rest = [name for name in names if name not in meshes]
    return [*rest, f"meshes/ ({len(meshes)} files)"] if meshes else rest


def _pairs(option: str, words: Iterable[str]) -> dict[str, float]:
    """`NAME=NUMBER` words as a table; a later one wins."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            found[name] = float(text)
        except ValueError:
            equals = ""
        if not equals:
            raise InputError(f"{option} {word}: expected NAME=NUMBER")
    return found


def _list_findings() -> str:
    from insonate.anatomy.findings import FINDINGS

    rows = [
        [name, f"{f.low:g} to {f.high:g} {f.unit}", f.about, f.planes[0]]
        for name, f in FINDINGS.items()
    ]
    return table(["finding", "degree", "what it is", "plane"], rows)


def _list_views(patient: Patient) -> str:
    rows = []
    for name in patient.planes:
        view = patient.views.get(name)
        if view is None:
            rows.append([name, "cannot be seen from her skin", "", ""])
        else:
            at = ",".join(f"{value:.0f}" for value in view.at)
            rows.append([name, at, view.probe, f"{view.depth or 0:.0f}"])
    return table(["view", "at [mm]", "probe", "depth [mm]"], rows)
