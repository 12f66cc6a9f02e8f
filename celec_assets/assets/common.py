"""What every asset states in the same way: owner, backfill policy, column schema."""

from datetime import timedelta

import dagster as dg

OWNERS = ["team:forecasting"]

BY_NINE = dg.FreshnessPolicy.cron(
    deadline_cron="0 9 * * *", lower_bound_delta=timedelta(hours=2), timezone="America/Guayaquil"
)
"""Made anew every morning between seven and nine."""

WITHIN_DAYS = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=2), fail_window=timedelta(days=4))
"""Made anew as soon as raw files come, which they do every day or two."""


def columns(**type_by_name: str) -> dict[str, dg.TableSchema]:
    """The column schema of a frame, as metadata."""
    return {"dagster/column_schema": dg.TableSchema([dg.TableColumn(n, t) for n, t in type_by_name.items()])}
