"""Terraform's code as Terraform and the checker of the shared tools see it, without a plan of an environment.

Where the stand-in for AWS's provider is not at hand, the real provider validates; where that cannot be had either, the
test is skipped and says so.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from celec_assets_tests.terraform_plan import ENVIRONMENTS, ROOT, STUB, copy_of_code, run_stubbed, why_none

CODE = ROOT / "terraform"
ROOTS = ("bootstrap", *(f"environments/{environment}" for environment in ENVIRONMENTS))
TESTED = sorted(str(path.parent.relative_to(CODE)) for path in CODE.rglob("tests") if path.is_dir())

pytestmark = pytest.mark.skipif(not shutil.which("terraform"), reason="there is no terraform on this machine")


def test_the_code_is_formatted() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(CODE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not STUB.with_name("tfcheck.py").is_file(), reason="the checker tfcheck.py is not on this machine")
def test_the_code_has_nothing_that_the_provider_refuses_and_nothing_unused() -> None:
    done = subprocess.run(
        [sys.executable, str(STUB.with_name("tfcheck.py")), "--unused", str(CODE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_prod_is_the_code_of_staging_with_other_values() -> None:
    staging, prod = (CODE / "environments" / environment for environment in ("staging", "prod"))
    own = {path.name for path in prod.glob("*.tf") if path.read_bytes() != (staging / path.name).read_bytes()}
    assert own == {"backend.tf", "settings.tf"}
    assert {path.name for path in staging.glob("*.tf")} == {path.name for path in prod.glob("*.tf")}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ROOTS)
def test_terraform_validates(folder: str, tmp_path: Path) -> None:
    done = run_begun(["terraform", "validate"], copy_of_code(tmp_path / "terraform") / folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("folder", TESTED)
def test_terraform_tests_pass(folder: str, tmp_path: Path) -> None:
    done = run_begun(["terraform", "test", "-no-color"], copy_of_code(tmp_path / "terraform") / folder)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    assert re.search(r"Success! [1-9]\d* passed", done.stdout), done.stdout[-1000:]


def run_begun(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """A command of Terraform where its providers are: the stand-in, or the real one where that can be had."""
    run = run_plainly if why_none() else run_stubbed
    begun = run(["terraform", "init", "-backend=false", "-input=false"], folder)
    if why_none() and begun.returncode:
        pytest.skip(f"{why_none()}, and the real provider cannot be had: {begun.stderr[-300:]}")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    return run(command, folder)


def run_plainly(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(bool(why_none()), reason=f"no plan of terraform/: {why_none()}")
def test_the_bucket_of_the_state_is_made_once(tmp_path: Path) -> None:
    where = copy_of_code(tmp_path / "terraform") / "bootstrap"
    commands = """
    set -e
    terraform init -input=false > init.log
    terraform apply -input=false -auto-approve -var region=us-east-1 -var github=true > apply.log
    terraform plan -input=false -detailed-exitcode -var region=us-east-1 -var github=true
    """
    done = run_stubbed(["sh", "-c", commands], where)
    assert done.returncode == 0, done.stdout + done.stderr
