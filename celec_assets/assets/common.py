"""What every asset states in the same way: owner, backfill policy, column schema."""

import dagster as dg

OWNERS = ["team:forecasting"]

SINGLE_RUN = dg.BackfillPolicy.single_run()
"""A range of partitions is one run: starting a process costs more than a station."""


def columns(**type_by_name: str) -> dict[str, dg.TableSchema]:
    """The column schema of a frame, as metadata."""
    return {"dagster/column_schema": dg.TableSchema([dg.TableColumn(n, t) for n, t in type_by_name.items()])}
