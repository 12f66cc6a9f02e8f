"""The databases of Dagster and MLflow: made where there are none, and their tables as this version wants them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import dagster as dg

from celec_assets.refusal import Refusal
from celec_assets.settings import DatabaseSettings

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

TURN: Final = 0x63656C6563
"""The advisory lock of PostgreSQL that a preparation holds: two who make tables at once stumble over each other."""


def prepare(
    settings: DatabaseSettings, open_instance: Callable[[], dg.DagsterInstance], say: Callable[[str], None]
) -> None:
    """Users, databases and tables. Can be repeated, also by two at once, and then sets only the passwords again.

    Args:
        open_instance: how Dagster's instance is found, which lies in one of the databases.
        say: is told each deed; never a password.

    Raises:
        Refusal: the server cannot be reached, or does not let the administrator do what has to be done.
    """
    import psycopg2

    try:
        # Host, user, password and TLS are libpq's own variables. Every server has a database of this name.
        connection = psycopg2.connect(dbname="postgres", connect_timeout=30)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_lock(%s)", [TURN])
                for user, password, database in settings.users():
                    make_user(cursor, user, password, say)
                    make_database(cursor, database, user, say)
            migrate_dagster(open_instance, say)
            migrate_mlflow(settings.mlflow_database_url(), say)
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise Refusal(f"PostgreSQL at {settings.pghost}, as {settings.pguser}: {str(error).strip()}") from error


def make_user(cursor: "cursor", name: str, password: str, say: Callable[[str], None]) -> None:
    """A user who may log in with this password and nothing more. The server gets its SCRAM verifier only, so that the
    password is in none of its logs.
    """
    from psycopg2.extensions import encrypt_password
    from psycopg2.sql import SQL, Identifier, Literal

    cursor.execute("select 1 from pg_roles where rolname = %s", [name])
    if not cursor.fetchone():
        cursor.execute(SQL("create role {}").format(Identifier(name)))
        say(f"made the user {name}")
    verifier = encrypt_password(password, name, cursor.connection, "scram-sha-256")
    cursor.execute(SQL("alter role {} login password {}").format(Identifier(name), Literal(verifier)))
    # An administrator who is no superuser (in RDS nobody is) makes databases only for roles that are their own too.
    cursor.execute(SQL("grant {} to current_user").format(Identifier(name)))
    say(f"set the password of {name}")


def make_database(cursor: "cursor", name: str, owner: str, say: Callable[[str], None]) -> None:
    """A database of the owner's, closed to the other users."""
    from psycopg2.sql import SQL, Identifier

    cursor.execute("select 1 from pg_database where datname = %s", [name])
    if not cursor.fetchone():
        cursor.execute(SQL("create database {} owner {}").format(Identifier(name), Identifier(owner)))
        say(f"made the database {name} of {owner}")
    cursor.execute(SQL("revoke all on database {} from public").format(Identifier(name)))


def migrate_dagster(open_instance: Callable[[], dg.DagsterInstance], say: Callable[[str], None]) -> None:
    """As `dagster instance migrate`: tables as this version of Dagster wants them."""
    with open_instance() as instance:
        instance.upgrade(lambda message: say(f"Dagster: {message.strip()}"))


def migrate_mlflow(url: str, say: Callable[[str], None]) -> None:
    """As `mlflow db upgrade`, but for its argument, which holds a password and would show among the processes."""
    import mlflow.db

    mlflow.db.commands.main(["upgrade", url], standalone_mode=False)
    say("MLflow: the tables are as this version wants them")
