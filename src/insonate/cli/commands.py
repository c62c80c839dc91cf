"""The tree of commands, as tyro reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import subcommand

from insonate.cli.calibrate import Calibrate
from insonate.cli.data import DataCommand
from insonate.cli.evaluate import Compare, Evaluate
from insonate.cli.import_data import ImportData
from insonate.cli.lists import ListProbes, ListScenes, ListTissues, ShowProbe, ShowTissue
from insonate.cli.pack import Pack
from insonate.cli.patient import MakePatient
from insonate.cli.render import Render
from insonate.cli.render_dataset import RenderDataset
from insonate.cli.scene import CheckScene
from insonate.cli.train import Train
from insonate.cli.translate import ExportOnnx, Translate

__all__ = ["Command"]


@dataclass(frozen=True)
class SceneCommand:
    """List scenes that ship, or have one examined."""

    command: Annotated[CheckScene, subcommand("check")] | Annotated[ListScenes, subcommand("list")]

    def run(self) -> None:
        """Do it."""
        self.command.run()


@dataclass(frozen=True)
class ProbeCommand:
    """List probes that ship, or show one."""

    command: Annotated[ListProbes, subcommand("list")] | Annotated[ShowProbe, subcommand("show")]

    def run(self) -> None:
        """Do it."""
        self.command.run()


@dataclass(frozen=True)
class TissueCommand:
    """List tissues that ship, or show one."""

    command: Annotated[ListTissues, subcommand("list")] | Annotated[ShowTissue, subcommand("show")]

    def run(self) -> None:
        """Do it."""
        self.command.run()


Command = (
    Annotated[Render, subcommand("render")]
    | Annotated[RenderDataset, subcommand("render-dataset")]
    | Annotated[ImportData, subcommand("import")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Translate, subcommand("translate")]
    | Annotated[ExportOnnx, subcommand("export-onnx")]
    | Annotated[Pack, subcommand("pack")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Compare, subcommand("compare")]
    | Annotated[DataCommand, subcommand("data")]
    | Annotated[Calibrate, subcommand("calibrate")]
    | Annotated[MakePatient, subcommand("patient")]
    | Annotated[SceneCommand, subcommand("scene")]
    | Annotated[ProbeCommand, subcommand("probe")]
    | Annotated[TissueCommand, subcommand("tissue")]
)
