"""Raw files to tidy readings: which parser, which quirks, which refusals. Real files stand in test_real_data."""

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from celec_assets import sources
from celec_assets.refusal import Refusal
from celec_assets.sample import sample_files
from celec_assets.sources import COLUMNS, RefusedFile, read_raw_file

TODAY = date(2026, 1, 15)
SUR = """\
Fecha,CaudalMaz,CotaMaz
"02/01/2024 00:00:00",61.5,2120.5
"01/01/2024 00:00:00",60.25,2121
"""
CCS = """\
date,coca,css,frente,balance,status
2024-01-01,213.8,188.3,25.3,0.2,ok
2024-01-02,192.8,172.4,20.4,0.0,ok
"""
REACH = """\
time,620883808
2024-01-01,12.5
2024-01-02,13
"""


def read(text: str | bytes, file: str = "x.csv") -> pd.DataFrame:
    return read_raw_file(file, text if isinstance(text, bytes) else text.encode(), TODAY)[1]


def days(readings: pd.DataFrame) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in readings["day"]]


@pytest.mark.parametrize(("text", "source"), [(SUR, "celec-sur"), (CCS, "celec-ccs"), (REACH, "geoglows")])
@pytest.mark.parametrize(
    "file", ["celec-sur/Hidrología_CSR_enero-2024.csv", "ccs_caudales_diarios.csv", "9_retrospective_data.csv", "a"]
)
def test_what_a_file_holds_and_not_its_name_decides_how_it_is_read(text: str, source: str, file: str) -> None:
    assert read_raw_file(file, text.encode(), TODAY)[0] == source


@pytest.mark.parametrize("text", [SUR, CCS, REACH])
def test_every_source_gives_the_same_columns_of_the_same_types(text: str) -> None:
    readings = read(text)
    assert tuple(readings.columns) == COLUMNS
    assert list(readings.dtypes.astype(str)) == ["object", "datetime64[ns]", "float64", "float64", "object"]
    assert days(readings) == ["2024-01-01", "2024-01-02"]


def test_one_module_and_its_name_in_the_list_are_a_further_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(file: str, content: bytes, today: date) -> pd.DataFrame:
        row = {"station": "toy", "day": pd.Timestamp(today), "flow_m3s": float(content.split()[1]), "level_masl": 0.0}
        return pd.DataFrame([{**row, "quality": ""}])

    toy = SimpleNamespace(NAME="toy", recognises=lambda header: header == "toy", parse=parse)
    with pytest.raises(RefusedFile, match="of no known source"):
        read("toy\n7\n")
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, toy))
    source, readings = read_raw_file("new.csv", b"toy\n7\n", TODAY)
    assert (source, list(readings["flow_m3s"])) == ("toy", [7.0])
    assert read_raw_file("old.csv", REACH.encode(), TODAY)[0] == "geoglows"


# CELEC Sur


def quoted(text: str) -> str:
    rows = [line.replace('"', "").split(",") for line in text.splitlines()]
    return "".join(",".join(f'"{field}"' for field in row) + "\n" for row in rows)


def oldest_first(text: str) -> str:
    header, *rows = text.splitlines(keepends=True)
    return "".join([header, *reversed(rows)])


@pytest.mark.parametrize(
    "content",
    [
        SUR.encode("utf-8-sig"),
        quoted(SUR).encode(),
        quoted(SUR).encode("utf-8-sig"),
        oldest_first(SUR).encode(),
        SUR.replace(" 00:00:00", " 01:00:00").encode(),
        SUR.replace("\n", "\r\n").encode(),
        quoted(SUR).rstrip("\n").encode(),
        f"{SUR}\n\n".encode(),
        f"{SUR},,\n".encode(),
    ],
    ids=[
        "bom",
        "quoted",
        "quoted-bom",
        "oldest-first",
        "stamped-1h",
        "crlf",
        "quoted-no-last-newline",
        "blank-lines",
        "empty-row",
    ],
)
def test_every_dress_of_an_export_gives_the_same_readings(content: bytes) -> None:
    expected = pd.DataFrame(
        {
            "station": "mazar",
            "day": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "flow_m3s": [60.25, 61.5],
            "level_masl": [2121.0, 2120.5],
            "quality": "",
        }
    )
    pd.testing.assert_frame_equal(read(content), expected)


