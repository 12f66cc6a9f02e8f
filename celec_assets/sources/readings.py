"""What every source gives: tidy readings, or a refusal that names file, line and reason. Parsers stand beside."""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence, Set
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from celec_assets.refusal import Refusal

COLUMNS: Final = ("station", "day", "flow_m3s", "level_masl", "quality")

FIRST_YEAR: Final = 1900
MAX_BYTES: Final = 8 * 2**20
"""Eight times the largest file that CELEC or GEOGLOWS delivers: beyond it nothing is read, for the memory's sake."""

# [0-9] and not \d, which also takes the digits of other scripts. "12." is what is left of a number that was cut off.
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE_OR_THOUSANDS: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})?|0")


class RefusedFile(Refusal):
    """A raw file that cannot be read without guessing. Nothing of it is used.

    Attributes: `file` (path in the landing zone), `line` (1-based, or None for the file as a whole), `reason`.
    """

    def __init__(self, file: str, reason: str, line: int | None = None) -> None:
        self.file, self.line, self.reason = file, line, reason
        where = file if line is None else f"{file}, line {line}"
        super().__init__(f"{where}: {reason}")


def unpack(file: str, content: bytes) -> bytes:
    """The content of a raw file that may be compressed with gzip: what it holds says so, not its name.

    No more is unpacked than `decode` needs to refuse it for its size.

    Raises:
        RefusedFile: what was compressed cannot be unpacked whole, or is beyond `MAX_BYTES`.
    """
    if len(content) > MAX_BYTES or not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RefusedFile(file, f"cannot be unpacked ({error}); was it cut off? fetch it again") from None
    if len(unpacked) > MAX_BYTES:
        raise RefusedFile(file, f"unpacks to more than {MAX_BYTES // 2**20} MB; is it a raw file at all? Take it away")
    return unpacked


