"""What starts by the clock, in Ecuador's time. Each can be switched off in the UI; a tick that was missed while the
daemon stood still is made up for once and not piled up.
"""

from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

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

Job = dg.JobDefinition | UnresolvedAssetJobDefinition
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


def _schedule(
    name: str, job: Job, cron: str, description: str, stations_with: dg.AssetsDefinition | None = None
) -> dg.ScheduleDefinition:
    """A run of the job; or one for each batch of the stations of which that asset was ever made: the others would fail
    as they did before.
    """

    def of_stations(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        assert stations_with is not None
        made = context.instance.get_materialized_partitions(stations_with.key)
        stations = context.instance.get_dynamic_partitions(str(STATIONS.name))
        for tags in range_tags(stations, made, context.resources.batch.size):
            yield dg.RunRequest(run_key=tags["dagster/asset_partition_range_start"], tags=tags)

    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=_ZONE,
        default_status=_RUNNING,
        description=description,
        execution_fn=of_stations if stations_with else None,
        required_resource_keys={"batch"} if stations_with else None,
    )


ALL_SCHEDULES = [
    morning_historian,
    morning_geoglows,
    _schedule(
        "morning_forecasts",
        forecasts,
        "30 7 * * *",
        "Forecasts of all stations. Warnings, scorecards and the report follow as soon as they are there.",
        stations_with=flow_forecast,
    ),
    _schedule(
        "morning_report",
        report,
        "30 7 * * *",
        "The report of today, also where no forecast can be made: then it says how old the data are.",
    ),
    _schedule(
        "morning_summary",
        morning_message,
        "0 8 * * *",
        "The summary of the morning and the address of the report, to everybody who is told of alerts.",
    ),
    _schedule(
        "fresh_forecast_by_nine",
        forecast_watch,
        "0 9 * * *",
        "An alert when this morning's forecasts are not there.",
    ),
    _schedule(
        "weekly_training",
        train_models,
        "0 4 * * 1",
        "Models of all stations on the data up to now, as often as in the backtest.",
        stations_with=daily_series,
    ),
    _schedule(
        "weekly_backtest",
        backtest,
        "0 2 * * 0",
        "The backtest goes on over the days that were observed since; only these are computed.",
        stations_with=flow_model,
    ),
]
