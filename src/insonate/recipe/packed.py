"""Weights without their run: the networks of one direction in bf16, with a card; to give away."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from insonate.config import to_plain
from insonate.data.files import make_folder
from insonate.errors import InputError
from insonate.looks import Look
from insonate.methods import Method
from insonate.methods.domains import Domain, UnpairedMethod
from insonate.recipe.card import CARD, Card, Statement, read_card
from insonate.training.weights import copy_tensors

if TYPE_CHECKING:
    from insonate.recipe.run import Run

__all__ = ["WEIGHTS", "load_packed", "look_of", "pack", "way_of"]

WEIGHTS = "weights.safetensors"


def way_of(method: Method) -> tuple[Domain | None, Domain | None]:
    """Domains that a method translates from and to; None for one that learns from pairs."""
    return method.way if isinstance(method, UnpairedMethod) else (None, None)


def look_of(method: Method) -> Look | None:
    """What a method makes of a simulated image; None if it does something else."""
    if way_of(method) == ("simulated", "real"):
        return "realistic"
    return "enhanced" if method.target is not None else None


def pack(run: Run, out: Path, statement: Statement) -> Card:
    """Write the networks that a run translates with as one file in bf16, and their card.

    Args:
        run: with its weights loaded, turned to the direction that is wanted.
        out: folder that does not exist, or is empty; whole or not there.
        statement: of whoever gives the weights away.

    Raises:
        InputError: the folder holds something, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: holds something; expected a new or an empty folder")
    raw = save({name: _halved(tensor) for name, tensor in _state(run.method).items()})
    source, to = way_of(run.method)
    card = Card(
        1, look_of(run.method), source, to, run.step, run.commit, _told(run.data),
        hashlib.sha256(raw).hexdigest(), len(raw), statement, run.regions, run.recipe,
    )  # fmt: skip
    parent = make_folder(out.absolute().parent)
    beside = Path(tempfile.mkdtemp(dir=parent, prefix=f".part-{os.getpid()}-"))
    try:
        (beside / WEIGHTS).write_bytes(raw)
        (beside / CARD).write_text(json.dumps(to_plain(card), indent=1) + "\n", encoding="utf-8")
        (beside / "card.md").write_text(card.markdown(out.resolve().name), encoding="utf-8")
        beside.chmod(0o755)
        beside.replace(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return card


def load_packed(
    folder: Path, source: str | None = None, to: str | None = None
) -> tuple[Card, Method]:
    """Packed weights as a method that translates; networks that it does not need are dropped.

    Args:
        folder: of the weights.
        source: domain to translate from; that of the card when None.
        to: domain to translate to; that of the card when None.

    Raises:
        InputError: no card, weights that are not those of the card, or a direction that they
            are not of.
    """
    card = read_card(folder)
    stored = _read(folder / WEIGHTS, card)
    method = card.recipe.method.build(max(len(card.regions), 1))
    if (source, to) == (None, None):
        source, to = card.source, card.to
    try:
        method.turn(source, to)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    for name in method.used:
        if not any(key.startswith(f"{name}.") for key in stored):
            way = " to ".join(filter(None, way_of(method)))
            raise InputError(f"{folder}: holds no weights for {way}; it translates {card.source} "
                             f"to {card.to}")  # fmt: skip
    for name in [name for name, _ in method.named_children() if name not in method.used]:
        delattr(method, name)
    used = _state(method)
    copy_tensors(used, {k: v for k, v in stored.items() if k in used}, str(folder / "weights"))
    return card, method


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    """What may be told of the data: its name, not where it lay; the card has the regions."""
    told = {name: value for name, value in data.items() if name != "regions"}
    if isinstance(data.get("data"), str):
        told["data"] = data["data"].rstrip("/").rpartition("/")[2]
    if isinstance(data.get("real"), Mapping):
        told["real"] = _told(data["real"])
    return told


def _state(method: Method) -> dict[str, Tensor]:
    """Tensors that a method translates with, by network and name.

    Buffers of the method itself, such as a pool of images, serve training and are left out.
    """
    return {
        f"{name}.{key}": tensor
        for name in method.used
        for key, tensor in method.get_submodule(name).state_dict().items()
    }


def _halved(tensor: Tensor) -> Tensor:
    kind = torch.bfloat16 if tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to("cpu", kind, memory_format=torch.contiguous_format)


def _read(path: Path, card: Card) -> dict[str, Tensor]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != card.sha256:
        raise InputError(
            f"{path}: not the weights of the card; expected SHA-256 {card.sha256[:16]}..., got "
            f"{found[:16]}..."
        )
    try:
        return load(raw)
    except SafetensorError as error:
        raise InputError(f"{path}: not a file of tensors ({error})") from error
