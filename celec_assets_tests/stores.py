"""Stores that fail or keep count, for the tests of the lake."""

from collections.abc import Iterator
from pathlib import Path

from celec_assets.storage.store import FolderStore, ObjectInfo, ObjectStore


class PowerCut(Exception):
    pass


class UnreliableStore(FolderStore):
    """A folder that fails for good after some puts and deletes."""

    def __init__(self, root: Path, changes: int) -> None:
        super().__init__(root)
        self.changes_left = changes

    def put(self, key: str, content: bytes) -> None:
        self._count()
        super().put(key, content)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)

    def _count(self) -> None:
        if self.changes_left == 0:
            raise PowerCut
        self.changes_left -= 1


class RecordingStore(FolderStore):
    """A folder that remembers which objects were opened and which prefixes listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened: list[str] = []
        self.listed: list[str] = []

    def get(self, key: str) -> bytes:
        self.opened.append(key)
        return super().get(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return super().list(prefix)


def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key for info in store.list(prefix)]


def objects(store: FolderStore) -> dict[str, bytes]:
    """Every object that is in the folder, whoever lists it or not."""
    root = Path(store.url)
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {key: content for key, content in files.items() if key != ".partial/swap.lock"}


def bucket_objects(url: str) -> dict[str, bytes]:
    """Every object below `s3://bucket/prefix`, as anybody else sees it."""
    import boto3

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    found = boto3.resource("s3").Bucket(bucket).objects.filter(Prefix=f"{prefix}/")
    return {item.key.removeprefix(f"{prefix}/"): item.get()["Body"].read() for item in found}
