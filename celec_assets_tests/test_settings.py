"""What the environment may say, and what is said of the rest."""

import os
from pathlib import Path

import pytest

from celec_assets.settings import WrongSettings, read_settings

TOPIC = "arn:aws:sns:us-east-1:123456789012:celec-alerts"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("CELEC_")]:
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
        ("GEOGLOWS_RIVERS", " 620883808, 620569241 ", "620883808,620569241"),
        ("GEOGLOWS_RIVERS", " ", ""),
        ("CA_BUNDLE", __file__, __file__),
    ],
)
def test_what_is_allowed_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: str) -> None:
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
