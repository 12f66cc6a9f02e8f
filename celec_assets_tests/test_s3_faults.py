"""What goes wrong between the platform and S3: what passes heals, what stays is said in plain words, nothing is torn."""

import re
import socket
import time
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from botocore.retries.standard import ExponentialBackoff

from celec_assets import cli
from celec_assets.partitions import attempt_each
from celec_assets.storage import s3
from celec_assets.storage.lake import Lake
from celec_assets.storage.s3 import ATTEMPTS, S3Store
from celec_assets.storage.store import AccessDenied, LakeUnavailable
from celec_assets_tests.s3_server import (
    ENVIRONMENT,
    Exchange,
    Fault,
    Proxy,
    breaks_off,
    loses_the_answer,
    proxy_before,
    refuses,
    resets,
    spoils,
    waits,
)
from celec_assets_tests.stores import keys

DOWN = refuses(500, "InternalError", "We encountered an internal error. Please try again.")
BUSY = refuses(503, "SlowDown", "Please reduce your request rate.")
OPERATIONS: dict[str, Callable[[S3Store], object]] = {
    "get": lambda store: store.get("raw/a.csv"),
    "put": lambda store: store.put("raw/a.csv", b"new"),
    "swap": lambda store: store.swap("raw/a.csv", b"old", b"new"),
    "delete": lambda store: store.delete("raw/a.csv"),
    "exists": lambda store: store.exists("raw/a.csv"),
    "list": lambda store: keys(store, "raw/"),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@pytest.fixture
def proxy(s3_endpoint: str) -> Iterator[Proxy]:
    with proxy_before(s3_endpoint) as proxy:
        yield proxy


@pytest.fixture
def store(s3_url: str, proxy: Proxy) -> S3Store:
    store = S3Store(s3_url, proxy.url)
    store.put("raw/a.csv", b"old")
    proxy.requests.clear()
    return store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "READ_SECONDS", 0.3)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without boto3's pauses between its attempts."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


def seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


# What passes


@every_operation
@pytest.mark.parametrize(
    "faults",
    [[DOWN] * (ATTEMPTS - 1), [BUSY, BUSY], [resets] * (ATTEMPTS - 1), [DOWN, resets, BUSY]],
    ids=["down", "busy", "reset", "mixed"],
)
def test_what_passes_in_time_is_not_noticed(
    hasty: None, store: S3Store, proxy: Proxy, operation: Callable[[S3Store], object], faults: list[Fault]
) -> None:
    expected = {"raw/a.csv": b"old"}
    proxy.faults.extend(faults)
    answer = operation(store)
    assert not proxy.faults, "all of it was met"
    assert answer in (b"old", None, True, ["raw/a.csv"])
    if operation in (OPERATIONS["put"], OPERATIONS["swap"]):
        expected = {"raw/a.csv": b"new"}
    if operation is OPERATIONS["delete"]:
        expected = {}
    assert {key: store.get(key) for key in keys(store, "raw/")} == expected


def test_an_answer_that_takes_too_long_is_asked_for_again(impatient: None, store: S3Store, proxy: Proxy) -> None:
    proxy.faults.extend([waits(1)] * 2)
    assert store.get("raw/a.csv") == b"old"


@pytest.mark.parametrize("fault", [breaks_off, spoils])
def test_an_answer_that_arrives_in_part_or_spoilt_is_asked_for_again(
    store: S3Store, proxy: Proxy, fault: Fault
) -> None:
    content = bytes(range(256)) * 1000
    store.put("raw/a.csv", content)
    proxy.faults.extend([fault] * (ATTEMPTS - 1))
    assert store.get("raw/a.csv") == content
    proxy.faults.extend([fault] * (ATTEMPTS if fault is breaks_off else 0))
    if fault is breaks_off:
        with pytest.raises(LakeUnavailable, match="does not answer"):
            store.get("raw/a.csv")


# An answer that is lost


