"""What the processes of `scale` do: runs of the platform over stations of GEOGLOWS, and the same by hand."""

import itertools
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import dagster as dg
import yaml
from threadpoolctl import threadpool_limits

from benchmarks.pipeline import LAST_DAY, TODAY, run_empty_graph
from celec_assets import sensors, workers
from celec_assets.build import build_definitions
from celec_assets.partitions import RAW_FILES, STATIONS, range_tags
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets.storage.s3 import connect
from celec_assets_tests.still import StoppedClock

FIRST_REACH: Final = 700_000_001
ROAD: Final = ("observations", "daily_series", "flow_model", "flow_forecast")
ROUNDS: Final = 7
DEPLOY: Final = Path(__file__).parents[1] / "deploy"


def definitions(url: str) -> dg.Definitions:
    return build_definitions(Settings(lake_url=url, mlflow_url="off"), clock=StoppedClock(day=str(TODAY)))


def database() -> dg.DagsterInstance:
    """Dagster's, as the environment names it."""
    folder = tempfile.mkdtemp()
    storage = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["storage"]
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
