"""`flow_model` and `flow_forecast`: a station's model, and what it says from the newest day on."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.common import BY_NINE, OWNERS, columns
from celec_assets.assets.pictures import PICTURED, fan, png, skill_by_lead
from celec_assets.automation import FOLLOWS_ITS_INPUTS, WHERE_MISSING
from celec_assets.partitions import STATIONS
from celec_assets.resources import Clock, LakeResource
from celec_assets.storage.by_partition import ByPartition, Documents, Frames
from celec_assets.tracking.resource import Tracking

if TYPE_CHECKING:
    import pandas as pd

    from celec_assets.storage.lake import Lake


@dg.asset(
    partitions_def=STATIONS,
    automation_condition=WHERE_MISSING,
    io_manager_key="models",
    group_name="forecast",
    owners=OWNERS,
    kinds={"prophet", "json"},
    metadata=columns(
        station="string",
        recipe="string",
        format="int",
        trained_from="date",
        trained_through="date",
        observed_days="int",
        data_sha256="string",
        versions="object: library to version",
        model="object: the fitted parameters",
        rejected="list of string: why it did not come into use; empty when it did",
    ),
)
def flow_model(
    context: dg.AssetExecutionContext, lake: LakeResource, tracking: Tracking, daily_series: Frames
) -> Documents:
    """The trained model of a station, as a JSON document: parameters, training window, hash of the data, versions.

    Trained where there is none yet, and when asked. A station with less than a year of observed days is refused. What
    is trained comes into use unless its forecast fails a sanity check, or its recipe is new here and its backtest is
    worse than that of the recipe in use; then the model in use keeps forecasting.
    """
    few = len(context.partition_keys) <= PICTURED

    def describe(model: dict[str, Any]) -> dict[str, Any]:
        def draw(scores: "pd.DataFrame | None") -> dict[str, bytes]:
            return _draw_model(model, daily_series, scores) if few else {}

        return {**_describe_model(model), **tracking.model(lake.get(), model, draw)}

    return ByPartition(context.partition_keys, partial(_train, lake, daily_series), describe)


def _train(lake: LakeResource, daily_series: Frames, station: str) -> dict[str, Any]:
    from celec_assets.forecasting.training import train

    candidate = train(station, daily_series[station], daily_series)
    return {**candidate, "rejected": _reasons_against(lake.get(), candidate, daily_series)}


def _reasons_against(lake: "Lake", candidate: dict[str, Any], daily_series: Frames) -> list[str]:
    from celec_assets.forecasting.gate import reasons_against, worse
    from celec_assets.forecasting.sanity import impossible
    from celec_assets.forecasting.training import model_inputs, predict
    from celec_assets.series.schema import observed_flow

    station = candidate["station"]
    inputs = model_inputs(station, daily_series[station], daily_series)
    pointer = lake.models.pointer(station)
    present = lake.models.at(pointer.in_use) if pointer.in_use else None
    return reasons_against(
        candidate,
        present,
        impossible(predict(candidate, inputs), inputs[0]),
        lambda: worse(
            lake.backtests.forecasts(station, candidate["recipe"]),
            lake.backtests.forecasts(station, present["recipe"]) if present else None,
            observed_flow(daily_series[station]),
        ),
        pointer.rolled_back,
    )


def _describe_model(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name not in ("model", "station")}


def _draw_model(model: dict[str, Any], daily_series: Frames, scores: "pd.DataFrame | None") -> dict[str, bytes]:
    """What it says from the last day that it was trained on, and how good its recipe was."""
    from celec_assets.forecasting.training import issue

    drawn = {} if scores is None else {"skill_by_lead.png": png(skill_by_lead(scores))}
    if model["rejected"]:  # perhaps for a forecast that nobody can draw
        return drawn
    series = daily_series[model["station"]]
    forecast = issue(model, series, daily_series, made_on=date.fromisoformat(model["trained_through"]))
    return {"next_30_days.png": png(fan(forecast, series)), **drawn}


@dg.asset(
    partitions_def=STATIONS,
    automation_condition=FOLLOWS_ITS_INPUTS,
    io_manager_key="forecasts",
    freshness_policy=BY_NINE,
    group_name="forecast",
    owners=OWNERS,
    kinds={"prophet", "parquet"},
    metadata=columns(
        station="string",
        issue_date="date",
        kind="string: issued, remade or hindsight",
        target="string: day or mean",
        lead_days="int",
        window_days="int",
        quantile="float",
        flow_m3s="float",
    ),
)
def flow_forecast(
    context: dg.AssetExecutionContext,
    clock: Clock,
    daily_series: Frames,
    flow_model: Documents,
) -> Frames:
    """Quantiles of daily flow (m³/s) for leads of 1 to 30 days and of the means of the next 7, 14 and 30 days.

    The issue date is the station's last observed day. The first forecast issued for a date stands; one that is made
    again, or more than a week late, is kept apart and marked.
    """

    def picture(forecast: "pd.DataFrame") -> dict[str, Any]:
        drawn = fan(forecast, daily_series[forecast["station"].iloc[0]])
        return {**_describe_forecast(forecast), "next 30 days": dg.MetadataValue.md(drawn)}

    few = len(context.partition_keys) <= PICTURED
    make = partial(_issue, flow_model, daily_series, clock.today())
    return ByPartition(context.partition_keys, make, picture if few else _describe_forecast)


def _issue(flow_model: Documents, daily_series: Frames, today: date, station: str) -> "pd.DataFrame":
    from celec_assets.forecasting.training import issue

    return issue(flow_model[station], daily_series[station], daily_series, made_on=today)


def _describe_forecast(forecast: "pd.DataFrame") -> dict[str, Any]:
    from celec_assets.forecasting.forecast import summary

    return {
        "dagster/row_count": len(forecast),
        "issue_date": f"{forecast['issue_date'].iloc[0]:%Y-%m-%d}",
        "kind": forecast["kind"].iloc[0],
        **summary(forecast),
    }
