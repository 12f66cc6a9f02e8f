"""What Dagster is told of a range of partitions: metadata of each that is done, and exactly the others as failed."""

import os
import signal
from collections.abc import Callable

import dagster as dg
import pytest

from celec_assets import workers
from celec_assets.partitions import STATIONS, attempt_each, range_tags
from celec_assets.refusal import Refusal
from celec_assets.storage.store import AccessDenied, LakeUnavailable

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


Told = tuple[dg.ExecuteInProcessResult, dict[str, dict[str, object]], dict[str, str]]


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
        result = dg.materialize([lengths], instance=instance, tags=tags, raise_on_error=False)
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


def reasons(result: dg.ExecuteInProcessResult) -> dict[str, str]:
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


@pytest.mark.slow
def test_one_whose_worker_is_killed_fails_and_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", -1)
    monkeypatch.setattr(workers, "_cores", lambda: 2)
    result, told, _ = run(is_killed)
    assert told.keys() == {*KEYS} - {"station-4"}
    assert list(reasons(result)) == ["station-4"]
    assert "the memory did not suffice" in reasons(result)["station-4"]