def test_a_put_whose_answer_is_lost_is_made_once_more(store: S3Store, proxy: Proxy) -> None:
    proxy.faults.append(loses_the_answer)
    store.put("raw/a.csv", b"new")
    assert store.get("raw/a.csv") == b"new"


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_swap_whose_answer_is_lost_knows_its_own_object(store: S3Store, proxy: Proxy, before: bytes | None) -> None:
    key = "raw/a.csv" if before else "raw/b.csv"
    proxy.methods = ("PUT",)
    proxy.faults.append(loses_the_answer)
    assert store.swap(key, before, b"new")
    assert store.get(key) == b"new"


def test_a_swap_whose_answer_is_lost_does_not_take_another_ones_equal_object_for_its_own(
    store: S3Store, proxy: Proxy, s3_url: str
) -> None:
    def another_is_quicker(exchange: Exchange) -> None:
        assert Lake.open(s3_url).store.swap("raw/a.csv", b"old", b"new")
        exchange.reset()

    proxy.methods = ("PUT",)
    proxy.faults.append(another_is_quicker)
    assert not store.swap("raw/a.csv", b"old", b"new")


def test_a_swap_that_meets_another_one_under_way_looks_again(store: S3Store, proxy: Proxy) -> None:
    conflict = refuses(409, "ConditionalRequestConflict", "A conflicting conditional operation is in progress.")
    proxy.methods = ("PUT",)
    proxy.faults.extend([conflict, conflict])
    assert store.swap("raw/a.csv", b"old", b"new")
    assert store.get("raw/a.csv") == b"new"


def test_a_swap_of_what_is_deleted_meanwhile_fails(store: S3Store, proxy: Proxy, s3_url: str) -> None:
    def deleted(exchange: Exchange) -> None:
        Lake.open(s3_url).store.delete("raw/a.csv")
        exchange.reply(*exchange.forward())

    proxy.methods = ("PUT",)
    proxy.faults.append(deleted)
    assert not store.swap("raw/a.csv", b"old", b"new")
    assert not store.exists("raw/a.csv")


# What stays


@every_operation
@pytest.mark.parametrize("fault", [DOWN, resets], ids=["down", "reset"])
def test_a_lake_that_is_down_is_no_missing_object_and_is_given_up(
    hasty: None, store: S3Store, proxy: Proxy, operation: Callable[[S3Store], object], fault: Fault
) -> None:
    proxy.always = fault
    with pytest.raises(LakeUnavailable) as caught:
        operation(store)
    assert len(proxy.requests) == ATTEMPTS
    assert store.url in str(caught.value)
    assert caught.value.__cause__ is not None
    proxy.always = None
    assert store.get("raw/a.csv") == b"old", "nothing was changed, nor in part"


def test_the_message_says_what_was_answered_and_how_often(store: S3Store, proxy: Proxy) -> None:
    proxy.always = DOWN
    with pytest.raises(LakeUnavailable, match=f"answered {ATTEMPTS} times with 500 InternalError: it is down or overl"):
        store.get("raw/a.csv")


@every_operation
def test_a_bucket_that_is_not_there_is_no_missing_object(
    s3_endpoint: str, s3_url: str, operation: Callable[[S3Store], object]
) -> None:
    store = S3Store("s3://no-such-bucket/lake", s3_endpoint)
    with pytest.raises(LakeUnavailable, match=r"no bucket for the lake s3://no-such-bucket/lake at 127\.0\.0\.1:\d+: "):
        operation(store)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "get",
            r"^s3:GetObject on s3://.*/raw/a\.csv is not allowed \(AccessDenied\): .*unless s3:ListBucket is allow",
        ),
        ("put", r"^s3:PutObject on s3://.*/raw/a\.csv is not allowed \(AccessDenied\): let the role"),
        ("swap", r"^s3:GetObject on s3://.*/raw/a\.csv is not allowed"),
        ("delete", r"^s3:DeleteObject on s3://.*/raw/a\.csv is not allowed"),
        ("exists", r"^s3:GetObject on s3://.*/raw/a\.csv is not allowed"),
        ("list", r"^s3:ListBucket on s3://.*/raw/ is not allowed"),
    ],
)
def test_what_is_not_allowed_is_named_at_once(store: S3Store, proxy: Proxy, name: str, said: str) -> None:
    reason = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:GenerateDataKey"
    proxy.always = refuses(403, "AccessDenied", reason)
    with pytest.raises(AccessDenied, match=said) as caught:
        OPERATIONS[name](store)
    assert str(caught.value).endswith(f"; {reason}")
    assert len(proxy.requests) == 1, "trying again would change nothing"