def test_an_export_holds_five_stations_and_the_basin_has_no_level() -> None:
    header = "Fecha,CaudalCuencaPaute,CaudalMol,CotaMol,CaudalMaz,CotaMaz,CaudalSop,CotaSop,CaudalMsf,CotaMsf"
    readings = read(f"{header}\n05/02/2024 00:00:00,1,2,3,4,5,6,7,8,9\n").set_index("station")
    assert readings["flow_m3s"].to_dict() == {
        "paute-basin": 1,
        "molino": 2,
        "mazar": 4,
        "sopladora": 6,
        "minas-san-francisco": 8,
    }
    assert readings["level_masl"].dropna().to_dict() == {
        "molino": 3,
        "mazar": 5,
        "sopladora": 7,
        "minas-san-francisco": 9,
    }
    assert set(days(readings)) == {"2024-02-05"}


def test_a_station_whose_columns_are_missing_gets_no_rows() -> None:
    assert set(read("Fecha,CaudalMol,CaudalMaz,CotaMaz\n01/01/2024 00:00:00,1,2,3\n")["station"]) == {"molino", "mazar"}


def test_an_empty_field_is_a_missing_value_and_a_row_without_any_value_no_reading() -> None:
    readings = read("Fecha,CaudalMaz,CotaMaz\n01/01/2024 00:00:00,,2120\n02/01/2024 00:00:00,,\n")
    assert days(readings) == ["2024-01-01"]
    assert readings["flow_m3s"].isna().all()


# Coca


def test_a_row_that_is_not_ok_is_suspect_and_one_like_the_row_before_repeated() -> None:
    rows = "2024-01-03,192.8,172.4,20.4,0.0,ok\n2024-01-04,192.8,172.4,20.5,0.0,ok\n2024-01-05,99,9,9,0,review\n"
    assert list(read(CCS + rows)["quality"]) == ["", "", "repeated", "", "suspect"]


def test_a_repeated_row_is_the_later_day_in_whatever_order_the_file_is() -> None:
    rows = oldest_first(CCS + "2024-01-03,192.8,172.4,20.4,0.0,ok\n")
    assert list(read(rows)["quality"]) == ["", "", "repeated"]


# GEOGLOWS


@pytest.mark.parametrize("header", ["time", "datetime", '"time"'])
@pytest.mark.parametrize("suffix", ["", " 00:00:00", " 00:00:00+00:00", "T00:00:00Z"])
def test_a_reach_is_the_second_column_s_name_and_its_time_of_day_means_nothing(header: str, suffix: str) -> None:
    readings = read(f"{header},620883808\n1940-01-01{suffix},12.5\n1940-01-02{suffix},1.3e1\n")
    assert list(readings["station"]) == ["geoglows-620883808"] * 2
    assert days(readings) == ["1940-01-01", "1940-01-02"]
    assert list(readings["flow_m3s"]) == [12.5, 13]


# Refusals


def refused(content: str | bytes, file: str = "celec-sur/Hidrología 1.csv") -> str:
    with pytest.raises(RefusedFile) as caught:
        read(content, file)
    assert isinstance(caught.value, Refusal)
    return str(caught.value)


def sur(row: str) -> str:
    return f"Fecha,CaudalMaz,CotaMaz\n01/01/2024 00:00:00,60,2120\n{row}\n03/01/2024 00:00:00,60,2120\n"


