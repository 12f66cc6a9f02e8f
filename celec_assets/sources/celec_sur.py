"""CELEC Sur's monthly hydrology export (`Hidrología_CSR_<month>-<year>.csv`): five stations, flow and level.

Newest or oldest day first; with a byte-order mark and no quotes, or the reverse; columns may be missing. The time of
day is 00:00 or 01:00 and means nothing: a row is a local day.
"""

from datetime import date

import pandas as pd

from celec_assets.catalogue import stations
from celec_assets.sources.readings import RefusedFile, decode, parse_days, parse_numbers, read_table, tidy

NAME = "celec-sur"


def recognises(header: str) -> bool:
    """Whether a file that begins with this line is of this source."""
    return "Fecha" in header and "Caudal" in header


def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
    """Readings of up to five stations: `station, day, flow_m3s (m³/s), level_masl (m above sea level), quality`.

    Raises:
        RefusedFile: see `sources.readings`; also when the header names a column that is not CELEC Sur's.
    """
    table = read_table(file, decode(file, content), required=["Fecha"])
    here = [station for station in stations().values() if station.source == NAME and station.flow_column in table]
    known = {"Fecha"} | {
        name for s in stations().values() if s.source == NAME for name in (s.flow_column, s.level_column)
    }
    unknown = sorted(set(table.columns) - known)
    if unknown or not here:
        raise RefusedFile(file, f"the header holds unknown columns: {', '.join(unknown) or 'no flow column'}", 1)
    days = parse_days(file, table["Fecha"], "%d/%m/%Y %H:%M:%S", "31/01/2024 00:00:00", today)
    none = pd.Series(float("nan"), index=table.index)
    readings = [
        pd.DataFrame(
            {
                "station": station.id,
                "day": days,
                "flow_m3s": parse_numbers(file, table[station.flow_column]),
                "level_masl": parse_numbers(file, table[station.level_column])
                if station.level_column in table
                else none,
                "quality": "",
            }
        )
        for station in here
    ]
    return tidy(file, pd.concat(readings))
