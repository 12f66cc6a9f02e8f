"""A bucket, or a prefix in one, as object store: over boto3, in AWS or wherever `AWS_ENDPOINT_URL_S3` points to."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from celec_assets.storage.s3_errors import Outrun, code_of, in_plain_words
from celec_assets.storage.store import LakeUnavailable, ObjectInfo, ObjectMissing, key_parts

ATTEMPTS: Final = 7
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 7
"""A request that nobody answers is given up within 55 seconds, pauses and all: a sensor's tick has 60."""

CONNECTIONS: Final = 32
"""Threads that get and put at once without waiting for each other's connection."""


class _Stored(NamedTuple):
    """What a get answers: the bytes, the tag by which S3 knows them, and the mark of the swap that put them."""

    content: bytes
    tag: str
    mark: str


class S3Store:
    """Objects under `s3://bucket/prefix`; the prefix may be missing.

    boto3 finds credentials, region and endpoint in its usual places. Encryption is the bucket's own setting. What may
    pass by itself (no answer, a server's error, `SlowDown`) is tried again with growing pauses.

    Raises:
        LakeUnavailable: from every method: no bucket, no credentials, no answer.
        AccessDenied: from every method: the action is not allowed.
        OSError: from every method: S3 refuses this object for another reason.
    """

    def __init__(self, url: str, endpoint_url: str | None = None) -> None:
        self._bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self.url = f"s3://{self._bucket}/{prefix}".rstrip("/")
        try:
            self._client = connect(endpoint_url)
        except (BotoCoreError, ValueError) as error:
            reason = f"{error}. Look at the variables AWS_... and at ~/.aws/config"
            raise LakeUnavailable(f"the lake {self.url} cannot be opened: {reason}") from error

    def get(self, key: str, limit: int | None = None) -> bytes:
        return self._get(key, limit).content

    def put(self, key: str, content: bytes) -> None:
        self._put(key, content)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        mark = uuid.uuid4().hex
        stored = None if old is None else self._find(key)  # S3 itself says whether there is one already
        while True:
            # When an answer is lost, boto3 puts once more, and its first put is what stands in the way.
            if stored is not None and stored.mark == mark:
                return True
            if (stored.content if stored else None) != old:
                return False
            condition = {"IfMatch": stored.tag} if stored else {"IfNoneMatch": "*"}
            try:
                self._put(key, new, Metadata={"swap": mark}, **condition)
            except Outrun:
                stored = self._find(key)
            else:
                return True

    def delete(self, key: str) -> None:
        with self._saying("s3:DeleteObject", key):
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def exists(self, key: str) -> bool:
        # A get, since the 404 of a HEAD does not tell a missing object from a missing bucket.
        try:
            self.get(key, limit=1)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        # S3 sorts by the bytes of UTF-8, which is the order of Python's strings.
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._name(prefix.rstrip("/")) + "/"
        )
        with self._saying("s3:ListBucket", prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    if not found["Key"].endswith("/"):  # what a console puts in place of a folder
                        key = found["Key"].removeprefix(self._prefix)
                        yield ObjectInfo(key, found["Size"], found["LastModified"].astimezone(UTC))

    def _find(self, key: str) -> _Stored | None:
        try:
            return self._get(key)
        except ObjectMissing:
            return None

    def _get(self, key: str, limit: int | None = None) -> _Stored:
        part = {} if limit is None else {"Range": f"bytes=0-{max(limit, 1) - 1}"}
        name = self._name(key)
        with self._saying("s3:GetObject", key):
            attempts = 0
            while True:
                attempts += 1
                try:
                    answer = self._client.get_object(Bucket=self._bucket, Key=name, **part)
                except ClientError as error:
                    if code_of(error) == "InvalidRange":  # it is empty
                        return _Stored(b"", "", "")
                    raise
                try:
                    content = answer["Body"].read()
                except (HTTPClientError, IncompleteReadError, FlexibleChecksumError):
                    # boto3 asks again until an answer begins, and not when it breaks off.
                    if attempts == ATTEMPTS:
                        raise
                    continue
                return _Stored(content[:limit], answer["ETag"], answer["Metadata"].get("swap", ""))

    def _put(self, key: str, content: bytes, **condition: Any) -> None:
        name = self._name(key)
        with self._saying("s3:PutObject", key):
            self._client.put_object(Bucket=self._bucket, Key=name, Body=content, **condition)

    def _name(self, key: str) -> str:
        return self._prefix + "/".join(key_parts(key))

    @contextmanager
    def _saying(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            address = urlsplit(self._client.meta.endpoint_url)
            raise in_plain_words(error, action, key, self.url, f"{address.hostname}:{address.port or 443}") from error


@lru_cache
def connect(endpoint_url: str | None) -> Any:
    """The process's client, which threads share."""
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        "max_pool_connections": CONNECTIONS,
    }
    client = boto3.session.Session().client("s3", endpoint_url=endpoint_url, config=Config(**options))
    if not (urlsplit(client.meta.endpoint_url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        # Elsewhere nobody resolves <bucket>.<host>.
        elsewhere = Config(**options, s3={"addressing_style": "path"})
        client = boto3.session.Session().client("s3", endpoint_url=endpoint_url, config=elsewhere)
    return client
