"""`celec prepare` against a real PostgreSQL, as an administrator of RDS who is no superuser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from celec_assets_tests.postgres_server import Postgres, needs_postgres, postgres_server

ROOT = Path(__file__).parents[1]
ADMINISTRATOR = "master p@ss"
PASSWORDS = {"flows": "d/w:rd%'", "tracking": "m\\w @rd"}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        server.sql("alter system set log_statement = 'all'")
        server.sql("select pg_reload_conf()")
        server.sql(f"create role master login createrole createdb password '{ADMINISTRATOR}'")
        yield server


def environment(postgres: Postgres, **passwords: str) -> dict[str, str]:
    told = {**PASSWORDS, **passwords}
    return {
        "PATH": os.environ["PATH"],
        "DAGSTER_HOME": str(ROOT / "deploy"),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.port),
        "PGUSER": "master",
        "PGPASSWORD": ADMINISTRATOR,
        "PGSSLMODE": "prefer",
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_PORT": str(postgres.port),
        "DAGSTER_PG_USERNAME": "flows",
        "DAGSTER_PG_PASSWORD": told["flows"],
        "DAGSTER_PG_DB": "dagster_runs",
        "MLFLOW_PG_USERNAME": "tracking",
        "MLFLOW_PG_PASSWORD": told["tracking"],
        "MLFLOW_PG_DB": "mlflow",
    }


def start(told: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "celec_assets.cli", "prepare"]
    return subprocess.Popen(
        command, cwd="/", env=told | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def prepare(told: dict[str, str]) -> tuple[int, str]:
    process = start(told)
    output = process.communicate(timeout=240)[0]
    return process.returncode, output


def as_user(postgres: Postgres, user: str, password: str, database: str, statement: str) -> object:
    import psycopg2

    connection = psycopg2.connect(host="127.0.0.1", port=postgres.port, user=user, password=password, dbname=database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


@needs_postgres
@pytest.mark.slow
def test_an_empty_server_gets_users_databases_and_tables_and_then_only_what_is_new(postgres: Postgres) -> None:
    import psycopg2

    # Two deployments at once: whoever comes second finds everything done.
    both = [start(environment(postgres)) for _ in range(2)]
    told = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    made = sorted(line for output in told for line in output.splitlines() if line.startswith("made"))
    assert made == [
        "made the database dagster_runs of flows",
        "made the database mlflow of tracking",
        "made the user flows",
        "made the user tracking",
    ]
    assert as_user(postgres, "flows", PASSWORDS["flows"], "dagster_runs", "select count(*) from runs") == 0
    assert as_user(postgres, "tracking", PASSWORDS["tracking"], "mlflow", "select count(*) from experiments") == 0
    # What Dagster's tables are does not concern MLflow, and the other way round.
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        as_user(postgres, "tracking", PASSWORDS["tracking"], "dagster_runs", "select 1")

    # A secret was rotated; a run that goes on keeps its connection, and no table changes.
    before = postgres.sql("select xmin, version_num from alembic_version", "mlflow")
    new = "another / one"
    code, output = prepare(environment(postgres, flows=new))
    assert code == 0, output
    assert "made" not in output
    assert postgres.sql("select xmin, version_num from alembic_version", "mlflow") == before
    assert as_user(postgres, "flows", new, "dagster_runs", "select 1") == 1
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        as_user(postgres, "flows", PASSWORDS["flows"], "dagster_runs", "select 1")

    # Every statement stands in the server's log, and no password in it, nor in what was printed.
    log = postgres.log.read_text()
    assert "alter role" in log
    for secret in (*PASSWORDS.values(), new):
        assert secret.replace("'", "''") not in log
        assert all(secret not in text for text in (*told, output))


@needs_postgres
@pytest.mark.slow
def test_an_administrator_with_a_wrong_password_is_told_so_without_it(postgres: Postgres) -> None:
    code, output = prepare(environment(postgres) | {"PGPASSWORD": "of last week"})
    assert code == 2
    assert "PostgreSQL at 127.0.0.1, as master: " in output
    assert "password authentication failed" in output
    assert "of last week" not in output
    assert "Traceback" not in output


def test_everything_that_is_missing_is_named_at_once() -> None:
    code, output = prepare({"PATH": os.environ["PATH"], "PGHOST": "database", "DAGSTER_PG_USERNAME": "dagster"})
    assert code == 2
    missing = ("PGUSER", "PGPASSWORD", "DAGSTER_PG_PASSWORD", "DAGSTER_PG_DB")
    assert all(f"  {name}: Field required" in output for name in missing), output
    assert all(f"MLFLOW_PG_{name}: Field required" in output for name in ("USERNAME", "PASSWORD", "DB")), output
    assert "PGHOST:" not in output


def test_three_users_are_three() -> None:
    names = dict.fromkeys(("PGHOST", "PGUSER", "PGPASSWORD"), "same")
    ours = {f"{who}_PG_{what}": "same" for who in ("DAGSTER", "MLFLOW") for what in ("USERNAME", "PASSWORD", "DB")}
    code, output = prepare({"PATH": os.environ["PATH"], **names, **ours})
    assert code == 2
    assert "are three users, and two databases are needed" in output
