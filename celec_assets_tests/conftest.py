"""What several test modules start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from celec_assets.storage.store import FolderStore
from celec_assets_tests.services import FastClock, Services, served


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lake")


@pytest.fixture
def services() -> Iterator[Services]:
    """CELEC's historian and GEOGLOWS on the loopback, empty."""
    with served(Services()) as server:
        yield server


@pytest.fixture
def clock() -> FastClock:
    return FastClock()