@pytest.mark.parametrize(
    ("content", "where", "reason"),
    [
        (b"", "", "the file is empty"),
        (b"\r\n \n", "", "the file is empty"),
        (b"<!DOCTYPE html><html><body>504</body></html>", "", "HTML or XML page"),
        (b"\xef\xbb\xbf\n<Error>AccessDenied</Error>", "", "HTML or XML page"),
        (b"PK\x03\x04\x14\x00\x06\x00", "", "spreadsheet, not CSV; save it as 'CSV UTF-8'"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "", "spreadsheet"),
        (sur("02/01/2024 00:00:00,60,está").encode("latin-1"), ", line 3", "not UTF-8 text"),
        (REACH.encode("utf-16"), ", line 1", "not UTF-8 text"),
        (sur("02/01/2024 00:00:00,6\x000,2120"), ", line 3", "holds binary data"),
        (
            "a,b\n1,2\n",
            ", line 1",
            "the header 'a,b' is of no known source (celec-sur, celec-ccs, geoglows, celec-historian)",
        ),
        ("Fecha;CaudalMaz\n01/01/2024 00:00:00;1\n", ", line 1", "the header lacks Fecha"),
        ("Fecha,CaudalMaz,Lluvia\n01/01/2024 00:00:00,1,2\n", ", line 1", "unknown columns: Lluvia"),
        ("Fecha,CaudalMaz,CaudalMaz\n01/01/2024 00:00:00,1,2\n", ", line 1", "names CaudalMaz more than once"),
        ("Fecha,CaudalMaz\n", "", "has a header and no rows"),
        (sur("02/01/2024 00:00:00,60"), ", line 3", "was the file cut off?"),
        (sur("02/01/2024 00:00:00,60,5,2120"), ", line 3", "a decimal comma"),
        (sur('02/01/2024 00:00:00,"60,5",2120'), ", line 3", "CaudalMaz is '60,5', which is not a number like 12.5"),
        (sur('02/01/2024 00:00:00,"1,060.5",2120'), ", line 3", "CaudalMaz is '1,060.5'"),
        (sur("02/01/2024 00:00:00,1.060.5,2120"), ", line 3", "CaudalMaz is '1.060.5'"),
        (sur("02/01/2024 00:00:00,60,sin dato"), ", line 3", "CotaMaz is 'sin dato'"),
        (sur("02/01/2024 00:00:00,nan,2120"), ", line 3", "CaudalMaz is 'nan'"),
        (
            sur("2024-01-02 00:00:00,60,2120"),
            ", line 3",
            "Fecha is '2024-01-02 00:00:00', which is not a date like 31/",
        ),
        (sur("01/31/2024 00:00:00,60,2120"), ", line 3", "Fecha is '01/31/2024 00:00:00'"),
        (sur("02/01/2024,60,2120"), ", line 3", "Fecha is '02/01/2024'"),
        (sur("30/02/2024 00:00:00,60,2120"), ", line 3", "Fecha is '30/02/2024 00:00:00'"),
        (sur(",60,2120"), ", line 3", "Fecha is ''"),
        (sur("16/01/2026 00:00:00,60,2120"), ", line 3", "Fecha is 2026-01-16, outside 1900 to today"),
        (sur("02/01/1024 00:00:00,60,2120"), ", line 3", "Fecha is"),
        (sur("01/01/2024 00:00:00,61,2120"), ", line 3", "2024-01-01 stands twice with different values"),
        (sur("01/01/2024 01:00:00,61,2120"), ", line 3", "2024-01-01 stands twice with different values"),
        (REACH.replace("2024-01-02", "02/01/2024"), ", line 3", "time is '02/01/2024', which is not a date like 2024-"),
        (CCS.replace("192.8", "n/a"), ", line 3", "coca is 'n/a'"),
        (CCS.replace(",balance", ""), ", line 1", "of no known source"),
    ],
)
def test_a_file_that_needs_guessing_is_refused_with_its_name_line_and_reason(
    content: str | bytes, where: str, reason: str
) -> None:
    message = refused(content)
    assert message.startswith(f"celec-sur/Hidrología 1.csv{where}: ")
    assert reason in message


def test_the_day_itself_is_not_in_the_future() -> None:
    assert days(read(f"time,620883808\n{TODAY},1\n")) == ["2026-01-15"]


