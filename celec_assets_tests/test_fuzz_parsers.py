"""Whatever stands in a file: it is refused by name, or nothing comes out of it that does not stand in it."""

import csv
import gzip
import io
import json
import math
import re
from datetime import date
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from celec_assets.sources import COLUMNS, RefusedFile, read_raw_file
from celec_assets.sources.readings import unpack

TODAY = date(2026, 1, 15)
FUZZ = settings(derandomize=True, max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SUR_HEADER = "Fecha,CaudalCuencaPaute,CaudalMol,CotaMol,CaudalMaz,CotaMaz,CaudalSop,CotaSop,CaudalMsf,CotaMsf"
SUR = "\n".join(
    [
        SUR_HEADER,
        *(
            f'"{day:02d}/03/2024 00:00:00",10{day}.25,{day}.125,1980.{day},61.7{day},2120.{day},0,1315.5,9{day},789.743'
            for day in range(6, 0, -1)
        ),
        "",
    ]
).encode("utf-8-sig")
QUOTED = "\n".join(
    ",".join(f'"{field}"' for field in line.replace('"', "").split(","))
    for line in SUR.decode("utf-8-sig").splitlines()
).encode()
CCS = "".join(
    [
        "date,coca,css,frente,balance,status\r\n",
        *(
            f"2024-05-{day:02d},21{day}.8,188.3,2{day}.3,0.{day},{'ok' if day % 4 else 'review'}\r\n"
            for day in range(1, 8)
        ),
        "2024-05-08,217.8,188.3,27.3,0.7,ok\r\n",
    ]
).encode()
REACH = "".join(["time,620883808\n", *(f"2024-02-{day:02d},{day}.4{day}\n" for day in range(1, 9))]).encode()
STAMPED = "".join(
    ["datetime,620883809\n", *(f"2024-02-{day:02d} 00:00:00+00:00,{day}e1\n" for day in range(1, 9))]
).encode()
FORECAST = "".join(
    [
        "datetime,flow_uncertainty_upper,flow_median,flow_uncertainty_lower\n",
        *(f"2024-02-0{day}T00:00:00+00:00,{day}.5,{day}.4,{day}.3\n" for day in range(1, 8)),
    ]
).encode()
ANSWER = json.dumps(
    {
        "items": [
            {"loctimestamp": f"2024-03-{day:02d}T05:00:00Z", "valueedit": None if day % 5 == 0 else day + 0.25}
            for day in range(31, 0, -1)
        ],
        "hasMore": False,
    },
    separators=(",", ":"),
).encode()
FILES = [SUR, QUOTED, CCS, REACH, STAMPED, FORECAST, ANSWER]
ANSWERED = "celec-historian/mazar/flow/2024-03/20240401T120000Z-0123456789ab.json.gz"
NAMES = [
    *("x.csv", "celec-sur/Hidrología_CSR_marzo-2024.csv", "Hidrologia_2024_03_muestra.csv", "celec-ccs/..x", ""),
    *(
        ANSWERED,
        ANSWERED.replace("flow", "level"),
        ANSWERED.replace("mazar", "nowhere"),
        ANSWERED.replace("-03", "-04"),
    ),
    *(ANSWERED.replace("2024-03", "0000-00"), "geoglows/620883808/retrospective/2024/x.csv.gz"),
]
PIECES = [
    *(b",", b";", b"\t", b"\n", b"\r", b"\r\n", b'"', b'""', b" ", b".", b"-", b"/", b"0", b"9", b"\x00", b"\xff"),
    *(b"nan", b"NaN", b"inf", b"1e999", b"-1e999", b"1e-999", b"1.234", b"1,5", b"-7", b"1e9", b"_", b"+", b"e"),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"null",
        b"true",
        b"Infinity",
        b'"valueedit"',
        b"T05:00:00Z",
        b"1" * 5000,
        b"[" * 5000,
    ),
    *(b"12/31/2024", b"31/12/2025", b"2024-02-30", b"9999-12-31", b"0001-01-01", b"16/01/2026", b"Fecha", b"<", b"#"),
    *("١٢".encode(), "٢٠٢٤-٠٢-٠١".encode(), "\u2028".encode(), "\ufeff".encode(), "\u00a0".encode(), "é".encode()),
]


