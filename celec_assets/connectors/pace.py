"""How fast a server may be asked, whoever asks: retries, threads and other processes of this machine count together."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock

INTERVAL_S: Final = 1.0
"""Between the end of a request and the start of the next. Counted from the end, since nobody knows when exactly a
server saw a request, only that it has seen one that it answered."""

_STAMPS: Final = Path(tempfile.gettempdir(), "celec-assets-pace")


class Pace:
    """Lets one request to a server go on at a time, and `INTERVAL_S` pass after it."""

    def __init__(
        self,
        server: str,
        folder: Path = _STAMPS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Say whom it is about.

        Args:
            server: host and port.
            folder: where processes leave the instant of the last request; those that share it share the pace.
            clock: seconds since the epoch, the same for all processes.
        """
        self._stamp = folder / server.replace(":", "_")
        self._clock, self._sleep = clock, sleep

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Begins when a request may start, and has to last until its answer is there. Whoever else asks waits."""
        self._stamp.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._stamp}.lock"):
            # Below zero where the clock was set back: then a whole interval is waited, and no more.
            passed = max(self._clock() - self._last(), 0.0)
            if passed < INTERVAL_S:
                self._sleep(INTERVAL_S - passed)
            try:
                yield
            finally:
                self._stamp.write_text(repr(self._clock()), encoding="ascii")

    def _last(self) -> float:
        try:
            return float(self._stamp.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0.0
