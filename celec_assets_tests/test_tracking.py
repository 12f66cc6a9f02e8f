"""Models and backtests in MLflow: a real server over HTTP, one that is gone or silent, and none at all."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from celec_assets import cli
from celec_assets.build import build_definitions
from celec_assets.forecasting import model, skill, training
from celec_assets.forecasting.skill import backtest_and_score
from celec_assets.partitions import STATIONS, range_tags
from celec_assets.series.schema import COLUMNS
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets.storage.versions import Models
from celec_assets.tracking import resource
from celec_assets_tests.mlflow_server import mlflow_server
from celec_assets_tests.s3_server import BUCKET, Exchange, Fault, Proxy, proxy_before, resets

pytestmark = pytest.mark.slow

A, B, C = THREE = ("geoglows-610000001", "geoglows-610000002", "geoglows-610000003")
DAYS = 420
MODEL_FILES = {"MLmodel", "conda.yaml", "data/model.json", "python_env.yaml", "requirements.txt"}


class Trainer:
    """Trains and backtests stations on series that are there already."""

    def __init__(self, folder: Path, url: str, instance: dg.DagsterInstance) -> None:
        self.url, self.instance, self.lake = url, instance, Lake.open(str(folder))
        self.settings = Settings(lake_url=str(folder), mlflow_url=url, dagster_url="https://dagster.example/")
        self.defs = build_definitions(self.settings)
        instance.add_dynamic_partitions(str(STATIONS.name), list(THREE))
        for number, station in enumerate(THREE):
            self.observe(station, DAYS, number)

    def observe(self, station: str, days: int, number: int = 0) -> None:
        self.lake.series.write(station, series(days, number))

    def make(self, asset: str, *stations: str, job: str | None = None) -> dg.ExecuteInProcessResult:
        (tags,) = range_tags(self.instance.get_dynamic_partitions(str(STATIONS.name)), stations, 1000)
        resolved = self.defs.resolve_job_def(job) if job else self.defs.resolve_implicit_global_asset_job_def()
        return resolved.execute_in_process(
            asset_selection=None if job else [dg.AssetKey(asset)],
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )

    def train(self, *stations: str) -> dg.ExecuteInProcessResult:
        return self.make("flow_model", *stations)

    def in_use(self, station: str) -> str:
        return self.lake.models.pointer(station).in_use


def series(days: int, number: int = 0) -> pd.DataFrame:
    """A river with a season and some weather."""
    day = pd.date_range("2024-11-01", periods=days)
    season = 40 + 15 * np.sin(2 * np.pi * np.arange(days) / 365)
    flow = (season * np.exp(np.random.default_rng(number).normal(0, 0.1, days))).round(2)
    frame = pd.DataFrame({"day": day, "flow_m3s": flow, "flow_raw_m3s": flow, "flow_flag": "observed"})
    missing = {"level_masl": np.nan, "level_raw_masl": np.nan, "level_flag": "missing", "sources_disagree": False}
    return frame.assign(**missing)[list(COLUMNS)]


def tracked(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What the materializations say of MLflow, by station."""
    return {
        str(event.partition): str(event.materialization.metadata["mlflow run"].value)
        for event in result.get_asset_materialization_events()
    }


def warnings_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        entry.user_message
        for entry in instance.all_logs(result.run_id)
        if entry.level == 30 and "MLflow" in entry.user_message
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder, str(folder / "artifacts")) as url:
        yield url


@pytest.fixture(autouse=True)
def no_other_server() -> Iterator[None]:
    """MLflow's own functions, which dagster-mlflow uses, keep the address for the rest of the process."""
    import mlflow

    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def trainer(tmp_path: Path, server: str, instance: dg.DagsterInstance) -> Trainer:
    """With a clean server: nothing registered, no run."""
    for registered in mlflow(server).search_registered_models():
        mlflow(server).delete_registered_model(registered.name)
    for run in runs(server, "flow_model") + runs(server, "flow_backtest"):
        mlflow(server).delete_run(run.info.run_id)
    return Trainer(tmp_path / "lake", server, instance)


