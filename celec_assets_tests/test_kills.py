"""`kill -9` at any moment: no torn object, and the next run ends where an undisturbed one ends, byte for byte."""

import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from celec_assets.sample import sample_files
from celec_assets.storage.formats import from_json, from_parquet

ROOT = Path(__file__).parents[1]
LOCATION = ROOT / "celec_assets_tests/still_location.py"
KILLS = 8
WHOLE: dict[str, Callable[[bytes], object]] = {
    ".parquet": from_parquet,
    ".json": from_json,
    ".csv": lambda content: pd.read_csv(io.BytesIO(content)),
    ".html": lambda content: content.rindex(b"</html>"),
}
"""What fails when an object of that kind is torn."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for name, content in sample_files(last_day=date(2025, 12, 31), years=2):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def with_mlflow() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "CELEC_MLFLOW_URL"}
    return kept | {"PYTHONPATH": str(ROOT)}


def start(folder: Path, raw: Path) -> "subprocess.Popen[bytes]":
    """A catch-up in a process of its own, with the history of runs in the folder."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", folder)
    command = [sys.executable, str(LOCATION), "demo", "--raw", str(raw)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=with_mlflow(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def objects(folder: Path) -> dict[str, bytes]:
    """What the lake holds. Which copies of readings were put together depends on when somebody looked."""
    lake = folder / "lake"
    return {
        path.relative_to(lake).as_posix(): path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file()
        and path.relative_to(lake).parts[0] not in ("raw", ".partial")
        and path.relative_to(lake).parts[1] != "gathered"
    }


def without_alerts(folder: Path) -> dict[str, bytes]:
    """A daemon sends them. It may have more to tell, too: all three attempts of a slow run may be hit."""
    return {key: content for key, content in objects(folder).items() if not key.startswith("alerts/")}


def test_a_lake_survives_kills_at_random_moments(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(tmp_path / "undisturbed", raw).wait(300) == 0
    expected = objects(tmp_path / "undisturbed")

    disturbed = tmp_path / "disturbed"
    for size in sorted(random.Random(20240923).sample(range(1, len(expected)), KILLS)):
        process = start(disturbed, raw)
        while len(objects(disturbed)) < size:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for key, content in objects(disturbed).items():
            WHOLE[Path(key).suffix](content)

    assert start(disturbed, raw).wait(300) == 0
    monkeypatch.chdir(disturbed)
    with dg.DagsterInstance.from_config(str(disturbed)) as instance:
        unfinished = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    assert unfinished == [], "no run is started for ever"
    left = objects(disturbed)
    assert sorted(left) == sorted(expected)
    assert [key for key in expected if left[key] != expected[key]] == []


def workers(session: int) -> set[int]:
    """The processes in which the daemon's runs are executed: children of the code server, in this session."""
    found: dict[int, tuple[int, bytes]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent, _, of_session = (folder / "stat").read_text().rpartition(")")[2].split()[1:4]
            if int(of_session) == session:
                found[int(folder.name)] = (int(parent), (folder / "cmdline").read_bytes())
    servers = {pid for pid, (_, command) in found.items() if b"grpc" in command}
    return {pid for pid, (parent, command) in found.items() if parent in servers and b"spawn_main" in command}


def test_runs_of_the_daemon_that_are_killed_are_started_again_and_end_as_if_undisturbed(
    raw: Path, tmp_path: Path
) -> None:
    assert start(tmp_path / "undisturbed", raw).wait(300) == 0
    expected = without_alerts(tmp_path / "undisturbed")

    folder = tmp_path / "daemon"
    shutil.copytree(raw, folder / "lake" / "raw")
    shutil.copy(ROOT / "dagster.yaml", folder)
    seen: set[int] = set()
    killed, moments = 0, random.Random(20240924)
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", "0", "-f", str(LOCATION)]
        process = subprocess.Popen(
            command, cwd=folder, env=with_mlflow(), stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 400
            while not (complete := without_alerts(folder).keys() >= expected.keys()) and time.monotonic() < deadline:
                for worker in workers(process.pid) - seen:
                    seen.add(worker)
                    if len(seen) % 3:  # the third attempt is let alone: a run is started again twice
                        time.sleep(moments.uniform(0, 3))
                        with suppress(ProcessLookupError):
                            os.kill(worker, signal.SIGKILL)
                            killed += 1
                time.sleep(0.2)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert complete, f"after {killed} kills {sorted(expected.keys() - objects(folder).keys())} are missing"
    assert killed >= 3
    left = without_alerts(folder)
    assert sorted(left) == sorted(expected)
    assert [key for key in expected if left[key] != expected[key]] == []
