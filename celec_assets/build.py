"""Assets, checks, sensors and resources as one `Definitions`, for whatever settings: the laptop's, a test's."""

import warnings
from typing import Any

import dagster as dg

with warnings.catch_warnings():
    # A range of stations in one run and checks by partition are marked beta and preview; docs/decisions.md says why
    # they are used all the same.
    warnings.simplefilter("ignore", dg.BetaWarning)
    warnings.simplefilter("ignore", dg.PreviewWarning)
    from celec_assets.assets.backtest import flow_backtest
    from celec_assets.assets.checks import ALL_CHECKS
    from celec_assets.assets.forecast import flow_forecast, flow_model
    from celec_assets.assets.raw import observations, raw_files, station_observations
    from celec_assets.assets.series import daily_series

from celec_assets.jobs import backtest, read_raw_files, train_models
from celec_assets.resources import Clock, LakeResource
from celec_assets.sensors import automation, new_raw_files
from celec_assets.settings import Settings
from celec_assets.storage.io_managers import LakeIOManager


def build_definitions(settings: Settings, **resource_overrides: Any) -> dg.Definitions:
    """The code location with these settings.

    Args:
        resource_overrides: resources by name that replace the usual ones, for instance a clock that stands still.
    """
    lake = LakeResource(url=settings.lake_url)
    layers = ("observations", "series", "models", "forecasts", "backtests")
    return dg.Definitions(
        assets=[raw_files, observations, station_observations, daily_series, flow_model, flow_forecast, flow_backtest],
        asset_checks=ALL_CHECKS,
        jobs=[read_raw_files, train_models, backtest],
        sensors=[new_raw_files, automation],
        resources={
            "lake": lake,
            "clock": Clock(),
            **{layer: LakeIOManager(lake=lake, layer=layer) for layer in layers},
            **resource_overrides,
        },
        executor=dg.in_process_executor,
    )
