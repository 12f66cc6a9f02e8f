"""Daily series of one station: schema, flags and cleaning. Pure: no Dagster, no lake, no clock."""
