"""Readings by station and raw file: one station's are found without opening the others'.

    observations/stations/<station>/<raw file>/<reading>.parquet   the readings
    observations/files/<raw file>.json                             what was read of the file, or why it was refused
    observations/refused/<raw file>.json                           stands only while the file is refused
    observations/gathered/<station>.parquet                        copies of a station's readings, to find many at once

A reading of a file has a name of its own: `<number>-<start of the hash of what was read>`. The file's record says
which one counts, so that putting the record turns all stations over at once, and nothing that an interrupted run leaves
behind is ever read. Records are swapped, never put: of two runs that read the same file at once, the later one goes on
from what the earlier one recorded.
"""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Final

import pandas as pd
import pyarrow as pa

from celec_assets.sources.answers import without_superseded
from celec_assets.storage.formats import from_json, read_table, to_frame, to_json, to_parquet, write_table
from celec_assets.storage.store import ObjectMissing, ObjectStore, update

READER_VERSION: Final = 3
"""Raise it when a parser reads files otherwise than before, or a record holds something else: then every file is read
again."""

WORKERS: Final = 8
"""Gets and puts wait for the disk or the network, not for the processor."""

GATHER_FROM: Final = 8
"""Readings that stand alone before they are put together: a few cost less than one object more."""

ATTEMPTS: Final = 5
"""To read a station while its files are being replaced."""

_COLUMNS: Final = ("raw_file", "day", "flow_m3s", "level_masl", "quality")
_STATIONS: Final = "observations/stations"
_FILES: Final = "observations/files"
_REFUSED: Final = "observations/refused"
_GATHERED: Final = "observations/gathered"


@dataclass(frozen=True)
class FileRecord:
    """What is remembered of a raw file: the hash of the content that was looked at last, and what came of it."""

    sha256: str
    source: str = ""
    stations: tuple[str, ...] = ()
    rows: int = 0
    first_day: str = ""
    last_day: str = ""
    refused: str = ""
    reading: str = ""
    """The name of the reading that counts; stations, rows and days are its own, also where newer content is refused."""
    settled: bool = False
    """Whether what was read before is gone, and the stations were told."""
    replaced: tuple[str, ...] = ()
    """Keys of what was read before, until the record is settled."""
    reader_version: int = READER_VERSION

    def holds(self, sha256: str) -> bool:
        """Whether exactly this content was read, or refused, to the end by the present parsers."""
        return (self.sha256, self.settled, self.reader_version) == (sha256, True, READER_VERSION)

    def next_reading(self, contents: Mapping[str, bytes]) -> str:
        """The name of a reading that follows this record: the same where it holds the same, by station."""
        digest = hashlib.sha256()
        for station, content in sorted(contents.items()):
            digest.update(station.encode() + b"\0" + content)
        number, _, present = self.reading.partition("-")
        name = digest.hexdigest()[:12]
        return self.reading if name == present else f"{int(number or 0) + 1}-{name}"

    def keys(self, raw_file: str) -> tuple[str, ...]:
        """The objects of the reading that counts."""
        return tuple(_key(station, raw_file, self.reading) for station in self.stations)


