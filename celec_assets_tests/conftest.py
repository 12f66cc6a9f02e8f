"""What several test modules start from."""

from pathlib import Path

import pytest

from celec_assets.storage.store import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lake")
