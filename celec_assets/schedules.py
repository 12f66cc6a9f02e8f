"""What starts by the clock, in Ecuador's time."""

import dagster as dg

from celec_assets.jobs import fetch_geoglows, fetch_historian
from celec_assets.refusal import Refusal
from celec_assets.resources import ECUADOR, LakeResource
from celec_assets.services import GeoglowsService, HistorianService

_RUNNING = dg.DefaultScheduleStatus.RUNNING
_ZONE = str(ECUADOR)


@dg.schedule(job=fetch_historian, cron_schedule="40 6 * * *", execution_timezone=_ZONE, default_status=_RUNNING)
def morning_historian(
    context: dg.ScheduleEvaluationContext, lake: LakeResource, historian: HistorianService
) -> dg.RunRequest | dg.SkipReason:
    """CELEC's historian from where the lake ends. Far from the hours at which it knows nothing (docs/sources.md), and
    early enough to wait for one of them to pass before the forecasts.
    """
    from celec_assets.connectors.historian import points

    try:
        first = historian.collector(lake.get()).first_day_to_ask(points())
    except Refusal as refusal:
        return dg.SkipReason(str(refusal))
    today = context.scheduled_execution_time.astimezone(ECUADOR)
    ends = {"start": f"{first:%Y-%m}", "end": f"{today:%Y-%m}"}
    return dg.RunRequest(tags={f"dagster/asset_partition_range_{end}": month for end, month in ends.items()})


@dg.schedule(job=fetch_geoglows, cron_schedule="40 6 * * *", execution_timezone=_ZONE, default_status=_RUNNING)
def morning_geoglows(lake: LakeResource, geoglows: GeoglowsService) -> dg.RunRequest | dg.SkipReason:
    """What GEOGLOWS has of the past and today's forecasts; another server, so both can be asked at once."""
    try:
        geoglows.collector(lake.get())
    except Refusal as refusal:
        return dg.SkipReason(str(refusal))
    return dg.RunRequest()
