"""What a run was made with."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

import insonate

__all__ = ["versions"]


def versions(device: torch.device, ranks: int = 1) -> dict[str, str | int]:
    """Programs, device and threads; the commit, where this package runs from a checkout."""
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else platform.processor() or "cpu"
    found: dict[str, str | int] = {
        "insonate": insonate.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "fabric": version("lightning-fabric"),
        "device": name,
        "ranks": ranks,
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
    }
    commit = _commit()
    return found | ({"commit": commit} if commit else {})


def _commit() -> str:
    here = Path(__file__).resolve()
    if not any((parent / ".git").exists() for parent in here.parents[:5]):
        return ""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            command, cwd=here.parent, env=quiet, capture_output=True, text=True, timeout=10.0,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
