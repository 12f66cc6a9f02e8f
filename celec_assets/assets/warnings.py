"""`low_flow_warnings`: how likely low flow is at a station, and since when."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.common import OWNERS, columns
from celec_assets.automation import FOLLOWS_ITS_INPUTS
from celec_assets.partitions import STATIONS
from celec_assets.resources import Clock, LakeResource
from celec_assets.storage.by_partition import ByPartition, Frames

if TYPE_CHECKING:
    import pandas as pd


@dg.asset(
    partitions_def=STATIONS,
    automation_condition=FOLLOWS_ITS_INPUTS,
    io_manager_key="warnings",
    group_name="outlook",
    owners=OWNERS,
    kinds={"pandas", "parquet"},
    metadata=columns(
        issue_date="date",
        window_days="int",
        p20_m3s="float",
        p10_m3s="float",
        below_p20="float",
        below_p10="float",
        level="string: green, yellow, orange, red",
    ),
)
def low_flow_warnings(
    context: dg.AssetExecutionContext, lake: LakeResource, clock: Clock, daily_series: Frames, flow_forecast: Frames
) -> Frames:
    """Probability that the mean flow of the next 7, 14 and 30 days is below the season's P20 and P10, and the light.

    A row per issued forecast and window. Lights follow from the issued forecasts in their order, with hysteresis; one
    that changes becomes an alert.
    """
    make = partial(_make, lake, clock.today(), daily_series, flow_forecast)
    return ByPartition(context.partition_keys, make, _describe)


def _make(lake: LakeResource, today: date, daily_series: Frames, flow_forecast: Frames, station: str) -> "pd.DataFrame":
    import pandas as pd

    from celec_assets.alerts import level_changed
    from celec_assets.catalogue import station as find_station
    from celec_assets.forecasting.low_flow import assess, change, with_levels

    store = lake.get()
    flow = daily_series[station].set_index("day")["flow_m3s"]
    if store.warnings.exists(station):
        known = store.warnings.read(station)
    else:
        known = with_levels(assess(flow_forecast[station], flow))[:0]
    seen = set(known["issue_date"])
    new = [issued for issued in store.forecasts.issue_dates(station) if issued not in seen]
    judged = [assess(store.forecasts.issued(station, issued), flow) for issued in new]
    # pandas cannot join what is empty without a warning.
    warnings = with_levels(pd.concat([known, *judged] if len(known) else judged or [known]))
    if changed := change(known, warnings):
        newest = warnings[warnings["issue_date"] == warnings["issue_date"].max()]
        store.alerts.add(level_changed(find_station(station).name, *changed, newest, today))
    return warnings


def _describe(warnings: "pd.DataFrame") -> dict[str, Any]:
    newest = warnings[warnings["issue_date"] == warnings["issue_date"].max()]
    return {
        "dagster/row_count": len(warnings),
        "level": newest["level"].iloc[0] if len(newest) else "no forecast was issued in time",
        "probabilities": dg.MetadataValue.md(newest.drop(columns=["issue_date", "level"]).to_markdown(index=False)),
    }
