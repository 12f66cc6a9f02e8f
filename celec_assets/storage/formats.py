"""Values as bytes and back: Parquet for frames, JSON for everything else. The same value gives the same bytes."""

import io
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def to_parquet(frame: pd.DataFrame) -> bytes:
    """A frame without its index. Its timestamps are days and are stored as plain dates."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    schema = pa.schema(
        [pa.field(f.name, pa.date32() if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    )
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None).cast(schema), buffer, compression="zstd")
    return buffer.getvalue()


def from_parquet(content: bytes) -> pd.DataFrame:
    """The frame that `to_parquet` stored, its dates as `datetime64[ns]` at midnight."""
    return to_frame(read_table(content))


def read_table(content: bytes) -> pa.Table:
    """A stored frame as it is: cheap to join with others before it becomes a frame."""
    return pq.read_table(pa.BufferReader(content))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as a frame: dates as `datetime64[ns]` at midnight, small integers as `Int16`, which may be missing."""
    days = {field.name: "datetime64[ns]" for field in table.schema if pa.types.is_date(field.type)}
    frame: pd.DataFrame = table.to_pandas(date_as_object=False, types_mapper={pa.int16(): pd.Int16Dtype()}.get)
    return frame.astype(days)


def to_json(value: Any) -> bytes:
    """Sorted keys, one line a top-level entry's worth of indentation, UTF-8, a newline at the end."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def from_json(content: bytes) -> Any:
    """The value that `to_json` stored."""
    return json.loads(content)
