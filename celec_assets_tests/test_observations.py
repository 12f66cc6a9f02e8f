"""Readings are found by station, and an interrupted write is known to be one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celec_assets.storage import observations
from celec_assets.storage.lake import Lake
from celec_assets.storage.observations import Observations
from celec_assets.storage.store import FolderStore
from celec_assets_tests.stores import PowerCut, RecordingStore, UnreliableStore, objects


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
