"""The self-test finds what is well, and each thing that is not, for real."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from celec_assets.doctor import (
    PROBE,
    Unsound,
    clock_agrees,
    lake_keeps,
    libraries_are_locked,
    lock_file,
    mlflow_answers,
)
from celec_assets.storage.s3 import S3Store
from celec_assets.storage.store import AccessDenied, FolderStore
from celec_assets_tests.postgres_server import free_port, needs_postgres, postgres_server
from celec_assets_tests.s3_server import Proxy, proxy_before, refuses
from celec_assets_tests.test_s3_sensor import backend

ROOT = Path(__file__).parents[1]


def doctor(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CELEC_", "DAGSTER_", "PG"))}
    shutil.copy(ROOT / "dagster.yaml", folder)
    return subprocess.run(
        [sys.executable, "-m", "celec_assets.cli", "doctor"],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def verdicts(output: str) -> dict[str, str]:
    return dict(re.findall(r"^│ (\w+) +│ (\w+) +│", output, re.M))


def test_on_this_machine_all_is_well_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert verdicts(done.stdout) == dict.fromkeys(
        ["libraries", "Stan", "lake", "clock", "database", "MLflow"], "passed"
    )
    assert done.returncode == 0
    assert not [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]


def test_what_fails_is_told_beside_what_passes_and_the_exit_code_says_so(tmp_path: Path) -> None:
    # A Prophet whose compiled model is not there, and a lake where nobody can write.
    spec = find_spec("prophet")
    assert spec
    assert spec.origin
    shutil.copytree(Path(spec.origin).parent, tmp_path / "broken/prophet", ignore=shutil.ignore_patterns("stan_model"))
    done = doctor(tmp_path, PYTHONPATH=f"{tmp_path / 'broken'}:{ROOT}", CELEC_LAKE_URL="/proc/lake")
    assert verdicts(done.stdout) == {
        "libraries": "passed",
        "Stan": "failed",
        "lake": "failed",
        "clock": "failed",
        "database": "passed",
        "MLflow": "passed",
    }
    assert done.returncode == 1


def test_a_version_that_is_not_the_locked_one_is_named(tmp_path: Path) -> None:
    assert re.fullmatch(r"1\d\d as locked", libraries_are_locked(lock_file()))
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        f"pandas==1.0.0 \\\n    --hash=sha256:00\n    # via nobody\nnumpy=={version('numpy')} \\\n"
        "no-such-library==1.0\npywin32==1 ; sys_platform == 'win32' \\\n"
    )
    with pytest.raises(Unsound, match=rf"pandas is {version('pandas')}, not 1\.0\.0, no-such-library is missing: "):
        libraries_are_locked(lock)


def test_a_lake_that_may_be_read_and_not_written_is_found(proxy: Proxy, s3_url: str) -> None:
    store = S3Store(s3_url, proxy.url)
    assert lake_keeps(store) == f"{s3_url} can be read and written"
    proxy.methods = ("PUT",)
    proxy.always = refuses(403, "AccessDenied")
    with pytest.raises(AccessDenied, match="s3:PutObject"):
        lake_keeps(store)
    proxy.methods = ("DELETE",)
    with pytest.raises(AccessDenied, match="s3:DeleteObject"):
        lake_keeps(store)


def test_a_clock_that_the_lake_does_not_share_is_found(store: FolderStore) -> None:
    now = datetime.now(UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d in Ecuador", clock_agrees(store, lambda: now))
    with pytest.raises(Unsound, match=r"\+36\d\d s from the lake's"):
        clock_agrees(store, lambda: datetime.now(UTC) + timedelta(hours=1))


def test_what_a_killed_self_test_left_behind_does_not_tell_the_time(s3_url: str) -> None:
    store = S3Store(s3_url)
    store.put(f"{PROBE}/0", b"probe")
    bucket, _, prefix = s3_url.removeprefix("s3://").partition("/")
    backend().buckets[bucket].keys[f"{prefix}/{PROBE}/0"].last_modified = datetime(2020, 1, 1)  # noqa: DTZ001 - moto's
    assert clock_agrees(store)


@pytest.mark.slow
@needs_postgres
def test_a_database_that_refuses_is_found_without_a_long_wait(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        home = tmp_path / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text(
            "storage:\n  postgres:\n    postgres_db:\n      scheme: postgresql+psycopg2\n      hostname: 127.0.0.1\n"
            f"      port: {postgres.port}\n      username: dagster\n      password: {{env: PG_PASSWORD}}\n"
            "      db_name: dagster\n      params: {plugin: patient}\n"
        )
        right = postgres.environment["DAGSTER_PG_PASSWORD"]
        well = doctor(tmp_path, DAGSTER_HOME=str(home), PG_PASSWORD=right)
        assert re.search(r"database +│ passed +│ PostgresRunStorage, 0 runs", well.stdout), well.stdout
        ill = doctor(tmp_path, DAGSTER_HOME=str(home), PG_PASSWORD="wrong")
    assert verdicts(ill.stdout)["database"] == "failed"
    assert "password authentication failed" in " ".join(f"{ill.stdout} {ill.stderr}".replace("│", " ").split())
    assert "wrong" not in ill.stdout
    assert ill.returncode == 1


def test_mlflow_may_be_away(tmp_path: Path) -> None:
    done = doctor(tmp_path, CELEC_MLFLOW_URL=f"http://127.0.0.1:{free_port()}")
    assert verdicts(done.stdout)["MLflow"] == "warned"
    assert done.returncode == 0
    assert mlflow_answers("sqlite:///mlflow.db").startswith("sqlite:///mlflow.db")


@pytest.fixture
def proxy(s3_endpoint: str) -> Iterator[Proxy]:
    with proxy_before(s3_endpoint) as proxy:
        yield proxy
