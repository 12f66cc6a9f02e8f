"""One clean daily series from all readings of a station. Nothing is repaired silently: see `schema.Flag`.

Every rule uses the day itself, earlier days, and the same day at the neighbours; only interpolation looks ahead, and
says so with its flag. A rule that needs several days to be sure flags from the day on which it is.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from celec_assets.catalogue import Station, stations
from celec_assets.series.schema import COLUMNS, Flag

STUCK_DAYS: Final = 5
JUMP: Final = 5.0
"""A flow this many times the median of the last 30 days needs somebody to confirm it."""
CONFIRMING_JUMP: Final = 2.0
CONFIRMING_LEVEL_CHANGE_M: Final = 1.0


def reconcile(observations: pd.DataFrame) -> pd.DataFrame:
    """One row a day where several files speak of it.

    The file whose readings reach furthest wins, since it was exported last; between equals the one whose name sorts
    last. A missing value never replaces a known one.

    Args:
        observations: `raw_file, day, flow_m3s, level_masl, quality`, any order.

    Returns:
        Indexed by every day from the first to the last: `flow_m3s, level_masl, quality, sources_disagree`.
    """
    rank = observations.groupby("raw_file")["day"].max().reset_index().sort_values(["day", "raw_file"])["raw_file"]
    ordered = observations.assign(rank=observations["raw_file"].map({f: i for i, f in enumerate(rank)}))
    by_day = ordered.sort_values(["day", "rank"], kind="stable").groupby("day")
    daily = by_day[["flow_m3s", "level_masl", "quality"]].last()
    spread = by_day[["flow_m3s", "level_masl"]].agg(["min", "max"])
    daily["sources_disagree"] = (spread["flow_m3s", "min"] != spread["flow_m3s", "max"]) & daily["flow_m3s"].notna() | (
        spread["level_masl", "min"] != spread["level_masl", "max"]
    ) & daily["level_masl"].notna()
    daily = daily.reindex(pd.date_range(daily.index[0], daily.index[-1], name="day"))
    return daily.assign(quality=daily["quality"].fillna(""), sources_disagree=daily["sources_disagree"].eq(True))


def clean(station: Station, observations: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The daily series of a station.

    Args:
        observations: the station's readings: `raw_file, day, flow_m3s (m³/s), level_masl, quality`.
        others: the readings of its neighbours and of the stations that it may be a copy of; those without readings
            may be left out.

    Returns:
        One row a day, first to last, columns `schema.COLUMNS`.
    """
    daily = reconcile(observations)
    around = {name: reconcile(frame).reindex(daily.index) for name, frame in others.items() if len(frame)}
    flow, level = daily["flow_m3s"], daily["level_masl"]

    flag = pd.Series(Flag.OBSERVED.value, index=daily.index)
    rules = {
        Flag.MISSING: flow.isna(),
        Flag.DUPLICATE: daily["quality"] == "repeated",
        Flag.SUSPECT: daily["quality"] == "suspect",
        Flag.REGULATED_STOP: (flow == 0) & station.regulated,
        Flag.PLACEHOLDER: (flow == 0) & (not station.simulated),
        Flag.OUT_OF_BOUNDS: ~flow.between(*station.flow_bounds_m3s),
        Flag.COPIED: _copied(flow, [around[name]["flow_m3s"] for name in station.may_be_copy_of if name in around]),
        Flag.STUCK: _stuck(flow) & (not station.simulated),
    }
    for reason, applies in rules.items():
        flag = flag.mask(applies & (flag == Flag.OBSERVED), reason.value)
    kept = flow.where(flag == Flag.OBSERVED)
    same_river = [name for name in station.neighbours if stations()[name].river == station.river]
    spike = _spikes(kept, level, [around[name] for name in same_river if name in around])
    flag = flag.mask(spike, Flag.SPIKE.value)
    clean_flow, flag = _interpolate(flow.where(flag == Flag.OBSERVED), flag, station.max_gap_days)

    level_flag = pd.Series(Flag.OBSERVED.value, index=daily.index)
    level_flag = level_flag.mask(~level.between(*station.level_bounds_masl), Flag.OUT_OF_BOUNDS.value)
    level_flag = level_flag.mask(level == 0, Flag.PLACEHOLDER.value).mask(level.isna(), Flag.MISSING.value)
    return pd.DataFrame(
        {
            "day": daily.index,
            "flow_m3s": clean_flow,
            "flow_raw_m3s": flow,
            "flow_flag": flag,
            "level_masl": level.where(level_flag == Flag.OBSERVED),
            "level_raw_masl": level,
            "level_flag": level_flag,
            "sources_disagree": daily["sources_disagree"],
        }
    ).reset_index(drop=True)[list(COLUMNS)]


