"""A server whose lake is a prefix in a bucket of somebody's own."""

import json
import re
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from celec_assets_tests.compose_stack import (
    BUCKET,
    LAST_DAY,
    PRODUCTION,
    ROOT,
    TAG,
    Stack,
    docker,
    raw_files,
    say,
    stack,
    why_not,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no containers can be run")]

DEPLOYMENT = (ROOT / "docs/deployment.md").read_text("utf-8")


@pytest.fixture
def platform() -> Iterator[Stack]:
    with stack("celec-bucket-tests") as platform:
        platform.compose("build", timeout=1500)
        yield platform


def credentials(name: str) -> str:
    return f"[default]\naws_access_key_id = {name}\naws_secret_access_key = the-secret-of-{name}\n"


@contextmanager
def s3_elsewhere(platform: Stack, folder: Path) -> Iterator[None]:
    """An S3 in the platform's network, none of its services; `guest` may use one prefix of one bucket there."""
    may = {"owner": ["Admin"], "guest": [f"{action}:{BUCKET}/rivers/*" for action in ("Read", "Write", "List")]}
    identities = [
        {"name": name, "credentials": [{"accessKey": name, "secretKey": f"the-secret-of-{name}"}], "actions": actions}
        for name, actions in may.items()
    ]
    (folder / "store.json").write_text(json.dumps({"identities": identities}), "utf-8")
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["store"]["command"]
    name = f"{platform.project}-elsewhere"
    docker(
        "run", "--detach", "--name", name, "--network", f"{platform.project}_default", "--network-alias", "elsewhere",
        "-p", f"127.0.0.1:{platform.ports['S3_PORT']}:8333", "-v", f"{folder}/store.json:/run/secrets/store.json:ro",
        f"celec-store:{TAG}", *command.split(),
    )  # fmt: skip
    try:
        platform.wait_for("S3", 60, lambda: urllib.request.urlopen(f"{platform.url('S3_PORT')}/healthz", timeout=5))
        yield
    finally:
        docker("rm", "--force", "--volumes", name)


def test_a_prefix_in_a_bucket_of_ones_own_is_enough(platform: Stack, tmp_path: Path) -> None:
    platform.environment |= {**PRODUCTION, "STORAGE": f"s3://{BUCKET}/rivers", "S3_ENDPOINT": "http://elsewhere:8333"}
    platform.up("postgres")  # the network, and the secrets as every first start makes them
    with s3_elsewhere(platform, tmp_path):
        platform.s3(credentials("owner")).create_bucket(Bucket=BUCKET)
        (tmp_path / "mine").write_text(credentials("guest"), "utf-8")
        command = re.search(r"^ +(docker compose run .*) my-credentials$", DEPLOYMENT, re.M)
        assert command
        subprocess.run(f"{command[1]} {tmp_path}/mine", shell=True, cwd=ROOT, env=platform.environment, check=True)
        platform.up("--force-recreate")
        say("own credentials brought, nothing refused")
        name, raw = next((name, content) for name, content in raw_files(LAST_DAY).items() if "ccs" in name)
        platform.s3().put_object(Bucket=BUCKET, Key=f"rivers/lake/raw/{name}", Body=raw)
        forecast = f"lake/flow_forecast/coca/issued/{LAST_DAY}.parquet"
        platform.wait_for("forecast", 240, lambda: f"rivers/{forecast}" in platform.objects("rivers/"))
        assert platform.objects("rivers/mlflow/")
        platform.script("backup.sh", str(tmp_path / "backup"))
        with tarfile.open(tmp_path / "backup/objects.tar") as backup:
            assert forecast in backup.getnames()
