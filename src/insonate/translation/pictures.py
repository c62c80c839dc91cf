"""Single pictures, and folders of them, translated into PNG."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import read_content
from insonate.data.dataset import gray_levels, network_values
from insonate.data.files import make_folder, replacing
from insonate.data.importers.find_fan import Content, find_area
from insonate.data.importers.masks import UNCLEAR, matched
from insonate.data.importers.picture import (
    ENDINGS,
    Gray,
    PictureError,
    read_labels,
    read_pictures,
)
from insonate.data.importers.source import inside
from insonate.errors import InputError
from insonate.translation.overwriting import refuse_overwriting
from insonate.translation.translator import Translator

__all__ = ["LARGEST", "PICTURED", "found_mask", "read_mask", "read_regions", "translate_pictures"]

#: Pixels of a picture, at most.
LARGEST = 64_000_000
#: Arrays that may come as pictures, beside the image.
PICTURED = ("labels", "attenuation", "shadow", "mask")

Done = Callable[[int], None]


def translate_pictures(
    translator: Translator,
    image: Path,
    out: Path,
    beside: Mapping[str, Path],
    regions: Sequence[str] = (),
    done: Done = lambda count: None,
) -> tuple[int, int]:
    """Translate a picture, or every picture of a folder.

    Args:
        translator: that translates.
        image: picture, or folder of pictures; of labels, if semantic images are translated.
        out: PNG for a picture; folder for a folder, in which the names stay.
        beside: of `PICTURED`, what else the run needs: pictures, or folders of pictures of the
            same names. A mask that is not given is found, if the image shows a fan.
        regions: names by label; those of the run when none are given.
        done: is told how many are written.

    Returns:
        How many pictures there are, and of how many no fan was found.

    Raises:
        InputError: something that the run needs is missing, not a picture, of another size than
            its image, or too large; or the output cannot be written, or is one of these.
    """
    _refuse_missing(translator, beside)
    files = _files(image, "--image")
    given = {name: _beside(name, path, files) for name, path in beside.items()}
    single = image.is_file()
    if single and out.suffix.lower() != ".png":
        raise InputError(f"--out {out}: expected a name that ends in .png")
    targets = {name: out if single else out / name.with_suffix(".png") for name in files}
    read = [path for of_image in given.values() for path in of_image.values()]
    refuse_overwriting(targets.values(), [*files.values(), *read])
    table = translator.table(regions, str(image)) if "labels" in translator.about.inputs else None
    if not single:
        make_folder(out)
    bare = 0
    for number, (name, file) in enumerate(files.items()):
        paths = {array: of_image[name] for array, of_image in given.items()}
        arrays, fan = _arrays(translator, file, paths, table)
        bare += not fan
        translated = gray_levels(translator.frames(arrays, number)[0, 0])
        _write(translated, targets[name])
        done(number + 1)
    return len(files), bare


def found_mask(content: Content, rows: int, columns: int) -> tuple[NDArray[np.uint8], bool]:
    """Where frames show ultrasound, uint8 `(rows, columns)`; all of them if no fan is found.

    Args:
        content: of the frames.
        rows: of them [pixels].
        columns: of them [pixels].
    """
    area = find_area(content)
    if area is None:
        return np.ones((rows, columns), np.uint8), False
    return area.mask(rows, columns), True


def read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A picture of the fan, 1 where it is not black, uint8 `(rows, columns)`.

    Args:
        path: of the picture.
        shape: rows and columns that it should have [pixels].

    Raises:
        InputError: not a picture, or of another size.
    """
    mask = _labelled(path, numbers=False) > 0
    _check_size(path, mask, shape)
    return mask.astype(np.uint8)


def read_regions(path: Path) -> tuple[str, ...]:
    """Names of regions by label from what `insonate render` or `insonate data export` wrote.

    Args:
        path: of a JSON file with a list `regions`.

    Raises:
        InputError: not such a file.
    """
    said = read_content(path, "list of regions")
    names = said.get("regions") if isinstance(said, dict) else said
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: regions: expected a list of names")
    if not 0 < len(names) <= 256:
        raise InputError(f"{path}: regions: expected 1 to 256 names, got {len(names)}")
    return tuple(names)


def _refuse_missing(translator: Translator, beside: Mapping[str, Path]) -> None:
    about = translator.about
    needed = [name for name in about.beside if name != "mask" and name not in beside]
    strange = [name for name in needed if name not in PICTURED]
    if strange:
        raise InputError(f"{about.run}: needs {', '.join(strange)}, which only datasets have")
    if needed:
        options = " ".join(f"--{name} PATH" for name in needed)
        raise InputError(f"{about.run}: needs {', '.join(needed)} beside the image; add {options}")


