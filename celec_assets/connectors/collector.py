"""What every connector does with its questions: ask them one by one, keep the answers, and know when to stop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from celec_assets.connectors.client import Client, NoAnswer, StopAsking
from celec_assets.connectors.landing import Answers, LandingZone

ECUADOR: Final = ZoneInfo("America/Guayaquil")

FAILURES_IN_A_ROW: Final = 3
"""So many questions without an answer, one after the other, mean that the service is down, not that they are odd."""


@dataclass
class Arrived:
    """What came of asking. Days and rows are those that hold a value."""

    new: list[str] = field(default_factory=list)
    """Files that were put into the landing zone."""
    unchanged: int = 0
    """Answers that said what the newest file says."""
    there: int = 0
    """Questions that did not have to be asked, since their answer is there."""
    rows: int = 0
    last_day: date | None = None
    failed: dict[str, str] = field(default_factory=dict)
    """Questions without an answer, and why."""
    withheld: dict[str, str] = field(default_factory=dict)
    """Questions whose answer was not believed and not kept, and why."""


class Collector:
    """Asks one service and keeps its answers in the landing zone."""

    def __init__(self, client: Client, landing: LandingZone, source: str, now: Callable[[], datetime]) -> None:
        """Look at what is there.

        Args:
            source: the folder below `raw/`.
            now: the present instant, with a zone.
        """
        self.arrived = Arrived()
        """Up to date at any moment, also after an exception."""
        self.name = source
        self._client, self._answers, self._now = client, Answers(landing, source), now
        self._failures_in_a_row = 0

    @property
    def requests(self) -> int:
        """Requests sent so far, retries and all."""
        return self._client.requests

    def _today(self) -> date:
        return self._now().astimezone(ECUADOR).date()

    def _try(self, question: str, ask: Callable[[], bytes]) -> bytes | None:
        """The answer; None where there is none, which is noted.

        Raises:
            StopAsking: also when nothing is answered any more.
        """
        try:
            content = ask()
        except NoAnswer as reason:
            self.arrived.failed[question] = str(reason)
            self._failures_in_a_row += 1
            if self._failures_in_a_row == FAILURES_IN_A_ROW:
                raise StopAsking(f"{FAILURES_IN_A_ROW} questions in a row without an answer; {reason}") from None
            return None
        self._failures_in_a_row = 0
        return content

    def _keep(self, question: str, content: bytes, form: str, days: list[date]) -> None:
        """Keep an answer that holds values for these days."""
        file = self._answers.keep(question, content, form, self._now())
        if file:
            self.arrived.new.append(file)
        else:
            self.arrived.unchanged += 1
        self.arrived.rows += len(days)
        self.arrived.last_day = max((day for day in (*days, self.arrived.last_day) if day), default=None)
