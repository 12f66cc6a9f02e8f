"""checkov's list of known mistakes, on Terraform's code and on both plans.

What does not hold is skipped beside the resource, with the reason. checkov has an environment of its own.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from celec_assets_tests.terraform_plan import ENVIRONMENTS, ROOT, ShownPlan, needs_plans

pytestmark = pytest.mark.slow

OF_THE_PLAN_ONLY = {
    "CKV_AWS_21": "it loses the bucket of a setting made by for_each; rule buckets_keep_versions follows it",
    "CKV2_AWS_6": "the same; rule buckets_are_private",
    "CKV_AWS_300": "it takes the empty filter, which a plan writes out, for one; rule buckets_forget_what_is_old",
    "CKV_AWS_211": "the stand-in invents the name of the certificate authority, which AWS chooses",
    "CKV_AWS_332": "the stand-in invents the platform version, which is the latest where none is said",
    "CKV2_AWS_35": "the stand-in invents the gateway's id, so that it is not seen to be an internet gateway's",
}
"""What fails on plans and not on code, and why."""


@pytest.fixture(scope="module")
def program() -> Path:
    subprocess.run(["make", ".venv-checkov/bin"], cwd=ROOT, check=True, capture_output=True)
    return ROOT / ".venv-checkov" / "bin" / "checkov"


def check(program: Path, *what: str | Path) -> dict[str, list[dict[str, Any]]]:
    """Its verdicts by outcome: passed_checks, failed_checks, skipped_checks."""
    done = subprocess.run(
        [program, *what, "--skip-download", "--compact", "--output", "json"],
        cwd=ROOT,
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)["results"]
    return found


@pytest.fixture(scope="module")
def of_code(program: Path) -> dict[str, list[dict[str, Any]]]:
    return check(program, "--directory", "terraform", "--framework", "terraform")


def test_the_code_has_no_known_mistake_without_its_reason(of_code: dict[str, list[dict[str, Any]]]) -> None:
    assert len(of_code["passed_checks"]) > 300
    assert [f"{found['check_id']} {found['resource']}" for found in of_code["failed_checks"]] == []
    reasons = [found["check_result"]["suppress_comment"] for found in of_code["skipped_checks"]]
    assert [reason for reason in reasons if len(reason) < 20] == []


@needs_plans
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_plan_has_no_known_mistake_that_the_code_has_not(
    environment: str,
    program: Path,
    of_code: dict[str, list[dict[str, Any]]],
    terraform_plans: dict[str, dict[str, ShownPlan]],
    tmp_path: Path,
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(terraform_plans[environment]["second"].shown))
    of_plan = check(program, "--file", path, "--framework", "terraform_plan")
    reasoned = {(found["check_id"], kind(found)) for found in of_code["skipped_checks"]}
    new = {
        (found["check_id"], kind(found), found["check_name"])
        for found in of_plan["failed_checks"]
        if (found["check_id"], kind(found)) not in reasoned and found["check_id"] not in OF_THE_PLAN_ONLY
    }
    assert len(of_plan["passed_checks"]) > 100
    assert new == set()


def kind(found: dict[str, Any]) -> str:
    """The type of resource that a verdict is about."""
    address: str = found["resource"]
    return next(part for part in address.split(".") if part.startswith("aws_"))
