"""The connectors in Dagster: what a morning brings, what a backfill asks, and what a failure stops."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from celec_assets import services as services_module
from celec_assets.assets import arrivals
from celec_assets.assets.arrivals import geoglows_arrivals, historian_arrivals
from celec_assets.build import build_definitions
from celec_assets.catch_up import CatchUp
from celec_assets.connectors import pace
from celec_assets.connectors.historian import points
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets_tests.services import FastClock, Services
from celec_assets_tests.still import StoppedClock

MORNING = datetime(2026, 11, 23, 11, 40, tzinfo=UTC)
YESTERDAY = date(2026, 11, 22)
RIVER = 620883808


class Platform:
    """The definitions on a lake in a folder, with the services on the loopback."""

    def __init__(self, folder: Path, services: Services, instance: dg.DagsterInstance) -> None:
        self.services, self.instance, self.lake = services, instance, Lake.open(str(folder))
        settings = Settings(
            lake_url=str(folder), historian_url=services.historian_url, geoglows_url=services.geoglows_url
        )
        self.defs = build_definitions(settings, clock=StoppedClock(day="2026-11-23"))

    def tick(self, schedule: str) -> dg.RunRequest | str:
        """What a schedule requests this morning, or why nothing."""
        repository = self.defs.get_repository_def()
        with dg.build_schedule_context(
            self.instance, scheduled_execution_time=MORNING, repository_def=repository, resources=self.defs.resources
        ) as context:
            found = repository.get_schedule_def(schedule).evaluate_tick(context)
        return found.run_requests[0] if found.run_requests else str(found.skip_message)

    def run(
        self, asset: dg.AssetsDefinition, tags: dict[str, str] | None = None, **config: bool
    ) -> dg.ExecuteInProcessResult:
        job = self.defs.resolve_implicit_global_asset_job_def()
        run_config = {"ops": {asset.op.name: {"config": config}}} if config else {}
        return job.execute_in_process(
            asset_selection=[asset.key],
            instance=self.instance,
            tags=tags,
            run_config=run_config,
            raise_on_error=False,
        )

    def names(self) -> list[str]:
        return [file.name for file in self.lake.raw.list()]


@pytest.fixture
def platform(
    tmp_path: Path, services: Services, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    for point in points():
        services.fill(point.mrid, date(2025, 10, 1), YESTERDAY, 2120.0 if point.quantity == "level" else 50.0)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(690)]
    services.rivers[RIVER] = dict.fromkeys(days, 12.5)
    monkeypatch.setattr(services_module, "now", lambda: MORNING)
    monkeypatch.setattr(pace, "INTERVAL_S", 0.0)
    monkeypatch.setattr(arrivals, "NULL_HOUR_WAIT_S", 0)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(tmp_path / "lake", services, instance)


def months(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    return {
        name: value.value
        for name, value in result.get_asset_materialization_events()[-1].materialization.metadata.items()
    }


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    return event.step_failure_data.error_display_string


def test_a_morning_ends_in_series_without_anybody_uploading_a_file(platform: Platform) -> None:
    request = platform.tick("morning_historian")
    assert isinstance(request, dg.RunRequest)
    assert request.tags.items() >= months("2026-11", "2026-11").items()
    assert platform.run(historian_arrivals, months("2026-11", "2026-11")).success
    assert isinstance(platform.tick("morning_geoglows"), dg.RunRequest)
    assert platform.run(geoglows_arrivals).success
    outcome = CatchUp(platform.defs, platform.instance, platform.lake).run()
    assert {partition for asset, partition, _ in outcome.failed if asset in ("observations", "daily_series")} == set()
    stations = set(platform.instance.get_dynamic_partitions("stations"))
    assert stations == {*(point.station for point in points()), f"geoglows-{RIVER}"}
    assert f"{platform.lake.series.read('agoyan')['day'].max():%Y-%m-%d}" == "2026-11-22"


def test_stations_without_a_raw_file_are_no_stations_yet(platform: Platform) -> None:
    platform.lake.raw.deliver("x.csv", f"time,{RIVER}\n2024-01-01,12.5\n".encode())
    CatchUp(platform.defs, platform.instance, platform.lake).run()
    assert platform.instance.get_dynamic_partitions("stations") == [f"geoglows-{RIVER}"]


def test_a_run_says_what_came(platform: Platform) -> None:
    first = metadata(platform.run(historian_arrivals, months("2026-11", "2026-11")))
    expected = {"files_new": 12, "files_unchanged": 0, "answers_there": 0, "dagster/row_count": 12 * 22, "requests": 13}
    assert {name: first[name] for name in expected} == expected
    assert first["last_day"] == "2026-11-22"
    assert first["new"] == sorted(first["new"], key=platform.names().index) or set(first["new"]) == set(
        platform.names()
    )
    again = metadata(platform.run(historian_arrivals, months("2026-11", "2026-11")))
    assert (again["files_new"], again["files_unchanged"]) == (0, 12)


def test_a_backfill_over_months_is_one_run_that_asks_only_for_what_is_not_there(platform: Platform) -> None:
    assert platform.run(historian_arrivals, months("2026-08", "2026-10")).success
    assert len(platform.services.asked) == 1 + 3 * 12
    platform.services.asked.clear()
    done = platform.run(historian_arrivals, months("2026-07", "2026-10"))
    assert {asked.month for asked in platform.services.asked[1:]} == {"2026-07"}
    made = {event.materialization.partition for event in done.get_asset_materialization_events()}
    assert made == {"2026-07", "2026-08", "2026-09", "2026-10"}


def test_a_correction_of_long_ago_is_fetched_when_asked_for(platform: Platform) -> None:
    platform.run(historian_arrivals, months("2026-05", "2026-05"))
    platform.services.values[30538][date(2026, 5, 5)] = 77.5
    assert metadata(platform.run(historian_arrivals, months("2026-05", "2026-05")))["files_new"] == 0
    assert metadata(platform.run(historian_arrivals, months("2026-05", "2026-05"), again=True))["files_new"] == 1


def test_after_an_outage_the_morning_begins_where_the_lake_ends(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services_module, "now", lambda: datetime(2026, 8, 3, 12, tzinfo=UTC))
    platform.run(historian_arrivals, months("2026-08", "2026-08"))
    assert platform.tick("morning_historian").tags.items() >= months("2026-07", "2026-11").items()


# What fails


def test_a_null_hour_is_waited_for(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Services.answer

    def later(services: Services, path: str, params: dict[str, str]) -> tuple[int, str, bytes]:
        services.hour = 18 if len(services.asked) <= 4 else 6
        return answer(services, path, params)

    monkeypatch.setattr(Services, "answer", later)
    result = platform.run(historian_arrivals, months("2026-11", "2026-11"))
    assert result.success
    assert len(platform.names()) == 12


def test_a_null_hour_that_does_not_pass_fails_the_run_and_writes_nothing(platform: Platform) -> None:
    platform.services.hour = 18
    result = platform.run(historian_arrivals, months("2026-11", "2026-11"))
    assert not result.success
    assert "the historian has no value at this hour" in failure(result)
    assert len(platform.services.asked) == 2 * (1 + arrivals.NULL_HOUR_RETRIES)
    assert platform.names() == []


def test_a_service_that_fails_fails_its_own_run_and_keeps_what_came(platform: Platform) -> None:
    platform.services.faults.extend([None, None, 403])
    result = platform.run(historian_arrivals, months("2026-11", "2026-11"))
    assert not result.success
    assert "status 403" in failure(result)
    assert len(platform.names()) == 1
    assert len(platform.services.asked) == 3
    assert platform.run(geoglows_arrivals).success


def test_a_question_without_an_answer_fails_the_run_at_its_end(platform: Platform) -> None:
    platform.services.faults.extend([None, 404])
    result = platform.run(historian_arrivals, months("2026-11", "2026-11"))
    assert not result.success
    assert "celec-historian/mazar/flow/2026-11: " in failure(result)
    assert len(platform.names()) == 11


def test_the_sample_is_never_mixed_with_measured_values(platform: Platform) -> None:
    platform.lake.raw.deliver("geoglows/1_muestra.csv", b"x")
    for schedule, asset, tags in (
        ("morning_historian", historian_arrivals, months("2026-11", "2026-11")),
        ("morning_geoglows", geoglows_arrivals, {}),
    ):
        assert "holds the synthetic sample" in platform.tick(schedule)
        assert "holds the synthetic sample" in failure(platform.run(asset, tags))
    assert platform.services.asked == []


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, dict[str, object]]]:
    return {
        check.check_name: (check.passed, {name: value.value for name, value in check.metadata.items()})
        for check in result.get_asset_check_evaluations()
    }


def test_a_point_that_fell_silent_is_named(platform: Platform) -> None:
    first = platform.run(historian_arrivals, months("2026-10", "2026-11"))
    assert checks(first) == {"every_point_is_recent": (True, {})}
    for day in range(3, 23):
        platform.services.values[140537][date(2026, 11, day)] = None
    late = platform.run(historian_arrivals, months("2026-11", "2026-11"))
    assert checks(late) == {"every_point_is_recent": (False, {"agoyan/flow": "2026-11-02"})}
    assert late.success


def test_a_forecast_that_stopped_coming_is_named(platform: Platform) -> None:
    assert checks(platform.run(geoglows_arrivals)) == {"every_forecast_is_recent": (True, {})}
    for name in platform.names():
        (Path(platform.lake.store.url) / "raw" / name).unlink()
    platform.services.issued = date(2026, 11, 10)
    assert checks(platform.run(geoglows_arrivals)) == {"every_forecast_is_recent": (False, {str(RIVER): "2026-11-10"})}


# Pools


def test_a_server_is_a_pool_and_the_instance_lets_one_run_in() -> None:
    assert {historian_arrivals.op.pool, geoglows_arrivals.op.pool} == {"celec-historian", "geoglows"}
    with dg.DagsterInstance.from_config(str(Path(__file__).parents[1])) as instance:
        pools = instance.get_concurrency_config().pool_config
    assert (pools.default_pool_limit, pools.pool_granularity.value) == (1, "op")


ONE_MONTH = """
import sys
import dagster as dg
from celec_assets.build import build_definitions
from celec_assets.settings import Settings

