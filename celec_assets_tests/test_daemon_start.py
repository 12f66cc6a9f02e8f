"""How the daemon's container of the plan starts: its very commands, with a daemon that only says that it was called."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from celec_assets_tests.postgres_server import free_port
from celec_assets_tests.terraform_plan import ENVIRONMENTS, ShownPlan, needs_plans

pytestmark = needs_plans

DAEMON = '#!/bin/sh\necho "$1" >> called\ntest "$1" = run\n'
"""Whose heart nobody has heard beating yet."""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_daemon_waits_for_its_code_location_and_is_healthy_meanwhile(
    environment: str, terraform_plans: dict[str, dict[str, ShownPlan]], tmp_path: Path
) -> None:
    """ECS gives the code location its name when all containers of the task are healthy, this one too."""
    task = terraform_plans[environment]["second"].by(
        "aws_ecs_task_definition", "family", f"celec-{environment}-orchestration"
    )
    assert task
    containers = {container["name"]: container for container in json.loads(task.get("container_definitions"))}
    port = containers["code"]["portMappings"][0]["containerPort"]
    here = free_port()

    def as_here(command: list[str]) -> list[str]:
        return [part.replace(str(port), str(here)).replace("/tmp/", f"{tmp_path}/") for part in command]

    (tmp_path / "dagster-daemon").write_text(DAEMON)
    (tmp_path / "dagster-daemon").chmod(0o755)
    environment_here = {
        "PATH": f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DAGSTER_CODE_SERVER_HOST": "127.0.0.1",
    }

    def is_healthy() -> bool:
        kind, *command = as_here(containers["daemon"]["healthCheck"]["command"])
        assert kind == "CMD"
        return subprocess.run(command, cwd=tmp_path, env=environment_here, check=False).returncode == 0

    called = tmp_path / "called"
    with subprocess.Popen(as_here(containers["daemon"]["command"]), cwd=tmp_path, env=environment_here) as started:
        try:
            time.sleep(1)
            assert is_healthy()
            assert not called.exists()
            with socket.create_server(("127.0.0.1", here)):
                assert started.wait(timeout=30) == 0
        finally:
            started.kill()
    assert called.read_text() == "run\n"
    assert not is_healthy(), "from now on its heart is listened to"
    assert called.read_text() == "run\nliveness-check\n"
