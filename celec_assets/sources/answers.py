"""How a connector's files are named: every answer of a service that differs from the one before is kept as a version.

    <source>/<what was asked>/<instant, UTC>-<start of the answer's SHA-256>.json.gz (or .csv.gz)

All that lies in one folder answers the same question, and the newest answer is what the service says now: also where
it takes a value back. The older ones are kept and no longer read.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_NAME: Final = re.compile(
    r"(?P<question>.+)/(?P<instant>[0-9]{8}T[0-9]{6}Z)-(?P<digest>[0-9a-f]{12})\.(?P<form>json|csv)\.gz"
)
_INSTANT: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, order=True)
class Answer:
    """What a file's name says: the question (the folder), when it was asked (UTC), the answer's digest and form."""

    question: str
    asked: datetime
    digest: str
    form: str

    @classmethod
    def of(cls, file: str) -> "Answer | None":
        """The answer that a file of that name holds, if it is a connector's."""
        named = _NAME.fullmatch(file)
        if named is None:
            return None
        try:
            asked = datetime.strptime(named["instant"], _INSTANT).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(named["question"], asked, named["digest"], named["form"])

    @property
    def file(self) -> str:
        """Its path in the landing zone."""
        return f"{self.question}/{self.asked:{_INSTANT}}-{self.digest}.{self.form}.gz"


def digest(content: bytes) -> str:
    """What tells one answer from another (of the answer itself, not of what compression makes of it)."""
    return hashlib.sha256(content).hexdigest()[:12]


def newest(files: Iterable[str]) -> dict[str, Answer]:
    """The newest answer to every question, by question; files that are no connector's are left out."""
    answers = sorted(answer for answer in map(Answer.of, files) if answer)
    return {answer.question: answer for answer in answers}


def without_superseded(files: Iterable[str]) -> list[str]:
    """The files in their order, without answers that a newer one to the same question has replaced."""
    files = list(files)
    last = newest(files)
    return [file for file in files if not (answer := Answer.of(file)) or last[answer.question] == answer]
