"""The geometry of a station's chart: what was observed, what is forecast, what is usual, as SVG paths.

Across, one unit is one day, and the template stretches the drawing to the width at hand; down, one unit is one pixel,
so that a phone shows the same height and the same letters as a desktop. Words and numbers stand in the template.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from celec_assets.report.document import Day, Observed, Report, Station, Usual

HEIGHT: Final = 220
"""Of the plot, in pixels."""
GRID_LINES: Final = 4

Points = Sequence[tuple[int, float]]


class Mark(NamedTuple):
    """Something at one day: `across` in percent of the width, `down` in pixels; `down` is None without a value."""

    across: float
    down: float | None
    day: date


class GridLine(NamedTuple):
    """A flow (m³/s) on the axis, and where it is."""

    flow_m3s: float
    down: float


@dataclass(frozen=True)
class Row:
    """A day of the chart with all that is known of it."""

    day: date
    observed: Observed | None
    forecast: Day | None

    @property
    def usual(self) -> Usual | None:
        """What earlier years had."""
        known = self.forecast or self.observed
        return known.usual_m3s if known else None


@dataclass(frozen=True)
class Chart:
    """What the template draws. `bands` and `lines` are SVG paths by name; a name with nothing to draw is left out."""

    rows: tuple[Row, ...]
    bands: dict[str, str]
    lines: dict[str, str]
    flagged: tuple[Mark, ...]
    grid: tuple[GridLine, ...]
    dates: tuple[Mark, ...]
    issue: Mark | None
    today: Mark | None

    @property
    def last(self) -> int:
        """The rightmost day, counted from 0."""
        return len(self.rows) - 1


def draw(report: Report, station: Station) -> Chart | None:
    """The chart of a station, or None where nothing was observed and nothing is forecast."""
    rows = _calendar(station)
    if len(rows) < 2:
        return None
    top = _top(rows)

    def down(flow: float) -> float:
        return round(HEIGHT * (1 - flow / top), 1)

    def mark(row: Row) -> Mark:
        flow = row.observed.flow_m3s if row.observed else None
        across = round(100 * (row.day - rows[0].day).days / (len(rows) - 1), 2)
        return Mark(across, None if flow is None else down(flow), row.day)

    def points(name: str, of: str) -> Points:
        found = []
        for across, row in enumerate(rows):
            part = row.usual if of == "usual" else row.forecast.flow_m3s if row.forecast else None
            if part is not None:
                found.append((across, down(getattr(part, name))))
        return found

    observed = [
        (across, down(row.observed.flow_m3s))
        for across, row in enumerate(rows)
        if row.observed and row.observed.flow_m3s is not None
    ]
    bands = {
        "usual": _band(points("p10", "usual"), points("p90", "usual")),
        "nine": _band(points("p05", "forecast"), points("p95", "forecast")),
        "eight": _band(points("p10", "forecast"), points("p90", "forecast")),
        "five": _band(points("p25", "forecast"), points("p75", "forecast")),
    }
    lines = {
        "usual": _line(points("p50", "usual")),
        "p20": _line(points("p20", "usual")),
        "p10": _line(points("p10", "usual")),
        "observed": _line(observed),
        "forecast": _line(points("p50", "forecast")),
    }
    marks = {row.day: mark(row) for row in rows}
    return Chart(
        rows=rows,
        bands={name: path for name, path in bands.items() if path},
        lines={name: path for name, path in lines.items() if path},
        flagged=tuple(mark(row) for row in rows if row.observed and row.observed.flag != "observed"),
        grid=tuple(GridLine(flow, down(flow)) for flow in _grid(top)),
        dates=tuple(marks[row.day] for row in rows if row.day.day in (1, 15)),
        issue=marks.get(station.issue_date) if station.issue_date else None,
        today=marks.get(report.made_on) if report.made_on != station.issue_date else None,
    )


def _calendar(station: Station) -> tuple[Row, ...]:
    """Every day from the first one known to the last, also those of which nothing is known."""
    observed = {day.day: day for day in station.observed}
    forecast = {day.day: day for day in station.days}
    known = sorted({*observed, *forecast})
    if not known:
        return ()
    days = [known[0] + timedelta(days=n) for n in range((known[-1] - known[0]).days + 1)]
    return tuple(Row(day, observed.get(day), forecast.get(day)) for day in days)


def _top(rows: Sequence[Row]) -> float:
    """The flow at the upper edge: a little above all that is drawn."""
    flows = [1e-3]
    for row in rows:
        if row.observed and row.observed.flow_m3s is not None:
            flows.append(row.observed.flow_m3s)
        if row.forecast:
            flows.append(row.forecast.flow_m3s.p95)
        if row.usual:
            flows.append(row.usual.p90)
    return 1.06 * max(flows)


def _grid(top: float) -> list[float]:
    """Round flows from 0 up: steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(top / GRID_LINES))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * GRID_LINES >= top * 0.99)
    return [round(step * n, 6) for n in range(math.floor(top / step) + 1)]


def _runs(points: Points) -> Iterable[list[tuple[int, float]]]:
    """The points cut where a day is missing: a gap stays a gap."""
    for _, run in groupby(enumerate(points), key=lambda item: item[1][0] - item[0]):
        yield [point for _, point in run]


def _line(points: Points) -> str:
    """A path through each run. A day alone is drawn as a dot: a line of no length with round ends."""
    return "".join(f"M{_polygon(run)}" + ("h0" if len(run) == 1 else "") for run in _runs(points))


def _band(low: Points, high: Points) -> str:
    """The area between two lines that have the same days."""
    return "".join(
        f"M{_polygon(above)}L{_polygon(below[::-1])}Z" for below, above in zip(_runs(low), _runs(high), strict=True)
    )


def _polygon(points: Points) -> str:
    return "L".join(f"{across} {down:g}" for across, down in points)
