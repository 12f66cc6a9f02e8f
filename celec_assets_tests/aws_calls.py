"""Which role asks AWS for what, as IAM names it: read off the requests themselves, by the key that signed them."""

import json
import re
from collections import Counter
from contextlib import AbstractContextManager
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from celec_assets_tests.s3_server import Exchange, Proxy, proxy_before

_SIGNED_BY: Final = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
_OBJECT: Final = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


class Call(NamedTuple):
    """An action of IAM and what it is done to: an object's folder, a bucket, or a word for what there is one of."""

    role: str
    action: str
    resource: str


class Recorder:
    """Counts the calls that pass through the proxies that it puts `before` servers."""

    def __init__(self) -> None:
        self.calls: Counter[Call] = Counter()

    def before(self, upstream: str) -> AbstractContextManager[Proxy]:
        recorder = self

        class Recorded(Exchange):
            def forward(self) -> tuple[int, dict[str, str], bytes]:
                answer = super().forward()
                if signed := _SIGNED_BY.search(self.headers.get("Authorization", "")):
                    for action, resource in _actions(signed[2], self, answer[0]):
                        recorder.calls[Call(signed[1], action, resource)] += 1
                return answer

        return proxy_before(upstream, Recorded)


def _actions(service: str, exchange: Exchange, status: int) -> list[tuple[str, str]]:
    if service == "s3":
        return _of_s3(exchange, status)
    if service == "sns":
        (action,) = parse_qs(exchange.sent.decode())["Action"]
        # The topic is encrypted: who publishes needs its key as well.
        return [(f"sns:{action}", "alerts"), ("kms:GenerateDataKey", "alerts"), ("kms:Decrypt", "alerts")]
    action = exchange.headers["X-Amz-Target"].rpartition(".")[2]
    asked = json.loads(exchange.sent)
    if action == "RunTask":
        # IAM asks for these two beside it, of whoever names tags and a task definition with roles.
        tagged = [("ecs:TagResource", "task")] if asked.get("tags") else []
        return [("ecs:RunTask", "run"), *tagged, ("iam:PassRole", "run")]
    resource = {"DescribeTaskDefinition": "*", "GetLogEvents": "log of runs"}.get(action, "task")
    return [(f"{service}:{action}", resource)]


def _of_s3(exchange: Exchange, status: int) -> list[tuple[str, str]]:
    url = urlsplit(exchange.path)
    query = parse_qs(url.query, keep_blank_values=True)
    _, _, key = unquote(url.path).lstrip("/").partition("/")
    if not key:
        if exchange.command == "POST":
            return [("s3:DeleteObject", part) for part in sorted(_deleted(exchange.sent))]
        if "location" in query:  # the tests have one bucket for both
            return [("s3:GetBucketLocation", "lake"), ("s3:GetBucketLocation", "artifacts")]
        action = "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
        return [(action, _store(query.get("prefix", [""])[0]))]
    action = "s3:AbortMultipartUpload" if exchange.command == "DELETE" and "uploadId" in query else None
    action = action or f"s3:{_OBJECT.get(exchange.command, 'PutObject')}"
    calls = [("s3:GetObjectVersion" if "versionId" in query else action, _folder(key))]
    if status == 404 and exchange.command in ("GET", "HEAD"):
        # Who may not list is told 403 of what is not there.
        calls.append(("s3:ListBucket", _store(key)))
    return calls


def _deleted(body: bytes) -> set[str]:
    return {_folder(key) for key in re.findall(r"<Key>([^<]+)</Key>", body.decode())}


def _store(key: str) -> str:
    """The bucket in AWS; the tests have one for all three."""
    first = key.partition("/")[0]
    return {"lake": "lake", "dagster-logs": "logs", "mlflow": "artifacts"}.get(first, f"unknown {key!r}")


def _folder(key: str) -> str:
    """`lake/raw/*`: bucket and the first folders within it, without what changes from run to run."""
    parts = key.split("/")
    depth = 2 if parts[0] == "lake" else 1
    return f"{_store(key)}:{'/'.join(parts[:depth])}/*" if len(parts) > depth else f"{_store(key)}:{key}"
