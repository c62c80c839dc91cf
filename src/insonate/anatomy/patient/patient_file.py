"""Patients by name and by file: the parameters that one was made from, or is to be made from."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from reprlib import repr as repr_
from typing import Any

from insonate.anatomy.patient.parameters import Parameters
from insonate.anatomy.patient.patient import Patient
from insonate.anatomy.scene_file import PATIENT
from insonate.config import read_content
from insonate.errors import InputError, closest

__all__ = ["RECORD_KEYS", "load_patient", "read_parameters"]

#: What a ground truth file holds beside the parameters; none of it is read back.
RECORD_KEYS = (
    "patient", "insonate", "name", "about", "parameters", "findings", "biometry", "truth",
    "landmarks", "planes", "views", "regions", "groups", "triangles", "files", "units",
)  # fmt: skip

_WHOLE = ("seed", "fetuses", "detail")
_WORDS = ("law", "presentation", "back", "placenta")
_TABLES = ("centiles", "findings")


def load_patient(scene: str | Path) -> Patient:
    """The patient that ships, by the name "patient", or that of a file.

    Args:
        scene: the name, or a path as for `read_parameters`.

    Raises:
        InputError: a file that is missing or wrong, or a parameter outside its range.
    """
    given = Parameters() if str(scene) == PATIENT else read_parameters(Path(scene))
    return _kept(json.dumps(dataclasses.asdict(given), sort_keys=True))


@lru_cache(maxsize=1)
def _kept(fields: str) -> Patient:
    """The last patient that was asked for, so that her scene and her views are read once."""
    return Patient(**json.loads(fields))


def read_parameters(path: Path) -> Parameters:
    """The parameters in a file: `patient.json` as it was written, or YAML.

    The file holds the fields of `Parameters`, alone or under the key `patient`.

    Raises:
        InputError: missing, too large, not JSON or YAML, a key that no patient has, or a value
            of the wrong type or range.
    """
    content = _mapping(str(path), read_content(path, "patient file"))
    if "patient" in content:
        for key in content:
            if key not in RECORD_KEYS:
                raise InputError(f"{path}: unknown key '{key}'; {closest(str(key), RECORD_KEYS)}")
        content = _mapping(f"{path}: patient", content["patient"])
    known = [field.name for field in dataclasses.fields(Parameters)]
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            raise InputError(f"{path}: unknown parameter '{key}'; {closest(str(key), known)}")
        values[key] = _value(f"{path}: {key}", key, value)
    try:
        return Parameters(**values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _mapping(where: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: expected parameters and values, got {type(value).__name__}")
    return value


def _value(where: str, key: str, value: object) -> object:
    """A parameter's value, if it has the right type; null is as good as not given."""
    if value is None and key not in (*_WHOLE, *_TABLES, "gestational_age", "law", "contraction"):
        return None
    if key in _TABLES:
        return {str(k): _number(f"{where}: {k}", v) for k, v in _mapping(where, value).items()}
    if key in _WORDS:
        if not isinstance(value, str):
            raise InputError(f"{where}: expected a word, got {repr_(value)}")
        return value
    if key in _WHOLE and isinstance(value, int) and not isinstance(value, bool):
        return value  # a seed has more digits than a float
    number = _number(where, value)
    if key not in _WHOLE:
        return number
    if number != int(number):
        raise InputError(f"{where}: expected a whole number, got {repr_(value)}")
    return int(number)


def _number(where: str, value: object) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or abs(value) > 1e18 or not math.isfinite(value):  # type: ignore[operator]
        raise InputError(f"{where}: expected a number, got {repr_(value)}")
    return float(value)  # type: ignore[arg-type]
