"""`dagster dev` as a newcomer starts it, in a folder with the two YAML files. Real processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@contextmanager
def dagster_dev(folder: Path) -> Iterator[str]:
    """The webserver's address, while webserver, daemon and code location run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # No variable but these is set: what a test starts at twenty to seven must not ask the public servers.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CELEC_")}
    environment |= {f"CELEC_{name}_URL": "http://127.0.0.1:9/" for name in ("HISTORIAN", "GEOGLOWS")}
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "dagster-dev.log").open("a") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(150)  # it gives webserver and daemon a minute each
            finally:
                with_children_gone(process)


def with_children_gone(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def query(url: str, graphql: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps({"query": graphql}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        data: dict[str, Any] = json.load(answer)["data"]
        return data


def wait_for(what: str, seconds: float, condition: Callable[[], Any], log: Path) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        time.sleep(1)
    raise AssertionError(f"no {what} after {seconds} s:\n{log.read_text()[-5000:]}")


def successful_runs(url: str) -> set[str]:
    runs = query(url, "{runsOrError {... on Runs {results {runId status}}}}")["runsOrError"]["results"]
    return {run["runId"] for run in runs if run["status"] == "SUCCESS"}


def test_a_dropped_file_becomes_a_forecast_and_the_history_outlives_a_restart(tmp_path: Path) -> None:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    log = tmp_path / "dagster-dev.log"
    with dagster_dev(tmp_path) as url:
        wait_for("webserver", 120, lambda: query(url, "{version}"), log)
        raw = tmp_path / "lake" / "raw"
        raw.mkdir(parents=True)
        days = [date(2025, 12, 31) - timedelta(days=back) for back in range(400, -1, -1)]
        (raw / "reach.csv").write_text("time,610000001\n" + "".join(f"{d},{20 + d.day}.5\n" for d in days))
        forecasts = tmp_path / "lake" / "flow_forecast" / "geoglows-610000001"
        wait_for("forecast", 300, lambda: list(forecasts.glob("*.json")), log)
        before = wait_for("finished runs", 60, lambda: len(runs := successful_runs(url)) >= 2 and runs, log)
    with dagster_dev(tmp_path) as url:
        wait_for("webserver", 120, lambda: query(url, "{version}"), log)
        assert before <= successful_runs(url)
        assets = query(url, "{assetsOrError {... on AssetConnection {nodes {key {path}}}}}")["assetsOrError"]["nodes"]
        assert ["flow_forecast"] in [node["key"]["path"] for node in assets]
