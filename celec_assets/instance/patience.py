"""Connections that wait for a database which restarts: the SQLAlchemy plugin `patient` (pyproject.toml).

Dagster tries to connect six times within six to twelve seconds. A database that is away for longer, as one that is
patched or fails over, makes whatever step is running fail, and a run that fails in a step is not started again. Here
each of the six attempts waits as well: together two minutes.
"""

import time
from typing import Any, Final

from sqlalchemy import URL, Engine, event
from sqlalchemy.engine import CreateEnginePlugin

ATTEMPT_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 0.5

_WAITING_HELPS_NOT: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry", "could not translate")
"""The server, or the resolver of names, is there and says no."""


class PatientConnections(CreateEnginePlugin):
    """Makes an engine whose URL says `?plugin=patient` wait up to `ATTEMPT_SECONDS` for each connection."""

    def update_url(self, url: URL) -> URL:
        """Nothing to take out: SQLAlchemy removes `plugin` itself."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """Let every connection be made by `_connect`."""
        event.listen(engine, "do_connect", _connect)


def _connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
    deadline = time.monotonic() + ATTEMPT_SECONDS
    while True:
        try:
            return dialect.connect(*arguments, **options)
        except dialect.loaded_dbapi.OperationalError as error:
            if time.monotonic() > deadline or any(reason in str(error) for reason in _WAITING_HELPS_NOT):
                raise
        time.sleep(PAUSE_SECONDS)
