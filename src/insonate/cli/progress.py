"""Progress of a command, where a person can see it."""

from __future__ import annotations

__all__ = ["Bar"]


class Bar:
    """A count of frames with its rate and, if the whole is known, the time left.

    Args:
        total: of the frames, if it is known; the bar then stays on its line at the end.
    """

    def __init__(self, total: int | None = None):
        self.total, self._bar = total, None

    def show(self, count: int) -> None:
        """Move to a number of frames; those that were there before do not count for the rate."""
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(
                total=self.total, initial=count, unit="frame", disable=None,
                leave=self.total is not None,
            )  # fmt: skip
        self._bar.update(count - self._bar.n)

    def close(self) -> None:
        """End it."""
        if self._bar is not None:
            self._bar.close()
