"""GEOGLOWS v2: the simulated past of river reaches, and the forecast of the day."""

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Final

from celec_assets.catalogue import GEOGLOWS_PREFIX, stations
from celec_assets.connectors.client import Client
from celec_assets.connectors.collector import Collector
from celec_assets.connectors.landing import Answers, LandingZone
from celec_assets.sources.answers import Answer
from celec_assets.sources.geoglows import FORECAST_COLUMNS, NAME

FIRST_YEAR: Final = 1940
"""The simulation's own first."""

_LATE_MONTHS: Final = 2
"""The simulation lags behind; until the end of February, last year is asked for too."""

_ROW: Final = re.compile(rb"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ,]", re.MULTILINE)
_YEARS: Final = re.compile(r".+/retrospective/([0-9]{4})(?:-([0-9]{4}))?")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def catalogue_rivers() -> tuple[str, ...]:
    """The river ids that the catalogue names."""
    return tuple(station.id.removeprefix(GEOGLOWS_PREFIX) for station in stations().values() if station.source == NAME)


class Geoglows(Collector):
    """Asks GEOGLOWS and keeps its answers."""

    def __init__(self, client: Client, landing: LandingZone, now: Callable[[], datetime]) -> None:
        """See `Collector`."""
        super().__init__(client, landing, NAME, now)

    def missing(self, rivers: Iterable[str], first_year: int) -> int:
        """How many questions `collect` will ask."""
        known = self._by_river()
        return sum(len(self._spans(known[river], first_year)) + 1 for river in rivers)

    def collect(
        self, rivers: Iterable[str], first_year: int = FIRST_YEAR, on_step: Callable[[str], None] = lambda _: None
    ) -> None:
        """Ask for the years that are not there, for this year, and for the newest forecast; keep what is answered.

        Rivers whose last new answer is oldest come first: where there is no time for all, the next run goes on with the
        others.

        Args:
            on_step: is told each question when it is done.

        Raises:
            StopAsking: see `Client`.
        """
        known = self._by_river()
        waiting = deque(sorted(rivers, key=lambda river: max((a.asked for a in known[river]), default=_NEVER)))
        while waiting:
            # Those that never answer are always among the first. Whether they are odd or the service is down, the river
            # that answered last tells.
            river = waiting.pop() if self._failures_in_a_row else waiting.popleft()
            self._forecast(river)
            on_step(f"{river} forecast")
            for first, last in self._spans(known[river], first_year):
                on_step(f"{river} {first} to {last}")
                # A river that is not known here will not be in another year either.
                if not self._retrospective(river, first, last):
                    break

    def _by_river(self) -> defaultdict[str, list[Answer]]:
        """The newest answers to all questions about a river."""
        answers = defaultdict(list)
        for question, answer in self._answers.questions().items():
            answers[question.removeprefix(f"{NAME}/").partition("/")[0]].append(answer)
        return answers

    def _spans(self, answers: Sequence[Answer], first_year: int) -> list[tuple[int, int]]:
        """Each unbroken gap of past years, and each year that may still change."""
        today = self._today()
        open_years = [today.year - 1, today.year] if today.month <= _LATE_MONTHS else [today.year]
        there: set[int] = set()
        for answer in answers:
            if years := _YEARS.fullmatch(answer.question):
                there |= set(range(int(years[1]), int(years[2] or years[1]) + 1))
        # Years without a gap between them differ from their position by the same number.
        lacking = [year for year in range(first_year, open_years[0]) if year not in there]
        gaps = [[year for _, year in run] for _, run in groupby(enumerate(lacking), lambda pair: pair[1] - pair[0])]
        return [(gap[0], gap[-1]) for gap in gaps] + [(year, year) for year in open_years]

    def _retrospective(self, river: str, first: int, last: int) -> bool:
        """Whether there was an answer."""
        question = f"{NAME}/{river}/retrospective/{first if first == last else f'{first}-{last}'}"
        content = self._try(question, lambda: ask_past(self._client, river, first, last))
        if content and (days := _days(content)):
            self._keep(question, content, "csv", days)
        return content is not None

    def _forecast(self, river: str) -> None:
        """The newest forecast, under the day on which it begins: its issue date."""
        question = f"{NAME}/{river}/forecast"
        content = self._try(question, lambda: ask_forecast(self._client, river))
        if content and (days := _days(content)):
            # It says nothing of what was, so it adds neither rows nor a last day.
            self._keep(f"{question}/{min(days)}", content, "csv", [])


def ask_past(client: Client, river: str, first_year: int, last_year: int) -> bytes:
    """GEOGLOWS' answer for whole years of simulated daily flow. Raises like `Client.get`."""
    window = {"format": "csv", "start_date": f"{first_year}0101", "end_date": f"{last_year}1231"}
    return client.get(f"retrospectivedaily/{river}", window, _flaw({"time", river}, {"datetime", river}))


def ask_forecast(client: Client, river: str) -> bytes:
    """GEOGLOWS' newest forecast. Raises like `Client.get`."""
    return client.get(f"forecast/{river}", {"format": "csv"}, _flaw(set(FORECAST_COLUMNS)))


def issue_dates(landing: LandingZone) -> dict[str, date]:
    """The newest forecast's issue date of every river that has one."""
    found: dict[str, date] = {}
    for question in sorted(Answers(landing, NAME).questions()):
        river, kind, issued = question.removeprefix(f"{NAME}/").split("/")
        if kind == "forecast":
            found[river] = date.fromisoformat(issued)
    return found


def _flaw(*headers: set[str]) -> Callable[[bytes], str]:
    """A judge of answers: what makes one no table with one of these headers."""

    def judge(content: bytes) -> str:
        header = content.partition(b"\n")[0].decode("utf-8-sig", "replace").strip().replace('"', "")
        if set(header.split(",")) not in headers:
            return f"an answer that begins with {header[:80]!r}"
        if not content.endswith(b"\n"):
            return "a table that breaks off"
        try:
            _days(content)
        except ValueError as error:
            return f"a table with a day that is none ({error})"
        return ""

    return judge


def _days(content: bytes) -> list[date]:
    """The days of the rows, each once."""
    return sorted({date.fromisoformat(day.decode()) for day in _ROW.findall(content)})
