"""Raw files as they really come: what is refused, with which words, and that the others go on."""

import unicodedata
from datetime import date

import numpy as np
import pandas as pd
import pytest

from celec_assets.catalogue import station
from celec_assets.series.cleaning import clean
from celec_assets.sources import RefusedFile, read_raw_file

TODAY = date(2026, 1, 15)
SUR = "Fecha,CaudalMaz,CotaMaz\n01/01/2024 00:00:00,60.25,2121.5\n02/01/2024 00:00:00,61.5,2120.5\n"
CCS = "date,coca,css,frente,balance,status\n2024-01-01,213.8,188.3,25.3,0.2,ok\n2024-01-02,192.8,172.4,20.4,0.0,ok\n"
REACH = "time,620883808\n2024-01-01,12.5\n2024-01-02,13.25\n"
SOURCES = pytest.mark.parametrize("text", [SUR, CCS, REACH], ids=["celec-sur", "celec-ccs", "geoglows"])


def read(content: str | bytes, file: str = "x.csv") -> pd.DataFrame:
    return read_raw_file(file, content if isinstance(content, bytes) else content.encode(), TODAY)[1]


def refused(content: str | bytes, file: str = "x.csv") -> str:
    with pytest.raises(RefusedFile) as caught:
        read(content, file)
    assert str(caught.value).startswith(file)
    return str(caught.value)


def sur(*flows: str, column: str = "CaudalMaz", month: int = 1) -> str:
    rows = [f'{day:02d}/{month:02d}/2024 00:00:00,"{flow}"\n' for day, flow in enumerate(flows, 1)]
    return "".join([f"Fecha,{column}\n", *rows])


# What is no table of ours


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "x.csv: the file is empty; upload it again"),
        (b"\xef\xbb\xbf", "x.csv, line 1: the header '' is of no known source"),
        (b"<html><body>502 Bad Gateway</body></html>", "x.csv: this is an HTML or XML page"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "x.csv: this is a spreadsheet, not CSV; save it as 'CSV UTF-8'"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.csv: this is a spreadsheet"),
        (b"a,b,c\n1,2,3\n", "x.csv, line 1: the header 'a,b,c' is of no known source"),
        (b"Fecha,Lluvia\n01/01/2024 00:00:00,3\n", "x.csv, line 1: the header 'Fecha,Lluvia' is of no known source"),
        ("Fecha,CaudalMaz,Estación\n01/01/2024 00:00:00,1,á\n".encode("latin-1"), "x.csv, line 1: not UTF-8 text"),
    ],
    ids=["empty", "only-a-mark", "html", "xlsx", "xls", "no-known-column", "no-flow", "latin-1"],
)
def test_what_is_no_table_of_ours_is_refused(content: bytes, reason: str) -> None:
    assert refused(content).startswith(reason)


@SOURCES
@pytest.mark.parametrize(("delimiter", "name"), [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
def test_another_delimiter_is_refused_by_its_name(text: str, delimiter: str, name: str) -> None:
    message = refused(text.replace(",", delimiter))
    assert message.startswith("x.csv, line 1: ")
    assert message.endswith(f"{name} stands between the fields: export it with commas")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SUR.replace("\n", ",7\n").replace("CotaMaz,7", "CotaMaz,Lluvia"), "unknown columns: Lluvia; rename or remove"),
        (SUR.replace("\n", ",7\n").replace("CotaMaz,7", "CotaMaz,"), "unknown columns: ''"),
        (CCS.replace("\n", ",7\n").replace("status,7", "status,nivel"), "unknown columns: nivel"),
        (REACH.replace("\n", ",7\n").replace("808,7", "808,620883809"), "of no known source"),
    ],
)
def test_a_column_that_is_not_known_is_not_left_out_silently(content: str, reason: str) -> None:
    assert f"x.csv, line 1: {'the header' if 'no known' in reason else 'the header holds'}" in refused(content)
    assert reason in refused(content)


