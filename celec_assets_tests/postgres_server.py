"""A PostgreSQL server of this machine's own installation, on the loopback, for as long as a test needs it."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "p@ss/w rd%"
"""With every character that a URL would trip over."""


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest where there are several; None where there is none."""
    folders = [Path(found).parent for name in ("postgres", "initdb") if (found := shutil.which(name))]
    if pg_config := shutil.which("pg_config"):
        folders.append(Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip()))
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    return next((path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None)


WHY_NONE = "" if find_binaries() else "no PostgreSQL on this machine: initdb and postgres are not found"
needs_postgres = pytest.mark.skipif(bool(WHY_NONE), reason=WHY_NONE)


class Postgres:
    """One database, `dagster`, of one user, `dagster`. `stop` and `start` as often as one likes."""

    def __init__(self, binaries: Path, folder: Path, port: int) -> None:
        self.port = port
        self._binaries, self._folder = binaries, folder
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to be run by root.
        self._as = {"user": _nobody(), "group": pwd.getpwnam(_nobody()).pw_gid} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(folder, self._as["user"])
        self._environment = os.environ | {"LC_ALL": "C"}
        self.log = folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        """What `deploy/dagster.yaml` reads."""
        return {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(self.port),
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": PASSWORD,
            "DAGSTER_PG_DB": "dagster",
        }

    def initialise(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        account = ["-U", "dagster", "-A", "scram-sha-256", "--pwfile=password"]
        # Whatever this machine speaks, the server's messages are in English, as RDS has them: tests read them.
        self._run("initdb", "-D", "data", *account, "-N", "-E", "UTF8", "--locale=C")
        self.start()
        self.sql("create database dagster", database="postgres")

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "log_connections": "on",
            "fsync": "off",
        }
        command = [str(self._binaries / "postgres"), "-D", "data"]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=self._environment, stdout=log, stderr=log, **self._as
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError(f"PostgreSQL does not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as a machine that goes down: every connection breaks."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)

    def sql(self, statement: str, database: str = "dagster") -> list[tuple[object, ...]]:
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="dagster", password=PASSWORD, dbname=database
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def connections(self, application: str) -> int:
        """How many connections processes with this `PGAPPNAME` have made so far."""
        return len(re.findall(rf"connection authorized:.* application_name={application}\b", self.log.read_text()))

    def _answers(self) -> bool:
        import psycopg2

        try:
            return bool(self.sql("select 1", database="postgres"))
        except psycopg2.OperationalError:
            return False

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        subprocess.run(command, cwd=self._folder, env=self._environment, check=True, capture_output=True, **self._as)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    binaries = find_binaries()
    assert binaries, WHY_NONE
    # Not pytest's own folder: the user who runs PostgreSQL must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="celec-postgres-"))
    server = Postgres(binaries, folder, free_port())
    try:
        server.initialise()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _nobody() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
