"""What a thousand stations cost, beside the same work without a platform and beside six: `make scale`.

`python -m benchmarks.scale --stations 100 range news` measures some of it with fewer stations. Runs are processes of
their own with PostgreSQL and the storage of deploy/dagster.yaml, as in production; raw files are GEOGLOWS reaches of
six years. The two sides of a ratio take turns on the same machine.
"""

import argparse
import csv
import itertools
import math
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import dagster as dg
import yaml
from threadpoolctl import threadpool_limits

from benchmarks.pipeline import LAST_DAY, TODAY, StoppedClock, run_empty_graph
from benchmarks.processes import Bench, Done
from benchmarks.readme import put_into
from benchmarks.s3 import empty_bucket
from celec_assets import sensors, workers
from celec_assets.build import build_definitions
from celec_assets.partitions import RAW_FILES, STATIONS, range_tags
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets.storage.s3 import connect
from celec_assets_tests.postgres_server import find_binaries, postgres_server

ROOT: Final = Path(__file__).parents[1]
FIRST_REACH: Final = 700_000_001
ROAD: Final = ("observations", "daily_series", "flow_model", "flow_forecast")
FEW: Final = 6
ROUNDS: Final = 7
RUNS_ALONE: Final = 20
TASK_STATIONS: Final = 100
TASK_ROUNDS: Final = 3

SIZES: Final = (1_000, 10_000, 100_000)
LARGER_BATCH: Final = 1_000
TASK_CPUS, TASK_GB, TASK_START_SECONDS, TASKS_AT_ONCE = 2, 4, 60, 6
"""A run on Fargate: as large as what is measured here, and as many at once as deploy/dagster.yaml lets backfills be."""
S3_SECONDS: Final = 0.02
"""Of a small request, within a region. What is measured here has its lake in a folder."""
MLFLOW_SECONDS, MLFLOW_REQUESTS, MLFLOW_FILES = 0.15, 11, 5
"""Of a station's first model (celec_assets/tracking/client.py), files in S3 not included. It is off in what is measured
here."""

Row = tuple[str, str, str, str]


# What the processes do.


def definitions(url: str) -> dg.Definitions:
    return build_definitions(Settings(lake_url=url, mlflow_url="off"), clock=StoppedClock())


def database() -> dg.DagsterInstance:
    """Dagster's, as the environment names it."""
    folder = tempfile.mkdtemp()
    storage = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())["storage"]
    Path(folder, "dagster.yaml").write_text(yaml.safe_dump({"storage": storage, "telemetry": {"enabled": False}}))
    return dg.DagsterInstance.from_config(folder)


def platform(url: str, assets: Sequence[str] = ROAD, first: int = 0, last: int | None = None) -> dict[str, float]:
    """The runs over all partitions, asset by asset. Returns the seconds of each."""
    defs = definitions(url)
    job = defs.resolve_implicit_global_asset_job_def()
    seconds = {}
    with database() as instance:
        if "observations" in assets:
            names = [file.name for file in Lake.open(url).raw.list()]
            instance.add_dynamic_partitions(str(RAW_FILES.name), names)
        for asset in assets:
            started = time.perf_counter()
            known = instance.get_dynamic_partitions(str((RAW_FILES if asset == "observations" else STATIONS).name))
            for tags in range_tags(known, known[first:last], Settings().partitions_per_run):
                run(job, instance, [asset], tags)
            seconds[asset] = round(time.perf_counter() - started, 1)
    return seconds


def run(job: dg.JobDefinition, instance: dg.DagsterInstance, assets: Sequence[str], tags: dict[str, str]) -> None:
    keys = [dg.AssetKey(asset) for asset in assets]
    done = job.execute_in_process(asset_selection=keys, instance=instance, tags=tags)
    assert done.success


def counted(url: str, assets: Sequence[str]) -> Counter[str]:
    """The same in S3. Returns the requests, by the name under which they are paid."""
    requests: Counter[str] = Counter()

    def count(request: Any, **_: Any) -> None:
        is_listed = request.method == "PUT" or "list-type" in request.url
        requests["put" if is_listed else request.method.lower()] += 1

    connect(None).meta.events.register("before-send.s3", count)
    platform(url, assets)
    return requests


