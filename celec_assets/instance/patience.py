"""A database that restarts is waited for: the SQLAlchemy plugin `patient` (pyproject.toml, deploy/dagster.yaml).

Dagster asks for a connection six times within six to twelve seconds. After that, or when a statement is broken off,
whatever step is running fails, and a run that fails in a step is not started again: a restart of the database would
lose it. Here a run waits for two minutes, and webserver and daemon for as long by their six attempts. A run that waits
in vain, or cannot know whether its last statement was carried out, ends its process; then it counts as killed, and is
started again.

A run also keeps its connection: Dagster makes two or three for every event, which takes ten times as long as the event.
"""

import multiprocessing
import os
import sys
import time
from typing import Any, Final, NoReturn

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.engine import URL, CreateEnginePlugin
from sqlalchemy.pool import NullPool, Pool, QueuePool

ATTEMPT_SECONDS: Final = 20.0
RUN_SECONDS: Final = 120.0
PAUSE_SECONDS: Final = 0.5

_WAITING_HELPS_NOT: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry", "could not translate")
"""The server, or the resolver of names, is there and says no. Of a connection that failed, libpq tells no code, only a
message: it is known in English, as RDS and the images have it, and in another language waited for.
"""


class PatientConnections(CreateEnginePlugin):
    """What an engine whose URL says `?plugin=patient` does differently."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        """Keep one connection in a run, where Dagster says that none is kept. Others live for one use, as they did."""
        super().__init__(url, kwargs)
        if _is_run() and kwargs.get("poolclass") is NullPool:
            kwargs |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": -1}

    def update_url(self, url: URL) -> URL:
        """Nothing to take out: SQLAlchemy removes `plugin` itself."""
        return url

    def handle_pool_kwargs(self, pool_cls: type[Pool], pool_args: dict[str, Any]) -> None:  # noqa: ARG002 - SQLAlchemy's signature
        """Try a connection that was kept before it is used: else the UI's next pages are errors after a restart."""
        pool_args["pre_ping"] = True

    def engine_created(self, engine: Engine) -> None:
        """Be there when connections are made and when statements fail."""
        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "handle_error", _on_error)


def _connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
    seconds = RUN_SECONDS if _is_run() else ATTEMPT_SECONDS
    deadline = time.monotonic() + seconds
    while True:
        try:
            return dialect.connect(*arguments, **options)
        except dialect.loaded_dbapi.OperationalError as error:
            if any(reason in str(error) for reason in _WAITING_HELPS_NOT):
                raise
            if time.monotonic() > deadline:
                if _is_run():
                    _end(f"the database did not come back within {seconds:.0f} seconds: {error}")
                raise
        time.sleep(PAUSE_SECONDS)


def _on_error(context: ExceptionContext) -> None:
    # A run that is stopped in the middle of a statement has lost its connection too, for SQLAlchemy: it is to end as
    # Dagster ends it, canceled.
    is_stopped = not isinstance(context.original_exception, Exception)
    if context.connection is not None and context.is_disconnect and not is_stopped and _is_run():
        _end(f"the database broke off a statement: {context.original_exception}")


def _is_run() -> bool:
    # A task of its own, or a child of the code location's server.
    return "execute_run" in sys.argv or multiprocessing.parent_process() is not None


def _end(reason: str) -> NoReturn:
    print(f"This run ends here, to be started again: {reason}", file=sys.stderr, flush=True)
    os._exit(os.EX_TEMPFAIL)
