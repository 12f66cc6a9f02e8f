"""Values as bytes and back: Parquet for frames, JSON for everything else. The same value gives the same bytes."""

import io
import json
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from celec_assets.refusal import Refusal

FORMAT: Final = 1
"""Of stored frames. Raise it when a column changes its name or meaning, and read the older ones that stay for ever
(forecasts that were issued) as before.
"""


class UnknownFormat(Refusal):
    """The object was stored by a version of the platform with which this one shares no format."""


def to_parquet(frame: pd.DataFrame) -> bytes:
    """A frame without its index. Its timestamps are days and are stored as plain dates."""
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)  # starting threads takes longer
    schema = pa.schema(
        [pa.field(f.name, pa.date32() if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    )
    return write_table(table.cast(schema))


def write_table(table: pa.Table) -> bytes:
    """What `read_table` reads."""
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"format": str(FORMAT)}), buffer, compression="zstd")
    return buffer.getvalue()


def from_parquet(content: bytes) -> pd.DataFrame:
    """The frame that `to_parquet` stored, its dates as `datetime64[ns]` at midnight."""
    return to_frame(read_table(content))


def read_table(content: bytes) -> pa.Table:
    """A stored frame as it is: cheap to join with others before it becomes a frame.

    Raises:
        UnknownFormat: another version stored it, in a format that this one does not know.
    """
    table = pq.read_table(pa.BufferReader(content))
    stored = int((table.schema.metadata or {}).get(b"format", FORMAT))
    if stored != FORMAT:
        raise UnknownFormat(
            f"an object is stored in format {stored}, this version reads {FORMAT}; make it again with "
            "`celec remake STATION`, or go back to the version that stored it"
        )
    return table.replace_schema_metadata(None)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as a frame: dates as `datetime64[ns]` at midnight, small integers as `Int16`, which may be missing."""
    schema = pa.schema(
        [pa.field(f.name, pa.timestamp("ns") if pa.types.is_date(f.type) else f.type) for f in table.schema]
    )
    frame: pd.DataFrame = table.cast(schema).to_pandas(types_mapper={pa.int16(): pd.Int16Dtype()}.get)
    return frame


def to_json(value: Any) -> bytes:
    """Sorted keys, one line a top-level entry's worth of indentation, UTF-8, a newline at the end."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def from_json(content: bytes) -> Any:
    """The value that `to_json` stored."""
    return json.loads(content)
