"""`deploy/`: what it asks of the environment is documented, and everything in it is known to Dagster."""

import re
from pathlib import Path

import pytest
import yaml
from dagster._config import validate_config
from dagster._core.instance.config import dagster_instance_config_schema

ROOT = Path(__file__).parents[1]
FILES = ("deploy/dagster.yaml", "deploy/workspace.yaml")


@pytest.mark.parametrize("file", FILES)
def test_every_variable_is_documented(file: str) -> None:
    variables = set(re.findall(r"\{env: (\w+)\}", (ROOT / file).read_text()))
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs/deployment.md").read_text("utf-8")))
    assert variables
    assert variables <= documented


def test_dagster_knows_every_setting() -> None:
    settings = yaml.safe_load((ROOT / FILES[0]).read_text())
    assert validate_config(dagster_instance_config_schema(), settings).success


def test_every_run_ends_some_time() -> None:
    monitoring = yaml.safe_load((ROOT / FILES[0]).read_text())["run_monitoring"]
    assert monitoring["max_resume_run_attempts"] == 0
    assert 0 < monitoring["poll_interval_seconds"] < monitoring["start_timeout_seconds"]
    assert monitoring["max_runtime_seconds"] > 0, "no run is started for ever"