@pytest.mark.parametrize("line", [2, 3])
def test_a_row_with_too_many_fields_is_refused_wherever_it_stands(line: int) -> None:
    lines = REACH.splitlines()
    lines[line - 1] += ",5"
    assert "x.csv, line" in refused("\n".join(lines), "x.csv")


def test_decimal_commas_in_every_row_are_refused_and_not_read_as_whole_numbers() -> None:
    assert "x.csv, line 2" in refused("time,620883808\n2024-01-01,12,5\n2024-01-02,13,5\n", "x.csv")


def test_a_file_cut_off_inside_a_quoted_field_is_refused() -> None:
    assert "cannot be split" in refused(quoted(SUR)[:-4])


def test_only_the_first_line_is_named_of_many_that_are_wrong() -> None:
    assert ", line 2: " in refused("time,620883808\n2024-01-01,a\n2024-01-02,b\n")


@pytest.mark.parametrize("text", [SUR, CCS, REACH], ids=["celec-sur", "celec-ccs", "geoglows"])
def test_a_row_that_stands_twice_is_one_reading(text: str) -> None:
    header, first, second = text.splitlines(keepends=True)
    pd.testing.assert_frame_equal(read(header + first + first + second), read(text))


# The sample


@pytest.fixture(scope="module")
def sample() -> dict[str, tuple[str, pd.DataFrame]]:
    return {file: read_raw_file(file, content, TODAY) for file, content in sample_files(last_day=date(2025, 12, 31))}


@pytest.fixture(scope="module")
def flows(sample: dict[str, tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Every reading of the sample's plants, by day and station; fails where a day stands in two files."""
    plants = pd.concat([readings for source, readings in sample.values() if source == "celec-sur"])
    return plants.pivot(index="day", columns="station", values=["flow_m3s", "level_masl"])


def test_all_74_files_of_the_sample_are_read(sample: dict[str, tuple[str, pd.DataFrame]]) -> None:
    found = pd.Series([source for source, _ in sample.values()]).value_counts().to_dict()
    assert found == {"celec-sur": 72, "celec-ccs": 1, "geoglows": 1}
    assert all(file.startswith(f"{source}/") for file, (source, _) in sample.items())


def test_the_sample_s_plants_have_every_day_but_those_whose_columns_are_lacking(flows: pd.DataFrame) -> None:
    assert list(flows.index) == list(pd.date_range("2020-01-01", "2025-12-31"))
    without = {
        station: sorted(set(column.index[column.isna()].strftime("%Y-%m")))
        for station, column in flows["flow_m3s"].items()
    }
    lacking = {"molino": ["2022-02"], "sopladora": ["2021-10"], "minas-san-francisco": ["2021-10"]}
    assert without == {"mazar": [], "paute-basin": [], **lacking}


def test_the_sample_s_zeros_copies_and_releases_are_read_as_they_stand(flows: pd.DataFrame) -> None:
    flow, level = flows["flow_m3s"], flows["level_masl"]
    assert list(flow.index[flow["paute-basin"] == flow["mazar"]]) == list(pd.date_range("2025-12-21", "2025-12-31"))
    assert list(level.index[level["mazar"] == 0].strftime("%Y-%m-%d")) == [
        *("2020-08-31", "2025-07-31", "2025-08-31", "2025-09-30", "2025-10-31")
    ]
    assert {"2024-11-12", "2024-11-13", "2024-11-14"} < set(flow.index[flow["sopladora"] == 0].strftime("%Y-%m-%d"))
    assert -level["mazar"].diff()["2024-05-21"] == pytest.approx(3, abs=0.1)


def test_the_sample_s_coca_has_12_repeated_and_24_suspect_rows(sample: dict[str, tuple[str, pd.DataFrame]]) -> None:
    (readings,) = [readings for source, readings in sample.values() if source == "celec-ccs"]
    assert readings["quality"].value_counts().to_dict() == {"": 664, "suspect": 24, "repeated": 12}
