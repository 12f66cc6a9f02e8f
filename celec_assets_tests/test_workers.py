"""Values made by other processes: the same, in order, and one that fails or is killed takes no other with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from celec_assets import workers
from celec_assets.refusal import Refusal
from celec_assets.storage.io_managers import UpstreamObjectMissing

pytestmark = pytest.mark.slow

MANY = [f"station-{number:02d}" for number in range(20)]


def pid(partition: str) -> tuple[str, int]:
    return partition, os.getpid()


def fails(partition: str) -> str:
    if partition == "station-05":
        raise Refusal("too short")
    if partition == "station-07":
        raise UpstreamObjectMissing("key", "daily_series", partition)
    if partition == "station-09":
        raise Unbringable(partition, "nothing")
    return partition


def is_killed(partition: str) -> str:
    if partition == "station-06":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return partition


def noted(folder: Path, partition: str) -> str:
    (folder / partition).touch()
    return partition


class Unbringable(Exception):
    """Not to be made again from what it is pickled as."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", -1)
    monkeypatch.setattr(workers, "_cores", lambda: 2)


def told(make: Callable[[str], object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for partition, value in workers.each_made(MANY, make):
        try:
            found[partition] = value()
        except Exception as error:
            found[partition] = error
    assert list(found) == MANY
    return found


def test_what_is_quickly_made_is_made_here() -> None:
    assert {value()[1] for _, value in workers.each_made(MANY, pid)} == {os.getpid()}


def test_a_process_with_one_core_starts_no_other(always: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_cores", lambda: 1)
    assert {value()[1] for _, value in workers.each_made(MANY, pid)} == {os.getpid()}


@pytest.mark.usefixtures("always")
def test_what_takes_long_is_made_by_workers_in_order() -> None:
    made = [value() for _, value in workers.each_made(MANY, pid)]
    assert [partition for partition, _ in made] == MANY
    assert {maker for _, maker in made[:2]} == {os.getpid()}
    assert os.getpid() not in {maker for _, maker in made[2:]}


@pytest.mark.usefixtures("always")
def test_errors_come_back_as_they_are_or_say_what_they_were() -> None:
    found = told(fails)
    refusal, missing, other = (found.pop(f"station-{number}") for number in ("05", "07", "09"))
    assert isinstance(refusal, Refusal)
    assert str(refusal) == "too short"
    assert isinstance(missing, UpstreamObjectMissing)
    assert "materialize daily_series, partition 'station-07', first" in str(missing)
    assert isinstance(other, workers.FailedInWorker)
    assert str(other) == "Unbringable: station-09: nothing"
    assert all(value == partition for partition, value in found.items())


@pytest.mark.usefixtures("always")
def test_a_worker_that_is_killed_costs_its_own_partition_only() -> None:
    found = told(is_killed)
    killed = found.pop("station-06")
    assert isinstance(killed, workers.WorkerKilled)
    assert "most likely the memory did not suffice" in str(killed)
    assert all(value == partition for partition, value in found.items())


@pytest.mark.usefixtures("always")
def test_only_a_few_are_made_ahead_of_whoever_takes_them(tmp_path: Path) -> None:
    taking = workers.each_made(MANY, partial(noted, tmp_path))
    for _ in range(3):
        next(taking)
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) <= 3 + 2 * workers.AHEAD


PARENT = """
import os, time
from celec_assets import workers
from celec_assets_tests.test_workers import MANY, pid
workers.START_SECONDS, workers._cores = -1, lambda: 2
if __name__ == "__main__":
    for _, value in workers.each_made(MANY, pid):
        print(value()[1], flush=True)
        if value()[1] != os.getpid():
            time.sleep(60)
"""


def test_workers_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    (script := tmp_path / "parent.py").write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout
        *_, worker = (int(parent.stdout.readline()) for _ in range(3))
        assert Path(f"/proc/{worker}").exists()
        parent.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()
