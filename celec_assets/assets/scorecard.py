"""`forecast_scorecard`: what was issued, against what was then observed."""

from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.common import OWNERS, columns
from celec_assets.automation import FOLLOWS_ITS_INPUTS
from celec_assets.partitions import STATIONS
from celec_assets.resources import LakeResource
from celec_assets.storage.by_partition import ByPartition, Frames, Scorecards

if TYPE_CHECKING:
    from celec_assets.storage.scorecards import Scorecard


@dg.asset(
    partitions_def=STATIONS,
    automation_condition=FOLLOWS_ITS_INPUTS,
    io_manager_key="scorecards",
    group_name="outlook",
    owners=OWNERS,
    kinds={"pandas", "parquet"},
    metadata=columns(
        month="string: of the issue dates; empty: all of them",
        inputs_sha256="string",
        station="string",
        target="string: day or mean",
        lead_days="int",
        window_days="int",
        model="string",
        metric="string",
        value="float",
        low="float",
        high="float",
        origins="int: forecasts that were scored",
    ),
)
def forecast_scorecard(
    context: dg.AssetExecutionContext, lake: LakeResource, daily_series: Frames, flow_forecast: Frames
) -> Scorecards:
    """How good the issued forecasts were, by lead and month, beside persistence and climatology.

    Scored on observed, unflagged days by the code that scores the backtest. What was made again or in hindsight does
    not count. What was gathered and scored before is kept where nothing changed.
    """
    return ByPartition(context.partition_keys, partial(_make, lake, daily_series, flow_forecast), _describe)


def _make(lake: LakeResource, daily_series: Frames, flow_forecast: Frames, station: str) -> "Scorecard":
    from celec_assets.forecasting.scorecard import gather, score_issued
    from celec_assets.series.schema import observed_flow
    from celec_assets.storage.scorecards import Scorecard

    store = lake.get()
    series = daily_series[station]
    inputs = (series.set_index("day")["flow_m3s"], observed_flow(series))
    dates = store.forecasts.issue_dates(station)
    if not dates:  # none was made in time: a scorecard of nothing
        shown = gather([flow_forecast[station]])
        return Scorecard(shown[:0], score_issued(station, shown, *inputs)[:0])
    known = store.scorecards.find(station)
    gathered = set() if known is None else set(known.issued["origin"])
    new = (store.forecasts.issued(station, date) for date in dates if date not in gathered)
    issued = gather(new, known.issued if known and len(known.issued) else None)
    return Scorecard(issued, score_issued(station, issued, *inputs, known.scores if known else None))


def _describe(scorecard: "Scorecard") -> dict[str, Any]:
    scores = scorecard.scores
    shown = scores[(scores["month"] == "") & scores["window_days"].notna()]
    table = shown.pivot(index="window_days", columns="metric", values="value").round(3).reset_index()
    return {
        "dagster/row_count": len(scores),
        "issued": scorecard.issued["origin"].nunique(),
        "scored": int(shown["origins"].max()) if len(shown) else 0,
        "means of the next days": dg.MetadataValue.md(table.to_markdown(index=False)),
    }
