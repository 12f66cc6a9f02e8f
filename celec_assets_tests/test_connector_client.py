"""How a public server is asked: never too fast, patient with what passes, and gone where it is not wanted."""

import multiprocessing
import os
import ssl
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from celec_assets.connectors import client as client_module
from celec_assets.connectors.client import MAX_BYTES, Client, NoAnswer, StopAsking
from celec_assets.connectors.pace import INTERVAL_S, Pace
from celec_assets.refusal import Refusal
from celec_assets_tests.services import (
    FastClock,
    Services,
    drip,
    endless,
    half,
    half_that_claims_to_be_whole,
    hang,
    served,
    web_page,
)

QUESTION = "sardomcsr/pointValuesMesH24"
PARAMS = {
    "mrid": "30538",
    "fechaInicio": "2026-10-01T05:00:00.000Z",
    "fechaFin": "2026-11-02T05:00:00.000Z",
    "fecha": "01/10/2026 00:00:00",
}


@pytest.fixture
def client(services: Services, clock: FastClock, tmp_path: Path) -> Client:
    return Client(services.historian_url, pace=Pace("test", tmp_path, clock.time, clock.sleep), sleep=clock.sleep)


def ask(client: Client) -> bytes:
    return client.get(QUESTION, PARAMS, lambda content: "" if content.endswith(b"}") else "it breaks off")


# Pace


def test_requests_start_a_second_apart_also_across_retries_as_the_server_sees_it(
    services: Services, tmp_path: Path
) -> None:
    services.faults.extend([503, half, None, None])
    client = Client(services.historian_url, pace=Pace("test", tmp_path), sleep=lambda _: None)
    ask(client)
    ask(client)
    starts = [asked.at for asked in services.asked]
    assert len(starts) == client.requests == 4
    assert min(after - before for before, after in pairwise(starts)) >= 1.0


def turn(pace: Pace, clock: FastClock | None = None, lasts: float = 0.0) -> None:
    with pace.turn():
        if clock:
            clock.now += lasts


def test_the_first_request_does_not_wait_and_the_next_one_only_for_what_is_left_since_the_answer(
    clock: FastClock, tmp_path: Path
) -> None:
    pace = Pace("test", tmp_path, clock.time, clock.sleep)
    turn(pace, clock, lasts=30)
    assert clock.slept == []
    clock.now += 0.4
    turn(pace)
    assert clock.slept == [pytest.approx(INTERVAL_S - 0.4)]
    clock.now += 7
    turn(pace)
    assert len(clock.slept) == 1


def test_a_request_that_failed_counts_as_well(clock: FastClock, tmp_path: Path) -> None:
    pace = Pace("test", tmp_path, clock.time, clock.sleep)
    with pytest.raises(KeyboardInterrupt), pace.turn():
        raise KeyboardInterrupt
    turn(pace)
    assert clock.slept == [INTERVAL_S]


def test_a_clock_that_was_set_back_costs_one_interval_and_no_more(clock: FastClock, tmp_path: Path) -> None:
    pace = Pace("test", tmp_path, clock.time, clock.sleep)
    turn(pace)
    clock.now -= 86_400
    turn(pace)
    assert clock.slept == [INTERVAL_S]


@pytest.mark.parametrize("stamp", ["", "yesterday", "more than an instant"])
def test_a_damaged_stamp_is_none(clock: FastClock, tmp_path: Path, stamp: str) -> None:
    (tmp_path / "celec-assets-pace-test").write_text(stamp)
    pace = Pace("test", tmp_path, clock.time, clock.sleep)
    turn(pace)
    assert clock.slept == []
    turn(pace)
    assert clock.slept == [INTERVAL_S]


def take_two_turns(folder: str, turns: "multiprocessing.Queue[tuple[float, float]]") -> None:
    pace = Pace("test", Path(folder))
    for _ in range(2):
        with pace.turn():
            began = time.time()
            time.sleep(0.1)
            turns.put((began, time.time()))


