"""A station's road, from a raw file that changed to the report, in S3 beside a folder: `python -m benchmarks.s3`."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import boto3
import dagster as dg

from celec_assets.build import build_definitions
from celec_assets.partitions import RAW_FILES, STATIONS
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.sources import read_raw_file
from celec_assets.storage.lake import Lake
from celec_assets.storage.s3 import connect
from celec_assets_tests.s3_server import BUCKET, ENVIRONMENT, s3_server

LAST_DAY = date(2025, 12, 31)
STATIONS_WITH = {"coca": "a station's only raw file", "mazar": "one of a station's 72 raw files"}
ROAD = ("daily_series", "flow_model", "flow_forecast", "forecast_scorecard", "low_flow_warnings")
ROUNDS = 7


@contextmanager
def empty_bucket() -> Iterator[str]:
    """The URL of a lake in it: S3's protocol, on loopback, by a server in its own process."""
    with s3_server() as endpoint, patch.dict(os.environ, ENVIRONMENT | {"AWS_ENDPOINT_URL_S3": endpoint}):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}/lake"


class Road:
    """A lake whose raw files are read, and the runs that follow when one of them is put once more."""

    def __init__(self, url: str, instance: dg.DagsterInstance) -> None:
        self._lake = lake = Lake.open(url)
        self._instance = instance
        self._job = build_definitions(Settings(lake_url=url, mlflow_url="off")).resolve_implicit_global_asset_job_def()
        self._newest: dict[str, tuple[str, bytes]] = {}
        for name, content in sample_files(last_day=LAST_DAY, reaches=()):
            source, readings = read_raw_file(name, content, LAST_DAY)
            record, stations = lake.observations.write(name, lake.raw.sha256(content), source, readings)
            lake.observations.settle(name, record)
            instance.add_dynamic_partitions(str(RAW_FILES.name), [name])
            instance.add_dynamic_partitions(str(STATIONS.name), sorted(stations))
            self._newest.update(dict.fromkeys(stations, (name, content)))
        for station in instance.get_dynamic_partitions(str(STATIONS.name)):
            lake.observations.gather(station)

    def seconds(self, station: str, number: int) -> float:
        """Of everything that a changed raw file sets going. It lacks a day every other time."""
        name, content = self._newest[station]
        lines = content.splitlines(keepends=True)
        if number % 2:
            del lines[len(lines) // 2]
        started = time.perf_counter()
        self._lake.store.put(f"raw/{name}", b"".join(lines))
        self._make("observations", name)
        for asset in ROAD:
            self._make(asset, station)
        self._make("forecast_report", None)
        return time.perf_counter() - started

    def _make(self, asset: str, partition: str | None) -> None:
        run = self._job.execute_in_process(
            asset_selection=[dg.AssetKey(asset)],
            instance=self._instance,
            partition_key=partition,
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        )
        assert run.success


def measure() -> list[tuple[str, str, float, float]]:
    """What, against what, ratio and bound; the two sides take turns."""
    rows = []
    with ExitStack() as stack:
        url = stack.enter_context(empty_bucket())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        there, here = (Road(where, stack.enter_context(dg.DagsterInstance.ephemeral())) for where in (url, folder))
        requests: list[str] = []
        events: Any = connect(None).meta.events
        events.register("before-send.s3", lambda request, **_: requests.append(request.method))
        for station, files in STATIONS_WITH.items():
            here.seconds(station, 0), there.seconds(station, 0)  # libraries load
            requests.clear()
            pairs = [(there.seconds(station, n), here.seconds(station, n)) for n in range(1, ROUNDS + 1)]
            print(station, [f"{s3:.2f} s / {folder:.2f} s" for s3, folder in pairs], flush=True)
            what = f"in S3, {files} changes, and what follows up to the report ({len(requests) // ROUNDS} requests)"
            rows.append((what, "the same in a folder", statistics.median(s3 / folder for s3, folder in pairs), 1.5))
    return rows


if __name__ == "__main__":
    print(measure())
