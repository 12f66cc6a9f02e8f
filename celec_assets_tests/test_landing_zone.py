"""A landing zone as it really is: one bad file, link, name or folder stops no other, and nothing there is changed."""

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
import pytest
from dagster._core.definitions.partitions.utils.base import INVALID_PARTITION_SUBSTRINGS

from celec_assets.build import build_definitions
from celec_assets.catch_up import CatchUp, Outcome
from celec_assets.resources import Clock
from celec_assets.settings import Settings
from celec_assets.sources.readings import MAX_BYTES
from celec_assets.storage.lake import Lake
from celec_assets.storage.store import FolderStore, ObjectMissing
from celec_assets_tests.test_bad_files import REACH, SUR, TODAY, sur


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
