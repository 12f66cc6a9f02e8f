"""MLflow's own server on this machine, started and ended with the tests that ask it."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celec_assets_tests.postgres_server import free_port

PATIENCE_SECONDS = 180


@contextmanager
def mlflow_server(folder: Path, artifacts: str, **given: str) -> Iterator[str]:
    """The URL of a server that keeps its database in a folder. As in production it hands no artifacts on.

    Args:
        artifacts: where clients put artifacts themselves; the server has no credentials for it.
        given: more variables of the server, credentials after all for instance.
    """
    url = f"http://127.0.0.1:{free_port()}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MLFLOW_", "CELEC_"))}
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true", **given}
    address = ["--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--default-artifact-root", artifacts]
    command = [sys.executable, "-m", "mlflow", "server", *address, *stores, "--no-serve-artifacts"]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(url, process, folder / "server.log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"no MLflow server: {log.read_text()[-3000:]}")
