"""`make check` turns red for every fault that is planted, and says which."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import pandas as pd
import pytest

from celec_assets import cli
from celec_assets.build import build_definitions
from celec_assets.catch_up import ROAD, CatchUp
from celec_assets.resources import Clock, LakeResource
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.storage.by_partition import ByPartition
from celec_assets.storage.io_managers import LakeIOManager
from celec_assets.storage.lake import Lake


class FaultyIOManager(LakeIOManager):
    """Stores something else than it was given."""

    fault: str

    def handle_output(self, context: dg.OutputContext, obj: ByPartition[Any]) -> None:
        spoil = FAULTS[self.fault][1]
        super().handle_output(context, ByPartition(list(obj), lambda key: spoil(obj[key]), lambda _: {}))


def cross(forecast: pd.DataFrame) -> pd.DataFrame:
    flows = forecast["flow_m3s"].to_numpy(copy=True)
    flows[[0, 6]] = flows[[6, 0]]
    return forecast.assign(flow_m3s=flows)


Spoil = Callable[[Any], Any]
FAULTS: dict[str, tuple[str, Spoil, str]] = {
    "crossing": ("forecasts", cross, "quantiles_are_ordered_and_not_negative"),
    "negative": ("forecasts", lambda f: f.assign(flow_m3s=-f["flow_m3s"]), "quantiles_are_ordered_and_not_negative"),
    "short": ("forecasts", lambda f: f[f["lead_days"] != 30], "horizon_is_complete"),
    "day-lost": ("series", lambda s: s.drop(index=100), "series_is_one_row_a_day"),
    "flag-lost": ("series", lambda s: s.assign(flow_flag="fine"), "series_is_one_row_a_day"),
    "no-versions": ("models", lambda m: {**m, "versions": {}}, "model_is_complete"),
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coca's two years, which is enough for every layer."""
    folder = tmp_path_factory.mktemp("raw")
    for name, content in sample_files(last_day=Clock().today() - timedelta(days=1), years=2, reaches=()):
        if "ccs" in name:
            (folder / "coca.csv").write_bytes(content)
    return folder


def run(lake: Path, raw: Path, junit: Path, **resources: Any) -> int:
    cli.fill(Lake.open(str(lake)), raw)
    defs = build_definitions(Settings(lake_url=str(lake)), **resources)
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = CatchUp(defs, instance, Lake.open(str(lake))).run()
    return cli.show_checks(defs, outcome, junit)


def verdicts(junit: Path) -> dict[str, str]:
    return {
        case.attrib["name"]: failure.attrib["message"] if (failure := case.find("failure")) is not None else "fine"
        for case in ElementTree.parse(junit).iter("testcase")
    }


@pytest.mark.parametrize("folder", [".", "lake", "lake/raw/celec-ccs"])
def test_raw_files_and_lake_do_not_lie_in_each_other(folder: str, tmp_path: Path) -> None:
    (tmp_path / "lake/raw/celec-ccs").mkdir(parents=True)
    (tmp_path / "lake/raw/celec-ccs/coca.csv").write_bytes(b"there")
    lake = Lake.open(str(tmp_path / "lake"))
    with pytest.raises(cli.CannotStart, match="apart from the lake"):
        cli.fill(lake, tmp_path / folder)
    cli.fill(lake, tmp_path / "lake/raw")  # what is there already
    assert [file.name for file in lake.raw.list()] == ["celec-ccs/coca.csv"]


def test_a_sound_pipeline_is_green_and_names_every_check(raw: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "lake", raw, tmp_path / "junit.xml") == 0
    assert set(verdicts(tmp_path / "junit.xml").values()) == {"fine"}
    defs = build_definitions(Settings(lake_url=str(tmp_path)))
    on_the_road = {k.name for k in defs.resolve_asset_graph().asset_check_keys if k.asset_key.path[0] in ROAD}
    assert set(verdicts(tmp_path / "junit.xml")) == on_the_road


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_turns_its_check_red(fault: str, raw: Path, tmp_path: Path) -> None:
    layer, _, check = FAULTS[fault]
    lake = tmp_path / "lake"
    manager = FaultyIOManager(lake=LakeResource(url=str(lake)), layer=layer, fault=fault)
    assert run(lake, raw, tmp_path / "junit.xml", **{layer: manager}) == 1
    assert verdicts(tmp_path / "junit.xml")[check] == "failed"


def test_a_check_that_did_not_run_is_red_too(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "raw").mkdir()
    rows = (raw / "coca.csv").read_text().splitlines()
    (tmp_path / "raw" / "coca.csv").write_text("\n".join(rows[:100]) + "\n")  # too short for a model
    assert run(tmp_path / "lake", tmp_path / "raw", tmp_path / "junit.xml") == 1
    found = verdicts(tmp_path / "junit.xml")
    assert found["coca"] == "failed"
    assert found["model_is_complete"] == found["horizon_is_complete"] == "NOT RUN"
    assert re.search(r"a model\s+needs 365", capsys.readouterr().out.replace("│", " "))


def test_a_warning_leaves_ci_green(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    rows = (raw / "coca.csv").read_text().splitlines()
    (tmp_path / "raw" / "coca.csv").write_text("\n".join(rows[:-30]) + "\n")  # a month old
    assert run(tmp_path / "lake", tmp_path / "raw", tmp_path / "junit.xml") == 0
    warned = [
        case
        for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
        if case.find("system-out") is not None
    ]
    assert "data_are_fresh" in {case.attrib["name"] for case in warned}


def test_a_blocking_check_that_fails_ends_its_run(raw: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    cli.fill(Lake.open(str(lake)), raw)
    manager = FaultyIOManager(lake=LakeResource(url=str(lake)), layer="forecasts", fault="crossing")
    defs = build_definitions(Settings(lake_url=str(lake)), forecasts=manager)
    with dg.DagsterInstance.ephemeral() as instance:
        runs = CatchUp(defs, instance, Lake.open(str(lake))).run().runs
        made = {
            asset: instance.get_materialized_partitions(dg.AssetKey(asset))
            for asset in ("flow_forecast", "low_flow_warnings", "forecast_scorecard")
        }
    assert [run.success for run in runs] == [True, True, True, True, False, True]
    assert made == {"flow_forecast": {"coca"}, "low_flow_warnings": set(), "forecast_scorecard": set()}, (
        "nothing is made from such a forecast"
    )
