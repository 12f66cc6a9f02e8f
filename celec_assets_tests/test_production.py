"""Production as the team has it: a bucket, a database, and runs that share no machine with the webserver."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import boto3
import pytest

from celec_assets.storage.lake import Lake
from celec_assets.storage.s3 import READ_SECONDS
from celec_assets_tests.ecs_service import Fate
from celec_assets_tests.postgres_server import needs_postgres
from celec_assets_tests.production import FINISHED, LOCATION, ROOT, START_SECONDS, Production, production
from celec_assets_tests.s3_server import BUCKET, Fault, refuses, waits

pytestmark = [pytest.mark.slow, needs_postgres]

BY_THE_CLOCK = {"dagster/schedule_name": "every_minute"}
STATION, OTHER = "geoglows-610000001", "geoglows-610000002"
START_SCHEDULE = (
    """mutation($selector: ScheduleSelector!) { startSchedule(scheduleSelector: $selector) { __typename } }"""
)
STOP_SCHEDULE = """mutation($id: String!) { stopRunningSchedule(id: $id) { __typename } }"""
SCHEDULE = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "scheduleName": "every_minute"}
SCHEDULE_ID = """query($selector: ScheduleSelector!) { scheduleOrError(scheduleSelector: $selector) {
  ... on Schedule { id } } }"""
BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on PythonError { message } } }"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with production(tmp_path_factory.mktemp("production")) as started, started.as_client():
        # Sensor, automation and schedule are at work while the first tests do harm.
        for station in (STATION, OTHER):
            deliver(started, station)
        told = started.graphql(START_SCHEDULE, selector=SCHEDULE)["startSchedule"]
        assert told["__typename"] == "ScheduleStateResult", told
        yield started
        started.wait_for("end of all runs", 120, lambda: {run["status"] for run in started.runs()} <= FINISHED)


def lake(stack: Production) -> Lake:
    return Lake.open(stack.lake_url)


def keys(stack: Production, prefix: str) -> list[str]:
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def objects(stack: Production) -> dict[str, str]:
    """Key and hash of all that the lake holds but for what waits to be told."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="lake/")
    found = {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}
    return {key: tag for key, tag in found.items() if not key.startswith("lake/alerts/")}


def deliver(stack: Production, station: str) -> None:
    river = station.removeprefix("geoglows-")
    days = [date.today() - timedelta(days=back) for back in range(401, 0, -1)]  # noqa: DTZ011
    content = f"time,{river}\n" + "".join(f"{day},{20 + (day.toordinal() * int(river)) % 17}.5\n" for day in days)
    lake(stack).raw.deliver(f"geoglows/{river}.csv", content.encode())


def tags(run: dict[str, object]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}  # type: ignore[attr-defined]


def station_run(stack: Production, job: str, station: str) -> str:
    range_tags = {f"dagster/asset_partition_range_{end}": station for end in ("start", "end")}
    return stack.launch(job, **range_tags)


def test_a_task_that_is_killed_is_told_in_plain_words_and_the_run_started_again(stack: Production) -> None:
    run = stack.talk(60)
    stack.wait_until(run, "STARTED")
    stack.ecs.of_run(run).signal(signal.SIGKILL)
    stack.wait_until(run, "FAILURE")
    assert "The task was killed." in stack.page(run)

    retry = stack.retry_of(run)
    stack.wait_until(retry, "STARTED")
    assert stack.terminate(retry) == "TerminateRunSuccess"
    stack.wait_until(retry, "CANCELED")
    task = stack.ended(retry)
    assert (task.stop_code, task.exit_code) == ("UserInitiated", 0), "SIGTERM let it end by itself"
    assert stack.ecs.calls.count("StopTask") == 1


def test_a_run_that_fails_by_itself_is_not_started_again(stack: Production) -> None:
    run = stack.launch("failing")
    stack.wait_until(run, "FAILURE")
    assert "this file holds no flow" in stack.page(run)
    assert tags(stack.run(run))["dagster/will_retry"] == "false"
    assert stack.ended(run).exit_code == 1, "an alarm can see it without asking Dagster"


def test_a_task_without_enough_memory_says_how_much_it_had(stack: Production) -> None:
    run = stack.launch("growing", **{"dagster/max_retries": "0"})
    stack.wait_until(run, "FAILURE")
    assert "The task ran out of memory: it had 512 MiB." in stack.page(run)
    assert stack.ended(run).exit_code == 137


