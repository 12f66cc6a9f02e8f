"""The sensor on a landing zone in S3: whole seconds, uploads that end late, many files."""

import io
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import dagster as dg
import pytest
from moto.s3.models import S3Backend, s3_backends

from celec_assets import sensors
from celec_assets.build import build_definitions
from celec_assets.partitions import RAW_FILES
from celec_assets.resources import Batch, LakeResource
from celec_assets.settings import Settings
from celec_assets.sources.readings import MAX_BYTES
from celec_assets.storage import s3
from celec_assets.storage.lake import Lake
from celec_assets_tests.s3_server import Exchange, Proxy, proxy_before
from celec_assets_tests.test_sensor_states import in_ranges

PART = 5 * 2**20
"""The smallest that S3 takes for any part but the last."""


class Zone:
    """A landing zone in S3 as its users see it, the sensor on it, and a clock that is moved by hand."""

    def __init__(self, url: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.instance = url, instance
        self.bucket, _, self.prefix = url.removeprefix("s3://").partition("/")
        self.client = boto3.client("s3")
        self.lake = Lake.open(url)
        self.defs = build_definitions(Settings(lake_url=url))
        self.cursor: str | None = None
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        monkeypatch.setattr(sensors, "_now", lambda: self.now)

    def key(self, name: str) -> str:
        return f"{self.prefix}/raw/{name}"

    def put(self, name: str, began: datetime | None = None, flow: float = 1.5) -> None:
        """Upload a file. It bears the date of its upload's beginning, in whole seconds, as in AWS."""
        self.client.put_object(Bucket=self.bucket, Key=self.key(name), Body=geoglows(name, flow))
        self.date(name, began or self.now - timedelta(minutes=1))

    def date(self, name: str, began: datetime) -> None:
        key = backend().buckets[self.bucket].keys[self.key(name)]
        key.last_modified = began.replace(microsecond=0, tzinfo=None)

    def tick(self, *, run: bool = True, later: timedelta = timedelta(seconds=30)) -> list[str]:
        """The files that are asked for."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        result = sensors.new_raw_files(context, lake=LakeResource(url=self.url), batch=Batch(size=250))
        self.cursor, self.now = result.cursor, self.now + later
        ranges = in_ranges(result, self.instance)
        for request in (result.run_requests or []) if run else []:
            self.defs.resolve_job_def("read_raw_files").execute_in_process(
                instance=self.instance, tags=dict(request.tags), raise_on_error=False
            )
        return [name for names in ranges for name in names]


def backend() -> S3Backend:
    """What the server on this machine holds: it dates by its own clock, to which AWS need not agree."""
    found: S3Backend = s3_backends["123456789012"]["aws"]
    return found


def geoglows(name: str, flow: float = 1.5) -> bytes:
    return f"time,61000000{len(name)}\n2024-01-01,{flow}\n2024-01-02,{flow}\n".encode()


@pytest.fixture
def zone(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Zone(s3_url, instance, monkeypatch)


def test_files_that_others_upload_are_read_whatever_their_names(zone: Zone) -> None:
    names = ["celec-sur/Hidrología CSR (año 1) + 50%.csv", "celec-sur/Hidrologi\u0301a.csv", "a&b=c?d#.csv", "z.csv"]
    for name in names:
        zone.client.upload_fileobj(io.BytesIO(geoglows(name)), zone.bucket, zone.key(name))
    for folder in ("", "celec-sur/", "empty/"):  # as the console makes them
        zone.client.put_object(Bucket=zone.bucket, Key=zone.key(folder))
    zone.client.put_object(Bucket=zone.bucket, Key=zone.key(".part"), Body=b"x")
    assert zone.tick() == sorted(names)
    for name in names:
        assert not zone.lake.is_unread(name)
        assert zone.lake.observations.read(f"geoglows-61000000{len(name)}")["raw_file"].unique().tolist() == [name]
    assert zone.tick() == []


def test_a_key_that_no_folder_could_hold_is_refused_by_name_and_keeps_nothing_out(zone: Zone) -> None:
    for name in ("/a.csv", "a//b.csv", "c.csv", "d/", "./e.csv", "f/../g.csv"):
        zone.client.put_object(Bucket=zone.bucket, Key=zone.key(name), Body=geoglows(name))
    assert zone.tick() == ["c.csv"]
    assert zone.lake.raw.unusable().keys() == {"/a.csv", "a//b.csv"}


def test_an_upload_in_parts_is_seen_when_it_is_whole(zone: Zone) -> None:
    name, where = "large.csv", {"Bucket": zone.bucket, "Key": zone.key("large.csv")}
    days = [date(1900, 1, 1) + timedelta(days=day) for day in range(45_000)]
    rows = "".join(f"{day:%Y-%m-%d},{number % 97 + 0.123456789:.120f}\n" for number, day in enumerate(days))
    content = f"time,620000000\n{rows}".encode()
    assert PART < len(content) < MAX_BYTES
    upload = zone.client.create_multipart_upload(**where)["UploadId"]
    sent: list[Any] = []
    for number, start in enumerate(range(0, len(content), PART), 1):
        part = zone.client.upload_part(**where, UploadId=upload, PartNumber=number, Body=content[start : start + PART])
        sent.append({"PartNumber": number, "ETag": part["ETag"]})
    assert zone.tick() == []
    zone.client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": sent})
    assert zone.tick() == [name]
    record = zone.lake.observations.record(name)
    assert record is not None
    assert (record.rows, record.refused) == (45_000, "")


def test_files_of_the_same_second_are_all_read_though_some_appear_later(zone: Zone) -> None:
    second = zone.now - sensors.SETTLED_AFTER
    for name in ("m.csv", "mm.csv"):
        zone.put(name, second)
    assert zone.tick() == ["m.csv", "mm.csv"]
    for name in ("a.csv", "zzz.csv"):
        zone.put(name, second)
    assert zone.tick() == ["a.csv", "zzz.csv"]
    assert zone.tick() == []


def test_a_second_upload_within_a_second_is_not_mistaken_for_the_first(zone: Zone) -> None:
    """No sooner than the second is over is a file looked at: what is in it then is what stays in it."""
    second = zone.now
    zone.put("a.csv", second, flow=1.5)
    zone.now = second + timedelta(seconds=0.9)
    assert zone.tick(later=timedelta(0)) == []
    zone.put("a.csv", second, flow=2.5)
    zone.now = second + sensors.SETTLED_AFTER
    assert zone.tick() == ["a.csv"]
    assert zone.lake.observations.read("geoglows-610000005")["flow_m3s"].tolist() == [2.5, 2.5]


@pytest.mark.parametrize("before", [False, True], ids=["a new file", "another content"])
def test_an_upload_that_ends_after_later_ones_were_read_is_read_at_the_next_tick(zone: Zone, before: bool) -> None:
    if before:
        zone.put("slow.csv", flow=1.5)
        assert zone.tick() == ["slow.csv"]
    began = zone.now
    zone.now += timedelta(minutes=5)
    for minute in range(4):
        zone.put(f"quick-{minute}.csv", began + timedelta(minutes=minute, seconds=30))
    assert len(zone.tick()) == 4
    zone.put("slow.csv", began, flow=2.5)
    assert zone.tick() == ["slow.csv"]
    assert zone.lake.observations.read("geoglows-610000008")["flow_m3s"].tolist() == [2.5, 2.5]
    assert zone.tick() == []


def test_one_that_ends_while_others_are_still_to_be_read_is_asked_for_alone(zone: Zone) -> None:
    began = zone.now
    zone.now += timedelta(minutes=5)
    zone.put("quick.csv", began + timedelta(minutes=1))
    assert zone.tick(run=False) == ["quick.csv"]
    zone.put("slow.csv", began)
    assert zone.tick() == ["slow.csv"]


def test_what_appears_further_back_is_found_within_the_hour(zone: Zone) -> None:
    began = zone.now
    zone.now += timedelta(minutes=5)
    for number in range(1, sensors.RECENT + 2):
        zone.put(f"{'q' * number}.csv", began + timedelta(seconds=60 + number))
    assert len(zone.tick()) == sensors.RECENT + 1
    zone.put("slow.csv", began)
    assert zone.tick() == []
    zone.now += sensors.PATROL_EVERY
    ticks = [zone.tick() for _ in range(3)]
    assert ["slow.csv"] in ticks


def test_what_a_slow_bucket_leaves_no_time_for_is_left_to_the_next_ticks_in_the_order_of_changes(
    zone: Zone, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "LOOK_SECONDS", 1)
    monkeypatch.setattr(sensors, "FILES_AT_ONCE", 3)
    for number in range(12):
        zone.put(f"{number}.csv", zone.now - timedelta(minutes=20, seconds=number // 4))  # four within a second
    in_order = [f.name for f in sorted(zone.lake.raw.list(), key=lambda f: (f.modified, sensors._mark(f.name)))]

    def slow(exchange: Exchange) -> None:
        time.sleep(0.3)
        exchange.reply(*exchange.forward())

    with proxy_before(s3_endpoint) as proxy:
        proxy.always = slow
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        s3.connect.cache_clear()
        ticks = 0
        while in_order:
            asked = zone.tick(run=False)
            assert asked
            assert asked == sorted(in_order[: len(asked)])
            del in_order[: len(asked)]
            ticks += 1
        assert ticks > 1
        assert zone.tick(run=False) == []


def test_of_noise_in_the_landing_zone_no_more_is_read_than_tells(zone: Zone) -> None:
    zone.client.put_object(Bucket=zone.bucket, Key=zone.key("noise.bin"), Body=bytes(3 * MAX_BYTES))
    assert len(zone.lake.raw.read("noise.bin")) == MAX_BYTES + 1


@pytest.mark.slow
def test_ten_thousand_files_are_looked_at_within_a_tick_and_with_a_request_a_thousand(
    zone: Zone, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        name = f"geoglows/{number:05}.csv"
        backend().put_object(zone.bucket, zone.key(name), geoglows(name, number + 1))
        zone.date(name, zone.now - timedelta(days=1, seconds=number))
    with proxy_before(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        s3.connect.cache_clear()
        assert timed_tick(zone, proxy, run=False) == sensors.FILES_PER_TICK
        assert requests(proxy) == {"list": 10, "get": 2 * sensors.FILES_PER_TICK}

        zone.instance.add_dynamic_partitions(str(RAW_FILES.name), [f.name for f in zone.lake.raw.list()])
        zone.now += timedelta(seconds=30)
        zone.cursor = str(sensors._Cursor(zone.now, behind=("9", "9")))  # as if all had been looked at
        proxy.requests.clear()
        assert timed_tick(zone, proxy) == 0
        assert requests(proxy) == {"list": 10, "get": 0}


def timed_tick(zone: Zone, proxy: Proxy, *, run: bool = True) -> int:
    proxy.requests.clear()
    started = time.monotonic()
    found = len(zone.tick(run=run))
    assert time.monotonic() - started < 60
    return found


def requests(proxy: Proxy) -> dict[str, int]:
    lists = sum("list-type=2" in path for _, path in proxy.requests)
    return {"list": lists, "get": len(proxy.requests) - lists}
