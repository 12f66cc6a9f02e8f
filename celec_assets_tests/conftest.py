"""What several test modules start from."""

import json
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from celec_assets.connectors import pace
from celec_assets.storage.store import FolderStore
from celec_assets_tests.s3_server import BUCKET, ENVIRONMENT
from celec_assets_tests.services import FastClock, Services, served
from celec_assets_tests.terraform_plan import ENVIRONMENTS, ShownPlan, code_to_plan, make_plans

# A busy machine is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

STRANGERS = ("CELEC_", "DAGSTER_", "MLFLOW_", "AWS_", "PG", "TF_", "GIT_DIR", "GIT_INDEX", "GIT_WORK")
"""How the names of variables begin that change what is tested. Git's are set where a hook runs the tests, and would
have their commits end in this repository.
"""


@pytest.fixture(scope="session", autouse=True)
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of whoever tests comes in, and nothing of the tests is left on the machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(STRANGERS)]:
            patch.delenv(name)
        # It takes seconds to load and leaves a database in the working directory: the tests in tracking/ alone have it on.
        patch.setenv("CELEC_MLFLOW_URL", "off")
        patch.setattr(pace, "FOLDER", tmp_path_factory.mktemp("pace"))
        yield


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lake")


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A server in this process, so that a test can change what it holds behind its back."""
    import boto3
    from moto.server import ThreadedMotoServer  # takes two seconds to load

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            only_fake_credentials(patch)
            boto3.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        server.stop()


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty lake in S3, to which the environment leads as it does in production."""
    from celec_assets.storage import s3

    only_fake_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    s3.connect.cache_clear()
    yield f"s3://{BUCKET}/{uuid.uuid4().hex}"
    s3.connect.cache_clear()


def only_fake_credentials(patch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own AWS account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)


@pytest.fixture
def services() -> Iterator[Services]:
    """CELEC's historian and GEOGLOWS on the loopback, empty."""
    with served(Services()) as server:
        yield server


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture(scope="session")
def terraform_plans(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, dict[str, ShownPlan]]:
    """By environment: the `first` plan and the `second`, after an apply. Made once for all workers of a test run."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    kept = shared / "terraform_plans.json"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            code = code_to_plan(shared / "terraform")
            with ThreadPoolExecutor() as both:
                made = dict(zip(ENVIRONMENTS, both.map(lambda of: make_plans(code, of), ENVIRONMENTS), strict=True))
            kept.write_text(json.dumps(made))
    return {
        environment: {"first": ShownPlan(environment, first), "second": ShownPlan(environment, second)}
        for environment, (first, second) in json.loads(kept.read_text()).items()
    }
