"""A station's road, from its stored readings to its forecast, in S3 beside a folder. Run by `benchmarks`."""

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
from celec_assets.partitions import STATIONS
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.sources import read_raw_file
from celec_assets.storage.lake import Lake
from celec_assets.storage.s3 import connect
from celec_assets_tests.s3_server import BUCKET, ENVIRONMENT, s3_server

LAST_DAY = date(2025, 12, 31)
STATIONS_WITH = {"coca": "one raw file", "mazar": "72 raw files and as many of each of two neighbours"}
ROAD = ("daily_series", "flow_model", "flow_forecast")
ROUNDS = 7


@contextmanager
def empty_bucket() -> Iterator[str]:
    """The URL of a lake in it: S3's protocol, on loopback, by a server in its own process."""
    with s3_server() as endpoint, patch.dict(os.environ, ENVIRONMENT | {"AWS_ENDPOINT_URL_S3": endpoint}):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}/lake"


class Road:
    """A lake whose raw files are read, and the runs that make one station anew from them."""

    def __init__(self, url: str, instance: dg.DagsterInstance) -> None:
        lake = Lake.open(url)
        for name, content in sample_files(last_day=LAST_DAY, reaches=()):
            source, readings = read_raw_file(name, content, LAST_DAY)
            record, stations = lake.observations.write(name, lake.raw.sha256(content), source, readings)
            lake.observations.settle(name, record)
            instance.add_dynamic_partitions(str(STATIONS.name), sorted(stations))
        for station in instance.get_dynamic_partitions(str(STATIONS.name)):
            lake.observations.gather(station)
        self._job = build_definitions(Settings(lake_url=url, mlflow_url="off")).resolve_implicit_global_asset_job_def()
        self._instance = instance

    def seconds(self, station: str) -> float:
        started = time.perf_counter()
        for asset in ROAD:
            run = self._job.execute_in_process(
                asset_selection=[dg.AssetKey(asset)],
                instance=self._instance,
                partition_key=station,
                run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            )
            assert run.success
        return time.perf_counter() - started


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
            here.seconds(station), there.seconds(station)  # libraries load
            requests.clear()
            pairs = [(there.seconds(station), here.seconds(station)) for _ in range(ROUNDS)]
            print(station, [f"{s3:.2f} s / {folder:.2f} s" for s3, folder in pairs], flush=True)
            what = f"in S3, a station's series, model and forecast from {files} ({len(requests) // ROUNDS} requests)"
            rows.append((what, "the same in a folder", statistics.median(s3 / folder for s3, folder in pairs), 1.5))
    return rows


if __name__ == "__main__":
    print(measure())
