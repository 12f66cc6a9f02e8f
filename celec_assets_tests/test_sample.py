"""The synthetic landing zone: its formats and every planted quirk.

The files are read with csv and pandas alone, so that an error in the project's parsers cannot hide one here.
"""

import csv
import hashlib
import io
import subprocess
import sys
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celec_assets.sample import DEFAULT_REACH, main, sample_files

Files = dict[str, bytes]
LAST_DAY = date(2025, 12, 31)
COLUMNS = [
    "CaudalCuencaPaute",
    "CaudalMol",
    "CotaMol",
    "CaudalMaz",
    "CotaMaz",
    "CaudalSop",
    "CotaSop",
    "CaudalMsf",
    "CotaMsf",
]
MONTHS = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
COCA = "celec-ccs/ccs_caudales_diarios_muestra.csv"
REACH = f"geoglows/{DEFAULT_REACH}_retrospective_data_muestra.csv"


@pytest.fixture(scope="module")
def files() -> Files:
    return dict(sample_files(last_day=LAST_DAY))


@pytest.fixture(scope="module")
def exports(files: Files) -> Files:
    """CELEC Sur's files by month, as YYYY-MM."""
    return {month_in(content): content for name, content in files.items() if name.startswith("celec-sur/")}


@pytest.fixture(scope="module")
def plants(exports: Files) -> pd.DataFrame:
    """All of CELEC Sur's readings by day, oldest first, as they stand in the files."""
    return pd.concat([read(content) for content in exports.values()]).sort_index()


@pytest.fixture(scope="module")
def coca(files: Files) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(files[COCA]), index_col="date", parse_dates=True)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def month_in(content: bytes) -> str:
    stamp = rows_of(content)[0]["Fecha"]
    return f"{stamp[6:10]}-{stamp[3:5]}"


def read(content: bytes) -> pd.DataFrame:
    frame = pd.DataFrame(rows_of(content))
    days = pd.to_datetime(frame.pop("Fecha").str[:10], format="%d/%m/%Y")
    return frame.astype(float).set_index(pd.DatetimeIndex(days))


