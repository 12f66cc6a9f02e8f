"""What Compose's one-off services do; each can be repeated and then changes nothing.

secrets     before all others: make the secrets that are not there
stores      when PostgreSQL and S3 are up: make databases, tables and bucket where there are none
export      write the lake and MLflow's files as a tar file to stdout
new         fail where something has been run already
restore     put what is in such a tar file, from stdin, and is not there
"""

import configparser
import io
import json
import os
import secrets
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

    from celec_assets.storage.store import ObjectStore

SECRETS = Path("/run/secrets")
PARTS = ("lake/", "mlflow/")
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's tables say in which store a file is."""


def make_secrets() -> None:
    """Files in `SECRETS`, and from your own where you put one there, those that follow from it."""
    # PostgreSQL's own user reads this one, and only containers of this stack see the volume.
    password = keep("postgres_password", secrets.token_urlsafe(32), 0o444)
    # libpq refuses a file that others may read. In it, a colon and a backslash are escaped.
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    write("pgpass", f"postgres:5432:*:celec:{escaped}\n", 0o400)
    pair = f"aws_access_key_id = {secrets.token_hex(10)}\naws_secret_access_key = {secrets.token_urlsafe(30)}\n"
    credentials = configparser.ConfigParser(interpolation=None)
    credentials.read_string(keep("s3_credentials", f"[default]\n{pair}", 0o400))
    key = credentials["default"]
    identity = {
        "name": "celec",
        "credentials": [{"accessKey": key["aws_access_key_id"], "secretKey": key["aws_secret_access_key"]}],
        "actions": ["Admin"],
    }
    write("store.json", json.dumps({"identities": [identity]}), 0o400)
    keep("jupyter_token", secrets.token_hex(24), 0o400)


def keep(name: str, otherwise: str, mode: int) -> str:
    """The secret's text, stored where there was none."""
    if not (SECRETS / name).exists():
        write(name, otherwise, mode)
        print(f"made the secret {name}")
    return (SECRETS / name).read_text("utf-8").rstrip("\n")


def write(name: str, text: str, mode: int) -> None:
    """Whole or not at all: who is interrupted begins anew."""
    partial = SECRETS / f".{name}"
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(SECRETS / name)


def make_stores() -> None:
    """The database `mlflow`, the tables of Dagster and MLflow as these versions want them, and the bucket."""
    import dagster as dg
    import psycopg2

    from celec_assets.doctor import lake_keeps
    from celec_assets.instance.databases import make_database, migrate_dagster, migrate_mlflow

    if (url := os.environ["STORAGE"]).startswith("s3://"):
        make_bucket(*urlsplit(url)[1:3])
    try:
        print(lake_keeps(storage()))
    except PermissionError as error:
        of_a_folder = "" if url.startswith("s3://") else f": {url} has to belong to user {os.getuid()}"
        sys.exit(f"{error}{of_a_folder}")
    connection = psycopg2.connect(host="postgres", user="celec", dbname="dagster")
    connection.autocommit = True
    with connection.cursor() as cursor:
        make_database(cursor, "mlflow", "celec", print)
    connection.close()
    migrate_dagster(dg.DagsterInstance.get, print)
    # The password is in the file that PGPASSFILE names.
    migrate_mlflow("postgresql+psycopg2://celec@postgres/mlflow", print)
    with psycopg2.connect(host="postgres", user="celec", dbname="mlflow") as mlflow, mlflow.cursor() as cursor:
        move_artifacts(cursor, f"{url}/mlflow")


def move_artifacts(cursor: "cursor", root: str) -> None:
    """Let MLflow find its files under `root`, where a backup from another store has put them: it keeps whole addresses,
    and has no command to change them.
    """
    from psycopg2.sql import SQL, Identifier

    # MLflow's first start has made this experiment, under the root that it was given then.
    cursor.execute("select artifact_location from experiments where experiment_id = 0")
    for (location,) in cursor.fetchall():
        before = location.removesuffix("/0")
        if before == root:
            continue
        for table, column in ADDRESSES:
            move = "update {} set {c} = %s || substr({c}, %s) where starts_with({c}, %s)"
            cursor.execute(
                SQL(move).format(Identifier(table), c=Identifier(column)), [root, len(before) + 1, f"{before}/"]
            )
        print(f"MLflow: files of {before} are in {root}")


def make_bucket(name: str, path: str) -> None:
    """Make it, unless it is there; one that may not be read is an error."""
    from celec_assets.storage.s3 import connect

    s3 = connect(None)
    try:
        # Who may use a prefix only may list it, and is refused a look at the bucket.
        s3.list_objects_v2(Bucket=name, Prefix=f"{path.strip('/')}/{PARTS[0]}".lstrip("/"), MaxKeys=1)
    except s3.exceptions.NoSuchBucket:
        region = s3.meta.region_name
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)
        print(f"made the bucket {name}")


def export() -> None:
    """A member an object, under its key. What is deleted meanwhile is left out."""
    from celec_assets.storage.store import ObjectMissing

    store = storage()
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        for part in PARTS:
            count = 0
            for info in store.list(part):
                try:
                    content = store.get(info.key)
                except ObjectMissing:
                    continue
                member = tarfile.TarInfo(info.key)
                member.size, member.mtime = len(content), int(info.modified.timestamp())
                tar.addfile(member, io.BytesIO(content))
                count += 1
            print(f"{part}: {count} objects", file=sys.stderr)


def ensure_new() -> None:
    """Exits where there are runs: what an installation has done is not written over."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        if runs := instance.get_runs_count():
            sys.exit(f"this installation is not new, it has {runs} runs: restore a backup into another one")


def restore() -> None:
    """Everything from stdin. What is there, from an attempt before or in a bucket that outlived its server, stays."""
    store = storage()
    there = {info.key for part in PARTS for info in store.list(part)}
    count = 0
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        for member in tar:
            if member.name in there:
                continue
            content = tar.extractfile(member)
            assert content
            store.put(member.name, content.read())
            count += 1
    print(f"{count} objects put into {store.url}, {len(there)} were there")


def storage() -> "ObjectStore":
    """Where the lake is, and beside it what models and runs have stored besides MLflow's database."""
    from celec_assets.storage.lake import Lake

    return Lake.open(os.environ["STORAGE"]).store


if __name__ == "__main__":
    {
        "secrets": make_secrets,
        "stores": make_stores,
        "export": export,
        "new": ensure_new,
        "restore": restore,
    }[sys.argv[1]]()
