"""`flow_backtest`: how good the recipe would have been. Its own job, not on the daily road."""

from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.common import OWNERS, columns
from celec_assets.assets.pictures import png, skill_by_lead
from celec_assets.partitions import STATIONS
from celec_assets.resources import LakeResource
from celec_assets.storage.by_partition import ByPartition, Frames, Tests
from celec_assets.tracking.resource import Tracking

if TYPE_CHECKING:
    from celec_assets.storage.backtests import Backtest


@dg.asset(
    partitions_def=STATIONS,
    io_manager_key="backtests",
    group_name="skill",
    owners=OWNERS,
    kinds={"prophet", "parquet"},
    metadata=columns(
        station="string",
        target="string: day or mean",
        lead_days="int",
        window_days="int",
        model="string: forecast or a baseline",
        metric="string",
        value="float",
        low="float",
        high="float",
        origins="int",
    ),
)
def flow_backtest(
    context: dg.AssetExecutionContext, lake: LakeResource, tracking: Tracking, daily_series: Frames
) -> Tests:
    """Skill of the recipe at a station: forecasts from every observed day of the last four years, with what was known
    on that day, against persistence, climatology and the published peer.

    Made by the publishing code, refitted every week as production is. Origins of an earlier backtest whose inputs have
    not changed are kept, so the next one computes only new ones.
    """

    def describe(backtest: "Backtest") -> dict[str, Any]:
        picture = skill_by_lead(backtest.scores)
        station = backtest.scores["station"].iloc[0]
        tracked = tracking.backtest(station, backtest, {"skill_by_lead.png": png(picture)})
        return {**_describe(backtest), "skill by lead": dg.MetadataValue.md(picture), **tracked}

    return ByPartition(context.partition_keys, partial(_make, lake, daily_series), describe)


def _make(lake: LakeResource, daily_series: Frames, station: str) -> "Backtest":
    from celec_assets.forecasting.model import RECIPE
    from celec_assets.forecasting.skill import backtest_and_score, usual_period
    from celec_assets.storage.backtests import Backtest

    known = lake.get().backtests.forecasts(station, RECIPE)
    period = usual_period(daily_series[station])
    return Backtest(RECIPE, *backtest_and_score(station, daily_series, *period, known, partial(_progress, station)))


def _progress(station: str, week: int, weeks: int) -> None:
    # A worker's context is not there; what it prints is with the run's output.
    if week % 26 == 0:
        dg.get_dagster_logger().info(f"{station}: training week {week} of {weeks}")


def _describe(backtest: "Backtest") -> dict[str, Any]:
    from celec_assets.forecasting.skill import skill_table

    origins = backtest.forecasts["origin"]
    return {
        "dagster/row_count": len(backtest.scores),
        "recipe": backtest.recipe,
        "first_origin": f"{origins.min():%Y-%m-%d}",
        "last_origin": f"{origins.max():%Y-%m-%d}",
        "origins": int(origins.nunique()),
        "skill": dg.MetadataValue.md(skill_table(backtest.scores).to_markdown(index=False, floatfmt=".3f")),
    }