@SOURCES
def test_a_file_cut_off_in_a_row_is_refused_at_that_row(text: str) -> None:
    assert refused(text[: text.rindex(",")]).startswith("x.csv, line 3: ")
    assert "cut off?" in refused(text[: text.rindex(",")])


@SOURCES
def test_a_file_cut_off_in_a_number_is_refused_although_what_is_left_of_it_is_one(text: str) -> None:
    whole = text.rstrip("\n")
    for cut in range(1, len(whole) - whole.rindex(",") - 1):
        assert refused(whole[:-cut]).startswith("x.csv, line 3: ends with ")
    assert "if it is whole, add a line break at its end" in refused(whole)


def test_a_number_that_ends_with_its_point_is_refused() -> None:
    assert refused(SUR[: SUR.rindex(".") + 1] + "\n").startswith("x.csv, line 3: CotaMaz is '2120.'")


def test_a_level_whose_flow_column_is_missing_is_kept() -> None:
    readings = read("Fecha,CotaMaz,CaudalMol\n01/01/2024 00:00:00,2121.5,7.5\n").set_index("station")
    assert readings["level_masl"].to_dict() == pytest.approx({"mazar": 2121.5, "molino": np.nan}, nan_ok=True)
    assert readings["flow_m3s"].to_dict() == pytest.approx({"mazar": np.nan, "molino": 7.5}, nan_ok=True)
    assert list(read("Fecha,CotaMaz\n01/01/2024 00:00:00,2121.5\n")["level_masl"]) == [2121.5]


# Days


NAMES = [
    "celec-sur/Hidrología_CSR_abril-2024.csv",
    "Hidrología_CSR_abril-2024_muestra.csv",
    "Hidrologia_2024_04.csv",
    "Hidrologia_2024_04_muestra.csv",
    "hidrología_csr_ABRIL-2024 (1).CSV",
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", NAMES)
def test_days_of_another_month_than_the_name_says_are_refused(name: str, form: str) -> None:
    name = unicodedata.normalize(form, name)  # type: ignore[arg-type]
    text = sur("60", "61", "62.5", month=4)
    assert len(read(text, name)) == 3
    first = refused(text.replace("02/04/2024", "04/02/2024"), name)
    assert first.startswith(f"{name}, line 3: Fecha is 2024-02-04, but the file's name says 2024-04")
    assert ", line 2: Fecha is 2023-04-01" in refused(text.replace("01/04/2024", "01/04/2023"), name)


def test_a_whole_file_of_mm_dd_is_refused_with_a_month_in_its_name_and_without() -> None:
    rows = "".join(f"04/{day:02d}/2024 00:00:00,6{day}.5\n" for day in range(1, 10))
    text = f"Fecha,CaudalMaz\n{rows}"
    assert ", line 2: Fecha is 2024-01-04, but" in refused(text, "Hidrología_CSR_abril-2024.csv")
    assert "x.csv, line 2: read as dd/mm the days lie in different months, read as mm/dd in one" in refused(text)
    assert "x.csv, line 11: Fecha is '04/13/2024 00:00:00', which is not a date like 31/01/2024" in refused(
        f"{text}04/13/2024 00:00:00,60.5\n"
    )


@pytest.mark.parametrize("name", ["Hidrología_CSR_total-2024.csv", "Hidrología 1.csv", "2024_04.csv"])
def test_a_name_that_states_no_month_binds_nothing(name: str) -> None:
    assert len(read(SUR, name)) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SUR.replace("02/01/2024", "16/01/2026"), "Fecha is 2026-01-16, outside 1900 to today (2026-01-15)"),
        (CCS.replace("2024-01-02", "2026-01-16"), "date is 2026-01-16, outside"),
        (REACH.replace("2024-01-02", "2026-01-16"), "time is 2026-01-16, outside"),
        (SUR.replace("02/01", "01/01"), "2024-01-01 stands twice with different values for mazar"),
        (CCS.replace("-02,", "-01,"), "2024-01-01 stands twice with different values for coca"),
        (REACH.replace("-02,", "-01,"), "2024-01-01 stands twice with different values for geoglows-620883808"),
        (REACH.replace("-02,", "-02 and more,"), "time is '2024-01-02 and more'"),
        (REACH.replace("2024-01-02", "٢٠٢٤-٠١-٠٢"), "time is '٢٠٢٤-٠١-٠٢'"),
    ],
)
def test_a_day_that_cannot_be_is_refused(content: str, reason: str) -> None:
    assert refused(content).startswith(f"x.csv, line 3: {reason}")


