"""An object store: bytes under keys, each put whole or not at all. What the keys mean stands in `lake`."""

import os
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock


class ObjectMissing(Exception):
    """Nothing is stored under that key."""

    def __init__(self, key: str, url: str) -> None:
        self.key, self._url = key, url
        super().__init__(f"there is no object {key!r} in {url}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key, self._url)


class AccessDenied(PermissionError):
    """One object may not be read or written; the message names the action that is not allowed, and the object."""


class LakeUnavailable(Exception):
    """The lake as a whole cannot be used now; the message says why and what to do. Nothing is known of any object."""


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing says of an object: size in bytes, and the instant (UTC) at which it came to be what it is."""

    key: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Keys are relative, with `/` between their parts."""

    url: str

    def get(self, key: str, limit: int | None = None) -> bytes:
        """The object's bytes, or only the first `limit` of them. Raises `ObjectMissing`."""

    def put(self, key: str, content: bytes) -> None:
        """Store the object: whoever reads sees the old one or the new one, never a part, whatever is interrupted."""

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Like `put`, if what is stored is exactly `old` (None: nothing); returns whether it was.

        Of several that swap the same object at once one succeeds. An object that is swapped is never `put`.
        """

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is fine."""

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, which ends with `/`, sorted by key."""


def key_parts(key: str) -> list[str]:
    """The parts of a key. Raises `ValueError` where it could be written in two ways, or lead out of the lake."""
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\x00" in key:
        raise ValueError(f"{key!r} is no key: its parts may not be empty, '.' or '..'")
    return parts


def update(store: ObjectStore, key: str, follow: Callable[[bytes | None], bytes]) -> None:
    """Swap the object for what follows from it (None: from nothing), again when somebody else was quicker."""
    while True:
        try:
            stored: bytes | None = store.get(key)
        except ObjectMissing:
            stored = None
        if store.swap(key, stored, follow(stored)):
            return


class Measured:
    """A store that knows how large the objects are that went through it: `sizes`, in bytes by key."""

    def __init__(self, store: ObjectStore) -> None:
        self._store, self.url = store, store.url
        self.delete, self.exists, self.list = store.delete, store.exists, store.list
        self.sizes: dict[str, int] = {}

    def get(self, key: str, limit: int | None = None) -> bytes:
        content = self._store.get(key, limit)
        if limit is None:
            self.sizes[key] = len(content)
        return content

    def put(self, key: str, content: bytes) -> None:
        self._store.put(key, content)
        self.sizes[key] = len(content)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        swapped = self._store.swap(key, old, new)
        if swapped:
            self.sizes[key] = len(new)
        return swapped


class FolderStore:
    """Objects as files in a folder."""

    # Half-written files stand here, outside of every prefix that is listed, and on the same file system.
    _PARTIAL = ".partial"

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).resolve()
        self.url = str(self._root)

    def get(self, key: str, limit: int | None = None) -> bytes:
        path = self._path(key)
        if self._is_behind_link(path):
            raise ObjectMissing(key, self.url)
        try:
            with path.open("rb") as file:
                return file.read(-1 if limit is None else limit)
        except IsADirectoryError:
            with os.scandir(path) as entries:  # a folder that may not be looked into says so
                for entry in entries:
                    entry.stat(follow_symlinks=False)
            raise ObjectMissing(key, self.url) from None
        except (FileNotFoundError, NotADirectoryError):
            raise ObjectMissing(key, self.url) from None

    def put(self, key: str, content: bytes) -> None:
        target = self._path(key)
        partial = self._root / self._PARTIAL / uuid.uuid4().hex
        partial.parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)  # a power cut could take the name back
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        partial = self._root / self._PARTIAL
        partial.mkdir(parents=True, exist_ok=True)
        with FileLock(partial / "swap.lock"):
            try:
                stored: bytes | None = self.get(key)
            except ObjectMissing:
                stored = None
            if stored == old:
                self.put(key, new)
            return stored == old

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            self._path(key).unlink()

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        found = []

        def closed(folder: Path) -> None:
            # Shown as an object that cannot be read, so that nothing is passed over silently.
            found.append(self._info(folder, folder.stat()))

        def on_error(error: OSError) -> None:
            if isinstance(error, PermissionError):
                closed(Path(error.filename))

        for folder, _, names in os.walk(self._path(prefix.rstrip("/")), onerror=on_error):
            for name in names:
                path = Path(folder, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:  # taken away while we look
                    continue
                except PermissionError:  # a folder that shows names and no more
                    closed(Path(folder))
                    break
                # A symbolic link is no object, wherever it leads: S3 has none, what it leads to changes without the
                # link's own time, and one out of the folder would show a stranger's files. Pipes would never end.
                if not stat.S_ISREG(status.st_mode):
                    continue
                found.append(self._info(path, status))
        yield from sorted(found, key=lambda info: info.key)

    def _info(self, path: Path, status: os.stat_result) -> ObjectInfo:
        # A file copied with its old date is new all the same: the inode's own time says so.
        modified = datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC)
        return ObjectInfo(path.relative_to(self._root).as_posix(), status.st_size, modified)

    def _is_behind_link(self, path: Path) -> bool:
        """Whether the file or a folder on its way is a symbolic link; a layer itself may stand on another disk."""
        depth = len(path.relative_to(self._root).parts)
        return any(part.is_symlink() for part in (path, *path.parents)[: depth - 1])

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*key_parts(key))
