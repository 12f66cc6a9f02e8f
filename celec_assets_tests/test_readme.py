"""The README's commands, in a fresh clone with a fresh environment, as a newcomer types them."""

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from celec_assets_tests.postgres_server import free_port

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def commands() -> list[str]:
    """Every line of a fenced block in the README that begins like a command."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.S | re.M)
    lines = [line.strip() for language, block in blocks if not language for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\w+=\S+ )?(make|docker|\.venv/bin/|scripts/)", line)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "celec_assets"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tests' settings are none of a newcomer's."""
    for name in [name for name in os.environ if name.startswith(("CELEC_", "VIRTUAL_ENV"))]:
        monkeypatch.delenv(name)


def run(clone: Path, command: str) -> str:
    done = subprocess.run(command, shell=True, cwd=clone, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_readme_names_no_command_that_is_not_run() -> None:
    assert commands() == [
        "make demo",  # below
        "make serve",  # below
        "CELEC_LAKE_URL=my-lake make demo RAW=/folder/with/raw/files",  # below
        "make test",  # by CI, before this test
        ".venv/bin/dagster dev",  # test_dagster_dev.py
        "docker compose up -d",  # test_containers.py
        "docker compose down",  # the same
        "scripts/deploy.sh -e staging",  # test_deploy.py
    ]


def test_make_demo_ends_with_forecasts_and_a_second_one_makes_nothing(clone: Path) -> None:
    first = run(clone, "make demo")
    for station in ("mazar", "molino", "sopladora", "minas-san-francisco", "paute-basin", "coca", "geoglows-620883808"):
        assert re.search(rf"{station} +\d{{4}}-\d\d-\d\d.*\(.* to .*\)", first), first
    written = re.findall(r"^(/\S+\.parquet)$", first, re.M)
    assert len(written) == 7
    assert all(Path(path).is_file() for path in written)

    second = run(clone, "make demo")
    assert second.count("nothing new") == 6
    assert re.findall(r"^(/\S+\.parquet)$", second, re.M) == written
    assert run(clone, "git status --porcelain") == "", "what is made is known to be made"


def test_make_demo_takes_files_of_ones_own_and_does_not_mix_them_with_the_sample(clone: Path, tmp_path: Path) -> None:
    shutil.copy(clone / "lake/raw/celec-ccs/ccs_caudales_diarios_muestra.csv", tmp_path / "ccs_caudales_diarios.csv")
    own = run(clone, f"CELEC_LAKE_URL=my-lake make demo RAW={tmp_path}")
    assert len(re.findall(r"^(/\S+\.parquet)$", own, re.M)) == 1
    mixed = subprocess.run(
        ["make", "demo", f"RAW={tmp_path}"], cwd=clone, capture_output=True, text=True, timeout=300, check=False
    )
    assert mixed.returncode != 0
    assert "must not be mixed" in mixed.stderr


def test_make_serve_shows_the_report_of_the_demo(clone: Path) -> None:
    # Where something is at 8080 already, as a person would.
    port = free_port()
    server = subprocess.Popen(["make", "serve", f"PORT={port}"], cwd=clone, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/report/", timeout=5) as answer:
                    page = answer.read().decode()
                break
            except OSError:
                assert server.poll() is None, "it ended"
                assert time.monotonic() < deadline, "no report within a minute"
                time.sleep(0.5)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    assert "Mazar" in page
    assert "<svg" in page
