"""GEOGLOWS v2 retrospective (`<river id>_retrospective_data.csv`): simulated daily flow of one river reach."""

import re
from datetime import date
from typing import Final

import pandas as pd

from celec_assets.catalogue import GEOGLOWS_PREFIX
from celec_assets.sources.readings import decode, parse_days, parse_numbers, read_table, tidy

NAME = "geoglows"
_HEADER: Final = re.compile(r"(time|datetime),([0-9]{6,12})")
_DAY: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?"
)


def recognises(header: str) -> bool:
    """Whether a file that begins with this line is of this source."""
    return _HEADER.fullmatch(header) is not None


def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
    """Readings of the station `geoglows-<river id>`; the river id is the second column's name.

    Raises:
        RefusedFile: see `sources.readings`.
    """
    text = decode(file, content)
    time, river_id = text.partition("\n")[0].strip().replace('"', "").split(",")
    table = read_table(file, text, required=[time, river_id])
    # No bounds for the numbers: a program writes them, rounded to 3 decimals, which would look like thousands.
    # Some downloads carry a time of day and a zone; GEOGLOWS' daily values are days all the same.
    stamps = table[time].str.strip()
    day_text = stamps.str.slice(0, 10).where(stamps.str.fullmatch(_DAY), other=stamps)
    readings = pd.DataFrame(
        {
            "station": f"{GEOGLOWS_PREFIX}{river_id}",
            "day": parse_days(file, day_text, "%Y-%m-%d", "2024-01-31", today),
            "flow_m3s": parse_numbers(file, table[river_id]),
            "level_masl": float("nan"),
            "quality": "",
        }
    )
    return tidy(file, readings)
