"""CELEC's historian and GEOGLOWS v2 as a server on this machine, with all that is known to be odd about them."""

import json
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NULL_HOURS = range(18, 20)
"""Local hours at which the historian answers with nulls alone."""

HISTORIAN = "/ords/csr/sardomcsr/pointValuesMesH24"
MIDNIGHT_Z = "%Y-%m-%dT05:00:00Z"


class FastClock:
    """Time passes when somebody sleeps, and not otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Asked:
    """A request as the server saw it; `at` in seconds of its own clock."""

    path: str
    params: dict[str, str]
    at: float
    user_agent: str

    @property
    def month(self) -> str:
        return self.params["fechaInicio"][:7]


@dataclass
class Services:
    """What the services hold, at what hour it is there, and what goes wrong next."""

    values: dict[int, dict[date, float | None]] = field(default_factory=dict)
    """The historian's, by mrid and day."""
    rivers: dict[int, dict[date, float]] = field(default_factory=dict)
    """The simulated past, by river and day."""
    issued: date = date(2026, 11, 23)
    hour: int = 6
    faults: deque[Any] = field(default_factory=deque)
    """One for each of the next requests: a status, a pair of status and headers, or a way to answer below."""
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def fill(self, mrid: int, first: date, last: date, value: float = 50.0) -> None:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self.values.setdefault(mrid, {}).update({day: value + day.toordinal() % 7 for day in days})

    @property
    def historian_url(self) -> str:
        return f"{self.url}/ords/csr/"

    @property
    def geoglows_url(self) -> str:
        return f"{self.url}/api/v2/"

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        if path == HISTORIAN:
            return self._historian(params)
        if found := re.fullmatch(r"/api/v2/([a-z]+)/([0-9]+)", path):
            return self._geoglows(found[1], int(found[2]), params)
        return 404, "text/html", b"<!DOCTYPE html><title>Not Found</title>"

    def _historian(self, params: dict[str, str]) -> tuple[int, str, bytes]:
        instant = "%Y-%m-%dT%H:%M:%S.%fZ"
        try:
            start, end = (utc(params[name], instant) for name in ("fechaInicio", "fechaFin"))
            utc(params["fecha"], "%d/%m/%Y %H:%M:%S")
            held = self.values.get(int(params["mrid"]), {})
        except (KeyError, ValueError):
            return 400, "text/html", b"<!DOCTYPE html><title>Bad Request</title>"
        midnights = [start.replace(hour=5) + timedelta(days=n) for n in range((end - start).days + 1)]
        items = []
        for midnight in midnights:
            if start <= midnight < end:
                # The end is exclusive: a day that ends with the window is not finished, and has no value.
                finished = midnight + timedelta(days=1) < end
                speaks = finished and self.hour not in NULL_HOURS
                value = held.get(midnight.date()) if speaks else None
                items.insert(0, {"loctimestamp": midnight.strftime(MIDNIGHT_Z), "valueedit": value})
        answer = {"items": items, "hasMore": False, "limit": 0, "offset": 0, "count": len(items), "links": []}
        return 200, "application/json", json.dumps(answer, separators=(",", ":")).encode()

    def _geoglows(self, product: str, river: int, params: dict[str, str]) -> tuple[int, str, bytes]:
        if product not in ("retrospectivedaily", "forecast"):
            return 201, "application/json", b'{"error": "data product not available"}'
        if river not in self.rivers:
            return 500, "application/json", b'{"error": "An unexpected error occurred"}'
        if product == "forecast":
            hours = [utc(str(self.issued), "%Y-%m-%d") + timedelta(hours=3 * n) for n in range(120)]
            rows = [f"{hour:%Y-%m-%dT%H:%M:%S}+00:00,4{hour.hour}.5,3{hour.hour}.1,2{hour.hour}.9" for hour in hours]
            header = "datetime,flow_uncertainty_upper,flow_median,flow_uncertainty_lower"
            return 200, "text/csv", "\n".join([header, *rows, ""]).encode()
        first, last = (utc(params[name], "%Y%m%d").date() for name in ("start_date", "end_date"))
        rows = [f"{day} 00:00:00+00:00,{q}" for day, q in self.rivers[river].items() if first <= day <= last]
        return 200, "text/csv", "\n".join([f"time,{river}", *rows, ""]).encode()


def utc(text: str, pattern: str) -> datetime:
    return datetime.strptime(text, pattern).replace(tzinfo=UTC)


def half(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Half the body, and the connection is closed."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def half_that_claims_to_be_whole(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, 200, {"Content-Type": "application/json"}, body[: len(body) // 2])


def web_page(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, 200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>En mantenimiento</title>")


def hang(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    time.sleep(1.0)
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A byte now and then: no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for at in range(50):
        handler.wfile.write(body[at : at + 1])
        handler.wfile.flush()
        time.sleep(0.05)
    handler.close_connection = True


def endless(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" " * 2**16)
    handler.close_connection = True


def send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def served(services: Services, tls: ssl.SSLContext | None = None) -> Iterator[Services]:
    """The services on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            params = {name: values[0] for name, values in parse_qs(url.query).items()}
            services.asked.append(Asked(url.path, params, time.monotonic(), self.headers["User-Agent"]))
            status, kind, body = services.answer(url.path, params)
            fault = services.faults.popleft() if services.faults else None
            try:
                if callable(fault):
                    fault(self, body)
                elif isinstance(fault, tuple):
                    send(self, fault[0], fault[1], b"")
                elif fault is not None:
                    send(self, fault, {"Content-Type": "text/html"}, b"<html>no</html>")
                else:
                    send(self, status, {"Content-Type": kind}, body)
            except (BrokenPipeError, ConnectionResetError):  # whoever asked has lost patience
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever does not trust the certificate hangs up: no news to a server."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    services.url = f"{'https' if tls else 'http'}://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
