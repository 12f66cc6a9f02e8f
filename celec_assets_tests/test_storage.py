"""The lake in a folder: whole objects or none, readings found by station, and what was issued first stands."""

import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS, Kind, to_rows
from celec_assets.refusal import Refusal
from celec_assets.storage import observations
from celec_assets.storage.formats import from_json, from_parquet, read_table, to_json, to_parquet
from celec_assets.storage.lake import Lake
from celec_assets.storage.observations import Observations
from celec_assets.storage.store import FolderStore, ObjectInfo, ObjectMissing
from celec_assets.storage.versions import Forecasts, Models


class PowerCut(Exception):
    pass


class UnreliableStore(FolderStore):
    """A folder that fails for good after some puts and deletes."""

    def __init__(self, root: Path, changes: int) -> None:
        super().__init__(root)
        self.changes_left = changes

    def put(self, key: str, content: bytes) -> None:
        self._count()
        super().put(key, content)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)

    def _count(self) -> None:
        if self.changes_left == 0:
            raise PowerCut
        self.changes_left -= 1


class RecordingStore(FolderStore):
    """A folder that remembers which objects were opened and which prefixes listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened: list[str] = []
        self.listed: list[str] = []

    def get(self, key: str) -> bytes:
        self.opened.append(key)
        return super().get(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return super().list(prefix)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lake")


def keys(store: FolderStore, prefix: str) -> list[str]:
    return [info.key for info in store.list(prefix)]


def objects(store: FolderStore) -> dict[str, bytes]:
    """Every object that is in the folder, whoever lists it or not."""
    root = Path(store.url)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# The folder


def test_an_object_is_what_was_put_last(store: FolderStore) -> None:
    store.put("a/b.bin", b"old")
    store.put("a/b.bin", b"\x00new")
    assert store.get("a/b.bin") == b"\x00new"
    assert objects(store) == {"a/b.bin": b"\x00new"}


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_process_that_dies_between_write_and_rename_leaves_the_old_object(
    store: FolderStore, before: bytes | None
) -> None:
    if before is not None:
        store.put("a/b.bin", before)
    script = (
        "import os, sys; from pathlib import Path; from celec_assets.storage.store import FolderStore\n"
        "Path.replace = Path.rename = os.replace = os.rename = lambda *_: os._exit(9)\n"
        "FolderStore(sys.argv[1]).put('a/b.bin', b'new')"
    )
    died = subprocess.run([sys.executable, "-c", script, store.url], cwd=Path(__file__).parents[1], check=False)
    assert died.returncode == 9
    assert b"new" in objects(store).values()  # it died late enough: the content was on disk
    assert keys(store, "a/") == ([] if before is None else ["a/b.bin"])
    if before is None:
        with pytest.raises(ObjectMissing):
            store.get("a/b.bin")
    else:
        assert store.get("a/b.bin") == before


def test_a_put_that_fails_leaves_nothing_behind(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("a/b.bin", b"old")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        store.put("a/b.bin", b"new")
    assert objects(store) == {"a/b.bin": b"old"}


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/../x", "a//x", "/etc/passwd", "a/", "a/./x", "a\x00b"])
def test_a_key_that_could_leave_the_lake_or_be_written_in_two_ways_is_refused(store: FolderStore, key: str) -> None:
    for operation in (store.get, store.delete, store.exists, lambda key: store.put(key, b"")):
        with pytest.raises(ValueError, match="is no key"):
            operation(key)


def test_a_listing_is_sorted_and_holds_what_is_under_the_prefix_only(store: FolderStore) -> None:
    for key in ("a/z", "a/b/c", "a/B", "a/b.x", "ab/c", "b/a"):
        store.put(key, b"12")
    assert keys(store, "a/") == ["a/B", "a/b.x", "a/b/c", "a/z"]
    assert keys(store, "a/b/") == ["a/b/c"]
    assert keys(store, "nothing/") == []


def test_a_listing_says_how_large_an_object_is_and_since_when(store: FolderStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    store.put("a/b", b"123")
    (info,) = store.list("a/")
    assert info.size == 3
    assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_with_accents_and_spaces_comes_back_as_it_was_put(store: FolderStore, form: Any) -> None:
    key = f"raw/celec-sur/{unicodedata.normalize(form, 'Hidrología CSR (año 1) + %20.csv')}"
    store.put(key, b"x")
    assert keys(store, "raw/") == [key]
    assert store.get(key) == b"x"


@pytest.mark.parametrize("key", ["raw/none.csv", "raw/file.csv/below", "raw"])
def test_what_is_not_there_is_named_with_its_place(store: FolderStore, key: str) -> None:
    store.put("raw/file.csv", b"x")
    assert not store.exists(key)
    with pytest.raises(ObjectMissing) as caught:
        store.get(key)
    assert caught.value.key == key
    assert str(caught.value) == f"there is no object {key!r} in {store.url}"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: FolderStore) -> None:
    store.put("a/b", b"x")
    store.delete("a/b")
    store.delete("a/b")
    assert not store.exists("a/b")


def test_the_landing_zone_shows_files_by_name_and_no_hidden_ones(store: FolderStore) -> None:
    for name in ("b.csv", "a/c.csv", ".DS_Store", ".git/x.csv", "a/.b.csv.part"):
        store.put(f"raw/{name}", name.encode())
    store.put("daily_series/mazar.parquet", b"")
    lake = Lake(store)
    assert [(file.name, file.size) for file in lake.raw.list()] == [("a/c.csv", 7), ("b.csv", 5)]
    assert lake.raw.read("a/c.csv") == b"a/c.csv"


# Formats


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": pd.to_datetime(["1940-01-01", "2024-02-29", "2025-12-31"]),
            "flow_m3s": [0.1, np.nan, 1296.0],
            "flow_flag": ["observed", "missing", "Hidrología"],
            "lead_days": pd.array([1, None, 30], dtype="Int16"),
            "sources_disagree": [True, False, False],
        }
    )


def test_a_frame_comes_back_as_it_was_stored() -> None:
    pd.testing.assert_frame_equal(from_parquet(to_parquet(frame())), frame())


def test_a_missing_day_comes_back_missing() -> None:
    days = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", None])})
    pd.testing.assert_frame_equal(from_parquet(to_parquet(days)), days)


def test_the_same_frame_gives_the_same_bytes_whatever_its_index() -> None:
    assert to_parquet(frame()) == to_parquet(frame())
    assert to_parquet(frame().set_axis([7, 5, 3])) == to_parquet(frame())
    assert to_parquet(frame()[::-1]) != to_parquet(frame())


def test_a_frame_that_was_stored_and_loaded_gives_the_same_bytes_again() -> None:
    assert to_parquet(from_parquet(to_parquet(frame()))) == to_parquet(frame())


def test_days_are_plain_dates_in_the_file() -> None:
    assert str(read_table(to_parquet(frame())).schema.field("day").type) == "date32[day]"


def test_a_document_is_readable_json_whose_bytes_do_not_depend_on_the_order_of_its_keys() -> None:
    content = to_json({"b": [1, None], "a": "año"})
    assert content == '{\n "a": "año",\n "b": [\n  1,\n  null\n ]\n}\n'.encode()
    assert content == to_json({"a": "año", "b": [1, None]})
    assert from_json(content) == {"a": "año", "b": [1, None]}


def test_a_document_with_a_value_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"flow": float("nan")})


# Observations


def readings(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Readings from (station, day, flow)."""
    tidy = pd.DataFrame(rows, columns=["station", "day", "flow_m3s"])
    tidy = tidy.astype({"day": "datetime64[ns]", "flow_m3s": float})
    return tidy.assign(level_masl=np.nan, quality="")


