"""A dataset into a folder of a layout that other programs know."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from insonate.data.dataset import Dataset
from insonate.data.export.coco import export_coco
from insonate.data.export.labelled import Progress
from insonate.data.export.nifti import export_nifti
from insonate.data.export.nnunet import export_nnunet
from insonate.data.export.png import export_png
from insonate.data.files import make_folder
from insonate.errors import InputError, closest

__all__ = ["FORMATS", "export"]

#: What writes a layout into an empty folder and says in a line what it wrote.
FORMATS: Mapping[str, Callable[[Dataset, Path, Progress], str]] = {
    "png": export_png,
    "nifti": export_nifti,
    "coco": export_coco,
    "nnunet": export_nnunet,
}


def _silent(frames: Iterable[int]) -> Iterable[int]:
    return frames


def export(
    where: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    layout: str,
    split: str | None = None,
    progress: Progress = _silent,
) -> str:
    """Write the complete frames of a dataset in another layout.

    All is written beside the folder and takes its place at the end: it is whole or not there.

    Args:
        where: folder or URL of a dataset.
        folder: that does not exist, or is empty.
        layout: one of `FORMATS`.
        split: only of this one; all when None.
        progress: is given the frames to go through, such as tqdm.

    Returns:
        What was written, in a line.

    Raises:
        InputError: no frames, no labels where the layout is one for labels, a folder that holds
            something, or it cannot be written.
    """
    if layout not in FORMATS:
        raise InputError(f"unknown format '{layout}'; {closest(layout, FORMATS)}")
    folder = Path(folder)
    dataset = Dataset(where, split=split)
    if not len(dataset):
        raise InputError(f"{where}: no complete frames to export")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: holds something; expected a new or an empty folder")
    make_folder(folder.absolute().parent)
    beside = folder.absolute().with_name(f".part-{os.getpid()}-{folder.absolute().name}")
    try:
        beside.mkdir()
        said = FORMATS[layout](dataset, beside, progress)
        os.replace(beside, folder.absolute())
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return said
