"""What translates, in a few words that also an ONNX file keeps."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["About"]


@dataclass(frozen=True)
class About:
    """A trained method, as its users need to know it.

    Attributes:
        run: name of its folder.
        method: name of the method.
        inputs: arrays that it needs, as a dataset has them.
        regions: names by label, as it was trained with; empty if it saw no labels.
        stride: images are padded to a multiple of it [pixels].
        step: of its training.
        weights: their hash.
        recipe: in YAML, as the run was trained by.
    """

    run: str
    method: str
    inputs: tuple[str, ...]
    regions: tuple[str, ...]
    stride: int
    step: int
    weights: str
    recipe: str = ""

    @property
    def image(self) -> str:
        """The input that is translated: `bmode`, or `bmode_fast`."""
        return next((name for name in self.inputs if name.startswith("bmode")), "bmode")

    @property
    def beside(self) -> tuple[str, ...]:
        """What is needed beside the image."""
        return tuple(name for name in self.inputs if name != self.image)

    def words(self) -> str:
        """For a dataset's provenance."""
        return f"{self.run} ({self.method}, step {self.step}, weights {self.weights})"
