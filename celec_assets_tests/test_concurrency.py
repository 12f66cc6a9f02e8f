"""Two processes in one lake at once, and a full disk: whole objects, nothing lost, nothing left behind."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from celec_assets.storage.formats import from_json, from_parquet
from celec_assets.storage.lake import Lake
from celec_assets.storage.versions import KEPT_EARLIER

ROOT = Path(__file__).parents[1]
ROUNDS = 60
DAYS = 40
pytestmark = pytest.mark.slow

PROLOGUE = """
import sys
import numpy as np, pandas as pd
from celec_assets.storage.lake import Lake
from celec_assets.storage.versions import KEPT_EARLIER
url, writer, rounds, days = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
lake = Lake.open(url)
day = pd.date_range("2024-01-01", periods=days)
print("ready", flush=True)
sys.stdin.readline()
for round in range(1, rounds + 1):
    value = round * 10 + writer
"""
READINGS = """
    readings = pd.concat(
        pd.DataFrame({"station": s, "day": day, "flow_m3s": float(value), "level_masl": np.nan, "quality": "ok"})
        for s in ("mazar", "molino", f"own-{writer}-{round % 2}")
    )
    record, _ = lake.observations.write(f"file-{writer}.csv", f"sha-{value}", "test", readings)
    lake.observations.settle(f"file-{writer}.csv", record)
"""
SAME_FILE = READINGS.replace("file-{writer}", "file")
VERSIONS = """
    from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS, to_rows
    lake.series.write("mazar", pd.DataFrame({"day": day, "flow_m3s": float(value)}))
    lake.models.write("mazar", {"trained_through": "2024-02-09", "recipe": "r", "value": value})
    flows = np.full((len(LEADS) + len(WINDOWS), len(QUANTILES)), float(value))
    issued = day[-1].date() + pd.Timedelta(days=round)
    lake.forecasts.write("mazar", to_rows("mazar", issued, issued + pd.Timedelta(days=1), flows))
