"""Raw files as they really come: what is refused, with which words, and that the others go on."""

import os
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from dagster._core.definitions.partitions.utils.base import INVALID_PARTITION_SUBSTRINGS

from celec_assets.build import build_definitions
from celec_assets.catalogue import station
from celec_assets.catch_up import CatchUp, Outcome
from celec_assets.resources import Clock
from celec_assets.series.cleaning import clean
from celec_assets.settings import Settings
from celec_assets.sources import RefusedFile, read_raw_file
from celec_assets.sources.readings import MAX_BYTES
from celec_assets.storage.lake import Lake
from celec_assets.storage.store import FolderStore, ObjectMissing

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


# The landing zone


class StoppedClock(Clock):
    """A clock that stands still."""

    def today(self) -> date:
        return TODAY


class Platform:
    """A lake in a folder, an instance, and the definitions on them."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.raw, self.instance, self.lake = folder / "raw", instance, Lake.open(str(folder))
        self.defs = build_definitions(Settings(lake_url=str(folder)), clock=StoppedClock())

    def put(self, name: str, content: str | bytes) -> None:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def catch_up(self) -> Outcome:
        return CatchUp(self.defs, self.instance, self.lake).run()

    def refused(self) -> dict[str, str]:
        """What a catch-up refuses; a model that lacks days is not what is asked here."""
        failed = self.catch_up().failed
        return {partition: reason for asset, partition, reason in failed if asset not in ("flow_model", "daily_series")}

    def names(self) -> list[str]:
        return [file.name for file in self.lake.raw.list()]


@pytest.fixture
def platform(tmp_path: Path):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(tmp_path / "lake", instance)


def reach(number: int) -> str:
    return REACH.replace("620883808", str(number))


def test_the_good_files_of_a_run_go_through_beside_every_bad_one(platform: Platform) -> None:
    bad = {
        "empty.csv": b"",
        "html.csv": b"<!DOCTYPE html><p>504",
        "xlsx.csv": b"PK\x03\x04",
        "cut.csv": SUR[:-25].encode(),
        "semicolons.csv": SUR.replace(",", ";").encode(),
        "latin1.csv": "Fecha,CaudalMaz\nmié,1\n".encode("latin-1"),
        "celec-sur/Hidrología_CSR_mayo-2024.csv": SUR.encode(),
        "future.csv": REACH.replace("2024", "2030").encode(),
        "infinite.csv": REACH.replace("12.5", "1e999").encode(),
        "thousands.csv": sur("1.234", "1.235", "1.236").encode(),
    }
    for name, content in bad.items():
        platform.put(name, content)
    platform.put("a-good.csv", REACH)
    platform.put("z-good.csv", SUR)
    reasons = platform.refused()
    assert reasons.keys() == bad.keys()
    assert all(reason.startswith(name) for name, reason in reasons.items())
    assert platform.lake.observations.refused() == reasons
    assert {"mazar", "geoglows-620883808"} == set(platform.instance.get_dynamic_partitions("stations"))
    assert platform.refused() == {}, "what is known to be bad is not tried again until it changes"


NFC, NFD = (unicodedata.normalize(form, "Hidrología.csv") for form in ("NFC", "NFD"))


def test_names_of_every_kind_are_read(platform: Platform) -> None:
    names = ["with space.csv", NFC, NFD, "-rf.csv", "--help", "a..b.csv", "año/ñandú (1).csv", "50%.csv", "a|b,c.csv"]
    for number, name in enumerate(names):
        platform.put(name, reach(700_000_000 + number))
    assert platform.refused() == {}
    assert sorted(platform.names()) == sorted(names)
    for number, name in enumerate(names):
        assert set(platform.lake.observations.read(f"geoglows-{700_000_000 + number}")["raw_file"]) == {name}


UNUSABLE = ["a...b.csv", "tab\there.csv", "line\nbreak.csv", "bell\a.csv", "lat\udced.csv"]


def test_a_name_that_dagster_refuses_stops_no_other(platform: Platform) -> None:
    platform.put("good.csv", REACH)
    for name in UNUSABLE:
        platform.put(name, REACH)
    assert platform.refused() == {}
    assert platform.names() == ["good.csv"]
    assert set(platform.lake.observations.read("geoglows-620883808")["raw_file"]) == {"good.csv"}
    unusable = platform.lake.raw.unusable()
    assert set(unusable) == {"a...b.csv", "tab\\there.csv", "line\\nbreak.csv", "bell\\x07.csv", "lat\\udced.csv"}
    assert all(reason.endswith("rename the file") for reason in unusable.values())


def test_every_name_that_dagster_refuses_is_unusable(platform: Platform) -> None:
    for number, part in enumerate(set(INVALID_PARTITION_SUBSTRINGS) - {"\0"}):  # no file's name holds a zero
        platform.put(f"{number}{part}.csv", REACH)
    assert platform.names() == []
    assert len(platform.lake.raw.unusable()) == len(INVALID_PARTITION_SUBSTRINGS) - 1


def test_a_folder_named_like_a_file_is_a_folder(platform: Platform) -> None:
    (platform.raw / "empty.csv").mkdir(parents=True)
    platform.put("folder.csv/inside.csv", REACH)
    platform.put("folder.csv.csv", reach(700_000_000))
    assert platform.refused() == {}
    assert platform.names() == ["folder.csv.csv", "folder.csv/inside.csv"]
    with pytest.raises(ObjectMissing):
        platform.lake.raw.read("folder.csv")


NOBODY = 65534


@contextmanager
def plain_user() -> Iterator[Path]:
    """A folder of a user whom permissions bind, and this process as that user: they do not bind root."""
    with tempfile.TemporaryDirectory() as folder:
        if (root := os.geteuid()) == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(root)


@pytest.mark.parametrize("mode", [0, 0o444], ids=["closed", "shows names and no more"])
def test_what_may_not_be_read_fails_alone(platform: Platform, mode: int) -> None:
    platform.put("good.csv", REACH)
    platform.put("bad.csv", b"")
    assert platform.refused().keys() == {"bad.csv"}  # by now everything is imported, which not every user may do
    with dg.DagsterInstance.ephemeral() as instance, plain_user() as folder:
        theirs = Platform(folder / "lake", instance)
        for name, number in (("closed.csv", 1), ("closed/inside.csv", 2), ("good.csv", 3)):
            theirs.put(name, reach(700_000_000 + number))
        (theirs.raw / "closed.csv").chmod(0)
        (theirs.raw / "closed").chmod(mode)
        reasons = theirs.refused()
        for name in ("closed.csv", "closed"):
            (theirs.raw / name).chmod(0o755)
        assert reasons.keys() == {"closed.csv", "closed"}
        assert all("Permission denied" in reason for reason in reasons.values())
        assert len(theirs.lake.observations.read("geoglows-700000003")) == 2
        assert theirs.refused() == {}
        assert len(theirs.lake.observations.read("geoglows-700000002")) == 2


def test_symbolic_links_are_not_followed(platform: Platform, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(REACH)
    platform.put("good.csv", reach(700_000_000))
    links = {"file.csv": outside / "secret.csv", "folder": outside, "nowhere.csv": tmp_path / "no", "loop": "loop"}
    for name, target in links.items():
        (platform.raw / name).symlink_to(target)
    os.mkfifo(platform.raw / "pipe.csv")
    assert platform.names() == ["good.csv"]
    for name in ("file.csv", "folder/secret.csv", "nowhere.csv", "loop"):
        with pytest.raises(ObjectMissing):
            platform.lake.raw.read(name)
    assert platform.refused() == {}


def test_the_landing_zone_itself_may_stand_on_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "x.csv").write_text(REACH)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "raw").symlink_to(tmp_path / "disk")
    lake = Lake(FolderStore(tmp_path / "lake"))
    assert [lake.raw.read(file.name) for file in lake.raw.list()] == [REACH.encode()]


def test_a_file_beyond_the_limit_is_refused_beside_a_good_one(platform: Platform) -> None:
    platform.put("good.csv", REACH)
    with (platform.raw / "noise.csv").open("wb") as file:
        file.truncate(200 * 2**20)
    assert platform.refused() == {
        "noise.csv": "noise.csv: larger than 8 MB, eight times any file of ours; is it a raw file at all? "
        "Split it, or take it away"
    }
    assert len(platform.lake.raw.read("noise.csv")) == MAX_BYTES + 1
    assert platform.refused() == {}, "nor is it tried again"


NOISE = """
import resource, sys, time
from datetime import date
from celec_assets.sources import RefusedFile, read_raw_file
from celec_assets.storage.lake import Lake
lake = Lake.open(sys.argv[1])
before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
for file in lake.raw.list():
    try:
        read_raw_file(file.name, lake.raw.read(file.name), date(2026, 1, 15))
    except RefusedFile as refused:
        assert len(str(refused)) < 1000
    else:
        raise AssertionError(file.name)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.monotonic() - begin)
"""


def test_noise_of_any_size_takes_little_memory_and_time(platform: Platform) -> None:
    platform.put("big.csv", REACH)
    with (platform.raw / "big.csv").open("r+b") as file:
        file.truncate(200 * 2**20)
    noise = np.random.default_rng(1).bytes(MAX_BYTES)
    platform.put("random.csv", noise)
    platform.put("letters.csv", bytes(65 + byte % 26 for byte in noise[:1000]) * (MAX_BYTES // 1000))
    platform.put("header.csv", b"Fecha,Caudal" + b",x" * (2**20))
    run = [sys.executable, "-c", NOISE, str(platform.raw.parent)]
    kilobytes, seconds = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    assert int(kilobytes) < 300 * 1024, "of four files, one of them with a million columns"
    assert float(seconds) < 10