@pytest.mark.parametrize(
    "code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "RequestTimeTooSkewed"]
)
def test_credentials_that_are_refused_are_a_matter_of_the_whole_lake(store: S3Store, proxy: Proxy, code: str) -> None:
    proxy.always = refuses(403, code, "no")
    with pytest.raises(LakeUnavailable, match=f"does not accept the AWS credentials .*\\({code}\\)") as caught:
        store.get("raw/a.csv")
    assert not {ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]} & set(str(caught.value).split())


def test_without_credentials_it_says_how_to_give_some(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(LakeUnavailable, match=r"no AWS credentials for the lake s3://.*set AWS_PROFILE, or"):
        Lake.open(s3_url).store.get("raw/a.csv")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_PROFILE", "nobody-has-it", r"cannot be opened: .*nobody-has-it.*AWS_"),
        ("AWS_ENDPOINT_URL_S3", "localhost:4566", r"cannot be opened: Invalid endpoint: localhost:4566"),
    ],
)
def test_variables_of_boto3_that_make_no_sense_are_named(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(LakeUnavailable, match=said):
        Lake.open(s3_url)


def test_where_nobody_listens_the_address_is_named(s3_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    store = S3Store(s3_url, f"http://127.0.0.1:{port}")
    with pytest.raises(LakeUnavailable, match=rf"^127\.0\.0\.1:{port}, where the lake .* check the network, and AWS_E"):
        store.exists("raw/a.csv")


def test_an_object_that_s3_refuses_for_its_key_is_no_matter_of_the_lake(store: S3Store, proxy: Proxy) -> None:
    proxy.faults.append(refuses(400, "KeyTooLongError", "Your key is too long"))
    with pytest.raises(OSError, match=r"s3:PutObject on s3://.*/raw/aaa.* failed: .*KeyTooLong.*is too long") as caught:
        store.put("raw/" + "a" * 1100, b"")
    assert not isinstance(caught.value, AccessDenied)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [waits(s3.READ_SECONDS + 1), BUSY], ids=["silent", "busy"])
def test_the_longest_wait_is_within_a_sensor_tick(store: S3Store, proxy: Proxy, fault: Fault) -> None:
    proxy.always = fault

    def ask() -> None:
        with pytest.raises(LakeUnavailable):
            store.get("raw/a.csv")

    assert seconds(ask) < 60


# What that means for those who use the lake


def test_a_run_does_not_try_every_partition_on_a_lake_that_is_down() -> None:
    tried: list[str] = []

    def keep(partition: str, made: str) -> dict[str, str]:
        tried.append(made)
        if partition != "a":
            raise LakeUnavailable("down")
        return {}

    attempts = attempt_each(dg.build_asset_context(), ["a", "b", "c", "d"], str, keep)
    assert tried == ["a", "b"]
    assert attempts.done.keys() == {"a"}
    assert attempts.failed == dict.fromkeys(["b", "c", "d"], "down")


def test_a_file_that_may_not_be_read_is_unread_and_one_of_a_lake_that_is_down_is_unknown(
    store: S3Store, proxy: Proxy
) -> None:
    lake = Lake(store)
    proxy.always = refuses(403, "AccessDenied")
    assert lake.is_unread("a.csv"), "its own run says why"
    proxy.always = resets
    with pytest.raises(LakeUnavailable):
        lake.is_unread("a.csv")
    proxy.always = None
    store.delete("raw/a.csv")
    assert not lake.is_unread("a.csv")


def test_the_command_says_it_without_a_traceback(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CELEC_LAKE_URL", "s3://no-such-bucket")
    for command in (["demo"], ["reread", "*"], ["rollback", "mazar"]):
        assert cli.main(command) == 2
        said = capsys.readouterr().err
        assert re.fullmatch(r"celec: there is no bucket for the lake s3://no-such-bucket at .*\n", said)
