"""A dataset translated frame by frame into another, or into folders of pictures."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import (
    Attributes,
    Dataset,
    Layout,
    Writer,
    create,
    gray_levels,
    open_writer,
)
from insonate.data.dataset.layout import METADATA
from insonate.data.dataset.store import exists
from insonate.data.export import export
from insonate.data.files import make_folder
from insonate.data.importers.shaping import fitting
from insonate.errors import InputError
from insonate.translation.overwriting import refuse_inside
from insonate.translation.translator import Translator

__all__ = ["DatasetTranslation", "translate_dataset", "translate_to_png"]

Done = Callable[[int], None]
_T = TypeVar("_T")
_ROOM = METADATA - 128  # bytes, for what was said of a frame before


def _silent(frames: int) -> None:
    pass


class DatasetTranslation:
    """What is read of a dataset, and what becomes of it.

    Args:
        translator: that translates.
        where: folder or URL of the dataset.
        split: only of this one; all frames when None.
        source: array to translate; the one that the run was trained with when None.

    Raises:
        InputError: no such dataset or split, no frames, arrays that the run needs are missing,
            regions that it was not trained with, or a source of semantic images.
    """

    def __init__(
        self, translator: Translator, where: str, split: str | None = None,
        source: str | None = None,
    ):  # fmt: skip
        self.translator, self.source = translator, source or translator.about.image
        if source and translator.about.image == "labels":
            raise InputError("--source: has no use with semantic images; their labels are read")
        whole = Dataset(where, (), split)
        if not len(whole):
            raise InputError(f"{where}: no frames to translate")
        self.read = {name: self._stored_as(name) for name in translator.about.inputs}
        self._refuse_missing(whole)
        mask = ("mask",) if "mask" in whole.layout.images else ()
        self.dataset = Dataset(where, tuple(dict.fromkeys((*self.read.values(), *mask))), split)
        self._table = None
        if "labels" in self.read:
            self._table = translator.table(whole.attributes.regions, where)

    def _stored_as(self, name: str) -> str:
        return self.source if name == self.translator.about.image else name

    def _refuse_missing(self, whole: Dataset) -> None:
        there = (*whole.layout.images, "coordinates")
        missing = [name for name in self.read.values() if name not in there]
        if not missing:
            return
        way_out = "; --source bmode translates its bmode" if self.source in missing else ""
        raise InputError(
            f"{whole.where}: no {', '.join(missing)}, which {self.translator.about.run} needs; "
            f"it has {', '.join(whole.layout.images)}{way_out}"
        )

    @property
    def layout(self) -> Layout:
        """Of the new dataset: the same arrays, without frames that are left out."""
        return dataclasses.replace(self.dataset.layout, frames=len(self.dataset))

    @property
    def attributes(self) -> Attributes:
        """Of the new dataset: as they were, and where `bmode` comes from."""
        about, frames = self.dataset.attributes, self.dataset.frames.astype(np.int64)
        chosen = hashlib.sha256(frames.tobytes()).hexdigest()[:8]
        said = (
            f"bmode: {self.source} translated by {self.translator.about.words()}, seed "
            f"{self.translator.seed}, {len(frames)} frames ({chosen})"
        )
        return dataclasses.replace(about, provenance=f"{about.provenance} {said}".strip())

    def arrays(self, numbers: Sequence[int]) -> dict[str, NDArray[Any]]:
        """What the run needs of some frames, stacked, by its names."""
        samples = [self.dataset.sample(number) for number in numbers]
        names = self.read | ({"mask": "mask"} if "mask" in self.dataset.arrays else {})
        arrays = {
            name: np.stack([sample[stored] for sample in samples]) for name, stored in names.items()
        }
        if self._table is not None:
            arrays["labels"] = self._table[arrays["labels"]]
        return arrays

    def translated(self, arrays: dict[str, NDArray[Any]], first: int) -> NDArray[np.uint8]:
        """Images of arrays, 0 to 255, `(frames, rows, columns)`."""
        return gray_levels(self.translator.frames(arrays, first)[:, 0])

    def sample(self, number: int, image: NDArray[np.uint8]) -> dict[str, Any]:
        """A frame of the new dataset: its image `(rows, columns)`, and all else as it was."""
        kept = [name for name in self.dataset.layout.arrays() if name not in ("bmode", "metadata")]
        sample = {name: self.dataset.raw(name, number) for name in kept}
        said = fitting(self.dataset.metadata(number), _ROOM)
        said["translated_frame"] = int(self.dataset.frames[number])
        return sample | {"bmode": image, "metadata": said}


def translate_dataset(
    translator: Translator,
    where: str,
    out: str,
    split: str | None = None,
    source: str | None = None,
    batch: int = 4,
    done: Done = _silent,
) -> int:
    """Write a dataset with every image translated; what is known of the frames is kept.

    A run that was broken off goes on where it stopped.

    Args:
        translator: that translates.
        where: folder or URL of the dataset.
        out: folder or URL of the new one.
        split: only of this one; all frames when None.
        source: array to translate; the one that the run was trained with when None.
        batch: frames in one pass.
        done: is told how many frames there are by now.

    Returns:
        How many frames there are.

    Raises:
        InputError: as `DatasetTranslation` says, something else lies at `out`, or that is in
            `where`.
    """
    if batch < 1:
        raise InputError(f"--batch: expected at least 1, got {batch}")
    work = DatasetTranslation(translator, where, split, source)
    refuse_inside(out, where)
    if exists(out):
        refuse_another(work, out)
        with open_writer(out) as writer:
            _write(work, writer, batch, done)
    else:
        with create(out, work.layout, work.attributes) as writer:
            _write(work, writer, batch, done)
    return len(work.dataset)


def refuse_another(work: DatasetTranslation, out: str) -> None:
    """See that a dataset that exists is of the same translation.

    Raises:
        InputError: it is not.
    """
    begun = Dataset(out, ())
    if begun.layout != work.layout or begun.attributes.provenance != work.attributes.provenance:
        raise InputError(f"{out}: exists already, of another translation; expected a new place")


def translate_to_png(
    translator: Translator,
    where: str,
    out: Path,
    split: str | None = None,
    source: str | None = None,
    batch: int = 4,
    done: Done = _silent,
) -> int:
    """The same as folders of PNG, as `insonate data export` writes them; whole or not there.

    Args:
        translator: that translates.
        where: folder or URL of the dataset.
        out: folder that does not exist, or is empty.
        split: only of this one; all frames when None.
        source: array to translate; the one that the run was trained with when None.
        batch: frames in one pass.
        done: is told how many frames there are by now.

    Returns:
        How many frames there are.

    Raises:
        InputError: as `DatasetTranslation` says, the folder holds something, or is in `where`.
    """
    refuse_inside(out, where)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: holds something; expected a new or an empty folder")
    parent = make_folder(out.absolute().parent)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".part-{os.getpid()}-") as beside:
        data = str(Path(beside) / "data.zarr")
        count = translate_dataset(translator, where, data, split, source, batch, done)
        export(data, out, "png")
    return count


def _write(work: DatasetTranslation, writer: Writer, batch: int, done: Done) -> None:
    """Shard by shard; the next batch is read while one is translated."""
    count = int(writer.complete().sum())
    done(count)
    for block in writer.incomplete():
        numbers = writer.layout.block(block)
        batches = [numbers[k : k + batch] for k in range(0, len(numbers), batch)]
        samples = []
        for part, arrays in zip(batches, ahead(work.arrays, batches), strict=True):
            images = work.translated(arrays, part[0])
            samples += [work.sample(k, image) for k, image in zip(part, images, strict=True)]
            done(min(count + len(samples), len(work.dataset)))
        writer.write(block, samples)
        count = int(writer.complete().sum())


def ahead(read: Callable[[Sequence[int]], _T], parts: Iterable[Sequence[int]]) -> Iterator[_T]:
    """What is read of each part, the next one while this one is in use."""
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for part in parts:
            coming = pool.submit(read, part)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()
