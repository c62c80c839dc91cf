"""`insonate translate` and `insonate export-onnx`: a run put to use."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import UseAppendAction, arg

from insonate.cli.needs import need
from insonate.cli.progress import Bar
from insonate.cli.trained import From, To, Trained, Weights, load
from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.translation import Translator
    from insonate.translation.network import Network

__all__ = ["ExportOnnx", "Translate"]

Given = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]

#: What each kind of source has a use for, beside the options of all.
_USES = {
    "data": ("split", "source", "format", "batch"),
    "image": ("labels", "attenuation", "shadow", "mask", "regions"),
    "video": ("mask", "batch"),
}


@dataclass(frozen=True)
class Translate:
    """Translate a dataset, pictures or a film by what a run has learned, at any size.

    Whole images go through the network in one pass. `docs/translating.rst` tells the details.
    """

    trained: Trained
    """folder of a run, or what `insonate pack` or `insonate export-onnx` (.onnx) wrote."""
    out: Annotated[str, arg(metavar="PATH")]
    """of the new dataset (.zarr) or folder, picture (.png), or film (.mp4, .mkv, .avi, .gif)."""
    data: Annotated[str | None, arg(metavar="DATA", help_behavior_hint="")] = None
    """dataset to translate; sweeps keep their poses."""
    image: Given = None
    """picture, or folder of pictures, to translate."""
    video: Given = None
    """film to translate."""
    start: From = None
    """domain to translate from, of a run that knows several; semantic reads labels."""
    to: To = None
    """domain to translate to; real, if the run can. Semantic writes labels as gray images."""
    split: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")] = None
    """only of this one, of a dataset."""
    source: Annotated[str | None, arg(metavar="ARRAY", help_behavior_hint="")] = None
    """array of a dataset to translate; the one that the run was trained with."""
    format: Literal["zarr", "png"] = "zarr"
    """of a translated dataset: another dataset, or folders of PNG."""
    labels: Given = None
    """picture of labels, or folder of pictures named as the images."""
    attenuation: Given = None
    """the same of integral attenuation, 0 to 1 in 8 or 16 bits."""
    shadow: Given = None
    """the same of shadow."""
    mask: Given = None
    """picture, or folder, of where the image has content; without it the fan is looked for."""
    regions: Annotated[Path | None, arg(metavar="JSON", help_behavior_hint="")] = None
    """what labels of pictures mean: a file that `insonate render` or `data export` wrote."""
    rename: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="OURS=RUNS")] = ()
    """name that a region of the data has in the run; may come several times."""
    weights: Weights = "best"
    """averages, those of the last step, or the best there are: averages if they are kept."""
    batch: int = 4
    """frames in one pass."""
    device: str = "cpu"
    """cpu, cuda or cuda:1."""
    precision: Literal["32", "bf16"] = "32"
    """of the networks [bits]."""
    padding: Literal["outside", "reflect"] = "outside"
    """of sides that do not fit the network: black as outside of the fan, or mirrored."""
    channels_last: bool = False
    """memory layout; benchmarks/inference.py says where it is faster."""
    compile: bool = False
    """networks by torch.compile; pays for many images of one size, if at all."""
    seed: int = 0
    """of the noise, where the method draws some."""

    def run(self) -> None:
        """Translate, show the progress, and say what came of it."""
        kind = self._kind()
        need("torch", "zarr")
        from insonate.translation import Translator

        translator = Translator(self._network(), self.seed, self._renamed())
        done = {"data": self._dataset, "image": self._pictures, "video": self._video}[kind]
        bar, begin = Bar(), time.perf_counter()
        try:
            count, remark = done(translator, bar)
        finally:
            bar.close()
        rate = count / (time.perf_counter() - begin)
        print(f"{self.out}: {count} translated, {rate:.2f} a second, by {translator.about.words()}")
        if remark:
            print(remark)

    def _kind(self) -> str:
        """Which of the sources is given; only one can be."""
        given = [name for name in _USES if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError(f"expected one of --data, --image and --video, got {len(given)}")
        used = _USES[given[0]]
        for name in dict.fromkeys(name for names in _USES.values() for name in names):
            if name not in used and getattr(self, name) != getattr(type(self), name):
                raise InputError(f"--{name}: has no use with --{given[0]}")
        return given[0]

    def _network(self) -> Network:
        if self.trained.suffix.lower() == ".onnx":
            self._refuse_what_onnx_fixes()
            from insonate.translation.onnx_network import OnnxNetwork

            return OnnxNetwork(self.trained, self.device)
        from insonate.translation.torch_network import TorchNetwork

        return TorchNetwork(
            load(self.trained, self.weights, self.start, self.to),
            self.device,
            self.precision,
            self.padding,
            self.channels_last,
            self.compile,
        )

    def _refuse_what_onnx_fixes(self) -> None:
        fixed = ("start", "to", "weights", "precision", "padding", "channels_last", "compile")
        for name in fixed:
            if getattr(self, name) != getattr(type(self), name):
                option = "from" if name == "start" else name.replace("_", "-")
                raise InputError(f"--{option}: fixed in an ONNX file; expected the run's folder")

    def _renamed(self) -> dict[str, str]:
        renamed = {}
        for text in self.rename:
            ours, equals, runs = text.partition("=")
            if not (ours and equals and runs):
                raise InputError(f"--rename {text}: expected OURS=RUNS, two names of regions")
            renamed[ours] = runs
        return renamed

    def _dataset(self, translator: Translator, bar: Bar) -> tuple[int, str]:
        from insonate.translation import translate_dataset, translate_to_png

        rest = (self.split, self.source, self.batch, bar.show)
        if self.format == "png":
            return translate_to_png(translator, str(self.data), Path(self.out), *rest), ""
        return translate_dataset(translator, str(self.data), self.out, *rest), ""

    def _pictures(self, translator: Translator, bar: Bar) -> tuple[int, str]:
        from insonate.translation import translate_pictures
        from insonate.translation.pictures import PICTURED, read_regions

        beside = {name: getattr(self, name) for name in PICTURED}
        given = {name: path for name, path in beside.items() if path is not None}
        regions = read_regions(self.regions) if self.regions else ()
        assert self.image is not None
        count, bare = translate_pictures(
            translator, self.image, Path(self.out), given, regions, bar.show
        )
        remarks = []
        if bare:
            remarks.append(f"{bare} of them show no fan that was found, and count as a whole; "
                           "--mask gives it")  # fmt: skip
        if self.labels is not None and not regions:
            remarks.append("labels are taken for those of the run; --regions says what they mean")
        return count, "\n".join(remarks)

    def _video(self, translator: Translator, bar: Bar) -> tuple[int, str]:
        need("av")
        from insonate.translation import translate_video

        assert self.video is not None
        count, known = translate_video(
            translator, self.video, Path(self.out), self.mask, self.batch, bar.show
        )
        whole = "no fan was found, so that images count as a whole; --mask gives it"
        return count, "" if known else whole


@dataclass(frozen=True)
class ExportOnnx:
    """Write what a run has learned as one ONNX file, for images and batches of any size.

    Its inputs have the names and ranges of a dataset; padding, conditions and mask are inside,
    so that other programs need onnxruntime alone. The file is compared with torch.
    """

    trained: Trained
    """folder of a run."""
    out: Annotated[Path, arg(metavar="ONNX")] = Path("out/model.onnx")
    """of the file."""
    start: From = None
    """domain to translate from, of a run that knows several."""
    to: To = None
    """domain to translate to."""
    weights: Weights = "best"
    """averages, those of the last step, or the best there are: averages if they are kept."""

    def run(self) -> None:
        """Export, and say what the file takes."""
        need("torch", "zarr", "onnx", "onnxscript", "onnxruntime", extra="onnx")
        from insonate.translation import export_onnx

        about = export_onnx(load(self.trained, self.weights, self.start, self.to), self.out)
        print(f"{self.out}: {', '.join(about.inputs)} to translated, by {about.words()}")
