"""What a newcomer and the UI see of the graph, and that its names do not change by accident."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from celec_assets.build import build_definitions
from celec_assets.settings import Settings, WrongSettings, read_settings

ASSETS = [
    "historian_arrivals",
    "geoglows_arrivals",
    "raw_files",
    "observations",
    "station_observations",
    "daily_series",
    "flow_model",
    "flow_forecast",
    "flow_backtest",
    "low_flow_warnings",
    "forecast_scorecard",
    "forecast_report",
]


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_definitions(Settings(lake_url="lake"))


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_the_names_of_assets_are_a_contract(defs: dg.Definitions) -> None:
    assert sorted(specs(defs)) == sorted(ASSETS), "a rename loses history; if it is meant, say so in CHANGELOG.md"


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_explains_itself(defs: dg.Definitions, asset: str) -> None:
    spec = specs(defs)[asset]
    assert spec.description
    assert len(spec.description) > 80
    assert spec.owners
    assert spec.group_name not in (None, "default")
    assert spec.kinds
    assert spec.metadata["dagster/column_schema"].columns


def test_every_layer_has_checks_with_description_and_severity_on_purpose(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checked = {key.asset_key.to_user_string() for key in graph.asset_check_keys}
    assert checked == set(ASSETS) - {"station_observations"}
    for key in graph.asset_check_keys:
        assert graph.get(key).description, key


def test_the_graph_is_the_road(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    parents = {a: {p.to_user_string() for p in graph.get(dg.AssetKey(a)).parent_keys} for a in ASSETS}
    assert parents == {
        "historian_arrivals": set(),
        "geoglows_arrivals": set(),
        "raw_files": set(),
        "observations": {"raw_files"},
        "station_observations": {"observations"},
        "daily_series": {"station_observations"},
        "flow_model": {"daily_series"},
        "flow_forecast": {"daily_series", "flow_model"},
        "flow_backtest": {"daily_series"},
        "low_flow_warnings": {"daily_series", "flow_forecast"},
        "forecast_scorecard": {"daily_series", "flow_forecast"},
        "forecast_report": {"low_flow_warnings", "forecast_scorecard"},
    }


def test_what_starts_by_the_clock_and_by_itself_runs_and_can_be_seen(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    times = {schedule.name: schedule.cron_schedule for schedule in repository.schedule_defs}
    assert times == {
        "morning_historian": "40 6 * * *",
        "morning_geoglows": "40 6 * * *",
        "morning_forecasts": "30 7 * * *",
        "morning_report": "30 7 * * *",
        "morning_summary": "0 8 * * *",
        "fresh_forecast_by_nine": "0 9 * * *",
        "weekly_training": "0 4 * * 1",
        "weekly_backtest": "0 2 * * 0",
    }
    for schedule in repository.schedule_defs:
        assert schedule.execution_timezone == "America/Guayaquil"
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        assert schedule.description
    sensors = {sensor.name for sensor in repository.sensor_defs}
    assert sensors == {"new_raw_files", "automation", "send_alerts", "failed_runs", "failed_checks"}
    assert all(s.default_status is dg.DefaultSensorStatus.RUNNING and s.description for s in repository.sensor_defs)


def test_what_has_to_be_made_every_morning_says_so(defs: dg.Definitions) -> None:
    fresh = {name for name, spec in specs(defs).items() if spec.freshness_policy}
    assert {"daily_series", "flow_forecast", "forecast_report"} <= fresh


def test_the_code_location_loads_from_the_workspace_file() -> None:
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_wrong_settings_are_named_all_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CELEC_LAKE_URL", str(tmp_path / "file"))
    with pytest.raises(WrongSettings, match=r"CELEC_LAKE_URL: .*is a file, not a folder"):
        read_settings()


def test_the_lake_is_a_folder_beside_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CELEC_LAKE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert read_settings().lake_url == str(tmp_path / "lake")