def decode(file: str, content: bytes) -> str:
    """The text of a raw file: UTF-8, with or without a byte-order mark.

    Raises:
        RefusedFile: beyond `MAX_BYTES`, empty, binary, an HTML page or not UTF-8.
    """
    if len(content) > MAX_BYTES:
        reason = f"larger than {MAX_BYTES // 2**20} MB, eight times any file of ours; is it a raw file at all?"
        raise RefusedFile(file, f"{reason} Split it, or take it away")
    if not content.strip():
        raise RefusedFile(file, "the file is empty; upload it again")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise RefusedFile(file, "this is a spreadsheet, not CSV; save it as 'CSV UTF-8' and upload it again")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise RefusedFile(
            file, "this is an HTML or XML page, perhaps a saved error message, not CSV; download it again"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RefusedFile(file, "not UTF-8 text; export it as 'CSV UTF-8'", line) from None
    if "\x00" in text:
        raise RefusedFile(
            file, "holds binary data, not CSV; export it again", text.count("\n", 0, text.index("\x00")) + 1
        )
    return text


def read_table(file: str, text: str, required: Sequence[str]) -> pd.DataFrame:
    """A comma-separated table as strings, one row a line, indexed by line number (1-based, the header is 1).

    Raises:
        RefusedFile: a required column is missing, a name is used twice, a row has too many or too few fields, or
            there is no row at all, or the file ends within a number.
    """
    hint_of_delimiter = delimiter_hint(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines = [], []
    try:
        header = [name.strip() for name in next(reader)]
        _check_header(file, header, required, hint_of_delimiter)
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if len(row) != len(header):
                reason = f"{len(row)} fields where the header has {len(header)}"
                hint = (
                    "was the file cut off? upload it again"
                    if len(row) < len(header)
                    else "a decimal comma or another delimiter?"
                )
                raise RefusedFile(file, f"{reason}; {hint}", reader.line_num)
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise RefusedFile(
            file, f"cannot be split into fields: {error}; was it cut off? upload it again", reader.line_num
        ) from None
    if not rows:
        raise RefusedFile(file, "has a header and no rows; export it again")
    if not text.endswith(("\n", "\r", '"')):
        raise RefusedFile(
            file,
            f"ends with {rows[-1][-1][:40]!r} and no line break: was it cut off? upload it again; if it is whole, add "
            "a line break at its end",
            lines[-1],
        )
    return pd.DataFrame(rows, columns=header, index=lines, dtype=str)


def delimiter_hint(header: str) -> str:
    """What to say beside a header that is not understood, when another delimiter may be the reason."""
    for delimiter, name in ((";", "';'"), ("\t", "a tab"), ("|", "'|'")):
        if delimiter in header:
            return f"; {name} stands between the fields: export it with commas"
    return ""


def _check_header(file: str, header: Sequence[str], required: Sequence[str], hint: str) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise RefusedFile(file, f"the header lacks {', '.join(missing)}; it reads {','.join(header)[:200]!r}{hint}", 1)
    twice = sorted(name for name, times in Counter(header).items() if times > 1)
    if twice:
        raise RefusedFile(file, f"the header names {', '.join(twice)[:200]} more than once; keep one of them", 1)


def refuse_unknown(file: str, table: pd.DataFrame, known: Set[str]) -> None:
    """Nothing is left out silently: a column that we do not know may be one of ours under a new name.

    Raises:
        RefusedFile: the table has a column that is not among the known.
    """
    unknown = sorted(set(table.columns) - known)
    if unknown:
        names = ", ".join(name if name.isprintable() and name else repr(name) for name in unknown)
        raise RefusedFile(file, f"the header holds unknown columns: {names[:200]}; rename or remove them", 1)


def parse_numbers(file: str, column: "pd.Series[str]", bounds: tuple[float, float] | None = None) -> "pd.Series[float]":
    """Numbers written with a decimal point; an empty field is a missing value (NaN).

    Args:
        bounds: what the values can be. Where it is given, a column is refused that could also be whole numbers with
            points at the thousands: each value is whole or has three decimals, and each of the latter would be
            within the bounds as thousands (1.234 of a river that can carry 1234, 2.152 of a lake at 2152 m).
            315.762 of a river that never carries 315762 is no such case, nor are values of which one has two
            decimals. Leave it out where a program writes the file in a format that knows no thousands' points.

    Raises:
        RefusedFile: anything else, for instance a decimal comma, a thousands separator, a word, or more than a float
            holds.
    """
    texts = column.str.strip()
    wrong = texts[(texts != "") & ~texts.str.fullmatch(_NUMBER)]
    if len(wrong):
        line = int(wrong.index[0])
        raise RefusedFile(file, f"{column.name} is {wrong.iloc[0][:40]!r}, which is not a number like 12.5", line)
    numbers = texts.where(texts != "", other="nan").astype(np.float64)
    endless = numbers.index[np.isinf(numbers)]
    if len(endless):
        line = int(endless[0])
        raise RefusedFile(file, f"{column.name} is {texts[line][:40]!r}, more than any river; correct it", line)
    if bounds is not None:
        _refuse_thousands(file, texts, numbers, bounds)
    return numbers


def _refuse_thousands(
    file: str, texts: "pd.Series[str]", numbers: "pd.Series[float]", bounds: tuple[float, float]
) -> None:
    given = texts[texts != ""]
    dotted = given.index[given.str.contains(".", regex=False)]
    if not len(dotted) or not given.str.fullmatch(_WHOLE_OR_THOUSANDS).all():
        return
    if (numbers[dotted] * 1000).between(*bounds).all():
        line = int(dotted[0])
        reason = (
            f"{texts.name} is {texts[line]!r}, which could be {texts[line].replace('.', '')}, like all of the column"
        )
        raise RefusedFile(file, f"{reason}; export it without thousands' points, or with other than 3 decimals", line)


def parse_days(
    file: str, column: "pd.Series[str]", pattern: str, example: str, today: date
) -> "pd.Series[pd.Timestamp]":
    """Dates of one format as local days (midnight, no zone).

    Raises:
        RefusedFile: another format, a day before 1900 or after `today`.
    """
    # pandas reads more than the pattern says, for instance the digits of other scripts.
    digits = re.sub("%[mdHMS]", "[0-9]{1,2}", pattern.replace("%Y", "[0-9]{4}"))
    texts = column.str.strip()
    texts = texts.where(texts.str.fullmatch(digits), other=None)
    days = pd.to_datetime(texts, format=pattern, errors="coerce").dt.normalize()
    wrong = days.index[days.isna()]
    if len(wrong):
        line = int(wrong[0])
        raise RefusedFile(file, f"{column.name} is {column[line][:40]!r}, which is not a date like {example}", line)
    outside = days.index[(days.dt.year < FIRST_YEAR) | (days > pd.Timestamp(today))]
    if len(outside):
        line = int(outside[0])
        reason = f"{column.name} is {days[line]:%Y-%m-%d}, outside {FIRST_YEAR} to today ({today})"
        raise RefusedFile(file, f"{reason}; is the day before the month?", line)
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
    twice = readings[readings.duplicated(["station", "day"])]
    if len(twice):
        line = int(twice.index.min())
        row = twice.loc[[line]].iloc[0]
        reason = f"{row['day']:%Y-%m-%d} stands twice with different values for {row['station']}; keep the right one"
        raise RefusedFile(file, reason, line)
    return readings[list(COLUMNS)].sort_values(["station", "day"], ignore_index=True)
