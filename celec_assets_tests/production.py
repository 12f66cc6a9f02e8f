"""Production on one machine: `deploy/dagster.yaml` as it is, and everything that it names as real processes.

PostgreSQL, S3 (behind a proxy on which it can go wrong), an ECS whose tasks are executed, the code server, the
webserver and the daemon. Only how long the daemon waits is shortened.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from celec_assets.storage.s3 import connect
from celec_assets_tests import ecs_service
from celec_assets_tests.conftest import only_fake_credentials
from celec_assets_tests.ecs_service import Ecs, Task
from celec_assets_tests.postgres_server import Postgres, free_port, postgres_server
from celec_assets_tests.s3_server import BUCKET, ENVIRONMENT, Proxy, proxy_before, s3_server

ROOT = Path(__file__).parents[1]
LOCATION = "celec_assets"
FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}
ROLES = {"code": "orchestration", "daemon": "orchestration", "webserver": "webserver"}
"""Whose credentials a process has: its requests tell who made them. Tasks of runs have those of `run`."""

START_SECONDS = 90
"""Of ten tasks that start at once on two cores, the last one needs a while."""

WAITS = {"start_timeout_seconds": START_SECONDS, "cancel_timeout_seconds": 20, "poll_interval_seconds": 1}

LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUN = """query($run: ID!) { runOrError(runId: $run) { ... on Run {
  status startTime endTime parentRunId tags { key value }
  eventConnection { events { __typename ... on MessageEvent { message timestamp }
    ... on ErrorEvent { error { message stack } }
    ... on DisplayableEvent { metadataEntries { ... on UrlMetadataEntry { url } } } } } } } }"""
RUNS = (
    "{ runsOrError(limit: 1000) { ... on Runs { results { runId status jobName parentRunId tags { key value } } } } }"
)
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename } }"


class Production:
    def __init__(
        self, folder: Path, postgres: Postgres, ecs: Ecs, ecs_url: str, s3: Proxy, lake_url: str, **given: str
    ) -> None:
        self.folder, self.postgres, self.ecs, self.s3, self.lake_url = folder, postgres, ecs, s3, lake_url
        self.url = f"http://127.0.0.1:{free_port()}"
        self._code_port = free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        home = folder / "home"
        home.mkdir()
        settings = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())
        settings["run_monitoring"] |= WAITS
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DAGSTER_HOME": str(home),
            "DAGSTER_LOGS_BUCKET": BUCKET,
            "DAGSTER_ECS_TASK_DEFINITION": "celec-run",
            "DAGSTER_ECS_CLUSTER": "celec",
            "DAGSTER_ECS_NETWORK": json.dumps(ecs_service.NETWORK),
            "DAGSTER_CODE_SERVER_HOST": "127.0.0.1",
            "DAGSTER_CODE_SERVER_PORT": str(self._code_port),
            "AWS_ENDPOINT_URL_ECS": ecs_url,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": ecs_url,
            "AWS_ENDPOINT_URL_S3": s3.url,
            "AWS_ENDPOINT_URL_SNS": s3.url,
            "DAGSTER_EVENT_BATCH_SIZE": "100",
            "CELEC_LAKE_URL": lake_url,
            "CELEC_MLFLOW_URL": "off",
            **ENVIRONMENT,
            **postgres.environment,
            **given,
        }
        ecs.environment |= {**self.environment, "PGAPPNAME": "run", "AWS_ACCESS_KEY_ID": "run"}

    @contextmanager
    def as_client(self) -> Iterator[None]:
        """This process uses the bucket as well."""
        with pytest.MonkeyPatch.context() as patch:
            only_fake_credentials(patch)
            patch.setenv("AWS_ENDPOINT_URL_S3", self.s3.url)
            connect.cache_clear()
            yield
        connect.cache_clear()

    def start(self, *names: str) -> None:
        workspace = ["-w", str(ROOT / "deploy/workspace.yaml")]
        location = ["-f", str(ROOT / "celec_assets_tests/production_location.py"), "-d", str(ROOT)]
        commands = {
            "code": ["-m", "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(self._code_port), *location],
            "webserver": ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", self.url.rpartition(":")[2], *workspace],
            "daemon": ["-m", "dagster._daemon", "run", *workspace],
        }
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, *commands[name]],
                    cwd=self.folder,
                    env=self.environment | {"AWS_ACCESS_KEY_ID": ROLES[name]},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        if "code" in names or "webserver" in names:
            self.wait_for("code location", 90, self._location_is_loaded)

    def migrate(self) -> None:
        """Make the tables, as a deployment does before anything starts: two who make them at once stumble."""
        command = [sys.executable, "-m", "dagster", "instance", "migrate"]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def kill(self, *names: str) -> None:
        for name in names:
            process = self._processes.pop(name)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        self.kill(*self._processes)

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        assert not told.get("errors"), told
        data: dict[str, Any] = told["data"]
        return data

    def launch(self, job: str, config: dict[str, Any] | None = None, **tags: str) -> str:
        """What the button in the launchpad does. Returns the run's id."""
        selector = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": job}
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        params = {"selector": selector, "runConfigData": config or {}, "executionMetadata": metadata}
        told = self.graphql(LAUNCH, params=params)["launchRun"]
        assert told["__typename"] == "LaunchRunSuccess", told
        run_id: str = told["run"]["runId"]
        return run_id

    def talk(self, seconds: float, **tags: str) -> str:
        return self.launch("talking", {"ops": {"talk": {"config": {"seconds": seconds}}}}, **tags)

    def terminate(self, run_id: str) -> str:
        answer: str = self.graphql(TERMINATE, run=run_id)["terminateRun"]["__typename"]
        return answer

    def run(self, run_id: str) -> dict[str, Any]:
        told: dict[str, Any] = self.graphql(RUN, run=run_id)["runOrError"]
        return told

    def runs(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.graphql(RUNS)["runsOrError"]["results"]
        return told

    def status(self, run_id: str) -> str:
        status: str = self.run(run_id)["status"]
        return status

    def page(self, run_id: str) -> str:
        """The text of the events on a run's page, and where it links to."""
        events = self.run(run_id)["eventConnection"]["events"]
        return "\n".join(f"{e['__typename']}: {e.get('message', '')} {_error(e)}{_links(e)}" for e in events)

    def wait_for(self, what: str, seconds: float, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                if found := condition():
                    return found
            time.sleep(0.3)
        logs = "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.folder.glob("*.log"))
        raise AssertionError(f"no {what} after {seconds} s\n{logs}")

    def wait_until(self, run_id: str, *statuses: str, seconds: float = 120) -> None:
        wanted = {*(statuses or FINISHED)}
        self.wait_for(f"{wanted} of {run_id}", seconds, lambda: self.status(run_id) in {*wanted, *FINISHED})
        assert self.status(run_id) in wanted, self.page(run_id)

    def ended(self, run_id: str) -> Task:
        """The run's task, as soon as it has ended."""
        task = self.ecs.of_run(run_id)
        self.wait_for("end of the task", 30, lambda: task.status == "STOPPED")
        return task

    def retry_of(self, run_id: str, seconds: float = 60) -> str:
        """The run that was started in place of one that failed."""
        wanted = lambda: [run["runId"] for run in self.runs() if run["parentRunId"] == run_id]  # noqa: E731
        found: list[str] = self.wait_for(f"retry of {run_id}", seconds, wanted)
        assert len(found) == 1, found
        return found[0]

    def _location_is_loaded(self) -> bool:
        query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        return bool(self.graphql(query)["repositoriesOrError"].get("nodes"))


def _error(event: dict[str, Any]) -> str:
    error = event.get("error")
    return f"{error['message']}" if error else ""


def _links(event: dict[str, Any]) -> str:
    return "".join(f" {entry['url']}" for entry in event.get("metadataEntries", []) if entry)


@contextmanager
def production(
    folder: Path, before: Callable[[str], AbstractContextManager[Proxy]] = proxy_before, **given: str
) -> Iterator[Production]:
    """Everything that production consists of, started. Needs the binaries of a PostgreSQL.

    Args:
        before: what stands before S3 (with SNS) and ECS.
        given: more variables of every process.
    """
    import boto3

    tasks = folder / "tasks"
    tasks.mkdir()
    with (
        postgres_server() as postgres,
        ecs_service.ecs_service(tasks) as ecs,
        before(ecs.url) as ecs_door,
        s3_server() as s3_url,
        before(s3_url) as s3,
    ):
        session = boto3.session.Session(ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
        session.client("s3", endpoint_url=s3_url, region_name="us-east-1").create_bucket(Bucket=BUCKET)
        stack = Production(folder, postgres, ecs, ecs_door.url, s3, f"s3://{BUCKET}/lake", **given)
        try:
            stack.migrate()
            stack.start("code", "webserver", "daemon")
            yield stack
        finally:
            stack.stop()