def mlflow(url: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(url, registry_uri=url)


def runs(url: str, experiment: str) -> list[Any]:
    """The runs of an experiment, oldest first."""
    there = mlflow(url).get_experiment_by_name(experiment)
    return mlflow(url).search_runs([there.experiment_id], order_by=["start_time"]) if there else []


def aliased(url: str, station: str) -> tuple[str, str]:
    """Number and object of the version that MLflow says is in use."""
    version = mlflow(url).get_model_version_by_alias(station, "in_use")
    return str(version.version), version.tags["object"]


def artifacts(url: str, run_id: str, folder: str = "") -> set[str]:
    found = set()
    for info in mlflow(url).list_artifacts(run_id, folder):
        found |= artifacts(url, run_id, info.path) if info.is_dir else {info.path}
    return found


# What is kept


def test_three_stations_in_one_run_are_three_finished_runs_with_all_that_is_known(trainer: Trainer) -> None:
    result = trainer.train(*THREE)
    assert result.success
    experiment = mlflow(trainer.url).get_experiment_by_name("flow_model")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    kept = {run.data.tags["station"]: run for run in runs(trainer.url, "flow_model")}
    assert set(kept) == set(THREE)
    for station, run in kept.items():
        document = trainer.lake.models.read(station)
        assert run.info.status == "FINISHED"
        assert run.info.run_name == f"{station} 2025-12-25"
        expected = {
            "recipe": document["recipe"],
            "data_sha256": document["data_sha256"],
            "trained_from": "2024-11-01",
            "trained_through": "2025-12-25",
            "observed_days": str(DAYS),
            "version/prophet": document["versions"]["prophet"],
            "covariates": "none",
        }
        assert expected.items() <= run.data.params.items()
        assert run.data.tags["object"] == trainer.in_use(station)
        assert run.data.tags["dagster_run_id"] == result.run_id
        assert run.data.tags["dagster_run"] == f"https://dagster.example/runs/{result.run_id}"
        assert (
            tracked(result)[station] == f"{trainer.url}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        )
        files = artifacts(trainer.url, run.info.run_id)
        assert files == {"next_30_days.png", *(f"model/{name}" for name in MODEL_FILES)}
        assert aliased(trainer.url, station) == ("1", trainer.in_use(station))


def test_links_lead_where_people_reach_mlflow(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    trainer = Trainer(tmp_path / "lake", f"sqlite:///{tmp_path}/mlflow.db", instance)
    trainer.defs = build_definitions(
        trainer.settings.model_copy(update={"mlflow_public_url": "https://mlflow.example/"})
    )
    assert tracked(trainer.train(A))[A].startswith("https://mlflow.example/#/experiments/")


def test_what_is_kept_is_text_and_pictures_and_the_model_is_the_document_of_the_lake(trainer: Trainer) -> None:
    trainer.train(A)
    (run,) = runs(trainer.url, "flow_model")
    folder = Path(run.info.artifact_uri)
    assert (folder / "model/data/model.json").read_bytes() == trainer.lake.store.get(trainer.in_use(A))
    assert (folder / "next_30_days.png").read_bytes().startswith(b"\x89PNG")
    for path in folder.glob("model/**/*"):
        if path.is_file():
            text = path.read_bytes().decode()  # a pickle is no text
            assert text.replace("\n", "").isprintable()
            assert "pickle" not in text


def test_a_notebook_loads_the_model_in_use_and_forecasts_what_the_platform_does(trainer: Trainer) -> None:
    import mlflow.pyfunc

    trainer.train(A)
    daily = trainer.lake.series.read(A)
    last = daily["day"].iloc[-1].date()
    expected = training.issue(trainer.lake.models.read(A), daily, {}, made_on=last)
    mlflow.set_tracking_uri(trainer.url)
    loaded = mlflow.pyfunc.load_model(f"models:/{A}@in_use")
    assert loaded.metadata.run_id == runs(trainer.url, "flow_model")[0].info.run_id
    pd.testing.assert_frame_equal(loaded.predict(daily), expected.drop(columns="kind"))
    pd.testing.assert_frame_equal(loaded.predict(daily.assign(station=A)), expected.drop(columns="kind"))


def test_a_models_neighbours_go_into_its_forecast(tmp_path: Path) -> None:
    from celec_assets.storage.formats import to_json
    from celec_assets.tracking.loader import _load_pyfunc

    known = {name: series(DAYS, number) for number, name in enumerate(("mazar", "paute-basin", "molino"))}
    document = training.train("mazar", known["mazar"], known)
    (tmp_path / "model.json").write_bytes(to_json(document))
    loaded = _load_pyfunc(str(tmp_path / "model.json"))
    together = pd.concat(known, names=["station"]).reset_index("station")
    last = known["mazar"]["day"].iloc[-1].date()
    issued = training.issue(document, known["mazar"], known, made_on=last)
    np.testing.assert_array_equal(loaded.predict(together)["flow_m3s"], issued["flow_m3s"])
    assert (loaded.predict(known["mazar"])["flow_m3s"] != issued["flow_m3s"]).any()


def test_a_backtest_is_one_run_for_all_its_stations_and_its_figures_stand_beside_the_next_model(
    trainer: Trainer,
) -> None:
    result = trainer.make("flow_backtest", A, B, job="backtest")
    assert result.success
    (run,) = runs(trainer.url, "flow_backtest")
    assert run.info.status == "FINISHED"
    assert run.data.tags["dagster_run_id"] == result.run_id
    assert run.data.params["recipe"] == model.RECIPE
    assert run.data.params[f"{A}/last_origin"] == "2025-12-25"
    assert {metric.split("/")[0] for metric in run.data.metrics} == {A, B}
    scores = trainer.lake.backtests.scores(B, model.RECIPE)
    assert scores is not None
    (ratio,) = scores.query("window_days == 7 and model == 'forecast' and metric == 'mae_ratio_to_persistence'")[
        "value"
    ]
    assert run.data.metrics[f"{B}/mae_ratio_to_persistence.mean_7d"] == ratio
    assert artifacts(trainer.url, run.info.run_id) == {f"{A}/skill_by_lead.png", f"{B}/skill_by_lead.png"}
    assert tracked(result)[A] == tracked(result)[B]
    assert tracked(result)[A].endswith(run.info.run_id)

    trainer.train(B)
    (trained,) = runs(trainer.url, "flow_model")
    assert trained.data.metrics["backtest/mae_ratio_to_persistence.mean_7d"] == ratio
    assert "skill_by_lead.png" in artifacts(trainer.url, trained.info.run_id)


def test_a_backtest_that_fails_at_a_station_leaves_a_failed_run_and_one_that_never_began_none(
    trainer: Trainer,
) -> None:
    trainer.observe(B, 200)  # too short
    assert not trainer.make("flow_backtest", A, B).success
    (run,) = runs(trainer.url, "flow_backtest")
    assert run.info.status == "FAILED"
    assert {metric.split("/")[0] for metric in run.data.metrics} == {A}
    assert not trainer.make("flow_backtest", B).success
    assert len(runs(trainer.url, "flow_backtest")) == 1, "an empty run helps nobody"


def test_a_backtest_that_is_terminated_leaves_a_failed_run(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    def until_b(station: str, *arguments: Any) -> Any:
        if station == B:
            raise KeyboardInterrupt
        return backtest_and_score(station, *arguments)

    monkeypatch.setattr(skill, "backtest_and_score", until_b)
    assert not trainer.make("flow_backtest", A, B).success
    (run,) = runs(trainer.url, "flow_backtest")
    assert run.info.status == "FAILED"


def test_a_training_that_fails_at_a_station_leaves_no_run_of_it(trainer: Trainer) -> None:
    trainer.observe(B, 200)
    assert not trainer.train(*THREE).success
    assert {run.data.tags["station"]: run.info.status for run in runs(trainer.url, "flow_model")} == {
        A: "FINISHED",
        C: "FINISHED",
    }


def test_what_the_lake_did_not_take_is_not_kept_either(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(models: Models, station: str, document: dict[str, Any]) -> str:
        if station == B:
            raise OSError("disk full")
        return stored(models, station, document)

    stored = Models.write
    monkeypatch.setattr(Models, "write", write)
    assert not trainer.train(*THREE).success
    assert {run.data.tags["station"] for run in runs(trainer.url, "flow_model")} == {A, C}


# The alias


def test_the_alias_follows_the_lake_through_training_rejection_and_roll_back(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.train(A)
    first = trainer.in_use(A)
    trainer.train(A)
    assert aliased(trainer.url, A) == ("1", first), "the same data give the same model: no second version"
    trainer.observe(A, DAYS + 1)
    trainer.train(A)
    second = trainer.in_use(A)
    assert aliased(trainer.url, A) == ("2", second)
    assert first != second

    with monkeypatch.context() as patch:
        for module in (model, training):
            patch.setattr(module, "RECIPE", "another")
        trainer.train(A)
    assert trainer.in_use(A) == second
    assert aliased(trainer.url, A) == ("2", second)
    rejected = runs(trainer.url, "flow_model")[-1]
    assert rejected.info.status == "FINISHED"
    assert "there is none of the new recipe" in rejected.data.tags["rejected"]
    assert rejected.data.params["recipe"] == "another"

    monkeypatch.setenv("CELEC_LAKE_URL", trainer.settings.lake_url)
    monkeypatch.setenv("CELEC_MLFLOW_URL", trainer.url)
    assert cli.main(["rollback", A]) == 0
    assert "MLflow's alias is at version 1" in capsys.readouterr().out
    assert (trainer.in_use(A), aliased(trainer.url, A)) == (first, ("1", first))


def test_an_alias_that_somebody_moved_changes_nothing_and_is_set_back_with_a_warning(trainer: Trainer) -> None:
    trainer.train(A)
    first = trainer.in_use(A)
    for days in (DAYS + 1, DAYS + 2):
        trainer.observe(A, days)
        assert warnings_of(trainer.instance, trainer.train(A)) == []
    mlflow(trainer.url).set_registered_model_alias(A, "in_use", "1")
    assert trainer.make("flow_forecast", A).success
    forecast_with = trainer.in_use(A)
    assert forecast_with != first
    (warning,) = warnings_of(trainer.instance, trainer.train(A))
    assert first in warning
    assert "celec rollback" in warning
    assert aliased(trainer.url, A) == ("3", forecast_with)


def test_a_registered_model_that_somebody_deleted_is_made_again(trainer: Trainer) -> None:
    trainer.train(A)
    mlflow(trainer.url).delete_registered_model(A)
    trainer.train(A)
    assert aliased(trainer.url, A) == ("1", trainer.in_use(A))


# When MLflow does not answer


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds each station waited for MLflow, whose libraries are loaded already."""
    import celec_assets.tracking.client  # noqa: F401

    attempt, seconds = resource.Tracking._attempt, list[float]()

    def timed(tracking: resource.Tracking, work: Any) -> dict[str, Any]:
        started = time.monotonic()
        metadata = attempt(tracking, work)
        seconds.append(time.monotonic() - started)
        return metadata

    monkeypatch.setattr(resource.Tracking, "_attempt", timed)
    return seconds


def of_one_attempt(waits: list[float]) -> bool:
    """Whether they waited no longer than for one request that is not answered; three of them would be half as long
    again as what is allowed here.
    """
    from celec_assets.tracking.client import REQUEST_SECONDS, RETRIES

    return 0 < sum(waits) < 2 * REQUEST_SECONDS * (1 + RETRIES)


def not_tracked(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, *stations: str) -> str:
    """The one warning of a run that succeeded and tracked nothing of these stations."""
    assert result.success
    (warning,) = warnings_of(instance, result)
    assert "What follows in this run is not tracked" in warning
    for station in stations:
        assert tracked(result)[station].startswith("not tracked: ")
    return warning


def test_a_server_that_is_down_costs_one_attempt_and_the_forecast_comes_out(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    waits: list[float],
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://somebody:hunter2@127.0.0.1:{closed.getsockname()[1]}"
        trainer = Trainer(tmp_path / "lake", url, instance)
        result = trainer.train(*THREE)
        assert of_one_attempt(waits)
        warning = not_tracked(result, instance, *THREE)
        assert "hunter2" not in warning + str(tracked(result))
        assert trainer.make("flow_forecast", *THREE).success
        assert all(trainer.lake.forecasts.exists(station) for station in THREE)

        trainer.observe(A, DAYS + 1)
        trainer.train(A)
        monkeypatch.setenv("CELEC_LAKE_URL", trainer.settings.lake_url)
        monkeypatch.setenv("CELEC_MLFLOW_URL", url)
        assert cli.main(["rollback", A]) == 0
        told = capsys.readouterr().out
        assert "is in use again" in told
        assert "MLflow could not be told" in told
        assert "hunter2" not in told


def test_a_server_that_takes_requests_and_never_answers_costs_seconds(
    tmp_path: Path, instance: dg.DagsterInstance, waits: list[float]
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        trainer = Trainer(tmp_path / "lake", f"http://127.0.0.1:{silent.getsockname()[1]}", instance)
        result = trainer.train(*THREE)
        assert of_one_attempt(waits)
        not_tracked(result, instance, *THREE)
        not_tracked(trainer.make("flow_backtest", A), instance, A)


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    with proxy_before(server) as before:
        before.methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
        yield before


def gone_after(proxy: Proxy, method: str, path: str) -> Fault:
    """The server answers the first such request, and nothing after it."""

    def fault(exchange: Exchange) -> None:
        *earlier, _ = proxy.requests
        if any(asked == method and path in where for asked, where in earlier):
            resets(exchange)
        else:
            exchange.reply(*exchange.forward())

    proxy.requests.clear()
    return fault


def test_a_server_that_dies_between_two_stations_keeps_the_first_and_stops_none(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    before = Trainer(tmp_path / "lake", proxy.url, instance)
    proxy.always = gone_after(proxy, "POST", "/registered-models/alias")
    result = before.train(*THREE)
    assert {run.info.status for run in runs(trainer.url, "flow_model")} == {"FINISHED"}
    (kept,) = {run.data.tags["station"] for run in runs(trainer.url, "flow_model")}
    not_tracked(result, instance, *set(THREE) - {kept})
    assert tracked(result)[kept].startswith("http")
    assert all(before.lake.models.exists(station) for station in THREE)


def test_a_server_that_answers_too_slowly_is_not_asked_for_every_station(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(resource, "EACH_SECONDS", 0)
    slow = Trainer(tmp_path / "lake", proxy.url, instance)

    def answer(exchange: Exchange) -> None:
        time.sleep(0.2)
        exchange.reply(*exchange.forward())

    proxy.always = answer
    result = slow.train(*THREE)
    (kept,) = [station for station, said in tracked(result).items() if said.startswith("http")]
    assert "it takes more than 0 s for a station" in not_tracked(result, instance, *set(THREE) - {kept})


def test_a_run_that_a_dying_server_left_open_is_ended_by_the_next_training(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    before = Trainer(tmp_path / "lake", proxy.url, instance)
    proxy.always = gone_after(proxy, "POST", "/runs/log-batch")
    not_tracked(before.train(A), instance, A)
    (left,) = runs(trainer.url, "flow_model")
    assert left.info.status == "RUNNING", "nobody could end it"
    proxy.always = None
    assert before.train(A).success
    assert [run.info.status for run in runs(trainer.url, "flow_model")] == ["KILLED", "FINISHED"]
    assert aliased(trainer.url, A)[1] == before.in_use(A)


def test_a_model_that_came_into_use_while_the_server_was_gone_is_registered_as_soon_as_it_matters(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Trainer(tmp_path / "lake", proxy.url, instance)
    proxy.always = resets
    before.train(A)
    first = before.in_use(A)
    proxy.always = None
    before.observe(A, DAYS + 1)
    before.train(A)
    monkeypatch.setenv("CELEC_LAKE_URL", before.settings.lake_url)
    monkeypatch.setenv("CELEC_MLFLOW_URL", trainer.url)
    assert cli.main(["rollback", A]) == 0
    assert aliased(trainer.url, A) == ("2", first)
    late = runs(trainer.url, "flow_model")[-1]
    assert late.data.tags["object"] == first
    assert late.info.status == "FINISHED"
    assert "dagster_run_id" not in late.data.tags, "the run that trained it is not known there"


# Without a server, and with S3


@pytest.mark.parametrize("url", ["sqlite:///mlflow.db", "sqlite:///../data/mlflow.db"])
def test_without_a_server_it_is_a_file_and_a_folder_beside_it(
    url: str, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    trainer = Trainer(tmp_path / "lake", url, instance)
    result = trainer.train(*THREE)
    backtest = trainer.make("flow_backtest", A)
    kept = {run.data.tags["station"]: run.info for run in runs(url, "flow_model")}
    assert {station: info.run_id for station, info in kept.items()} == tracked(result)
    assert {info.status for info in kept.values()} == {"FINISHED"}
    assert aliased(url, A) == ("1", trainer.in_use(A))
    (run,) = runs(url, "flow_backtest")
    assert (run.info.status, run.info.run_id) == ("FINISHED", tracked(backtest)[A])
    database = Path(url.removeprefix("sqlite:///")).resolve()
    for experiment, files in (("flow_model", 3), ("flow_backtest", 1)):
        assert len(list((database.parent / "mlruns" / experiment).glob("*/artifacts/**/*.png"))) == files
    assert {path.name for name in ("here", "data") for path in (tmp_path / name).iterdir()} == {"mlflow.db", "mlruns"}


def test_clients_put_artifacts_into_s3_themselves(tmp_path: Path, s3_url: str, instance: dg.DagsterInstance) -> None:
    import mlflow.pyfunc

    from celec_assets.storage.s3 import S3Store

    folder = tmp_path / "server"
    folder.mkdir()
    with mlflow_server(folder, f"{s3_url}/mlflow") as url:
        trainer = Trainer(tmp_path / "lake", url, instance)
        assert trainer.train(A).success
        (run,) = runs(url, "flow_model")
        stored = S3Store(run.info.artifact_uri)
        assert run.info.artifact_uri.startswith(f"s3://{BUCKET}/")
        assert {info.key for info in stored.list("model/")} == {f"model/{name}" for name in MODEL_FILES}
        mlflow.set_tracking_uri(url)
        loaded = mlflow.pyfunc.load_model(f"models:/{A}@in_use")
        assert len(loaded.predict(trainer.lake.series.read(A))) == 33 * 7
        assert not [path for path in folder.rglob("*") if path.name == "MLmodel"]
