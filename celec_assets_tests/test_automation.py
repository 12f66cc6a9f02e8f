"""What follows what, when the daemon decides: exactly the stations that a new file holds, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from pkgutil import resolve_name

import dagster as dg
import pytest

from celec_assets import sensors
from celec_assets.build import build_definitions
from celec_assets.catch_up import CatchUp
from celec_assets.partitions import RAW_FILES, STATIONS, range_tags
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake

STATION_ASSETS = ("daily_series", "flow_model", "flow_forecast", "low_flow_warnings", "forecast_scorecard")
REPORT = {"forecast_report": {None}}


class Daemon:
    """Ticks the sensor and the automation conditions as the daemon does, and runs what they request."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder, self.raw, self.instance = folder, folder / "raw", instance
        self.lake = Lake.open(str(folder))
        self.use(build_definitions(Settings(lake_url=str(folder))))
        self.sensor_cursor: str | None = None
        self.automation_cursor = dg.evaluate_automation_conditions(self.defs, instance).cursor

    def use(self, defs: dg.Definitions) -> None:
        self.defs, self.job = defs, defs.resolve_implicit_global_asset_job_def()

    def put(self, name: str, content: str) -> None:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def tick_sensor(self) -> list[dict[str, str]]:
        """The requests' partition ranges, after they were run."""
        context = dg.build_sensor_context(
            self.instance,
            cursor=self.sensor_cursor,
            definitions=self.defs,
            resources={name: self.defs.resources[name] for name in ("lake", "batch")},
        )
        result = sensors.new_raw_files(context)
        if isinstance(result, dg.SkipReason):
            return []
        self.sensor_cursor = result.cursor
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        tags = [dict(request.tags) for request in result.run_requests or []]
        for tag in tags:
            self._run(["observations"], tag)
        return tags

    def tick_automation(self) -> dict[str, set[str | None]]:
        """The partitions that were requested, by asset, after they were run; of the report, None."""
        result = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.automation_cursor)
        self.automation_cursor = result.cursor
        requested = {
            name: set(result.get_requested_partitions(dg.AssetKey(name))) for name in (*STATION_ASSETS, *REPORT)
        }
        requested = {name: partitions for name, partitions in requested.items() if partitions}
        for partitions in {frozenset(p) for p in requested.values()}:
            assets = [name for name, wanted in requested.items() if wanted == partitions]
            if partitions == {None}:
                self._run(assets, {})
                continue
            for tags in range_tags(self.instance.get_dynamic_partitions(str(STATIONS.name)), partitions, 1000):
                self._run(assets, tags)
        return requested

    def _run(self, assets: list[str], tags: dict[str, str]) -> None:
        self.job.execute_in_process(
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sensors, "SETTLED_AFTER", timedelta(0))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(tmp_path, instance)


