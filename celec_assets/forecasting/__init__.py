"""The model of one station and what it says: pure, and the only importer of prophet."""