OLD = readings(("coca", "2024-01-01", 300), ("mazar", "2024-01-01", 60), ("mazar", "2024-01-02", 61))
NEW = readings(("mazar", "2024-01-02", 61.5), ("molino", "2024-01-02", 90), ("sopladora", "2024-01-02", 80))


def test_a_station_s_readings_are_those_of_all_files_with_the_file_s_name(store: FolderStore) -> None:
    layer = Observations(store)
    layer.write("x/enero 1.csv", "sha", "celec-sur", OLD)
    layer.write("y.csv", "sha", "celec-sur", NEW)
    found = layer.read("mazar")
    expected = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02"]),
            "flow_m3s": [60, 61, 61.5],
            "level_masl": np.nan,
            "quality": "",
            "raw_file": ["x/enero 1.csv", "x/enero 1.csv", "y.csv"],
        }
    )
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_a_station_that_no_file_holds_has_no_readings(store: FolderStore) -> None:
    found = Observations(store).read("mazar")
    assert found.empty
    assert set(found) == {"raw_file", "day", "flow_m3s", "level_masl", "quality"}


def test_a_record_says_what_came_of_a_file(store: FolderStore) -> None:
    layer = Observations(store)
    assert layer.record("x.csv") is None
    written = layer.write("x.csv", "sha", "celec-sur", OLD)
    assert layer.record("x.csv") == written
    assert (written.source, written.stations, written.rows) == ("celec-sur", ("coca", "mazar"), 3)
    assert (written.first_day, written.last_day) == ("2024-01-01", "2024-01-02")
    assert written.holds("sha")
    assert not written.holds("another")


