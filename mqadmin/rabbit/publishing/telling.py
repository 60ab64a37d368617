"""What a mover tells those who wait for it."""

from __future__ import annotations

import threading

from mqadmin.rabbit.publishing.in_hand import Progress


class Telling:
    """How far it is. The mover's thread tells it; any thread may wait. Nothing is told after the end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._now = Progress(0, False)

    @property
    def now(self) -> Progress:
        """What was told last."""
        return self._now

    def wait(self, seconds: float) -> Progress:
        """Return how far it is: at once when it has ended, else after so many seconds."""
        with self._changed:
            if not self._now.ended:
                self._changed.wait(seconds)
            return self._now

    def tell(self, progress: Progress) -> None:
        """Tell how far it is, and wake who waits where that is the end."""
        with self._changed:
            if self._now.ended:
                return
            self._now = progress
            if progress.ended:
                self._changed.notify_all()
