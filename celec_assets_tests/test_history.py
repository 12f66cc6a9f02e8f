"""`celec history` as a user meets it: what it says beforehand, Ctrl-C, and going on; and `make live-check`."""

import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from celec_assets.cli import main
from celec_assets.connectors import pace
from celec_assets.connectors.historian import months, points
from celec_assets.live_check import live_check
from celec_assets.resources import ECUADOR
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets_tests.services import Services

RIVER = 620883808
TODAY = datetime.now(ECUADOR).date()
A_YEAR_AGO = (TODAY - timedelta(days=365)).replace(day=1)


@pytest.fixture
def lake(tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake that the settings lead to, as they lead to the services."""
    for point in points():
        services.fill(point.mrid, A_YEAR_AGO, TODAY - timedelta(days=1))
    services.rivers[RIVER] = {TODAY - timedelta(days=n): 12.5 for n in range(400, 5, -1)}
    services.issued = TODAY
    variables = {
        "CELEC_LAKE_URL": str(tmp_path / "lake"),
        "CELEC_HISTORIAN_URL": services.historian_url,
        "CELEC_GEOGLOWS_URL": services.geoglows_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Lake.open(variables["CELEC_LAKE_URL"])


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "INTERVAL_S", 0.0)


def names(lake: Lake) -> list[str]:
    return [file.name for file in lake.raw.list()]


@pytest.mark.usefixtures("hurry")
def test_the_first_day_fills_the_lake_and_says_beforehand_how_long_it_takes(
    lake: Lake, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--from", f"{A_YEAR_AGO:%Y-%m}"]) == 0
    said = capsys.readouterr().out
    number = 12 * len(months(A_YEAR_AGO, TODAY))
    minutes = round(number * 1.5 / 60)
    assert f"{number} requests at most, one at a time and a second apart: about {minutes} min" in said
    open_years = 2 if TODAY.month <= 2 else 1  # the simulation lags behind
    assert f"GEOGLOWS: {2 + open_years} requests at most" in said, "the years before, and the forecast"
    assert "the same command goes on from there" in said
    assert re.search(rf"celec-historian: {number + 1} requests, {number} files new, 0 unchanged, 0 there", said)
    assert {name.split("/")[0] for name in names(lake)} == {"celec-historian", "geoglows"}
    services.asked.clear()
    assert main(["history", "--from", f"{A_YEAR_AGO:%Y-%m}"]) == 0
    asked_again = {asked.month for asked in services.asked[1:] if "fechaInicio" in asked.params}
    assert asked_again <= {f"{month:%Y-%m}" for month in months(TODAY - timedelta(days=41), TODAY)}


@pytest.mark.usefixtures("hurry")
def test_what_is_named_leaves_out_the_rest(lake: Lake) -> None:
    assert main(["history", "--from", f"{TODAY:%Y-%m}", "--station", "agoyan"]) == 0
    assert {name.split("/")[1] for name in names(lake)} == {"agoyan"}
    assert main(["history", "--geoglows", str(RIVER)]) == 0
    assert {name.split("/")[1] for name in names(lake)} == {"agoyan", str(RIVER)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--station", "mazzar"], "the historian has no station 'mazzar'; it has mazar, molino"),
        (["--from", "2010"], "'2010' is no month like 2010-01"),
    ],
)
def test_what_cannot_be_asked_is_said(
    lake: Lake, services: Services, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    try:
        code = main(["history", *arguments])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert said in capsys.readouterr().err
    assert services.asked == []


def test_a_lake_that_holds_the_sample_is_left_alone(
    lake: Lake, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    lake.raw.deliver("geoglows/1_muestra.csv", b"x")
    assert main(["history"]) == 2
    assert "holds the synthetic sample" in capsys.readouterr().err
    assert services.asked == []


@pytest.mark.usefixtures("hurry")
def test_a_null_hour_ends_it_politely(lake: Lake, services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    services.hour = 18
    assert main(["history", "--station", "mazar"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "the historian has no value at this hour" in said
    assert "The same command goes on from there" in said
    assert (names(lake), len(services.asked)) == ([], 2)


@pytest.mark.slow  # real seconds between real requests
def test_ctrl_c_leaves_a_good_lake_and_the_same_command_goes_on(
    lake: Lake, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the two commands leave when they asked
    command = [
        sys.executable,
        "-m",
        "celec_assets.cli",
        "history",
        "--station",
        "agoyan",
        "--from",
        f"{A_YEAR_AGO:%Y-%m}",
    ]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while len(services.asked) < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=60)
    assert first.returncode == 130, said
    assert "stopped; what came is in the lake and whole. The same command goes on from there." in said
    assert "Traceback" not in said
    kept = {name.split("/")[3] for name in names(lake)}
    assert 2 <= len(kept) <= 5
    before = {name: lake.raw.read(name) for name in names(lake)}

    interrupted = len(services.asked)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    all_months = {f"{month:%Y-%m}" for month in months(A_YEAR_AGO, TODAY)}
    assert {name.split("/")[3] for name in names(lake)} == all_months
    asked = {asked.month for asked in services.asked[interrupted + 1 :]}
    settled = kept - {f"{month:%Y-%m}" for month in months(TODAY - timedelta(days=41), TODAY)}
    assert asked & settled == set()
    assert before.items() <= {name: lake.raw.read(name) for name in names(lake)}.items()
    starts = [asked.at for asked in services.asked]
    assert min(after - earlier for earlier, after in pairwise(starts)) >= 1.0


# The live check


def checked(services: Services) -> tuple[bool, str]:
    screen = Console(file=StringIO(), width=200)
    settings = Settings(historian_url=services.historian_url, geoglows_url=services.geoglows_url)
    good = live_check(settings, TODAY, screen)
    return good, screen.file.getvalue()


@pytest.mark.usefixtures("hurry", "lake")
def test_services_that_answer_as_they_did_pass(services: Services) -> None:
    good, said = checked(services)
    assert good
    assert said.count("as expected") == 3
    assert len(services.asked) == 3


@pytest.mark.usefixtures("hurry", "lake")
def test_a_service_that_answers_otherwise_is_named(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Services.answer
    monkeypatch.setattr(
        Services, "answer", lambda *asked: (200, "text/plain", answer(*asked)[2].replace(b"T05:00:00Z", b"T06:00:00Z"))
    )
    good, said = checked(services)
    assert not good
    assert "not local midnight" in said


@pytest.mark.usefixtures("hurry")
def test_without_a_network_it_says_so() -> None:
    good, said = checked(Services(url="http://localhost:9"))
    assert not good
    assert said.count("no connection") == 3
