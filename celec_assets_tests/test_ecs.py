"""What `EcsRunLauncher` is told and tells: legal sizes of tasks, and plain words for every way in which they end."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import yaml
from botocore.exceptions import ClientError

from celec_assets.build import build_definitions
from celec_assets.instance.fargate import FargateRunLauncher, can_be_taken_back, in_plain_words
from celec_assets.settings import Settings
from celec_assets_tests.conftest import only_fake_credentials
from celec_assets_tests.ecs_service import CLUSTER, DEFINITION, FARGATE_MEMORY, NETWORK, Ecs, Fate, ecs_service

ROOT = Path(__file__).parents[1]


@pytest.fixture
def ecs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecs]:
    only_fake_credentials(monkeypatch)
    with ecs_service(tmp_path) as service:
        yield service


def ask(ecs: Ecs, *command: str, provider: str = "FARGATE", **overrides: Any) -> dict[str, Any]:
    """The answer to RunTask, as `EcsRunLauncher` asks it."""
    answer: dict[str, Any] = boto3.client("ecs", endpoint_url=ecs.url).run_task(
        cluster=CLUSTER,
        taskDefinition=DEFINITION,
        capacityProviderStrategy=[{"capacityProvider": provider, "weight": 1}],
        networkConfiguration=NETWORK,
        overrides={"containerOverrides": [{"name": "run", "command": list(command)}], **overrides},
        tags=[{"key": "dagster/run_id", "value": "1"}, {"key": "dagster/job_name", "value": "a job"}],
    )
    return answer


def ended(ecs: Ecs) -> dict[str, Any]:
    """The only task as DescribeTasks shows it, as soon as it has stopped."""
    client = boto3.client("ecs", endpoint_url=ecs.url)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        task: dict[str, Any] = client.describe_tasks(cluster=CLUSTER, tasks=list(ecs.tasks))["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            return task
        time.sleep(0.05)
    raise AssertionError(task)


@pytest.mark.parametrize(
    ("command", "exit_code", "words"),
    [
        ("exit 0", 0, "ended with exit code 0 before it could say how in the database"),
        ("exit 1", 1, "ended with exit code 1 before it could say how in the database"),
        (f"exit {os.EX_TEMPFAIL}", os.EX_TEMPFAIL, "lost its database"),
        ("kill -9 $$", 137, "The task was killed."),
        ("x=$(head -c 900000000 /dev/zero | tr '\\0' x); echo $x", 137, "ran out of memory: it had 512 MiB"),
    ],
)
def test_how_a_task_ended_is_told_in_plain_words(ecs: Ecs, command: str, exit_code: int, words: str) -> None:
    ask(ecs, "/bin/sh", "-c", command, cpu="256", memory="512")
    task = ended(ecs)
    assert task["containers"][0]["exitCode"] == exit_code
    assert words in in_plain_words(task, "run")


def test_a_task_that_did_not_start_says_so(ecs: Ecs) -> None:
    ecs.fates["a job"].append(Fate.NO_IMAGE)
    ask(ecs, "/bin/true")
    assert "The task could not start: CannotPullContainerError" in in_plain_words(ended(ecs), "run")


def test_a_program_that_is_not_in_the_image_does_not_start(ecs: Ecs) -> None:
    ask(ecs, "/no/such/program")
    assert "The task could not start: CannotStartContainerError" in in_plain_words(ended(ecs), "run")


def test_a_task_that_was_stopped_by_hand_says_so(ecs: Ecs) -> None:
    answer = ask(ecs, "/bin/sleep", "60")
    boto3.client("ecs", endpoint_url=ecs.url).stop_task(
        cluster=CLUSTER, task=answer["tasks"][0]["taskArn"], reason="too dear"
    )
    assert in_plain_words(ended(ecs), "run") == "The task was stopped from outside Dagster: too dear"


def test_a_task_that_spot_takes_back_says_so(ecs: Ecs) -> None:
    answer = ask(ecs, "/bin/sleep", "60", provider="FARGATE_SPOT")
    ecs.take_back(ecs.tasks[answer["tasks"][0]["taskArn"]])
    assert "took the task's Spot capacity back" in in_plain_words(ended(ecs), "run")


@pytest.mark.parametrize(
    ("tags", "spot"),
    [
        ({}, False),
        ({"dagster/schedule_name": "morning_forecasts"}, True),
        ({"dagster/sensor_name": "new_raw_files"}, True),
        ({"dagster/backfill": "abcdefgh"}, True),
        ({"dagster/schedule_name": "morning_forecasts", "dagster/retry_number": "1"}, False),
    ],
)
def test_spot_is_for_what_nobody_waits_for(tags: dict[str, str], spot: bool) -> None:
    assert can_be_taken_back(dg.DagsterRun(job_name="a job", tags=tags)) is spot


def test_a_network_that_is_none_is_named_by_its_setting() -> None:
    with pytest.raises(ValueError, match=r"^DAGSTER_ECS_NETWORK: is not RunTask's networkConfiguration as JSON"):
        FargateRunLauncher("subnet-1")


def test_the_service_refuses_what_fargate_refuses(ecs: Ecs) -> None:
    with pytest.raises(ClientError, match="No Fargate configuration exists"):
        ask(ecs, "/bin/true", cpu="256", memory="4096")
    with pytest.raises(ClientError, match="at most 8192"):
        ask(ecs, "/bin/true", "x" * 9000)


def test_every_job_asks_for_a_size_that_fargate_has() -> None:
    defs = build_definitions(Settings(lake_url="lake"))
    default = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())["run_launcher"]["config"]["run_resources"]
    sizes = {"default": default}
    for job in defs.resolve_all_job_defs():
        assert isinstance(job, dg.JobDefinition)
        sizes[job.name] = {size: job.tags.get(f"ecs/{size}", default[size]) for size in ("cpu", "memory")}
    assert {
        name: size for name, size in sizes.items() if int(size["memory"]) not in FARGATE_MEMORY[int(size["cpu"])]
    } == {}
    assert len({*map(str, sizes.values())}) > 1, "training and backtests have more than reading a file"
