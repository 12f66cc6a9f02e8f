"""Answers in the landing zone: each kept byte for byte, compressed, under a name that tells versions apart."""

import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from celec_assets.sources.answers import Answer, digest, newest


class LandingZone(Protocol):
    """What a connector needs of the lake's landing zone."""

    def list(self) -> Iterator[Any]:
        """Every file, with its `name`."""

    def read(self, name: str) -> bytes:
        """A file's content."""

    def deliver(self, name: str, content: bytes) -> bool:
        """Put a file unless there is one of that name; returns whether it was put."""


class Answers:
    """A source's answers: the newest to every question, and a way to add one."""

    def __init__(self, landing: LandingZone, source: str) -> None:
        self._landing = landing
        self._newest = newest(file.name for file in landing.list() if file.name.startswith(f"{source}/"))

    def questions(self) -> dict[str, Answer]:
        """The newest answer by question."""
        return self._newest

    def newest(self, question: str) -> Answer | None:
        """The newest answer to a question, if there is any."""
        return self._newest.get(question)

    def read(self, answer: Answer) -> bytes:
        """What was answered."""
        return gzip.decompress(self._landing.read(answer.file))

    def keep(self, question: str, content: bytes, form: str, asked: datetime) -> str | None:
        """Put an answer into the landing zone, unless it says what the newest one says. Returns the file's name."""
        known = self.newest(question)
        if known and known.digest == digest(content):
            return None
        # Two within a second, or a clock that was set back: the later answer is the newer one all the same.
        earliest = known.asked + timedelta(seconds=1) if known else asked
        answer = Answer(question, max(asked, earliest).replace(microsecond=0), digest(content), form)
        self._landing.deliver(answer.file, gzip.compress(content, mtime=0))
        self._newest[question] = answer
        return answer.file
