"""What the environment may say, and what is said of the rest."""

import json
import os
import runpy
from pathlib import Path

import pytest

from celec_assets.settings import WrongSettings, read_settings

ROOT = Path(__file__).parents[1]
PRODUCTION = {
    "DAGSTER_PG_HOST": "db.celec.example",
    "DAGSTER_PG_PORT": "5432",
    "DAGSTER_PG_USERNAME": "dagster",
    "DAGSTER_PG_PASSWORD": "hunter2",
    "DAGSTER_PG_DB": "dagster",
    "DAGSTER_LOGS_BUCKET": "celec-logs",
    "DAGSTER_ECS_TASK_DEFINITION": "celec-run",
    "DAGSTER_ECS_CLUSTER": "celec",
    "DAGSTER_ECS_NETWORK": json.dumps({"awsvpcConfiguration": {"subnets": ["subnet-1"]}}),
    "CELEC_LAKE_URL": "s3://celec-lake/lake",
    "CELEC_MLFLOW_URL": "http://mlflow:5000",
}
TOPIC = "arn:aws:sns:us-east-1:123456789012:celec-alerts"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith(("CELEC_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    expected = {
        "lake_url": str(tmp_path / "lake"),
        "alerts": "log",
        "mlflow_url": "sqlite:///mlflow.db",
        "report_url": "http://localhost:8080/report/",
        "dagster_url": "http://localhost:3000",
    }
    assert expected.items() <= read_settings().model_dump().items()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("LAKE_URL", "s3://celec-lake", "s3://celec-lake"),
        ("LAKE_URL", "s3://celec-lake/", "s3://celec-lake"),
        ("LAKE_URL", "s3://celec.lake-2/prod/v1/", "s3://celec.lake-2/prod/v1"),
        ("LAKE_URL", "s3://abc/a..b/.c/year=2026", "s3://abc/a..b/.c/year=2026"),
        ("LAKE_URL", "/some/../lake", "/lake"),
        ("ALERTS", TOPIC, TOPIC),
        ("ALERTS", TOPIC.replace("aws", "aws-us-gov", 1), TOPIC.replace("aws", "aws-us-gov", 1)),
        ("MLFLOW_URL", "http://mlflow:5000", "http://mlflow:5000"),
        ("MLFLOW_URL", "sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("MLFLOW_URL", "off", "off"),
        ("MLFLOW_PUBLIC_URL", "https://mlflow.celec.example", "https://mlflow.celec.example"),
        ("REPORT_URL", "https://celec.example/report/", "https://celec.example/report/"),
        ("DAGSTER_URL", "http://[::1]:3000", "http://[::1]:3000"),
        ("HISTORIAN_URL", "https://mirror.example:8443/ords/csr/", "https://mirror.example:8443/ords/csr/"),
        ("PARTITIONS_PER_RUN", "1", 1),
        ("GEOGLOWS_RIVERS", " 620883808, 620569241 ", "620883808,620569241"),
        ("GEOGLOWS_RIVERS", " ", ""),
        ("CA_BUNDLE", __file__, __file__),
    ],
)
def test_what_is_allowed_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: str | int) -> None:
    monkeypatch.setenv(f"CELEC_{name}", value)
    assert getattr(read_settings(), name.lower()) == read