"""


def at_once(url: str, work: str, rounds: int = ROUNDS) -> list["subprocess.Popen[str]"]:
    """Two processes that do the work `rounds` times, let go at the same moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROLOGUE + work, url, str(writer), str(rounds), str(DAYS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for writer in (1, 2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def objects(folder: Path) -> dict[str, bytes]:
    """Everything that is in the folder, half-written files too."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {key: content for key, content in files.items() if key != ".partial/swap.lock"}


def test_two_processes_that_read_two_files_of_the_same_stations_end_with_both_whole(tmp_path: Path) -> None:
    processes = at_once(str(tmp_path), READINGS)
    lake, looks = Lake.open(str(tmp_path)), 0
    while any(process.poll() is None for process in processes):
        for station in ("mazar", "molino"):
            for _, rows in lake.observations.read(station).groupby("raw_file"):
                assert len(rows) == DAYS
                assert rows["flow_m3s"].nunique() == 1, "of one write and not of two"
        looks += 1
    assert [process.wait() for process in processes] == [0, 0]
    assert looks > 10

    for writer in (1, 2):
        record = lake.observations.record(f"file-{writer}.csv")
        assert record is not None
        assert record.holds(f"sha-{ROUNDS * 10 + writer}")
    for station in ("mazar", "molino"):
        flows = lake.observations.read(station).groupby("raw_file")["flow_m3s"].agg(["count", "min", "max"])
        assert flows.to_dict("index") == {
            f"file-{writer}.csv": {"count": DAYS, "min": ROUNDS * 10 + writer, "max": ROUNDS * 10 + writer}
            for writer in (1, 2)
        }
    assert sorted(key for key in objects(tmp_path) if "own-" in key) == [
        key
        for writer in (1, 2)
        for key in lake.observations.record(f"file-{writer}.csv").keys(f"file-{writer}.csv")
        if "own-" in key
    ]


def test_two_processes_that_read_two_contents_of_one_file_end_with_one_of_them_whole(tmp_path: Path) -> None:
    processes = at_once(str(tmp_path), SAME_FILE)
    lake, looks = Lake.open(str(tmp_path)), 0
    while any(process.poll() is None for process in processes):
        rows = lake.observations.read("mazar")
        assert len(rows) in (0, DAYS)
        assert rows["flow_m3s"].nunique() <= 1, "of one write and not of two"
        looks += 1
    assert [process.wait() for process in processes] == [0, 0]
    assert looks > 10

    record = lake.observations.record("file.csv")
    assert record is not None
    value = int(record.sha256.removeprefix("sha-"))
    assert record.holds(f"sha-{value}")
    assert value in (ROUNDS * 10 + 1, ROUNDS * 10 + 2)
    for station in record.stations:
        assert set(lake.observations.read(station)["flow_m3s"]) == {float(value)}
    left = {key for key in objects(tmp_path) if key.startswith("observations/stations/")}
    assert left == set(record.keys("file.csv")), "nothing of the other is left"


def test_two_processes_that_make_the_same_station_leave_objects_of_one_or_the_other(tmp_path: Path) -> None:
    processes = at_once(str(tmp_path), VERSIONS)
    lake, looks = Lake.open(str(tmp_path)), 0
    while any(process.poll() is None for process in processes):
        if lake.forecasts.exists("mazar"):
            assert lake.series.read("mazar")["flow_m3s"].nunique() == 1
            assert lake.models.read("mazar")["value"] % 10 in (1, 2)
            assert lake.forecasts.read("mazar")["flow_m3s"].nunique() == 1
            looks += 1
    assert [process.wait() for process in processes] == [0, 0]
    assert looks > 10

    left = objects(tmp_path)
    for key, content in left.items():
        if key.endswith(".parquet"):
            assert from_parquet(content)["flow_m3s"].nunique() == 1, key
        else:
            from_json(content)
    pointer = lake.models.pointer("mazar")
    assert {pointer.in_use, *pointer.earlier} <= left.keys()
    assert len({pointer.in_use, *pointer.earlier}) == 1 + KEPT_EARLIER, "no roll-back is lost"
    assert lake.forecasts.latest("mazar") in left
    assert len([key for key in left if key.startswith("flow_model/mazar/2024")]) == 2 * ROUNDS, "no model is lost"
    said = {
        kind: {(f["issue_date"].iloc[0], f["flow_m3s"].iloc[0]) for f in frames}
        for kind in ("issued", "remade")
        if (frames := [from_parquet(content) for key, content in left.items() if f"/{kind}/" in key])
    }
    assert len({issue_date for issue_date, _ in said["issued"]}) == ROUNDS
    assert len(said["issued"] | said["remade"]) == 2 * ROUNDS, "one stands, the other is kept apart"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"no small disk can be mounted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def readings(flow: float) -> pd.DataFrame:
    day = pd.date_range("2024-01-01", periods=DAYS)
    frame = pd.DataFrame({"day": day, "flow_m3s": flow, "level_masl": float("nan"), "quality": "ok"})
    return pd.concat(frame.assign(station=station) for station in ("mazar", "molino", "sopladora"))


def read(lake: Lake, sha256: str, frame: pd.DataFrame) -> None:
    record, _ = lake.observations.write("a.csv", sha256, "test", frame)
    lake.observations.settle("a.csv", record)


def fill(disk: Path, leave: int) -> Path:
    """Take all the space but so many bytes."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        with suppress(OSError):  # it is full
            while ballast.write(b"\0" * 4096):
                pass
        ballast.truncate(ballast.tell() - leave)
    return disk / "ballast"


def test_a_put_on_a_full_disk_says_so_and_leaves_the_old_object(small_disk: Path) -> None:
    store = Lake.open(str(small_disk / "lake")).store
    store.put("a/b.bin", b"old" * 1000)
    before = objects(small_disk / "lake")
    ballast = fill(small_disk, leave=8192)
    with pytest.raises(OSError, match="No space left on device"):
        store.put("a/b.bin", b"new" * 100_000)
    assert objects(small_disk / "lake") == before == {"a/b.bin": b"old" * 1000}
    ballast.unlink()
    store.put("a/b.bin", b"new" * 100_000)
    assert objects(small_disk / "lake") == {"a/b.bin": b"new" * 100_000}


@pytest.mark.parametrize("pages", range(6))
def test_readings_that_did_not_fit_on_the_disk_are_whole_once_there_is_space(small_disk: Path, pages: int) -> None:
    undisturbed, disturbed = (Lake.open(str(small_disk / name)) for name in ("undisturbed", "disturbed"))
    for lake in (undisturbed, disturbed):
        read(lake, "sha-1", readings(1.0))
    read(undisturbed, "sha-2", readings(2.0).query("station != 'molino'"))

    ballast = fill(small_disk, leave=4096 * pages)
    try:
        read(disturbed, "sha-2", readings(2.0).query("station != 'molino'"))
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017 (with a page or more free it may fit)
        record = disturbed.observations.record("a.csv")
        assert record is not None
        assert not record.holds("sha-2"), "it is known to be unfinished"
    else:
        assert pages > 0, "nothing fits on a full disk"
    for station in ("mazar", "molino", "sopladora"):
        assert disturbed.observations.read(station)["flow_m3s"].nunique() <= 1
    assert [path.name for path in (small_disk / "disturbed" / ".partial").iterdir()] == ["swap.lock"]

    ballast.unlink()
    if not disturbed.observations.record("a.csv").holds("sha-2"):
        read(disturbed, "sha-2", readings(2.0).query("station != 'molino'"))
    assert objects(small_disk / "disturbed") == objects(small_disk / "undisturbed")