def check(file: str, content: bytes) -> None:
    """Read it: our refusal, or readings of which each stands in one row of the file together with its day."""
    readings = read(file, content)
    if isinstance(readings, RefusedFile):
        refused = readings
        assert str(refused).startswith(file)
        assert refused.reason
        assert len(refused.reason) < 600
        text = unpacked(content)
        assert refused.line is None or 1 <= refused.line <= text.count(b"\n") + text.count(b"\r") + 1
        return
    assert tuple(readings.columns) == COLUMNS
    order = list(zip(readings["station"], readings["day"], strict=True))
    assert order == sorted(set(order)), "sorted, and unique by station and day"
    rows = list(named(content))
    for reading in readings.itertuples():
        values = {value for value in (reading.flow_m3s, reading.level_masl) if not math.isnan(value)}
        assert values, "a reading without a value"
        assert all(map(math.isfinite, values))
        assert reading.day <= pd.Timestamp(TODAY)
        assert any(reading.day.date() in days and values <= numbers for days, numbers in rows), reading


def read(file: str, content: bytes) -> pd.DataFrame | RefusedFile:
    try:
        return read_raw_file(file, content, TODAY)[1]
    except RefusedFile as refused:
        return refused


def named(content: bytes) -> "list[tuple[set[date], set[float]]]":
    """The days and the numbers that each row names, found without our parsers; rows of another length name none."""
    text = unpacked(content).decode("utf-8-sig")
    if text.lstrip().startswith("{"):
        return [(days_in(item["loctimestamp"]), number_of(item["valueedit"])) for item in json.loads(text)["items"]]
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return [(days_in(row[0]), numbers_in(row[1:])) for row in rows if len(row) == len(header)]


def unpacked(content: bytes) -> bytes:
    try:
        return unpack("", content)
    except RefusedFile:
        return b""


def number_of(value: Any) -> set[float]:
    return set() if value is None else {float(value)}


def days_in(field: str) -> set[date]:
    found = [(int(y), int(m), int(d)) for y, m, d in re.findall(r"(?<!\d)(\d{4})-(\d\d?)-(\d\d?)(?!\d)", field)]
    found += [(int(y), int(m), int(d)) for d, m, y in re.findall(r"(?<!\d)(\d\d?)/(\d\d?)/(\d{4})(?!\d)", field)]
    return {date(y, m, d) for y, m, d in found if is_date(y, m, d)}


def is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def numbers_in(fields: list[str]) -> set[float]:
    return {float(field) for field in fields if re.fullmatch(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*", field, re.ASCII)}


# Mutations


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real-looking file to which one to four things happened."""
    content = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        content = draw(st.sampled_from(MUTATIONS))(draw, content)
    return content


def flip(draw: st.DrawFn, content: bytes) -> bytes:
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    return content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]


def insert(draw: st.DrawFn, content: bytes) -> bytes:
    at = draw(st.integers(0, len(content)))
    return content[:at] + draw(st.sampled_from(PIECES)) + content[at:]


def cut(draw: st.DrawFn, content: bytes) -> bytes:
    return content[: draw(st.integers(0, len(content)))]


def cut_line(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = draw(st.integers(0, len(lines) - 1))
    lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))] + draw(st.sampled_from([b"", b"\n"]))
    return b"".join(lines)


def move_line(draw: st.DrawFn, content: bytes) -> bytes:
    """Move or repeat a line, or take one away."""
    lines = content.splitlines(keepends=True) or [b""]
    line = draw(st.sampled_from(lines))
    if draw(st.booleans()):
        lines.remove(line)
    if draw(st.booleans()):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return b"".join(lines)


def swap_fields(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = draw(st.integers(0, len(lines) - 1))
    fields = lines[at].split(b",")
    one, other = (draw(st.integers(0, len(fields) - 1)) for _ in range(2))
    fields[one], fields[other] = fields[other], fields[one]
    lines[at] = b",".join(fields)
    return b"".join(lines)


def set_field(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = draw(st.integers(0, len(lines) - 1))
    fields = lines[at].split(b",")
    fields[draw(st.integers(0, len(fields) - 1))] = draw(st.sampled_from(PIECES))
    lines[at] = b",".join(fields)
    return b"".join(lines)


def set_column(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut a column out of every line, or set it to one thing."""
    lines = [line.split(b",") for line in content.split(b"\n")]
    at, piece = draw(st.integers(0, 9)), draw(st.sampled_from([None, *PIECES]))
    for fields in lines[draw(st.integers(0, 1)) :]:
        if at < len(fields):
            fields[at : at + 1] = [] if piece is None else [piece]
    return b"\n".join(b",".join(fields) for fields in lines)


def replace(draw: st.DrawFn, content: bytes) -> bytes:
    pairs = [
        (b",", b";"),
        (b",", b"\t"),
        (b".", b","),
        (b"\n", b"\r\n"),
        (b"\n", b"\r"),
        (b'"', b""),
        (b"00:00", b"01:00"),
    ]
    old, new = draw(
        st.sampled_from([*pairs, (b"0", "٠".encode()), (b"/03/", b"/04/"), (b"-02-", b"-13-"), (b".", b"")])
    )
    return content.replace(old, new, draw(st.sampled_from([-1, 1, 5])))


def encode(draw: st.DrawFn, content: bytes) -> bytes:
    return content.decode("utf-8", "replace").encode(
        draw(st.sampled_from(["utf-16", "latin-1", "utf-8-sig"])), "replace"
    )


MUTATIONS = [flip, insert, cut, cut_line, move_line, swap_fields, set_field, set_column, replace, encode]


# The properties


def test_the_files_are_read_as_long_as_nothing_happened_to_them() -> None:
    read = [len(read_raw_file(ANSWERED, content, TODAY)[1]) for content in FILES]
    assert read == [30, 30, 8, 8, 8, 0, 25]
    for content in FILES:
        check(ANSWERED, content)
        check(ANSWERED, gzip.compress(content))


@FUZZ
@given(content=st.binary(max_size=400))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf\xef\xbb\xbftime,620883808\n2024-01-01,1\n")
def test_arbitrary_bytes(content: bytes) -> None:
    check("x.csv", content)


HEADERS = [SUR_HEADER, "Fecha,CaudalMaz", "Fecha,CotaMaz", "date,coca,css,frente,balance,status", "time,620883808"]
CELLS = st.sampled_from([piece.decode("latin-1") for piece in PIECES]) | st.text(max_size=6)


@FUZZ
@given(
    header=st.sampled_from(HEADERS),
    between=st.sampled_from(["\n", "\r\n", "\r"]),
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=10).map(",".join), max_size=4),
    bytes_after=st.binary(max_size=20),
)
def test_a_known_header_and_arbitrary_rows(header: str, between: str, rows: list[str], bytes_after: bytes) -> None:
    check("x.csv", between.join([header, *rows]).encode("utf-8", "replace") + bytes_after)


