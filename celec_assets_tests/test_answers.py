"""Answers as files: how they are named, what their parsers refuse and with which words, and what is unpacked."""

import gzip
import json
import random
import time
import tracemalloc
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from celec_assets.sources import RefusedFile, read_raw_file
from celec_assets.sources.answers import Answer, newest, without_superseded
from celec_assets.sources.readings import MAX_BYTES

TODAY = date(2026, 11, 23)
FILE = "celec-historian/mazar/flow/2026-10/20261101T114000Z-0123456789ab.json.gz"
REACH = "time,620883808\n2024-01-01,12.5\n2024-01-02,13.25\n"
FORECAST = (
    "datetime,flow_uncertainty_upper,flow_median,flow_uncertainty_lower\n"
    "2026-11-23T00:00:00+00:00,31.5,30.4,29.3\n2026-12-08T00:00:00+00:00,31.5,30.4,29.3\n"
)


def item(day: str, value: Any = 31.2) -> dict[str, Any]:
    return {"loctimestamp": f"{day}T05:00:00Z", "valueedit": value}


def answer(*items: Any, **rest: Any) -> bytes:
    return json.dumps({"items": list(items), "hasMore": False, **rest}).encode()


def read(content: bytes | str, file: str = FILE) -> pd.DataFrame:
    return read_raw_file(file, content.encode() if isinstance(content, str) else content, TODAY)[1]


def refused(content: bytes | str, file: str = FILE) -> str:
    with pytest.raises(RefusedFile) as caught:
        read(content, file)
    return str(caught.value)


# The historian's answers


def test_flow_and_level_are_what_the_path_says() -> None:
    content = answer(item("2026-10-02", 31.2), item("2026-10-01", 30))
    for quantity, column, other in (("flow", "flow_m3s", "level_masl"), ("level", "level_masl", "flow_m3s")):
        source, readings = read_raw_file(FILE.replace("flow", quantity), content, TODAY)
        assert source == "celec-historian"
        assert list(readings[column]) == [30.0, 31.2]
        assert readings[other].isna().all()
        assert set(readings["station"]) == {"mazar"}
        assert [f"{day:%Y-%m-%d}" for day in readings["day"]] == ["2026-10-01", "2026-10-02"]


def test_the_file_s_own_name_does_not_matter_nor_how_the_json_is_written() -> None:
    content = json.dumps(json.loads(answer(item("2026-10-01"))), indent=2).encode()
    assert len(read(content, "celec-historian/mazar/flow/2026-10/by hand.json")) == 1


def test_nulls_and_zeros_are_no_reading_and_the_day_behind_the_month_is_not_of_this_file() -> None:
    content = answer(item("2026-11-01"), item("2026-10-31", 0.0), item("2026-10-30", None), item("2026-10-29", 0.142))
    assert [f"{day:%d}" for day in read(content)["day"]] == ["29"]
    assert read(answer(item("2026-10-31", None))).empty
    assert read(answer()).empty


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (answer(item("2026-09-30")), "item 1 of the answer: 2026-09-30 is not of 2026-10, as the path says"),
        (answer(item("2026-10-01"), item("2026-11-02", None)), "item 2 of the answer: 2026-11-02 is not of 2026-10"),
        (answer({"loctimestamp": "2026-10-01T06:00:00Z", "valueedit": 1}), "not local midnight like 2026-07-31T05:00"),
        (answer({"loctimestamp": "2026-10-32T05:00:00Z", "valueedit": 1}), "not local midnight"),
        (answer({"loctimestamp": 1790000000, "valueedit": 1}), "loctimestamp is '1790000000'"),
        (answer({"loctimestamp": "2026-10-01T05:00:00Z"}), "has no loctimestamp or no valueedit"),
        (answer("2026-10-01"), "has no loctimestamp or no valueedit"),
        (answer(item("2026-10-01", "31,2")), "valueedit is '31,2', which is not a number like 31.2"),
        (answer(item("2026-10-01", True)), "valueedit is 'True', which is not a number"),
        (answer(item("2026-10-01", float("nan"))), "valueedit is not a finite number"),
        (answer(item("2026-10-01", 10**400)), "valueedit is not a finite number"),
        (answer(item("2026-10-01", 1), item("2026-10-01", 2)), "2026-10-01 stands twice with different values"),
        (answer(item("2026-10-01"), hasMore=True), "one page of several (hasMore); ask for a shorter window"),
        (b'{"items": {}}', "JSON without a list of items, so no answer of the historian"),
        (answer(item("2026-10-01"))[:60], "not JSON"),
        (b'{"items":[' + b"[" * 100_000, "JSON that no service would write"),
        (b'{"items":[' + b"1" * 10_000 + b"]}", "JSON that no service would write"),
        (b"<!DOCTYPE html><title>502</title>", "this is an HTML or XML page"),
    ],
)
def test_an_answer_that_needs_guessing_is_refused(content: bytes, reason: str) -> None:
    assert refused(content).startswith(FILE)
    assert reason in refused(content)
    assert refused(gzip.compress(content)) == refused(content)


