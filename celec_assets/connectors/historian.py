"""CELEC's historian (Oracle ORDS): daily flow and level of the catalogue's stations, a month a request.

At some hours of the day the historian answers every question with nulls. So an answer without a value is believed
only when an answer with values came before it and another one after it, in the same run.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from celec_assets.catalogue import stations
from celec_assets.connectors.client import Client, NoAnswer, StopAsking
from celec_assets.connectors.collector import ECUADOR, Collector
from celec_assets.connectors.landing import Answers, LandingZone

SOURCE: Final = "celec-historian"
FIRST_MONTH: Final = date(2010, 1, 1)
"""Mazar's first values are of early 2010, and no other station of ours began before."""

REASK: Final = timedelta(days=10)
"""A month is asked for until so long after its end, since values are corrected."""

QUIET_MONTHS: Final = 12
"""After so many months without a value, going back, a station had not begun yet: earlier ones are not asked for."""

_DOUBTFUL_AT_MOST: Final = 24
"""Answers without a value in a row, before a control is asked whether they can be believed."""

_CONTROLS: Final = ("mazar", "molino")
"""Their flow of last month is always there; if neither has a value, the historian has none to give at this hour."""


class NullHour(StopAsking):
    """The historian answers with nulls alone, also where it has values: ask again in a while."""


@dataclass(frozen=True)
class Point:
    """A quantity that the historian holds: `flow` (m³/s) or `level` (m above sea level) at a station."""

    station: str
    quantity: str
    mrid: int

    def question(self, month: date) -> str:
        """The folder of the answers for that month."""
        return f"{SOURCE}/{self.station}/{self.quantity}/{month:%Y-%m}"


def points(only: Iterable[str] = ()) -> tuple[Point, ...]:
    """What the catalogue knows of the historian, in its order; of these stations, or of all."""
    chosen = set(only) or stations().keys()
    return tuple(
        Point(station.id, quantity, mrid)
        for station in stations().values()
        for quantity, mrid in (("flow", station.mrid_flow), ("level", station.mrid_level))
        if mrid and station.id in chosen
    )


def months(first: date, last: date) -> tuple[date, ...]:
    """The first day of every month that holds any day from `first` to `last`, newest first."""
    found = []
    month = last.replace(day=1)
    while month >= first.replace(day=1):
        found.append(month)
        month = _before(month)
    return tuple(found)


