"""The graph, one layer a module: each asset loads, calls one pure function and returns with metadata."""
