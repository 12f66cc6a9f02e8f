"""docker-compose.yml as a user meets it: built, started, used, killed, stopped, backed up, restored.

One installation lives through all of it, so the tests stand in the order of its story.
"""

import json
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from celec_assets.partitions import STATIONS as PARTITIONS
from celec_assets_tests.compose_stack import (
    BUCKET,
    IMAGE,
    LAST_DAY,
    ONCE,
    PRODUCTION,
    ROOT,
    SERVICES,
    Stack,
    docker,
    raw_files,
    say,
    stack,
    why_not,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no containers can be run")]

STATIONS = {"mazar", "molino", "sopladora", "minas-san-francisco", "paute-basin", "coca", "geoglows-620883808"}
ISSUED = STATIONS - {"paute-basin"}  # of which the sample's last days are a copy: its forecast is hindsight
FORECASTS = """{ assetNodeOrError(assetKey: {path: ["flow_forecast"]}) { ... on AssetNode { assetPartitionStatuses {
  ... on DefaultPartitionStatuses { materializedPartitions failedPartitions } } } } }"""
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def platform() -> Iterator[Stack]:
    with stack("celec-tests") as platform:
        platform.compose("--profile", "development", "build", timeout=1500)
        yield platform


def upload(platform: Stack, files: dict[str, bytes]) -> None:
    s3 = platform.s3()
    for name, content in files.items():
        s3.put_object(Bucket=BUCKET, Key=f"lake/raw/{name}", Body=content)


def issued(platform: Stack, day: date) -> set[str]:
    """The stations for which a forecast was issued on that day."""
    found = (re.fullmatch(rf"lake/flow_forecast/(.+)/issued/{day}\.parquet", key) for key in platform.objects())
    return {match[1] for match in found if match}


def assert_kept(before: dict[str, str], after: dict[str, str]) -> None:
    """No object is missing but for alerts that were sent; what never changes is what it was."""
    assert {key for key in before if not key.startswith("lake/alerts/unsent/")} <= after.keys()
    for_ever = [key for key in before if re.search(r"/(raw|issued)/|/flow_model/.*-[0-9a-f]+\.json|^mlflow/", key)]
    assert len(for_ever) > 50
    assert {key: before[key] for key in for_ever} == {key: after[key] for key in for_ever}


def end_of(platform: Stack, run_id: str) -> str:
    """How a run ended, or the one that was started in its place."""

    def status() -> str:
        runs = {run["runId"]: run for run in platform.runs()}
        last = run_id
        while retry := next((run for run in runs.values() if run["parentRunId"] == last), None):
            last = retry["runId"]
        ended: str = runs[last]["status"]
        final = {"key": "dagster/will_retry", "value": "false"} in runs[last]["tags"]
        return ended if ended in ("SUCCESS", "CANCELED") or (ended == "FAILURE" and final) else ""

    ended: str = platform.wait_for(f"end of {run_id}", 240, status)
    return ended


def train(platform: Stack) -> str:
    """A run over all stations that has begun to work."""
    order = f"select partition from dynamic_partitions where partitions_def_name = '{PARTITIONS.name}' order by id"
    first, *_, last = platform.sql(order).split()
    ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    run_id = platform.launch("train_models", **ends)
    platform.wait_for("step", 120, lambda: "StepStart" in platform.page(run_id))
    return run_id


# --- a first day


def test_one_command_starts_everything_in_order(platform: Stack) -> None:
    platform.up()
    say("up, in the order of what needs what, and all healthy")
    told = {service: platform.inspect(service) for service in (*SERVICES, *ONCE)}
    began = {service: state["State"]["StartedAt"] for service, state in told.items()}
    ended = {service: told[service]["State"]["FinishedAt"] for service in ONCE}
    assert all(platform.is_healthy(service) for service in SERVICES)
    assert [told[service]["RestartCount"] for service in SERVICES] == [0] * len(SERVICES)
    assert [told[service]["State"]["ExitCode"] for service in ONCE] == [0, 0]
    assert ended["secrets"] <= min(began["postgres"], began["store"])
    assert max(began["postgres"], began["store"]) <= began["init"]
    assert ended["init"] <= min(began[service] for service in ("code", "mlflow", "report"))
    assert began["code"] <= min(began["webserver"], began["daemon"])


def test_only_this_machine_gets_in_and_nobody_without_credentials(platform: Stack) -> None:
    # The names of files and fields are shorter, or begin otherwise.
    files = platform.execute("code", "sh", "-c", "grep -h '' /run/secrets/*")
    secrets = set(re.findall(r"(?<![\w-])(?!aws_)[\w-]{20,}", files))
    assert len(secrets) == 4  # of PostgreSQL, Jupyter and, a pair, S3
    for service in (*SERVICES, *ONCE):
        told = platform.inspect(service)
        bindings = [b["HostIp"] for b in told["NetworkSettings"]["Ports"].values() if b for b in b]
        assert set(bindings) <= {"127.0.0.1"}
        assert bool(bindings) == (service in {"webserver", "report", "mlflow", "store"})
        assert told["HostConfig"]["ReadonlyRootfs"]
        assert told["HostConfig"]["Memory"] > 0
        assert told["HostConfig"]["RestartPolicy"]["Name"] == ("no" if service in ONCE else "unless-stopped")
        assert told["HostConfig"]["LogConfig"]["Config"]["max-size"] == "10m"
        assert not [secret for secret in secrets if secret in json.dumps(told)]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{platform.url('S3_PORT')}/{BUCKET}/", timeout=10)
    foreign = urllib.request.Request(f"{platform.url('MLFLOW_PORT')}/api/2.0/mlflow/experiments/search", b"{}")
    foreign.add_header("Host", "attacker.example")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign, timeout=10)


