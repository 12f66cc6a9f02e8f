"""A tiny run, launched and waited for: the last step of a deployment."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import dagster as dg

JOB = "self_test"
FOUND_AFTER_SECONDS = 180
"""A service counts as steady some time before its name is in DNS."""


def launch_and_wait(instance: dg.DagsterInstance, workspace: Path, minutes: float, say: Callable[[str], None]) -> bool:
    """Whether a run of `self_test` succeeds: code location, queue, daemon, launcher and what the run needs.

    Args:
        workspace: the workspace.yaml that says where the code location is.
        minutes: how long the run may take, its start included; one that takes longer is stopped.
        say: is told each state of the run, and in the end what it logged.
    """
    run_id = str(uuid.uuid4())
    # The command that people use: into the queue, from which the daemon launches it.
    command = ["dagster", "job", "launch", "--workspace", str(workspace), "--job", JOB, "--run-id", run_id]
    deadline = time.monotonic() + FOUND_AFTER_SECONDS
    while (launched := _launch(command)).returncode and time.monotonic() < deadline:
        time.sleep(5)
    if launched.returncode:
        say(f"{JOB} could not be launched:\n{launched.stdout}{launched.stderr}")
        return False
    run = _wait(instance, run_id, minutes, say)
    for entry in instance.all_logs(run_id):
        if not entry.is_dagster_event or not run.is_success:
            say(f"  {entry.user_message}")
    if not run.is_finished:
        say(f"{JOB} has not ended after {minutes:g} minutes: is the daemon running, has the run's task started?")
    return bool(run.is_success)


def _launch(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)  # noqa: S603


def _wait(instance: dg.DagsterInstance, run_id: str, minutes: float, say: Callable[[str], None]) -> dg.DagsterRun:
    deadline, told = time.monotonic() + 60 * minutes, None
    while True:
        run = instance.get_run_by_id(run_id)
        assert run
        if run.status != told:
            say(f"{JOB} {run_id}: {run.status.value.lower()}")
            told = run.status
        if run.is_finished or time.monotonic() > deadline:
            return run
        time.sleep(1)
