"""Models and backtests in MLflow: a real server over HTTP, one with its files in S3, and none at all."""

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
from celec_assets.storage.versions import Models
from celec_assets_tests.mlflow_server import mlflow_server
from celec_assets_tests.s3_server import BUCKET
from celec_assets_tests.tracking.trainer import (
    DAYS,
    THREE,
    A,
    B,
    C,
    Trainer,
    aliased,
    artifacts,
    mlflow,
    runs,
    series,
    tracked,
    warnings_of,
)

pytestmark = pytest.mark.slow

MODEL_FILES = {"MLmodel", "conda.yaml", "data/model.json", "python_env.yaml", "requirements.txt"}


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
