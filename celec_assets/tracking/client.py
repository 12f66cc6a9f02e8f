"""MLflow's side: runs, models and the alias, in few requests. Whatever goes wrong there is raised."""

import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import mlflow
import mlflow.pyfunc
from mlflow import MlflowClient, environment_variables
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)
from mlflow.telemetry import set_telemetry_client

from celec_assets.storage.formats import to_json
from celec_assets.storage.s3 import S3Store
from celec_assets.tracking.records import Record

REQUEST_SECONDS: Final = 5
RETRIES: Final = 1
"""MLflow's own patience with a server that does not answer is seven retries of two minutes each."""

IN_USE: Final = "in_use"
"""The alias of the version that forecasts."""
DAGSTER_RUN: Final = "dagster_run_id"
"""The tag by which dagster-mlflow finds the run that belongs to a Dagster run."""

_LOADER: Final = "celec_assets.tracking.loader"
_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
"""MLflow's pages show an experiment without a kind as one with language models."""


class Moved(NamedTuple):
    """The alias was moved: to which version, and from the version of which object ("": there was none)."""

    version: str
    came_from: str


class TrackingClient:
    """Runs and registered models at a tracking URL."""

    def __init__(self, url: str) -> None:
        _bound_and_quiet()
        self._url = url
        self._client = MlflowClient(url, registry_uri=url)
        self._experiments: dict[str, str] = {}

    def log(self, experiment: str, name: str, record: Record, document: Mapping[str, Any]) -> Run:
        """A run of its own for a model. It ends as FINISHED, or as FAILED when something of it could not be stored."""
        run = self._client.create_run(self._experiment(experiment), tags=record.tags, run_name=name)
        status = "FAILED"
        try:
            self.fill(run, record, model_files(document, run.info.run_id))
            status = "FINISHED"
        finally:
            self._client.set_terminated(run.info.run_id, status)
        return run

    def fill(self, run: Run, record: Record, further_files: Mapping[str, bytes]) -> None:
        """Put a record and further files into a run that is going on, in one request and a put a file."""
        self._client.log_batch(
            run.info.run_id,
            [Metric(name, value, run.info.start_time, 0) for name, value in record.metrics.items()],
            [Param(name, value) for name, value in record.params.items()],
            [RunTag(name, value) for name, value in record.tags.items()],
        )
        self._put(run, {**record.files, **further_files})

    def mirror(self, station: str, key: str, log: Callable[[], Run]) -> Moved | None:
        """Let the alias of a station's registered model say which model is in use. None: it does already.

        Args:
            key: of the model in use, in the lake.
            log: gives the run that holds it, for a model that is not registered yet.
        """
        aliased = self._aliased(station)
        if aliased and aliased.tags.get("object") == key:
            return None
        registered = self._client.search_model_versions(f"name = '{station}' and tags.object = '{key}'", max_results=1)
        there = registered[0] if registered else self._register(station, key, log())
        self._client.set_registered_model_alias(station, IN_USE, str(there.version))
        return Moved(str(there.version), aliased.tags.get("object", "?") if aliased else "")

    def end_abandoned(self, experiments: Iterable[str], is_over: Callable[[str], bool]) -> None:
        """End the runs whose process was killed, or whose server was gone when they were to end.

        Args:
            is_over: says of a Dagster run's id whether it has ended.
        """
        ids = [self._experiment(name) for name in experiments]
        for run in self._client.search_runs(ids, "attributes.status = 'RUNNING'"):
            if is_over(run.data.tags.get(DAGSTER_RUN, "")):
                self._client.set_terminated(run.info.run_id, "KILLED")

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            there = self._client.get_experiment_by_name(name)
            try:
                self._experiments[name] = there.experiment_id if there else self._create_experiment(name)
            except MlflowException as error:
                _unless(error, RESOURCE_ALREADY_EXISTS)  # another run was quicker
                return self._experiment(name)
        return self._experiments[name]

    def _create_experiment(self, name: str) -> str:
        if not self._url.startswith("sqlite:///"):
            return self._client.create_experiment(name, tags=_KIND)  # a server knows where artifacts go
        # Beside the database: MLflow would take whatever folder a process happens to work in.
        beside = Path(self._url.removeprefix("sqlite:///")).resolve().parent / "mlruns" / name
        return self._client.create_experiment(name, str(beside), tags=_KIND)

    def _aliased(self, station: str) -> ModelVersion | None:
        try:
            return self._client.get_model_version_by_alias(station, IN_USE)
        except MlflowException as error:
            _unless(error, RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE)  # no such model, or no such alias
            return None

    def _register(self, station: str, key: str, run: Run) -> ModelVersion:
        source = f"{run.info.artifact_uri}/model"
        while True:
            try:
                return self._client.create_model_version(
                    station, source, run.info.run_id, tags={"object": key}, await_creation_for=0
                )
            except MlflowException as error:
                _unless(error, RESOURCE_DOES_NOT_EXIST)
                self._client.create_registered_model(station)

    def _put(self, run: Run, files: Mapping[str, bytes]) -> None:
        uri = run.info.artifact_uri
        if uri.startswith("s3://"):
            # The lake's way to S3: MLflow's own waits five minutes for one that does not answer.
            store = S3Store(uri)
            for name, content in files.items():
                store.put(name, content)
            return
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (path := Path(folder, name)).parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._client.log_artifacts(run.info.run_id, folder)


def model_files(document: Mapping[str, Any], run_id: str) -> dict[str, bytes]:
    """A model as MLflow loads it: the document as it is, the name of what reads it, and the run that keeps it."""
    with tempfile.TemporaryDirectory() as folder:
        (data := Path(folder, "model.json")).write_bytes(to_json(dict(document)))
        model = Path(folder, "model")
        needs = [f"celec-assets=={version('celec-assets')}"]
        kept = Model(artifact_path="model", run_id=run_id)
        mlflow.pyfunc.save_model(
            model, loader_module=_LOADER, data_path=data, pip_requirements=needs, mlflow_model=kept
        )
        files = sorted(path for path in model.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _bound_and_quiet() -> None:
    for variable, value in {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": REQUEST_SECONDS,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": RETRIES,
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": True,
        "MLFLOW_DISABLE_TELEMETRY": True,
    }.items():
        getattr(environment_variables, variable).set(value)
    set_telemetry_client()  # type: ignore[no-untyped-call]  # which looks at its variable again
    logging.getLogger("mlflow").setLevel(logging.WARNING)


def _unless(error: MlflowException, *expected: int) -> None:
    if error.error_code not in [ErrorCode.Name(code) for code in expected]:
        raise error