NUMBERS = st.sampled_from(
    ["", "0", "-1", "1.234", "12.5", "2152.19", "1e3", "1e9", "1e999", ".5", " 7 ", '"8"', '"9\n"']
)


@FUZZ
@given(
    flows=st.lists(st.tuples(st.integers(1, 31), st.integers(1, 12), NUMBERS, NUMBERS), max_size=8),
    name=st.sampled_from(NAMES),
)
def test_plausible_rows(flows: list[tuple[int, int, str, str]], name: str) -> None:
    sur = "".join(f"{d:02d}/{m:02d}/2024 00:00:00,{flow},{level}\n" for d, m, flow, level in flows)
    check(name, f"Fecha,CaudalMaz,CotaMol\n{sur}".encode())
    reach = "".join(f"2024-{m}-{d},{flow}\n" for d, m, flow, _ in flows)
    check(name, f"time,620883808\n{reach}".encode())
    coca = "".join(f"2024-{m:02d}-{d:02d},{flow},{level},1,2,ok\n" for d, m, flow, level in flows)
    check(name, f"date,coca,css,frente,balance,status\n{coca}".encode())


@settings(FUZZ, max_examples=1200)
@given(content=mutated(), name=st.sampled_from(NAMES))
def test_files_to_which_something_happened(content: bytes, name: str) -> None:
    check(name, content)


@settings(FUZZ, max_examples=800)
@given(content=mutated(), name=st.sampled_from(NAMES), packed=st.booleans(), data=st.data())
def test_packed_files_to_which_something_happened_before_or_after(
    content: bytes, name: str, packed: bool, data: st.DataObject
) -> None:
    content = gzip.compress(content, mtime=0)
    if packed:
        content = data.draw(st.sampled_from([flip, insert, cut]))(data.draw, content)
    check(name, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["2024-03-01T05:00:00Z", "31.2", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=6,
)
ITEMS = st.fixed_dictionaries(
    {
        "loctimestamp": st.sampled_from(
            [f"2024-03-{day:02d}T05:00:00Z" for day in range(33)] + ["2024-04-01T05:00:00Z"]
        )
        | JSON,
        "valueedit": st.none() | st.floats() | st.integers(-5, 10**400) | JSON,
    }
)


@FUZZ
@given(items=st.lists(ITEMS | JSON, max_size=6) | JSON, name=st.sampled_from(NAMES), more=st.booleans() | JSON)
def test_answers_of_any_shape(items: Any, name: str, more: Any) -> None:
    check(name, json.dumps({"items": items, "hasMore": more}).encode())
