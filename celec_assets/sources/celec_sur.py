"""CELEC Sur's monthly hydrology export (`Hidrología_CSR_<month>-<year>.csv`): five stations, flow and level.

Newest or oldest day first; with a byte-order mark and no quotes, or the reverse; columns may be missing. The time of
day is 00:00 or 01:00 and means nothing: a row is a local day.
"""

import re
import unicodedata
from datetime import date
from typing import Final

import pandas as pd

from celec_assets.catalogue import stations
from celec_assets.sources.readings import (
    RefusedFile,
    decode,
    parse_days,
    parse_numbers,
    read_table,
    refuse_unknown,
    tidy,
)

NAME = "celec-sur"
_MONTHS: Final = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
_NAMED: Final = re.compile(rf"hidrolog[ií]a_csr_({'|'.join(_MONTHS)}|setiembre)-([0-9]{{4}})(?![0-9])")
_NUMBERED: Final = re.compile(r"hidrolog[ií]a_([0-9]{4})_(0[1-9]|1[0-2])(?![0-9])")


def recognises(header: str) -> bool:
    """Whether a file that begins with this line is of this source."""
    return "Fecha" in header and ("Caudal" in header or "Cota" in header)


def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
    """Readings of up to five stations: `station, day, flow_m3s (m³/s), level_masl (m above sea level), quality`.

    Raises:
        RefusedFile: see `sources.readings`; also when the header names a column that is not CELEC Sur's, or a day
            is of another month than the file's name says.
    """
    table = read_table(file, decode(file, content), required=["Fecha"])
    ours = [station for station in stations().values() if station.source == NAME]
    refuse_unknown(file, table, {"Fecha", *(name for s in ours for name in (s.flow_column, s.level_column) if name)})
    here = [station for station in ours if {station.flow_column, station.level_column} & set(table.columns)]
    if not here:
        raise RefusedFile(file, "the header names no station's flow or level; export it with its columns", 1)
    days = parse_days(file, table["Fecha"], "%d/%m/%Y %H:%M:%S", "31/01/2024 00:00:00", today)
    _check_month(file, days)

    def numbers(column: str, bounds: tuple[float, float]) -> "pd.Series[float]":
        if column not in table:
            return pd.Series(float("nan"), index=table.index)
        return parse_numbers(file, table[column], bounds)

    readings = [
        pd.DataFrame(
            {
                "station": station.id,
                "day": days,
                "flow_m3s": numbers(station.flow_column, station.flow_bounds_m3s),
                "level_masl": numbers(station.level_column, station.level_bounds_masl),
                "quality": "",
            }
        )
        for station in here
    ]
    return tidy(file, pd.concat(readings))


def _month_of_name(file: str) -> tuple[int, int] | None:
    """Year and month that a file's name states, if it does."""
    name = unicodedata.normalize("NFC", file.rpartition("/")[2]).lower()
    if named := _NAMED.search(name):
        month = named[1].replace("setiembre", "septiembre")
        return int(named[2]), _MONTHS.index(month) + 1
    if numbered := _NUMBERED.search(name):
        return int(numbered[1]), int(numbered[2])
    return None


def _check_month(file: str, days: "pd.Series[pd.Timestamp]") -> None:
    """03/04 is the 3rd of April or the 4th of March: the name, or the other rows, tell which was meant."""
    if stated := _month_of_name(file):
        wrong = days.index[(days.dt.year != stated[0]) | (days.dt.month != stated[1])]
        if len(wrong):
            line = int(wrong[0])
            reason = f"Fecha is {days[line]:%Y-%m-%d}, but the file's name says {stated[0]}-{stated[1]:02d}"
            raise RefusedFile(file, f"{reason}; is the month before the day, or the name wrong?", line)
    elif _is_one_month_the_other_way(days):
        reason = "read as dd/mm the days lie in different months, read as mm/dd in one"
        raise RefusedFile(file, f"{reason}; write them as dd/mm/yyyy, or name the file after its month", 2)


def _is_one_month_the_other_way(days: "pd.Series[pd.Timestamp]") -> bool:
    """An export holds a month. Days that are all e.g. the 5th, each of another month, are those of one May."""
    same_day = days.dt.day.nunique() == 1 and days.dt.day.iloc[0] <= 12
    return bool(same_day and days.dt.year.nunique() == 1 and days.dt.month.nunique() > 1)