def test_the_doctor_finds_every_service_well(platform: Stack) -> None:
    found = platform.execute("code", "celec", "doctor")
    assert found.count("passed") == 6
    assert "PostgresRunStorage" in found
    assert f"s3://{BUCKET}/lake can be read and written" in found


def test_raw_files_in_the_bucket_become_forecasts_models_and_a_report(platform: Stack) -> None:
    files = raw_files(LAST_DAY)
    upload(platform, files)
    say(f"{len(files)} raw files in the bucket")
    platform.wait_for("forecasts", 420, lambda: issued(platform, LAST_DAY) == ISSUED)
    say("the sensor took them: every station has its forecast")
    platform.wait_for("report", 120, lambda: "lake/forecast_report/latest.json" in platform.objects())

    def stations_of_report() -> set[str]:
        with urllib.request.urlopen(f"{platform.url('REPORT_PORT')}/report/latest.json", timeout=10) as answer:
            return {station["station"] for station in json.load(answer)["stations"] if station["days"]}

    platform.wait_for("report of every station", 180, lambda: stations_of_report() >= ISSUED)
    assert told_of_forecasts(platform) == (STATIONS, set())
    successes = int(platform.sql("select count(*) from runs where status = 'SUCCESS'"))
    assert successes >= 2
    assert int(platform.sql("select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'")) > 50
    assert registered(platform) == STATIONS
    say(f"{successes} runs in PostgreSQL, a model of every station in MLflow")


def told_of_forecasts(platform: Stack) -> tuple[set[str], set[str]]:
    """The stations whose forecasts Dagster shows as made, and as failed."""
    told = platform.graphql(FORECASTS)["assetNodeOrError"]["assetPartitionStatuses"]
    return set(told["materializedPartitions"]), set(told["failedPartitions"])


