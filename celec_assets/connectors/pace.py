"""How fast a server may be asked, whoever asks: retries, threads and other processes of this machine count together."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from filelock import FileLock

INTERVAL_S: Final = 1.1
"""Between the starts of two requests. A tenth above one second, since what counts is when the server sees them."""

_STAMPS: Final = Path(tempfile.gettempdir(), "celec-assets-pace")


class Pace:
    """Lets a request to one server start every `INTERVAL_S` at most."""

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
            folder: where processes leave the instant of the last start; those that share it share the pace.
            clock: seconds since the epoch, the same for all processes.
        """
        self._stamp = folder / server.replace(":", "_")
        self._clock, self._sleep = clock, sleep

    def wait(self) -> None:
        """Return when the next request may start. Whoever else waits, waits behind."""
        self._stamp.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._stamp}.lock"):
            # Below zero where the clock was set back: then a whole interval is waited, and no more.
            passed = max(self._clock() - self._last(), 0.0)
            if passed < INTERVAL_S:
                self._sleep(INTERVAL_S - passed)
            self._stamp.write_text(repr(self._clock()), encoding="ascii")

    def _last(self) -> float:
        try:
            return float(self._stamp.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0.0
