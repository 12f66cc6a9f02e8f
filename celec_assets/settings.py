"""The only reader of the environment. Every setting has a default that needs no service."""

from pathlib import Path

from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs between a laptop and production, from variables named `CELEC_...`."""

    model_config = SettingsConfigDict(env_prefix="CELEC_")

    lake_url: str = "lake"
    """The folder that holds raw files and everything made from them."""

    @field_validator("lake_url")
    @classmethod
    def _absolute_folder(cls, url: str) -> str:
        if "://" in url or not url.strip():
            raise ValueError(f"{url!r} is not a folder")
        if Path(url).exists() and not Path(url).is_dir():
            raise ValueError(f"{url!r} is a file, not a folder")
        return str(Path(url).expanduser().resolve())


class WrongSettings(Exception):
    """Names every variable that cannot be used and what it may hold."""


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        WrongSettings: all problems at once.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"  CELEC_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise WrongSettings("these settings cannot be used:\n" + "\n".join(problems)) from None