def _copied(flow: "pd.Series[float]", originals: list["pd.Series[float]"]) -> "pd.Series[bool]":
    """Equal to another station's value of the day. A value with two decimals or fewer can be equal by chance: it
    counts only when the last observed day before was equal as well.
    """
    copied = pd.Series(False, index=flow.index)
    for original in originals:
        equal = flow.eq(original)
        fine = (flow * 100 - (flow * 100).round()).abs() > 1e-6
        before = equal[flow.notna()].shift(fill_value=False).reindex(flow.index, fill_value=False)
        copied |= equal & (fine | before)
    return copied


def _stuck(flow: "pd.Series[float]") -> "pd.Series[bool]":
    """From the day on which the same value has stood for `STUCK_DAYS`."""
    run = flow.ne(flow.shift()).cumsum()
    return flow.groupby(run).cumcount().ge(STUCK_DAYS - 1) & flow.notna()


def _spikes(flow: "pd.Series[float]", level: "pd.Series[float]", around: list[pd.DataFrame]) -> "pd.Series[bool]":
    """Jumps that a neighbour on the same river could have confirmed and nobody did. Floods show at the neighbours,
    releases in a level; where there is no neighbour to ask, a jump stands, because record floods happen.
    """
    if not around:
        return pd.Series(False, index=flow.index)
    witnesses = [_jump(other["flow_m3s"].where(other["flow_m3s"] > 0)) for other in around]
    levels = [level.where(level != 0), *(other["level_masl"].where(other["level_masl"] != 0) for other in around)]
    asked = pd.concat([jump.notna() for jump in witnesses], axis=1).any(axis=1)
    moved = [level.diff().abs() > CONFIRMING_LEVEL_CHANGE_M for level in levels]
    confirmed = pd.concat([*(jump > CONFIRMING_JUMP for jump in witnesses), *moved], axis=1).any(axis=1)
    return (_jump(flow) > JUMP) & asked & ~confirmed


def _jump(flow: "pd.Series[float]") -> "pd.Series[float]":
    """Flow over the median of the 30 days before."""
    return flow / flow.shift().rolling(30, min_periods=10).median()


def _interpolate(
    flow: "pd.Series[float]", flag: "pd.Series[str]", max_gap_days: int
) -> tuple["pd.Series[float]", "pd.Series[str]"]:
    """Missing days between two observed ones, in gaps of at most `max_gap_days`, on a straight line in log flow, since
    recessions are exponential; to 1 L/s, since processors differ in the last bits.
    """
    gap = flow.isna()
    length = gap.groupby(gap.ne(gap.shift()).cumsum()).transform("size")
    # No line leads to or from a dry day: its log is nowhere.
    inside = gap & (flag == Flag.MISSING) & (length <= max_gap_days) & (flow.ffill() > 0) & (flow.bfill() > 0)
    log_flow = pd.Series(np.log(flow.where(flow > 0)), index=flow.index)
    line = pd.Series(np.exp(log_flow.interpolate()), index=flow.index).round(3)
    fill = inside & line.notna()
    return flow.mask(fill, line), flag.mask(fill, Flag.INTERPOLATED.value)
