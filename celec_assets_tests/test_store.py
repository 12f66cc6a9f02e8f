"""A folder as object store: whole objects or none, and the landing zone in it."""

import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from celec_assets.storage.lake import Lake
from celec_assets.storage.store import FolderStore, ObjectMissing
from celec_assets_tests.stores import keys, objects


def test_an_object_is_what_was_put_last(store: FolderStore) -> None:
    store.put("a/b.bin", b"old")
    store.put("a/b.bin", b"\x00new")
    assert store.get("a/b.bin") == b"\x00new"
    assert objects(store) == {"a/b.bin": b"\x00new"}


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_process_that_dies_between_write_and_rename_leaves_the_old_object(
    store: FolderStore, before: bytes | None
) -> None:
    if before is not None:
        store.put("a/b.bin", before)
    script = (
        "import os, sys; from pathlib import Path; from celec_assets.storage.store import FolderStore\n"
        "Path.replace = Path.rename = os.replace = os.rename = lambda *_: os._exit(9)\n"
        "FolderStore(sys.argv[1]).put('a/b.bin', b'new')"
    )
    died = subprocess.run([sys.executable, "-c", script, store.url], cwd=Path(__file__).parents[1], check=False)
    assert died.returncode == 9
    assert b"new" in objects(store).values()  # it died late enough: the content was on disk
    assert keys(store, "a/") == ([] if before is None else ["a/b.bin"])
    if before is None:
        with pytest.raises(ObjectMissing):
            store.get("a/b.bin")
    else:
        assert store.get("a/b.bin") == before


def test_a_put_that_fails_leaves_nothing_behind(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("a/b.bin", b"old")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        store.put("a/b.bin", b"new")
    assert objects(store) == {"a/b.bin": b"old"}


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/../x", "a//x", "/etc/passwd", "a/", "a/./x", "a\x00b"])
def test_a_key_that_could_leave_the_lake_or_be_written_in_two_ways_is_refused(store: FolderStore, key: str) -> None:
    for operation in (store.get, store.delete, store.exists, lambda key: store.put(key, b"")):
        with pytest.raises(ValueError, match="is no key"):
            operation(key)


def test_a_listing_is_sorted_and_holds_what_is_under_the_prefix_only(store: FolderStore) -> None:
    for key in ("a/z", "a/b/c", "a/B", "a/b.x", "ab/c", "b/a"):
        store.put(key, b"12")
    assert keys(store, "a/") == ["a/B", "a/b.x", "a/b/c", "a/z"]
    assert keys(store, "a/b/") == ["a/b/c"]
    assert keys(store, "nothing/") == []


def test_a_listing_says_how_large_an_object_is_and_since_when(store: FolderStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    store.put("a/b", b"123")
    (info,) = store.list("a/")
    assert info.size == 3
    assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_with_accents_and_spaces_comes_back_as_it_was_put(store: FolderStore, form: Any) -> None:
    key = f"raw/celec-sur/{unicodedata.normalize(form, 'Hidrología CSR (año 1) + %20.csv')}"
    store.put(key, b"x")
    assert keys(store, "raw/") == [key]
    assert store.get(key) == b"x"


@pytest.mark.parametrize("key", ["raw/none.csv", "raw/file.csv/below", "raw"])
def test_what_is_not_there_is_named_with_its_place(store: FolderStore, key: str) -> None:
    store.put("raw/file.csv", b"x")
    assert not store.exists(key)
    with pytest.raises(ObjectMissing) as caught:
        store.get(key)
    assert caught.value.key == key
    assert str(caught.value) == f"there is no object {key!r} in {store.url}"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: FolderStore) -> None:
    store.put("a/b", b"x")
    store.delete("a/b")
    store.delete("a/b")
    assert not store.exists("a/b")


def test_the_landing_zone_shows_files_by_name_and_no_hidden_ones(store: FolderStore) -> None:
    for name in ("b.csv", "a/c.csv", ".DS_Store", ".git/x.csv", "a/.b.csv.part"):
        store.put(f"raw/{name}", name.encode())
    store.put("daily_series/mazar.parquet", b"")
    lake = Lake(store)
    assert [(file.name, file.size) for file in lake.raw.list()] == [("a/c.csv", 7), ("b.csv", 5)]
    assert lake.raw.read("a/c.csv") == b"a/c.csv"
