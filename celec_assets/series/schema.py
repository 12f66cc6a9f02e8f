"""What a clean daily series looks like: its columns and the reasons why a value was dropped or filled in."""

from enum import StrEnum
from typing import Final

import pandas as pd

COLUMNS: Final = (
    "day",
    "flow_m3s",
    "flow_raw_m3s",
    "flow_flag",
    "level_masl",
    "level_raw_masl",
    "level_flag",
    "sources_disagree",
)


class Flag(StrEnum):
    """Why a day's value is what it is. Only `OBSERVED` values are scored; every other one but `INTERPOLATED` is
    missing in the clean column and keeps its original in the raw column.
    """

    OBSERVED = "observed"
    MISSING = "missing"
    """No file holds the day."""
    PLACEHOLDER = "placeholder"
    """A zero that stands for 'no value'."""
    DUPLICATE = "duplicate"
    """The row repeats the day before in every figure."""
    SUSPECT = "suspect"
    """The source itself marks the row as not checked."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """Outside of what is physically possible at the station."""
    SPIKE = "spike"
    """A jump that neither a neighbour nor a reservoir level confirms."""
    STUCK = "stuck"
    """The same value for days on end."""
    COPIED = "copied"
    """Another station's value under this station's name."""
    REGULATED_STOP = "regulated_stop"
    """Zero because the plant stood still, not because the river was dry."""
    INTERPOLATED = "interpolated"
    """A missing day filled in between two observed ones. The only flag that looked ahead."""


def flag_counts(flags: "pd.Series[str]") -> dict[str, int]:
    """Days per flag, every flag named, in the order of the enumeration."""
    found = flags.value_counts()
    return {flag.value: int(found.get(flag.value, 0)) for flag in Flag}


def last_observed_day(series: pd.DataFrame) -> pd.Timestamp | None:
    """The newest day with an observed flow: the issue date of a forecast from this series."""
    observed = series.loc[series["flow_flag"] == Flag.OBSERVED, "day"]
    return None if observed.empty else observed.iloc[-1]


def observed_flow(series: pd.DataFrame) -> "pd.Series[float]":
    """The flow (m³/s) by day where it was observed and no flag stands, NaN elsewhere: what forecasts are scored on."""
    daily = series.set_index("day")
    return daily["flow_m3s"].where(daily["flow_flag"] == Flag.OBSERVED)