def test_a_day_twice_in_an_export_of_several_stations_is_refused_by_its_station() -> None:
    text = "Fecha,CaudalMaz,CaudalMol\n01/01/2024 00:00:00,1,5\n01/01/2024 00:00:00,1,6\n"
    assert "x.csv, line 3: 2024-01-01 stands twice with different values for molino" in refused(text)


# Numbers


@pytest.mark.parametrize(
    "word", ["NaN", "nan", "inf", "-Infinity", "n/a", "#N/A", "null", "60,5", "1.060,5", "1,060.5", "12.", "١٢", "1_0"]
)
def test_what_is_no_number_is_refused_by_name(word: str) -> None:
    assert refused(sur("60", word)) == f"x.csv, line 3: CaudalMaz is {word!r}, which is not a number like 12.5"


def test_infinity_is_refused_however_it_is_written() -> None:
    assert refused(sur("60", "1e999")).startswith("x.csv, line 3: CaudalMaz is '1e999', more than any river")
    assert "line 3" in refused(REACH.replace("13.25", "-1e999"))


@pytest.mark.parametrize("value", ["-3.5", "1e9", "1000000000"])
def test_an_absurd_flow_is_read_and_then_flagged(value: str) -> None:
    readings = read(sur("60.5", value, "61.5")).assign(raw_file="x.csv").drop(columns="station")
    assert list(readings["flow_m3s"]) == [60.5, float(value), 61.5]
    cleaned = clean(station("mazar"), readings, {}).set_index("day").loc["2024-01-02"]
    assert (cleaned["flow_flag"], cleaned["flow_raw_m3s"]) == ("out_of_bounds", float(value))
    assert np.isnan(cleaned["flow_m3s"])


@pytest.mark.parametrize(
    ("column", "values", "line"),
    [
        ("CaudalMaz", ["1.234", "1.301", "2.002"], 2),
        ("CaudalMaz", ["980", "1.301", "999"], 3),
        ("CotaMaz", ["2.152", "2.151", "2.151"], 2),
        ("CotaMol", ["", "1.981", ""], 3),
    ],
)
def test_numbers_that_could_be_thousands_are_not_guessed(column: str, values: list[str], line: int) -> None:
    message = refused(sur(*values, column=column))
    first = next(value for value in values if "." in value)
    assert message.startswith(f"x.csv, line {line}: {column} is {first!r}, which could be {first.replace('.', '')}")
    assert message.endswith("export it without thousands' points, or with other than 3 decimals")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("CaudalMaz", ["1.234", "1.3", "2.002"]),  # a point before one figure is no thousands' point
        ("CaudalMol", ["315.762", "196.564", "1.234"]),  # the Paute never carried 315762 m3/s
        ("CaudalMaz", ["0.812", "1.234", "1.301"]),  # thousands never begin with 0
        ("CotaMsf", ["788.743", "789.435", "790.053"]),  # nor does a lake lie at 788743 m
        ("CotaMaz", ["2152.190", "2152.180"]),
        ("CaudalMaz", ["1234", "60", "61"]),
    ],
)
def test_numbers_that_can_be_read_in_one_way_are_read(column: str, values: list[str]) -> None:
    readings = read(sur(*values, column=column))
    name = "flow_m3s" if column.startswith("Caudal") else "level_masl"
    assert list(readings[name]) == [float(value) for value in values]


def test_geoglows_own_rounding_to_three_decimals_is_no_thousands_point() -> None:
    assert list(read("time,620883808\n2024-01-01,1.234\n2024-01-02,2.345\n2024-01-03,3.456\n")["flow_m3s"]) == [
        *(1.234, 2.345, 3.456)
    ]
