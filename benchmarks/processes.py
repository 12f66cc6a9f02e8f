"""Processes of a benchmark: with a database of their own, and what is seen of them from outside, time and memory."""

import itertools
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from celec_assets_tests.postgres_server import Postgres


class Done(NamedTuple):
    """What a process came to: wall time, and the most memory that it and its workers had at once (PSS)."""

    seconds: float
    peak_mb: float
    result: Any


class Bench:
    """Processes with databases of their own on one server."""

    def __init__(self, postgres: Postgres, logs: Path) -> None:
        self._postgres, self._logs = postgres, logs
        self._numbers = itertools.count()

    def rows_and_bytes(self, database: str) -> tuple[int, int]:
        """In Dagster's tables of events and of checks, indexes included."""
        rows = size = 0
        for table in ("event_logs", "asset_check_executions"):
            ((more, larger),) = self._postgres.sql(
                f"select count(*)::int, pg_total_relation_size('{table}')::int from {table}", database
            )
            rows, size = rows + int(str(more)), size + int(str(larger))
        return rows, size

    def told(self, database: str) -> list[tuple[Any, ...]]:
        """How many materializations and verdicts there are in it, by asset."""
        return self._postgres.sql(
            "select dagster_event_type, asset_key, count(*)::int from event_logs where dagster_event_type in "
            "('ASSET_MATERIALIZATION', 'ASSET_CHECK_EVALUATION') group by 1, 2 order by 1, 2",
            database,
        )

    def new_database(self) -> str:
        self._postgres.sql(f"create database {(name := f'bench{next(self._numbers)}')}", database="postgres")
        return name

    def start(self, database: str, work: Callable[..., Any], *arguments: Any) -> "Started":
        # Runs keep their connection, and what makes a process a run is that another one started it.
        with patch.dict(os.environ, {**self._postgres.environment, "DAGSTER_PG_DB": database}):
            return Started(self._logs / f"{database}.log", work, *arguments)

    def __call__(self, database: str, work: Callable[..., Any], *arguments: Any) -> Done:
        return self.start(database, work, *arguments).done()


class Started:
    def __init__(self, log: Path, work: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._log, self._started = log, time.perf_counter()
        self._process = context.Process(target=_child, args=(theirs, log, work, arguments))
        self._process.start()
        theirs.close()

    def done(self) -> Done:
        peak = 0.0
        while not self._ours.poll(0.5):
            peak = max(peak, sum(map(pss_mb, family(self._process.pid or 0))))
        try:
            result = self._ours.recv()
        except EOFError:
            raise RuntimeError(f"a process of the benchmark ended early:\n{self._log.read_text()[-3000:]}") from None
        self._process.join()
        return Done(time.perf_counter() - self._started, peak, result)


def _child(pipe: Any, log: Path, work: Callable[..., Any], arguments: Sequence[Any]) -> None:
    # Runs print every event, which is part of what they cost.
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = "100"  # as in production
    pipe.send(work(*arguments))


def family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in itertools.chain(*children):
        yield from family(int(child))


def pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
