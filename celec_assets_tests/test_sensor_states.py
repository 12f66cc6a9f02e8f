"""A random landing zone against the sensor: nothing lost, nothing read twice, whatever files and runs do."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from unittest.mock import patch

import dagster as dg
import pandas as pd
from dagster._core.test_utils import create_run_for_test
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from celec_assets import sensors
from celec_assets.partitions import RAW_FILES
from celec_assets.resources import Batch, LakeResource
from celec_assets.storage.lake import Lake
from celec_assets.storage.store import ObjectInfo, ObjectMissing

START = datetime(2024, 1, 1, tzinfo=UTC)
LONG = "/".join(["ñ" * 120] * 6) + "|.csv"
NAMES = ["a.csv", "b.csv", "c d.csv", "celec-sur/Hidrología.csv", "-e.csv", "f|g.csv", "geoglows/h.csv", LONG]
CAP, PATROL, RECENT = 3, 2, 2
TICK = timedelta(seconds=30)

names = st.sampled_from(NAMES)
contents = st.integers(0, 3)


class MemoryStore:
    """Objects in memory, with whatever dates a test gives them."""

    url = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.vanishing: frozenset[str] = frozenset()
        """Keys that are listed and no longer there when they are read."""

    def get(self, key: str, limit: int | None = None) -> bytes:
        if key not in self.objects or key in self.vanishing:
            raise ObjectMissing(key, self.url)
        return self.objects[key][0][:limit]

    def put(self, key: str, content: bytes) -> None:
        self.objects[key] = (content, START)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        is_old = self.objects.get(key, (None,))[0] == old
        if is_old:
            self.put(key, new)
        return is_old

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in self.objects

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield ObjectInfo(key, len(self.objects[key][0]), self.objects[key][1])


LAKES: dict[str, Lake] = {}


class InMemory(LakeResource):
    def get(self) -> Lake:
        return LAKES[self.url]


def in_ranges(result: dg.SensorResult, instance: dg.DagsterInstance) -> list[list[str]]:
    """The partitions of every requested run, once the requested ones are added."""
    for request in result.dynamic_partitions_requests or []:
        instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
    order = list(instance.get_dynamic_partitions(str(RAW_FILES.name)))
    ends = [
        (r.tags["dagster/asset_partition_range_start"], r.tags["dagster/asset_partition_range_end"])
        for r in result.run_requests or []
    ]
    return [order[order.index(first) : order.index(last) + 1] for first, last in ends]


def readings(number: int) -> pd.DataFrame:
    """Another content is another flow, and for some another station."""
    return pd.DataFrame(
        {
            "station": [f"station-{number % 2}"],
            "day": pd.to_datetime(["2024-01-01"]),
            "flow_m3s": [float(number)],
            "level_masl": [float("nan")],
            "quality": ["ok"],
        }
    )


class Zone(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.lake = LAKES["memory"] = Lake(self.store)
        self.instance = dg.DagsterInstance.ephemeral()
        self.now = START
        self.cursor: str | None = None
        self.requested: list[tuple[str, list[str]]] = []
        self.in_hand: set[str] = set()
        """Requested, not run yet, and not changed since."""
        self.dateless: set[str] = set()
        """Files that only the patrol can find: no date says that they are to be read."""
        self.was_read: set[str] = set()
        self.patches = [
            patch.object(sensors, "FILES_PER_TICK", CAP),
            patch.object(sensors, "PATROL_FILES", PATROL),
            patch.object(sensors, "RECENT", RECENT),
            patch.object(sensors, "_now", lambda: self.now),
        ]
        for each in self.patches:
            each.start()

    # What the landing zone does

    @initialize(many=st.lists(st.tuples(names, contents), min_size=2, max_size=8, unique_by=lambda t: t[0]))
    def a_first_upload(self, many: list[tuple[str, int]]) -> None:
        """All at the same instant."""
        for name, number in many:
            self.put(name, number, self.now)
        self.now += TICK

    @rule(name=names, number=contents)
    def upload(self, name: str, number: int) -> None:
        """A new file, another content, or the same once more."""
        self.put(name, number, self.now)

    @rule(name=names, number=contents, back=st.sampled_from([1, 60, 100_000]))
    def move_in_with_an_old_date(self, name: str, number: int, back: int) -> None:
        self.put(name, number, self.now - timedelta(seconds=back))
        self.dateless.add(name)

    @rule(name=names, number=contents)
    def move_in_with_a_date_ahead(self, name: str, number: int) -> None:
        self.put(name, number, START + timedelta(days=10_000))
        self.dateless.add(name)

    @precondition(lambda self: len(self.present()) > 1)
    @rule(data=st.data(), number=contents)
    def upload_at_the_instant_of_another(self, data: st.DataObject, number: int) -> None:
        name, other = data.draw(st.permutations(self.present()))[:2]
        self.put(name, number, self.store.objects[f"raw/{other}"][1])
        self.dateless.add(name)

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.present()))
        self.put(name, int(self.lake.raw.read(name)), self.now)

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.store.delete(f"raw/{data.draw(st.sampled_from(self.present()))}")

    @rule(seconds=st.sampled_from([1, 4, 5, 30]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def wait_for_the_patrol(self) -> None:
        self.now += sensors.PATROL_EVERY

    # What the daemon and the runs do

    @rule()
    def tick_and_keep_the_cursor(self) -> None:
        before = set(self.in_hand)
        requested, self.cursor = self.tick()
        assert not requested & before, "it is being read already"

    @rule()
    def two_ticks_at_once(self) -> None:
        self.tick()
        _, self.cursor = self.tick()

    @rule(looks=st.integers(0, 2))
    def a_tick_that_has_time_for_a_few_looks(self, looks: int) -> None:
        with (
            patch.object(sensors, "LOOK_SECONDS", looks + 1),
            patch.object(sensors, "monotonic", count().__next__),
        ):
            requested, self.cursor = self.tick()
        assert len(requested) <= looks

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def a_tick_during_which_a_file_vanishes(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.present()))
        self.put(gone, int(self.lake.raw.read(gone)), self.now)
        self.now += sensors.SETTLED_AFTER
        requested, self.cursor = self.tick(frozenset({f"raw/{gone}"}))
        self.store.delete(f"raw/{gone}")
        assert gone not in requested or self.lake.observations.record(gone) is None, "it was opened, and was gone"

    @precondition(lambda self: self.requested)
    @rule(data=st.data())
    def run(self, data: st.DataObject) -> None:
        self.execute(data.draw(st.integers(0, len(self.requested) - 1)))

    @precondition(lambda self: self.requested)
    @rule(data=st.data())
    def a_run_that_fails_before_it_reads(self, data: st.DataObject) -> None:
        run, partitions = self.requested.pop(data.draw(st.integers(0, len(self.requested) - 1)))
        self.instance.delete_run(run)
        self.in_hand -= set(partitions)
        self.dateless |= set(partitions)

    @rule()
    def reset_the_cursor(self) -> None:
        self.cursor = None
        self.in_hand.clear()

    @rule()
    def a_quiet_time(self) -> None:
        """Once all is settled and all runs are run, only what has no date is left to the patrol."""
        self.now += TICK
        self.work(math.ceil(len(NAMES) / CAP) + 1)
        assert set(self.unread()) <= self.dateless
        self.now += sensors.PATROL_EVERY
        self.work(2 * math.ceil(len(NAMES) / PATROL) + 2)  # a round that was going on, and a whole one
        assert self.unread() == []
        self.dateless.clear()
        for name in self.present():
            number = int(self.lake.raw.read(name))
            found = {
                station: rows.loc[rows["raw_file"] == name, "flow_m3s"].tolist()
                for station in ("station-0", "station-1")
                if len(rows := self.lake.observations.read(station))
            }
            assert {s: flows for s, flows in found.items() if flows} == {f"station-{number % 2}": [number]}

    @invariant()
    def what_was_read_is_remembered_though_the_file_is_gone(self) -> None:
        for name in self.was_read:
            record = self.lake.observations.record(name)
            assert record is not None
            assert set(record.keys(name)) <= self.store.objects.keys()

    def teardown(self) -> None:
        try:
            self.a_quiet_time()
        finally:
            for each in self.patches:
                each.stop()
            self.instance.dispose()

    # In detail

    def put(self, name: str, number: int, modified: datetime) -> None:
        self.store.objects[f"raw/{name}"] = (str(number).encode(), modified)
        self.dateless.discard(name)
        self.in_hand.discard(name)

    def present(self) -> list[str]:
        return [file.name for file in self.lake.raw.list()]

    def unread(self) -> list[str]:
        return [name for name in self.present() if self.lake.is_unread(name)]

    def tick(self, vanishing: frozenset[str] = frozenset()) -> tuple[set[str], str]:
        unread = set(self.unread())
        self.store.vanishing = vanishing
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        result = sensors.new_raw_files(context, lake=InMemory(url="memory"), batch=Batch(size=250))
        self.store.vanishing = frozenset()
        ranges = in_ranges(result, self.instance)
        requested = [name for partitions in ranges for name in partitions]
        assert len(requested) == len(set(requested)) <= CAP
        assert set(requested) <= unread, "only what is there and was not read"
        for name in requested:
            modified = self.store.objects[f"raw/{name}"][1]
            assert abs(self.now - modified) >= sensors.SETTLED_AFTER, "it may still be being written"
        assert result.cursor is not None
        assert len(result.cursor.encode()) < 1000
        for partitions in ranges:
            run = create_run_for_test(self.instance, job_name="read_raw_files", status=dg.DagsterRunStatus.STARTED)
            self.requested.append((run.run_id, partitions))
        self.in_hand |= set(requested)
        return set(requested), result.cursor

    def execute(self, number: int) -> None:
        run, partitions = self.requested.pop(number)
        for name in set(partitions) & set(self.present()):
            content = self.lake.raw.read(name)
            sha256 = self.lake.raw.sha256(content)
            record, _ = self.lake.observations.write(name, sha256, "test", readings(int(content)))
            self.lake.observations.settle(name, record)
            self.was_read.add(name)
        self.instance.delete_run(run)
        self.in_hand -= set(partitions)

    def work(self, ticks: int) -> None:
        while self.requested:
            self.execute(0)
        for _ in range(ticks):
            _, self.cursor = self.tick()
            while self.requested:
                self.execute(0)
            self.now += TICK


TestZone = Zone.TestCase
TestZone.settings = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    stateful_step_count=30,
    phases=[Phase.generate],  # shrinking takes minutes: add Phase.shrink to look into a failure
    suppress_health_check=list(HealthCheck),
)