def script(folder: str) -> None:
    """The same work by hand, in two processes, as one would write it."""
    names = raw_files(folder)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(by_hand, [folder] * len(names), names))


def loop(folder: str, first: int, last: int) -> None:
    """The same for some of the stations, in this process."""
    for name in raw_files(folder)[first:last]:
        by_hand(folder, name)


def raw_files(folder: str) -> list[str]:
    return sorted(path.relative_to(Path(folder, "raw")).as_posix() for path in Path(folder, "raw").rglob("*.csv"))


def by_hand(folder: str, name: str) -> None:
    from celec_assets.catalogue import station as find_station
    from celec_assets.forecasting.training import issue, train
    from celec_assets.series.cleaning import clean
    from celec_assets.sources import read_raw_file
    from celec_assets.storage.formats import to_json, to_parquet

    readings = read_raw_file(name, Path(folder, "raw", name).read_bytes(), TODAY)[1].assign(raw_file=name)
    (station,) = set(readings["station"])
    series = clean(find_station(station), readings, {})
    model = train(station, series, {})
    forecast = issue(model, series, {}, made_on=TODAY)
    results = {"readings": to_parquet(readings), "series": to_parquet(series), "model": to_json(model)}
    for what, content in {**results, "forecast": to_parquet(forecast)}.items():
        Path(folder, f"{station}.{what}").write_bytes(content)


def empty(stations: int) -> None:
    """The same graph, partitions, runs, events and checks, in which nothing is done."""
    names = [f"geoglows/{reach}.csv" for reach in range(FIRST_REACH, FIRST_REACH + stations)]
    with database() as instance:
        run_empty_graph(
            instance, names, [f"geoglows-{reach}" for reach in range(FIRST_REACH, FIRST_REACH + stations)], ROAD
        )


def on_one_core(work: Callable[..., Any], *arguments: Any) -> Any:
    """As a task does it that has no more: no workers, and one thread in BLAS, as in the image.

    Which core that is, is left to the system: database and S3, elsewhere on Fargate, need some of both.
    """
    threadpool_limits(1)
    with patch.object(workers, "_cores", lambda: 1):
        return work(*arguments)


def fill(folder: Path, stations: int) -> str:
    """A lake of raw files and nothing else."""
    made = sample_files(last_day=LAST_DAY, reaches=range(FIRST_REACH, FIRST_REACH + max(stations, 2)))
    for name, content in itertools.islice((file for file in made if file[0].startswith("geoglows/")), stations):
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


# What is measured.


