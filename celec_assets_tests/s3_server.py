"""S3 on this machine: a server that speaks its protocol, and a proxy before it on which the network can go wrong."""

import http.client
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from celec_assets_tests.postgres_server import free_port

BUCKET = "lake-of-tests"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "no-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of a server of its own, whose buckets live as long as it does: what moto keeps is its process's."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the S3 server did not start within a minute")


class Exchange(BaseHTTPRequestHandler):
    """One request: a fault may answer it, or forward it and then spoil the answer."""

    protocol_version = "HTTP/1.1"
    server: "_ProxyServer"

    def answer(self) -> None:
        proxy = self.server.proxy
        self.sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.next_fault(self.command, self.path)
        if fault:
            fault(self)
        else:
            self.reply(*self.forward())

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815

    def forward(self) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(self.server.proxy.upstream, timeout=30)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
            upstream.request(self.command, self.path, self.sent, headers)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def reply(self, status: int, headers: dict[str, str], body: bytes, cut_at: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut_at])

    def reset(self) -> None:
        """End the connection as a machine does that goes down."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def finish(self) -> None:
        if not self.wfile.closed and self.connection.fileno() != -1:
            super().finish()

    def log_message(self, *_: Any) -> None:
        pass


Fault: TypeAlias = Callable[[Exchange], None]


def refuses(status: int, code: str, message: str = "") -> Fault:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return lambda exchange: exchange.reply(status, {"Content-Type": "application/xml"}, body)


def waits(seconds: float) -> Fault:
    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.reset()

    return fault


def resets(exchange: Exchange) -> None:
    exchange.reset()


def loses_the_answer(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def breaks_off(exchange: Exchange) -> None:
    status, headers, body = exchange.forward()
    exchange.reply(status, headers, body, cut_at=len(body) // 2)
    exchange.reset()


def spoils(exchange: Exchange) -> None:
    """Another byte than was sent: its checksum tells."""
    status, headers, body = exchange.forward()
    exchange.reply(status, headers, bytes([body[0] ^ 1]) + body[1:])


class Proxy:
    """Forwards to a server; `faults` are used up, one a request, before `always` has its turn."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.methods = ("GET", "PUT", "DELETE")
        """Which requests a fault can hit."""
        self.requests: list[tuple[str, str]] = []
        self.url = ""
        self._lock = threading.Lock()

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.requests.append((method, path))
            if method not in self.methods:
                return None
            return self.faults.popleft() if self.faults else self.always


class _ProxyServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: Proxy

    def handle_error(self, *_: Any) -> None:
        """A client that has given up is no news."""


@contextmanager
def proxy_before(upstream: str, exchange: type[Exchange] = Exchange) -> Iterator[Proxy]:
    proxy = Proxy(upstream)
    with _ProxyServer(("127.0.0.1", 0), exchange) as server:
        server.proxy = proxy
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
