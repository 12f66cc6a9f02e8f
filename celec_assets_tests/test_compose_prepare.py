"""What Compose's one-off services do to databases and stores. No engine is needed."""

import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import dagster as dg
import psycopg2
import pytest
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking
from sqlalchemy import URL

from celec_assets.instance.databases import migrate_mlflow
from celec_assets.storage.store import FolderStore, ObjectInfo
from celec_assets_tests.postgres_server import PASSWORD, needs_postgres, postgres_server

PREPARE = run_path(str(Path(__file__).parents[1] / "deploy/compose/prepare.py"))


def test_a_backup_leaves_out_what_is_deleted_while_it_is_made(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    kept, gone = ["lake/raw/coca.csv", "mlflow/1/figure.png"], "lake/alerts/unsent/1.json"
    for key in (*kept, gone):
        store.put(key, key.encode())
    whole = FolderStore.list

    def listing(self: FolderStore, prefix: str) -> Iterator[ObjectInfo]:
        found = list(whole(self, prefix))
        self.delete(gone)
        return iter(found)

    monkeypatch.setattr(FolderStore, "list", listing)
    monkeypatch.setenv("STORAGE", store.url)
    PREPARE["export"]()
    with tarfile.open(fileobj=io.BytesIO(capsysbinary.readouterr().out)) as tar:
        assert {member.name: tar.extractfile(member).read() for member in tar} == {key: key.encode() for key in kept}  # type: ignore[union-attr]


def test_a_restore_that_was_interrupted_goes_on_and_writes_nothing_over(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    old = FolderStore(tmp_path / "old")
    for key in ("lake/raw/coca.csv", "lake/raw/mazar.csv"):
        old.put(key, b"old")
    monkeypatch.setenv("STORAGE", old.url)
    PREPARE["export"]()
    store.put("lake/raw/coca.csv", b"there")
    monkeypatch.setenv("STORAGE", store.url)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(capsysbinary.readouterr().out)))
    PREPARE["restore"]()
    assert {info.key: store.get(info.key) for info in store.list("lake/")} == {
        "lake/raw/coca.csv": b"there",
        "lake/raw/mazar.csv": b"old",
    }
    assert capsysbinary.readouterr().out.decode() == f"1 objects put into {store.url}, 1 were there\n"


@dg.asset
def flow() -> None:
    """Something to run."""


def test_only_an_installation_without_runs_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    PREPARE["ensure_new"]()
    with dg.DagsterInstance.get() as instance:
        dg.materialize([flow], instance=instance)
    with pytest.raises(SystemExit, match="has 1 runs"):
        PREPARE["ensure_new"]()


@needs_postgres
def test_mlflow_finds_its_files_where_the_store_is_now() -> None:
    with postgres_server() as server:
        login = {"host": "127.0.0.1", "port": server.port, "user": "dagster", "password": PASSWORD, "dbname": "dagster"}
        url = URL.create(
            "postgresql+psycopg2", "dagster", PASSWORD, "127.0.0.1", server.port, "dagster"
        ).render_as_string(hide_password=False)
        migrate_mlflow(url, print)
        tracking, registry = Tracking(url, "s3://celec/mlflow"), Registry(url)
        ours = tracking.create_run(tracking.create_experiment("flow_model"), "celec", 0, [], "coca").info
        foreign = tracking.create_experiment("foreign", "s3://celec/mlflow-of-others/1")
        logged = tracking.create_logged_model(ours.experiment_id).model_id
        registry.create_registered_model("coca")
        registry.create_model_version("coca", f"{ours.artifact_uri}/model", ours.run_id)

        def addresses() -> list[Any]:
            version = registry.get_model_version("coca", 1)
            return [
                tracking.get_experiment(ours.experiment_id).artifact_location,
                tracking.get_run(ours.run_id).info.artifact_uri,
                tracking.get_logged_model(logged).artifact_location,
                version.source,
                registry.get_model_version_download_uri("coca", 1),
                tracking.get_experiment(foreign).artifact_location,
            ]

        before = addresses()
        with psycopg2.connect(**login) as connection, connection.cursor() as cursor:
            PREPARE["move_artifacts"](cursor, "/srv/celec/mlflow")
            PREPARE["move_artifacts"](cursor, "/srv/celec/mlflow")
        moved = [address.replace("s3://celec/mlflow/", "/srv/celec/mlflow/") for address in before]
        assert addresses() == moved
        assert before[-1] == moved[-1]
        assert sum(address.startswith("/srv/celec/mlflow/") for address in moved) == 5