def registered(platform: Stack) -> set[str]:
    """The stations of which MLflow's server knows which model is in use; PostgreSQL agrees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        models = list(mlflow(platform).search_registered_models())
    assert all(model.aliases for model in models)
    names = {model.name for model in models}
    assert names == set(platform.sql("select name from registered_models", "mlflow").split())
    return names


def test_a_model_that_is_trained_after_a_backtest_says_how_good_its_recipe_is(platform: Stack) -> None:
    assert end_of(platform, platform.launch("backtest", **{"dagster/partition": "coca"})) == "SUCCESS"
    tomorrow = LAST_DAY + timedelta(days=1)
    upload(platform, {name: content for name, content in raw_files(tomorrow).items() if "ccs" in name})
    platform.wait_for("forecast of the next day", 240, lambda: "coca" in issued(platform, tomorrow))
    assert end_of(platform, platform.launch("train_models", **{"dagster/partition": "coca"})) == "SUCCESS"
    metrics = run_of_model(platform, "coca").data.metrics
    assert 0 < metrics["backtest/mae_ratio_to_persistence.mean_7d"] < 2
    say(f"coca was backtested and trained anew; MLflow has {len(metrics)} figures beside the model")


def run_of_model(platform: Stack, station: str) -> Any:
    """MLflow's run that holds the model in use."""
    client = mlflow(platform)
    return client.get_run(client.get_model_version_by_alias(station, "in_use").run_id)


def mlflow(platform: Stack) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(platform.url("MLFLOW_PORT"))


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")
def test_a_browser_shows_graph_run_model_and_report(platform: Stack, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    run_id = next(run["runId"] for run in platform.runs() if run["jobName"] == "read_raw_files")
    model = run_of_model(platform, "coca").info
    pages = {
        "graph": (f"{platform.url('DAGSTER_PORT')}/assets/flow_forecast?view=lineage", "low_flow_warnings"),
        "run": (f"{platform.url('DAGSTER_PORT')}/runs/{run_id}", "Finished execution of run"),
        "models": (f"{platform.url('MLFLOW_PORT')}/#/models", "mazar"),
        "registered": (f"{platform.url('MLFLOW_PORT')}/#/models/coca", "in_use"),
        "model": (
            f"{platform.url('MLFLOW_PORT')}/#/experiments/{model.experiment_id}/runs/{model.run_id}",
            "backtest/mae_ratio_to_persistence.mean_7d",
        ),
        "report": (f"{platform.url('REPORT_PORT')}/report/", "Pronóstico de caudales"),
    }
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, which CI is; the pages are our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (address, words) in pages.items():
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(address, timeout=60_000)
            page.get_by_text(words).locator("visible=true").first.wait_for(timeout=60_000)
            page.wait_for_timeout(1500)  # what moves comes to rest
            page.screenshot(path=tmp_path / f"{name}.png")
        browser.close()
    say(f"pictures in {tmp_path}")


def test_a_notebook_reads_the_lake_behind_a_token_of_this_installation(platform: Stack) -> None:
    platform.compose("--profile", "development", "up", "--detach", "--wait", "jupyter", timeout=200)
    token = platform.execute("jupyter", "cat", "/run/secrets/jupyter_token")
    assert re.fullmatch(r"[0-9a-f]{48}", token)
    assert f"lab?token={token}" in platform.compose("logs", "--no-color", "jupyter")
    address = f"{platform.url('JUPYTER_PORT')}/api/contents"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address, timeout=20)
    with urllib.request.urlopen(f"{address}?token={token}", timeout=20) as answer:
        assert [found["name"] for found in json.load(answer)["content"]] == ["lake.ipynb"]
    # Strict: a cell that fails is an error.
    platform.execute("jupyter", "jupyter", "execute", "--output=/tmp/done.ipynb", "lake.ipynb")
    done = json.loads(platform.execute("jupyter", "cat", "/tmp/done.ipynb"))
    outputs = [output for cell in done["cells"] for output in cell.get("outputs", ())]
    assert "coca" in json.dumps(outputs[0])
    assert any("image/png" in output.get("data", {}) for output in outputs)
    platform.compose("--profile", "development", "rm", "--stop", "--force", "jupyter")


