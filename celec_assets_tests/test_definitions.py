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
    }


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