def test_tasks_that_do_not_start_say_why_and_are_started_again(stack: Production) -> None:
    stack.ecs.fates["empty"].extend([Fate.NEVER_STARTS, Fate.NO_IMAGE])
    stuck = stack.launch("empty")
    stack.wait_until(stuck, "STARTING")
    gone = stack.launch("empty")
    for run, words in ((stuck, "The task is still PROVISIONING"), (gone, "CannotPullContainerError")):
        stack.wait_until(run, "FAILURE", seconds=START_SECONDS + 60)
        assert "Run timed out due to taking longer than" in stack.page(run)
        assert words in stack.page(run)
        stack.wait_until(stack.retry_of(run), "SUCCESS")
    # Should its task start after all, it does nothing.
    stack.ecs.of_run(stuck).released.set()
    ignored = "Ignoring a run worker that started after the run had already finished"
    stack.wait_for("the late task", 30, lambda: ignored in stack.page(stuck))
    assert stack.status(stuck) == "FAILURE"


def test_runs_of_a_person_a_sensor_a_schedule_and_a_backfill_are_tasks_of_their_own(stack: Production) -> None:
    person = stack.launch("empty")
    stack.wait_for("forecasts", 150, lambda: len(keys(stack, "lake/flow_forecast/")) == 4)
    backfill = {"assetSelection": [{"path": ["daily_series"]}], "partitionNames": [STATION, OTHER]}
    told = stack.graphql(BACKFILL, params={**backfill, "fromFailure": False})["launchPartitionBackfill"]
    assert told["__typename"] == "LaunchBackfillSuccess", told

    def successful() -> dict[str, str] | None:
        """A run of each origin. One that was started again has the same, and never runs on Spot."""
        origins = ("dagster/schedule_name", "dagster/sensor_name", "dagster/backfill")
        runs = [(tags(run), run["runId"]) for run in stack.runs() if run["status"] == "SUCCESS"]
        first = [(of_run, run_id) for of_run, run_id in runs if "dagster/retry_number" not in of_run]
        found = {origin: run_id for origin in origins for of_run, run_id in first if origin in of_run}
        return found if len(found) == len(origins) else None

    found = stack.wait_for("a run of each origin", 120, successful)
    stack.graphql(STOP_SCHEDULE, id=stack.graphql(SCHEDULE_ID, selector=SCHEDULE)["scheduleOrError"]["id"])
    stack.wait_until(person, "SUCCESS")
    for run in (person, *found.values()):
        task = stack.ended(run)
        assert task.exit_code == 0
        for page in ("configuration", "logs"):
            name = task.arn.rpartition("/")[2]
            link = (
                f"https://us-east-1.console.aws.amazon.com/ecs/v2/clusters/celec/tasks/{name}/{page}?region=us-east-1"
            )
            assert link in stack.page(run)
    assert stack.ecs.of_run(person).provider == "FARGATE", "somebody waits for it"
    assert {stack.ecs.of_run(run).provider for run in found.values()} == {"FARGATE_SPOT"}
    for station in (STATION, OTHER):
        assert len(lake(stack).series.read(station)) == 401
        assert (lake(stack).forecasts.read(station)["station"] == station).all()
    assert any(key.endswith(".err") for key in keys(stack, "dagster-logs/")), "what runs print is in the bucket"


def test_capacity_that_comes_back_is_waited_for_and_one_that_does_not_is_told(stack: Production) -> None:
    stack.ecs.fates["empty"].extend([Fate.NO_CAPACITY] * 2)
    patient = stack.launch("empty")
    stack.wait_until(patient, "SUCCESS")
    stack.ecs.fates["empty"].extend([Fate.NO_CAPACITY] * 6)
    run = stack.launch("empty")
    stack.wait_until(run, "FAILURE")
    assert "Capacity is unavailable at this time" in stack.page(run)
    stack.wait_until(stack.retry_of(run), "SUCCESS")


def test_what_spot_has_no_room_for_runs_on_demand_at_once(stack: Production) -> None:
    stack.ecs.fates["empty"].append(Fate.NO_SPOT)
    run = stack.launch("empty", **BY_THE_CLOCK)
    stack.wait_until(run, "SUCCESS")
    assert stack.ecs.of_run(run).provider == "FARGATE"
    assert not stack.ecs.fates["empty"], "Spot was asked first"


def test_a_run_that_spot_takes_back_is_started_again_on_demand(stack: Production) -> None:
    run = stack.talk(60, **BY_THE_CLOCK)
    stack.wait_until(run, "STARTED")
    stack.ecs.take_back(stack.ecs.of_run(run))
    stack.wait_until(run, "FAILURE")
    assert "Execution was interrupted unexpectedly" in stack.page(run)
    retry = stack.retry_of(run)
    stack.wait_until(retry, "STARTED")
    assert stack.ecs.of_run(retry).provider == "FARGATE"
    stack.terminate(retry)
    stack.wait_until(retry, "CANCELED")


