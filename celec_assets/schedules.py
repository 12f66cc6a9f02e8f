"""What starts by the clock, in Ecuador's time. Each can be switched off in the UI; a tick that was missed while the
daemon stood still is made up for once and not piled up.
"""

import dagster as dg

from celec_assets.assets.forecast import flow_forecast, flow_model
from celec_assets.assets.series import daily_series
from celec_assets.jobs import (
    backtest,
    fetch_geoglows,
    fetch_historian,
    forecast_watch,
    forecasts,
    morning_message,
    report,
    train_models,
)
from celec_assets.partitions import STATIONS, range_tags
from celec_assets.refusal import Refusal
from celec_assets.resources import ECUADOR, LakeResource
from celec_assets.services import GeoglowsService, HistorianService

_RUNNING = dg.DefaultScheduleStatus.RUNNING
_ZONE = str(ECUADOR)


@dg.schedule(
    job=fetch_historian,
    cron_schedule="40 6 * * *",
    execution_timezone=_ZONE,
    default_status=_RUNNING,
    description="CELEC's historian from where the lake ends. Far from the hours at which it knows nothing "
    "(docs/sources.md), and early enough to wait for one of them to pass before the forecasts.",
)
def morning_historian(
    context: dg.ScheduleEvaluationContext, lake: LakeResource, historian: HistorianService
) -> dg.RunRequest | dg.SkipReason:
    """See the description."""
    from celec_assets.connectors.historian import points

    try:
        first = historian.collector(lake.get()).first_day_to_ask(points())
    except Refusal as refusal:
        return dg.SkipReason(str(refusal))
    today = context.scheduled_execution_time.astimezone(ECUADOR)
    ends = {"start": f"{first:%Y-%m}", "end": f"{today:%Y-%m}"}
    return dg.RunRequest(tags={f"dagster/asset_partition_range_{end}": month for end, month in ends.items()})


@dg.schedule(
    job=fetch_geoglows,
    cron_schedule="40 6 * * *",
    execution_timezone=_ZONE,
    default_status=_RUNNING,
    description="What GEOGLOWS has of the past, and today's forecasts. Another server, so both are asked at once.",
)
def morning_geoglows(lake: LakeResource, geoglows: GeoglowsService) -> dg.RunRequest | dg.SkipReason:
    """See the description."""
    try:
        geoglows.collector(lake.get())
    except Refusal as refusal:
        return dg.SkipReason(str(refusal))
    return dg.RunRequest()


def _stations_with(asset: dg.AssetsDefinition, context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """All stations of which the asset was ever made: the others would fail as they did before."""
    made = context.instance.get_materialized_partitions(asset.key)
    stations = context.instance.get_dynamic_partitions(str(STATIONS.name))
    return [dg.RunRequest(tags=tags) for tags in range_tags(stations, made)]


@dg.schedule(job=forecasts, cron_schedule="30 7 * * *", execution_timezone=_ZONE, default_status=_RUNNING)
def morning_forecasts(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Forecasts of all stations. Warnings, scorecards and the report follow as soon as they are there."""
    return _stations_with(flow_forecast, context)


@dg.schedule(job=report, cron_schedule="30 7 * * *", execution_timezone=_ZONE, default_status=_RUNNING)
def morning_report() -> dg.RunRequest:
    """The report of today, also where no forecast can be made: then it says how old the data are."""
    return dg.RunRequest()


@dg.schedule(job=train_models, cron_schedule="0 4 * * 1", execution_timezone=_ZONE, default_status=_RUNNING)
def weekly_training(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Models of all stations on the data up to now, as often as in the backtest."""
    return _stations_with(daily_series, context)


@dg.schedule(job=backtest, cron_schedule="0 2 * * 0", execution_timezone=_ZONE, default_status=_RUNNING)
def weekly_backtest(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """The backtest goes on over the days that were observed since; only these are computed."""
    return _stations_with(flow_model, context)


morning_summary = dg.ScheduleDefinition(
    name="morning_summary",
    job=morning_message,
    cron_schedule="0 8 * * *",
    execution_timezone=_ZONE,
    default_status=_RUNNING,
    description="The summary of the morning and the address of the report, to everybody who is told of alerts.",
)

fresh_forecast_by_nine = dg.ScheduleDefinition(
    name="fresh_forecast_by_nine",
    job=forecast_watch,
    cron_schedule="0 9 * * *",
    execution_timezone=_ZONE,
    default_status=_RUNNING,
    description="An alert when this morning's forecasts are not there.",
)

ALL_SCHEDULES = [
    *(morning_historian, morning_geoglows),
    *(morning_forecasts, morning_report, morning_summary, fresh_forecast_by_nine),
    *(weekly_training, weekly_backtest),
]
