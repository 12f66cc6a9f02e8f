"""Assets, checks, sensors and resources as one `Definitions`, for whatever settings: the laptop's, a test's."""

import warnings
from typing import Any

import dagster as dg

with warnings.catch_warnings():
    # A range of stations in one run and checks by partition are marked beta and preview; docs/decisions.md says why
    # they are used all the same.
    warnings.simplefilter("ignore", dg.BetaWarning)
    warnings.simplefilter("ignore", dg.PreviewWarning)
    from celec_assets.assets.arrivals import geoglows_arrivals, historian_arrivals
    from celec_assets.assets.backtest import flow_backtest
    from celec_assets.assets.checks import ALL_CHECKS
    from celec_assets.assets.forecast import flow_forecast, flow_model
    from celec_assets.assets.raw import observations, raw_files, station_observations
    from celec_assets.assets.report import forecast_report
    from celec_assets.assets.scorecard import forecast_scorecard
    from celec_assets.assets.series import daily_series
    from celec_assets.assets.warnings import low_flow_warnings

from celec_assets.alert_sensors import failed_checks, failed_runs, send_alerts
from celec_assets.executor import lake_aware
from celec_assets.jobs import (
    backtest,
    fetch_geoglows,
    fetch_historian,
    forecast_watch,
    forecasts,
    morning_message,
    read_raw_files,
    report,
    self_test,
    train_models,
)
from celec_assets.resources import Batch, Clock, LakeResource, Notifier
from celec_assets.schedules import ALL_SCHEDULES
from celec_assets.sensors import automation, new_raw_files
from celec_assets.services import GeoglowsService, HistorianService
from celec_assets.settings import Settings
from celec_assets.storage.io_managers import LakeIOManager
from celec_assets.tracking.resource import Tracking


def build_definitions(settings: Settings, **resource_overrides: Any) -> dg.Definitions:
    """The code location with these settings.

    Args:
        resource_overrides: resources by name that replace the usual ones, for instance a clock that stands still.
    """
    lake = LakeResource(url=settings.lake_url)
    batches = dg.BackfillPolicy.multi_run(settings.partitions_per_run)
    partitioned = (observations, daily_series, flow_model, flow_forecast, flow_backtest, low_flow_warnings)
    layers = ("observations", "series", "models", "forecasts", "backtests", "warnings", "scorecards")
    return dg.Definitions(
        assets=[
            *(historian_arrivals, geoglows_arrivals),
            *(asset.with_attributes(backfill_policy=batches) for asset in (*partitioned, forecast_scorecard)),
            *(raw_files, station_observations, forecast_report),
        ],
        asset_checks=ALL_CHECKS,
        jobs=[
            *(fetch_historian, fetch_geoglows, read_raw_files, forecasts, report, train_models, backtest),
            *(morning_message, forecast_watch, self_test),
        ],
        schedules=ALL_SCHEDULES,
        sensors=[new_raw_files, automation, send_alerts, failed_runs, failed_checks],
        resources={
            "lake": lake,
            "clock": Clock(),
            "batch": Batch(size=settings.partitions_per_run),
            "notifier": Notifier(
                target=settings.alerts, report_url=settings.report_url, dagster_url=settings.dagster_url
            ),
            "tracking": Tracking(
                url=settings.mlflow_url, public_url=settings.mlflow_public_url, dagster_url=settings.dagster_url
            ),
            "historian": HistorianService(url=settings.historian_url, ca_bundle=settings.ca_bundle),
            "geoglows": GeoglowsService(
                url=settings.geoglows_url, ca_bundle=settings.ca_bundle, further_rivers=settings.geoglows_rivers
            ),
            **{layer: LakeIOManager(lake=lake, layer=layer) for layer in layers},
            **resource_overrides,
        },
        executor=lake_aware,
    )
