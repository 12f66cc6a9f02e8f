"""What more stations take on Fargate, computed from what `scale` has measured: the second table of docs/scaling.md."""

import csv
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

from celec_assets.settings import Settings

PRICES: Final = Path(__file__).parents[1] / "terraform/bill/prices.csv"
SIZES: Final = (1_000, 10_000, 100_000)
LARGER_BATCH: Final = 1_000
TASK_CPUS, TASK_GB, TASK_START_SECONDS, TASKS_AT_ONCE = 2, 4, 60, 6
"""A run: as large as what is measured here, and as many at once as deploy/dagster.yaml lets backfills be."""
S3_SECONDS: Final = 0.02
"""Of a small request, within a region. What is measured here has its lake in a folder."""
MLFLOW_SECONDS, MLFLOW_REQUESTS, MLFLOW_FILES = 0.15, 11, 5
"""Of a station's first model (celec_assets/tracking/client.py), files in S3 not included. It is off in what is measured
here."""


def table(seconds: float, requests: dict[str, float], rows: float, size: float, assets: int) -> list[str]:
    """What more stations take in production.

    Args:
        seconds: of a task for a station, with its lake in a folder and without MLflow; so all further ones.
        requests: to S3.
        rows: in the database.
        size: of these, in bytes.
        assets: that are made of a station, each in runs of its own.
    """
    batch, price = Settings().partitions_per_run, prices()
    hour = TASK_CPUS * price["fargate-arm-vcpu"] + TASK_GB * price["fargate-arm-gb"] + price["public-ipv4"]
    puts, gets = requests["put"] + MLFLOW_FILES, requests["get"]
    parts = {
        f"hours of work ({1000 * seconds:.0f} ms a station)": seconds,
        f"hours of waiting for S3 ({puts + gets:.0f} requests a station, {1000 * S3_SECONDS:.0f} ms each)": (
            S3_SECONDS * (puts + gets)
        ),
        f"hours of waiting for MLflow ({1000 * MLFLOW_SECONDS:.0f} ms a station)": MLFLOW_SECONDS,
    }

    def runs(stations: int, batch: int = batch) -> int:
        return assets * math.ceil(stations / batch)

    def starts(stations: int, batch: int = batch) -> float:
        return runs(stations, batch) * TASK_START_SECONDS / 3600

    def hours(stations: int, batch: int = batch) -> float:
        return stations * sum(parts.values()) / 3600 + starts(stations, batch)

    def minutes(stations: int) -> float:
        return 60 * hours(stations) / min(TASKS_AT_ONCE, math.ceil(stations / batch))

    lines: dict[str, Callable[[int], str]] = {
        f"runs of {batch} stations, an asset each": lambda n: f"{runs(n):,}",
        **{what: lambda n, each=each: f"{n * each / 3600:,.2f}" for what, each in parts.items()},
        f"hours of starting ({TASK_START_SECONDS} s a run)": lambda n: f"{starts(n):,.2f}",
        "task-hours in all": lambda n: f"{hours(n):,.1f}",
        f"the same in runs of {LARGER_BATCH:,} stations": lambda n: f"{hours(n, LARGER_BATCH):,.1f}",
        f"minutes, {TASKS_AT_ONCE} tasks at once": lambda n: f"{minutes(n):,.0f}",
        "dollars, tasks with their addresses": lambda n: f"{hour * hours(n):,.2f}",
        f"S3 requests ({puts:.0f} PUT and LIST, {gets:.0f} GET a station)": lambda n: f"{n * (puts + gets):,.0f}",
        "dollars, S3 requests": lambda n: f"{n * (5e-6 * puts + 4e-7 * gets):,.2f}",
        f"requests to MLflow ({MLFLOW_REQUESTS} a first model)": lambda n: f"{n * MLFLOW_REQUESTS:,}",
        f"rows in the database ({rows:.0f} a station)": lambda n: f"{n * rows:,.0f}",
        f"GB in the database ({size / 1000:.0f} kB a station)": lambda n: f"{n * size / 1e9:,.2f}",
    }
    head = ["| stations | " + " | ".join(f"{n:,}" for n in SIZES) + " |", "|---|" + "---:|" * len(SIZES)]
    return [*head, *(f"| {what} | " + " | ".join(map(of, SIZES)) + " |" for what, of in lines.items())]


def prices() -> dict[str, float]:
    """A unit of each thing that AWS sells, in dollars."""
    with PRICES.open(newline="") as file:
        return {row[0]: float(row[1]) for row in itertools.islice(csv.reader(file), 1, None)}
