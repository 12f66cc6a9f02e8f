"""The process that shows the report, over HTTP on the loopback: what it gives, and what nobody gets."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest

from celec_assets.report.document import Report
from celec_assets.report.page import ONE_PAGE
from celec_assets.storage.lake import Lake
from celec_assets.storage.reports import Reports
from celec_assets.storage.store import FolderStore, ObjectMissing
from celec_assets_tests.report_sample import MADE_ON, sample_report
from celec_assets_tests.report_server import Answer, ask, report_server
from celec_assets_tests.stores import PowerCut, UnreliableStore, keys, objects

DAY = MADE_ON.isoformat()
NAMES = ["index.html", "latest.csv", "latest.json", "schema.json"]


@pytest.fixture(scope="module")
def report() -> Report:
    return sample_report(2)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, report: Report) -> FolderStore:
    store = FolderStore(tmp_path_factory.mktemp("lake"))
    store.put("raw/celec-sur/secret.csv", b"secret")
    store.put("forecast_report/secret.csv", b"secret")
    store.put("forecast_report/by_date/2026-11-23/secret.csv", b"secret")
    Reports(store).write(report)
    return store


@pytest.fixture(scope="module")
def url(lake: FolderStore) -> Iterator[str]:
    with report_server(lake) as url:
        yield url


# What is stored.


def test_a_report_is_kept_as_the_newest_and_by_its_day(store: FolderStore, report: Report) -> None:
    earlier = report.model_copy(update={"made_on": date(2026, 11, 22)})
    for one in (earlier, report):
        assert Reports(store).write(one) == "forecast_report/index.html"
    assert keys(store, "forecast_report/") == sorted(
        [f"forecast_report/by_date/{day}/{name}" for day in ("2026-11-22", DAY) for name in NAMES]
        + ["forecast_report/by_date/index.html"]
        + [f"forecast_report/{name}" for name in NAMES]
    )
    assert Reports(store).read() == report
    assert Reports(store).days() == [date(2026, 11, 23), date(2026, 11, 22)]
    days = store.get("forecast_report/by_date/index.html").decode()
    assert days.index('href="2026-11-23/index.html"') < days.index('href="2026-11-22/index.html"')
    assert b'href="by_date/index.html"' in store.get("forecast_report/index.html")
    assert b'href="../index.html"' in store.get(f"forecast_report/by_date/{DAY}/index.html")


def test_the_same_report_is_stored_as_the_same_bytes(store: FolderStore, report: Report) -> None:
    Reports(store).write(report)
    before = objects(store)
    Reports(store).write(report)
    assert objects(store) == before


def test_there_is_nothing_to_read_before_the_first_report(store: FolderStore) -> None:
    with pytest.raises(ObjectMissing, match=r"forecast_report/latest\.json"):
        Reports(store).read()


@pytest.mark.parametrize("puts", range(9))
def test_whoever_is_interrupted_leaves_no_page_without_its_files(tmp_path: Path, report: Report, puts: int) -> None:
    store = UnreliableStore(tmp_path, changes=puts)
    with pytest.raises(PowerCut):
        Reports(store).write(report)
    found = set(keys(store, "forecast_report/"))
    for page in [key for key in found if key.endswith("/index.html") and "by_date/index" not in key]:
        assert {page.replace("index.html", name) for name in NAMES} <= found
    assert set(Reports(store).days()) <= {report.made_on}
    store.changes_left = 9
    Reports(store).write(report)
    assert len(keys(store, "forecast_report/")) == 9


def test_many_stations_have_a_page_each_also_by_day_and_the_page_that_links_them_is_put_last(
    tmp_path: Path,
) -> None:
    report = sample_report(ONE_PAGE + 1)
    pages = {f"stations/{station.station}.html" for station in report.stations}
    whole = len(pages) * 2 + 9
    store = UnreliableStore(tmp_path, changes=whole)
    Reports(store).write(report)
    assert len(keys(store, "forecast_report/")) == whole
    for folder in ("forecast_report/", f"forecast_report/by_date/{report.made_on}/"):
        assert {folder + page for page in pages} <= set(keys(store, folder))
    for lost in range(1, 4):
        store = UnreliableStore(tmp_path / str(lost), changes=len(pages) + lost)
        with pytest.raises(PowerCut):
            Reports(store).write(report)
        assert Reports(store).days() == []
    with report_server(FolderStore(tmp_path)) as url:
        for folder in ("", f"by_date/{report.made_on}/"):
            answer = ask(url, f"/report/{folder}stations/{report.stations[7].station}.html")
            assert answer.status == 200
            assert report.stations[7].name in answer.body.decode()
        assert ask(url, "/report/stations/nowhere.html").status == 404


# What is served.


@pytest.mark.parametrize(
    ("path", "key", "media_type"),
    [
        ("/report/", "index.html", "text/html; charset=utf-8"),
        ("/report/index.html", "index.html", "text/html; charset=utf-8"),
        ("/report/latest.csv", "latest.csv", "text/csv; charset=utf-8"),
        ("/report/latest.json", "latest.json", "application/json"),
        ("/report/schema.json", "schema.json", "application/json"),
        ("/report/by_date/", "by_date/index.html", "text/html; charset=utf-8"),
        (f"/report/by_date/{DAY}/", f"by_date/{DAY}/index.html", "text/html; charset=utf-8"),
        (f"/report/by_date/{DAY}/latest.csv", f"by_date/{DAY}/latest.csv", "text/csv; charset=utf-8"),
    ],
)
def test_what_is_published_is_served_as_it_is_stored(
    url: str, lake: FolderStore, path: str, key: str, media_type: str
) -> None:
    answer = ask(url, path)
    assert answer.status == 200
    assert answer.body == lake.get(f"forecast_report/{key}")
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers.get("Content-Disposition") == (
        'attachment; filename="latest.csv"' if key.endswith(".csv") else None
    )
    head = ask(url, path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.body))


@pytest.mark.parametrize("path", ["/", "/report"])
def test_whoever_knows_the_host_alone_is_led_to_the_report(url: str, path: str) -> None:
    answer = ask(url, path)
    assert answer.status == 307
    assert answer.headers["Location"] == "/report/"


def test_a_page_that_the_reader_has_is_not_sent_again(url: str, lake: FolderStore) -> None:
    tag = ask(url, "/report/").headers["ETag"]
    again = ask(url, "/report/", If_None_Match=f'"other", {tag}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == tag
    assert ask(url, "/report/", If_None_Match='W/"other"').status == 200
    assert ask(url, "/report/latest.json").headers["ETag"] != tag


def test_a_phone_gets_the_page_compressed(url: str, lake: FolderStore) -> None:
    answer = ask(url, "/report/", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < len(ask(url, "/report/").body) / 3
    assert gzip.decompress(answer.body) == lake.get("forecast_report/index.html")


@pytest.mark.parametrize(
    "path",
    [
        "/report/secret.csv",
        "/report/by_date/2026-11-23/secret.csv",
        "/report/../raw/celec-sur/secret.csv",
        "/report/%2e%2e/raw/celec-sur/secret.csv",
        "/report/..%2fraw%2fcelec-sur%2fsecret.csv",
        "/report/by_date/../../raw/celec-sur/secret.csv",
        "/report/by_date/%2e%2e/%2e%2e/raw/celec-sur/secret.csv",
        "/report/..%5craw%5ccelec-sur%5csecret.csv",
        "/report//raw/celec-sur/secret.csv",
        "/report//etc/passwd",
        "/report/latest.json%00.html",
        "/report/by_date/2026-11-22/",
        "/report/by_date/yesterday/index.html",
        "/report/by_date/%D9%A2%D9%A0%D9%A2%D9%A6-11-23/index.html",
        "/raw/celec-sur/secret.csv",
        "/favicon.ico",
        "/" + "a" * 5000,
    ],
)
def test_nothing_else_is_reachable_and_whoever_asks_is_told_what_there_is(url: str, path: str) -> None:
    answer = ask(url, path)
    assert answer.status == 404
    assert b"secret" not in answer.body
    for said in ("Lo que hay", "What there is", 'href="/report/latest.csv"'):
        assert said in answer.body.decode()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nobody_can_write(url: str, lake: FolderStore, method: str) -> None:
    before = objects(lake)
    answer = ask(url, "/report/latest.json", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert objects(lake) == before


@pytest.mark.parametrize("path", ["/report/", "/report/latest.json", "/report/nothing", "/"])
def test_every_answer_forbids_what_a_page_does_not_need(url: str, path: str) -> None:
    headers = ask(url, path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers.get("Server") is None


def test_a_lake_without_a_report_is_no_fault(tmp_path: Path) -> None:
    with report_server(FolderStore(tmp_path / "empty")) as url:
        answer = ask(url, "/report/")
        assert answer.status == 404
        assert "todavía no se ha hecho ningún informe" in answer.body.decode()


def test_a_report_in_s3_is_served_too(s3_url: str, report: Report) -> None:
    lake = Lake.open(s3_url)
    lake.reports.write(report)
    with report_server(lake.store) as url:
        assert json.loads(ask(url, "/report/latest.json").body)["made_on"] == DAY
        assert ask(url, f"/report/by_date/{DAY}/index.html").status == 200
        assert ask(url, "/report/by_date/2026-01-01/index.html").status == 404


def test_a_lake_that_cannot_be_read_is_told_plainly_and_the_process_stays_healthy(
    s3_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with report_server(Lake.open("s3://no-such-bucket/lake").store) as url:
        answer = ask(url, "/report/")
        assert answer.status == 503
        assert "No se ha perdido nada" in answer.body.decode()
        assert "no-such-bucket" not in answer.body.decode()
        assert "no bucket for the lake s3://no-such-bucket/lake" in caplog.text
        healthy = ask(url, "/health")
    assert healthy.status == 200
    assert json.loads(healthy.body) == {"status": "ok", "version": version("celec-assets")}


@pytest.mark.slow
def test_celec_serve_serves_until_it_is_stopped(lake: FolderStore) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CELEC_")} | {"CELEC_LAKE_URL": lake.url}
    command = [sys.executable, "-m", "celec_assets.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert patiently(f"http://127.0.0.1:{port}", "/report/").body == lake.get("forecast_report/index.html")
        second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode != 0
        assert "address already in use" in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()


def patiently(url: str, path: str) -> Answer:
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask(url, path)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
