"""`kill -9` at any moment: no torn object, and the next run ends where an undisturbed one ends, byte for byte."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from celec_assets.sample import sample_files
from celec_assets.storage.formats import from_json, from_parquet

ROOT = Path(__file__).parents[1]
KILLS = 8
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for name, content in sample_files(last_day=date(2025, 12, 31), years=2):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def start(folder: Path, raw: Path) -> "subprocess.Popen[bytes]":
    """A catch-up in a process of its own, with the history of runs in the folder."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "CELEC_"))}
    command = [sys.executable, "-m", "celec_assets.cli", "demo", "--raw", str(raw)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def objects(folder: Path) -> dict[str, bytes]:
    lake = folder / "lake"
    return {
        path.relative_to(lake).as_posix(): path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file() and path.relative_to(lake).parts[0] not in ("raw", ".partial")
    }


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
            from_parquet(content) if key.endswith(".parquet") else from_json(content)

    assert start(disturbed, raw).wait(300) == 0
    monkeypatch.chdir(disturbed)
    with dg.DagsterInstance.from_config(str(disturbed)) as instance:
        unfinished = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    assert unfinished == [], "no run is started for ever"
    left = objects(disturbed)
    assert sorted(left) == sorted(expected)
    assert [key for key in expected if left[key] != expected[key]] == []
