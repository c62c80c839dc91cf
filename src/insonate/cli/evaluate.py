"""`insonate evaluate` and `insonate compare`: runs measured, and shown side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from insonate.cli.needs import need
from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.evaluation import Evaluation, EvaluationSettings, Machine

__all__ = ["Compare", "Evaluate"]

Runs = Positional[Annotated[tuple[Path, ...], arg(metavar="RUN", help_behavior_hint="")]]
Data = Annotated[str | None, arg(metavar="DATA", help_behavior_hint="")]
Names = Annotated[tuple[str, ...], arg(metavar="NAME", help_behavior_hint="")]
Side = Annotated[int | None, arg(metavar="PIXELS", help_behavior_hint="")]
Count = Annotated[int | None, arg(metavar="N", help_behavior_hint="")]
Source = Literal["bmode", "bmode_fast"]
Unit = Literal["stored", "frame", "sequence", "patient"]
Weights = Literal["best", "average", "raw", "both"]
Rules = Literal["half", "one", "epsilon_1e-2", "epsilon_1e-5", "epsilon_1e-10", "skip_empty"]


@dataclass(frozen=True)
class Evaluate:
    """Measure runs on held-out frames: the papers' tables, and a report.

    Of pairs, the table of Zhang et al. 2020. Random crops of every frame, the same for all runs:
    PSNR, SSIM, patch KL; tiles: FID and KID; whole frames: errors in shadow and at borders of
    regions; what differs by more than chance.

    With --real, that of Tomar et al. 2021: content SSIM, FID and KID to real images, and whether
    anatomy, shadows and steadiness are kept. `docs/evaluating.rst` tells both protocols.
    """

    runs: Runs
    """folders of runs."""
    data: Data = None
    """folder or URL of a dataset of pairs; with --real of simulated frames."""
    real: Data = None
    """folder or URL of a dataset of real images, which runs are measured beside."""
    out: Annotated[Path, arg(metavar="FOLDER")] = Path("out/evaluation")
    """for results.json, tables, values, and report.html."""
    split: str = "test"
    """that is measured; runs that were trained on it are refused."""
    unit: Unit = "stored"
    """splits as the dataset has them, or dealt anew, as recipes can say."""
    names: Names = ()
    """of the runs in tables; those of their folders otherwise."""
    crop: Side = None
    """side of the crops; 512, or 128 where frames are smaller than that; 128 with --real."""
    crops: int = 4
    """of each frame; with --real windows within the fan, for FID and KID."""
    tile: Side = None
    """side of the tiles for FID and KID; 299, or half of the shorter side of small frames."""
    seed: int = 0
    """of the places of the crops."""
    whole: bool = False
    """measure whole frames, within the fan, and no crops."""
    translate: Literal["crops", "frames"] = "crops"
    """crops themselves, as in the paper, or whole frames that are cut afterwards."""
    border: Annotated[
        Literal["matlab", "valid", "symmetric"] | None, arg(help_behavior_hint="")
    ] = None
    """of SSIM; matlab, which is the paper's; valid with --real."""
    rule: Rules = "half"
    """for empty bins of pKL."""
    features: str = "random"
    """random, inception:PATH, inception768:PATH, torchscript:PATH."""
    frames: Count = None
    """at most so many, spread over the split; all otherwise."""
    pictures: int = 2
    """of the best, median and worst frames each, in the report."""
    weights: Weights = "best"
    """averages, those of the last step, averages if they are kept (best), or both in a row each."""
    real_split: str = "test"
    """of the real images, not trained on; "validation test" is both, held-out all but train."""
    real_unit: Unit = "stored"
    """splits of the real images as stored, or dealt anew."""
    real_frames: Count = None
    """at most so many real images; all otherwise."""
    source: Source = "bmode"
    """with --real: the simulated image, which stands untranslated in the first row."""
    on: Literal["windows", "frames"] = "windows"
    """with --real: distances of windows within the fan, or of whole frames as in the paper."""
    content: Literal["labels", "simulated"] = "labels"
    """with --real: SSIM counts what is no background, or where the simulation is not black."""
    resamples: int = 200
    """with --real: of frames, for the intervals of FID and KID."""
    segmenter: Annotated[str | None, arg(metavar="FOLDER", help_behavior_hint="")] = None
    """with --real: of the network that finds anatomy, trained when it is not there yet."""
    segmenter_steps: int = 800
    """of its training; 0 measures without it."""
    sweep: Data = None
    """with --real: folder or URL of a dataset of simulated sweeps, for flicker."""
    batch: int = 16
    """crops in one pass."""
    device: str = "cpu"
    """cpu, cuda or cuda:1."""
    precision: Literal["32", "bf16"] = "32"
    """of the networks [bits]."""

    def run(self) -> None:
        """Measure, write, and print the tables."""
        need("torch", "lightning_fabric", "zarr")
        from insonate.data.files import make_folder
        from insonate.evaluation import prepare, write_results, write_tables
        from insonate.evaluation.report import write_report
        from insonate.evaluation.tables import place_table, quality_table

        if not 0 <= self.pictures <= 16:
            raise InputError(f"--pictures: expected 0 to 16, got {self.pictures}")
        data, machine = _data(self.data), _machine(self)
        if self.real is not None:
            from insonate.cli.evaluate_realism import evaluate_beside

            evaluate_beside(self, data, machine, progress)
            return
        settings = self._settings()
        task = prepare(self.runs, data, settings, machine, self.names)
        make_folder(self.out)  # before hours of work
        found = task.measure(progress)
        write_results(found, self.out)
        write_tables(found, self.out)
        write_report(found, self.out / "report.html", self._pictures(found, data, machine))
        print(quality_table(found).markdown())
        if found.places:
            print("\n" + place_table(found).markdown())
        for note in found.notes:
            print(f"\n{note}")
        print(f"\n{self.out / 'report.html'}")

    def _settings(self) -> EvaluationSettings:
        from insonate.evaluation import EvaluationSettings

        names = {field.name for field in dataclasses.fields(EvaluationSettings)}
        said = {k: v for k, v in vars(self).items() if k in names}
        return EvaluationSettings(**{**said, "border": self.border or "matlab"})

    def _pictures(self, found: Evaluation, data: str, machine: Machine) -> Any:
        from insonate.evaluation import compare
        from insonate.evaluation.report import chosen_frames

        if not self.pictures:
            return []
        chosen = chosen_frames(found, self.pictures)
        numbers = [number for _, number in chosen]
        zoom = max(min(found.data["rows"], found.data["columns"]) // 4, 8)
        strips = compare(self.runs, data, numbers, None, machine, self.names, zoom, progress)
        return [(what, strip) for (what, _), strip in zip(chosen, strips, strict=True)]


@dataclass(frozen=True)
class Compare:
    """Put runs side by side on some frames: untranslated input, every run, target.

    With --real: simulation, every run, semantic map; what runs make of the map alone, if they
    can; and some real images.
    """

    runs: Runs
    """folders of runs."""
    data: Data = None
    """folder or URL of a dataset of pairs; with --real of simulated frames."""
    real: Data = None
    """folder or URL of a dataset of real images, some of which are shown beside."""
    out: Annotated[Path, arg(metavar="PNG")] = Path("out/comparison.png")
    """of the picture; a page of the same name is written beside it."""
    frames: Annotated[tuple[int, ...], arg(metavar="NUMBER", help_behavior_hint="")] = ()
    """their numbers in the dataset; some that are spread over the split otherwise."""
    count: int = 4
    """how many are spread."""
    split: str = "test"
    """that they are spread over."""
    unit: Unit = "stored"
    """splits as the dataset has them, or dealt anew, as recipes can say."""
    real_split: str = "test"
    """of the real images."""
    real_unit: Unit = "stored"
    """splits of the real images as stored, or dealt anew."""
    source: Source = "bmode"
    """with --real: the simulated image."""
    names: Names = ()
    """of the runs; those of their folders otherwise."""
    zoom: int = 0
    """side of a window that is enlarged below [pixels], where the input is furthest off."""
    width: int = 320
    """of each picture in the PNG [pixels]."""
    curves: bool = False
    """draw losses and validations of the runs on the page."""
    weights: Weights = "best"
    """averages, those of the last step, averages if they are kept (best), or both in a row each."""
    device: str = "cpu"
    """cpu, cuda or cuda:1."""
    precision: Literal["32", "bf16"] = "32"
    """of the networks [bits]."""

    def run(self) -> None:
        """Translate, draw, and say where."""
        need("torch", "lightning_fabric", "zarr")
        from insonate.evaluation import EvaluationSettings, compare, write_comparison
        from insonate.evaluation.candidates import name_runs
        from insonate.evaluation.comparison import check_picture
        from insonate.evaluation.curves import training_curves

        check_picture(self.out)  # before translating
        names = name_runs(self.runs, self.names)
        drawn = training_curves(self.runs, names) if self.curves else []
        data, machine = _data(self.data), _machine(self)
        if self.real is not None:
            from insonate.cli.evaluate_realism import compare_beside

            strips = compare_beside(self, data, machine, progress)
        else:
            settings = EvaluationSettings(split=self.split, unit=self.unit, frames=self.count)
            strips = compare(
                self.runs, data, self.frames, settings, machine, names, self.zoom, progress
            )
        for path in write_comparison(strips, self.out, self.width, drawn):
            print(path)


def progress(items: Iterable[Any], what: str) -> Iterable[Any]:
    """A bar, where a person can see it."""
    from tqdm import tqdm

    return tqdm(items, desc=what, disable=None, leave=False)


def _data(given: str | None) -> str:
    if given is None:
        raise InputError("--data: missing; expected folder or URL of a dataset")
    return given


def _machine(given: Evaluate | Compare) -> Machine:
    from insonate.evaluation import Machine

    return Machine(given.device, given.precision, given.weights)
