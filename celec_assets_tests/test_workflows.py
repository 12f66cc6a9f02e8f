"""The workflows: clean, pinned, with no more rights than each job needs, and no key that could leak."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github/actions").rglob("action.yml"))
BIN = Path(sys.executable).parent

# What a job may have beside reading the code, and for what.
RIGHTS = {
    ("plan.yml", "plan"): {"id-token": "write"},
    ("plan.yml", "comment"): {"pull-requests": "write"},
    ("deploy.yml", "deploy"): {"id-token": "write"},
    ("main.yml", "staging"): {"id-token": "write"},
    ("release.yml", "prod"): {"id-token": "write"},
}


def read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return told


def triggers(workflow: dict[str, Any]) -> Any:
    # YAML 1.1 reads the key `on` as true.
    return workflow.get("on") or workflow[True]  # type: ignore[call-overload]


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield path.name, name, job


def test_actionlint_finds_nothing() -> None:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}  # it asks shellcheck about what jobs run
    done = subprocess.run(
        [str(BIN / "actionlint")], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))
    assert used or path.name == "action.yml"
    for action, beside in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", beside), f"{action}{beside}"
        else:
            assert (ROOT / action).exists(), action


def test_an_action_is_of_one_commit_everywhere() -> None:
    found = {
        used
        for path in [*WORKFLOWS, *ACTIONS]
        for used in re.findall(r"uses: ([\w-]+/\S+)@(\w+)", path.read_text("utf-8"))
    }
    assert len({action for action, _ in found}) == len(found)


def test_a_step_fails_with_the_first_program_of_a_pipe() -> None:
    """GitHub's own shell is `bash -e`, for which a deployment that fails into `tee` went well."""
    running = {file for file, _, job in jobs() for step in job.get("steps", ()) if "run" in step}
    assert running == {path.name for path in WORKFLOWS if read(path).get("defaults") == {"run": {"shell": "bash"}}}


def test_what_is_printed_beside_a_deployment_does_not_change_the_tree() -> None:
    """deploy.sh refuses a tree that is not the commit."""
    (commands,) = [
        step["run"]
        for _, _, job in jobs()
        for step in job.get("steps", ())
        if "deploy.sh -e" in step.get("run", "") and "-p" not in step["run"]
    ]
    written = re.findall(r"(?:>|tee) (\S+)", commands)
    assert written == ['"terraform/environments/$ENVIRONMENT/terraform.tfvars"', '"$RUNNER_TEMP/deployment.txt"']
    ignored = subprocess.run(
        ["git", "check-ignore", "terraform/environments/prod/terraform.tfvars"], cwd=ROOT, check=False
    )
    assert ignored.returncode == 0


def test_no_job_has_a_right_that_it_does_not_need() -> None:
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {}, path.name
    for file, name, job in jobs():
        base = {} if (file, name) == ("plan.yml", "comment") else {"contents": "read"}
        assert job["permissions"] == base | RIGHTS.get((file, name), {}), (file, name)


def test_a_job_that_others_write_gets_no_role() -> None:
    for file, name, job in jobs():
        assert "pull_request_target" not in triggers(read(ROOT / ".github/workflows" / file))
        if "id-token" in job["permissions"] and "pull_request" in triggers(read(ROOT / ".github/workflows" / file)):
            assert "head.repo.full_name == github.repository" in job["if"], (file, name)


def test_there_is_no_long_lived_key_and_no_token_is_left_in_the_clone() -> None:
    for path in [*WORKFLOWS, *ACTIONS]:
        text = path.read_text("utf-8")
        assert not re.search(r"secrets\.|aws-access-key-id|aws-secret-access-key|AKIA", text), path.name
        assert text.count("uses: actions/checkout@") == text.count("persist-credentials: false"), path.name


def test_every_job_ends_in_time_and_what_deploys_is_alone() -> None:
    for file, name, job in jobs():
        if "uses" not in job:
            assert job["timeout-minutes"], (file, name)
    deploy = read(ROOT / ".github/workflows/deploy.yml")["jobs"]["deploy"]
    assert deploy["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}
    assert deploy["environment"] == "${{ inputs.environment }}"
    for name in ("ci", "plan"):
        assert read(ROOT / f".github/workflows/{name}.yml")["concurrency"]["group"]


@pytest.mark.parametrize(
    ("workflow", "job", "trigger"),
    [("main", "staging", {"push": {"branches": ["main"]}}), ("release", "prod", {"push": {"tags": ["v*"]}})],
)
def test_what_is_deployed_has_passed_everything(workflow: str, job: str, trigger: dict[str, Any]) -> None:
    told = read(ROOT / f".github/workflows/{workflow}.yml")
    assert triggers(told) == trigger
    assert told["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert told["jobs"][job]["needs"] == "ci"
    assert told["jobs"][job]["with"]["environment"] == job


def test_what_a_person_types_is_what_workflows_run() -> None:
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    for command in ("make lint", "make check", "make terraform", "make checkov", "make secrets", "make audit"):
        assert f"run: {command}" in text, command
    assert 'scripts/deploy.sh -e "$ENVIRONMENT" -r "$REGION"' in text


def test_every_setting_that_workflows_read_is_documented() -> None:
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    documented = (ROOT / "docs/deployment.md").read_text("utf-8")
    named = {*re.findall(r"vars\.([A-Z_]+)", text), *re.findall(r"(?:role|values): ([A-Z_]+)", text)}
    assert {"DEPLOY_ROLE", "PLAN_ROLE_PROD", "TFVARS_STAGING", "REGION"} <= named
    assert [name for name in sorted(named) if f"`{name}`" not in documented] == []


def test_terraform_is_one_version_in_all_of_them_and_not_older_than_needed() -> None:
    versions = {
        found for path in WORKFLOWS for found in re.findall(r"terraform_version: (\S+)", path.read_text("utf-8"))
    }
    assert len(versions) == 1
    assert next(iter(versions)) >= "1.11"