def test_a_value_of_a_day_to_come_is_refused_and_a_null_is_not() -> None:
    file = FILE.replace("2026-10", "2026-11")
    assert "2026-11-24 lies outside 1900 to today (2026-11-23)" in refused(answer(item("2026-11-24")), file)
    assert len(read(answer(item("2026-11-24", None), item("2026-11-23")), file)) == 1


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("x.json.gz", "it has to lie in celec-historian/<station>/<flow or level>/<yyyy-mm>/"),
        (FILE.replace("flow", "rain"), "it has to lie in"),
        (FILE.replace("2026-10", "2026-13"), "it has to lie in"),
        (FILE.replace("2026-10", "0000-00"), "it has to lie in"),
        (FILE.replace("mazar", "mazzar"), "'mazzar' is not in celec_assets/catalogue.toml; add it there"),
    ],
)
def test_an_answer_whose_path_does_not_say_what_it_is_is_refused(file: str, reason: str) -> None:
    assert reason in refused(answer(item("2026-10-01")), file)


# GEOGLOWS


def test_a_forecast_is_known_and_gives_no_reading() -> None:
    source, readings = read_raw_file("geoglows/620883808/forecast/2026-11-23/x.csv.gz", FORECAST.encode(), TODAY)
    assert (source, len(readings)) == ("geoglows", 0)
    assert list(readings.dtypes.astype(str)) == ["object", "datetime64[ns]", "float64", "float64", "object"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (FORECAST.replace("30.4", "n/a"), "flow_median is 'n/a', which is not a number"),
        (FORECAST.replace("2026-12-08", "2028-12-08"), "datetime is 2028-12-08, outside"),
        (FORECAST.rpartition(",")[0], "was the file cut off?"),
        (FORECAST.partition("\n")[0] + "\n", "has a header and no rows"),
    ],
)
def test_a_forecast_that_is_not_whole_is_refused(content: str, reason: str) -> None:
    assert reason in refused(content, "f.csv")


def test_a_reach_under_another_river_s_path_is_refused() -> None:
    file = "geoglows/620883809/retrospective/2024/20261101T114000Z-0123456789ab.csv.gz"
    assert "holds river 620883808, but its path says 620883809" in refused(REACH, file)
    assert len(read(REACH, file.replace("809", "808"))) == 2


# Compressed files


def test_any_source_s_file_may_be_compressed_whatever_it_is_called() -> None:
    pd.testing.assert_frame_equal(read(gzip.compress(REACH.encode()), "x.csv"), read(REACH, "x.csv"))


def test_a_file_of_several_compressed_parts_is_read_whole() -> None:
    assert len(read(gzip.compress(REACH[:30].encode()) + gzip.compress(REACH[30:].encode()), "x.csv")) == 2


def test_a_bomb_is_refused_quickly_and_in_little_memory() -> None:
    bomb = gzip.compress(b"0" * (64 * 2**20)) * 16  # a gigabyte in a megabyte
    assert len(bomb) < MAX_BYTES
    tracemalloc.start()
    began = time.perf_counter()
    assert "unpacks to more than 8 MB; is it a raw file at all?" in refused(bomb, "bomb.gz")
    assert time.perf_counter() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BYTES
    tracemalloc.stop()


def test_what_cannot_be_unpacked_is_refused() -> None:
    packed = gzip.compress(REACH.encode() * 50)
    flipped = packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:]
    for damaged in (packed[:-1], packed[: len(packed) // 2], flipped, packed + b"and more", packed[:10], packed[:3]):
        assert "cannot be unpacked" in refused(damaged, "x.csv.gz")
    assert "cannot be unpacked" in refused(b"\x1f\x8b" + random.Random(1).randbytes(500), "x.csv.gz")
    assert "not UTF-8 text" in refused(gzip.compress(gzip.compress(REACH.encode())), "x.csv.gz")
    assert "the file is empty" in refused(gzip.compress(b""), "x.csv.gz")


# Names


def test_a_name_says_what_was_asked_and_when() -> None:
    found = Answer.of(FILE)
    assert found == Answer(
        "celec-historian/mazar/flow/2026-10", datetime(2026, 11, 1, 11, 40, tzinfo=UTC), "0123456789ab", "json"
    )
    assert found.file == FILE


@pytest.mark.parametrize(
    "name",
    [
        "celec-sur/Hidrología_CSR_abril-2024.csv",
        "20261101T114000Z-0123456789ab.json.gz",
        FILE.replace("20261101", "20261131"),
        FILE.replace("ab.json", "AB.json"),
        FILE.replace(".gz", ""),
    ],
)
def test_other_files_are_no_answers_and_replace_nothing(name: str) -> None:
    assert Answer.of(name) is None
    assert without_superseded([name, FILE, name]) == [name, FILE, name]


def test_of_answers_to_one_question_the_newest_counts_whatever_their_digests_and_order() -> None:
    older, newer = FILE, FILE.replace("T114000Z-0", "T114001Z-0")
    other = FILE.replace("flow", "level")
    assert without_superseded([newer, other, older]) == [newer, other]
    assert {question: found.file for question, found in newest([older, newer, other]).items()} == {
        "celec-historian/mazar/flow/2026-10": newer,
        "celec-historian/mazar/level/2026-10": other,
    }