def test_a_corrected_file_leaves_nothing_behind_of_what_it_no_longer_holds(store: FolderStore, tmp_path: Path) -> None:
    layer = Observations(store)
    layer.write("x.csv", "old", "celec-sur", OLD)
    layer.write("x.csv", "new", "celec-sur", NEW)
    assert layer.read("coca").empty
    assert list(layer.read("mazar")["flow_m3s"]) == [61.5]
    only_new = FolderStore(tmp_path / "other")
    Observations(only_new).write("x.csv", "new", "celec-sur", NEW)
    assert objects(store) == objects(only_new)


def test_a_corrected_file_touches_no_other_file_s_readings(store: FolderStore) -> None:
    layer = Observations(store)
    layer.write("x.csv", "old", "celec-sur", OLD)
    layer.write("y.csv", "y", "celec-sur", OLD)
    others = {key: content for key, content in objects(store).items() if "y.csv" in key}
    layer.write("x.csv", "new", "celec-sur", NEW)
    assert {key: content for key, content in objects(store).items() if "y.csv" in key} == others
    assert len(others) == 3


def test_a_file_without_any_value_is_a_file_without_readings(store: FolderStore) -> None:
    layer = Observations(store)
    layer.write("x.csv", "old", "celec-sur", OLD)
    record = layer.write("x.csv", "empty", "celec-sur", OLD[:0])
    assert (record.stations, record.rows, record.first_day, record.last_day) == ((), 0, "", "")
    assert layer.read("mazar").empty


REFUSED_BEFORE = [False, True]


def prepared(root: Path, refused: bool) -> Path:
    layer = Observations(FolderStore(root))
    layer.write("x.csv", "old", "celec-sur", OLD)
    if refused:
        layer.refuse("x.csv", "broken", "x.csv, line 3: cut off")
    return root


@pytest.mark.parametrize("refused", REFUSED_BEFORE, ids=["read before", "refused before"])
def test_a_write_that_is_interrupted_anywhere_is_unfinished_and_the_next_one_ends_as_if_undisturbed(
    tmp_path: Path, refused: bool
) -> None:
    undisturbed = FolderStore(prepared(tmp_path / "undisturbed", refused))
    counting = UnreliableStore(Path(undisturbed.url), changes=10_000)
    Observations(counting).write("x.csv", "new", "celec-sur", NEW)
    changes = 10_000 - counting.changes_left
    assert changes >= 6  # two records, three stations, one station that is gone

    unfinished_yet_complete = []
    for after in range(changes):
        root = prepared(tmp_path / f"after-{after}", refused)
        with pytest.raises(PowerCut):
            Observations(UnreliableStore(root, after)).write("x.csv", "new", "celec-sur", NEW)
        again = Observations(FolderStore(root))
        record = again.record("x.csv")
        if (record is not None and record.holds("new")) and objects(FolderStore(root)) != objects(undisturbed):
            unfinished_yet_complete.append(after)
        again.write("x.csv", "new", "celec-sur", NEW)
        assert objects(FolderStore(root)) == objects(undisturbed), f"interrupted after {after} changes"
    assert unfinished_yet_complete == [], f"of {changes} changes"


