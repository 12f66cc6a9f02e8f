"""The Coca river at Coca Codo Sinclair (`ccs_caudales_diarios.csv`): daily river flow and how it was divided."""

from datetime import date

import pandas as pd

from celec_assets.catalogue import stations
from celec_assets.sources.readings import decode, parse_days, parse_numbers, read_table, refuse_unknown, tidy

NAME = "celec-ccs"
_FLOWS = ("coca", "css", "frente", "balance")


def recognises(header: str) -> bool:
    """Whether a file that begins with this line is of this source."""
    return {"date", *_FLOWS, "status"} <= set(header.split(","))


def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
    """Readings of `coca`. `quality` is `suspect` where the source's own status is not `ok`, `repeated` where a row's
    figures are those of the row before (a day that was filled in, not measured), else empty.

    Raises:
        RefusedFile: see `sources.readings`; also when the header names a column that is not of this table.
    """
    table = read_table(file, decode(file, content), required=["date", *_FLOWS, "status"])
    refuse_unknown(file, table, {"date", *_FLOWS, "status"})
    table = table[~table.duplicated()]
    possible = stations()["coca"].flow_bounds_m3s
    figures = pd.DataFrame({name: parse_numbers(file, table[name], possible) for name in _FLOWS})
    days = parse_days(file, table["date"], "%Y-%m-%d", "2024-01-31", today)
    in_order = figures.fillna(-1.0).loc[days.sort_values(kind="stable").index]
    repeated = in_order.eq(in_order.shift()).all(axis=1).reindex(table.index)
    quality = (
        pd.Series("", index=table.index).mask(repeated, "repeated").mask(table["status"].str.strip() != "ok", "suspect")
    )
    readings = pd.DataFrame(
        {"station": "coca", "day": days, "flow_m3s": figures["coca"], "level_masl": float("nan"), "quality": quality}
    )
    return tidy(file, readings)
