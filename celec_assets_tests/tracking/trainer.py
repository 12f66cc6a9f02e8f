"""Stations that are trained and backtested, and what MLflow then knows of them."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from celec_assets.build import build_definitions
from celec_assets.partitions import STATIONS, range_tags
from celec_assets.series.schema import COLUMNS
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake

A, B, C = THREE = ("geoglows-610000001", "geoglows-610000002", "geoglows-610000003")
DAYS = 420


class Trainer:
    """Trains and backtests stations on series that are there already."""

    def __init__(self, folder: Path, url: str, instance: dg.DagsterInstance) -> None:
        self.url, self.instance, self.lake = url, instance, Lake.open(str(folder))
        self.settings = Settings(lake_url=str(folder), mlflow_url=url, dagster_url="https://dagster.example/")
        self.defs = build_definitions(self.settings)
        instance.add_dynamic_partitions(str(STATIONS.name), list(THREE))
        for number, station in enumerate(THREE):
            self.observe(station, DAYS, number)

    def observe(self, station: str, days: int, number: int = 0) -> None:
        self.lake.series.write(station, series(days, number))

    def make(self, asset: str, *stations: str, job: str | None = None) -> dg.ExecuteInProcessResult:
        (tags,) = range_tags(self.instance.get_dynamic_partitions(str(STATIONS.name)), stations, 1000)
        resolved = self.defs.resolve_job_def(job) if job else self.defs.resolve_implicit_global_asset_job_def()
        return resolved.execute_in_process(
            asset_selection=None if job else [dg.AssetKey(asset)],
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )

    def train(self, *stations: str) -> dg.ExecuteInProcessResult:
        return self.make("flow_model", *stations)

    def in_use(self, station: str) -> str:
        return self.lake.models.pointer(station).in_use


def series(days: int, number: int = 0) -> pd.DataFrame:
    """A river with a season and some weather."""
    day = pd.date_range("2024-11-01", periods=days)
    season = 40 + 15 * np.sin(2 * np.pi * np.arange(days) / 365)
    flow = (season * np.exp(np.random.default_rng(number).normal(0, 0.1, days))).round(2)
    frame = pd.DataFrame({"day": day, "flow_m3s": flow, "flow_raw_m3s": flow, "flow_flag": "observed"})
    missing = {"level_masl": np.nan, "level_raw_masl": np.nan, "level_flag": "missing", "sources_disagree": False}
    return frame.assign(**missing)[list(COLUMNS)]


def tracked(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What the materializations say of MLflow, by station."""
    return {
        str(event.partition): str(event.materialization.metadata["mlflow run"].value)
        for event in result.get_asset_materialization_events()
    }


def warnings_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        entry.user_message
        for entry in instance.all_logs(result.run_id)
        if entry.level == 30 and "MLflow" in entry.user_message
    ]


def mlflow(url: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(url, registry_uri=url)


def runs(url: str, experiment: str) -> list[Any]:
    """The runs of an experiment, oldest first."""
    there = mlflow(url).get_experiment_by_name(experiment)
    return mlflow(url).search_runs([there.experiment_id], order_by=["start_time"]) if there else []


def aliased(url: str, station: str) -> tuple[str, str]:
    """Number and object of the version that MLflow says is in use."""
    version = mlflow(url).get_model_version_by_alias(station, "in_use")
    return str(version.version), version.tags["object"]


def artifacts(url: str, run_id: str, folder: str = "") -> set[str]:
    found = set()
    for info in mlflow(url).list_artifacts(run_id, folder):
        found |= artifacts(url, run_id, info.path) if info.is_dir else {info.path}
    return found
