"""Readings by station and raw file: one station's are found without opening the others'.

    observations/stations/<station>/<raw file>.parquet   the readings
    observations/files/<raw file>.json                   what was read of the file, or why it was refused
    observations/refused/<raw file>.json                 the reason, only while the file is refused

The record is written before the readings (naming every station that may hold some) and again after them, so that a
run that dies in between is known to be unfinished and the next one finds whatever it left.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Final

import pandas as pd
import pyarrow as pa

from celec_assets.storage.formats import from_json, read_table, to_frame, to_json, to_parquet
from celec_assets.storage.store import ObjectMissing, ObjectStore

READER_VERSION: Final = 2
"""Raise it when a parser reads files otherwise than before: then every file is read again."""

WRITERS: Final = 8
"""A put waits for the disk or the network, not for the processor."""

_COLUMNS: Final = ("raw_file", "day", "flow_m3s", "level_masl", "quality")
_STATIONS: Final = "observations/stations"
_FILES: Final = "observations/files"
_REFUSED: Final = "observations/refused"


@dataclass(frozen=True)
class FileRecord:
    """What is remembered of a raw file: the hash of the content that was read last, and what came of it."""

    sha256: str
    source: str = ""
    stations: tuple[str, ...] = ()
    rows: int = 0
    first_day: str = ""
    last_day: str = ""
    refused: str = ""
    complete: bool = True
    reader_version: int = READER_VERSION

    def holds(self, sha256: str) -> bool:
        """Whether exactly this content was read, or refused, to the end by the present parsers."""
        return (self.sha256, self.complete, self.reader_version) == (sha256, True, READER_VERSION)


class Observations:
    """The readings of every raw file."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, raw_file: str, sha256: str, source: str, readings: pd.DataFrame) -> FileRecord:
        """Replace all that was read of this file before.

        Returns:
            The new record; its `stations` are those of the readings.
        """
        stations = tuple(sorted(readings["station"].unique()))
        known = self.record(raw_file)
        before = set(known.stations) if known else set()
        record = FileRecord(
            sha256=sha256,
            source=source,
            stations=stations,
            rows=len(readings),
            first_day=f"{readings['day'].min():%Y-%m-%d}" if len(readings) else "",
            last_day=f"{readings['day'].max():%Y-%m-%d}" if len(readings) else "",
        )
        self._put(raw_file, replace(record, complete=False, stations=tuple(sorted(before | set(stations)))))
        with ThreadPoolExecutor(WRITERS) as pool:
            puts = [
                pool.submit(
                    self._store.put,
                    f"{_STATIONS}/{station}/{raw_file}.parquet",
                    to_parquet(rows.drop(columns="station")),
                )
                for station, rows in readings.groupby("station")
            ]
        for put in puts:
            put.result()
        for gone in before - set(stations):
            self._store.delete(f"{_STATIONS}/{gone}/{raw_file}.parquet")
        self._store.delete(f"{_REFUSED}/{raw_file}.json")
        self._put(raw_file, record)
        return record

    def refuse(self, raw_file: str, sha256: str, reason: str) -> None:
        """Remember why this content was refused. What was read of the file before stays."""
        known = self.record(raw_file) or FileRecord(sha256)
        self._store.put(f"{_REFUSED}/{raw_file}.json", to_json(reason))
        self._put(raw_file, replace(known, sha256=sha256, refused=reason, complete=True, reader_version=READER_VERSION))

    def refused(self) -> dict[str, str]:
        """The raw files whose present content was refused, and why."""
        prefix = f"{_REFUSED}/"
        return {
            info.key.removeprefix(prefix).removesuffix(".json"): from_json(self._store.get(info.key))
            for info in self._store.list(prefix)
        }

    def record(self, raw_file: str) -> FileRecord | None:
        """What is remembered of a raw file, if it was ever read."""
        try:
            stored = from_json(self._store.get(f"{_FILES}/{raw_file}.json"))
        except ObjectMissing:
            return None
        return FileRecord(**{**stored, "stations": tuple(stored["stations"])})

    def read(self, station: str) -> pd.DataFrame:
        """All readings of a station: `raw_file, day, flow_m3s, level_masl, quality`; no row where there are none."""
        prefix = f"{_STATIONS}/{station}/"
        tables = []
        for info in self._store.list(prefix):
            raw_file = info.key.removeprefix(prefix).removesuffix(".parquet")
            table = read_table(self._store.get(info.key))
            tables.append(table.append_column("raw_file", pa.repeat(raw_file, len(table))))
        return to_frame(pa.concat_tables(tables)) if tables else pd.DataFrame(columns=list(_COLUMNS))

    def _put(self, raw_file: str, record: FileRecord) -> None:
        self._store.put(f"{_FILES}/{raw_file}.json", to_json(asdict(record)))