folder, url, month = sys.argv[1:]
job = build_definitions(Settings(lake_url=f"{folder}/lake", historian_url=url)).resolve_implicit_global_asset_job_def()
with dg.DagsterInstance.from_config(folder) as instance:
    job.execute_in_process(
        asset_selection=[dg.AssetKey("historian_arrivals")], instance=instance, partition_key=month
    )
"""


@pytest.mark.slow  # two processes, each with a request a second
def test_two_runs_at_once_ask_a_server_no_faster_than_one(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever pools do: on SQLite two runs that begin in the same moment may both be let in."""
    root = Path(__file__).parents[1]
    shutil.copy(root / "dagster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)  # to which its folder of SQLite files is relative
    for point in points():
        services.fill(point.mrid, date(2026, 5, 1), YESTERDAY)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        # Dagster makes its tables when they are first needed, and two who make them at once stumble.
        instance.get_runs_count()
        instance.get_dynamic_partitions("stations")
        instance.all_instigator_state()
    months = ("2026-08", "2026-09")
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_MONTH, str(tmp_path), services.historian_url, month],
            env={**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(tmp_path)},
            stderr=subprocess.PIPE,
        )
        for month in months
    ]
    for run in runs:
        _, said = run.communicate(timeout=200)
        assert run.returncode == 0, said.decode()
    assert {asked.month for asked in services.asked} > set(months)
    assert min(later.at - asked.at for asked, later in pairwise(services.asked)) > 0.95, "clocks of two processes"