class Observations:
    """The readings of every raw file."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, raw_file: str, sha256: str, source: str, readings: pd.DataFrame) -> tuple[FileRecord, set[str]]:
        """Replace all that was read of this file before. The file counts as read once `settle` was called.

        Returns:
            The new record; and the stations that have to be told.
        """
        days = readings["day"]
        contents = {
            str(station): to_parquet(rows.drop(columns="station")) for station, rows in readings.groupby("station")
        }
        attempted: set[str] = set()

        def follow(known: FileRecord) -> FileRecord:
            record = FileRecord(
                sha256=sha256,
                source=source,
                stations=tuple(sorted(contents)),
                rows=len(readings),
                first_day=f"{days.min():%Y-%m-%d}" if len(days) else "",
                last_day=f"{days.max():%Y-%m-%d}" if len(days) else "",
                reading=known.next_reading(contents),
            )
            objects = {_key(station, raw_file, record.reading): content for station, content in contents.items()}
            attempted.update(objects)
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda item: self._store.put(*item), objects.items()))
            gone = {*known.replaced, *known.keys(raw_file), *attempted} - objects.keys()
            return replace(record, replaced=tuple(sorted(gone)))

        known, record = self._record_after(raw_file, follow)
        for key in record.replaced:
            self._store.delete(key)
        before = {key.split("/")[2] for key in record.replaced}
        return record, {*known.stations, *before, *record.stations}

    def refuse(self, raw_file: str, sha256: str, reason: str) -> tuple[FileRecord, set[str]]:
        """Remember why this content was refused. What was read of the file before stays. Returns like `write`."""
        known, record = self._record_after(
            raw_file,
            lambda known: replace(known, sha256=sha256, refused=reason, settled=False, reader_version=READER_VERSION),
        )
        return record, set() if known.settled else set(known.stations)

    def settle(self, raw_file: str, record: FileRecord) -> None:
        """Mark the file as read, unless another run has gone on from the record."""
        self._mark_refused(raw_file, record)
        settled = replace(record, settled=True, replaced=())
        if not self._store.swap(_record_key(raw_file), to_json(asdict(record)), to_json(asdict(settled))):
            self._mark_refused(raw_file, self.record(raw_file) or record)

    def refused(self) -> dict[str, str]:
        """The raw files whose present content was refused, and why."""
        prefix = f"{_REFUSED}/"
        files = [info.key.removeprefix(prefix).removesuffix(".json") for info in self._store.list(prefix)]
        records = {raw_file: self.record(raw_file) for raw_file in files}
        return {raw_file: record.refused for raw_file, record in records.items() if record and record.refused}

    def record(self, raw_file: str) -> FileRecord | None:
        """What is remembered of a raw file, if it was ever read and the record is of this version's form."""
        try:
            return _to_record(self._store.get(_record_key(raw_file)))
        except ObjectMissing:
            return None

    def read(self, station: str) -> pd.DataFrame:
        """All readings of a station: `raw_file, day, flow_m3s, level_masl, quality`; no row where there are none.

        Of a connector's answers to one question the newest counts, and no other one is opened.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                found = list(self._counting(station, self._names(station), self._gathered(station)).values())
            except ObjectMissing:  # replaced while we look
                if attempt == ATTEMPTS:
                    raise
                continue
            break
        return to_frame(pa.concat_tables(found)) if found else pd.DataFrame(columns=list(_COLUMNS))

    def gather(self, station: str) -> None:
        """Put a station's readings together in one object, where many of them still stand alone.

        A reading never changes under its name, so that a copy of it is good as long as the name is listed.
        """
        names = self._names(station)
        if len(names) < GATHER_FROM or len(set(names) - (gathered := self._gathered(station)).keys()) < GATHER_FROM:
            return
        tables = self._counting(station, names, gathered)
        together = [table.append_column("name", pa.repeat(name, len(table))) for name, table in tables.items()]
        if together:
            self._store.put(f"{_GATHERED}/{station}.parquet", write_table(pa.concat_tables(together)))

    def _names(self, station: str) -> list[str]:
        """`<raw file>/<reading>` of all that is stored of a station, counting or not, in order."""
        prefix = f"{_STATIONS}/{station}/"
        return [info.key.removeprefix(prefix).removesuffix(".parquet") for info in self._store.list(prefix)]

    def _gathered(self, station: str) -> dict[str, pa.Table]:
        """What was put together, by name."""
        try:
            together = read_table(self._store.get(f"{_GATHERED}/{station}.parquet"))
        except ObjectMissing:
            return {}
        tables, first = {}, 0
        for name, of_one in groupby(together["name"].to_pylist()):
            rows = len(list(of_one))
            tables[name] = together.slice(first, rows).drop_columns("name")
            first += rows
        return tables

    def _counting(self, station: str, names: list[str], gathered: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """What counts, by name; of a connector's answers, one that was not read to the end yet has replaced none.

        A name that stands alone for its file and was put together once is the one that counts. For any other the
        file's record is asked.
        """
        by_file = {file: list(names) for file, names in groupby(names, key=lambda name: name.rpartition("/")[0])}
        found: dict[str, tuple[str, pa.Table] | None] = {
            file: (names[0], gathered[names[0]])
            for file, names in by_file.items()
            if len(names) == 1 and names[0] in gathered
        }
        files = list(by_file)
        with ThreadPoolExecutor(WORKERS) as pool:
            while unopened := [file for file in without_superseded(files) if file not in found]:
                found |= zip(unopened, pool.map(lambda file: self._reading(station, file), unopened), strict=True)
                files = [file for file in files if file not in found or found[file] is not None]
        return dict(counts for file in without_superseded(files) if (counts := found[file]) is not None)

    def _reading(self, station: str, raw_file: str) -> tuple[str, pa.Table] | None:
        """What counts of a raw file at a station, with its name."""
        record = self.record(raw_file)
        if record is None or station not in record.stations:
            return None
        table = read_table(self._store.get(_key(station, raw_file, record.reading)))
        return f"{raw_file}/{record.reading}", table.append_column("raw_file", pa.repeat(raw_file, len(table)))

    def _mark_refused(self, raw_file: str, record: FileRecord) -> None:
        key = f"{_REFUSED}/{raw_file}.json"
        if record.refused:
            self._store.put(key, to_json(record.refused))
        else:
            self._store.delete(key)

    def _record_after(self, raw_file: str, follow: Callable[[FileRecord], FileRecord]) -> tuple[FileRecord, FileRecord]:
        """Put the record that follows the present one. Returns both."""
        known = record = FileRecord("")

        def swap(stored: bytes | None) -> bytes:
            nonlocal known, record
            known = (_to_record(stored) if stored else None) or FileRecord("")
            record = follow(known)
            return to_json(asdict(record))

        update(self._store, _record_key(raw_file), swap)
        return known, record


def _key(station: str, raw_file: str, reading: str) -> str:
    return f"{_STATIONS}/{station}/{raw_file}/{reading}.parquet"


def _record_key(raw_file: str) -> str:
    return f"{_FILES}/{raw_file}.json"


def _to_record(stored: bytes) -> FileRecord | None:
    """The record, if it is of this version's form; an earlier one counts as none, and its file is read again."""
    fields = from_json(stored)
    if fields.keys() != FileRecord.__dataclass_fields__.keys():
        return None
    return FileRecord(**{**fields, "stations": tuple(fields["stations"]), "replaced": tuple(fields["replaced"])})
