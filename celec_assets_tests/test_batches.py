"""More partitions than a run takes become several runs, whoever asks for them: a person, a sensor, a schedule."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.automation_tick_evaluation_context import build_run_requests_with_backfill_policies
from dagster._core.definitions.events import AssetKeyPartitionKey

from celec_assets import sensors
from celec_assets.build import build_definitions
from celec_assets.partitions import STATIONS, range_tags
from celec_assets.settings import Settings

STATION_IDS = [f"geoglows-70000000{number}" for number in range(7)]
PAIRS = [(STATION_IDS[0], STATION_IDS[1]), (STATION_IDS[2], STATION_IDS[3]), (STATION_IDS[4], STATION_IDS[5])]


@pytest.fixture
def defs(tmp_path: Path) -> dg.Definitions:
    return build_definitions(Settings(lake_url=str(tmp_path), partitions_per_run=2))


def ranges(found: list[dict[str, str]]) -> list[tuple[str, str]]:
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    return sorted((tags[ends[0]], tags[ends[1]]) for tags in found)


def test_a_range_is_cut_where_a_run_is_full_and_where_it_is_broken() -> None:
    wanted = [*STATION_IDS[:3], *STATION_IDS[4:]]
    assert ranges(list(range_tags(STATION_IDS, wanted, 2))) == [
        (STATION_IDS[0], STATION_IDS[1]),
        (STATION_IDS[2], STATION_IDS[2]),
        (STATION_IDS[4], STATION_IDS[5]),
        (STATION_IDS[6], STATION_IDS[6]),
    ]


def test_a_backfill_is_cut_also_one_that_the_daemon_makes_of_what_conditions_request(defs: dg.Definitions) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(STATIONS.name), STATION_IDS)
        graph = defs.resolve_asset_graph()
        for asset in ("daily_series", "flow_model", "flow_forecast", "low_flow_warnings", "forecast_scorecard"):
            wanted = [AssetKeyPartitionKey(dg.AssetKey(asset), station) for station in STATION_IDS[:6]]
            with dg.partition_loading_context(dynamic_partitions_store=instance):
                requests = build_run_requests_with_backfill_policies(wanted, graph, instance)
            assert ranges([dict(request.tags) for request in requests]) == PAIRS, asset


def test_the_sensor_cuts_what_it_requests(
    defs: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raw").mkdir()
    for number in range(5):
        (tmp_path / "raw" / f"{number}.csv").write_text("?")
    monkeypatch.setattr(sensors, "_now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    with dg.DagsterInstance.ephemeral() as instance:
        resources = {name: (defs.resources or {})[name] for name in ("lake", "batch")}
        context = dg.build_sensor_context(instance, definitions=defs, resources=resources)
        result = sensors.new_raw_files(context)
    assert isinstance(result, dg.SensorResult)
    found = ranges([dict(request.tags) for request in result.run_requests or []])
    assert found == [("0.csv", "1.csv"), ("2.csv", "3.csv"), ("4.csv", "4.csv")]


def test_a_schedule_cuts_what_it_requests(defs: dg.Definitions) -> None:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(str(STATIONS.name), STATION_IDS)
        for station in STATION_IDS[:6]:
            instance.report_runless_asset_event(dg.AssetMaterialization("flow_forecast", partition=station))
        repository = defs.get_repository_def()
        with dg.build_schedule_context(
            instance,
            scheduled_execution_time=datetime(2026, 1, 2, 12, 30, tzinfo=UTC),
            repository_def=repository,
            resources={"batch": (defs.resources or {})["batch"]},
        ) as context:
            tick = repository.get_schedule_def("morning_forecasts").evaluate_tick(context)
    assert ranges([dict(request.tags) for request in tick.run_requests or []]) == PAIRS
