"""The sensor on a folder of real files, with the job that it starts: what dates and failed runs do not lose."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from celec_assets import sensors
from celec_assets.build import build_definitions
from celec_assets.partitions import RAW_FILES
from celec_assets.resources import Batch, LakeResource
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake, LandingZone
from celec_assets.storage.store import ObjectMissing
from celec_assets_tests.test_sensor_states import in_ranges


class Desk:
    """A lake in a folder, and a clock that is moved by hand."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.instance, self.ahead = folder, instance, timedelta(minutes=1)
        self.lake = Lake.open(str(folder))
        self.defs = build_definitions(Settings(lake_url=str(folder)))
        self.cursor: str | None = None
        monkeypatch.setattr(sensors, "_now", lambda: datetime.now(UTC) + self.ahead)

    def put(self, name: str, flow: float) -> Path:
        path = self.folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"time,61000000{len(name)}\n2024-01-01,{flow}\n2024-01-02,{flow}\n")
        return path

    def tick(self, *, run: bool = True) -> list[list[str]]:
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        result = sensors.new_raw_files(context, lake=LakeResource(url=str(self.folder)), batch=Batch(size=250))
        self.cursor = result.cursor
        ranges = in_ranges(result, self.instance)
        for request in (result.run_requests or []) if run else []:
            self.defs.resolve_job_def("read_raw_files").execute_in_process(
                instance=self.instance, tags=dict(request.tags), raise_on_error=False
            )
        return ranges


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(tmp_path, instance, monkeypatch)


def test_a_run_that_never_came_to_read_is_asked_for_again_within_the_hour(desk: Desk) -> None:
    desk.put("a.csv", 1.5)
    assert desk.tick(run=False) == [["a.csv"]]
    assert desk.tick() == []
    desk.ahead += sensors.PATROL_EVERY
    assert desk.tick() == [["a.csv"]]
    assert not desk.lake.is_unread("a.csv")
    desk.ahead += sensors.PATROL_EVERY
    assert desk.tick() == []


def test_a_patrol_for_which_a_tick_had_no_time_is_made_by_the_next_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("a.csv", 1.5)
    desk.tick(run=False)
    desk.ahead += sensors.PATROL_EVERY
    with monkeypatch.context() as hurry:
        hurry.setattr(sensors, "LOOK_SECONDS", -1)
        assert desk.tick() == []
    assert desk.tick() == [["a.csv"]]


def test_a_file_that_disappears_keeps_its_readings_and_is_not_asked_for(desk: Desk) -> None:
    path = desk.put("a.csv", 1.5)
    desk.tick()
    path.unlink()
    desk.ahead += sensors.PATROL_EVERY
    assert desk.tick() == []
    assert desk.lake.observations.read("geoglows-610000005")["flow_m3s"].tolist() == [1.5, 1.5]


def test_a_file_that_cannot_be_opened_does_not_keep_the_others_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = LandingZone.read

    def denied(zone: LandingZone, name: str) -> bytes:
        if name == "b.csv":
            raise PermissionError(name)
        return real(zone, name)

    for name in ("a.csv", "b.csv", "cc.csv"):
        desk.put(name, 1.5)
    with monkeypatch.context() as during:
        during.setattr(LandingZone, "read", denied)
        assert desk.tick() == [["a.csv", "b.csv", "cc.csv"]], "its own run says what is wrong"
        assert desk.tick() == []
    assert not desk.lake.is_unread("cc.csv")


def test_a_file_that_vanishes_while_the_sensor_looks_is_passed_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("a.csv", 1.5)
    desk.tick()
    desk.put("a.csv", 2.5)

    def vanished(zone: LandingZone, name: str) -> bytes:
        raise ObjectMissing(name, "raw")

    with monkeypatch.context() as during:
        during.setattr(LandingZone, "read", vanished)
        assert desk.tick() == []
    desk.put("a.csv", 2.5)
    assert desk.tick() == [["a.csv"]], "and is looked at when it is back"


def test_changes_and_the_patrol_together_keep_to_the_cap(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "FILES_PER_TICK", 3)
    for name in ("a.csv", "b.csv", "c.csv"):
        desk.put(name, 1.5)
    assert desk.tick(run=False) == [["a.csv", "b.csv", "c.csv"]]
    desk.ahead += sensors.PATROL_EVERY
    for name in ("d.csv", "e.csv"):
        desk.put(name, 1.5)
    requested = [name for partitions in desk.tick(run=False) for name in partitions]
    assert len(requested) == 3
    assert {"d.csv", "e.csv"} < set(requested), "changes first"


def test_the_patrol_waits_for_a_run_that_is_under_way_and_not_for_one_that_was_left_behind(desk: Desk) -> None:
    desk.put("a.csv", 1.5)
    desk.tick(run=False)
    create_run_for_test(desk.instance, job_name="read_raw_files", status=dg.DagsterRunStatus.STARTED)
    desk.ahead += 2 * sensors.PATROL_EVERY
    assert desk.tick() == []
    desk.ahead += timedelta(days=2)
    assert desk.tick() == [["a.csv"]]


@pytest.mark.parametrize("cursor", ["2999-01-01T00:00:00+00:00|z.csv", "nonsense", "a|b|c|d", "||||"])
def test_a_cursor_that_is_not_understood_looks_at_everything(desk: Desk, cursor: str) -> None:
    desk.put("a.csv", 1.5)
    desk.cursor = cursor
    assert desk.tick() == [["a.csv"]]


def test_files_that_the_asset_registered_in_another_order_are_all_asked_for(desk: Desk) -> None:
    for name in ("b.csv", "aa.csv"):  # b is the older change
        desk.put(name, 1.5)
    context = dg.build_sensor_context(desk.instance)
    result = sensors.new_raw_files(context, lake=LakeResource(url=str(desk.folder)), batch=Batch(size=250))
    desk.instance.add_dynamic_partitions(str(RAW_FILES.name), ["aa.csv", "b.csv"])  # `raw_files` was first
    assert in_ranges(result, desk.instance) == [["aa.csv", "b.csv"]]
