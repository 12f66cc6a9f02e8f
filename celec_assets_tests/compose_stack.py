"""The stack of docker-compose.yml inside a test: the real engine, a project and ports of its own, nothing left behind."""

import calendar
import configparser
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from celec_assets import sample
from celec_assets_tests.postgres_server import free_port
from celec_assets_tests.production import LAUNCH, LOCATION, RUN, RUNS

ROOT = Path(__file__).parents[1]
TAG = "test"
IMAGE = f"celec:{TAG}"
PORTS = ("DAGSTER_PORT", "REPORT_PORT", "MLFLOW_PORT", "S3_PORT", "JUPYTER_PORT")
SERVICES = ("postgres", "store", "mlflow", "code", "webserver", "daemon", "report")
ONCE = ("secrets", "init")
BUCKET = "celec"
PRODUCTION = {"COMPOSE_FILE": "docker-compose.yml:deploy/compose/production.yml"}

# Containers go by the real clock, and what is older than a week is hindsight. The sample has plants that stop on a
# Sunday: neither the last day nor the one after it is one.
LAST_DAY = date.today() - timedelta(days=3)  # noqa: DTZ011
LAST_DAY -= timedelta(days=max(LAST_DAY.weekday() - calendar.FRIDAY, 0))


def say(what: str) -> None:
    """A line of the story, in pytest's log."""
    print(f"-- {what}")


def raw_files(last_day: date) -> dict[str, bytes]:
    return dict(sample.sample_files(last_day=last_day, years=2))


@cache
def why_not() -> str:
    """Why no stack can be started here; empty where one can."""
    if not shutil.which("docker"):
        return "there is no docker"
    if docker("info", check=False).returncode:
        return "no Docker engine answers"
    if not has_compose() or docker("buildx", "version", check=False).returncode:
        return "Docker has no Compose v2 or no BuildKit"
    return ""


@cache
def has_compose() -> bool:
    """Whether Compose files can be read here, which takes no engine."""
    return bool(shutil.which("docker")) and docker("compose", "version", check=False).returncode == 0


def docker(
    *arguments: str, check: bool = True, timeout: float = 300, **options: Any
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout, **options
    )
    assert not check or done.returncode == 0, (
        f"docker {' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    )
    return done


class Stack:
    """One installation: its containers, volumes and addresses."""

    def __init__(self, project: str, profiles: str = "") -> None:
        self.project = project
        self.ports = {name: str(free_port()) for name in PORTS}
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "CELEC_", "AWS_"))
        }
        self.environment = {
            **kept,
            **self.ports,
            "COMPOSE_PROJECT_NAME": project,
            "TAG": TAG,
            "COMPOSE_PROFILES": profiles,
        }

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    def compose(self, *arguments: str, **options: Any) -> str:
        done = docker("compose", *arguments, cwd=ROOT, env=self.environment, **options)
        return f"{done.stdout}{done.stderr}" if not options.get("input") else done.stdout

    def up(self, *services: str) -> None:
        self.compose("up", "--detach", "--wait", *services, timeout=400)

    def script(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(ROOT / "scripts" / name), *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=500, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{name}\n{done.stdout}\n{done.stderr[-4000:]}"
        return done.stdout

    def execute(self, service: str, *command: str, user: str = "") -> str:
        as_user = ("--user", user) if user else ()
        return docker("compose", "exec", "-T", *as_user, service, *command, cwd=ROOT, env=self.environment).stdout

    def sql(self, statement: str, database: str = "dagster") -> str:
        return self.execute("postgres", "psql", "-qtAX", "-U", "celec", "-d", database, "-c", statement).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        ids = self.compose("ps", "--all", "--quiet", service).split()
        assert len(ids) == 1, (service, ids)
        told: dict[str, Any] = json.loads(docker("inspect", ids[0]).stdout)[0]
        return told

    def crash(self, service: str) -> None:
        """All its processes are killed at once, as the kernel does for want of memory; who watches over it sees that."""
        before = self.inspect(service)["RestartCount"]
        user = "postgres" if service == "postgres" else ""
        as_user = ("--user", user) if user else ()
        command = ("compose", "exec", "-T", *as_user, service, "sh", "-c", "kill -9 -1")
        docker(*command, cwd=ROOT, env=self.environment, check=False)
        self.wait_for(f"restart of {service}", 60, lambda: self.inspect(service)["RestartCount"] > before)

    def is_healthy(self, service: str) -> bool:
        return bool(self.inspect(service)["State"].get("Health", {}).get("Status") == "healthy")

    def wait_for(self, what: str, seconds: float, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                if found := condition():
                    return found
            time.sleep(0.3)
        logs = self.compose("logs", "--no-color", "--tail", "40", check=False)
        raise AssertionError(f"no {what} after {seconds} s\n{logs[-20_000:]}")

    def s3(self, credentials: str = "") -> Any:
        """A client with these credentials, or with those that the platform has."""
        import boto3
        from botocore.config import Config

        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(credentials or self.execute("code", "cat", "/run/secrets/s3_credentials"))
        return boto3.session.Session(**parser["default"], region_name="us-east-1").client(
            "s3", endpoint_url=self.url("S3_PORT"), config=Config(s3={"addressing_style": "path"})
        )

    def objects(self, prefix: str = "") -> dict[str, str]:
        """The tag of every object's content, by key."""
        pages = self.s3().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", ())}

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        address = f"{self.url('DAGSTER_PORT')}/graphql"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        assert not told.get("errors"), told
        data: dict[str, Any] = told["data"]
        return data

    def launch(self, job: str, **tags: str) -> str:
        selector = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": job}
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": metadata}
        told = self.graphql(LAUNCH, params=params)["launchRun"]
        assert told["__typename"] == "LaunchRunSuccess", told
        run_id: str = told["run"]["runId"]
        return run_id

    def run(self, run_id: str) -> dict[str, Any]:
        told: dict[str, Any] = self.graphql(RUN, run=run_id)["runOrError"]
        return told

    def runs(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.graphql(RUNS)["runsOrError"]["results"]
        return told

    def page(self, run_id: str) -> str:
        """What the run's page says, errors and their causes included."""
        return json.dumps(self.run(run_id)["eventConnection"]["events"])


@contextmanager
def stack(project: str, profiles: str = "") -> Iterator[Stack]:
    """Images as they are now, containers not yet started; in the end containers and volumes are gone."""
    new = Stack(project, profiles)
    try:
        yield new
    finally:
        new.compose("--profile", "development", "down", "--volumes", "--timeout", "5", check=False)
