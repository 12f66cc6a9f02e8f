"""How fast a server may be asked, whoever asks: retries, threads, other processes and other users of this machine count
together.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from celec_assets.refusal import Refusal

INTERVAL_S: Final = 1.0
"""Between the end of a request and the start of the next. Counted from the end, since nobody knows when exactly a
server saw a request, only that it has seen one that it answered."""

FOLDER: Final = Path(tempfile.gettempdir())
"""Where all users of this machine can leave files."""

_DIGITS: Final = 20
"""Of an instant. All are as long, so that one replaces another in a single write."""


class Pace:
    """Lets one request to a server go on at a time, and `INTERVAL_S` pass after it."""

    def __init__(
        self,
        server: str,
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Say whom it is about.

        Args:
            server: host and port. A name and password before them are nobody else's business.
            folder: where processes leave the instant of the last request; those that share it share the pace.
            clock: seconds since the epoch, the same for all processes.
        """
        name = server.rpartition("@")[2].replace(":", "_")
        self._stamp = (folder or FOLDER) / f"celec-assets-pace-{name}"
        self._clock, self._sleep = clock, sleep

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Begins when a request may start, and has to last until its answer is there. Whoever else asks waits.

        Raises:
            Refusal: the file that all users share cannot be used. Going on without would be faster than promised.
        """
        try:
            stamp = _open_for_all(self._stamp)
        except OSError as error:
            raise Refusal(
                f"{self._stamp}: {error.strerror}. By this file all users of this machine together ask no faster than "
                "they may: have it deleted, and the next request makes a new one"
            ) from None
        try:
            fcntl.flock(stamp, fcntl.LOCK_EX)  # ends with the process at the latest, however that ends
            # Below zero where the clock was set back: then a whole interval is waited, and no more.
            passed = max(self._clock() - _instant(stamp), 0.0)
            if passed < INTERVAL_S:
                self._sleep(INTERVAL_S - passed)
            try:
                yield
            finally:
                os.pwrite(stamp, f"{self._clock():0{_DIGITS}.6f}".encode(), 0)
        finally:
            os.close(stamp)


def _open_for_all(path: Path) -> int:
    """The file, made for every user by whoever comes first.

    Without O_CREAT at first: in a folder like /tmp Linux refuses it for a file of somebody else (fs.protected_regular).
    No link is followed: whoever laid it there could have us write elsewhere.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CREAT)
        os.fchmod(file, 0o666)  # whatever the umask
        return file


def _instant(stamp: int) -> float:
    try:
        return float(os.pread(stamp, _DIGITS, 0))
    except ValueError:  # new, or damaged
        return 0.0