def test_webserver_and_daemon_that_are_killed_lose_nothing(stack: Production) -> None:
    running = stack.talk(15)
    stack.wait_until(running, "STARTED")
    stack.kill("daemon")
    queued = [stack.launch("empty") for _ in range(2)]
    assert [stack.status(run) for run in queued] == ["QUEUED", "QUEUED"]
    stack.kill("webserver", "code")
    stack.start("code", "webserver", "daemon")
    for run in (running, *queued):
        stack.wait_until(run, "SUCCESS")
        assert len([task for task in stack.ecs.tasks.values() if task.run_id == run]) == 1


def test_a_database_that_is_gone_for_half_a_minute_loses_no_run_and_no_event(stack: Production) -> None:
    running = stack.talk(5)
    stack.wait_until(running, "STARTED")
    queued = stack.launch("empty")
    stack.postgres.stop()
    time.sleep(30)
    stack.postgres.start()
    stack.wait_until(queued, "SUCCESS")
    stack.wait_until(running)
    if stack.status(running) == "FAILURE":  # a statement was on its way at that moment
        assert "The run lost its database and ended, to be started again." in stack.page(running)
        running = stack.retry_of(running)
        stack.wait_until(running, "SUCCESS")
    printed = re.findall(r"(?m)^\d{4}-.* ASSET_OBSERVATION ", stack.ended(running).log.read_text())
    assert len(printed) == stack.page(running).count("ObservationEvent") > 4


def test_two_runs_of_one_station_at_once_leave_one_whole_result(stack: Production) -> None:
    before = lake(stack).models.pointer(STATION)
    runs = [station_run(stack, "train_models", STATION) for _ in range(2)]
    for run in runs:
        stack.wait_until(run, "SUCCESS")
    assert lake(stack).models.pointer(STATION) == before, "the same data make the same model"
    assert lake(stack).models.read(STATION)["station"] == STATION


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (refuses(500, "InternalError"), "answered 7 times with 500 InternalError: it is down or overloaded"),
        (refuses(503, "SlowDown"), "answered 7 times with 503 SlowDown: it is down or overloaded"),
        (refuses(403, "AccessDenied"), "is not allowed (AccessDenied)"),
        (refuses(404, "NoSuchBucket"), "there is no bucket for the lake"),
        (waits(READ_SECONDS + 1), "does not answer (ReadTimeoutError)"),
    ],
    ids=["500", "503", "denied", "no bucket", "no answer"],
)
def test_s3_that_goes_wrong_in_a_run_is_told_and_the_run_is_started_again(
    stack: Production, fault: Fault, words: str
) -> None:
    """From the first object that the run wants to store."""
    before, methods = objects(stack), stack.s3.methods
    stack.s3.methods, stack.s3.always = ("PUT",), fault
    run = station_run(stack, "train_models", STATION)
    stack.wait_until(run, "FAILURE", seconds=180)
    stack.s3.methods, stack.s3.always = methods, None
    assert words in stack.page(run)
    assert objects(stack) == before, "nothing is half-written"
    stack.wait_until(stack.retry_of(run), "SUCCESS", seconds=90)
    assert lake(stack).models.read(STATION)["station"] == STATION


def test_s3_that_stumbles_is_not_noticed(stack: Production) -> None:
    stack.s3.faults.extend([refuses(503, "SlowDown"), refuses(500, "InternalError")])
    run = station_run(stack, "train_models", STATION)
    stack.wait_until(run, "SUCCESS")
    assert not stack.s3.faults


def smoke(stack: Production) -> "subprocess.CompletedProcess[str]":
    """The last step of a deployment, as the task that it runs in."""
    command = ["celec", "smoke", "--workspace", str(ROOT / "deploy/workspace.yaml")]
    return subprocess.run(
        command, cwd=stack.folder, env=stack.environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_smoke_test_of_a_deployment_is_a_run_and_names_what_does_not_work(stack: Production) -> None:
    stack.kill("code")
    with ThreadPoolExecutor() as beside:
        asked = beside.submit(smoke, stack)
        time.sleep(10)
        stack.start("code")  # its name is not in DNS at once
        good = asked.result()
    assert good.returncode == 0, good.stdout + good.stderr
    (run_id,) = set(re.findall(r"self_test (\S+): success", good.stdout))
    assert stack.ecs.of_run(run_id).exit_code == 0
    assert re.search(r"  lake: passed, s3://\S+ can be read and written", good.stdout), good.stdout

    stack.s3.always = refuses(403, "AccessDenied")
    bad = smoke(stack)
    stack.s3.always = None
    assert bad.returncode == 1, bad.stdout
    assert re.search(r"self_test \S+: failure", bad.stdout), bad.stdout
    assert "is not allowed (AccessDenied)" in bad.stdout
