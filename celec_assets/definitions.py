"""The code location. Settings come from the environment once, here; tests build their own."""

from celec_assets.build import build_definitions
from celec_assets.settings import read_settings

defs = build_definitions(read_settings(with_dagster=True))