class Historian(Collector):
    """Asks the historian and keeps its answers."""

    def __init__(self, client: Client, landing: LandingZone, now: Callable[[], datetime]) -> None:
        """See `Collector`."""
        super().__init__(client, landing, SOURCE, now)
        self._doubtful: list[tuple[Point, date, bytes]] = []
        self._heard = False

    def first_day_to_ask(self, points: Sequence[Point]) -> date:
        """Where the lake ends: the day from which on values may be new or corrected.

        The point that was heard of longest ago decides, so that one that failed for weeks is made up for. Points
        that were never heard of need their history fetched first.
        """
        heard: dict[tuple[str, ...], datetime] = {}
        for answer in self._answers.questions().values():
            point = tuple(answer.question.split("/")[1:3])
            heard[point] = max(answer.asked, heard.get(point, answer.asked))
        asked = [heard[key] for p in points if (key := (p.station, p.quantity)) in heard]
        return min((instant.astimezone(ECUADOR).date() for instant in asked), default=self._today()) - REASK

    def missing(self, points: Sequence[Point], months: Iterable[date], again: bool = False) -> int:
        """How many of these have to be asked for at most."""
        return sum(again or not self._is_settled(point.question(month), month) for month in months for point in points)

    def collect(
        self,
        points: Sequence[Point],
        months: Iterable[date],
        again: bool = False,
        on_step: Callable[[Point, date], None] = lambda *_: None,
    ) -> None:
        """Ask for what is not there, newest month first, and keep what is answered.

        Args:
            again: ask also for what is there.
            on_step: is told each point and month when it is done, or not needed.

        Raises:
            NullHour: see there; what was answered before it began is kept, and nothing of it is.
            StopAsking: see `Client`.
        """
        quiet: Counter[Point] = Counter()
        for month in sorted(months, reverse=True):
            for point in points:
                if quiet[point] < QUIET_MONTHS:
                    days = self._known_or_asked(point, month, again)
                    quiet[point] = quiet[point] + 1 if days == [] else 0
                on_step(point, month)
        if self._doubtful:
            self._ask_control()

    def _known_or_asked(self, point: Point, month: date, again: bool) -> list[date] | None:
        """The days with a value; None without an answer."""
        question = point.question(month)
        known = self._answers.newest(question)
        if known and self._is_settled(question, month) and not again:
            self.arrived.there += 1
            return _days(self._answers.read(known), month)
        if not self._heard:
            self._ask_control()
        content = self._try(question, lambda: ask(self._client, point, month))
        if content is None:
            return None
        days = _days(content, month)
        if days:
            self._believe()
            self._keep(question, content, "json", days)
        else:
            self._doubtful.append((point, month, content))
            if len(self._doubtful) == _DOUBTFUL_AT_MOST:
                self._ask_control()
        return days

    def _is_settled(self, question: str, month: date) -> bool:
        known = self._answers.newest(question)
        return known is not None and known.asked.astimezone(ECUADOR).date() >= _after(month) + REASK

    def _ask_control(self) -> None:
        """Find out whether the historian gives values at this hour.

        Raises:
            NullHour: it does not; the answers in doubt are dropped.
            StopAsking: it does not answer.
        """
        month = _before(self._today().replace(day=1))
        for control in (point for point in points(_CONTROLS) if point.quantity == "flow"):
            try:
                content = ask(self._client, control, month)
            except NoAnswer as reason:
                raise StopAsking(str(reason)) from None
            if _days(content, month):
                self._heard = True
                self._believe()
                return
        dropped, self._doubtful = len(self._doubtful), []
        raise NullHour(
            f"the historian has no value at this hour, not even for {' or '.join(_CONTROLS)} in {month:%Y-%m}; "
            f"{dropped} answers without a value were not kept. Try again in a quarter of an hour"
        )

    def _believe(self) -> None:
        """Keep the answers in doubt, but for those that would take everything back that was said before."""
        for point, month, content in self._doubtful:
            question = point.question(month)
            known = self._answers.newest(question)
            if known and _days(self._answers.read(known), month):
                self.arrived.withheld[question] = "no value any more, where there were some; the earlier answer stands"
            else:
                self._keep(question, content, "json", [])
        self._doubtful = []


def ask(client: Client, point: Point, month: date) -> bytes:
    """The historian's answer for a month. Raises like `Client.get`."""
    # Exclusive as it is, an end at the month's own would leave the last local day unfinished: one day more.
    window = {"fechaInicio": month, "fechaFin": _after(month) + timedelta(days=1)}
    params = {name: f"{day}T05:00:00.000Z" for name, day in window.items()}
    params |= {"mrid": str(point.mrid), "fecha": f"{month:%d/%m/%Y} 00:00:00"}
    return client.get("sardomcsr/pointValuesMesH24", params, _flaw)


def last_days(landing: LandingZone) -> dict[str, date]:
    """The last day with a value of every point that has one, by `<station>/<quantity>`."""
    answers = Answers(landing, SOURCE)
    found: dict[str, date] = {}
    for question, answer in sorted(answers.questions().items(), reverse=True):
        point, _, month = question.removeprefix(f"{SOURCE}/").rpartition("/")
        if point not in found and (days := _days(answers.read(answer), date.fromisoformat(f"{month}-01"))):
            found[point] = days[-1]
    return found


def _flaw(content: bytes) -> str:
    """What makes this no answer of the historian at all. What its values are worth, `sources.celec_historian` says."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return "an answer that is no JSON, or breaks off"
    if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
        return "JSON without a list of items"
    return "one page of several (hasMore)" if answer.get("hasMore") else ""


def _days(content: bytes, month: date) -> list[date]:
    """The days of the month for which an answer holds a value; 0.00 is none."""
    items: list[Any] = json.loads(content)["items"]
    stamps = [str(item.get("loctimestamp")) for item in items if isinstance(item, dict) and item.get("valueedit")]
    named = {stamp[:10] for stamp in stamps}
    of_month = (month + timedelta(days=number) for number in range((_after(month) - month).days))
    return [day for day in of_month if day.isoformat() in named]


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
