"""Plans of both environments, made by the real Terraform against a stand-in for AWS that knows its schema.

The plan that the rules read is the second one: after an apply nothing is unknown, so that every reference can be
followed by its value. It has to be empty.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from celec_assets_tests.terraform_stand_in import completed
from terraform.bill.plan import Plan, Resource

ROOT = Path(__file__).parents[1]
STUB = Path(__file__).parents[2] / "shared" / "tools" / "tfcheck" / "tfstub.py"
ENVIRONMENTS = ("staging", "prod")
IMAGE_TAG = "0123456789abcdef0123456789abcdef01234567"

WITH_A_LOGIN = """
domain = {
  name            = "forecasts.example.com"
  certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  login = {
    user_pool_arn       = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example"
    user_pool_client_id = "0123456789abcdefghijklmnop"
    user_pool_domain    = "celec-prod"
  }
}
"""
"""As prod should be; staging is planned as its example says, by HTTP."""

FROM_GITHUB = 'github_repository = "celec/celec_assets"\n'
IN_LARGE_RANGES = 'settings = { CELEC_PARTITIONS_PER_RUN = "1000" }\n'

_COMMANDS = """
set -e
terraform init -input=false > init.log
terraform plan -input=false -out first > plan.log
terraform show -json first > first.json
terraform apply -input=false first > apply.log
terraform plan -input=false -out second > again.log
terraform show -json second > second.json
"""


class ShownPlan(Plan):
    """The plan of an environment, for the rules."""

    def __init__(self, environment: str, shown: dict[str, Any]) -> None:
        super().__init__(shown)
        self.environment, self.shown = environment, shown

    def by(self, kind: str, attribute: str, value: Any) -> Resource | None:
        """The resource of a type whose attribute has a value."""
        return next((found for found in self.of(kind) if found.get(attribute) == value), None)


def why_none() -> str:
    """Why no plan can be made on this machine; empty where it can."""
    if not shutil.which("terraform"):
        return "there is no terraform on this machine"
    if not STUB.is_file():
        return f"there is no stand-in for AWS's provider, {STUB}"
    missing = [name for name in ("grpc", "msgpack") if find_spec(name) is None]
    return f"the stand-in provider needs {', '.join(missing)}" if missing else ""


needs_plans = pytest.mark.skipif(bool(why_none()), reason=f"no plan of terraform/: {why_none()}")


def copy_of_code(into: Path) -> Path:
    """terraform/ as it is in the repository, without what a person's own Terraform left in it."""
    hidden = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan", "terraform.tfvars", "bill")
    shutil.copytree(ROOT / "terraform", into, ignore=hidden)
    return into


def code_to_plan(into: Path) -> Path:
    """A copy with values for its variables, whose state is kept in a file instead of a bucket."""
    copy_of_code(into)
    for environment in ENVIRONMENTS:
        folder = into / "environments" / environment
        (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        example = (folder / "terraform.tfvars.example").read_text()
        (folder / "terraform.tfvars").write_text(
            example + FROM_GITHUB + IN_LARGE_RANGES + (WITH_A_LOGIN if environment == "prod" else "")
        )
    return into


def run_stubbed(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """A command whose Terraform talks to the stand-in."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    environment |= {"TF_CLI_CONFIG_FILE": os.devnull, "TF_VAR_image_tag": IMAGE_TAG}
    return subprocess.run(
        [sys.executable, str(STUB), *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


class PlanFailed(Exception):
    """Terraform refused; its message says why."""


def make_plans(code: Path, environment: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan before anything exists and the one after an apply, as `terraform show -json` prints them.

    Raises:
        PlanFailed: what Terraform said.
    """
    folder = code / "environments" / environment
    done = run_stubbed(["sh", "-c", _COMMANDS], folder)
    if done.returncode:
        raise PlanFailed(done.stdout + done.stderr)
    first, second = (json.loads((folder / f"{which}.json").read_text()) for which in ("first", "second"))
    return first, completed(second)
