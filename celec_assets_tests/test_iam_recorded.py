"""A day of production, each process signing with a key of its own: what every role asks of AWS is aws_calls.toml.

    python -m celec_assets_tests.test_iam_recorded

writes it anew. terraform_rules/use.py holds it against the roles of the plan.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from urllib.error import HTTPError

import boto3
import pytest

from celec_assets.storage.lake import Lake
from celec_assets_tests.aws_calls import Call, Recorder
from celec_assets_tests.mlflow_server import mlflow_server
from celec_assets_tests.postgres_server import free_port, needs_postgres
from celec_assets_tests.production import Production, production
from celec_assets_tests.s3_server import BUCKET
from celec_assets_tests.services import Services, served

pytestmark = [pytest.mark.slow, needs_postgres]

TABLE = Path(__file__).with_name("aws_calls.toml")
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
RIVER = 620883808  # of the catalogue
STATION = f"geoglows-{RIVER}"
ROLES = ("orchestration", "pages", "reader", "run", "uploader", "webserver")
LOGS = "query($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"
LOG_KEYS = """query($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
  ... on LogsCapturedEvent { fileKey externalUrl } } } } } }"""


def test_every_role_asks_for_what_it_asked_for_when_its_rights_were_written(tmp_path: Path) -> None:
    assert by_role(record(tmp_path)) == tomllib.loads(TABLE.read_text())


def record(folder: Path) -> set[Call]:
    recorder = Recorder()
    today = date.today()  # noqa: DTZ011
    flows = {today - timedelta(days=back): 20.5 + back % 17 for back in range(401, 0, -1)}
    with served(Services(rivers={RIVER: flows}, issued=today)) as public:
        given = {"CELEC_ALERTS": TOPIC, "CELEC_GEOGLOWS_URL": public.geoglows_url}
        with production(folder, recorder.before, **given) as stack, stack.as_client():
            boto3.client("sns", endpoint_url=stack.s3.url).create_topic(Name=TOPIC.rpartition(":")[2])
            with pages(stack, folder) as report_url:
                a_morning(stack)
                trouble(stack)
                people_look(stack, report_url)
    return {call for call in recorder.calls if call.role in ROLES}


def a_morning(stack: Production) -> None:
    """What is fetched and what somebody uploads becomes forecasts and a report, and people are told."""
    with acting_as("uploader"):
        boto3.client("s3").put_object(Bucket=BUCKET, Key="lake/raw/celec-sur/empty.csv", Body=b"no export")
    ended(stack, stack.launch("fetch_geoglows"), "SUCCESS")
    stack.wait_for("a report", 240, lambda: keys("lake/forecast_report/") and keys("lake/flow_forecast/"))
    for job in ("train_models", "backtest"):
        ended(stack, stack.launch(job, **of_station()), "SUCCESS")
    for job in ("forecast_watch", "morning_message", "report", "self_test"):
        ended(stack, stack.launch(job), "SUCCESS")
    stack.wait_for("an alert that was sent", 150, lambda: keys("lake/alerts/sent/"))


def trouble(stack: Production) -> None:
    """A task is killed, one is stopped, one takes too long, and one so long that its log is there before its end."""
    late = stack.talk(60, **{"dagster/max_runtime": "5"})
    killed, stopped, long = stack.talk(60), stack.talk(60), stack.talk(35)
    for run in (killed, stopped):
        stack.wait_until(run, "STARTED")
    stack.ecs.of_run(killed).signal(signal.SIGKILL)
    stack.wait_until(killed, "FAILURE", seconds=30)
    stack.terminate(stopped)
    stack.wait_until(stopped, "CANCELED", seconds=30)
    ended(stack, long, "SUCCESS")
    ended(stack, late, "FAILURE")


def people_look(stack: Production, report_url: str) -> None:
    """At the report, at what runs printed, at models, and from a notebook."""
    for path in ("/health", "/report/", "/report/latest.csv", "/report/by_date/"):
        assert fetch(f"{report_url}{path}")
    with pytest.raises(HTTPError, match="404"):
        fetch(f"{report_url}/report/by_date/2000-01-01/")
    for run in stack.runs():
        for event in stack.graphql(LOG_KEYS, run=run["runId"])["runOrError"]["eventConnection"]["events"]:
            if key := event.get("fileKey"):
                stack.graphql(LOGS, key=[run["runId"], "compute_logs", key])
    stack.graphql(LOGS, key=["no-such-run", "compute_logs", "of-no-step"])
    look_at_models(stack.ecs.environment["CELEC_MLFLOW_URL"])
    with acting_as("reader"):
        lake = Lake.open(stack.lake_url)
        assert len(lake.forecasts.read(STATION)) > 0
        assert list(lake.raw.list())
        s3 = boto3.client("s3")
        s3.get_bucket_location(Bucket=BUCKET)
        for prefix in ("lake/flow_model/", "mlflow/"):
            key = keys(prefix)[0]
            version = s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"][0]["VersionId"]
            s3.get_object(Bucket=BUCKET, Key=key)
            s3.get_object(Bucket=BUCKET, Key=key, VersionId=version)


def look_at_models(url: str) -> None:
    """As MLflow's pages do: they let the server list and hand out what runs have put into S3."""
    import mlflow

    client = mlflow.MlflowClient(url)
    found = [run for of in client.search_experiments() for run in client.search_runs([of.experiment_id])]
    assert found
    for run in found:
        assert fetch(f"{url}/ajax-api/2.0/mlflow/artifacts/list?run_id={run.info.run_id}")
    (model, *_) = [run for run in found if keys(f"mlflow/{run.info.experiment_id}/{run.info.run_id}/artifacts/model/")]
    assert fetch(f"{url}/get-artifact?path=model/MLmodel&run_uuid={model.info.run_id}")


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


