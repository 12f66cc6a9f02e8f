"""One polite HTTP client for public services: a request a second, an honest name, patience, and an end to patience."""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Final, NoReturn
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from celec_assets.connectors.pace import Pace
from celec_assets.refusal import Refusal

USER_AGENT: Final = f"celec-assets/{version('celec-assets')} (+https://example.org/celec-assets)"
"""Says who asks, so that a server's keeper can write instead of blocking. Put your own page here when you fork."""

CONNECT_S: Final = 10.0
READ_S: Final = 60.0
WHOLE_S: Final = 180.0
"""For one answer from first to last byte; a server that drips a byte now and then keeps no run waiting."""

MAX_BYTES: Final = 8 * 2**20
LONGEST_WAIT_S: Final = 120.0
"""A server that asks for more patience than this (Retry-After) gets it: the run ends, and the next one is later."""

_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNWANTED: Final = frozenset({401, 403, 407, 451})


class NoAnswer(Refusal):
    """This question got no usable answer, after retries where they could help. Other questions may be asked."""


class StopAsking(Refusal):
    """The server wants, or has, no further question now: the run has to end. Raised without retries."""


class _TryAgain(Exception):
    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(reason)


class Client:
    """Asks one service, one question at a time."""

    def __init__(
        self,
        base_url: str,
        ca_bundle: str | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        retries: int = 4,
    ) -> None:
        """Open no connection yet.

        Args:
            base_url: what questions are relative to.
            ca_bundle: file of certificates to trust instead of the usual ones. Certificates are always verified.
            pace: by default the server's, shared with all processes of this machine.
        """
        self.base_url = base_url.rstrip("/")
        self.requests = 0
        """Sent so far, retries and all."""
        self._retries = Retry(total=retries, backoff_factor=2, backoff_max=60)
        self._pace = pace or Pace(urlsplit(base_url).netloc)
        self._sleep = sleep
        self._verify: str | bool = ca_bundle or True
        self._session = requests.Session()
        # What is kept is what was answered: no encoding on the way that would have to be undone.
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})

    def get(self, path: str, params: dict[str, str], flaw: Callable[[bytes], str]) -> bytes:
        """The answer to one question.

        Args:
            path: below the base URL.
            flaw: what makes content no answer at all, for instance that it breaks off; empty for a good one.

        Raises:
            NoAnswer: also when every retry failed.
            StopAsking: 403 and its like, a certificate that is not trusted, a long Retry-After.
        """
        retries = self._retries
        while True:
            try:
                return self._ask(path, params, flaw)
            except _TryAgain as reason:
                try:
                    retries = retries.increment("GET", path, error=reason)
                except MaxRetryError:
                    times = len(retries.history) + 1
                    asked = f"asked {times} times" if times > 1 else "asked once"
                    raise NoAnswer(f"{self._whom(path)}: {reason} ({asked}); try again later") from None
                self._sleep(max(retries.get_backoff_time(), reason.wait_s))

    def _ask(self, path: str, params: dict[str, str], flaw: Callable[[bytes], str]) -> bytes:
        url = f"{self.base_url}/{path}"
        timeout = (CONNECT_S, READ_S)
        self.requests += 1
        try:
            with (
                self._pace.turn(),
                self._session.get(
                    url, params=params, timeout=timeout, stream=True, allow_redirects=False, verify=self._verify
                ) as response,
            ):
                self._judge(path, response)
                content = _body(response)
        except requests.exceptions.SSLError as error:
            reason = f"{self._whom(path)}: the certificate is not trusted ({error})"
            raise StopAsking(f"{reason}; if it is right, trust it with CELEC_CA_BUNDLE") from None
        except (requests.exceptions.RequestException, HTTPError) as error:
            raise _TryAgain(_plain(error)) from None
        if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise _TryAgain("a web page instead of data")
        if found := flaw(content):
            raise _TryAgain(found)
        return content

    def _judge(self, path: str, response: requests.Response) -> None:
        """Raise unless the status promises an answer."""
        status = response.status_code
        if status == 200:
            return
        said = f"status {status} {response.reason or ''}".rstrip()
        if status in _UNWANTED:
            self._stop(
                path, f"{said}: it does not want to be asked. Nothing more is sent; ask its keepers, or wait a day"
            )
        if status not in _TRANSIENT:
            raise NoAnswer(f"{self._whom(path)}: {said}; is the address right, and does it know what is asked for?")
        try:
            wait_s = Retry().get_retry_after(response.raw) or 0.0
        except HTTPError:  # a Retry-After that is neither seconds nor a date
            wait_s = 0.0
        if wait_s > LONGEST_WAIT_S:
            self._stop(path, f"{said}: it asks to be left alone for {wait_s:.0f} s; run this again after that")
        raise _TryAgain(said, wait_s)

    def _stop(self, path: str, reason: str) -> NoReturn:
        raise StopAsking(f"{self._whom(path)}: {reason}")

    def _whom(self, path: str) -> str:
        return f"{self.base_url}/{path}"


def _plain(error: Exception) -> str:
    """What went wrong, without the objects that requests and urllib3 wrap it in."""
    cause = error.args[0] if error.args else error
    reason = str(getattr(cause, "reason", cause))
    return f"no connection, or a broken one: {reason.partition('): ')[2] or reason}"


def _body(response: requests.Response) -> bytes:
    """The whole body, within size and time."""
    deadline = time.monotonic() + WHOLE_S
    parts: list[bytes] = []
    size = 0
    while part := response.raw.read1(2**16, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise _TryAgain(f"an answer beyond {MAX_BYTES // 2**20} MB")
        if time.monotonic() > deadline:
            raise _TryAgain(f"an answer that was not whole after {WHOLE_S:.0f} s")
    return b"".join(parts)
