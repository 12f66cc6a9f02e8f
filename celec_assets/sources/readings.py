"""What every source gives: tidy readings, or a refusal that names file, line and reason. Parsers stand beside."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from celec_assets.refusal import Refusal

COLUMNS: Final = ("station", "day", "flow_m3s", "level_masl", "quality")

FIRST_YEAR: Final = 1900
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class RefusedFile(Refusal):
    """A raw file that cannot be read without guessing. Nothing of it is used.

    Attributes: `file` (path in the landing zone), `line` (1-based, or None for the file as a whole), `reason`.
    """

    def __init__(self, file: str, reason: str, line: int | None = None) -> None:
        self.file, self.line, self.reason = file, line, reason
        where = file if line is None else f"{file}, line {line}"
        super().__init__(f"{where}: {reason}")


def decode(file: str, content: bytes) -> str:
    """The text of a raw file: UTF-8, with or without a byte-order mark.

    Raises:
        RefusedFile: empty, binary, an HTML page or not UTF-8.
    """
    if not content.strip():
        raise RefusedFile(file, "the file is empty")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise RefusedFile(file, "this is a spreadsheet, not CSV; save it as 'CSV UTF-8' and upload it again")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise RefusedFile(file, "this is an HTML or XML page, perhaps a saved error message, not CSV")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RefusedFile(file, "not UTF-8 text; export it as 'CSV UTF-8'", line) from None
    if "\x00" in text:
        raise RefusedFile(file, "holds binary data, not CSV", text.count("\n", 0, text.index("\x00")) + 1)
    return text


def read_table(file: str, text: str, required: Sequence[str]) -> pd.DataFrame:
    """A comma-separated table as strings, one row a line, indexed by line number (1-based, the header is 1).

    Raises:
        RefusedFile: a required column is missing, a name is used twice, a row has too many or too few fields, or
            there is no row at all.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines = [], []
    try:
        header = [name.strip() for name in next(reader)]
        _check_header(file, header, required)
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if len(row) != len(header):
                reason = f"{len(row)} fields where the header has {len(header)}"
                hint = "was the file cut off?" if len(row) < len(header) else "a decimal comma or another delimiter?"
                raise RefusedFile(file, f"{reason}; {hint}", reader.line_num)
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise RefusedFile(file, f"cannot be split into fields: {error}", reader.line_num) from None
    if not rows:
        raise RefusedFile(file, "has a header and no rows")
    return pd.DataFrame(rows, columns=header, index=lines, dtype=str)


def _check_header(file: str, header: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise RefusedFile(file, f"the header lacks {', '.join(missing)}; it reads {','.join(header)[:200]!r}", 1)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise RefusedFile(file, f"the header names {', '.join(twice)} more than once", 1)


def parse_numbers(file: str, column: "pd.Series[str]") -> "pd.Series[float]":
    """Numbers written with a decimal point; an empty field is a missing value (NaN).

    Raises:
        RefusedFile: anything else, for instance a decimal comma, a thousands separator or a word.
    """
    texts = column.str.strip()
    wrong = texts[(texts != "") & ~texts.str.fullmatch(_NUMBER)]
    if len(wrong):
        line = int(wrong.index[0])
        raise RefusedFile(file, f"{column.name} is {wrong.iloc[0][:40]!r}, which is not a number like 12.5", line)
    return texts.where(texts != "", other="nan").astype(np.float64)


def parse_days(
    file: str, column: "pd.Series[str]", pattern: str, example: str, today: date
) -> "pd.Series[pd.Timestamp]":
    """Dates of one format as local days (midnight, no zone).

    Raises:
        RefusedFile: another format, a day before 1900 or after `today`.
    """
    days = pd.to_datetime(column.str.strip(), format=pattern, errors="coerce").dt.normalize()
    wrong = days.index[days.isna()]
    if len(wrong):
        line = int(wrong[0])
        raise RefusedFile(file, f"{column.name} is {column[line][:40]!r}, which is not a date like {example}", line)
    outside = days.index[(days.dt.year < FIRST_YEAR) | (days > pd.Timestamp(today))]
    if len(outside):
        line = int(outside[0])
        raise RefusedFile(file, f"{column.name} is {days[line]:%Y-%m-%d}, outside {FIRST_YEAR} to today", line)
    return days


def tidy(file: str, readings: pd.DataFrame) -> pd.DataFrame:
    """Sorted by station and day, one row each. Rows that say the same twice become one.

    Args:
        readings: columns `COLUMNS`, indexed by line number.

    Raises:
        RefusedFile: the same day of a station twice with different values.
    """
    readings = readings.dropna(subset=["flow_m3s", "level_masl"], how="all")
    readings = readings[~readings.duplicated()]
    twice = readings.index[readings.duplicated(["station", "day"])]
    if len(twice):
        row = readings.loc[twice[0]]
        raise RefusedFile(file, f"{row.day:%Y-%m-%d} stands twice with different values", int(twice[0]))
    return readings[list(COLUMNS)].sort_values(["station", "day"], ignore_index=True)