def test_a_write_that_is_interrupted_is_not_taken_for_the_old_content_either(tmp_path: Path) -> None:
    for after in range(1, 5):
        root = prepared(tmp_path / f"after-{after}", refused=False)
        with pytest.raises(PowerCut):
            Observations(UnreliableStore(root, after)).write("x.csv", "new", "celec-sur", NEW)
        record = Observations(FolderStore(root)).record("x.csv")
        assert not record.holds("old"), f"after {after} changes"


def test_refusing_a_content_keeps_what_was_read_before_and_is_remembered(store: FolderStore) -> None:
    layer = Observations(store)
    layer.write("x.csv", "old", "celec-sur", OLD)
    before = layer.read("mazar")
    layer.refuse("x.csv", "broken", "x.csv, line 3: cut off")
    pd.testing.assert_frame_equal(layer.read("mazar"), before)
    assert layer.refused() == {"x.csv": "x.csv, line 3: cut off"}
    record = layer.record("x.csv")
    assert record.holds("broken")
    assert not record.holds("old")
    assert (record.refused, record.stations) == ("x.csv, line 3: cut off", ("coca", "mazar"))


def test_a_file_that_was_refused_at_first_sight_is_remembered_and_holds_no_station(store: FolderStore) -> None:
    layer = Observations(store)
    layer.refuse("a b/x.csv", "broken", "empty")
    assert layer.refused() == {"a b/x.csv": "empty"}
    assert layer.record("a b/x.csv").holds("broken")
    assert layer.record("a b/x.csv").stations == ()


def test_a_file_that_can_be_read_again_is_no_longer_refused_and_what_it_held_before_is_cleared(
    store: FolderStore,
) -> None:
    layer = Observations(store)
    layer.write("x.csv", "old", "celec-sur", OLD)
    layer.refuse("x.csv", "broken", "cut off")
    record = layer.write("x.csv", "new", "celec-sur", NEW)
    assert layer.refused() == {}
    assert record.refused == ""
    assert layer.read("coca").empty


def test_a_refusal_that_is_interrupted_is_not_taken_for_done(tmp_path: Path) -> None:
    root = prepared(tmp_path / "lake", refused=False)
    with pytest.raises(PowerCut):
        Observations(UnreliableStore(root, 1)).refuse("x.csv", "broken", "cut off")
    assert not Observations(FolderStore(root)).record("x.csv").holds("broken")


