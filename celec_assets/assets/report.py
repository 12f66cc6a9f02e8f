"""`forecast_report`: what people look at in the morning."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from celec_assets.assets.common import BY_NINE, OWNERS, columns
from celec_assets.assets.scorecard import forecast_scorecard
from celec_assets.assets.warnings import low_flow_warnings
from celec_assets.automation import FOLLOWS_WHAT_IS_THERE
from celec_assets.partitions import STATIONS
from celec_assets.resources import Clock, LakeResource, Notifier
from celec_assets.workers import each_made

if TYPE_CHECKING:
    from celec_assets.report.assemble import Record
    from celec_assets.report.document import Station
    from celec_assets.storage.lake import Lake


@dg.asset(
    deps=[low_flow_warnings, forecast_scorecard],
    automation_condition=FOLLOWS_WHAT_IS_THERE,
    freshness_policy=BY_NINE,
    group_name="outlook",
    owners=OWNERS,
    kinds={"html", "csv", "json"},
    metadata=columns(
        station="string",
        issue_date="date",
        level="string: green, yellow, orange, red",
        is_stale="bool",
        problem="string: why there is no forecast",
    ),
)
def forecast_report(
    context: dg.AssetExecutionContext, lake: LakeResource, clock: Clock, notifier: Notifier
) -> dg.MaterializeResult[None]:
    """One self-contained web page in Spanish and English, and the same figures as CSV and JSON, for all stations. Above
    50 stations each has a page of its own, and the first one lists them.

    A station whose data are old, or that has no forecast, says so; it never keeps the others from being shown. The
    reports of earlier days stay, by the day on which they were made.
    """
    from importlib.metadata import version

    from celec_assets.catalogue import stations as catalogue
    from celec_assets.report.assemble import LEVEL_RULES, STALE_AFTER_DAYS
    from celec_assets.report.document import Level, Report, Source
    from celec_assets.sources.provenance import provenance

    store, sizes = lake.get().measured()
    order = list(catalogue())
    known = context.instance.get_dynamic_partitions(str(STATIONS.name))
    # As in the catalogue, what it does not name behind.
    in_order = sorted(known, key=lambda name: (name not in order, order.index(name) if name in order else name))
    made = each_made(in_order, partial(_part, lake, clock.today()))
    stations = tuple(part() for _, part in made)
    named = {station.source for station in stations}
    report = Report(
        made_on=clock.today(),
        version=version("celec-assets"),
        stale_after_days=STALE_AFTER_DAYS,
        level_rules=LEVEL_RULES,
        stations=stations,
        sources=tuple(Source(**vars(source)) for source in provenance() if source.source in named),
    )
    key = store.reports.write(report)
    lights = [station.level for station in stations]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(stations),
            "made_on": report.made_on.isoformat(),
            "object": key,
            "bytes": sizes[key],
            "page": dg.MetadataValue.url(notifier.report_url),
            "stale": [station.station for station in stations if station.is_stale],
            "without_forecast": {station.station: station.problem for station in stations if station.problem},
            **{f"{level}_lights": lights.count(level) for level in Level},
        }
    )


def _part(resource: LakeResource, today: date, name: str) -> "Station":
    """What there is of a station. One that lacks something never keeps the others from being shown."""
    from pydantic import ValidationError

    from celec_assets.catalogue import station
    from celec_assets.report.assemble import station_part, station_without_forecast
    from celec_assets.report.document import Problem
    from celec_assets.storage.store import ObjectMissing

    lake = resource.get()
    try:
        series, forecast = lake.series.read(name), lake.forecasts.read(name)
    except ObjectMissing:
        problem = Problem.FAILED if lake.models.exists(name) else Problem.NO_MODEL
        return station_without_forecast(station(name), problem if lake.series.exists(name) else Problem.NO_READINGS)
    warnings = lake.warnings.read(name) if lake.warnings.exists(name) else None
    try:
        return station_part(station(name), series, forecast, warnings, _record(lake, name), today)
    except ValidationError:  # negative flows, crossing quantiles: what a check has turned down is not shown
        return station_without_forecast(station(name), Problem.FAILED)


def _record(lake: "Lake", name: str) -> "Record | None":
    """How good forecasts were: those issued, once there are enough of them, and the recipe's backtest before."""
    from celec_assets.forecasting.model import RECIPE
    from celec_assets.report.assemble import MIN_ISSUED, Record

    card = lake.scorecards.find(name)
    if card is not None:
        issued = card.scores[card.scores["month"] == ""]
        if len(issued) and issued["origins"].max() >= MIN_ISSUED:
            return Record("issued", issued, card.issued["origin"].min(), card.issued["origin"].max())
    forecasts, scores = lake.backtests.forecasts(name, RECIPE), lake.backtests.scores(name, RECIPE)
    if forecasts is None or scores is None:
        return None
    return Record("backtest", scores, forecasts["origin"].min(), forecasts["origin"].max())
