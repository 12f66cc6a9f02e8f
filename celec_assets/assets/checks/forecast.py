"""Checks of `flow_model` and `flow_forecast`."""

from datetime import date

from celec_assets.assets.checks.by_partition import ERROR, WARN, PartitionCheck, Subject, Verdict, partition_checks
from celec_assets.assets.forecast import flow_forecast, flow_model
from celec_assets.partitions import STATIONS

MODEL_DAYS = 35


def _model_is_recent(subject: Subject) -> Verdict:
    from celec_assets.series.schema import last_observed_day

    last = last_observed_day(subject.series)
    trained_through = date.fromisoformat(subject.value["trained_through"])
    age = (last.date() - trained_through).days if last is not None else 0
    return age <= MODEL_DAYS, {"days_since_training": age, "limit_days": MODEL_DAYS}


def _model_is_complete(subject: Subject) -> Verdict:
    missing = [
        name
        for name in ("station", "recipe", "trained_from", "trained_through", "data_sha256", "versions", "model")
        if not subject.value.get(name)
    ]
    return not missing, {"missing": missing}


def _newest_model_is_in_use(subject: Subject) -> Verdict:
    models = subject.lake.models
    pointer = models.pointer(subject.partition)
    if pointer.newest == pointer.in_use:
        return True, {}
    rejected = models.at(pointer.newest)["rejected"]
    return False, {"reasons": rejected or ["roll-back: an earlier model was put back on request"]}


model_checks = partition_checks(
    flow_model,
    STATIONS,
    lambda lake, station: lake.models.read(station),
    [
        PartitionCheck(
            name="model_is_complete",
            description="The model says on what it was trained, with which libraries, and holds its parameters.",
            severity=ERROR,
            blocking=True,  # a model that cannot be traced must not forecast
            judge=_model_is_complete,
        ),
        PartitionCheck(
            name="newest_model_is_in_use",
            description="The model that was trained last came into use; if not, the reasons stand here, and the one "
            "before it keeps forecasting.",
            severity=WARN,
            blocking=False,  # the model in use still forecasts
            judge=_newest_model_is_in_use,
        ),
        PartitionCheck(
            name="model_is_recent",
            description=f"The model was trained on data up to at most {MODEL_DAYS} days before the newest.",
            severity=WARN,
            blocking=False,  # an older model still knows today's flow
            judge=_model_is_recent,
        ),
    ],
)


def _horizon_is_complete(subject: Subject) -> Verdict:
    from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS

    forecast = subject.value
    horizon = forecast["lead_days"].fillna(-forecast["window_days"])
    there = set(zip(horizon, forecast["quantile"], strict=True)) if forecast["flow_m3s"].notna().all() else set()
    wanted = {(days, quantile) for days in (*LEADS, *(-w for w in WINDOWS)) for quantile in QUANTILES}
    return there == wanted and len(forecast) == len(wanted), {"rows": len(forecast), "expected": len(wanted)}


def _quantiles_are_ordered(subject: Subject) -> Verdict:
    forecast = subject.value.assign(horizon=subject.value["lead_days"].fillna(-subject.value["window_days"]))
    steps = forecast.sort_values(["horizon", "quantile"]).groupby("horizon")["flow_m3s"].diff()
    crossing, negative = int((steps < 0).sum()), int((forecast["flow_m3s"] < 0).sum())
    return crossing + negative == 0, {"crossing": crossing, "negative": negative}


def _forecast_is_plausible(subject: Subject) -> Verdict:
    flow = subject.series["flow_m3s"]
    median = subject.value.loc[subject.value["quantile"] == 0.5, "flow_m3s"]
    low, high = float(flow.min()) / 2, float(flow.max()) * 2
    return bool(median.between(low, high).all()), {
        "lowest_median_m3s": float(median.min()),
        "highest_median_m3s": float(median.max()),
        "half_of_lowest_flow_m3s": low,
        "twice_highest_flow_m3s": high,
    }


def _issued_for_the_newest_day(subject: Subject) -> Verdict:
    from celec_assets.series.schema import last_observed_day

    issue_date = subject.value["issue_date"].iloc[0]
    last = last_observed_day(subject.series)
    return issue_date == last, {"issue_date": f"{issue_date:%Y-%m-%d}", "last_observed_day": f"{last:%Y-%m-%d}"}


forecast_checks = partition_checks(
    flow_forecast,
    STATIONS,
    lambda lake, station: lake.forecasts.read(station),
    [
        PartitionCheck(
            name="horizon_is_complete",
            description="Every lead of 1 to 30 days and every mean of 7, 14 and 30 days has all seven quantiles.",
            severity=ERROR,
            blocking=True,  # a page with holes is not published
            judge=_horizon_is_complete,
        ),
        PartitionCheck(
            name="quantiles_are_ordered_and_not_negative",
            description="No flow is below zero and no quantile below a lower one.",
            severity=ERROR,
            blocking=True,  # such a forecast is wrong, whatever the river does
            judge=_quantiles_are_ordered,
        ),
        PartitionCheck(
            name="forecast_is_of_the_newest_day",
            description="The forecast that is shown starts from the station's last observed day.",
            severity=WARN,
            blocking=False,  # when files are withdrawn, what was issued stands
            judge=_issued_for_the_newest_day,
        ),
        PartitionCheck(
            name="forecast_is_plausible",
            description="The medians lie between half of the lowest and twice the highest flow ever observed.",
            severity=WARN,
            blocking=False,  # record floods and droughts happen
            judge=_forecast_is_plausible,
        ),
    ],
)
