"""What the connectors bring into the landing zone: an asset a service. The sensor `new_raw_files` sees the files, and
nothing behind it knows where they came from.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.common import OWNERS, columns
from celec_assets.refusal import Refusal
from celec_assets.resources import ECUADOR, LakeResource
from celec_assets.services import GeoglowsService, HistorianService

if TYPE_CHECKING:
    from celec_assets.connectors.collector import Collector

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2010-01", fmt="%Y-%m", timezone=str(ECUADOR), end_offset=1)
"""From the historian's first month to the present one."""

NULL_HOUR_WAIT_S = 900
NULL_HOUR_RETRIES = 3
"""From 6:40, the last one begins at 7:25, before the forecasts."""

_EVERY_MORNING = dg.FreshnessPolicy.cron(
    deadline_cron="30 7 * * *", lower_bound_delta=timedelta(hours=1), timezone=str(ECUADOR)
)
_SCHEMA = columns(file="string: path below raw/; what was answered, byte for byte, compressed")


class HistorianConfig(dg.Config):
    """What a run may be told."""

    again: bool = False
    """Ask also for months that are there: for a correction that CELEC made long after."""


@dg.asset(
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="celec-historian",
    freshness_policy=_EVERY_MORNING,
    group_name="arrivals",
    owners=OWNERS,
    kinds={"python", "json"},
    metadata=_SCHEMA,
)
def historian_arrivals(
    context: dg.AssetExecutionContext, config: HistorianConfig, lake: LakeResource, historian: HistorianService
) -> dg.MaterializeResult[None]:
    """Daily flow and level of the catalogue's stations from CELEC's historian, as raw files: a month a request.

    A month that is there is not asked for again, but for ten days after its end, since values are corrected. At an
    hour at which the historian knows nothing the run waits, and then fails; nothing of that hour is written.
    """
    from celec_assets.connectors.historian import NullHour, months, points

    collector = historian.collector(lake.get())
    window = context.partition_time_window
    wanted = months(window.start.date(), window.end.date() - timedelta(days=1))
    try:
        return _materialize(context, collector, lambda: collector.collect(points(), wanted, config.again))
    except NullHour as null_hour:
        context.log.warning(str(null_hour))
        raise dg.RetryRequested(NULL_HOUR_RETRIES, NULL_HOUR_WAIT_S) from null_hour


@dg.asset(
    pool="geoglows",
    freshness_policy=_EVERY_MORNING,
    group_name="arrivals",
    owners=OWNERS,
    kinds={"python", "csv"},
    metadata=_SCHEMA,
)
def geoglows_arrivals(
    context: dg.AssetExecutionContext, lake: LakeResource, geoglows: GeoglowsService
) -> dg.MaterializeResult[None]:
    """The simulated past and the newest forecast of river reaches from GEOGLOWS v2, as raw files.

    Past years are asked for once. Forecasts are kept by issue date and give no observations.
    """
    collector = geoglows.collector(lake.get())
    return _materialize(context, collector, lambda: collector.collect(geoglows.rivers()))


def _materialize(
    context: dg.AssetExecutionContext, collector: "Collector", collect: Callable[[], None]
) -> dg.MaterializeResult[None]:
    """Collect, and say what came, also where not all of it did.

    Raises:
        NullHour: nothing is known at this hour.
        dagster.Failure: a question, or the service, was not answered. The files that came stay.
    """
    from celec_assets.connectors.historian import NullHour

    problem = ""
    try:
        collect()
    except NullHour:
        raise
    except Refusal as refusal:
        problem = str(refusal)
    arrived = collector.arrived
    for question, reason in arrived.withheld.items():
        context.log.warning(f"{question}: {reason}")
    metadata: dict[str, Any] = {
        "files_new": len(arrived.new),
        "files_unchanged": arrived.unchanged,
        "answers_there": arrived.there,
        "dagster/row_count": arrived.rows,
        "requests": collector.requests,
        "last_day": str(arrived.last_day or "none"),
        "new": arrived.new,
        "withheld": arrived.withheld,
    }
    if problem or arrived.failed:
        reasons = [problem, *(f"{question}: {reason}" for question, reason in arrived.failed.items())]
        raise dg.Failure("\n".join(filter(None, reasons)), metadata=metadata, allow_retries=False)
    return dg.MaterializeResult(metadata=metadata)
