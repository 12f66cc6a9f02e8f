"""scripts/deploy.sh from end to end: the real Terraform, Docker engine, registry and awscli; celec_assets_tests/aws_account.py
says what stands for AWS. The tests of one account follow one another, as a person's commands do.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from celec_assets_tests.aws_account import STUB, Account, aws_account
from celec_assets_tests.compose_stack import why_not
from celec_assets_tests.postgres_server import PASSWORD, WHY_NONE, postgres_server

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts/deploy.sh"
AWS = ROOT / ".venv-awscli/bin/aws"
SERVICES = {"webserver", "orchestration", "pages"}


def why_no_account() -> str:
    """Why there can be no account here; empty where there can."""
    wanted = {name: shutil.which(name) for name in ("terraform", "jq", "docker-registry")}
    if missing := [name for name, found in wanted.items() if not found]:
        return f"these programs are not here: {', '.join(missing)}"
    if not AWS.exists():
        return "there is no awscli: make .venv-awscli/bin"
    if not STUB.exists() or not all(find_spec(name) for name in ("grpc", "msgpack")):
        return "there is no stand-in for AWS's Terraform provider"
    return WHY_NONE or why_not()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    if reason := why_no_account():
        pytest.skip(reason)
    programs = {"aws": str(AWS), "docker-registry": shutil.which("docker-registry") or ""}
    with postgres_server() as postgres:
        values = {
            "DAGSTER_HOME": str(ROOT / "deploy"),
            **dict.fromkeys(("PGHOST", "DAGSTER_PG_HOST"), "127.0.0.1"),
            **{name: str(postgres.port) for name in ("PGPORT", "DAGSTER_PG_PORT")},
            "PGUSER": "dagster",
            "PGPASSWORD": PASSWORD,
            "PGSSLMODE": "prefer",
            "DAGSTER_PG_USERNAME": "flows",
            "DAGSTER_PG_PASSWORD": "secret of Dagster",
            "DAGSTER_PG_DB": "flows",
            "MLFLOW_PG_USERNAME": "mlflow",
            "MLFLOW_PG_PASSWORD": "secret of MLflow",
            "MLFLOW_PG_DB": "mlflow",
        }
        with aws_account(tmp_path_factory.mktemp("aws"), programs, values) as made:
            yield made


def run(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    told = {**os.environ, **environment}
    return subprocess.run(
        [str(SCRIPT), *options], env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-e",),
        ("-e", "production"),
        ("-p",),
        ("-e", "prod", "-x"),
        ("-e", "staging", "-p", "-d"),
        ("-e", "prod", "now"),
    ],
)
def test_what_it_does_not_understand_it_answers_with_its_usage(options: tuple[str, ...]) -> None:
    done = run(*options)
    assert done.returncode == 2
    assert "usage: scripts/deploy.sh -e staging|prod" in done.stderr


def test_its_help_names_every_option() -> None:
    done = run("-h")
    assert done.returncode == 0
    assert re.findall(r"^  (-\w) ", done.stdout, re.M) == ["-e", "-r", "-p", "-d", "-h"]


def test_programs_that_are_missing_are_named_all_at_once(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "date", "git", "env"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    done = run("-e", "staging", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "these programs are missing, install them: terraform aws jq docker curl" in done.stderr


def test_scripts_are_clean() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    scripts = sorted(str(path) for path in (ROOT / "scripts").glob("*.sh"))
    assert len(scripts) >= 3
    done = subprocess.run([str(shellcheck), *scripts], capture_output=True, text=True, check=False)
    assert done.stdout == ""


# The story of an account.


@pytest.mark.slow
def test_a_plan_changes_nothing(account: Account) -> None:
    done = account.deploy("-e", "staging", "-p")
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"Plan: \d+ to add, 0 to change, 0 to destroy", done.stdout), done.stdout
    assert account.state()["resources"] == []
    assert account.ecs.moves == []
    assert account.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_what_is_not_committed_has_no_name_to_be_deployed_under(account: Account) -> None:
    (account.clone / "celec_assets/catalogue.toml").write_text("")
    done = account.deploy("-e", "staging")
    account.git("checkout", "--quiet", "celec_assets/catalogue.toml")
    assert done.returncode == 1
    assert "commit (or put aside) what has changed first:\n M celec_assets/catalogue.toml" in done.stdout
    assert account.state()["resources"] == []


@pytest.mark.slow
def test_values_that_are_not_filled_in_are_asked_for(account: Account) -> None:
    values = account.clone / "terraform/environments/staging/terraform.tfvars"
    values.rename(values.with_suffix(".away"))
    done = account.deploy("-e", "staging")
    values.with_suffix(".away").rename(values)
    assert done.returncode == 1
    assert "terraform.tfvars is missing: copy terraform.tfvars.example" in done.stdout


@pytest.mark.slow
def test_wrong_credentials_and_an_account_that_was_not_prepared_are_told(account: Account) -> None:
    done = account.deploy("-e", "staging", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.returncode == 1
    assert "AWS does not accept the credentials: log in again (aws sso login), or set AWS_PROFILE" in done.stdout

    done = account.deploy("-e", "staging", "-r", "eu-west-1")
    assert done.returncode == 1
    assert "this account has no bucket celec-terraform-123456789012-eu-west-1 for Terraform's state" in done.stdout
    assert "terraform -chdir=terraform/bootstrap apply" in done.stdout


@pytest.mark.slow
def test_the_first_deployment_ends_with_services_that_were_seen_to_work(account: Account) -> None:
    done = account.deploy("-e", "staging")
    assert done.returncode == 0, done.stdout[-3000:]
    commit = account.git("rev-parse", "HEAD")
    assert account.platforms() == {commit: "linux/arm64"}
    assert "          | made the database mlflow of mlflow" in done.stdout
    assert "          | Dagster: Updating run storage..." in done.stdout
    assert {name: service.count for name, service in account.ecs.services.items()} == dict.fromkeys(SERVICES, 1)
    assert set(account.asked) == {"/server_info", "/health"}
    assert account.ecs.commands == [
        ["celec", "prepare"],
        ["celec", "smoke", "--workspace", "/opt/celec/deploy/workspace.yaml"],
    ]
    # Image and tables first, then services, and what would wake or scale them last.
    order = ["started=false", "image: build", "database: users", "services: to the new", "smoke test: a run"]
    assert sorted(order[1:], key=done.stdout.index) == order[1:]
    assert list(account.ecs.resources("aws_appautoscaling_target"))
    assert f"staging runs {commit}" in done.stdout
    assert account.git("status", "--porcelain") == ""
    for secret in ("secret of Dagster", "secret of MLflow", PASSWORD):
        assert secret not in done.stdout


@pytest.mark.slow
def test_a_second_deployment_changes_nothing(account: Account) -> None:
    moves, serial = len(account.ecs.moves), account.state()["serial"]
    done = account.deploy("-e", "staging")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "No changes. Your infrastructure matches the configuration." in done.stdout, done.stdout[-5000:]
    assert account.ecs.moves[moves:] == []
    assert account.state()["serial"] == serial
    assert f"{account.git('rev-parse', 'HEAD')} is there" in done.stdout
    assert "made the" not in done.stdout


def running(account: Account) -> dict[str, str]:
    return {name: service.definition for name, service in account.ecs.services.items()}


@pytest.mark.slow
def test_a_service_that_does_not_start_takes_all_of_them_back(account: Account) -> None:
    before = running(account)
    commit = account.commit("NOTES", "of a version that does not start")
    account.ecs.broken = {"webserver"}
    done = account.deploy("-e", "staging")
    assert done.returncode == 1, done.stdout[-3000:]
    moved = {name for name, definition, _ in account.ecs.moves if definition not in before.values()}
    assert "webserver" in moved
    assert running(account) == before
    assert "webserver does not become steady" in done.stdout
    assert "deployment circuit breaker: rolling back" in done.stdout
    assert f"staging runs what it ran before; commit {commit} is not deployed" in done.stdout
    assert f"staging runs {commit}" not in done.stdout


@pytest.mark.slow
def test_tasks_that_never_run_are_waited_for_and_told_of(account: Account) -> None:
    before = running(account)
    for service in account.ecs.services.values():
        service.count = 0
    account.ecs.stuck = {"orchestration"}
    done = account.deploy("-e", "staging", STEADY_SECONDS="6")
    account.ecs.stuck = set()
    assert done.returncode == 1, done.stdout[-3000:]
    assert "0 of 1 running, in_progress" in done.stdout
    assert done.stdout.count("orchestration does not become steady. What ECS says of it:") == 1
    assert "smoke test" not in done.stdout
    assert "staging runs what it ran before" in done.stdout
    assert running(account) == before
    for service in account.ecs.services.values():
        service.count = 1


@pytest.mark.slow
def test_a_database_that_cannot_be_prepared_moves_nothing(account: Account) -> None:
    before, moves = running(account), len(account.ecs.moves)
    account.ecs.exit_codes = {"database": 2}
    done = account.deploy("-e", "staging")
    assert done.returncode == 1, done.stdout[-3000:]
    assert "          | it did not work" in done.stdout
    assert "the database task failed, exit code 2: Essential container in task exited" in done.stdout
    assert "aws logs tail /celec/staging/database" in done.stdout
    assert (running(account), account.ecs.moves[moves:]) == (before, [])


@pytest.mark.slow
def test_a_run_that_does_not_work_takes_the_services_back_and_the_next_commit_is_deployed(account: Account) -> None:
    before = running(account)
    account.ecs.exit_codes = {"webserver": 1}
    done = account.deploy("-e", "staging")
    assert done.returncode == 1, done.stdout[-3000:]
    assert "the smoke test failed, exit code 1" in done.stdout
    assert running(account) == before

    commit = account.commit("NOTES", "of a version that works")
    done = account.deploy("-e", "staging")
    assert done.returncode == 0, done.stdout[-3000:]
    assert not {*running(account).values()} & {*before.values()}
    assert account.platforms()[commit] == "linux/arm64"


@pytest.mark.slow
def test_an_earlier_version_comes_back_by_its_commit_and_at_night_what_was_woken_sleeps_on(account: Account) -> None:
    def is_asleep() -> bool:
        (database,) = account.client("rds").describe_db_instances()["DBInstances"]
        counts = {service.count for service in account.ecs.services.values()}
        assert (database["DBInstanceStatus"], counts) in (("stopped", {0}), ("available", {1}))
        return counts == {0}

    account.client("rds").stop_db_instance(DBInstanceIdentifier="celec-staging")
    for service in account.ecs.services.values():
        service.count = 0
    account.ecs.exit_codes = {"database": 1}
    assert account.deploy("-e", "staging").returncode == 1
    assert is_asleep(), "also where nothing was deployed"
    account.ecs.exit_codes = {}
    account.git("checkout", "--quiet", "HEAD~1")
    commit = account.git("rev-parse", "HEAD")
    done = account.deploy("-e", "staging")
    account.git("checkout", "--quiet", "main")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "the database celec-staging is stopped; until it answers" in done.stdout
    assert {count for _, _, count in account.ecs.moves[-2 * len(SERVICES) :]} == {1, 0}, "they were seen to run"
    assert is_asleep()
    # It is not built again.
    assert f"{commit} is there" in done.stdout
    assert f"staging runs {commit}" in done.stdout


@pytest.mark.slow
def test_prod_is_destroyed_only_by_its_name(account: Account) -> None:
    done = account.deploy("-e", "prod", "-d", answer="staging\n")
    assert done.returncode == 1
    assert "nothing was destroyed" in done.stdout


@pytest.mark.slow
def test_the_lake_survives_unless_told_twice(account: Account) -> None:
    lake = [bucket["id"] for bucket in account.ecs.resources("aws_s3_bucket")]
    done = account.deploy("-e", "staging", "-d")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "staging is destroyed, its buckets are not" in done.stdout
    left = {resource["type"] for resource in account.state()["resources"] if resource["mode"] == "managed"}
    assert left == {kind for kind in left if kind.startswith("aws_s3_bucket")}
    assert [bucket["id"] for bucket in account.ecs.resources("aws_s3_bucket")] == lake

    # The next deployment is a first one again, and finds them.
    account.ecs.services.clear()
    done = account.deploy("-e", "staging")
    assert done.returncode == 0, done.stdout[-3000:]
    assert [bucket["id"] for bucket in account.ecs.resources("aws_s3_bucket")] == lake
    assert {name: service.count for name, service in account.ecs.services.items()} == dict.fromkeys(SERVICES, 1)

    done = account.deploy("-e", "staging", "-d", "-d")
    assert done.returncode == 0, done.stdout[-3000:]
    assert [resource for resource in account.state()["resources"] if resource["mode"] == "managed"] == []
    assert re.search(r"staging is destroyed$", done.stdout, re.M)
