"""GEOGLOWS v2: the simulated daily flow of one river reach (retrospective), and its forecasts.

A retrospective (`<river id>_retrospective_data.csv`) gives readings. A forecast is known and kept, and gives none:
it says nothing of what was.
"""

import re
from datetime import date, timedelta
from typing import Final

import pandas as pd

from celec_assets.catalogue import GEOGLOWS_PREFIX
from celec_assets.sources.readings import COLUMNS, RefusedFile, decode, parse_days, parse_numbers, read_table, tidy

NAME = "geoglows"
FORECAST_COLUMNS: Final = frozenset({"datetime", "flow_median", "flow_uncertainty_upper", "flow_uncertainty_lower"})
_HEADER: Final = re.compile(r"(time|datetime),([0-9]{6,12})")
_DAY: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_RETROSPECTIVE: Final = re.compile(rf"(?:.*/)?{NAME}/(?P<river>[0-9]+)/retrospective/(?P<years>[0-9-]+)/[^/]+")
_LONGEST_LEAD: Final = timedelta(days=60)
"""Four times what GEOGLOWS looks ahead today."""


def recognises(header: str) -> bool:
    """Whether a file that begins with this line is of this source."""
    return _HEADER.fullmatch(header) is not None or _is_forecast(header)


def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
    """Readings of the station `geoglows-<river id>`; the river id is the second column's name. None of a forecast.

    Raises:
        RefusedFile: see `sources.readings`; also when a connector's path names another river than the header.
    """
    text = decode(file, content)
    header = text.partition("\n")[0].strip().replace('"', "")
    if _is_forecast(header):
        return _no_readings(file, text, today)
    time, river_id = header.split(",")
    asked = _RETROSPECTIVE.fullmatch(file)
    if asked and asked["river"] != river_id:
        raise RefusedFile(file, f"holds river {river_id}, but its path says {asked['river']}; fetch it again", 1)
    table = read_table(file, text, required=[time, river_id])
    # No bounds for the numbers: a program writes them, rounded to 3 decimals, which would look like thousands.
    readings = pd.DataFrame(
        {
            "station": f"{GEOGLOWS_PREFIX}{river_id}",
            "day": parse_days(file, _day_text(table[time]), "%Y-%m-%d", "2024-01-31", today),
            "flow_m3s": parse_numbers(file, table[river_id]),
            "level_masl": float("nan"),
            "quality": "",
        }
    )
    return tidy(file, readings)


def _is_forecast(header: str) -> bool:
    names = header.split(",")
    return len(names) == len(FORECAST_COLUMNS) and set(names) == FORECAST_COLUMNS


def _no_readings(file: str, text: str, today: date) -> pd.DataFrame:
    """Of a forecast, which has to be whole all the same: the day on which somebody reads it is too late to find out."""
    table = read_table(file, text, required=sorted(FORECAST_COLUMNS))
    parse_days(file, _day_text(table["datetime"]), "%Y-%m-%d", "2024-01-31", today + _LONGEST_LEAD)
    for column in sorted(FORECAST_COLUMNS - {"datetime"}):
        parse_numbers(file, table[column])
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    return empty.astype({"day": "datetime64[ns]", "flow_m3s": float, "level_masl": float})


def _day_text(column: "pd.Series[str]") -> "pd.Series[str]":
    """Some downloads carry a time of day and a zone; GEOGLOWS' daily values are days all the same."""
    stamps = column.str.strip()
    return stamps.str.slice(0, 10).where(stamps.str.fullmatch(_DAY), other=stamps)
