"""The report as data: what `latest.json` holds and the page shows. A contract: names are never changed, only added.

Flow is in m³/s, days are local days in Ecuador, probabilities run from 0 to 1. `Report.model_json_schema()` is the
JSON Schema that is published beside it.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FORMAT: Final = 1
"""Raised when a name changes or goes; a reader of an older format would break."""

Flow = Annotated[float, Field(ge=0, json_schema_extra={"unit": "m3/s"})]
Probability = Annotated[float, Field(ge=0, le=1)]


class Level(StrEnum):
    """How likely low flow is, in four lights."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class Problem(StrEnum):
    """Why a station has no forecast."""

    NO_READINGS = "no_readings"
    """No raw file holds readings of it that can be used."""
    NO_MODEL = "no_model"
    """No model could be trained; less than a year of observed days is the usual reason."""
    FAILED = "failed"
    """There is a model, and its forecast could not be made."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantiles(_Part):
    """A probabilistic flow: p10 is the flow that is not reached with a probability of 10 %."""

    p05: Flow
    p10: Flow
    p25: Flow
    p50: Flow
    p75: Flow
    p90: Flow
    p95: Flow

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        flows = [flow for _, flow in self]
        if flows != sorted(flows):
            raise ValueError("a quantile is below a lower one")
        return self


class Usual(_Part):
    """What earlier years had at this time of the year; P20 and P10 are the marks of low flow."""

    p10: Flow
    p20: Flow
    p50: Flow
    p90: Flow


class Day(_Part):
    """The forecast of one day, and what is usual then (None without an earlier year)."""

    day: date
    lead_days: int
    flow_m3s: Quantiles
    usual_m3s: Usual | None


class Mean(_Part):
    """The forecast of the mean flow of the next days, and how likely it is below the season's P20 and P10."""

    window_days: int
    first_day: date
    last_day: date
    flow_m3s: Quantiles
    usual_m3s: Usual | None
    below_p20: Probability | None
    below_p10: Probability | None


class Observed(_Part):
    """A past day. `flag` is one of `series.schema.Flag`; `flow_m3s` is None where no value can be trusted."""

    day: date
    flow_m3s: Flow | None
    flag: str
    usual_m3s: Usual | None


class SkillRow(_Part):
    """How good forecasts of one target were: `lead_days` or `window_days` is set. Ratios below 1 are better."""

    lead_days: int | None
    window_days: int | None
    mae_m3s: Flow | None
    mae_ratio_to_persistence: float | None
    mae_ratio_to_climatology: float | None
    crps_skill_to_climatology: float | None
    coverage_80: Probability | None
    forecasts: int


class Skill(_Part):
    """The record of a station's forecasts. `basis`: forecasts that were issued, or the recipe's on past days."""

    basis: Literal["issued", "backtest"]
    first_issue_date: date
    last_issue_date: date
    rows: tuple[SkillRow, ...]


class Station(_Part):
    """One station. Without a forecast `issue_date` is None, `days` and `means` are empty and `problem` says why."""

    station: str
    name: str
    river: str
    plant: str
    source: str
    simulated: bool
    regulated: bool
    issue_date: date | None
    """The last observed day; lead 1 is the day after it."""
    kind: Literal["issued", "remade", "hindsight"] | None
    age_days: int | None
    """Days from the issue date to the day on which the report was made."""
    is_stale: bool
    """Whether the newest observation is older than `Report.stale_after_days`."""
    problem: Problem | None
    level: Level | None
    level_since: date | None
    """The issue date from which on the light has been what it is."""
    observed: tuple[Observed, ...]
    """The last 90 days up to the issue date, oldest first."""
    flagged_days: dict[str, int]
    """Days of `observed` by flag, without `observed` itself."""
    days: tuple[Day, ...]
    means: tuple[Mean, ...]
    skill: Skill | None


class Source(_Part):
    """Where raw data come from, with their licence and how it wants to be named."""

    source: str
    name: str
    url: str
    licence: str
    attribution: str


class LevelRule(_Part):
    """A light is lit when the probability of a mean below the mark reaches `from_probability` in any of the windows;
    it goes out when the probability is below `until_probability` in all of them.
    """

    level: Level
    mark: Literal["p20", "p10"]
    from_probability: Probability
    until_probability: Probability


class Report(_Part):
    """The whole report: `latest.json`."""

    format: int = FORMAT
    made_on: date
    version: str
    """Of celec_assets."""
    stale_after_days: int
    level_rules: tuple[LevelRule, ...]
    """The worst level first; green is what is left."""
    stations: tuple[Station, ...]
    sources: tuple[Source, ...]
