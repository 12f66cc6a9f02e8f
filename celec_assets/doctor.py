"""The self-test `celec doctor`: whether what the platform stands on works here, each by a small deed."""

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import dagster as dg
from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

from celec_assets.resources import ECUADOR
from celec_assets.storage.store import ObjectStore

PROBE: Final = "doctor"
"""What the probe objects begin with; no layer of the lake has this name."""

SKEW: Final = timedelta(minutes=5)
"""A clock that is further off is refused by S3, and the sensor would take new files for old ones."""


class Verdict(StrEnum):
    """What a check found. Only `FAILED` means that the platform cannot work here."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What one check found, in a sentence."""

    check: str
    verdict: Verdict
    what: str


def examine(
    mlflow_url: str,
    open_instance: Callable[[], AbstractContextManager[dg.DagsterInstance]],
    open_store: Callable[[], ObjectStore],
) -> list[Finding]:
    """Every check, each whether or not the others passed.

    Args:
        mlflow_url: as in the settings.
        open_instance: how Dagster's instance is found.
        open_store: how the lake is.
    """
    return [
        _finding("libraries", lambda: libraries_are_locked(lock_file())),
        _finding("Stan", stan_fits),
        _finding("lake", lambda: lake_keeps(open_store())),
        _finding("clock", lambda: clock_agrees(open_store())),
        _finding("database", lambda: database_answers(open_instance)),
        _finding("MLflow", lambda: mlflow_answers(mlflow_url), otherwise=Verdict.WARNED),
    ]


def show(findings: list[Finding], console: Console) -> int:
    """Print them as a table. Returns the exit code: 0 when nothing failed."""
    colours = {Verdict.PASSED: "green", Verdict.WARNED: "yellow", Verdict.FAILED: "red"}
    table = Table("check", "verdict", "what")
    for finding in findings:
        colour = colours[finding.verdict]
        table.add_row(finding.check, f"[{colour}]{finding.verdict}[/{colour}]", finding.what)
    console.print(table)
    return int(any(finding.verdict is Verdict.FAILED for finding in findings))


class Unsound(Exception):
    """What a check was looking for; the message says what to do."""


def _finding(check: str, examine: Callable[[], str], otherwise: Verdict = Verdict.FAILED) -> Finding:
    try:
        return Finding(check, Verdict.PASSED, examine())
    except Unsound as error:
        return Finding(check, otherwise, str(error))
    # Whatever goes wrong in a library is what this is for.
    except Exception as error:
        return Finding(check, otherwise, f"{type(error).__name__}: {error}")


def lock_file() -> Path:
    """In a clone beside the package; elsewhere where the installation put it."""
    clone = Path(__file__).parents[1] / "requirements.txt"
    return clone if clone.exists() else Path(sys.prefix) / "share" / "celec_assets" / clone.name


def libraries_are_locked(lock: Path) -> str:
    """Every library that the lock names for this Python and system has the version that it names."""
    wanted = [Requirement(line.rstrip(" \\")) for line in lock.read_text("utf-8").splitlines() if line[:1].isalnum()]
    needed = [requirement for requirement in wanted if requirement.marker is None or requirement.marker.evaluate()]
    wrong = []
    for requirement in needed:
        try:
            there = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(there, prereleases=True):
            wrong.append(f"{requirement.name} is {there}, not {requirement.specifier}".replace("==", ""))
    if wrong:
        raise Unsound(f"{', '.join(wrong[:5])}{' ...' if wrong[5:] else ''}: install {lock} again")
    return f"{len(needed)} as locked"


def stan_fits() -> str:
    """Prophet finds a weekly wave that is known."""
    import numpy as np

    from celec_assets.forecasting.season import WEEK_DAYS, curve, fit_season

    days = np.arange(20_000.0, 20_056.0)
    wave = 4 + 0.3 * np.sin(2 * np.pi * days / WEEK_DAYS)
    off = float(np.abs(curve(fit_season(days, wave), days) - wave).max())
    if off > 1e-3:
        raise Unsound(f"a fit by Prophet is {off:.3g} off a wave without noise: install prophet again")
    return "Prophet finds a wave that is known"


def lake_keeps(store: ObjectStore) -> str:
    """An object can be put, read and deleted."""
    with _probe(store) as key:
        if store.get(key) != b"probe":
            raise Unsound(f"{store.url} answers with something else than was put")
    if store.exists(key):
        raise Unsound(f"{store.url} keeps what was deleted")
    return f"{store.url} can be read and written"


def clock_agrees(store: ObjectStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """The lake dates what is put now as this machine would, and Ecuador's day is known."""
    hours = datetime(2026, 1, 1, tzinfo=ECUADOR).utcoffset()
    if hours != timedelta(hours=-5):
        raise Unsound(f"America/Guayaquil is at {hours} to UTC here, not at -5 hours: install tzdata again")
    with _probe(store) as key:  # beside what one that was killed left behind
        dated = next(info.modified for info in store.list(f"{PROBE}/") if info.key == key)
    skew = now() - dated
    if abs(skew) > SKEW:
        raise Unsound(f"this machine's clock is {skew.total_seconds():+.0f} s from the lake's: set it (NTP)")
    return f"{now().astimezone(ECUADOR):%Y-%m-%d %H:%M} in Ecuador"


def database_answers(open_instance: Callable[[], AbstractContextManager[dg.DagsterInstance]]) -> str:
    """Dagster's history of runs can be asked."""
    with open_instance() as instance:
        count = instance.get_runs_count()
        return f"{type(instance.run_storage).__name__}, {count} runs"


def mlflow_answers(url: str) -> str:
    """The server says that it is well. Forecasts do not need it."""
    if not url.startswith("http"):
        return f"{url}: no server to reach"
    with urlopen(f"{url.rstrip('/')}/health", timeout=10) as answer:  # noqa: S310 - Settings let nothing else through
        return f"{url} says {answer.read(100).decode()}"


@contextmanager
def _probe(store: ObjectStore) -> Iterator[str]:
    """An object that is there for a moment: its key."""
    key = f"{PROBE}/{uuid.uuid4().hex}"
    store.put(key, b"probe")
    try:
        yield key
    finally:
        store.delete(key)