@pytest.mark.parametrize(
    ("name", "values", "allowed"),
    [
        (
            "LAKE_URL",
            [
                *(
                    "s3://",
                    "s3:///lake",
                    "s3://ab",
                    "s3://Celec",
                    "s3://celec_lake",
                    "s3://-celec",
                    "s3://celec.",
                    "s3://a..b",
                ),
                *("s3://192.168.1.1", "s3://" + "a" * 64, "s3://user:secret@celec", "s3://celec?x=1"),
            ],
            "a bucket's name has 3 to 63 lower-case letters",
        ),
        (
            "LAKE_URL",
            [
                *("s3://celec//", "s3://celec//a", "s3://celec/a//b", "s3://celec/../a", "s3://celec/a/."),
                *("s3://celec/a b", "s3://celec/a?b", "s3://celec/a#", "s3://celec/a/ ", "s3://celec/año"),
            ],
            "in parts between single slashes",
        ),
        ("LAKE_URL", ["", " ", "S3://celec", "s3a://celec", "https://celec", "file:///lake"], "s3://bucket/prefix"),
        (
            "ALERTS",
            [
                *("", "LOG", "me@celec.example", TOPIC[:-13], TOPIC.replace("sns", "sqs")),
                *(TOPIC + ".fifo", TOPIC + " ", TOPIC.replace("123456789012", "1234")),
            ],
            "arn:aws:sns:<region>:<account>:<name>",
        ),
        (
            "MLFLOW_URL",
            ["", "OFF", "mlflow:5000", "ftp://mlflow", "http://", "sqlite://", "./mlruns"],
            "sqlite:///<file>",
        ),
        ("MLFLOW_PUBLIC_URL", ["off", "mlflow:5000"], "http://... or https"),
        ("REPORT_URL", ["", "localhost:8080", "http://", "http://a b", "http://a:port", "//a"], "http://... or https"),
        ("DAGSTER_URL", ["", "localhost:3000", "http://a:99999"], "http://... or https"),
        ("HISTORIAN_URL", ["", "generacioncsr.celec.gob.ec", "file:///ords"], "http://... or https"),
        ("GEOGLOWS_URL", ["", "geoglows.ecmwf.int"], "http://... or https"),
        ("PARTITIONS_PER_RUN", ["0", "-1"], "greater than or equal to 1"),
        ("PARTITIONS_PER_RUN", ["", "all", "2.5"], "a valid integer"),
        ("GEOGLOWS_RIVERS", ["Mazar", "62088380", "620883808;620569241", "620883808,", "012345678"], "has nine digits"),
        ("CA_BUNDLE", ["no-such-file.pem", "/"], "there is no file"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(
    monkeypatch: pytest.MonkeyPatch, name: str, values: list[str], allowed: str
) -> None:
    for value in values:
        monkeypatch.setenv(f"CELEC_{name}", value)
        with pytest.raises(WrongSettings) as caught:
            read_settings()
        message = str(caught.value).splitlines()
        assert len(message) == 2, value
        assert message[1].startswith(f"  CELEC_{name}: ")
        assert allowed in message[1]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CELEC_LAKE_ULR", "CELEC_LAKE_URL"),
        ("CELEC_LAKE", "CELEC_LAKE_URL"),
        ("CELEC_MLFLOW_URI", "CELEC_MLFLOW_URL"),
        ("celec_alert", "CELEC_ALERTS"),
        ("CELEC_DAGSTER", "CELEC_DAGSTER_URL"),
    ],
)
def test_a_variable_that_does_not_exist_is_named_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv(written, "s3://celec-lake")
    with pytest.raises(WrongSettings, match=f"{written}: there is no such setting; is it {meant}\\?"):
        read_settings()


def test_all_problems_are_said_at_once_and_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, value in {
        "LAKE_URL": str(tmp_path / "file"),
        "ALERTS": "mail",
        "MLFLOW_URL": "ftp://celec:hunter2@mlflow",
        "REPORT_ULR": "http://celec",
    }.items():
        monkeypatch.setenv(f"CELEC_{name}", value)
    with pytest.raises(WrongSettings) as caught:
        read_settings()
    message = str(caught.value)
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == [
        *("CELEC_REPORT_ULR", "CELEC_LAKE_URL", "CELEC_ALERTS", "CELEC_MLFLOW_URL")
    ]
    assert "is a file, not a folder" in message
    assert "hunter2" not in message


# What Dagster reads of the environment, as its file says


def lines(caught: pytest.ExceptionInfo[WrongSettings]) -> list[str]:
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DAGSTER_HOME": str(ROOT / "deploy"), **PRODUCTION}.items():
        monkeypatch.setenv(name, value)


def test_what_production_lacks_is_named_when_the_code_location_loads_with_all_else_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT / "deploy"))
    monkeypatch.setenv("CELEC_ALERTS", "mail")
    with pytest.raises(WrongSettings) as caught:
        runpy.run_module("celec_assets.definitions")
    unset = [name for name in PRODUCTION if name != "CELEC_MLFLOW_URL"]
    assert [line.split(":")[0] for line in lines(caught)] == [*unset, "CELEC_ALERTS", "CELEC_MLFLOW_URL"]
    assert "DAGSTER_LOGS_BUCKET: is not set; it is the name of the bucket for what runs print" in lines(caught)


@pytest.mark.usefixtures("production")
def test_what_production_has_is_enough() -> None:
    settings = read_settings(with_dagster=True)
    assert (settings.lake_url, settings.mlflow_url) == (PRODUCTION["CELEC_LAKE_URL"], PRODUCTION["CELEC_MLFLOW_URL"])


@pytest.mark.usefixtures("production")
def test_production_may_do_without_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELEC_MLFLOW_URL", "off")
    assert read_settings(with_dagster=True).mlflow_url == "off"


@pytest.mark.parametrize(
    ("name", "values", "allowed"),
    [
        ("DAGSTER_PG_PASSWORD", ["", " "], "is not set; it is that user's password"),
        ("DAGSTER_PG_PORT", ["postgres", "5432/tcp"], "a number"),
        (
            "DAGSTER_ECS_NETWORK",
            ["subnet-1", "[]", "null", '"subnets"', *map(json.dumps, ({}, {"awsvpcConfiguration": []}))],
            '{"awsvpcConfiguration": {"subnets": [...], ...}}',
        ),
        (
            "DAGSTER_ECS_NETWORK",
            [json.dumps({"awsvpcConfiguration": {"subnets": subnets}}) for subnets in ([], "subnet-1", None)],
            '{"awsvpcConfiguration": {"subnets": [...], ...}}',
        ),
        ("CELEC_LAKE_URL", ["lake", "/srv/lake"], "s3://bucket/prefix"),
        ("CELEC_MLFLOW_URL", ["sqlite:///mlflow.db"], "set http(s)://..., or 'off'"),
    ],
)
@pytest.mark.usefixtures("production")
def test_what_production_cannot_use_is_named_with_what_it_can(
    monkeypatch: pytest.MonkeyPatch, name: str, values: list[str], allowed: str
) -> None:
    for value in values:
        monkeypatch.setenv(name, value)
        with pytest.raises(WrongSettings) as caught:
            read_settings(with_dagster=True)
        (line,) = lines(caught)
        assert line.startswith(f"{name}: "), value
        assert allowed in line


@pytest.mark.parametrize("home", [".", "deploy/compose", "docs"])
def test_where_dagster_asks_for_nothing_nothing_has_to_be_set(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT / home))
    assert read_settings(with_dagster=True) == read_settings()


def test_who_has_no_database_does_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT / "deploy"))
    assert read_settings().alerts == "log"


def test_a_variable_of_somebody_s_own_is_named_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(
        "storage:\n  sqlite:\n    base_dir:\n      env: OF_MY_OWN # {env: NOBODY_S}\n"
    )
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(WrongSettings) as caught:
        read_settings(with_dagster=True)
    assert [line.split(":")[0] for line in lines(caught)] == ["OF_MY_OWN"]
