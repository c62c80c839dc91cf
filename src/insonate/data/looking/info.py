"""What is in a dataset, from its columns and attributes; no image is read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import SCHEMA, Dataset
from insonate.data.dataset.store import is_remote, local_path, telling

__all__ = ["info", "info_words"]

#: Longest line of names, and of a text from the dataset [characters].
_LONGEST = 96


def info(where: str | os.PathLike[str]) -> dict[str, Any]:
    """All that `insonate data info` says, as JSON can say it.

    Args:
        where: folder or URL of a dataset.

    Returns:
        Counts are of complete frames; sizes are in bytes, spacing in mm.

    Raises:
        InputError: no dataset.
    """
    dataset = Dataset(where)
    layout, about = dataset.layout, dataset.attributes
    sizes, frames = _sizes(dataset), len(dataset)
    columns = {name: dataset.column(name)[dataset.frames] for name in _COUNTED}
    posed = np.isfinite(columns["pose"]).all(axis=(1, 2))
    return {
        "where": str(where),
        "schema": SCHEMA,
        "frames": layout.frames,
        "complete": frames,
        "rows": layout.rows,
        "columns": layout.columns,
        "images": list(layout.images),
        "shard": layout.shard,
        "bytes": sizes,
        "bytes_total": sum(sizes.values()),
        "bytes_per_frame": round(sum(sizes.values()) / frames) if frames else 0,
        "splits": _counts(columns["split"], about.splits),
        "planes": _counts(columns["plane"], about.planes),
        "patients": _distinct(columns["patient"]),
        "sequences": _distinct(columns["sequence"]),
        "poses": int(posed.sum()),
        "spacing": _range(columns["spacing"]),
        "regions": list(about.regions),
        "landmarks": list(about.landmarks),
        "probe": dict(about.probe),
        "recipe": str(about.recipe.get("name", "")),
        "provenance": about.provenance,
        "licence": about.licence,
    }


_COUNTED = ("split", "plane", "patient", "sequence", "pose", "spacing")


def info_words(said: dict[str, Any]) -> str:
    """What `info` found, a line for each thing, for people."""
    missing = said["frames"] - said["complete"]
    wait = f", {missing:,} not written yet" if missing else ""
    arrays = [f"{name} {_bytes(said['bytes'].get(name, 0))}" for name in said["images"]]
    rows = [
        ("dataset", said["where"]),
        ("frames", f"{said['complete']:,}{wait}; {said['rows']} x {said['columns']} pixels"),
        ("images", ", ".join(arrays)),
        ("on disk", f"{_bytes(said['bytes_total'])}, {_bytes(said['bytes_per_frame'])} a frame"),
        ("spacing", _spacing_words(said["spacing"])),
        ("splits", _count_words(said["splits"])),
        ("planes", _count_words(said["planes"])),
        ("patients", _number(said["patients"])),
        ("sequences", _number(said["sequences"])),
        ("poses", f"of {said['poses']:,} frames" if said["poses"] else ""),
        ("regions", _list_words(said["regions"])),
        ("landmarks", _list_words(said["landmarks"])),
        ("probe", _probe_words(said["probe"])),
        ("recipe", said["recipe"]),
        ("provenance", said["provenance"]),
        ("licence", said["licence"]),
    ]
    return "\n".join(f"{name:<11} {_short(text) or 'not known'}" for name, text in rows)


def _sizes(dataset: Dataset) -> dict[str, int]:
    """Bytes of the files of every array."""
    if not is_remote(dataset.where):
        folder = local_path(dataset.where)
        files = (file for file in folder.rglob("*") if file.is_file())
        sizes: dict[str, int] = {}
        for file in files:
            name = file.relative_to(folder).parts[0]
            sizes[name] = sizes.get(name, 0) + file.stat().st_size
        return sizes
    import fsspec

    with telling(f"{dataset.where}: cannot be listed"):
        system, path = fsspec.core.url_to_fs(dataset.where)
        names = (*dataset.layout.arrays(), "complete")
        return {name: int(system.du(f"{path}/{name}")) for name in names}


def _counts(column: NDArray[np.int32], names: Sequence[str]) -> dict[str, int]:
    """Frames by name; those of none under an empty name."""
    counts = {name: int((column == number).sum()) for number, name in enumerate(names)}
    rest = len(column) - sum(counts.values())
    return counts | ({"": rest} if rest else {})


def _distinct(column: NDArray[np.int32]) -> int:
    return len(np.unique(column[column >= 0]))


def _range(spacing: NDArray[np.float64]) -> list[float]:
    """Least and largest spacing of any frame [mm]; empty if none is known."""
    known = spacing[np.isfinite(spacing)]
    return [round(float(known.min()), 6), round(float(known.max()), 6)] if known.size else []


def _spacing_words(spacing: list[float]) -> str:
    if not spacing:
        return ""
    least, most = spacing
    return f"{least:g} mm" if least == most else f"{least:g} to {most:g} mm"


def _count_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or 'none'} {n:,}" for name, n in counts.items() if n)


def _list_words(names: list[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else ""


def _probe_words(probe: dict[str, Any]) -> str:
    numbers = {k: v for k, v in probe.items() if isinstance(v, (str, int, float))}
    return ", ".join(f"{name} {value}" for name, value in numbers.items())


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _short(text: str) -> str:
    """A text in one line that no terminal is led astray by."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _bytes(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000.0:
            return f"{value:.3g} {unit}"
        value /= 1000.0
    return f"{value:.3g} TB"


def info_json(said: dict[str, Any]) -> str:
    """What `info` found, as one JSON object."""
    return json.dumps(said, ensure_ascii=False, default=str)