class Scale:
    """The measurements, which share the lakes that were made before."""

    def __init__(self, bench: Bench, folder: Path, stations: int) -> None:
        self._bench, self._folder, self._stations = bench, folder, stations
        self._made: dict[int, tuple[str, str, Done]] = {}

    def lake(self, stations: int) -> tuple[str, str, Done]:
        """A lake in which that many stations have forecasts, its database, and what it took to make."""
        if stations not in self._made:
            url, name = fill(self._folder / f"lake-{stations}", stations), self._bench.new_database()
            self._made[stations] = (url, name, said := self._bench(name, platform, url))
            print(f"{stations} stations: {said.seconds:.0f} s, {said.peak_mb:.0f} MB, {said.result}", flush=True)
        return self._made[stations]

    def range(self) -> Iterator[Row]:
        n = self._stations
        by_hand = self._bench(self._bench.new_database(), script, fill(self._folder / "by-hand", n))
        nothing = self._bench(empty_name := self._bench.new_database(), empty, n)
        _, name, ours = self.lake(n)
        assert self._bench.told(empty_name) == self._bench.told(name)
        print(f"by hand {by_hand.seconds:.0f} s, empty graph {nothing.seconds:.0f} s", flush=True)
        what = f"{n} stations, from raw files to forecasts ({1000 * ours.seconds / n:.0f} ms a station)"
        yield (
            what,
            "a plain loop in two processes, and the same graph and checks with empty bodies",
            f"{ours.seconds / (by_hand.seconds + nothing.seconds):.2f}",
            "at most 1.15",
        )
        yield what, "the plain loop alone", f"{ours.seconds / by_hand.seconds:.2f}", "at most 2"

    def alone(self) -> Iterator[Row]:
        """A run for each station, as the default launcher starts them: a process each."""
        ours = self.lake(self._stations)[2]
        name = self._bench.new_database()
        prepared = fill(self._folder / "alone", RUNS_ALONE)
        self._bench(name, platform, prepared, ("observations",))
        started = time.perf_counter()
        for reach in range(FIRST_REACH, FIRST_REACH + RUNS_ALONE):
            self._bench(name, one_run, prepared, f"geoglows-{reach}")
        each = (time.perf_counter() - started) / RUNS_ALONE
        yield (
            f"one run a station, extrapolated from {RUNS_ALONE} ({each:.1f} s each)",
            f"{self._stations} stations in ranges",
            f"{each * self._stations / ours.seconds:.1f}",
            "at least 10",
        )

    def memory(self) -> Iterator[Row]:
        fewer = self._stations // 5
        many, few = (self.lake(stations)[2].peak_mb for stations in (self._stations, fewer))
        what = f"peak memory with {self._stations} stations ({many:.0f} MB, workers included)"
        yield what, f"with {fewer}", f"{many / few:.2f}", "at most 1.2"

    def news(self) -> Iterator[Row]:
        """One station among many, and among few: its series, and its road from a new file to the forecast."""
        sides = [self.lake(stations)[:2] for stations in (self._stations, FEW)]
        started = [self._bench.start(name, one_station, url) for url, name in sides]
        many, few = (side.done().result for side in started)
        for (what, bound), ours, theirs in zip(NEWS, many, few, strict=True):
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            shown = f"{what} ({1000 * statistics.median(ours):.0f} ms among {self._stations})"
            yield shown, f"the same among {FEW}", f"{ratio:.2f}", f"at most {bound}"

    def tasks(self) -> Iterator[Row]:
        """One task and two at once, of one core each, beside two plain loops: what this machine's cores can give.

        On PostgreSQL and a folder: an S3 of this machine would take a fifth of both cores for itself, and AWS's takes
        none of Fargate's.
        """
        url, name = fill(self._folder / "tasks", TASK_STATIONS), self._bench.new_database()

        def gain(work: Callable[..., Any], *arguments: Any) -> float:
            halves = ((0, TASK_STATIONS // 2), (TASK_STATIONS // 2, TASK_STATIONS))
            one = self._bench(name, on_one_core, work, url, *arguments, 0, TASK_STATIONS).seconds
            began = time.perf_counter()
            both = [self._bench.start(name, on_one_core, work, url, *arguments, *half) for half in halves]
            for task in both:
                task.done()
            return one / (time.perf_counter() - began)

        self._bench(name, on_one_core, platform, url)  # partitions and tables are there
        rounds = [(gain(platform, ROAD), gain(loop)) for _ in range(TASK_ROUNDS)]
        print("tasks", [f"{ours:.2f} (plain {plain:.2f})" for ours, plain in rounds], flush=True)
        ours, plain = (statistics.median(side) for side in zip(*rounds, strict=True))
        yield (
            f"{TASK_STATIONS} stations, from raw files to forecasts, as one run task",
            f"as two at once (plain loops gain {plain:.2f} on these two cores)",
            f"{ours:.2f}",
            "at least 1.6",
        )

    def requests(self) -> dict[str, float]:
        """What a station's road asks of S3."""
        with empty_bucket() as url:
            lake = Lake.open(url)
            for path in sorted(Path(fill(self._folder / "s3", FEW), "raw").rglob("*.csv")):
                lake.raw.deliver(f"{path.parent.name}/{path.name}", path.read_bytes())
            asked: Counter[str] = self._bench(self._bench.new_database(), on_one_core, counted, url, ROAD).result
        return {kind: asked[kind] / FEW for kind in ("put", "get")}

    def fargate(self) -> list[str]:
        """What more stations take, from what was measured here."""
        _, name, ours = self.lake(self._stations)
        rows, size = (value / self._stations for value in self._bench.rows_and_bytes(name))
        return fargate(ours.seconds / self._stations, self.requests(), rows, size)


def fargate(seconds: float, requests: dict[str, float], rows: float, size: float) -> list[str]:
    """What more stations take in production.

    Args:
        seconds: of a task for a station, with its lake in a folder and without MLflow; so all further ones.
        requests: to S3.
        rows: in the database.
        size: of these, in bytes.
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
        return len(ROAD) * math.ceil(stations / batch)

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
    with (ROOT / "terraform/bill/prices.csv").open(newline="") as file:
        return {row[0]: float(row[1]) for row in itertools.islice(csv.reader(file), 1, None)}


NEWS: Final = (
    ("one station's series", 1.2),
    ("a new file of one station, from the sensor's tick to the forecast", 1.5),
)


def one_run(url: str, station: str) -> None:
    defs = definitions(url)
    with database() as instance:
        ends = {f"dagster/asset_partition_range_{end}": station for end in ("start", "end")}
        run(defs.resolve_implicit_global_asset_job_def(), instance, ROAD[1:], ends)


def one_station(url: str) -> tuple[list[float], list[float]]:
    """Seconds of each round: of a station's series, and from a new file of it to its forecast."""
    station, defs = f"geoglows-{FIRST_REACH + 2}", definitions(url)
    job = defs.resolve_implicit_global_asset_job_def()
    ends = {f"dagster/asset_partition_range_{end}": station for end in ("start", "end")}
    path = Path(url, "raw", "geoglows", f"{FIRST_REACH + 2}_retrospective_data_muestra.csv")
    series, news = [], []
    with database() as instance:
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            run(job, instance, ["daily_series"], ends)
            series.append(time.perf_counter() - started)
        sensor, conditions = Sensor(defs, instance), None
        while sensor.tick():  # until it has seen everything
            pass
        conditions = dg.evaluate_automation_conditions(defs, instance).cursor
        for back in range(ROUNDS + 1):
            # A day less each time: it is news all the same.
            path.write_text("\n".join([*path.read_text().splitlines()[:-1], ""]))
            os.utime(path, None)
            time.sleep(0.01)
            started = time.perf_counter()
            (tags,) = sensor.tick()
            run(job, instance, ["observations"], tags)
            result = dg.evaluate_automation_conditions(defs, instance, cursor=conditions)
            conditions = result.cursor
            wanted = {asset for asset in ROAD[1:] if result.get_requested_partitions(dg.AssetKey(asset)) == {station}}
            assert wanted == {"daily_series", "flow_forecast"}, (back, wanted)
            run(job, instance, sorted(wanted), ends)
            news.append(time.perf_counter() - started)
    return series[1:], news[1:]  # libraries load in the first round


class Sensor:
    """`new_raw_files`, ticked as the daemon does, and as if the files had settled."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._resources = {name: (defs.resources or {})[name] for name in ("lake", "batch")}
        self._instance, self._cursor = instance, None

    def tick(self) -> list[dict[str, str]]:
        context = dg.build_sensor_context(self._instance, cursor=self._cursor, resources=self._resources)
        with patch.object(sensors, "_now", lambda: datetime.now(UTC) + sensors.SETTLED_AFTER):
            before, result = self._cursor, sensors.new_raw_files(context)
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor
        found = [dict(request.tags) for request in result.run_requests or []]
        return found if found or before == self._cursor else self.tick()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    names = ("range", "alone", "memory", "news", "tasks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
    parser.add_argument("--stations", type=int, default=1000, metavar="N", help="(%(default)s)")
    options = parser.parse_args()
    binaries = find_binaries()
    if not binaries:
        sys.exit("no PostgreSQL on this machine: initdb and postgres are not found")
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(stack.enter_context(postgres_server(binaries)), folder)
        scale = Scale(bench, folder, options.stations)
        for name in options.names or names:
            for row in getattr(scale, name)():
                rows.append(row)
                print("| " + " | ".join(row) + " |", flush=True)
        if not options.names:
            head = ["| what | against | ratio | bound |", "|---|---|---|---|"]
            table = [*head, *("| " + " | ".join(row) + " |" for row in rows)]
            put_into(ROOT / "docs/scaling.md", "scale", "\n".join(table))
            put_into(ROOT / "docs/scaling.md", "fargate", "\n".join(scale.fargate()))
    return int(any(is_missed(ratio, bound) for *_, ratio, bound in rows))


def is_missed(ratio: str, bound: str) -> bool:
    word, _, limit = bound.rpartition(" ")
    return float(ratio) > float(limit) if word == "at most" else float(ratio) < float(limit)


if __name__ == "__main__":
    sys.exit(main())
