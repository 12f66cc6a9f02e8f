"""What every object store promises, and what a folder has to do for it."""

import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from celec_assets.storage.lake import Lake
from celec_assets.storage.store import FolderStore, ObjectMissing, ObjectStore, update
from celec_assets_tests.stores import keys, objects

NAMES = {
    "spaces": "Hidrología CSR (año 1).csv",
    "marks": "a+b & c = d? #1 100%.csv",
    "escapes": "a%20b%2Fc+.csv",
    "quotes": "\"quoted\" 'twice' <x> back\\slash.csv",
    "far away": "水位 🌊.csv",
    "dot": ".hidden/.file",
    "dots": "a..b/c.",
}


@pytest.fixture(params=["folder", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Opened as the platform opens it: by its URL."""
    url = request.getfixturevalue("s3_url") if request.param == "s3" else str(tmp_path / "lake")
    return Lake.open(url).store


def test_an_object_is_what_was_put_last(any_store: ObjectStore) -> None:
    any_store.put("a/b.bin", b"old")
    any_store.put("a/b.bin", b"\x00new")
    assert any_store.get("a/b.bin") == b"\x00new"
    assert keys(any_store, "a/") == ["a/b.bin"]


@pytest.mark.parametrize("content", [b"", b"1", b"12345", b"123456789"])
def test_of_a_large_object_only_the_beginning_is_read(any_store: ObjectStore, content: bytes) -> None:
    any_store.put("a", content)
    assert any_store.get("a", limit=5) == content[:5]
    assert any_store.get("a", limit=0) == b""
    assert any_store.get("a") == content
    assert any_store.exists("a")


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/../x", "a//x", "/etc/passwd", "a/", "a/./x", "a\x00b"])
def test_a_key_that_could_leave_the_lake_or_be_written_in_two_ways_is_refused(any_store: ObjectStore, key: str) -> None:
    operations: list[Callable[[str], object]] = [
        *(any_store.get, any_store.delete, any_store.exists),
        lambda key: any_store.put(key, b""),
        lambda key: any_store.swap(key, None, b""),
    ]
    for operation in operations:
        with pytest.raises(ValueError, match="is no key"):
            operation(key)


def test_a_listing_is_sorted_and_holds_what_is_under_the_prefix_only(any_store: ObjectStore) -> None:
    for key in ("a/z", "a/b/c", "a/B", "a/b.x", "ab/c", "b/a"):
        any_store.put(key, b"12")
    assert keys(any_store, "a/") == ["a/B", "a/b.x", "a/b/c", "a/z"]
    assert keys(any_store, "a/b/") == ["a/b/c"]
    assert keys(any_store, "nothing/") == []


def test_both_stores_sort_alike(tmp_path: Path, s3_url: str) -> None:
    names = ["a", "a b", "a-b", "a/b", "a.b", "A", "z", "é", "e\u0301", "ñ", "水", "\uffee", "🌊", "_", "~"]
    listed = []
    for store in (Lake.open(str(tmp_path)).store, Lake.open(s3_url).store):
        for name in names:
            store.put(f"raw/{name}/x", b"")
        listed.append(keys(store, "raw/"))
    assert listed[0] == listed[1] == sorted(f"raw/{name}/x" for name in names)


def test_a_listing_says_how_large_an_object_is_and_since_when(any_store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    any_store.put("a/b", b"123")
    (info,) = any_store.list("a/")
    assert info.size == 3
    assert info.modified.tzinfo is UTC
    assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_comes_back_as_it_was_put(any_store: ObjectStore, name: str, form: str) -> None:
    key = f"raw/celec-sur/{unicodedata.normalize(form, name)}"  # type: ignore[arg-type]
    any_store.put(key, b"x")
    assert keys(any_store, "raw/") == [key]
    assert any_store.get(key) == b"x"
    assert any_store.swap(key, b"x", b"y")
    any_store.delete(key)
    assert keys(any_store, "raw/") == []


@pytest.mark.parametrize("key", ["raw/none.csv", "raw/file.csv/below", "raw"])
def test_what_is_not_there_is_named_with_its_place(any_store: ObjectStore, key: str) -> None:
    any_store.put("raw/file.csv", b"x")
    assert not any_store.exists(key)
    with pytest.raises(ObjectMissing) as caught:
        any_store.get(key)
    assert caught.value.key == key
    assert str(caught.value) == f"there is no object {key!r} in {any_store.url}"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(any_store: ObjectStore) -> None:
    any_store.put("a/b", b"x")
    any_store.delete("a/b")
    any_store.delete("a/b")
    assert not any_store.exists("a/b")


def test_a_swap_needs_what_was_there(any_store: ObjectStore) -> None:
    assert not any_store.swap("a", b"something", b"1")
    assert any_store.swap("a", None, b"1")
    assert not any_store.swap("a", None, b"2")
    assert not any_store.swap("a", b"0", b"2")
    assert any_store.get("a") == b"1"
    assert any_store.swap("a", b"1", b"")
    assert any_store.swap("a", b"", b"1")
    assert any_store.swap("a", b"1", b"1")


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("alike", [False, True], ids=["each its own", "all the same"])
def test_of_64_that_swap_at_once_one_succeeds(any_store: ObjectStore, before: bytes | None, alike: bool) -> None:
    if before is not None:
        any_store.swap("a", None, before)
    start = Barrier(64)

    def swap(number: int) -> bool:
        start.wait()
        return any_store.swap("a", before, b"0" if alike else str(number).encode())

    with ThreadPoolExecutor(64) as pool:
        won = list(pool.map(swap, range(64)))
    assert won.count(True) == 1
    assert any_store.get("a") == (b"0" if alike else str(won.index(True)).encode())


def test_nothing_is_lost_where_many_add_to_one_object(any_store: ObjectStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: update(any_store, "a", lambda stored: (stored or b"") + bytes([n])), range(24)))
    assert sorted(any_store.get("a")) == list(range(24))


def test_the_landing_zone_shows_files_by_name_and_no_hidden_ones(any_store: ObjectStore) -> None:
    for name in ("b.csv", "a/c.csv", ".DS_Store", ".git/x.csv", "a/.b.csv.part"):
        any_store.put(f"raw/{name}", name.encode())
    any_store.put("daily_series/mazar.parquet", b"")
    lake = Lake(any_store)
    assert [(file.name, file.size) for file in lake.raw.list()] == [("a/c.csv", 7), ("b.csv", 5)]
    assert lake.raw.read("a/c.csv") == b"a/c.csv"


# A folder alone


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