def test_a_new_reader_version_means_that_every_file_is_unread(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Observations(store)
    layer.write("x.csv", "sha", "celec-sur", OLD)
    monkeypatch.setattr(observations, "READER_VERSION", observations.READER_VERSION + 1)
    assert not layer.record("x.csv").holds("sha")


def test_a_raw_file_is_read_while_its_content_is_what_was_read_of_it(store: FolderStore) -> None:
    lake = Lake(store)
    store.put("raw/x.csv", b"old")
    assert lake.is_unread("x.csv")
    lake.observations.write("x.csv", lake.raw.sha256(b"old"), "celec-sur", OLD)
    assert not lake.is_unread("x.csv")
    store.put("raw/x.csv", b"old")
    assert not lake.is_unread("x.csv")
    store.put("raw/x.csv", b"new")
    assert lake.is_unread("x.csv")


def test_one_station_is_read_without_opening_or_listing_any_other(store: FolderStore) -> None:
    layer = Observations(store)
    for month in range(3):
        layer.write(f"plants-{month}.csv", "sha", "celec-sur", OLD)
    for reach in range(10, 20):
        layer.write(f"{reach}.csv", "sha", "geoglows", readings((f"geoglows-{reach}", "2024-01-01", 1)))
    layer.write("longer.csv", "sha", "geoglows", readings(("mazar-2", "2024-01-01", 1)))
    recording = RecordingStore(Path(store.url))
    assert len(Observations(recording).read("mazar")) == 6
    assert recording.opened == [f"observations/stations/mazar/plants-{month}.csv.parquet" for month in range(3)]
    assert recording.listed == ["observations/stations/mazar/"]


# Models


def model(number: int, **fields: Any) -> dict[str, Any]:
    return {"trained_through": "2025-11-30", "recipe": "r1", "number": number, **fields}


def test_the_model_in_use_is_the_one_written_last_and_the_old_ones_stay(store: FolderStore) -> None:
    models = Models(store)
    assert not models.exists("mazar")
    first = models.write("mazar", model(1))
    second = models.write("mazar", model(2))
    assert models.read("mazar") == model(2)
    assert (models.pointer("mazar").in_use, models.pointer("mazar").earlier) == (second, (first,))
    assert models.at(first) == model(1)
    assert models.exists("mazar")
    assert not models.exists("molino")


def test_the_same_model_again_changes_nothing(store: FolderStore) -> None:
    Models(store).write("mazar", model(1))
    key = Models(store).write("mazar", model(2))
    before = objects(store)
    assert Models(store).write("mazar", dict(reversed(model(2).items()))) == key
    assert objects(store) == before


def test_a_rejected_model_is_kept_and_not_used(store: FolderStore) -> None:
    models = Models(store)
    key = models.write("mazar", model(1, rejected=["worse than before"]))
    assert not models.exists("mazar")
    models.write("mazar", model(2))
    models.write("mazar", model(3, rejected=["worse than before"]))
    assert models.read("mazar") == model(2)
    assert models.at(key)["rejected"] == ["worse than before"]


def test_a_roll_back_goes_to_the_model_before_step_by_step_and_no_further_than_the_first(store: FolderStore) -> None:
    models = Models(store)
    for number in (1, 2, 3):
        models.write("mazar", model(number))
    for number in (2, 1):
        models.roll_back("mazar")
        assert models.read("mazar") == model(number)
    with pytest.raises(Refusal, match="no other model"):
        models.roll_back("mazar")
    assert models.read("mazar") == model(1)


def test_a_model_whose_writing_is_interrupted_is_not_in_use_until_it_is_written_again(store: FolderStore) -> None:
    Models(store).write("mazar", model(1))
    with pytest.raises(PowerCut):
        Models(UnreliableStore(Path(store.url), 1)).write("mazar", model(2))
    assert Models(store).read("mazar") == model(1)
    Models(store).write("mazar", model(2))
    assert Models(store).read("mazar") == model(2)


def test_a_station_without_a_model_is_named(store: FolderStore) -> None:
    with pytest.raises(ObjectMissing, match="flow_model/mazar/in_use"):
        Models(store).read("mazar")


# Forecasts


def forecast(day: str, flow: float = 60.0, *, hindsight: bool = False) -> pd.DataFrame:
    issue_date = pd.Timestamp(day).date()
    flows = np.full((len(LEADS) + len(WINDOWS), len(QUANTILES)), float(flow))
    return to_rows("mazar", issue_date, issue_date + timedelta(days=60 if hindsight else 1), flows)


def shown(forecasts: Forecasts) -> tuple[str, str, float]:
    """Issue date, kind and flow of the forecast that is shown."""
    rows = forecasts.read("mazar")
    return f"{rows['issue_date'].iloc[0]:%Y-%m-%d}", rows["kind"].iloc[0], rows["flow_m3s"].iloc[0]


@pytest.fixture
def forecasts(store: FolderStore) -> Forecasts:
    return Forecasts(store)


def test_an_issued_forecast_comes_back_as_it_was_made(forecasts: Forecasts) -> None:
    assert not forecasts.exists("mazar")
    key = forecasts.write("mazar", forecast("2025-12-01"))
    assert key == forecasts.latest("mazar") == "flow_forecast/mazar/issued/2025-12-01.parquet"
    assert forecasts.exists("mazar")
    stored, made = forecasts.read("mazar"), forecast("2025-12-01")
    assert stored.astype(object).where(stored.notna(), None).equals(made.astype(object).where(made.notna(), None))


def test_the_first_forecast_of_a_date_stands_and_a_different_one_is_kept_as_remade(
    store: FolderStore, forecasts: Forecasts
) -> None:
    first = forecasts.write("mazar", forecast("2025-12-01", 60))
    issued = store.get(first)
    remade = forecasts.write("mazar", forecast("2025-12-01", 70))
    assert store.get(first) == issued
    assert remade.startswith("flow_forecast/mazar/remade/2025-12-01-")
    assert set(from_parquet(store.get(remade))["kind"]) == {Kind.REMADE}
    assert shown(forecasts) == ("2025-12-01", "issued", 60)


def test_the_same_forecast_again_changes_nothing(store: FolderStore, forecasts: Forecasts) -> None:
    for flow in (60, 70):
        forecasts.write("mazar", forecast("2025-12-01", flow))
    before = objects(store)
    for flow in (60, 70, 60):
        forecasts.write("mazar", forecast("2025-12-01", flow))
    assert objects(store) == before
    assert len(before) == 3  # issued, remade, pointer


def test_an_older_date_never_replaces_a_newer_one_as_the_forecast_to_show(forecasts: Forecasts) -> None:
    forecasts.write("mazar", forecast("2025-12-01", 60))
    forecasts.write("mazar", forecast("2025-12-02", 61))
    forecasts.write("mazar", forecast("2025-12-01", 60))
    assert shown(forecasts) == ("2025-12-02", "issued", 61)
    forecasts.write("mazar", forecast("2025-11-30", 59))
    assert shown(forecasts) == ("2025-12-02", "issued", 61)


def test_a_forecast_in_hindsight_is_kept_apart_and_never_replaces_an_issued_one(
    store: FolderStore, forecasts: Forecasts
) -> None:
    issued = forecasts.write("mazar", forecast("2025-12-01", 60))
    before = store.get(issued)
    hindsight = forecasts.write("mazar", forecast("2025-12-01", 99, hindsight=True))
    assert hindsight.startswith("flow_forecast/mazar/hindsight/2025-12-01-")
    assert store.get(issued) == before
    assert shown(forecasts) == ("2025-12-01", "issued", 60)


def test_hindsight_is_shown_where_nothing_newer_was_issued_and_no_longer_once_it_is(forecasts: Forecasts) -> None:
    forecasts.write("mazar", forecast("2025-11-30", 59))
    forecasts.write("mazar", forecast("2025-12-01", 60, hindsight=True))
    assert shown(forecasts) == ("2025-12-01", "hindsight", 60)
    forecasts.write("mazar", forecast("2025-11-29", 58, hindsight=True))
    assert shown(forecasts) == ("2025-12-01", "hindsight", 60)
    forecasts.write("mazar", forecast("2025-12-01", 61))
    assert shown(forecasts) == ("2025-12-01", "issued", 61)


def test_an_issue_that_was_interrupted_before_it_was_shown_is_shown_by_the_next_run(
    store: FolderStore, forecasts: Forecasts
) -> None:
    forecasts.write("mazar", forecast("2025-12-01", 60))
    with pytest.raises(PowerCut):
        Forecasts(UnreliableStore(Path(store.url), 1)).write("mazar", forecast("2025-12-02", 61))
    assert shown(forecasts) == ("2025-12-01", "issued", 60)
    forecasts.write("mazar", forecast("2025-12-02", 62))
    assert shown(forecasts) == ("2025-12-02", "issued", 61)


def test_each_station_has_its_own_forecasts(forecasts: Forecasts) -> None:
    forecasts.write("mazar", forecast("2025-12-01"))
    assert not forecasts.exists("molino")
    with pytest.raises(ObjectMissing, match="flow_forecast/molino/latest"):
        forecasts.read("molino")
