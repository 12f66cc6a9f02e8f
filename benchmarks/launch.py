"""What it takes to start a run in production, beside a job that does nothing: `python -m benchmarks.launch`.

`deploy/dagster.yaml` with a real PostgreSQL, and S3 and ECS on this machine (celec_assets_tests/production.py). What is
measured is the run's task from the start of its process to that of its first step: its CPU time, most of what one waits
for on half a core of Fargate, which does not depend on what else this machine does; and the time that passes, waiting
for database and S3 included. Both sides are launched in turns, through the same queue and launcher.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from celec_assets.storage.lake import Lake
from celec_assets_tests.postgres_server import WHY_NONE
from celec_assets_tests.production import LOCATION, ROOT, Production, production

ROUNDS = 4
RAW_FILE = "geoglows/610000001.csv"
EMPTY = """
import dagster as dg

@dg.op
def nothing(): pass

@dg.job(executor_def=dg.in_process_executor)
def empty(): nothing()
"""
REPOSITORY = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
SENSOR = "query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { id } } }"
STOP_SENSOR = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
ADD_PARTITION = """mutation($repository: RepositorySelector!, $key: String!) {
  addDynamicPartition(repositorySelector: $repository, partitionsDefName: "raw_files", partitionKey: $key)
  { __typename } }"""


def platform(stack: Production) -> str:
    """A run that reads one raw file."""
    tags = {f"dagster/asset_partition_range_{end}": RAW_FILE for end in ("start", "end")}
    workspace = str(ROOT / "deploy/workspace.yaml")
    return launch(stack, "-w", workspace, "-j", "read_raw_files", "--tags", json.dumps(tags))


def nothing(stack: Production) -> str:
    """A run of a code location that holds no more than an empty job."""
    file = stack.folder / "empty.py"
    file.write_text(EMPTY)
    return launch(stack, "-f", str(file), "-j", "empty")


def launch(stack: Production, *options: str) -> str:
    before = {run["runId"] for run in stack.runs()}
    command = [sys.executable, "-m", "dagster", "job", "launch", *options]
    subprocess.run(command, cwd=stack.folder, env=stack.environment, check=True, capture_output=True)
    (run_id,) = {run["runId"] for run in stack.runs()} - before
    return str(run_id)


class Seconds(NamedTuple):
    """Of a run's task up to the start of its first step."""

    cpu: float
    wall: float


def start_seconds(stack: Production, run_id: str) -> Seconds:
    """How long a run that was just launched took to start."""
    stack.wait_for("task", 60, lambda: any(task.run_id == run_id and task.process for task in stack.ecs.tasks.values()))
    task = stack.ecs.of_run(run_id)
    while "STEP_START" not in task.log.read_text():
        time.sleep(0.005)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    fields = Path(f"/proc/{task.pid}/stat").read_text().rpartition(")")[2].split()
    user, system, started = (int(fields[number]) / os.sysconf("SC_CLK_TCK") for number in (11, 12, 19))
    stack.wait_until(run_id, "SUCCESS")
    stack.ended(run_id)
    return Seconds(user + system, now - started)


def prepare(stack: Production) -> None:
    """A raw file to read, and nobody else who reads it."""
    for name in ("new_raw_files", "automation"):
        sensor = stack.graphql(SENSOR, s={**REPOSITORY, "sensorName": name})["sensorOrError"]["id"]
        stack.graphql(STOP_SENSOR, id=sensor)
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(400)]
    rows = "".join(f"{day},{20 + day.toordinal() % 17}.5\n" for day in days)
    stack.graphql(ADD_PARTITION, repository=REPOSITORY, key=RAW_FILE)
    with stack.as_client():
        Lake.open(stack.lake_url).raw.deliver(RAW_FILE, f"time,610000001\n{rows}".encode())


def measure() -> list[tuple[str, str, float, float]]:
    """What, against what, ratio and bound; nothing where there is no PostgreSQL."""
    if WHY_NONE:
        print(f"the launch of a run is not measured: {WHY_NONE}")
        return []
    with tempfile.TemporaryDirectory() as folder, production(Path(folder)) as stack:
        prepare(stack)
        pairs: list[tuple[Seconds, Seconds]] = []
        for _ in range(ROUNDS):
            before = stack.postgres.connections("run")
            run_id = platform(stack)
            ours = start_seconds(stack, run_id)
            connections = stack.postgres.connections("run") - before
            pairs.append((ours, start_seconds(stack, nothing(stack))))
        events = len(stack.run(run_id)["eventConnection"]["events"])
    rows = []
    against = "that of an empty job, same launcher"
    counted = f"{connections} connections in all, {events} events"
    for what, times in (
        (f"CPU time of a run in production until its first step ({counted})", [(o.cpu, t.cpu) for o, t in pairs]),
        ("wall time of the same, waiting for database and S3 included", [(o.wall, t.wall) for o, t in pairs]),
    ):
        print(what, [f"{ours:.1f} s / {theirs:.1f} s" for ours, theirs in times], flush=True)
        rows.append((what, against, statistics.median(ours / theirs for ours, theirs in times), 1.2))
    return rows


if __name__ == "__main__":
    print(measure())
