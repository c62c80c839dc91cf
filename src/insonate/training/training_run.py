"""A run: steps one after the other, and what is due after some of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import closing

from PIL import Image
from torch import Tensor

from insonate.data.files import replacing
from insonate.training import snapshot
from insonate.training.feed import feed
from insonate.training.journal import Journal
from insonate.training.log import Clock, Progress, RunLog, memory
from insonate.training.loop import Loop
from insonate.training.run_folder import RunFolder
from insonate.training.trainable import Trainable
from insonate.training.validation import Validation

__all__ = ["TrainingRun"]


class TrainingRun:
    """A loop with its folder, its validation and its log.

    Args:
        loop: that trains.
        folder: that is written to.
        validation: that is looked at.
        progress: that is shown.
    """

    def __init__(self, loop: Loop, folder: RunFolder, validation: Validation, progress: Progress):
        self.loop, self.folder, self.validation, self.progress = loop, folder, validation, progress
        self.settings, self.ranks = loop.settings, loop.ranks
        self.journal = Journal(self.ranks, self.settings.diverged, folder.last)
        self.clock, self._logged = Clock(), loop.step
        self._log: RunLog | None = None

    def go(self, journal: Mapping[str, object] | None = None) -> None:
        """Train to the last step.

        Args:
            journal: of the checkpoint that is gone on from.

        Raises:
            InputError: a loss diverged, a file cannot be written or read, or memory is short.
        """
        if journal is not None:
            self.journal.load(journal)
        with contextlib.ExitStack() as stack:
            if self.ranks.is_first:
                self._log = stack.enter_context(closing(RunLog(self.folder, self.loop.step)))
            self.loop.method.train()
            steps = range(self.loop.step, self.settings.steps)
            batches = feed(self.loop.batches, steps, self.ranks.device)
            self.clock, self._logged = Clock(), self.loop.step
            for _ in steps:
                with self.clock.waiting():
                    batch = next(batches)
                losses = self.loop.advance(batch)
                self.journal.add(self.loop.step, losses)
                self._after()

    def _after(self) -> None:
        """What is due after a step."""
        step, last = self.loop.step, self.loop.step == self.settings.steps
        log, validate, save = (
            last or step % every == 0
            for every in (
                self.settings.log_every,
                self.settings.validate_every,
                self.settings.checkpoint_every,
            )
        )
        if log or validate or save or self.ranks.device.type == "cpu":
            self.journal.settle()
        self.progress.step()
        if log:
            self._write_losses()
        with self.clock.paused():
            if validate or save:
                self._check_weights()
            if validate:
                self._validate()
            if save:
                self._save()

    def _write_losses(self) -> None:
        means, step = self.journal.means(), self.loop.step
        values = {
            "epoch": self.loop.batches.epoch(step),
            "losses": means,
            "learning_rate": self.loop.optimisers.rates(),
            **self.clock.read(step - self._logged),
            **memory(self.ranks.device),
        }
        self._logged = step
        self.progress.losses(means)
        self._write(values)

    def _write(self, values: Mapping[str, object]) -> None:
        log, step = self._log, self.loop.step
        self.ranks.first(lambda: log.line(step, values) if log else None)

    def _validate(self) -> None:
        step = self.loop.step
        with self.loop.translating() as method:
            measures = self.validation.measures(method)
            self.ranks.first(lambda: self._draw(method))
        self._write({"validation": measures})
        words = ", ".join(f"{name} {value:.4g}" for name, value in measures.items())
        self.progress.say(step, words or "nothing to measure")

    def _draw(self, method: Trainable) -> None:
        picture = self.validation.picture(method)
        if picture is None:
            return
        with replacing(self.folder.picture(self.loop.step)) as path:
            Image.fromarray(picture).save(path)
        if self._log is not None:
            self._log.picture(self.loop.step, picture)

    def _check_weights(self) -> None:
        """Go no further with weights that are not finite: neither look at them nor keep them."""
        fault = snapshot.broken(self._files())
        if fault is not None:
            self.ranks.stop(
                f"diverged at step {self.loop.step}: {fault} is not finite; {self.folder.last()}"
            )

    def _save(self) -> None:
        step, files = self.loop.step, self._files()
        state = {"losses": self.journal.latest, "journal": self.journal.state()}
        self.ranks.first(lambda: self.folder.save(step, files, state, self.settings.keep))

    def _files(self) -> dict[str, dict[str, Tensor]]:
        loop = self.loop
        return snapshot.files(loop.method, loop.averages, loop.optimisers)
