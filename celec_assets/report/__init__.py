"""What people look at: the report as data (`document`), as a page, as CSV and JSON, and the process that serves them.

Knows nothing of Dagster; how the assets put the data together stands in `assets/report.py`.
"""
