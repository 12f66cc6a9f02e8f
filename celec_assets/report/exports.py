"""The report for programs and spreadsheets: `latest.csv`, `latest.json` and its JSON Schema. docs/report.md describes
them. The same report gives the same bytes.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from celec_assets.report.document import Day, Mean, Quantiles, Report, Station, Usual

COLUMNS: Final = (
    *("made_on", "station", "name", "river", "plant", "source", "simulated"),
    *("issue_date", "kind", "age_days", "is_stale", "problem", "level", "level_since"),
    *("target", "lead_days", "window_days", "first_day", "last_day"),
    *(f"{quantile}_m3s" for quantile in Quantiles.model_fields),
    *(f"usual_{quantile}_m3s" for quantile in Usual.model_fields),
    *("probability_below_p20", "probability_below_p10"),
)


def to_csv(report: Report) -> bytes:
    """A row for each station and target: its days, then its means. A station without a forecast has one row.

    UTF-8 with a byte order mark, commas, decimal points, CRLF: the form of CELEC's own exports, which the planners'
    spreadsheets are set up for.
    """
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, COLUMNS, restval="")
    writer.writeheader()
    for station in report.stations:
        head = {"made_on": report.made_on, **station.model_dump(mode="json", include=set(COLUMNS))}
        for target in _targets(station):
            writer.writerow({name: _cell(value) for name, value in {**head, **target}.items()})
    return buffer.getvalue().encode("utf-8-sig")


def to_json(report: Report) -> bytes:
    """`latest.json`: the report as it is."""
    return f"{report.model_dump_json(indent=1)}\n".encode()


def json_schema() -> bytes:
    """The JSON Schema of `latest.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
    }
    return f"{json.dumps(schema, indent=1, ensure_ascii=False)}\n".encode()


def _targets(station: Station) -> Iterator[dict[str, Any]]:
    for day in station.days:
        yield {"target": "day", "lead_days": day.lead_days, "first_day": day.day, "last_day": day.day, **_flows(day)}
    for mean in station.means:
        yield {
            "target": "mean",
            **mean.model_dump(mode="json", include={"window_days", "first_day", "last_day"}),
            **_flows(mean),
            "probability_below_p20": mean.below_p20,
            "probability_below_p10": mean.below_p10,
        }
    if not station.days and not station.means:
        yield {}


def _flows(target: Day | Mean) -> dict[str, float]:
    usual = target.usual_m3s.model_dump() if target.usual_m3s else {}
    return {
        **{f"{quantile}_m3s": flow for quantile, flow in target.flow_m3s.model_dump().items()},
        **{f"usual_{quantile}_m3s": flow for quantile, flow in usual.items()},
    }


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, whatever a name begins with; numbers to three decimals."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
