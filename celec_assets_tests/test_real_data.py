"""The files that CELEC delivered, where they are at hand: what was measured on them by hand comes out of the code.

The pins hold for the readings of 2020 to 2025. Later months beside these files, or in them, change nothing here.
"""

import unicodedata
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from celec_assets.catalogue import station
from celec_assets.series.cleaning import clean
from celec_assets.series.schema import Flag, flag_counts
from celec_assets.sources import read_raw_file

DATA = Path(__file__).parents[2] / "shared" / "data"
LAST_DAY = "2025-12-31"
CCS = "ccs_caudales_diarios.csv"
MONTHS = [
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
]
SUR = [f"Hidrología_CSR_{month}-{year}.csv" for year in range(2020, 2026) for month in MONTHS]
LACKING = {"molino": "2022-02", "sopladora": "2021-10", "minas-san-francisco": "2021-10"}
FEB_2022, OCT_2021 = 28, 31
PLANTS = ["mazar", "molino", "sopladora", "minas-san-francisco", "paute-basin"]

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"CELEC's own files are not in {DATA}")


@pytest.fixture(scope="module")
def raw_files() -> dict[str, bytes]:
    """The 72 monthly exports and Coca's table by their composed names."""
    there = {unicodedata.normalize("NFC", path.name): path for path in DATA.rglob("*.csv")}
    # The month that came with CELEC's new export goes by two names.
    there.setdefault("Hidrología_CSR_diciembre-2025.csv", there.get("Hidrologia_2025_12.csv", Path()))
    return {name: there[name].read_bytes() for name in [*SUR, CCS]}


@pytest.fixture(scope="module")
def readings(raw_files: dict[str, bytes]) -> pd.DataFrame:
    """All that the files say of days up to `LAST_DAY`: a refusal of any of them ends it here."""
    read = [
        read_raw_file(name, content, date(2200, 1, 1))[1].assign(raw_file=name) for name, content in raw_files.items()
    ]
    every_day = pd.concat(read)
    return every_day[every_day["day"] <= LAST_DAY]