def test_processes_take_turns(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    turns = spawn.Queue()
    processes = [spawn.Process(target=take_two_turns, args=(str(tmp_path), turns)) for _ in range(2)]
    for process in processes:
        process.start()
    found = sorted(turns.get(timeout=60) for _ in range(4))
    for process in processes:
        process.join()
    assert min(began - ended for (_, ended), (began, _) in pairwise(found)) >= INTERVAL_S


def test_whoever_comes_first_makes_room_for_all_users(clock: FastClock, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        turn(Pace("name:password@test:8443", tmp_path, clock.time, clock.sleep))
    finally:
        os.umask(before)
    (stamp,) = tmp_path.iterdir()
    assert (stamp.name, stamp.stat().st_mode & 0o777) == ("celec-assets-pace-test_8443", 0o666)


def take_a_turn_as_nobody(folder: str) -> None:
    os.setuid(65534)
    clock = FastClock()
    turn(Pace("test", Path(folder), clock.time, clock.sleep))
    assert clock.slept == [INTERVAL_S]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_users_take_turns() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's folder is root's alone
        Path(name).chmod(0o1777)
        turn(Pace("test", Path(name), FastClock().time))
        process = multiprocessing.get_context("fork").Process(target=take_a_turn_as_nobody, args=(name,))
        process.start()
        process.join(60)
        assert process.exitcode == 0


def test_a_file_that_is_not_for_all_is_named_and_nothing_asked(
    client: Client, services: Services, tmp_path: Path
) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "celec-assets-pace-test").symlink_to(tmp_path / "target")
    with pytest.raises(Refusal, match=r"celec-assets-pace-test: .* have it deleted"):
        ask(client)
    assert services.asked == []
    assert (tmp_path / "target").read_bytes() == b""


def test_servers_have_a_pace_each(clock: FastClock, tmp_path: Path) -> None:
    for server in ("a:8443", "b"):
        turn(Pace(server, tmp_path, clock.time, clock.sleep))
    assert clock.slept == []


def test_the_name_says_who_asks(client: Client, services: Services) -> None:
    ask(client)
    assert services.asked[0].user_agent.startswith("celec-assets/")
    assert "+https://" in services.asked[0].user_agent


# What passes


@pytest.mark.parametrize("fault", [500, 502, 503, 504, 429, half, half_that_claims_to_be_whole, web_page, hang, drip])
def test_what_passes_is_waited_for(
    client: Client, services: Services, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    monkeypatch.setattr(client_module, "READ_S", 0.3)
    monkeypatch.setattr(client_module, "WHOLE_S", 0.4)
    services.faults.append(fault)
    assert ask(client).startswith(b'{"items":[{"loctimestamp":"2026-11-01T05:00:00Z","valueedit":null}')
    assert len(services.asked) == 2


def test_what_does_not_pass_is_given_up_after_five_requests_that_come_ever_later(
    client: Client, services: Services, clock: FastClock
) -> None:
    services.faults.extend([500] * 9)
    with pytest.raises(NoAnswer, match=r"status 500 .*asked 5 times\); try again later"):
        ask(client)
    assert len(services.asked) == 5
    waits = [seconds for seconds in clock.slept if seconds > INTERVAL_S]
    assert waits == sorted(waits)
    assert 20 < clock.now - 1000 < 60


def test_a_server_that_is_not_there_is_given_up_too(client: Client, services: Services) -> None:
    gone = Client("http://localhost:9/", pace=client._pace, sleep=client._sleep)
    with pytest.raises(NoAnswer, match=r"http://localhost:9/.*no connection.*Connection refused.*asked 5 times"):
        ask(gone)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(client: Client, services: Services) -> None:
    services.faults.extend([endless] * 5)
    with pytest.raises(NoAnswer, match=rf"beyond {MAX_BYTES // 2**20} MB"):
        ask(client)


@pytest.mark.parametrize("wait", ["30", "Sun, 06 Nov 1994 08:49:37 GMT", "soon"])
def test_a_short_retry_after_is_honoured(client: Client, services: Services, clock: FastClock, wait: str) -> None:
    services.faults.append((429, {"Retry-After": wait}))
    ask(client)
    assert (30.0 in clock.slept) == (wait == "30")


# What does not


@pytest.mark.parametrize("status", [401, 403])
def test_whoever_is_not_wanted_asks_once(client: Client, services: Services, status: int) -> None:
    services.faults.extend([status] * 9)
    with pytest.raises(StopAsking, match=f"status {status} .*does not want to be asked"):
        ask(client)
    assert len(services.asked) == 1


def test_a_long_retry_after_ends_the_run(client: Client, services: Services) -> None:
    services.faults.append((503, {"Retry-After": "3600"}))
    with pytest.raises(StopAsking, match="left alone for 3600 s; run this again after that"):
        ask(client)
    assert len(services.asked) == 1


@pytest.mark.parametrize("fault", [400, 404, 201, (302, {"Location": "https://example.org/login"})])
def test_a_question_that_is_not_understood_is_not_repeated(client: Client, services: Services, fault: object) -> None:
    services.faults.append(fault)
    with pytest.raises(NoAnswer, match="is the address right"):
        ask(client)
    assert len(services.asked) == 1


# TLS


def certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    (file := folder / "localhost.pem").write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return file


def test_a_certificate_is_trusted_only_when_it_was_given(
    tmp_path: Path, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)
    pace = Pace("test", tmp_path, clock.time, clock.sleep)
    with served(Services(), context) as services:
        with pytest.raises(StopAsking, match=r"certificate is not trusted .*CELEC_CA_BUNDLE"):
            ask(Client(services.historian_url, pace=pace, sleep=clock.sleep))
        assert services.asked == []
        assert ask(Client(services.historian_url, str(bundle), pace, clock.sleep)).startswith(b'{"items"')
        other_name = services.historian_url.replace("localhost", "127.0.0.1")
        with pytest.raises(StopAsking, match="certificate is not trusted"):
            ask(Client(other_name, str(bundle), pace, clock.sleep))
        assert len(services.asked) == 1