def reach(river_id: int, days: int = 400, last: date = date(2025, 12, 31)) -> str:
    rows = [last - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return f"time,{river_id}\n" + "".join(f"{day},{10 + (day.toordinal() * river_id) % 17}.5\n" for day in rows)


def test_of_200_stations_a_new_file_runs_exactly_its_own(daemon: Daemon) -> None:
    ids = range(610000000, 610000200)
    for river_id in ids:
        daemon.put(f"geoglows/{river_id}.csv", reach(river_id, days=40))
    assert len(daemon.tick_sensor()) == 1, "many files are one run"
    stations = {f"geoglows-{river_id}" for river_id in ids}
    assert set(daemon.instance.get_dynamic_partitions(str(STATIONS.name))) == stations
    assert daemon.tick_automation()["daily_series"] == stations
    daemon.tick_automation()

    daemon.put("geoglows/610000007.csv", reach(610000007, days=41))
    assert daemon.tick_sensor() == [
        {
            "dagster/asset_partition_range_start": "geoglows/610000007.csv",
            "dagster/asset_partition_range_end": "geoglows/610000007.csv",
        }
    ]
    assert daemon.tick_automation()["daily_series"] == {"geoglows-610000007"}
    assert daemon.tick_automation() == {}


def test_a_new_station_gets_series_model_and_forecast_and_later_no_second_model(daemon: Daemon) -> None:
    daemon.put("geoglows/a.csv", reach(610000001))
    daemon.tick_sensor()
    assert daemon.tick_automation() == {asset: {"geoglows-610000001"} for asset in STATION_ASSETS}
    assert daemon.instance.get_materialized_partitions(dg.AssetKey("flow_forecast")) == {"geoglows-610000001"}
    assert daemon.tick_automation() == REPORT
    assert daemon.tick_automation() == {}

    daemon.put("geoglows/a.csv", reach(610000001, last=date(2026, 1, 1)))
    daemon.tick_sensor()
    assert daemon.tick_automation() == {a: {"geoglows-610000001"} for a in STATION_ASSETS if a != "flow_model"}
    assert daemon.tick_automation() == REPORT
    assert daemon.tick_automation() == {}


def test_a_refused_station_does_not_keep_the_others_from_their_forecasts(daemon: Daemon) -> None:
    daemon.put("geoglows/old.csv", reach(610000001))
    daemon.put("geoglows/young.csv", reach(610000002, days=100))
    daemon.tick_sensor()
    daemon.tick_automation()  # the run with both fails at the young one's model, before any forecast
    assert daemon.instance.get_materialized_partitions(dg.AssetKey("flow_model")) == {"geoglows-610000001"}
    road = ("flow_forecast", "low_flow_warnings", "forecast_scorecard")
    assert daemon.tick_automation() == {asset: {"geoglows-610000001"} for asset in road}
    assert daemon.instance.get_materialized_partitions(dg.AssetKey("flow_forecast")) == {"geoglows-610000001"}
    assert daemon.tick_automation() == REPORT
    assert daemon.tick_automation() == {}


def test_a_station_is_made_again_when_the_one_it_may_be_a_copy_of_changes(daemon: Daemon) -> None:
    header = "Fecha,CaudalCuencaPaute\n"
    daemon.put("basin.csv", header + "01/12/2025 00:00:00,31.123456\n02/12/2025 00:00:00,32.123456\n")
    daemon.tick_sensor()
    daemon.tick_automation()
    daemon.put("mazar.csv", "Fecha,CaudalMaz\n01/12/2025 00:00:00,20.5\n02/12/2025 00:00:00,32.123456\n")
    daemon.tick_sensor()
    assert daemon.tick_automation()["daily_series"] == {"mazar", "paute-basin"}
    series = daemon.lake.series.read("paute-basin")
    assert series["flow_flag"].tolist() == ["observed", "copied"]


CLEAN, ISSUE = "celec_assets.series.cleaning.clean", "celec_assets.forecasting.training.issue"


def read_while(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, function: str, ticks: int) -> None:
    """Once, when a step has loaded what there was and calls a function, a newer file is read and the daemon ticks."""
    make = resolve_name(function)

    def interrupted(*loaded: object, **more: object) -> object:
        monkeypatch.setattr(function, make)
        daemon.put("geoglows/a.csv", reach(610000001, last=date(2026, 1, 1)))
        daemon.tick_sensor()
        for _ in range(ticks):
            daemon.tick_automation()
        return make(*loaded, **more)

    daemon.put("geoglows/a.csv", reach(610000001))
    daemon.tick_sensor()
    monkeypatch.setattr(function, interrupted)


def reported_day(daemon: Daemon) -> date | None:
    (station,) = daemon.lake.reports.read().stations
    return station.issue_date


@pytest.mark.parametrize(
    ("function", "ticks"),
    [(CLEAN, 0), (CLEAN, 1), (ISSUE, 1), ("celec_assets.report.assemble.station_part", 1)],
    ids=["series, no tick", "series", "forecast", "report"],
)
def test_what_comes_while_a_run_is_under_way_is_taken_by_one_more(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, function: str, ticks: int
) -> None:
    read_while(daemon, monkeypatch, function, ticks)
    requested = [daemon.tick_automation() for _ in range(5)]
    assert requested[-1] == {}, "once more, not for ever"
    assert reported_day(daemon) == date(2026, 1, 1)


def test_what_came_while_a_run_was_under_way_is_behind_for_a_catch_up(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_while(daemon, monkeypatch, CLEAN, ticks=0)
    outcomes = [CatchUp(daemon.defs, daemon.instance, daemon.lake).run() for _ in range(3)]
    assert [outcome.made.get("daily_series") for outcome in outcomes] == [1, 1, None]
    assert reported_day(daemon) == date(2026, 1, 1)


def test_the_sensor_leaves_a_file_that_is_still_being_written_for_later(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.put("geoglows/a.csv", reach(610000001))
    monkeypatch.setattr(sensors, "SETTLED_AFTER", timedelta(hours=1))
    assert daemon.tick_sensor() == []
    monkeypatch.setattr(sensors, "SETTLED_AFTER", timedelta(0))
    assert len(daemon.tick_sensor()) == 1
    assert daemon.tick_sensor() == []


def test_the_sensor_takes_no_more_than_its_cap_and_the_rest_next_time(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "FILES_PER_TICK", 2)
    for number in range(5):
        daemon.put(f"geoglows/{number}.csv", reach(610000000 + number, days=40))
    runs = [len(daemon.tick_sensor()) for _ in range(4)]
    assert runs == [1, 1, 1, 0]
    assert len(daemon.instance.get_materialized_partitions(dg.AssetKey("observations"))) == 5


def test_an_old_file_uploaded_again_with_a_new_one_reads_nothing_in_between(daemon: Daemon) -> None:
    for number in range(4):
        daemon.put(f"geoglows/{number}.csv", reach(610000000 + number, days=40))
    daemon.tick_sensor()
    daemon.put("geoglows/0.csv", reach(610000000, days=41))
    daemon.put("geoglows/9.csv", reach(610000009, days=40))
    ranges = {
        (t["dagster/asset_partition_range_start"], t["dagster/asset_partition_range_end"]) for t in daemon.tick_sensor()
    }
    assert ranges == {("geoglows/0.csv", "geoglows/0.csv"), ("geoglows/9.csv", "geoglows/9.csv")}


def test_a_file_that_was_touched_and_not_changed_is_not_read_again(daemon: Daemon) -> None:
    daemon.put("geoglows/a.csv", reach(610000001, days=40))
    daemon.tick_sensor()
    daemon.put("geoglows/a.csv", reach(610000001, days=40))
    assert daemon.tick_sensor() == []
    assert datetime.fromisoformat(str(daemon.sensor_cursor).split("|")[-1]) <= datetime.now(UTC)


def test_raw_files_are_partitions_by_name(daemon: Daemon) -> None:
    daemon.put("celec-sur/Hidrología de enero.csv", "Fecha,CaudalMaz\n01/12/2025 00:00:00,20.5\n")
    daemon.tick_sensor()
    assert daemon.instance.get_dynamic_partitions(str(RAW_FILES.name)) == ["celec-sur/Hidrología de enero.csv"]