@contextmanager
def pages(stack: Production, folder: Path) -> Iterator[str]:
    """MLflow, to which runs are led from here on, and the report, whose URL it is."""
    own = {name: value for name, value in stack.environment.items() if name.startswith(("AWS_", "CELEC_"))}
    own |= {"AWS_ACCESS_KEY_ID": "pages", "MLFLOW_S3_ENDPOINT_URL": stack.s3.url}
    own.pop("CELEC_MLFLOW_URL")
    (folder / "mlflow").mkdir()
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(Path(sys.executable).with_name("celec")), "serve", "--port", url.rpartition(":")[2]]
    with mlflow_server(folder / "mlflow", f"s3://{BUCKET}/mlflow", **own) as mlflow_url:
        stack.ecs.environment |= {"CELEC_MLFLOW_URL": mlflow_url, "MLFLOW_S3_ENDPOINT_URL": stack.s3.url}
        with (folder / "report.log").open("wb") as log:
            report = subprocess.Popen(command, env=os.environ | own, cwd=folder, stdout=log, stderr=log)
        try:
            yield url
        finally:
            report.kill()
            report.wait()


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Requests of this process are signed by this role."""
    from celec_assets.storage.s3 import connect

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", role)
        boto3.DEFAULT_SESSION = None
        connect.cache_clear()
        yield
    boto3.DEFAULT_SESSION = None
    connect.cache_clear()


def of_station() -> dict[str, str]:
    return {f"dagster/asset_partition_range_{end}": STATION for end in ("start", "end")}


def ended(stack: Production, run: str, status: str) -> None:
    stack.wait_until(run, seconds=240)
    assert stack.status(run) == status, stack.page(run)


def keys(prefix: str) -> list[str]:
    return [
        item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    ]


def by_role(calls: set[Call]) -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = {}
    for call in sorted(calls):
        table.setdefault(call.role, {}).setdefault(call.action, []).append(call.resource)
    return table


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = by_role(record(Path(folder)))
    lines = ["# What each role asks of AWS in a day of production; written by test_iam_recorded.py."]
    for role, actions in table.items():
        lines += ["", f"[{role}]", *(f"{json.dumps(action)} = {json.dumps(on)}" for action, on in actions.items())]
    TABLE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
