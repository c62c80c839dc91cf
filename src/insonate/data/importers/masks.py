"""Which mask belongs to which image: by path, or by a name that no other has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

__all__ = ["UNCLEAR", "masks_beside", "matched"]

#: What a mask may be called besides the name of its image.
ENDINGS = ("_mask", "_Annotation", "_annotation", "_seg", "_label", "_labels")
#: Stands for a mask that may belong to several images, or one of several masks.
UNCLEAR = Path()


def masks_beside(files: Sequence[Path]) -> dict[Path, Path]:
    """Masks that lie beside their images, by image."""
    stems = {file.with_suffix(""): file for file in files}
    beside = {}
    for stem, file in stems.items():
        for ending in ENDINGS:
            mask = stems.get(stem.with_name(stem.name + ending))
            if mask is not None:
                beside[file] = mask
                break
    return beside


def matched(
    images: Mapping[PurePosixPath, Path], masks: Mapping[PurePosixPath, Path]
) -> dict[Path, Path]:
    """Masks of a folder, by image.

    A mask has the path of its image, perhaps with an ending such as `_mask`. If it lies in
    another folder it is that of the image with its name, if there is one such image and one
    such mask.

    Args:
        images: files by path in their folder.
        masks: files by path in theirs.

    Returns:
        Masks by image; `UNCLEAR` where several fit; nothing where none does.
    """
    found = _by_path(images, masks)
    taken = set(found.values())
    rest = {name: file for name, file in masks.items() if file not in taken}
    by_name = _grouped(rest, folders=False)
    left = [(name, file) for name, file in images.items() if file not in found]
    wanting = defaultdict(list)
    for name, file in left:
        wanting[name.stem].append(file)
    for name, file in left:
        fitting = by_name.get(name.stem, [])
        if fitting:
            clear = len(fitting) == len(wanting[name.stem]) == 1
            found[file] = fitting[0] if clear else UNCLEAR
    return found


def _by_path(
    images: Mapping[PurePosixPath, Path], masks: Mapping[PurePosixPath, Path]
) -> dict[Path, Path]:
    by_path, found = _grouped(masks, folders=True), {}
    for name, file in images.items():
        fitting = by_path.get(str(name.with_suffix("")), [])
        if fitting:
            found[file] = fitting[0] if len(fitting) == 1 else UNCLEAR
    return found


def _grouped(masks: Mapping[PurePosixPath, Path], folders: bool) -> dict[str, list[Path]]:
    """Masks by the names that their image may have."""
    groups = defaultdict(list)
    for name, file in masks.items():
        for stem in _stems(name.stem):
            groups[str(name.with_name(stem)) if folders else stem].append(file)
    return groups


def _stems(stem: str) -> Iterable[str]:
    shorter = (stem.removesuffix(ending) for ending in ENDINGS if stem.endswith(ending))
    return dict.fromkeys((stem, *(each for each in shorter if each)))
