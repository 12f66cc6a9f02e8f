"""The road from raw files to forecasts as a user goes it: what is made, what is left alone, what is refused."""

import shutil
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from celec_assets import cli
from celec_assets.build import build_definitions
from celec_assets.catch_up import ROAD, CatchUp, Outcome
from celec_assets.forecasting import model, training
from celec_assets.partitions import STATIONS, range_tags
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets_tests.still import StoppedClock

LAST_DAY = date(2025, 12, 31)


class Platform:
    """A lake in a folder, an instance, and the definitions on them."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance, today: date = LAST_DAY + timedelta(days=1)) -> None:
        self.folder, self.instance, self.lake = folder, instance, Lake.open(str(folder))
        self.set_today(today)

    def set_today(self, today: date) -> None:
        clock = StoppedClock(day=today.isoformat())
        self.defs = build_definitions(Settings(lake_url=str(self.folder)), clock=clock)

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def catch_up(self) -> Outcome:
        return CatchUp(self.defs, self.instance, self.lake).run()

    def objects(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.relative_to(self.folder).parts[0] != "raw"
        }


@pytest.fixture
def platform(tmp_path: Path):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(tmp_path / "lake", instance)


@pytest.fixture
def small(platform: Platform) -> Platform:
    """Two years of the sample, caught up with."""
    for name, content in sample_files(last_day=LAST_DAY, years=2):
        platform.put(name, content)
    outcome = platform.catch_up()
    assert outcome.failed == []
    return platform


def month(platform: Platform) -> tuple[str, str]:
    """Name and text of the newest monthly export."""
    name = "celec-sur/Hidrologia_2025_12_muestra.csv"
    return name, (platform.folder / "raw" / name).read_text("utf-8-sig")


def test_every_station_of_the_sample_gets_a_forecast(small: Platform) -> None:
    stations = small.instance.get_dynamic_partitions(str(STATIONS.name))
    assert set(stations) == {
        "mazar", "molino", "sopladora", "minas-san-francisco", "paute-basin", "coca", "geoglows-620883808",
    }  # fmt: skip
    for station in stations:
        forecast = small.lake.forecasts.read(station)
        assert len(forecast) == 33 * 7
        assert forecast["flow_m3s"].gt(0).all()
    assert small.lake.forecasts.latest("mazar") == "flow_forecast/mazar/issued/2025-12-31.parquet"


def test_a_second_catch_up_makes_nothing(small: Platform) -> None:
    before = small.objects()
    outcome = small.catch_up()
    assert {asset: n for asset, n in outcome.made.items() if n} == {"forecast_report": 1}
    assert small.objects() == before


def test_the_same_input_gives_the_same_bytes(small: Platform, tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        twin = Platform(tmp_path / "twin", instance)
        for name, content in sample_files(last_day=LAST_DAY, years=2):
            twin.put(name, content)
        twin.catch_up()
        assert twin.objects() == small.objects()


def test_a_file_that_was_only_touched_is_not_read_again(small: Platform) -> None:
    name, _ = month(small)
    path = small.folder / "raw" / name
    path.write_bytes(path.read_bytes())
    assert small.catch_up().made.get("observations", 0) == 0


def test_a_corrected_file_makes_its_stations_anew_and_no_other(small: Platform) -> None:
    name, text = month(small)
    small.put(name, text.replace("31/12/2025 00:00:00", "01/12/2025 00:00:00", 0).encode() + b"")
    lines = text.splitlines()
    small.put(name, ("\n".join(lines[:1] + lines[2:]) + "\n").encode())  # the newest day is gone
    outcome = small.catch_up()
    assert outcome.made["observations"] == 1
    assert outcome.made["daily_series"] == 5
    assert outcome.made.get("flow_model", 0) == 0
    assert f"{small.lake.series.read('mazar')['day'].iloc[-1]:%Y-%m-%d}" == "2025-12-30"


def test_the_first_forecast_of_a_date_stands(small: Platform) -> None:
    first = small.objects()["flow_forecast/mazar/issued/2025-12-31.parquet"]
    name, text = month(small)
    day = next(line for line in text.splitlines() if line.startswith('"31/12/2025'))
    fields = day.split(",")
    fields[4] = '"99.5"'  # Mazar's flow on the issue date, corrected after the forecast was issued
    small.put(name, text.replace(day, ",".join(fields)).encode())
    small.catch_up()
    objects = small.objects()
    assert objects["flow_forecast/mazar/issued/2025-12-31.parquet"] == first
    remade = [key for key in objects if key.startswith("flow_forecast/mazar/remade/2025-12-31-")]
    assert len(remade) == 1
    assert small.lake.forecasts.latest("mazar") == "flow_forecast/mazar/issued/2025-12-31.parquet"


def test_a_forecast_made_weeks_later_is_hindsight(platform: Platform) -> None:
    platform.set_today(date(2026, 2, 1))
    for name, content in sample_files(last_day=LAST_DAY, years=2, reaches=()):
        if "ccs" in name:
            platform.put(name, content)
    platform.catch_up()
    assert set(platform.lake.forecasts.read("coca")["kind"]) == {"hindsight"}


def test_a_bad_file_is_refused_by_name_and_the_others_go_through(small: Platform) -> None:
    small.put("celec-sur/broken.csv", b"Fecha,CaudalMaz\n31/12/2025 00:00:00,12,5\n")
    small.put("geoglows/1.csv", b"time,777777777\n" + _days(500))
    outcome = small.catch_up()
    (asset, partition, reason) = outcome.failed[0]
    assert (asset, partition) == ("observations", "celec-sur/broken.csv")
    assert "broken.csv, line 2" in reason
    assert small.lake.forecasts.exists("geoglows-777777777")
    status = small.instance.get_status_by_partition(
        dg.AssetKey("observations"),
        ["celec-sur/broken.csv", "geoglows/1.csv"],
        dg.DynamicPartitionsDefinition(name="raw_files"),
    )
    assert {partition: state.value for partition, state in (status or {}).items() if state} == {
        "celec-sur/broken.csv": "FAILED",
        "geoglows/1.csv": "MATERIALIZED",
    }
    assert small.catch_up().failed == [], "what is known to be bad is not tried again until it changes"


def test_a_corrected_upload_heals_a_refused_file(small: Platform) -> None:
    small.put("geoglows/1.csv", b"time,777777777\n2025-01-01,one\n")
    assert small.catch_up().failed
    small.put("geoglows/1.csv", b"time,777777777\n" + _days(500))
    assert small.catch_up().failed == []
    assert small.lake.observations.refused() == {}
    assert small.lake.forecasts.exists("geoglows-777777777")


def test_a_station_with_less_than_a_year_is_refused_and_stops_nobody(small: Platform) -> None:
    small.put("geoglows/young.csv", b"time,777777777\n" + _days(200))
    small.put("geoglows/old.csv", b"time,888888888\n" + _days(500))
    outcome = small.catch_up()
    assert outcome.failed == [
        ("flow_model", "geoglows-777777777", "geoglows-777777777 has 200 observed days; a model needs 365")
    ]
    assert small.lake.forecasts.exists("geoglows-888888888")
    assert not small.lake.forecasts.exists("geoglows-777777777")


def test_a_check_can_be_executed_on_its_own_on_any_stations(small: Platform) -> None:
    small.set_today(LAST_DAY + timedelta(days=30))
    job = small.defs.resolve_implicit_global_asset_job_def()
    fresh = dg.AssetCheckKey(dg.AssetKey("daily_series"), "data_are_fresh")
    checks_alone = job.get_subset(asset_selection=set(), asset_check_selection={fresh})
    (tags,) = range_tags(small.instance.get_dynamic_partitions(str(STATIONS.name)), ["mazar", "molino"], 1000)
    result = checks_alone.execute_in_process(instance=small.instance, tags=tags)
    assert {(e.check_name, e.partition, e.passed) for e in result.get_asset_check_evaluations()} == {
        ("data_are_fresh", partition, False) for partition in ("mazar", "molino", None)
    }


def test_a_check_of_what_is_not_there_fails(small: Platform) -> None:
    (small.folder / "flow_forecast/mazar/latest.json").unlink()
    complete = dg.AssetCheckKey(dg.AssetKey("flow_forecast"), "horizon_is_complete")
    job = small.defs.resolve_implicit_global_asset_job_def()
    checks_alone = job.get_subset(asset_selection=set(), asset_check_selection={complete})
    (tags,) = range_tags(small.instance.get_dynamic_partitions(str(STATIONS.name)), ["mazar"], 1000)
    result = checks_alone.execute_in_process(instance=small.instance, tags=tags, raise_on_error=False)
    evaluations = result.get_asset_check_evaluations()
    assert [evaluation.passed for evaluation in evaluations] == [False, False]
    assert "flow_forecast/mazar/latest.json" in str(evaluations[0].metadata)


def make(platform: Platform, asset: str, station: str) -> dg.ExecuteInProcessResult:
    """Materialize one partition by hand, as from the UI."""
    job = platform.defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        asset_selection=[dg.AssetKey(asset)], partition_key=station, instance=platform.instance, raise_on_error=False
    )


def test_a_new_recipe_waits_for_its_backtest_and_can_be_rolled_back(
    small: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = small.lake.models.pointer("coca").in_use
    assert make(small, "flow_backtest", "coca").success
    for module in (model, training):
        monkeypatch.setattr(module, "RECIPE", "another")

    refit = make(small, "flow_model", "coca")
    assert refit.success
    pointer = small.lake.models.pointer("coca")
    assert pointer.in_use == old != pointer.newest
    verdict = next(e for e in refit.get_asset_check_evaluations() if e.check_name == "newest_model_is_in_use")
    assert not verdict.passed
    assert "there is none of the new recipe" in str(verdict.metadata)
    assert make(small, "flow_forecast", "coca").success, "the model in use keeps forecasting"

    assert make(small, "flow_backtest", "coca").success
    make(small, "flow_model", "coca")
    assert small.lake.models.read("coca")["recipe"] == "another"

    monkeypatch.setenv("CELEC_LAKE_URL", str(small.folder))
    assert cli.main(["rollback", "coca"]) == 0
    assert old in capsys.readouterr().out
    make(small, "flow_model", "coca")
    assert small.lake.models.pointer("coca").in_use == old, "what was rolled back does not come back by itself"
    assert cli.main(["rollback", "coca"]) == 2


def test_an_interrupted_catch_up_is_completed_by_the_next(small: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = small.objects()
    small.put("geoglows/1.csv", b"time,777777777\n" + _days(500))
    with monkeypatch.context() as patch:
        patch.setattr(CatchUp, "_behind", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            small.catch_up()
    again = small.catch_up().made
    assert again == {"raw_files": 0} | dict.fromkeys(ROAD[2:], 1)
    left = small.objects()
    news = ("777777777", "1.csv", "forecast_report", "alerts")  # what tells of the new station too
    assert {k: v for k, v in left.items() if not any(new in k for new in news)} == {
        k: v for k, v in expected.items() if not any(new in k for new in news)
    }


def test_a_lost_lake_and_a_lost_history_are_made_again_from_the_raw_files(small: Platform) -> None:
    before = small.objects()
    for layer in ("observations", "daily_series", "flow_model", "flow_forecast"):
        shutil.rmtree(small.folder / layer)
    assert small.catch_up().failed == []
    assert small.objects() == before
    with dg.DagsterInstance.ephemeral() as forgetful:
        again = Platform(small.folder, forgetful)
        assert again.catch_up().made["flow_forecast"] == 7
        assert again.objects() == before


def test_files_are_read_and_stations_made_again_by_one_command(
    small: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CELEC_LAKE_URL", str(small.folder))
    monkeypatch.setattr(cli, "open_instance", lambda: nullcontext(small.instance))
    before = small.objects()

    assert cli.main(["reread", "*Hidrologia_2025_12*"]) == 0
    shown = capsys.readouterr().out
    assert "reading raw files (1)" in shown
    assert "cleaning daily series (5)" in shown
    assert cli.main(["remake", "coca"]) == 0
    shown = capsys.readouterr().out
    assert "reading raw files: nothing new" in shown
    assert "cleaning daily series (1)" in shown
    assert "forecasting (1)" in shown
    after = small.objects()
    dated = ("/hindsight/", "forecast_report/")  # the command's clock is today's
    assert {key: content for key, content in after.items() if not any(name in key for name in dated)} == {
        key: content for key, content in before.items() if not any(name in key for name in dated)
    }, "the same files give the same bytes"

    assert cli.main(["reread", "*no-such-file*"]) == 2
    assert cli.main(["remake", "atlantis"]) == 2


def _interrupt(*_: object) -> set[str]:
    raise KeyboardInterrupt


def _days(number: int) -> bytes:
    """Rows of a GEOGLOWS file that end with the last day."""
    days = [LAST_DAY - timedelta(days=back) for back in range(number)]
    return "".join(f"{day},{20 + day.timetuple().tm_yday % 7}.25\n" for day in sorted(days)).encode()