# --- bad days


def test_what_no_run_needs_can_crash_beside_it(platform: Stack) -> None:
    run_id = train(platform)
    for service in ("webserver", "report", "daemon"):
        platform.crash(service)
        say(f"{service} killed")
    assert end_of(platform, run_id) == "SUCCESS"
    assert platform.run(run_id)["status"] == "SUCCESS"
    say("the run never noticed")


def test_a_run_goes_on_when_mlflow_crashes(platform: Stack) -> None:
    run_id = train(platform)
    platform.crash("mlflow")
    assert end_of(platform, run_id) == "SUCCESS"
    run = platform.run(run_id)
    assert run["status"] == "SUCCESS"
    crashed = datetime.fromisoformat(platform.inspect("mlflow")["State"]["FinishedAt"]).timestamp()
    assert run["startTime"] < crashed < run["endTime"]
    platform.wait_for("mlflow", 60, lambda: platform.is_healthy("mlflow"))
    say(f"mlflow killed {crashed - run['startTime']:.0f} s into a run of {run['endTime'] - run['startTime']:.0f} s")


def test_a_run_waits_for_a_database_that_crashed_or_is_started_again(platform: Stack) -> None:
    runs = {run["runId"] for run in platform.runs()}
    run_id = train(platform)
    platform.crash("postgres")
    say("postgres killed in the middle of a run")
    platform.wait_for("database", 60, lambda: platform.is_healthy("postgres"))
    assert run_id in {run["runId"] for run in platform.runs()}  # at once, on whatever connection the webserver had kept
    assert end_of(platform, run_id) == "SUCCESS"
    assert runs < {run["runId"] for run in platform.runs()}
    say(f"the run: {platform.run(run_id)['status']}; every run before it is still known")


def test_a_store_that_crashes_loses_nothing_that_it_said_it_had(platform: Stack) -> None:
    before = platform.objects()
    run_id = train(platform)
    platform.crash("store")
    say("store killed in the middle of a run")
    assert end_of(platform, run_id) == "SUCCESS"
    if platform.run(run_id)["status"] == "FAILURE":
        assert "where the lake" in platform.page(run_id)
        say("the run failed, says that the lake did not answer, and was started again")
    platform.wait_for("store", 90, lambda: platform.is_healthy("store"))
    assert_kept(before, platform.objects())


def test_runs_of_a_code_location_that_was_killed_are_started_again(platform: Stack) -> None:
    run_id = train(platform)
    docker("kill", platform.inspect("code")["Id"])
    platform.up()
    say("code location killed in the middle of a run")
    assert end_of(platform, run_id) == "SUCCESS"
    assert platform.run(run_id)["status"] == "FAILURE"
    assert "was started again and does not know this run" in platform.page(run_id)
    say("the run says why it ended, and another was started in its place")


def test_forecasts_go_on_when_mlflow_is_away(platform: Stack) -> None:
    platform.compose("stop", "mlflow")
    tomorrow = LAST_DAY + timedelta(days=1)
    old = raw_files(LAST_DAY)
    upload(platform, {name: content for name, content in raw_files(tomorrow).items() if old.get(name) != content})
    platform.wait_for("forecasts of the next day", 300, lambda: issued(platform, tomorrow) == ISSUED)
    say("the next day's files came, and its forecasts, without MLflow")
    platform.up()


# --- moving house


