"""What Dagster is told of a range of partitions: metadata of each that is done, and exactly the others as failed."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.execution.job_execution_result import JobExecutionResult

from celec_assets import workers
from celec_assets.build import build_definitions
from celec_assets.executor import lake_aware
from celec_assets.partitions import RAW_FILES, STATIONS, attempt_each, range_tags
from celec_assets.refusal import Refusal
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets.storage.observations import Observations
from celec_assets.storage.reports import Reports
from celec_assets.storage.store import AccessDenied, FolderStore, LakeUnavailable

RETRIED = "dagster/retry_on_asset_or_op_failure"
KEYS = [f"station-{number}" for number in range(6)]


def length(station: str) -> int:
    return len(station)


def refuses_one(station: str) -> int:
    if station == "station-1":
        raise Refusal("too short")
    return len(station)


def is_killed(station: str) -> int:
    if station == "station-4":
        os.kill(os.getpid(), signal.SIGKILL)
    return len(station)


def execute(defs: dg.Definitions, asset: str, tags: dict[str, str], instance: dg.DagsterInstance) -> JobExecutionResult:
    """As the daemon has it executed, by the definitions' executor."""
    job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(asset)})
    return execute_run(InMemoryJob(job), instance.create_run_for_job(job, tags=tags), instance)


Told = tuple[JobExecutionResult, dict[str, dict[str, object]], dict[str, str]]


def run(make: Callable[[str], int]) -> Told:
    """The result; the metadata by partition and the run's tags, as the instance has them."""

    @dg.asset(partitions_def=STATIONS, deps=["names"], backfill_policy=dg.BackfillPolicy.single_run())
    def lengths(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        attempt_each(context, context.partition_keys, make, lambda station, n: {"length": n, "of": station}).settle()
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(STATIONS.name), ["before", *KEYS, "behind"])
        (tags,) = range_tags(instance.get_dynamic_partitions(str(STATIONS.name)), KEYS, 100)
        instance.report_runless_asset_event(dg.AssetMaterialization("names"))
        result = execute(dg.Definitions([lengths], executor=lake_aware), "lengths", tags, instance)
        made = instance.fetch_materializations(lengths.key, limit=100).records
        kept = instance.get_run_by_id(result.run_id)
        (names,) = instance.fetch_materializations(dg.AssetKey("names"), limit=1).records
    assert kept
    told = [record.asset_materialization for record in made]
    seen = {m.tags["dagster/input_event_pointer/names"] for m in told if m}
    assert seen == {str(names.storage_id)}, "each says what it was made from, also where others failed"
    return (
        result,
        {str(m.partition): {name: value.value for name, value in m.metadata.items()} for m in told if m},
        kept.tags,
    )


def reasons(result: JobExecutionResult) -> dict[str, str]:
    (failure,) = result.get_step_failure_events()
    data = failure.step_failure_data.user_failure_data
    assert data
    table = data.metadata["failed"]
    assert isinstance(table, dg.TableMetadataValue)
    return {str(record.data["partition"]): str(record.data["reason"]) for record in table.value.records}


def test_each_partition_that_is_done_has_metadata_of_its_own() -> None:
    result, told, _ = run(length)
    assert result.success
    assert told == {key: {"length": 9, "of": key} for key in KEYS}


def test_one_that_is_refused_fails_and_the_others_are_done() -> None:
    result, told, tags = run(refuses_one)
    assert told == {key: {"length": 9, "of": key} for key in KEYS if key != "station-1"}
    assert reasons(result) == {"station-1": "too short"}
    assert RETRIED not in tags, "it would be refused again"


@pytest.mark.parametrize(
    ("error", "failed"), [(AccessDenied("one object"), KEYS[3:4]), (LakeUnavailable("all objects"), KEYS[3:])]
)
def test_what_the_lake_was_to_blame_for_is_tried_again(error: Exception, failed: list[str]) -> None:
    def make(station: str) -> int:
        if station == KEYS[3]:
            raise error
        return len(station)

    result, told, tags = run(make)
    assert list(reasons(result)) == failed
    assert told.keys() == {*KEYS} - {*failed}
    assert tags[RETRIED] == "true"


def goes_away(*_: object, **__: object) -> None:
    raise LakeUnavailable("all objects")


@pytest.mark.parametrize(
    ("asset", "partition", "gone"),
    [
        ("raw_files", None, (FolderStore, "list")),
        ("observations", "a.csv", (FolderStore, "get")),
        ("observations", "a.csv", (Observations, "gather")),  # when the files are done
        ("observations", "a.csv", (Observations, "record")),  # in the step of its checks
        ("historian_arrivals", "2025-12", (FolderStore, "list")),
        ("geoglows_arrivals", None, (FolderStore, "list")),
        ("forecast_report", None, (Reports, "write")),
    ],
)
def test_a_run_that_finds_no_lake_is_tried_again_wherever_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str, partition: str | None, gone: tuple[type, str]
) -> None:
    Lake.open(str(tmp_path)).raw.deliver("a.csv", b"time,610000001\n2025-12-30,20.5\n2025-12-31,20.5\n")
    monkeypatch.setattr(*gone, goes_away)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(RAW_FILES.name), ["a.csv"])
        tags = {"dagster/partition": partition} if partition else {}
        result = execute(build_definitions(Settings(lake_url=str(tmp_path))), asset, tags, instance)
        kept = instance.get_run_by_id(result.run_id)
    assert not result.success
    assert kept
    assert kept.tags[RETRIED] == "true"


@pytest.mark.slow
def test_one_whose_worker_is_killed_fails_and_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", -1)
    monkeypatch.setattr(workers, "_cores", lambda: 2)
    result, told, _ = run(is_killed)
    assert told.keys() == {*KEYS} - {"station-4"}
    assert list(reasons(result)) == ["station-4"]
    assert "the memory did not suffice" in reasons(result)["station-4"]