def _files(path: Path, option: str) -> dict[PurePosixPath, Path]:
    """A picture, or those of a folder, by their names in it; links out of it are left out."""
    if path.is_file():
        return {PurePosixPath(path.name): path}
    if not path.is_dir():
        raise InputError(f"{option} {path}: no such file or folder")
    root = path.resolve()
    found = {
        PurePosixPath(Path(at, name).relative_to(path).as_posix()): Path(at, name)
        for at, _, names in os.walk(path, followlinks=False)
        for name in names
        if name.lower().endswith(ENDINGS) and not name.startswith(".")
    }
    files = {name: found[name] for name in sorted(found) if inside(found[name], root)}
    if not files:
        raise InputError(f"{option} {path}: no PNG, JPEG, TIFF or BMP pictures in it")
    stems = [name.with_suffix("") for name in files]
    twice = next((str(stem) for stem in stems if stems.count(stem) > 1), "")
    if twice:
        raise InputError(f"{option} {path}: {twice} is there twice, with different endings")
    return files


def _beside(
    array: str, path: Path, images: Mapping[PurePosixPath, Path]
) -> dict[PurePosixPath, Path]:
    """The picture of an array for every image: one for all, or of a folder that of its name."""
    option = f"--{array}"
    files = _files(path, option)
    if path.is_file():
        return dict.fromkeys(images, path)
    belonging = matched(images, files)
    for name, image in images.items():
        found = belonging.get(image, UNCLEAR)
        if found is UNCLEAR:
            raise InputError(f"{option} {path}: no picture, or several, for {name}")
    return {name: belonging[image] for name, image in images.items()}


def _arrays(
    translator: Translator,
    image: Path,
    paths: Mapping[str, Path],
    table: NDArray[np.int64] | None,
) -> tuple[dict[str, NDArray[Any]], bool]:
    """What a network is given of an image, one frame; and whether its fan is known."""
    about = translator.about
    if about.image == "labels":
        read = _labels(image, table)
        mask, known = _mask(None, read.shape, paths.get("mask"))
        arrays = {"labels": np.where(mask > 0, read, 0)}
    else:
        gray = _gray(image)
        mask, known = _mask(gray, gray.shape, paths.get("mask"))
        arrays = {about.image: network_values("bmode", gray, mask)}
    for name in set(about.beside) - {"mask"}:
        read = _labels(paths[name], table) if name == "labels" else _share(paths[name])
        _check_size(paths[name], read, mask.shape)
        arrays[name] = np.where(mask > 0, read, 0).astype(read.dtype)
    arrays["mask"] = mask[None].astype(np.float32)
    return {name: array[None] for name, array in arrays.items()}, known


def _gray(path: Path) -> NDArray[np.uint8]:
    first, *more = read_pictures(path, LARGEST, 1)
    if isinstance(first, Gray) and not more:
        return first.image
    raise InputError(f"{path}: {first if isinstance(first, PictureError) else more[0]}")


def _mask(
    gray: NDArray[np.uint8] | None, shape: tuple[int, ...], path: Path | None
) -> tuple[NDArray[np.uint8], bool]:
    """The fan, and whether it is known; labels show none."""
    if path is not None:
        return read_mask(path, shape), True
    if gray is None:
        return np.ones(shape, np.uint8), False
    content = Content()
    content.add(gray)
    return found_mask(content, *shape)


def _check_size(path: Path, read: NDArray[Any], shape: tuple[int, ...]) -> None:
    if read.shape[-2:] != shape:
        found, expected = (" x ".join(map(str, size)) for size in (read.shape[-2:], shape))
        raise InputError(f"{path}: {found} pixels, expected {expected} as the image has")


def _labels(path: Path, table: NDArray[np.int64] | None) -> NDArray[np.int64]:
    labels = _labelled(path, numbers=True)
    return labels.astype(np.int64) if table is None else table[labels]


def _labelled(path: Path, numbers: bool) -> NDArray[np.uint8]:
    try:
        return read_labels(path, LARGEST, numbers)
    except PictureError as error:
        raise InputError(f"{path}: {error}") from error


def _share(path: Path) -> NDArray[np.float32]:
    """A picture of numbers from 0 to 1, of 8 or 16 bits, `(1, rows, columns)`."""
    values = _values(path)
    if values.dtype == np.bool_:
        return values[None].astype(np.float32)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise InputError(f"{path}: expected a gray picture of 8 or 16 bits")
    most = 255.0 if values.dtype == np.uint8 else 65535.0
    if values.min(initial=0) < 0 or values.max(initial=0) > most:
        raise InputError(f"{path}: expected gray values of 8 or 16 bits")
    return (values / most).astype(np.float32)[None]


def _values(path: Path) -> NDArray[Any]:
    """Pixels as they are stored."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "TIFF", "BMP")) as picture:
            if picture.size[0] * picture.size[1] > LARGEST:
                raise InputError(f"{path}: larger than {LARGEST // 1_000_000} megapixels")
            return np.asarray(picture)
    except InputError:
        raise
    except Exception as error:  # whatever a broken file makes of the reader
        raise InputError(f"{path}: not a picture in PNG, TIFF or BMP") from error


def _write(image: NDArray[np.uint8], path: Path) -> None:
    from PIL import Image

    with replacing(path) as beside:
        Image.fromarray(image).save(beside, format="PNG")
