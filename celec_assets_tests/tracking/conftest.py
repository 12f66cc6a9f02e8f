from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from celec_assets_tests.mlflow_server import mlflow_server
from celec_assets_tests.tracking.trainer import Trainer, mlflow, runs


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