def days_of(frame: pd.DataFrame | pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(frame.index)


def digest(**arguments: object) -> str:
    total = hashlib.sha256()
    for name, content in sample_files(last_day=LAST_DAY, **arguments):  # type: ignore[arg-type]
        total.update(name.encode() + content)
    return total.hexdigest()


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others() -> None:
    assert digest() == digest()
    assert digest(seed=1) != digest()


def test_every_file_name_says_that_it_is_a_sample_and_lies_in_its_source_s_folder(files: Files) -> None:
    assert all(name.endswith("_muestra.csv") for name in files)
    folders = Counter(name.split("/")[0] for name in files)
    assert folders == {"celec-sur": 72, "celec-ccs": 1, "geoglows": 1}


def test_the_monthly_exports_hold_every_day_once(exports: Files, plants: pd.DataFrame) -> None:
    assert list(exports) == [str(month) for month in pd.period_range("2020-01", "2025-12", freq="M")]
    assert list(plants.index) == list(pd.date_range("2020-01-01", LAST_DAY))
    for month, content in exports.items():
        assert set(days_of(read(content)).strftime("%Y-%m")) == {month}


def test_file_names_say_the_month_in_spanish_but_the_last_in_figures(files: Files, exports: Files) -> None:
    names = [unicodedata.normalize("NFC", name) for name in files if name.startswith("celec-sur/")]
    expected = [f"celec-sur/Hidrología_CSR_{MONTHS[int(m[5:]) - 1]}-{m[:4]}_muestra.csv" for m in exports]
    expected[-1] = "celec-sur/Hidrologia_2025_12_muestra.csv"
    assert names == expected


def test_two_file_names_are_decomposed(files: Files) -> None:
    decomposed = [name for name in files if not unicodedata.is_normalized("NFC", name)]
    assert [unicodedata.normalize("NFC", name) for name in decomposed] == [
        "celec-sur/Hidrología_CSR_agosto-2022_muestra.csv",
        "celec-sur/Hidrología_CSR_noviembre-2023_muestra.csv",
    ]


def test_exports_have_a_byte_order_mark_and_quote_only_dates_until_december_2025(exports: Files) -> None:
    *older, newest = exports.values()
    for content in older:
        header, *rows = content.decode("utf-8").splitlines()
        assert header.startswith("\ufeffFecha,")
        assert all(row.count('"') == 2 and row.startswith('"') for row in rows)
    for row in newest.decode("utf-8").splitlines():
        assert all(field[0] == field[-1] == '"' for field in row.split(","))


@pytest.mark.parametrize(("last_day", "quoted"), [(date(2024, 3, 31), 1), (date(2026, 2, 28), 3)])
def test_the_quoted_format_begins_in_december_2025_or_the_last_month(last_day: date, quoted: int) -> None:
    files = sample_files(last_day=last_day, years=1)
    starts = [content.startswith(b'"Fecha"') for name, content in files if name.startswith("celec-sur/")]
    assert starts == [False] * (12 - quoted) + [True] * quoted


def test_two_exports_lack_columns(exports: Files) -> None:
    columns = {month: list(rows_of(content)[0]) for month, content in exports.items()}
    assert columns.pop("2021-10") == ["Fecha", *COLUMNS[:5]]
    assert columns.pop("2022-02") == ["Fecha", "CaudalCuencaPaute", *COLUMNS[3:]]
    assert all(names == ["Fecha", *COLUMNS] for names in columns.values())


def test_most_exports_begin_with_the_newest_day_and_two_with_the_oldest(exports: Files) -> None:
    days = {month: read(content).index for month, content in exports.items()}
    assert [month for month in days if days[month].is_monotonic_increasing] == ["2023-03", "2024-04"]
    assert sum(index.is_monotonic_decreasing for index in days.values()) == 70


def test_some_days_are_stamped_an_hour_late(exports: Files) -> None:
    stamps = [row["Fecha"] for content in exports.values() for row in rows_of(content)]
    assert {stamp[10:] for stamp in stamps} == {" 00:00:00", " 01:00:00"}
    late = {pd.to_datetime(s[:10], format="%d/%m/%Y") for s in stamps if s.endswith("01:00:00")}
    assert late == {*pd.date_range("2020-08-01", "2020-08-31"), *pd.date_range("2025-07-01", "2025-11-02")}


def test_levels_are_zero_on_five_month_ends_and_else_within_their_bands(plants: pd.DataFrame) -> None:
    levels = plants.filter(like="Cota")
    month_ends = ["2020-08-31", "2025-07-31", "2025-08-31", "2025-09-30", "2025-10-31"]
    for column in levels:
        assert list(days_of(levels[levels[column] == 0]).strftime("%Y-%m-%d")) == month_ends
    bands = {"CotaMol": (1975, 1991), "CotaMaz": (2115, 2154), "CotaSop": (1313, 1317), "CotaMsf": (782, 793)}
    for column, (low, high) in bands.items():
        assert levels.loc[levels[column] != 0, column].dropna().between(low, high).all()


def test_flow_is_positive_but_for_the_days_on_which_sopladora_stood(plants: pd.DataFrame) -> None:
    flows = plants.filter(like="Caudal")
    stopped = days_of(flows[flows["CaudalSop"] == 0])
    assert 8 <= len(stopped) <= 14
    assert (stopped.dayofweek == 6).mean() > 0.5
    assert (flows.drop(index=stopped).min() > 0).all()


def test_the_basin_copies_mazar_on_the_last_eleven_days_and_on_no_other(plants: pd.DataFrame) -> None:
    is_copy = plants["CaudalCuencaPaute"] == plants["CaudalMaz"]
    assert list(plants.index[is_copy]) == list(pd.date_range("2025-12-21", "2025-12-31"))


def test_a_release_lowers_mazar_by_three_metres_and_molino_sees_it_for_one_day(plants: pd.DataFrame) -> None:
    fall = -plants["CotaMaz"].where(plants["CotaMaz"] > 0).diff()
    released = days_of(plants[fall > 2])
    expected = ["2022-05-12", "2023-05-09", "2023-06-27", "2024-05-21", "2025-05-15"]
    assert list(released.strftime("%Y-%m-%d")) == expected
    assert fall[released].to_list() == pytest.approx([3] * 5, abs=0.1)
    flow = plants["CaudalMol"]
    neighbours = pd.concat([flow.shift(1), flow.shift(-1)], axis=1).max(axis=1)
    assert (flow[released] > 2 * neighbours[released]).all()


def test_one_flood_day_is_the_largest_at_every_station(plants: pd.DataFrame, coca: pd.DataFrame) -> None:
    flood = pd.Timestamp("2024-07-04")
    flows = plants.filter(like="Caudal")
    assert (flows.loc[flood] == flows.max()).all()
    assert coca["coca"].idxmax() == flood


def test_no_column_of_a_plant_repeats_its_value_for_a_week(plants: pd.DataFrame) -> None:
    unchanged = plants.diff().eq(0)
    assert not (unchanged.rolling(6).sum() == 6).any(axis=None)


def test_mean_flows_are_those_of_the_rivers(plants: pd.DataFrame, coca: pd.DataFrame) -> None:
    means = plants.filter(like="Caudal").mean().to_dict() | {"coca": coca["coca"].mean()}
    typical = [("CaudalMaz", 70), ("CaudalCuencaPaute", 100), ("CaudalMol", 110), ("CaudalSop", 90)]
    assert means == pytest.approx(dict([*typical, ("CaudalMsf", 50), ("coca", 290)]), rel=0.05)


def test_high_water_is_in_its_season(plants: pd.DataFrame, coca: pd.DataFrame) -> None:
    def share(flow: pd.Series, months: list[int]) -> float:
        return float(flow[days_of(flow).month.isin(months)].mean() / flow.mean())

    for column in ("CaudalCuencaPaute", "CaudalMaz", "CaudalMol"):
        assert share(plants[column], [5, 6, 7, 8]) > 1.2
        assert share(plants[column], [11, 12, 1, 2]) < 0.8
    assert share(plants["CaudalMsf"], [2, 3, 4, 5]) > 1.4
    assert share(coca["coca"], [6, 7]) > 1.4


def test_neighbours_vary_together_more_than_with_the_other_side_of_the_andes(plants: pd.DataFrame) -> None:
    correlation = plants.corr(method="spearman")["CaudalCuencaPaute"]
    assert correlation["CaudalMaz"] > 0.9
    assert 0.2 < correlation["CaudalMsf"] < 0.8


def test_the_drought_halves_the_flow_and_empties_mazar(plants: pd.DataFrame) -> None:
    by_year = plants["CaudalMaz"].where(days_of(plants).month >= 10).groupby(days_of(plants).year).mean()
    assert by_year[2024] < 0.6 * by_year.drop(2024).mean()
    level = plants["CotaMaz"].where(plants["CotaMaz"] > 0)
    assert level["2024-11-15":"2025-02-28"].min() == level.min() < 2125


@pytest.mark.parametrize(("column", "dip"), [("CaudalMol", 0.13), ("CaudalSop", 0.21)])
def test_regulated_plants_run_lower_on_sundays(plants: pd.DataFrame, column: str, dip: float) -> None:
    relative = plants[column] / plants[column].rolling(15, center=True).median()
    assert relative[days_of(relative).dayofweek == 6].median() == pytest.approx(1 - dip, abs=0.03)


def test_coca_s_table_has_the_last_two_years_without_31_days(files: Files, coca: pd.DataFrame) -> None:
    assert files[COCA].startswith(b"date,coca,css,frente,balance,status\r\n2024-01-01,")
    assert list(coca.columns) == ["coca", "css", "frente", "balance", "status"]
    assert len(pd.date_range("2024-01-01", LAST_DAY).difference(days_of(coca))) == 31
    assert coca.index.is_unique
    assert coca.index[-1] == pd.Timestamp(LAST_DAY)


def test_a_dozen_of_coca_s_rows_repeat_the_row_of_the_day_before(coca: pd.DataFrame) -> None:
    is_repeat = (coca == coca.shift()).all(axis=1)
    assert is_repeat.sum() == 12
    assert all(day - pd.Timedelta(days=1) in coca.index for day in coca.index[is_repeat])


def test_coca_s_status_is_review_where_the_balance_does_not_close(coca: pd.DataFrame) -> None:
    assert coca["status"].value_counts().to_dict() == {"ok": 676, "review": 24}
    assert ((coca["balance"] > 0) == (coca["status"] == "review")).all()
    assert np.allclose(coca["coca"], coca[["css", "frente", "balance"]].sum(axis=1), atol=0.02)
    assert (coca[["coca", "css", "frente"]] > 0).all(axis=None)


def test_the_single_reach_has_twelve_years_of_iso_days(files: Files) -> None:
    rows = list(csv.reader(io.StringIO(files[REACH].decode())))
    assert rows[0] == ["time", "620883808"]
    assert [row[0] for row in rows[1:]] == list(pd.date_range("2014-01-01", LAST_DAY).strftime("%Y-%m-%d"))
    flows = [float(row[1]) for row in rows[1:]]
    assert min(flows) > 0
    assert np.mean(flows) == pytest.approx(30, rel=0.01)


def test_each_of_several_reaches_differs_and_does_not_depend_on_the_others() -> None:
    three = dict(sample_files(last_day=LAST_DAY, years=2, reaches=[5, 6, 7]))
    two = dict(sample_files(last_day=LAST_DAY, years=2, reaches=[7, 6]))
    flows = [
        pd.read_csv(io.BytesIO(three[f"geoglows/{reach}_retrospective_data_muestra.csv"]))[f"{reach}"]
        for reach in (5, 6, 7)
    ]
    assert [len(flow) for flow in flows] == [731, 731, 731]
    assert len({round(flow.mean(), 3) for flow in flows}) == 3
    assert {name: three[name] for name in two} == two


def test_a_sample_that_ends_inside_a_month_begins_on_a_first_and_has_its_last_month_in_part() -> None:
    files = sample_files(last_day=date(2025, 6, 10), years=1)
    months = [read(content) for name, content in files if name.startswith("celec-sur/")]
    assert list(pd.concat(months).sort_index().index) == list(pd.date_range("2024-06-01", "2025-06-10"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"years": 0}, "years is 0"),
        ({"reaches": [5, 5]}, r"\[5, 5\].*each named once"),
        ({"reaches": [0]}, "positive river ids"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_an_impossible_argument_is_refused_at_the_call(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_files(last_day=LAST_DAY, **arguments)  # type: ignore[arg-type]


def files_in(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_writes_the_very_bytes_in_another_process(tmp_path: Path, files: Files) -> None:
    command = [sys.executable, "-m", "celec_assets.sample", str(tmp_path)]
    root = Path(__file__).parents[1]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
    assert files_in(tmp_path) == files
    assert output.stdout.count("\n") == 1
    assert output.stdout.startswith(f"74 synthetic files written to {tmp_path}")


def test_a_second_call_touches_nothing_and_restores_what_was_taken_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path), "--last-day", "2024-06-30", "--years", "1", "--reaches", "2"]
    main(arguments)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.csv")}
    taken = tmp_path / COCA
    taken.unlink()
    main(arguments)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.csv") if p != taken} == {
        path: stamp for path, stamp in stamps.items() if path != taken
    }
    assert taken.exists()
    assert len(stamps) == 15
    assert "1 synthetic files written" in capsys.readouterr().out


def test_foreign_content_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    foreign = tmp_path / COCA
    foreign.parent.mkdir()
    foreign.write_text("date,coca\n")
    with pytest.raises(SystemExit, match=f"{foreign} is there with other content"):
        main([str(tmp_path), "--years", "1"])
    assert files_in(tmp_path) == {COCA: b"date,coca\n"}


def test_a_wrong_option_ends_in_an_error_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="error: years is 0"):
        main([str(tmp_path), "--years", "0"])
    assert files_in(tmp_path) == {}
