"""Readings are found by station, and an interrupted write is known to be one."""

import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celec_assets.storage import observations
from celec_assets.storage.lake import Lake
from celec_assets.storage.observations import GATHER_FROM, FileRecord, Observations
from celec_assets.storage.store import FolderStore
from celec_assets_tests.stores import PowerCut, RecordingStore, UnreliableStore, objects


def readings(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Readings from (station, day, flow)."""
    tidy = pd.DataFrame(rows, columns=["station", "day", "flow_m3s"])
    tidy = tidy.astype({"day": "datetime64[ns]", "flow_m3s": float})
    return tidy.assign(level_masl=np.nan, quality="")


OLD = readings(("coca", "2024-01-01", 300), ("mazar", "2024-01-01", 60), ("mazar", "2024-01-02", 61))
NEW = readings(("mazar", "2024-01-02", 61.5), ("molino", "2024-01-02", 90), ("sopladora", "2024-01-02", 80))


def read(layer: Observations, raw_file: str, sha256: str, frame: pd.DataFrame) -> FileRecord:
    record, _ = layer.write(raw_file, sha256, "celec-sur", frame)
    layer.settle(raw_file, record)
    return layer.record(raw_file)


def refuse(layer: Observations, raw_file: str, sha256: str, reason: str) -> None:
    record, _ = layer.refuse(raw_file, sha256, reason)
    layer.settle(raw_file, record)


def test_a_station_s_readings_are_those_of_all_files_with_the_file_s_name(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x/enero 1.csv", "sha", OLD)
    read(layer, "y.csv", "sha", NEW)
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
    written = read(layer, "x.csv", "sha", OLD)
    assert layer.record("x.csv") == written
    assert (written.source, written.stations, written.rows) == ("celec-sur", ("coca", "mazar"), 3)
    assert (written.first_day, written.last_day) == ("2024-01-01", "2024-01-02")
    assert written.holds("sha")
    assert not written.holds("another")


def test_a_corrected_file_leaves_nothing_behind_of_what_it_no_longer_holds(store: FolderStore, tmp_path: Path) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    read(layer, "x.csv", "new", NEW)
    assert layer.read("coca").empty
    assert list(layer.read("mazar")["flow_m3s"]) == [61.5]
    only_new = FolderStore(tmp_path / "other")
    read(Observations(only_new), "x.csv", "new", NEW)
    assert [key.replace("/2-", "/1-") for key in objects(store)] == list(objects(only_new))


def test_a_corrected_file_touches_no_other_file_s_readings(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    read(layer, "y.csv", "y", OLD)
    others = {key: content for key, content in objects(store).items() if "y.csv" in key}
    read(layer, "x.csv", "new", NEW)
    assert {key: content for key, content in objects(store).items() if "y.csv" in key} == others
    assert len(others) == 3


def test_a_file_that_is_read_again_leaves_everything_as_it_was(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "sha", OLD)
    before = objects(store)
    record, told = layer.write("x.csv", "sha", "celec-sur", OLD)
    assert told == {"coca", "mazar"}, "they are told all the same: somebody asked for it"
    layer.settle("x.csv", record)
    assert objects(store) == before


def test_a_file_without_any_value_is_a_file_without_readings(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    record = read(layer, "x.csv", "empty", OLD[:0])
    assert (record.stations, record.rows, record.first_day, record.last_day) == ((), 0, "", "")
    assert layer.read("mazar").empty


REFUSED_BEFORE = [False, True]


def prepared(root: Path, refused: bool) -> Path:
    layer = Observations(FolderStore(root))
    read(layer, "x.csv", "old", OLD)
    if refused:
        refuse(layer, "x.csv", "broken", "x.csv, line 3: cut off")
    return root


@pytest.mark.parametrize("refused", REFUSED_BEFORE, ids=["read before", "refused before"])
def test_a_write_that_is_interrupted_anywhere_is_unfinished_and_the_next_one_ends_as_if_undisturbed(
    tmp_path: Path, refused: bool
) -> None:
    undisturbed = FolderStore(prepared(tmp_path / "undisturbed", refused))
    counting = UnreliableStore(Path(undisturbed.url), changes=10_000)
    read(Observations(counting), "x.csv", "new", NEW)
    changes = 10_000 - counting.changes_left
    assert changes >= 6  # two records, three stations, one station that is gone

    unfinished_yet_complete = []
    for after in range(changes):
        root = prepared(tmp_path / f"after-{after}", refused)
        with pytest.raises(PowerCut):
            read(Observations(UnreliableStore(root, after)), "x.csv", "new", NEW)
        again = Observations(FolderStore(root))
        record = again.record("x.csv")
        if (record is not None and record.holds("new")) and objects(FolderStore(root)) != objects(undisturbed):
            unfinished_yet_complete.append(after)
        read(again, "x.csv", "new", NEW)
        assert objects(FolderStore(root)) == objects(undisturbed), f"interrupted after {after} changes"
    assert unfinished_yet_complete == [], f"of {changes} changes"


def test_a_write_that_is_interrupted_shows_the_old_readings_of_every_station_or_the_new_ones(tmp_path: Path) -> None:
    def seen(layer: Observations) -> dict[str, list[float]]:
        return {s: list(layer.read(s).get("flow_m3s", [])) for s in ("coca", "mazar", "molino", "sopladora")}

    old = {"coca": [300], "mazar": [60, 61], "molino": [], "sopladora": []}
    new = {"coca": [], "mazar": [61.5], "molino": [90], "sopladora": [80]}
    found = []
    for after in range(8):
        root = prepared(tmp_path / f"after-{after}", refused=False)
        with pytest.raises(PowerCut):
            read(Observations(UnreliableStore(root, after)), "x.csv", "new", NEW)
        found.append(seen(Observations(FolderStore(root))))
    assert found == [old] * 4 + [new] * 4, "three objects and the record turn it over"


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_run_that_is_overtaken_before_its_record_goes_on_from_the_other_s(store: FolderStore, turn: int) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "before", OLD)

    class Overtaken(FolderStore):
        changes = 0

        def put(self, key: str, content: bytes) -> None:
            self.changes += 1
            if self.changes == turn:
                read(layer, "x.csv", "theirs", OLD[:1])
            super().put(key, content)

    record = read(Observations(Overtaken(Path(store.url))), "x.csv", "ours", NEW)
    assert record.holds("ours")
    assert record.reading.startswith("3-")
    assert layer.read("coca").empty
    assert list(layer.read("molino")["flow_m3s"]) == [90]
    assert objects(store).keys() == {
        "observations/files/x.csv.json",
        *(
            f"observations/stations/{station}/x.csv/{record.reading}.parquet"
            for station in ("mazar", "molino", "sopladora")
        ),
    }


def test_a_run_that_settles_late_takes_nothing_from_the_one_that_went_on(store: FolderStore) -> None:
    layer = Observations(store)
    ours, _ = layer.write("x.csv", "ours", "celec-sur", OLD)
    refuse(layer, "x.csv", "theirs", "cut off")
    layer.settle("x.csv", ours)
    assert layer.record("x.csv").holds("theirs")
    assert layer.refused() == {"x.csv": "cut off"}
    assert list(layer.read("coca")["flow_m3s"]) == [300]


def test_whoever_was_not_told_of_a_reading_is_told_by_the_next_run(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    layer.write("x.csv", "new", "celec-sur", NEW)  # killed before it told anybody
    _, told = layer.refuse("x.csv", "broken", "cut off")
    assert told == {"mazar", "molino", "sopladora"}
    _, told = layer.write("x.csv", "newer", "celec-sur", NEW[:0])
    assert told == {"coca", "mazar", "molino", "sopladora"}


def test_a_refusal_of_a_file_whose_readings_everybody_knows_tells_nobody(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    assert layer.refuse("x.csv", "broken", "cut off")[1] == set()


def test_refusing_a_content_keeps_what_was_read_before_and_is_remembered(store: FolderStore) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    before = layer.read("mazar")
    refuse(layer, "x.csv", "broken", "x.csv, line 3: cut off")
    pd.testing.assert_frame_equal(layer.read("mazar"), before)
    assert layer.refused() == {"x.csv": "x.csv, line 3: cut off"}
    record = layer.record("x.csv")
    assert record.holds("broken")
    assert not record.holds("old")
    assert (record.refused, record.stations) == ("x.csv, line 3: cut off", ("coca", "mazar"))


def test_a_file_that_was_refused_at_first_sight_is_remembered_and_holds_no_station(store: FolderStore) -> None:
    layer = Observations(store)
    refuse(layer, "a b/x.csv", "broken", "empty")
    assert layer.refused() == {"a b/x.csv": "empty"}
    assert layer.record("a b/x.csv").holds("broken")
    assert layer.record("a b/x.csv").stations == ()


def test_a_file_that_can_be_read_again_is_no_longer_refused_and_what_it_held_before_is_cleared(
    store: FolderStore,
) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "old", OLD)
    refuse(layer, "x.csv", "broken", "cut off")
    record = read(layer, "x.csv", "new", NEW)
    assert layer.refused() == {}
    assert record.refused == ""
    assert layer.read("coca").empty


def test_a_refusal_that_is_interrupted_is_not_taken_for_done(tmp_path: Path) -> None:
    root = prepared(tmp_path / "lake", refused=False)
    with pytest.raises(PowerCut):
        refuse(Observations(UnreliableStore(root, 1)), "x.csv", "broken", "cut off")
    assert not Observations(FolderStore(root)).record("x.csv").holds("broken")


def test_a_new_reader_version_means_that_every_file_is_unread(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Observations(store)
    read(layer, "x.csv", "sha", OLD)
    monkeypatch.setattr(observations, "READER_VERSION", observations.READER_VERSION + 1)
    assert not layer.record("x.csv").holds("sha")


def test_a_raw_file_is_read_while_its_content_is_what_was_read_of_it(store: FolderStore) -> None:
    lake = Lake(store)
    store.put("raw/x.csv", b"old")
    assert lake.is_unread("x.csv")
    read(lake.observations, "x.csv", lake.raw.sha256(b"old"), OLD)
    assert not lake.is_unread("x.csv")
    store.put("raw/x.csv", b"old")
    assert not lake.is_unread("x.csv")
    store.put("raw/x.csv", b"new")
    assert lake.is_unread("x.csv")


def test_one_station_is_read_without_opening_or_listing_any_other(store: FolderStore) -> None:
    layer = Observations(store)
    for month in range(3):
        reading = read(layer, f"plants-{month}.csv", "sha", OLD).reading
    for reach in range(10, 20):
        read(layer, f"{reach}.csv", "sha", readings((f"geoglows-{reach}", "2024-01-01", 1)))
    read(layer, "longer.csv", "sha", readings(("mazar-2", "2024-01-01", 1)))
    recording = RecordingStore(Path(store.url))
    assert len(Observations(recording).read("mazar")) == 6
    assert sorted(recording.opened) == [
        *(f"observations/files/plants-{month}.csv.json" for month in range(3)),
        "observations/gathered/mazar.parquet",
        *(f"observations/stations/mazar/plants-{month}.csv/{reading}.parquet" for month in range(3)),
    ]
    assert recording.listed == ["observations/stations/mazar/"]


def test_readings_that_were_put_together_are_found_in_one_request(store: FolderStore) -> None:
    layer = Observations(store)
    for month in range(GATHER_FROM):
        layer.gather("mazar")
        read(layer, f"{month}.csv", "sha", readings(("mazar", f"2024-{month + 1:02d}-01", month)))
    apart = layer.read("mazar")
    assert not list(store.list("observations/gathered/")), "a few are left alone"
    layer.gather("mazar")
    recording = RecordingStore(Path(store.url))
    pd.testing.assert_frame_equal(Observations(recording).read("mazar"), apart)
    assert recording.opened == ["observations/gathered/mazar.parquet"]

    read(layer, "3.csv", "corrected", readings(("mazar", "2024-04-01", 500)))
    read(layer, "4.csv", "without", readings(("molino", "2024-05-01", 1)))
    recording = RecordingStore(Path(store.url))
    found = Observations(recording).read("mazar").set_index("raw_file")["flow_m3s"]
    assert found.to_dict() == {f"{month}.csv": month for month in range(GATHER_FROM) if month != 4} | {"3.csv": 500}
    assert len(recording.opened) == 3, "what was put together, and of the corrected file record and reading"


FILES, STATIONS, FLOWS = ("a.csv", "b.csv"), ("mazar", "molino"), st.integers(1, 3)
CONTENTS = st.dictionaries(st.sampled_from(STATIONS), FLOWS, max_size=2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.sampled_from(FILES), CONTENTS),
        st.tuples(st.just("killed"), st.sampled_from(FILES), CONTENTS, st.integers(0, 6)),
        st.tuples(st.just("gather"), st.sampled_from(STATIONS)),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_is_read_killed_and_put_together_the_old_or_the_new_readings_are_seen(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(observations, "GATHER_FROM", 1):
        layer = Observations(FolderStore(folder))
        possible: dict[str, list[dict[str, int]]] = {file: [{}] for file in FILES}
        for step in steps:
            if step[0] == "gather":
                layer.gather(step[1])
                continue
            _, file, content, *changes = step
            store = UnreliableStore(Path(folder), changes[0]) if changes else FolderStore(folder)
            try:
                read(Observations(store), file, str(sorted(content.items())), of(content))
                possible[file] = [content]
            except PowerCut:
                possible[file] = [*possible[file], content]
            for station in STATIONS:
                seen = layer.read(station).set_index("raw_file")["flow_m3s"].to_dict()
                for name, contents in possible.items():
                    assert seen.get(name) in [c.get(station) for c in contents], (station, name)
        for file in FILES:
            read(layer, file, "at last", of({"mazar": 7}))
        assert layer.read("mazar").set_index("raw_file")["flow_m3s"].to_dict() == dict.fromkeys(FILES, 7.0)
        assert layer.read("molino").empty


def of(content: dict[str, int]) -> pd.DataFrame:
    return readings(*((station, "2024-01-01", flow) for station, flow in content.items()))
