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
        source: domain that it translates from; empty if it learned from pairs.
        to: domain that it translates to, likewise.
        look: what it makes of a simulated image, enhanced or realistic; empty if something else.
    """

    run: str
    method: str
    inputs: tuple[str, ...]
    regions: tuple[str, ...]
    stride: int
    step: int
    weights: str
    recipe: str = ""
    source: str = ""
    to: str = ""
    look: str = ""

    @property
    def image(self) -> str:
        """The input that is translated: `bmode`, `bmode_fast`, or `labels` of semantic images."""
        if self.source == "semantic":
            return "labels"
        return next((name for name in self.inputs if name.startswith("bmode")), "bmode")

    @property
    def beside(self) -> tuple[str, ...]:
        """What is needed beside the image."""
        return tuple(name for name in self.inputs if name != self.image)

    def words(self) -> str:
        """For a dataset's provenance."""
        way = f"{self.source} to {self.to}, " if self.to else ""
        return f"{self.run} ({self.method}, {way}step {self.step}, weights {self.weights})"
