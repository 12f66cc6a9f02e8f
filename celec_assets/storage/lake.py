"""Everything the platform stores, by layer. In a notebook: `Lake.open("lake").series.read("mazar")`."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd

from celec_assets.sources.readings import MAX_BYTES
from celec_assets.storage.alerts import Alerts
from celec_assets.storage.backtests import Backtests
from celec_assets.storage.formats import from_parquet, to_parquet
from celec_assets.storage.observations import Observations
from celec_assets.storage.reports import Reports
from celec_assets.storage.scorecards import Scorecards
from celec_assets.storage.store import FolderStore, Measured, ObjectMissing, ObjectStore
from celec_assets.storage.versions import Forecasts, Models

_UNUSABLE_NAME: Final = re.compile(r"\.\.\.|[\x00-\x1f\x7f\ud800-\udfff]|^/|//")
"""What Dagster takes in no partition's name, what no database stores (a name that is not UTF-8), and keys of S3 that no
folder can hold.
"""


@dataclass(frozen=True)
class RawFile:
    """A file in the landing zone: its path there, its size and since when it is what it is (UTC)."""

    name: str
    size: int
    modified: datetime


class LandingZone:
    """Raw files as they were put under `raw/`, by people or connectors. What is there is never changed from here."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def list(self) -> Iterator[RawFile]:
        """Every file there is, by name. Hidden files (`.DS_Store`, `.part`) are not meant for us, and those in
        `unusable` are left out.
        """
        return (file for file in self._files() if not _UNUSABLE_NAME.search(file.name))

    def unusable(self) -> dict[str, str]:
        """The files whose names cannot be used, and why. What could not be printed in a name is escaped."""
        return {
            file.name.encode("unicode_escape", "backslashreplace").decode()
            if not file.name.isprintable()
            else file.name: "the name holds '...', '//', a control character or bytes other than UTF-8; rename the file"
            for file in self._files()
            if _UNUSABLE_NAME.search(file.name)
        }

    def read(self, name: str) -> bytes:
        """A file's content. Raises `ObjectMissing`.

        Of a file beyond `MAX_BYTES` no more is read than the parsers need to refuse it for its size.
        """
        return self._store.get(f"raw/{name}", limit=MAX_BYTES + 1)

    def deliver(self, name: str, content: bytes) -> bool:
        """Put a file, as a connector does, unless there is one of that name; returns whether it was put."""
        return self._store.swap(f"raw/{name}", None, content)

    def _files(self) -> Iterator[RawFile]:
        for info in self._store.list("raw/"):
            name = info.key.removeprefix("raw/")
            if not any(part.startswith(".") for part in name.split("/")):
                yield RawFile(name, info.size, info.modified)

    @staticmethod
    def sha256(content: bytes) -> str:
        """What tells one content from another."""
        return hashlib.sha256(content).hexdigest()


class Tables:
    """One frame per station: `<layer>/<station>.parquet`."""

    def __init__(self, store: ObjectStore, layer: str) -> None:
        self._store, self._layer = store, layer

    def write(self, station: str, table: pd.DataFrame) -> str:
        """Store a station's frame. Returns its key."""
        self._store.put(key := self._key(station), to_parquet(table))
        return key

    def read(self, station: str) -> pd.DataFrame:
        """A station's frame. Raises `ObjectMissing`."""
        return from_parquet(self._store.get(self._key(station)))

    def exists(self, station: str) -> bool:
        """Whether the station has one."""
        return self._store.exists(self._key(station))

    def _key(self, station: str) -> str:
        return f"{self._layer}/{station}.parquet"


class Lake:
    """The lake, layer by layer."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.raw = LandingZone(store)
        self.observations = Observations(store)
        self.series = Tables(store, "daily_series")
        """Columns `series.schema.COLUMNS`."""
        self.models = Models(store)
        self.forecasts = Forecasts(store)
        self.backtests = Backtests(store)
        self.scorecards = Scorecards(store)
        self.warnings = Tables(store, "low_flow_warnings")
        """Columns `forecasting.low_flow.COLUMNS`."""
        self.alerts = Alerts(store)
        self.reports = Reports(store)

    @classmethod
    def open(cls, url: str) -> "Lake":
        """The lake in a folder, or at `s3://bucket/prefix`."""
        if url.startswith("s3://"):
            from celec_assets.storage.s3 import S3Store  # boto3 takes half a second to load

            return cls(S3Store(url))
        return cls(FolderStore(url))

    def measured(self) -> tuple["Lake", Mapping[str, int]]:
        """The same lake, and how large what is put through it is: bytes by key. To ask S3 would be a request each."""
        store = Measured(self.store)
        return Lake(store), store.sizes

    def is_unread(self, raw_file: str) -> bool:
        """Whether a raw file holds something else than what was read of it last. The content decides, not the clock.

        A file that has vanished has nothing to read. One that cannot be opened is unread: its run fails and says why,
        and the other files go through.
        """
        try:
            content = self.raw.read(raw_file)
        except ObjectMissing:
            return False
        except OSError:
            return True
        record = self.observations.record(raw_file)
        return record is None or not record.holds(self.raw.sha256(content))
