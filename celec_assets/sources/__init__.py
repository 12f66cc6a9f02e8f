"""Raw bytes to tidy readings, one module a source. Pure: nothing here knows Dagster, the lake or the clock.

A further source is one new module with `NAME`, `recognises(header)` and `parse(file, content, today)`, and its name
in `SOURCES`.
"""

from datetime import date

import pandas as pd

from celec_assets.sources import celec_ccs, celec_historian, celec_sur, geoglows
from celec_assets.sources.readings import COLUMNS, RefusedFile, decode, delimiter_hint, unpack

__all__ = ["COLUMNS", "SOURCES", "RefusedFile", "read_raw_file"]

SOURCES = (celec_sur, celec_ccs, geoglows, celec_historian)


def read_raw_file(file: str, content: bytes, today: date) -> tuple[str, pd.DataFrame]:
    """The source's name and the tidy readings of a raw file, compressed or not: what it holds decides which source.

    Args:
        file: path in the landing zone, for messages; the historian's answers say nowhere else what they are of.
        today: the local day; later dates are refused.

    Returns:
        The source and a frame `station, day (datetime64, midnight), flow_m3s (m³/s), level_masl (m above sea level),
        quality ('', 'suspect' or 'repeated')`, sorted by station and day, one row each.

    Raises:
        RefusedFile: the file is of no known source, or something in it could not be read without guessing.
    """
    content = unpack(file, content)
    first_line = decode(file, content).partition("\n")[0]
    header = first_line.strip().replace('"', "")
    for source in SOURCES:
        if source.recognises(header):
            return source.NAME, source.parse(file, content, today)
    known = ", ".join(source.NAME for source in SOURCES)
    hint = delimiter_hint(first_line) or "; take the file away, or correct its first line"
    raise RefusedFile(file, f"the header {header[:120]!r} is of no known source ({known}){hint}", 1)
