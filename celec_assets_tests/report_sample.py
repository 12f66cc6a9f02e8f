"""A report of invented numbers with all that a real one can hold: every light, old data, late and missing forecasts,
gaps and flags, a simulated river, and names that would break a page which forgot to escape them.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from celec_assets.report.document import (
    Day,
    Level,
    LevelRule,
    Mean,
    Observed,
    Problem,
    Quantiles,
    Report,
    Skill,
    SkillRow,
    Source,
    Station,
    Usual,
)

MADE_ON = date(2026, 11, 23)
SPREAD = {"p05": -1.64, "p10": -1.28, "p25": -0.67, "p50": 0.0, "p75": 0.67, "p90": 1.28, "p95": 1.64}
WINDOWS = (7, 14, 30)
RIVERS: Sequence[tuple[str, str, str, float]] = (
    ("mazar", "Mazar", "Paute", 70),
    ("molino", "Molino (Amaluza)", "Paute", 110),
    ("sopladora", "Sopladora", "Paute", 90),
    ("minas-san-francisco", "Minas San Francisco", "Jubones", 50),
    ("paute-basin", "Paute basin", "Paute", 100),
    ("coca", "Coca", "Coca", 290),
)


def sample_report(stations: int = 6) -> Report:
    return Report(
        made_on=MADE_ON,
        version="0.1.0",
        stale_after_days=3,
        level_rules=(
            LevelRule(level=Level.RED, mark="p10", from_probability=0.7, until_probability=0.6),
            LevelRule(level=Level.ORANGE, mark="p10", from_probability=0.5, until_probability=0.4),
            LevelRule(level=Level.YELLOW, mark="p20", from_probability=0.5, until_probability=0.4),
        ),
        stations=tuple(sample_station(number) for number in range(stations)),
        sources=(
            Source(
                source="celec-sur",
                name="CELEC EP, Unidad de Negocio CELEC SUR",
                url="https://www.celec.gob.ec/celecsur/",
                licence="public information",
                attribution="Hydrology of CELEC SUR.",
            ),
            Source(
                source="geoglows",
                name="GEOGLOWS River Forecast System v2",
                url="https://geoglows.ecmwf.int/",
                licence="CC BY 4.0",
                attribution="GEOGLOWS, ECMWF.",
            ),
        ),
    )


def sample_station(number: int) -> Station:
    draw = random.Random(number)
    station, name, river, mean_m3s = (
        RIVERS[number]
        if number < len(RIVERS)
        else (f"geoglows-{620883808 + number}", f"GEOGLOWS {620883808 + number}", f"reach {620883808 + number}", 12_000)
    )
    wetness = (0.62, 0.8, 1.1, 0.45, 0.9, 1.2)[number % 6]
    age = 20 if number % 6 == 4 else 1
    issue = MADE_ON - timedelta(days=age)
    anomaly = 0.0
    observed = []
    for back in range(89, -1, -1):
        day = issue - timedelta(days=back)
        anomaly = 0.85 * anomaly + draw.gauss(0, 0.16)
        flow = round(mean_m3s * season(day) * wetness * math.exp(anomaly), 2)
        flag = {40: "missing", 41: "missing", 42: "missing", 43: "missing", 20: "interpolated", 60: "spike"}.get(
            back if number % 6 != 2 else -1, "observed"
        )
        kept = flow if flag in ("observed", "interpolated") else None
        observed.append(Observed(day=day, flow_m3s=kept, flag=flag, usual_m3s=usual(mean_m3s, day, number)))
    log_anomaly = math.log(wetness) + anomaly
    days = tuple(
        Day(
            day=issue + timedelta(days=lead),
            lead_days=lead,
            flow_m3s=quantiles(
                mean_m3s, issue + timedelta(days=lead), log_anomaly * 0.95**lead, 0.12 + 0.05 * lead**0.6
            ),
            usual_m3s=usual(mean_m3s, issue + timedelta(days=lead), number),
        )
        for lead in range(1, 31)
    )
    probability = (0.62, 0.3, 0.04, 0.83, 0.45, 0.01)[number % 6]
    means = tuple(
        Mean(
            window_days=window,
            first_day=issue + timedelta(days=1),
            last_day=issue + timedelta(days=window),
            flow_m3s=quantiles(mean_m3s, issue + timedelta(days=window // 2), log_anomaly * 0.95 ** (window / 2), 0.3),
            usual_m3s=usual(mean_m3s, issue + timedelta(days=window // 2), number),
            below_p20=None if number == 5 else min(1.0, round(probability * 1.25, 3)),
            below_p10=None if number == 5 else probability,
        )
        for window in WINDOWS
    )
    return Station(
        station=station,
        name=name,
        river=river,
        plant=name.split(" (")[0] if number < len(RIVERS) else "",
        source="celec-sur" if number < len(RIVERS) else "geoglows",
        simulated=number >= len(RIVERS),
        regulated=number in (1, 2),
        issue_date=issue,
        kind="hindsight" if age > 7 else "issued",
        age_days=age,
        is_stale=age > 7,
        problem=None,
        level=(Level.ORANGE, Level.YELLOW, Level.GREEN, Level.RED, Level.ORANGE, None)[number % 6],
        level_since=None if number % 6 == 5 else date(2026, 11, 9),
        observed=tuple(observed),
        flagged_days={flag: n for flag, n in Counter(day.flag for day in observed).items() if flag != "observed"},
        days=days,
        means=means,
        skill=skill(number),
    )


def without_forecast(station: Station, problem: Problem) -> Station:
    nothing = dict.fromkeys(("issue_date", "kind", "age_days", "level", "level_since", "skill"))
    empty = dict.fromkeys(("observed", "days", "means"), ())
    return station.model_copy(update={**nothing, **empty, "problem": problem, "is_stale": True, "flagged_days": {}})


def with_stations(report: Report, *stations: Station) -> Report:
    return report.model_copy(update={"stations": stations})


def season(day: date) -> float:
    return math.exp(0.5 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 180) / 365.25))


def usual(mean_m3s: float, day: date, number: int) -> Usual | None:
    if number == 5:
        return None
    middle = mean_m3s * season(day)
    return Usual(p10=middle * 0.55, p20=middle * 0.67, p50=middle, p90=middle * 1.9)


def quantiles(mean_m3s: float, day: date, log_anomaly: float, spread: float) -> Quantiles:
    middle = mean_m3s * season(day)
    return Quantiles(**{name: middle * math.exp(log_anomaly + spread * z) for name, z in SPREAD.items()})


def skill(number: int) -> Skill | None:
    if number == 5:
        return None
    targets = [(None, window) for window in WINDOWS] + [(lead, None) for lead in range(1, 31)]
    return Skill(
        basis="issued" if number == 0 else "backtest",
        first_issue_date=date(2022, 1, 1),
        last_issue_date=date(2025, 12, 31),
        rows=tuple(
            SkillRow(
                lead_days=lead,
                window_days=window,
                mae_m3s=12.3 + 0.4 * (lead or window or 0),
                mae_ratio_to_persistence=0.73,
                mae_ratio_to_climatology=0.63,
                crps_skill_to_climatology=0.38,
                coverage_80=0.81,
                forecasts=1454,
            )
            for lead, window in targets
        ),
    )