def test_down_and_up_keeps_everything(platform: Stack) -> None:
    token = platform.execute("code", "cat", "/run/secrets/postgres_password")
    platform.wait_for("rest", 180, lambda: all(r["status"] in ("SUCCESS", "FAILURE") for r in platform.runs()))
    objects, runs, models = platform.objects(), {run["runId"] for run in platform.runs()}, registered(platform)
    platform.compose("stop")
    ends = {service: platform.inspect(service)["State"]["ExitCode"] for service in SERVICES}
    assert ends == dict.fromkeys(SERVICES, 0) | {"report": 128 + signal.SIGTERM}  # uvicorn, all answers given
    say("all of them end well when they are told to")
    platform.compose("down")
    assert platform.compose("ps", "--all", "--quiet").strip() == ""
    platform.up()
    assert platform.execute("code", "cat", "/run/secrets/postgres_password") == token
    assert_kept(objects, platform.objects())
    assert runs <= {run["runId"] for run in platform.runs()}
    assert registered(platform) == models
    say("down and up again: nothing is missing")


def test_a_backup_becomes_an_installation_again(platform: Stack, tmp_path: Path) -> None:
    platform.script("backup.sh", str(tmp_path / "backup"))
    objects, runs, models = platform.objects(), {run["runId"] for run in platform.runs()}, registered(platform)
    password = platform.execute("code", "cat", "/run/secrets/postgres_password")
    platform.compose("down", "--volumes", "--timeout", "5")
    platform.script("restore.sh", str(tmp_path / "backup"))
    say("backed up, everything cleared, restored")
    assert platform.execute("code", "cat", "/run/secrets/postgres_password") != password
    assert_kept(objects, platform.objects())
    assert runs <= {run["runId"] for run in platform.runs()}
    assert registered(platform) == models
    assert told_of_forecasts(platform) == (STATIONS, set())


def test_a_backup_is_not_poured_over_what_is_there(platform: Stack, tmp_path: Path) -> None:
    platform.script("backup.sh", str(tmp_path / "backup"))
    refused = subprocess.run(
        [str(ROOT / "scripts/restore.sh"), str(tmp_path / "backup")],
        cwd=ROOT, env=platform.environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "this installation is not new" in refused.stderr
    assert all(platform.is_healthy(service) for service in SERVICES), "and goes on"


def test_a_backup_moves_to_a_server_whose_lake_is_a_folder(platform: Stack, tmp_path: Path) -> None:
    platform.script("backup.sh", str(tmp_path / "backup"))
    models = registered(platform)
    platform.compose("down", "--volumes")
    (folder := tmp_path / "lake-of-server").mkdir()
    platform.environment |= {**PRODUCTION, "STORAGE": "/srv/celec", "STORAGE_FOLDER": str(folder)}
    refused = platform.compose("run", "--rm", "-T", "init", check=False)
    assert "Permission denied" in refused
    assert "belong to user 10001" in refused
    docker("run", "--rm", "--user", "0", "-v", f"{folder}:/folder", IMAGE, "chown", "10001:10001", "/folder")
    platform.script("restore.sh", str(tmp_path / "backup"))
    assert "store" not in platform.compose("ps", "--services")
    assert registered(platform) == models
    say("backed up on one machine, restored on a server without a store")
    name, raw = next((name, raw) for name, raw in raw_files(LAST_DAY + timedelta(days=2)).items() if "ccs" in name)
    platform.compose("exec", "-T", "code", "sh", "-c", f"cat > /srv/celec/lake/raw/{name}", input=raw.decode())
    forecast = folder / f"lake/flow_forecast/coca/issued/{LAST_DAY + timedelta(days=2)}.parquet"
    platform.wait_for("forecast in the folder", 240, forecast.exists)
    before = run_of_model(platform, "coca").info
    assert end_of(platform, platform.launch("train_models", **{"dagster/partition": "coca"})) == "SUCCESS"
    after = run_of_model(platform, "coca").info
    assert after.run_id != before.run_id
    for run in (before, after):
        assert run.artifact_uri.startswith("/srv/celec/mlflow/")
        assert any((folder / Path(run.artifact_uri).relative_to("/srv/celec")).rglob("MLmodel"))
    say("the next forecast came, and MLflow has old and new models where they are now")
    platform.compose("down")
