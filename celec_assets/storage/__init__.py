"""The lake: where objects are (`lake`), how they are put (`store`), how they look (`formats`), and Dagster's door to
them (`io_managers`). Only the last one knows Dagster.
"""
