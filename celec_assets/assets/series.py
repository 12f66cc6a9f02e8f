"""`daily_series`: one clean daily series per station."""

from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.common import OWNERS, WITHIN_DAYS, columns
from celec_assets.assets.pictures import PICTURED, series_with_flags
from celec_assets.automation import FOLLOWS_ITS_INPUTS
from celec_assets.partitions import STATIONS
from celec_assets.refusal import Refusal
from celec_assets.storage.by_partition import ByPartition, Frames

if TYPE_CHECKING:
    import pandas as pd


@dg.asset(
    partitions_def=STATIONS,
    automation_condition=FOLLOWS_ITS_INPUTS,
    io_manager_key="series",
    freshness_policy=WITHIN_DAYS,
    group_name="series",
    owners=OWNERS,
    kinds={"pandas", "parquet"},
    metadata=columns(
        day="date",
        flow_m3s="float",
        flow_raw_m3s="float",
        flow_flag="string",
        level_masl="float",
        level_raw_masl="float",
        level_flag="string",
        sources_disagree="bool",
    ),
)
def daily_series(context: dg.AssetExecutionContext, station_observations: Frames) -> Frames:
    """One row a day from a station's first to its last reading: flow (m³/s) and level (m above sea level), cleaned.

    Every value that was dropped or filled in keeps its original beside a flag that says why (docs/method.md).
    """
    few = len(context.partition_keys) <= PICTURED
    return ByPartition(context.partition_keys, partial(_make, station_observations), _picture if few else _describe)


def _make(station_observations: Frames, station_id: str) -> "pd.DataFrame":
    from celec_assets.catalogue import station
    from celec_assets.series.cleaning import clean

    spec = station(station_id)
    readings = station_observations[station_id]
    if readings.empty:
        raise Refusal(f"no raw file holds a reading of {station_id}")
    others = {*spec.neighbours, *spec.may_be_copy_of}
    return clean(spec, readings, {other: station_observations[other] for other in others})


def _picture(series: "pd.DataFrame") -> dict[str, Any]:
    return {**_describe(series), "last 400 days": dg.MetadataValue.md(series_with_flags(series))}


def _describe(series: "pd.DataFrame") -> dict[str, Any]:
    from celec_assets.series.schema import flag_counts

    return {
        "dagster/row_count": len(series),
        "first_day": f"{series['day'].iloc[0]:%Y-%m-%d}",
        "last_day": f"{series['day'].iloc[-1]:%Y-%m-%d}",
        "days_on_which_files_disagree": int(series["sources_disagree"].sum()),
        **{f"flow_days_{flag}": days for flag, days in flag_counts(series["flow_flag"]).items()},
        **{f"level_days_{flag}": days for flag, days in flag_counts(series["level_flag"]).items() if days},
    }
