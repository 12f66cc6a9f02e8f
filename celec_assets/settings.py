"""The only reader of the environment. Every setting has a default that needs no service."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from dagster_shared.yaml_utils import load_yaml_from_globs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX: Final = "CELEC_"
_BUCKET: Final = re.compile(r"(?!.*\.\.)(?!\d+(\.\d+){3}$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_S3_PREFIX: Final = re.compile(r"(?!\.{1,2}(/|$))[\w!.*'()=-]+(/(?!\.{1,2}(/|$))[\w!.*'()=-]+)*/?", re.ASCII)
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", re.ASCII)
_OF_DAGSTER: Final = {
    "DAGSTER_PG_HOST": "the host of PostgreSQL",
    "DAGSTER_PG_PORT": "the port of PostgreSQL, a number, mostly 5432",
    "DAGSTER_PG_USERNAME": "Dagster's user in PostgreSQL",
    "DAGSTER_PG_PASSWORD": "that user's password",
    "DAGSTER_PG_DB": "Dagster's database in PostgreSQL",
    "DAGSTER_LOGS_BUCKET": "the name of the bucket for what runs print",
    "DAGSTER_ECS_TASK_DEFINITION": "family or ARN of the task definition of runs",
    "DAGSTER_ECS_CLUSTER": "the ECS cluster in which runs are tasks",
    "DAGSTER_ECS_NETWORK": 'RunTask\'s networkConfiguration as JSON, {"awsvpcConfiguration": {"subnets": [...], ...}}',
}
"""The variables of `deploy/dagster.yaml`."""


class Settings(BaseSettings):
    """What differs between a laptop and production, from variables named `CELEC_...`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    lake_url: str = "lake"
    """Where raw files and everything made from them are: a folder, or `s3://bucket/prefix`."""

    alerts: str = "log"
    """Who is told that something needs a person: the log, or the subscribers of an SNS topic (its ARN)."""

    mlflow_url: str = "sqlite:///mlflow.db"
    """Where MLflow keeps its runs: a server, as by MLflow's own default a file in the working directory, or `off`."""

    mlflow_public_url: str = ""
    """Where people open MLflow, when that is not `mlflow_url`: the links in Dagster's UI lead there."""

    report_url: str = "http://localhost:8080/report/"
    """Where people open the forecast report: the links of alerts lead there."""

    dagster_url: str = "http://localhost:3000"
    """Where people open Dagster's UI: the links of alerts and reports lead there."""

    historian_url: str = "https://generacioncsr.celec.gob.ec:8443/ords/csr/"
    """CELEC's historian, or a mirror of it."""

    geoglows_url: str = "https://geoglows.ecmwf.int/api/v2/"
    """GEOGLOWS v2, or a mirror of it."""

    partitions_per_run: int = Field(default=250, ge=1)
    """Stations, or raw files, that one run goes through at most: more become several runs."""

    geoglows_rivers: str = ""
    """River ids to fetch from GEOGLOWS besides those of the catalogue, with commas between them."""

    ca_bundle: str = ""
    """File of certificates (PEM) that the connectors trust instead of the usual ones. They always verify."""

    @field_validator("lake_url")
    @classmethod
    def _lake(cls, url: str) -> str:
        if url.startswith("s3://"):
            return _bucket_and_prefix(url)
        if "://" in url or not url.strip():
            raise ValueError(f"{url!r} is neither a folder nor s3://bucket/prefix")
        if Path(url).exists() and not Path(url).is_dir():
            raise ValueError(f"{url!r} is a file, not a folder")
        return str(Path(url).expanduser().resolve())

    @field_validator("alerts")
    @classmethod
    def _log_or_topic(cls, alerts: str) -> str:
        if alerts != "log" and not _TOPIC.fullmatch(alerts):
            raise ValueError(f"{alerts!r} is neither 'log' nor a topic, arn:aws:sns:<region>:<account>:<name>")
        return alerts

    @field_validator("mlflow_url")
    @classmethod
    def _server_or_file(cls, url: str) -> str:
        if url != "off" and not _is_web_address(url) and not re.fullmatch(r"sqlite:///\S+", url):
            raise ValueError(f"{_shown(url)} is neither a server, http(s)://..., nor sqlite:///<file>, nor 'off'")
        return url

    @field_validator("report_url", "dagster_url", "historian_url", "geoglows_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if not _is_web_address(url):
            raise ValueError(f"{_shown(url)} is no web address, http://... or https://...")
        return url

    @field_validator("mlflow_public_url")
    @classmethod
    def _web_address_or_nothing(cls, url: str) -> str:
        return url and cls._web_address(url)

    @field_validator("geoglows_rivers")
    @classmethod
    def _river_ids(cls, rivers: str) -> str:
        ids = [river.strip() for river in rivers.split(",")] if rivers.strip() else []
        if wrong := [river for river in ids if not re.fullmatch(r"[1-9][0-9]{8}", river)]:
            raise ValueError(f"{wrong[0]!r} is no river id, which has nine digits")
        return ",".join(ids)

    @field_validator("ca_bundle")
    @classmethod
    def _file(cls, path: str) -> str:
        if path and not Path(path).is_file():
            raise ValueError(f"there is no file {path!r}")
        return path


class SettingsOfTasks(Settings):
    """The same where runs are tasks of ECS: what they leave in a folder ends with them."""

    @field_validator("lake_url")
    @classmethod
    def _outlasts_tasks(cls, url: str) -> str:
        if not url.startswith("s3://"):
            raise ValueError(f"{url!r} is a folder, which would end with each run's task: set s3://bucket/prefix")
        return url

    @field_validator("mlflow_url")
    @classmethod
    def _is_no_file(cls, url: str) -> str:
        if url.startswith("sqlite:"):
            raise ValueError(f"{url!r} is a file, which would end with each run's task: set http(s)://..., or 'off'")
        return url


class DatabaseSettings(BaseSettings):
    """What `celec prepare` needs: the administrator's connection in libpq's own variables, and whom it makes."""

    pghost: str = Field(min_length=1)
    pgport: int = 5432
    pguser: str = Field(min_length=1)
    pgpassword: SecretStr = Field(min_length=1)
    dagster_pg_username: str = Field(min_length=1)
    dagster_pg_password: SecretStr = Field(min_length=1)
    dagster_pg_db: str = Field(min_length=1)
    mlflow_pg_username: str = Field(min_length=1)
    mlflow_pg_password: SecretStr = Field(min_length=1)
    mlflow_pg_db: str = Field(min_length=1)

    @model_validator(mode="after")
    def _each_its_own(self) -> Self:
        users = {self.pguser, self.dagster_pg_username, self.mlflow_pg_username}
        if len(users) < 3 or self.dagster_pg_db == self.mlflow_pg_db:
            raise ValueError("the administrator, Dagster and MLflow are three users, and two databases are needed")
        return self

    def users(self) -> list[tuple[str, str, str]]:
        """Name, password and database of Dagster and of MLflow."""
        return [
            (self.dagster_pg_username, self.dagster_pg_password.get_secret_value(), self.dagster_pg_db),
            (self.mlflow_pg_username, self.mlflow_pg_password.get_secret_value(), self.mlflow_pg_db),
        ]

    def mlflow_database_url(self) -> str:
        """As SQLAlchemy reads it, password included."""
        password = quote(self.mlflow_pg_password.get_secret_value(), safe="")
        return f"postgresql+psycopg2://{self.mlflow_pg_username}:{password}@{self.pghost}:{self.pgport}/{self.mlflow_pg_db}"


class WrongSettings(Exception):
    """Names every variable that cannot be used and what it may hold."""


def read_settings(*, with_dagster: bool = False) -> Settings:
    """The settings of this process.

    Args:
        with_dagster: whether what `dagster.yaml` asks of the environment has to be there too. A process that only shows
            the report opens no database, and is not given its password.

    Raises:
        WrongSettings: all problems at once.
    """
    asked = _asked_by_dagster(os.environ) if with_dagster else []
    problems = [*_unknown(os.environ), *_unusable(asked, os.environ)]
    try:
        settings = SettingsOfTasks() if "DAGSTER_ECS_CLUSTER" in asked else Settings()
    except ValidationError as error:
        problems += _problems(error, _PREFIX)
    if problems:
        raise _wrong(problems)
    return settings


def run_network(configuration: str) -> dict[str, Any]:
    """What DAGSTER_ECS_NETWORK says. Raises `ValueError` where RunTask could not take it."""
    try:
        network: dict[str, Any] = json.loads(configuration)
        subnets = network["awsvpcConfiguration"]["subnets"]
    except (ValueError, TypeError, KeyError):
        subnets = None
    if not subnets or not isinstance(subnets, list):
        raise ValueError(f"DAGSTER_ECS_NETWORK: is not {_OF_DAGSTER['DAGSTER_ECS_NETWORK']}")
    return network


def read_database_settings() -> DatabaseSettings:
    """What this process is to prepare.

    Raises:
        WrongSettings: all problems at once.
    """
    try:
        return DatabaseSettings()
    except ValidationError as error:
        raise _wrong(_problems(error, "")) from None


def _problems(error: ValidationError, prefix: str) -> list[str]:
    """A line each, none with the value that was given: it may be a secret."""
    return [
        ": ".join([*(f"{prefix}{name}".upper() for name in e["loc"]), e["msg"].removeprefix("Value error, ")])
        for e in error.errors()
    ]


def _wrong(problems: Iterable[str]) -> WrongSettings:
    return WrongSettings("these settings cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems))


def _unknown(environment: Iterable[str]) -> Iterator[str]:
    """A misspelt variable would be passed over, and its default used, without a word."""
    allowed = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(environment):
        if name.upper().startswith(_PREFIX) and name.upper() not in allowed:
            nearest = get_close_matches(name.upper(), allowed, n=1, cutoff=0)[0]
            yield f"{name}: there is no such setting; is it {nearest}?"


def _asked_by_dagster(environment: Mapping[str, str]) -> list[str]:
    """The X of every `{env: X}` in the file that Dagster reads. By itself it asks for some of them only when the first
    run starts, and for one at a time.
    """
    file = Path(environment.get("DAGSTER_HOME", ""), "dagster.yaml")
    return re.findall(r'{"env": "(\w+)"}', json.dumps(load_yaml_from_globs(str(file))))


def _unusable(asked: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    read: dict[str, Callable[[str], object]] = {"DAGSTER_PG_PORT": int, "DAGSTER_ECS_NETWORK": run_network}
    for name in dict.fromkeys(asked):
        what = _OF_DAGSTER.get(name, "what dagster.yaml asks for")
        if not (value := environment.get(name, "").strip()):
            yield f"{name}: is not set; it is {what}"
            continue
        try:
            read.get(name, str)(value)
        except ValueError:
            yield f"{name}: is not {what}"


def _bucket_and_prefix(url: str) -> str:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(
            f"{url!r} names no bucket: a bucket's name has 3 to 63 lower-case letters, digits, dots or hyphens, and "
            "begins and ends with a letter or digit"
        )
    if prefix and not _S3_PREFIX.fullmatch(prefix):
        raise ValueError(
            f"{url!r} has no usable prefix after the bucket: letters, digits and !-_.*'()= in parts between single "
            "slashes, none of them '.' or '..'"
        )
    return url.rstrip("/")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.split() == [url]
    except ValueError:  # a port that is no number
        return False


def _shown(url: str) -> str:
    """A URL as an error may show it: without the password that it may hold."""
    return repr(re.sub(r"//[^/@]*@", "//...@", url))