@pytest.fixture(scope="module")
def cleaned(readings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The clean series by station, indexed by day."""
    by_station = dict(list(readings.groupby("station")))
    return {name: clean(station(name), frame, by_station).set_index("day") for name, frame in by_station.items()}


def days(frame: pd.DataFrame) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in frame.index]


def counted(flags: pd.Series) -> dict[str, int]:
    return {flag: days for flag, days in flag_counts(flags).items() if days}


def test_every_file_is_read_by_the_source_that_sent_it(raw_files: dict[str, bytes]) -> None:
    found = {name: read_raw_file(name, content, date(2200, 1, 1))[0] for name, content in raw_files.items()}
    assert found == {**dict.fromkeys(SUR, "celec-sur"), CCS: "celec-ccs"}


def test_the_stations_are_those_of_the_catalogue(cleaned: dict[str, pd.DataFrame]) -> None:
    assert sorted(cleaned) == sorted([*PLANTS, "coca"])


@pytest.mark.parametrize(
    ("name", "first_day", "flow"),
    [
        ("mazar", "2020-01-01", {"observed": 2192}),
        ("molino", "2020-01-01", {"observed": 2164, "missing": FEB_2022}),
        ("sopladora", "2020-01-01", {"observed": 2150, "missing": OCT_2021, "regulated_stop": 11}),
        ("minas-san-francisco", "2020-01-01", {"observed": 2161, "missing": OCT_2021}),
        ("paute-basin", "2020-01-01", {"observed": 2181, "copied": 11}),
        ("coca", "2024-01-01", {"observed": 680, "missing": 12, "duplicate": 7, "suspect": 25, "interpolated": 7}),
    ],
)
def test_days_per_flag_of_flow(
    cleaned: dict[str, pd.DataFrame], name: str, first_day: str, flow: dict[str, int]
) -> None:
    series = cleaned[name]
    assert list(series.index) == list(pd.date_range(first_day, LAST_DAY))
    assert counted(series["flow_flag"]) == flow


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("mazar", {"observed": 2191, "placeholder": 1}),
        ("molino", {"observed": 2161, "missing": FEB_2022, "placeholder": 3}),
        ("sopladora", {"observed": 2157, "missing": OCT_2021, "placeholder": 4}),
        ("minas-san-francisco", {"observed": 2156, "missing": OCT_2021, "placeholder": 5}),
        ("paute-basin", {"missing": 2192}),
        ("coca", {"missing": 731}),
    ],
)
def test_days_per_flag_of_level(cleaned: dict[str, pd.DataFrame], name: str, level: dict[str, int]) -> None:
    assert counted(cleaned[name]["level_flag"]) == level


def test_a_level_of_zero_stands_at_month_ends_only(cleaned: dict[str, pd.DataFrame]) -> None:
    zero = {name: days(series[series["level_flag"] == Flag.PLACEHOLDER]) for name, series in cleaned.items()}
    month_ends = ["2020-08-31", "2025-07-31", "2025-08-31", "2025-09-30", "2025-10-31"]
    assert zero["minas-san-francisco"] == month_ends
    assert all(set(found) <= set(month_ends) for found in zero.values())


def test_the_exports_have_no_gap_and_no_day_twice_but_for_the_missing_columns(readings: pd.DataFrame) -> None:
    every_day = pd.date_range("2020-01-01", LAST_DAY)
    for name in PLANTS:
        found = readings.loc[readings["station"] == name, "day"]
        assert found.is_unique
        lacking = every_day[every_day.strftime("%Y-%m") == LACKING.get(name)]
        assert list(every_day.difference(pd.DatetimeIndex(found))) == list(lacking), name


def test_no_two_files_speak_of_the_same_day(cleaned: dict[str, pd.DataFrame]) -> None:
    assert not any(series["sources_disagree"].any() for series in cleaned.values())


def test_days_that_are_stamped_an_hour_late_are_the_days_that_they_say(
    raw_files: dict[str, bytes], cleaned: dict[str, pd.DataFrame]
) -> None:
    late = pd.DatetimeIndex([*pd.date_range("2020-08-01", "2020-08-31"), *pd.date_range("2025-07-01", "2025-11-02")])
    rows = [
        line.replace('"', "").split(",") for name in SUR for line in raw_files[name].decode("utf-8-sig").splitlines()
    ]
    stamped = {row[0][:10] for row in rows if row[0].endswith(" 01:00:00")}
    assert stamped == set(late.strftime("%d/%m/%Y"))
    assert (cleaned["mazar"].loc[late, "flow_flag"] == Flag.OBSERVED).all()


def test_the_basin_s_last_eleven_days_are_mazar_s_and_flagged_so(cleaned: dict[str, pd.DataFrame]) -> None:
    basin, mazar = cleaned["paute-basin"], cleaned["mazar"]
    copied = basin[basin["flow_flag"] == Flag.COPIED]
    assert list(copied.index) == list(pd.date_range("2025-12-21", LAST_DAY))
    assert copied["flow_m3s"].isna().all()
    assert copied["flow_raw_m3s"].equals(mazar.loc[copied.index, "flow_raw_m3s"])
    assert (basin["flow_raw_m3s"] == mazar["flow_raw_m3s"]).sum() == 11


@pytest.mark.parametrize("day", ["2022-04-08", "2022-04-13", "2023-04-19", "2024-03-23", "2024-03-27"])
def test_a_release_at_molino_lowers_mazar_s_reservoir_and_stands(cleaned: dict[str, pd.DataFrame], day: str) -> None:
    row = cleaned["molino"].loc[day]
    assert row["flow_flag"] == Flag.OBSERVED
    assert row["flow_m3s"] == row["flow_raw_m3s"]
    assert 2.6 <= -cleaned["mazar"]["level_masl"].diff()[day] <= 3.8


def test_the_basin_s_largest_flood_stands(cleaned: dict[str, pd.DataFrame]) -> None:
    basin = cleaned["paute-basin"]
    assert f"{basin['flow_raw_m3s'].idxmax():%Y-%m-%d}" == "2022-07-04"
    flood = basin.loc["2022-07-04"]
    assert flood["flow_flag"] == Flag.OBSERVED
    assert flood["flow_m3s"] == flood["flow_raw_m3s"] == pytest.approx(1296, abs=0.5)


def test_sopladora_stood_on_eleven_days(cleaned: dict[str, pd.DataFrame]) -> None:
    sopladora = cleaned["sopladora"]
    stopped = sopladora[sopladora["flow_flag"] == Flag.REGULATED_STOP]
    assert days(stopped) == [
        *("2023-01-02", "2023-11-12", "2023-12-25", "2024-09-23", "2024-10-30", "2024-10-31"),
        *("2024-11-23", "2024-11-24", "2024-11-29", "2024-11-30", "2024-12-08"),
    ]
    assert (stopped["flow_raw_m3s"] == 0).all()
    assert stopped["flow_m3s"].isna().all()


def test_coca_s_repeated_rows_are_duplicates(cleaned: dict[str, pd.DataFrame]) -> None:
    coca = cleaned["coca"]
    assert days(coca[coca["flow_flag"] == Flag.DUPLICATE]) == [
        *("2024-01-27", "2024-05-09", "2024-06-17", "2024-08-14", "2024-09-02", "2024-09-27", "2024-09-29")
    ]
