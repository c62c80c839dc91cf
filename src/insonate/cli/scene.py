"""`insonate scene check`: what a scene is made of, and whether it can be rendered."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from insonate.cli.placement import Placement, anterior_pose
from insonate.errors import InputError

__all__ = ["CheckScene"]


@dataclass(frozen=True)
class CheckScene(Placement):
    """Examine a scene: units, extent, triangles, holes, overlaps, tissues; and draw it.

    The picture shows the scene in three dimensions with the probe in place.
    """

    out: Annotated[Path | None, arg(metavar="PNG", help_behavior_hint="")] = None
    """of the picture; out/SCENE_preview.png."""

    def run(self) -> None:
        """Print the report, draw the preview, and say where it is."""
        from insonate.anatomy import check_scene, preview
        from insonate.data import make_folder
        from insonate.sim.quiet import start_engine, stderr_muted

        path = self.out or Path("out") / f"{Path(self.scene).stem}_preview.png"
        start_engine()
        view = self.chosen_view()
        poses, probe = self.poses(view), self.chosen_probe(view)
        report = check_scene(self.scene, self.data)
        print(report.text())
        if not report.ok:
            raise InputError(f"{self.scene}: cannot be used, see the problems in the report")
        if self.out is None and find_spec("pyvista") is None:
            print('preview: not drawn; pip install "insonate[anatomy]"')
            return
        scene = self.load_scene()
        make_folder(path.parent)
        with stderr_muted():  # VTK complains about a screen that it does not need
            preview(scene, probe, (poses or [anterior_pose(scene)])[0], path)
        print(f"preview: {path}")
