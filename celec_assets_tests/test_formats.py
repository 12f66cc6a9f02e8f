"""Frames and documents as bytes and back."""

import io

import numpy as np
import pandas as pd
import pytest

from celec_assets.storage import formats
from celec_assets.storage.formats import from_json, from_parquet, read_table, to_json, to_parquet


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": pd.to_datetime(["1940-01-01", "2024-02-29", "2025-12-31"]),
            "flow_m3s": [0.1, np.nan, 1296.0],
            "flow_flag": ["observed", "missing", "Hidrología"],
            "lead_days": pd.array([1, None, 30], dtype="Int16"),
            "sources_disagree": [True, False, False],
        }
    )


def test_a_frame_comes_back_as_it_was_stored() -> None:
    pd.testing.assert_frame_equal(from_parquet(to_parquet(frame())), frame())


def test_a_missing_day_comes_back_missing() -> None:
    days = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", None])})
    pd.testing.assert_frame_equal(from_parquet(to_parquet(days)), days)


def test_the_same_frame_gives_the_same_bytes_whatever_its_index() -> None:
    assert to_parquet(frame()) == to_parquet(frame())
    assert to_parquet(frame().set_axis([7, 5, 3])) == to_parquet(frame())
    assert to_parquet(frame()[::-1]) != to_parquet(frame())


def test_a_frame_that_was_stored_and_loaded_gives_the_same_bytes_again() -> None:
    assert to_parquet(from_parquet(to_parquet(frame()))) == to_parquet(frame())


def test_days_are_plain_dates_in_the_file() -> None:
    assert str(read_table(to_parquet(frame())).schema.field("day").type) == "date32[day]"


def test_a_document_is_readable_json_whose_bytes_do_not_depend_on_the_order_of_its_keys() -> None:
    content = to_json({"b": [1, None], "a": "año"})
    assert content == '{\n "a": "año",\n "b": [\n  1,\n  null\n ]\n}\n'.encode()
    assert content == to_json({"a": "año", "b": [1, None]})
    assert from_json(content) == {"a": "año", "b": [1, None]}


def test_a_document_with_a_value_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"flow": float("nan")})


def test_a_frame_of_another_format_is_refused_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMAT", formats.FORMAT + 1)
    stored = formats.to_parquet(pd.DataFrame({"flow_m3s": [1.0]}))
    monkeypatch.undo()
    with pytest.raises(formats.UnknownFormat, match="stored in format 2, this version reads 1; make it again"):
        formats.from_parquet(stored)


def test_a_frame_from_before_formats_were_numbered_is_read() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"flow_m3s": [1.0]}).to_parquet(buffer)
    assert list(formats.from_parquet(buffer.getvalue())["flow_m3s"]) == [1.0]
