"""Checks of `daily_series`."""

from celec_assets.assets.checks.by_partition import ERROR, WARN, PartitionCheck, Subject, Verdict, partition_checks
from celec_assets.assets.series import daily_series
from celec_assets.partitions import STATIONS

FLAGGED_SHARE = 0.1
FRESH_DAYS = 7


def _is_one_row_a_day(subject: Subject) -> Verdict:
    from celec_assets.series.schema import COLUMNS, Flag

    series = subject.value
    days = series["day"]
    flags = {*series["flow_flag"], *series["level_flag"]}
    problems = {
        "columns": [name for name in COLUMNS if name not in series],
        "days_missing_or_twice": int((days.diff().dropna().dt.days != 1).sum()),
        "unknown_flags": sorted(flags - set(Flag)),
        "negative_flows": int((series["flow_m3s"] < 0).sum()),
        "flows_without_a_good_flag": int(
            (series["flow_m3s"].notna() != series["flow_flag"].isin([Flag.OBSERVED, Flag.INTERPOLATED])).sum()
        ),
    }
    found = {name: value for name, value in problems.items() if value}
    return not found, found


def _few_days_are_flagged(subject: Subject) -> Verdict:
    from celec_assets.series.schema import Flag

    last_year = subject.value.tail(365)
    share = float((last_year["flow_flag"] != Flag.OBSERVED).mean())
    return share <= FLAGGED_SHARE, {"share_of_last_365_days": round(share, 3), "limit": FLAGGED_SHARE}


def _files_agree(subject: Subject) -> Verdict:
    disagreeing = subject.value.loc[subject.value["sources_disagree"], "day"]
    return disagreeing.empty, {"days": len(disagreeing), "newest": [f"{day:%Y-%m-%d}" for day in disagreeing.tail(5)]}


def _data_are_fresh(subject: Subject) -> Verdict:
    from celec_assets.series.schema import last_observed_day

    last = last_observed_day(subject.value)
    age = None if last is None else (subject.today - last.date()).days
    return age is not None and age <= FRESH_DAYS, {"age_days": -1 if age is None else age, "limit_days": FRESH_DAYS}


series_checks = partition_checks(
    daily_series,
    STATIONS,
    lambda lake, station: lake.series.read(station),
    [
        PartitionCheck(
            name="series_is_one_row_a_day",
            description="Every column is there, every day once, no flow is negative, and a flow stands exactly where "
            "its flag says that it is observed or interpolated.",
            severity=ERROR,
            blocking=True,  # a series that is not one is a fault of ours, and no model should learn from it
            judge=_is_one_row_a_day,
        ),
        PartitionCheck(
            name="few_days_are_flagged",
            description=f"At most {FLAGGED_SHARE:.0%} of the last 365 days are anything but observed.",
            severity=WARN,
            blocking=False,  # a forecast from fewer days is still worth having
            judge=_few_days_are_flagged,
        ),
        PartitionCheck(
            name="files_agree",
            description="No two raw files give a day different values.",
            severity=WARN,
            blocking=False,  # a correction is a disagreement too: the newest export wins
            judge=_files_agree,
        ),
        PartitionCheck(
            name="data_are_fresh",
            description=f"The newest observed day is at most {FRESH_DAYS} days old.",
            severity=WARN,
            blocking=False,  # the forecast says its issue date
            judge=_data_are_fresh,
        ),
    ],
)
