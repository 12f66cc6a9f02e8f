"""What the plugin `patient` makes of a database that is not there, against a real one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import sqlalchemy

from celec_assets.instance import patience
from celec_assets_tests.postgres_server import PASSWORD, Postgres, needs_postgres, postgres_server

pytestmark = [pytest.mark.slow, needs_postgres]

AS_A_RUN = """
import sys
import sqlalchemy
engine = sqlalchemy.create_engine(sys.argv[2], poolclass=sqlalchemy.NullPool)
with engine.connect() as connection:
    print("connected", flush=True)
    connection.execute(sqlalchemy.text(f"select pg_sleep({sys.argv[3]})"))
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


def url(postgres: Postgres, password: str = PASSWORD) -> str:
    # As Dagster makes it of the parts.
    return f"postgresql+psycopg2://dagster:{quote(password)}@127.0.0.1:{postgres.port}/dagster?plugin=patient"


def as_a_run(postgres: Postgres, seconds: int) -> "subprocess.Popen[str]":
    """A run that is in a statement for so long."""
    command = [sys.executable, "-c", AS_A_RUN, "execute_run", url(postgres), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_connection_waits_for_a_database_that_restarts(postgres: Postgres) -> None:
    postgres.stop()
    back = threading.Timer(3, postgres.start)
    back.start()
    with sqlalchemy.create_engine(url(postgres)).connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar() == 1
    back.join()


def test_a_wrong_password_is_told_at_once(postgres: Postgres) -> None:
    started = time.monotonic()
    with pytest.raises(sqlalchemy.exc.OperationalError, match="password authentication failed"):
        sqlalchemy.create_engine(url(postgres, "wrong")).connect()
    assert time.monotonic() - started < patience.ATTEMPT_SECONDS / 2


def test_a_database_that_stays_away_is_told_after_the_wait(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ATTEMPT_SECONDS", 1)
    postgres.stop()
    try:
        with pytest.raises(sqlalchemy.exc.OperationalError, match="Connection refused"):
            sqlalchemy.create_engine(url(postgres)).connect()
    finally:
        postgres.start()


def test_a_run_whose_statement_is_broken_off_ends_to_be_started_again(postgres: Postgres) -> None:
    with as_a_run(postgres, 60) as run:
        assert run.stdout
        assert run.stdout.readline() == "connected\n"
        time.sleep(0.5)
        postgres.stop()
        _, said = run.communicate(timeout=30)
    postgres.start()
    assert run.returncode == os.EX_TEMPFAIL
    assert "This run ends here, to be started again: the database broke off a statement" in said


def test_a_run_that_is_stopped_in_the_middle_of_a_statement_is_not_started_again(postgres: Postgres) -> None:
    with as_a_run(postgres, 2) as run:
        assert run.stdout
        assert run.stdout.readline() == "connected\n"
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
    assert run.returncode == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt"), said


def test_a_run_keeps_its_connection_and_makes_another_after_a_restart(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def server_processes() -> list[object]:
        # As Dagster asks for a connection at every event.
        engine = sqlalchemy.create_engine(url(postgres), poolclass=sqlalchemy.NullPool)
        asked = []
        for restart in (False, False, True):
            if restart:
                postgres.stop()
                postgres.start()
            with engine.connect() as connection:
                asked.append(connection.execute(sqlalchemy.text("select pg_backend_pid()")).scalar())
        return asked

    first, second, after = server_processes()
    assert len({first, second, after}) == 3
    monkeypatch.setattr(sys, "argv", ["dagster", "api", "execute_run"])
    first, second, after = server_processes()
    assert first == second != after


def test_a_run_whose_statement_is_wrong_is_told_so_and_lives(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["dagster", "api", "execute_run"])
    with (
        sqlalchemy.create_engine(url(postgres)).connect() as connection,
        pytest.raises(sqlalchemy.exc.ProgrammingError, match="no_such_table"),
    ):
        connection.execute(sqlalchemy.text("select * from no_such_table"))
