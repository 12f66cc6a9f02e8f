"""CELEC's historian: one month of one quantity at one station, as the service answered it (JSON).

The answer holds instants and values alone; station, quantity and month stand in the file's path:
`celec-historian/<station>/<flow or level>/<yyyy-mm>/<file>`.
"""

import json
import re
from datetime import date, datetime, timedelta
from typing import Any, Final, NoReturn

import numpy as np
import pandas as pd

from celec_assets.catalogue import stations
from celec_assets.sources.readings import FIRST_YEAR, RefusedFile, decode, tidy

NAME = "celec-historian"
_PATH: Final = re.compile(
    rf"(?:.*/)?{NAME}/(?P<station>[^/]+)/(?P<quantity>flow|level)/(?P<month>(19|20)[0-9]{{2}}-(0[1-9]|1[0-2]))/[^/]+"
)
_LOCAL_MIDNIGHT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T05:00:00(\.0+)?Z")
"""Ecuador is at UTC-5 all year."""


def recognises(header: str) -> bool:
    """Whether a file that begins with this line is of this source: no other one answers in JSON."""
    return header.startswith("{")


def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
    """Readings of one station in one month, flow (m³/s) or level (m above sea level); the other column is missing.

    Null and 0.00 are how the historian says that it has no value. A value above 10,000 is a fault: it is read, and
    cleaning flags it, since no station's bounds reach there. The window that is asked for reaches a day beyond the
    month, because its end is exclusive; that day's row belongs to the next month's file.

    Raises:
        RefusedFile: see `sources.readings`; also when the path does not say what the answer is, a value's day is not
            of the path's month, or the answer is one page of several.
    """
    named = _PATH.fullmatch(file)
    if named is None:
        where = f"{NAME}/<station>/<flow or level>/<yyyy-mm>/"
        raise RefusedFile(file, f"an answer of the historian does not say what it is of; it has to lie in {where}")
    if named["station"] not in stations():
        raise RefusedFile(file, f"{named['station']!r} is not in celec_assets/catalogue.toml; add it there")
    first = date.fromisoformat(f"{named['month']}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    rows = []
    for number, item in enumerate(_items(file, decode(file, content)), 1):
        day, value = _reading(file, number, item)
        if not first <= day <= after:
            _refuse(file, number, f"{day} is not of {named['month']}, as the path says")
        if day == after or not value:
            continue
        if day.year < FIRST_YEAR or day > today:
            _refuse(file, number, f"{day} lies outside {FIRST_YEAR} to today ({today})")
        rows.append((pd.Timestamp(day), value))
    column = "flow_m3s" if named["quantity"] == "flow" else "level_masl"
    readings = pd.DataFrame(rows, columns=["day", column]).astype({"day": "datetime64[ns]", column: np.float64})
    other = "level_masl" if column == "flow_m3s" else "flow_m3s"
    return tidy(file, readings.assign(**{other: np.nan, "station": named["station"], "quality": ""}))


def _items(file: str, text: str) -> list[Any]:
    try:
        answer = json.loads(text, parse_constant=float)
    except json.JSONDecodeError as error:
        raise RefusedFile(file, f"not JSON ({error.msg}); was it cut off? fetch it again", error.lineno) from None
    except (RecursionError, ValueError):  # brackets without end; a number of thousands of digits
        raise RefusedFile(file, "JSON that no service would write; fetch it again") from None
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise RefusedFile(file, "JSON without a list of items, so no answer of the historian; fetch it again")
    if answer.get("hasMore"):
        raise RefusedFile(file, "one page of several (hasMore); ask for a shorter window")
    return items


def _reading(file: str, number: int, item: Any) -> tuple[date, float | None]:
    if not isinstance(item, dict) or not {"loctimestamp", "valueedit"} <= item.keys():
        _refuse(file, number, "has no loctimestamp or no valueedit")
    stamp, value = item["loctimestamp"], item["valueedit"]
    midnight = _LOCAL_MIDNIGHT.fullmatch(stamp) if isinstance(stamp, str) else None
    try:
        day = datetime.strptime(midnight[1], "%Y-%m-%d").date() if midnight else None  # noqa: DTZ007, a local day
    except ValueError:
        day = None
    if day is None:
        _refuse(file, number, f"loctimestamp is {str(stamp)[:40]!r}, not local midnight like 2026-07-31T05:00:00Z")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        _refuse(file, number, f"valueedit is {str(value)[:40]!r}, which is not a number like 31.2")
    try:
        number_value = None if value is None else float(value)
    except OverflowError:
        number_value = float("inf")
    if number_value is not None and not np.isfinite(number_value):
        _refuse(file, number, "valueedit is not a finite number")
    return day, number_value


def _refuse(file: str, number: int, reason: str) -> NoReturn:
    raise RefusedFile(file, f"item {number} of the answer: {reason}; fetch it again")
